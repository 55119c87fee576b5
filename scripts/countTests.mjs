// Reads what `npm test` or `npm run test:long` printed (a file, the argument) and prints "PASSED FAILED": all tests, of both kinds. Exits 1, with
// the reason, unless every part ran and its counts can be read beyond doubt.
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

const PART = /^== tests: (.+)$/m;

/** The number in the one line of a part that matches; `missing` when none does; an error when several do. */
function only(part, pattern, missing) {
  const found = part.lines.map((line) => pattern.exec(line)).filter((match) => match !== null);
  if (found.length > 1) throw new Error(`${part.name}: ${found.length} lines look like ${pattern}`);
  if (found.length === 0 && missing === undefined) throw new Error(`${part.name}: no line looks like ${pattern}`);
  return found.length === 0 ? missing : Number(found[0][1]);
}

try {
  const [, ...told] = stripVTControlCharacters(readFileSync(process.argv[2], "utf8")).split(PART);
  const parts = told.flatMap((text, index) =>
    index % 2 === 0 ? [{ name: text, lines: told[index + 1].split(/\r?\n/) }] : [],
  );
  const of = (kind) => parts.filter(({ name }) => name.startsWith(kind)).length;
  const kind = of("long") > 0 ? "long" : "mocha";
  if (of("solidity") !== (kind === "long" ? 0 : 1)) throw new Error(`${of("solidity")} parts of Solidity tests`);
  const wanted = Number(/ of (\d+)$/.exec(parts.find(({ name }) => name.startsWith(kind))?.name ?? "")?.[1]);
  if (of(kind) !== wanted) throw new Error(`${of(kind)} of ${wanted} parts of ${kind} tests`);
  if (parts.length !== of("solidity") + wanted) throw new Error(`${parts.length} parts, of more than one kind`);
  let [passed, failed] = [0, 0];
  for (const part of parts) {
    passed += only(part, /^ {2}(\d+) passing(?: \(.*)?$/);
    failed += only(part, /^ {2}(\d+) failing(?: \(.*)?$/, 0);
    const skipped = only(part, /^ {2}(\d+) pending$/, 0) + only(part, /^ {2}(\d+) skipped(?: \(.*)?$/, 0);
    if (skipped > 0) throw new Error(`${part.name}: ${skipped} tests were skipped`);
  }
  console.log(passed, failed);
} catch (error) {
  console.error(`tests cannot be counted: ${error.message}`);
  process.exitCode = 1;
}
