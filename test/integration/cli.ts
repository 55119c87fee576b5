import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { answerNo, fail, NotANumberError, print, setJson, UsageError } from "../../src/cli/output.ts";
import { buildProgram, leavesOf } from "../../src/cli/program.ts";

const BALLAST = fileURLToPath(new URL("../../scripts/ballast.mjs", import.meta.url));

function ballast(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BALLAST, ...args], { encoding: "utf8" });
  return { code: status, stdout, stderr };
}

describe("ballast, the command line", () => {
  // After an edit to a contract the first run compiles, and says so.
  before(() => void ballast("--version"));

  it("prints its version and nothing else", () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    expect(ballast("--version")).to.deep.equal({ code: 0, stdout: `${manifest.version}\n`, stderr: "" });
  });

  it("shows help on standard output and exits 0", () => {
    const { code, stdout, stderr } = ballast("--help");
    expect(code).to.equal(0);
    expect(stdout)
      .to.match(/^Usage: ballast /)
      .and.to.contain("Exit codes: 0 yes, 1 no");
    expect(stderr).to.equal("");
  });

  for (const args of [["no-such-command"], ["--no-such-option"]]) {
    it(`exits 2 on wrong usage, answering nothing: ${args.join(" ")}`, () => {
      const { code, stdout, stderr } = ballast(...args);
      expect(code).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr).to.match(/^UsageError: .+; see --help\n$/);
    });
  }

  it("answers wrong usage in JSON when asked for JSON", () => {
    const { code, stdout } = ballast("no-such-command", "--json");
    expect(code).to.equal(2);
    expect(JSON.parse(stdout)).to.have.nested.property("error.name", "UsageError");
  });

  it("gives every command a description, examples and --json", async () => {
    for (const command of leavesOf(await buildProgram())) {
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(command.description(), command.name()).not.to.equal("");
      expect(help, command.name()).to.contain("--json").and.to.contain("\nExamples:\n  $ ballast ");
    }
  });
});

describe("output", () => {
  afterEach(() => {
    setJson(false);
    process.exitCode = undefined;
  });

  it("prints the text, or the JSON with bigints as decimal strings", () => {
    expect(captured(() => print("one unit", { amount: 10n ** 18n })).stdout).to.equal("one unit\n");
    setJson(true);
    const { stdout } = captured(() => print("one unit", { amount: 10n ** 18n }));
    expect(JSON.parse(stdout)).to.deep.equal({ amount: "1000000000000000000" });
  });

  it("reports a failure by its name and exits 1, a wrong usage 2", () => {
    expect(captured(() => fail(new RangeError("too far"))).stderr).to.equal("RangeError: too far\n");
    expect(process.exitCode).to.equal(1);
    captured(() => fail(new UsageError("no such thing")));
    expect(process.exitCode).to.equal(2);
  });

  it("puts the failure on standard output too when that is JSON", () => {
    setJson(true);
    const { stdout } = captured(() => fail(new RangeError("too far")));
    expect(JSON.parse(stdout)).to.deep.equal({ error: { name: "RangeError", message: "too far" } });
  });

  it("names what the system refuses about a file, and says how to mend it", async () => {
    const refused: unknown = await readFile("/no-such-folder/model.json").catch((error: unknown) => error);
    expect(captured(() => fail(refused)).stderr).to.match(
      /^FileAccessError: .*'\/no-such-folder\/model\.json'\. Give a path/,
    );
  });

  it("never prints NaN, nor null in its place", () => {
    for (const json of [false, true]) {
      setJson(json);
      expect(() => captured(() => print("NaN", { rows: 3, last: [{ ema12: NaN }] }))).to.throw(
        NotANumberError,
        "ema12",
      );
    }
  });

  it("answers no with exit 1", () => {
    answerNo();
    expect(process.exitCode).to.equal(1);
  });
});

/** What `act`, which must be synchronous, writes to standard output and standard error. */
function captured(act: () => void): { stdout: string; stderr: string } {
  const written = { stdout: "", stderr: "" };
  const streams = ["stdout", "stderr"] as const;
  // The method is the prototype's: an own property shadows it, and deleting that brings it back.
  for (const name of streams) {
    Object.assign(process[name], { write: (chunk: unknown) => ((written[name] += String(chunk)), true) });
  }
  try {
    act();
  } finally {
    for (const name of streams) Reflect.deleteProperty(process[name], "write");
  }
  return written;
}
