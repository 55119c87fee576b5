// Reads what `hardhat test` printed (a file, the argument) and prints "PASSED FAILED": all tests, of both kinds. Exits
// 1, with the reason, unless both kinds ran and their counts can be read beyond doubt.
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

const lines = stripVTControlCharacters(readFileSync(process.argv[2], "utf8")).split(/\r?\n/);

/** The number in the one line that matches; `missing` when none does; an error when several do. */
function only(pattern, missing) {
  const found = lines.map((line) => pattern.exec(line)).filter((match) => match !== null);
  if (found.length > 1) throw new Error(`${found.length} lines look like ${pattern}`);
  if (found.length === 0 && missing === undefined) throw new Error(`no line looks like ${pattern}`);
  return found.length === 0 ? missing : Number(found[0][1]);
}

try {
  // Mocha's own lines: Hardhat's summary counts the tests behind a failed hook as passed.
  const mocha = { passed: only(/^ {2}(\d+) passing \(/), failed: only(/^ {2}(\d+) failing$/, 0) };
  const solidity = {
    passed: only(/^\d+ passing \(.*?(\d+) solidity/),
    failed: only(/^\d+ failing \(.*?(\d+) solidity/, 0),
  };
  const skipped = only(/^ {2}(\d+) pending$/, 0) + only(/^(\d+) skipped \(/, 0);
  if (skipped > 0) throw new Error(`${skipped} tests were skipped`);
  console.log(mocha.passed + solidity.passed, mocha.failed + solidity.failed);
} catch (error) {
  console.error(`tests cannot be counted: ${error.message}`);
  process.exitCode = 1;
}
