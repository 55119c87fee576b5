import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";

/** Each custom error as `path Name(type name, …)`, as the contracts have it and as docs/errors.md has it. */
function inContracts(): string[] {
  const files = readdirSync("contracts", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sol"));
  return files.flatMap((file) => {
    const text = readFileSync(`contracts/${file}`, "utf8");
    return [...text.matchAll(/^\s*error (\w+\([^)]*\));/gm)].map(
      ([, error]) =>
        `${file.slice(0, -".sol".length)} ${error!.replace(/\s+/g, " ").replace("( ", "(").replace(" )", ")")}`,
    );
  });
}

function inDocs(): { place: string; why: string; mend: string }[] {
  let file = "";
  return readFileSync("docs/errors.md", "utf8")
    .split("\n")
    .flatMap((line) => {
      file = /^## `(.+)`$/.exec(line)?.[1] ?? file;
      const row = /^\| `(\w+\(.*\))` +\| (.*?) +\| (.*?) +\|$/.exec(line);
      return row === null ? [] : [{ place: `${file} ${row[1]!}`, why: row[2]!, mend: row[3]! }];
    });
}

describe("Error codes", () => {
  it("are all in docs/errors.md, under their file: a new error needs a row, a removed one leaves", () => {
    const errors = inContracts();
    expect(errors).to.have.length.above(50);
    expect(inDocs().map(({ place }) => place)).to.have.members(errors);
  });

  it("each say why and how to mend it", () => {
    for (const { place, why, mend } of inDocs()) {
      expect(why, place).to.match(/^[A-Z].+\.$/);
      expect(mend, place).to.match(/^[A-Z].{10,}\.$/);
    }
  });
});

describe("Threat model", () => {
  const FOLDERS = { ".t.sol": "test/contracts", ".ts": "test/integration" } as const;

  it("names tests that exist", () => {
    const text = readFileSync("docs/threat-model.md", "utf8");
    const cited = [...text.matchAll(/`([\w/]+)(\.t\.sol|\.ts)`((?: "[^"]*",?)+)/g)];
    expect(cited.length).to.be.above(25);
    for (const [, name, ending, titles] of cited) {
      const test = readFileSync(`${FOLDERS[ending as keyof typeof FOLDERS]}/${name!}${ending!}`, "utf8");
      for (const [, title] of titles!.matchAll(/"([^"]*)"/g)) expect(test, `${name!}${ending!}`).to.include(title!);
    }
  });
});
