import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Contract, getAddress } from "ethers";
import type { Eip1193Provider } from "ethers";
import { LocalChain } from "../../deploy/devnet/chain.ts";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { CLOSE_SECONDS, seedRegimeOracle } from "../../deploy/devnet/feeds.ts";
import { advanceRegime } from "../../src/keeper/advance.ts";
import { AccessManager__factory, AttestedFeed__factory, RegimeOracle__factory } from "../../typechain-types/index.js";
import { ballast, ballastJson, startDevnet } from "../helpers/ballast.ts";
import type { Devnet, Finished } from "../helpers/ballast.ts";
import { HISTORY } from "../helpers/vaultScene.ts";

const DAY = 86_400;
const MINUTE = 60;
const REPORTERS: AccountName[] = ["owner1", "owner2", "owner3", "maker", "executor"];

describe("ballast reporter", () => {
  let folder: string;
  let devnet: Devnet;
  let chain: LocalChain;
  let oracle: Contract;
  let vix: string;
  let vix3m: string;
  let day: number;
  let closeAt: number;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-reporter-"));
    devnet = await startDevnet(folder);
    const eip1193: Eip1193Provider = {
      request: ({ method, params }) => devnet.provider.send(method, (params ?? []) as unknown[]),
    };
    chain = new LocalChain(eip1193);
    const addresses = JSON.parse(await readFile(join(folder, "devnet.json"), "utf8")) as {
      addresses: Record<string, string>;
    };
    const manager = await chain.deploy(AccessManager__factory, [chain.address("deployer")]);
    const feed = async (description: string, greaterIsDefensive: boolean): Promise<string> => {
      const reporters = REPORTERS.map((name) => chain.address(name));
      const range = { least: 4n * 10n ** 8n, greatest: 200n * 10n ** 8n };
      const rules = { threshold: 4, closeDelay: 10 * MINUTE, maxLag: 120 * MINUTE, maxEaseBps: 3_500 };
      const args = [await manager.getAddress(), description, 8, greaterIsDefensive, range, reporters, rules];
      return (await chain.deploy(AttestedFeed__factory, args)).getAddress();
    };
    vix = await feed("VIX close", true);
    vix3m = await feed("VIX3M close", false);
    oracle = await chain.deploy(RegimeOracle__factory, [
      await manager.getAddress(),
      vix,
      vix3m,
      addresses.addresses["ethUsdFeed"],
      12 * 60 * MINUTE,
      2_000,
    ]);
    await seedRegimeOracle(chain, oracle, HISTORY);
    day = Number(await oracle.getFunction("nextSessionDay")());
    closeAt = day * DAY + CLOSE_SECONDS;
    await chain.warpTo(closeAt);
  });
  after(async () => {
    await devnet.stop("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  it("signs, relays and closes a session's VIX and VIX3M, and the regime follows", async () => {
    const files = await observations(vix, ["27.10", "27.10", "27.2", "26.9"]);
    const early = await ballast(["reporter", "close", ...feedAt(vix), ...observedAt(), ...key("keeper")]);
    refused(early, "CallRefused", "TooFewReports");

    const three = await ballastJson(["reporter", "submit", ...files.slice(0, 3), ...rpc(), ...key("keeper")]);
    expect(three.json, three.stderr).to.include({ reports: 3, threshold: 4, reporters: 5, closableAt: null });
    // The first is in already, and passed over.
    const four = await ballast(["reporter", "submit", files[0]!, files[3]!, ...rpc(), ...key("attacker")]);
    expect(four.stdout).to.contain("4 of 5 have reported").and.to.contain("it can be closed from");
    refused(
      await ballast(["reporter", "close", ...feedAt(vix), ...observedAt(), ...key("keeper")]),
      "CallRefused",
      "StillOpen",
    );
    await chain.warpTo((await chain.now()) + 10 * MINUTE);
    const closed = await ballastJson(["reporter", "close", ...feedAt(vix), ...observedAt(), ...key("attacker")]);
    expect(closed.json, closed.stderr).to.include({ round: "1", answer: "2710000000", median: "2710000000" });

    // With all five nobody has to wait.
    const all = await observations(vix3m, ["28", "28", "28", "28", "28.5"]);
    await ballast(["reporter", "submit", ...all, ...rpc(), ...key("keeper")]);
    const status = await ballast(["reporter", "status", ...feedAt(vix3m), ...observedAt()]);
    expect(status.stdout)
      .to.contain("VIX3M close")
      .and.to.contain("No round yet")
      .and.to.contain("5 of 5 have reported");
    const second = await ballast(["reporter", "close", ...feedAt(vix3m), ...observedAt(), ...key("keeper")]);
    expect(second.stdout).to.match(/^Round 1 of VIX3M close: 28\.0, in 0x/);

    await chain.warpTo((day + 1) * DAY);
    expect(await advanceRegime(chain.provider, await oracle.getAddress(), await chain.signer("keeper"))).to.deep.equal([
      day,
    ]);
    expect(await oracle.getFunction("regime")(), "above 25: Stress at once").to.equal(2n);
    const [session] = (await oracle.getFunction("sessions")(await count(), 1)) as { vix: bigint; vix3m: bigint }[];
    expect([session?.vix, session?.vix3m]).to.deep.equal([2_710_000_000n, 2_800_000_000n]);

    const after = await ballastJson(["reporter", "status", ...feedAt(vix)]);
    expect(after.json["last"]).to.deep.include({ round: 1, answer: "2710000000", observedAt: closeAt });
    const late = ["sign", ...feedAt(vix), "--answer", "27.1", ...observedAt(), "--out", folder, ...key("owner1")];
    const again = await ballast(["reporter", ...late]);
    expect([again.code, again.stderr]).to.satisfy(
      () => again.code === 2 && again.stderr.includes("is not after the last round's"),
    );
  });

  describe("refuses", () => {
    const sign = (more: string[], who: AccountName = "owner1", out = "refused"): Promise<Finished> =>
      ballast(["reporter", "sign", ...rpc(), ...more, "--out", join(folder, out), ...key(who)]);
    const at = (): string[] => ["--observed-at", String(closeAt + 3 * DAY)];

    before(async () => {
      await chain.warpTo(closeAt + 3 * DAY);
    });

    it("a key that is no reporter's, and a contract that is no feed", async () => {
      const strangers = await sign(["--feed", vix, "--answer", "16.05", ...at()], "attacker");
      refused(strangers, "NotAReporter", chain.address("attacker"));
      const other = getAddress(await oracle.getAddress());
      refused(await sign(["--feed", other, "--answer", "16.05", ...at()]), "NotAnAttestedFeed", other);
    });

    it("a second observation of a day by the same key, and takes the same one again", async () => {
      const first = await sign(["--feed", vix, "--answer", "16.05", ...at()], "owner2", "twice");
      expect(first.code, first.stderr).to.equal(0);
      expect((await sign(["--feed", vix, "--answer", "16.05", ...at()], "owner2", "twice")).code).to.equal(0);
      refused(
        await sign(["--feed", vix, "--answer", "16.06", ...at()], "owner2", "twice"),
        "SignedAlready",
        "1605000000",
      );
    });

    it("a file that was changed, and files of different times", async () => {
      const path = join(folder, "forged.observation.json");
      await sign(["--feed", vix, "--answer", "16.05", ...at()], "owner3", "forged");
      const [name] = await readdir(join(folder, "forged"));
      const text = await readFile(join(folder, "forged", name!), "utf8");
      await writeFile(path, text.replace("1605000000", "1505000000"));
      refused(await ballast(["reporter", "submit", path, ...rpc(), ...key("keeper")]), "ObservationError", "made by");
      await writeFile(path, "{");
      refused(await ballast(["reporter", "submit", path, ...rpc(), ...key("keeper")]), "ObservationError", "not JSON");

      await sign(["--feed", vix, "--answer", "16", "--observed-at", String(closeAt + 2 * DAY)], "maker", "older");
      const [older] = await readdir(join(folder, "older"));
      const both = [join(folder, "forged", name!), join(folder, "older", older!)];
      const mixed = await ballast(["reporter", "submit", ...both, ...rpc(), ...key("keeper")]);
      expect([mixed.code, mixed.stderr]).to.satisfy(() => mixed.code === 2 && mixed.stderr.includes("observedAt"));
    });

    it("numbers and times that make no sense, as wrong usage", async () => {
      for (const [says, more] of [
        ["--answer sixteen", ["--feed", vix, "--answer", "sixteen", ...at()]],
        ["outside what the feed takes, 4.0 to 200.0", ["--feed", vix, "--answer", "1605", ...at()]],
        ["--observed-at yesterday", ["--feed", vix, "--answer", "16", "--observed-at", "yesterday"]],
        ["no UTC time", ["--feed", vix, "--answer", "16", "--observed-at", "2030-02-04T21:15:00"]],
        ["in the chain's future", ["--feed", vix, "--answer", "16", "--observed-at", String(closeAt + 9 * DAY)]],
        ["--feed 0x12", ["--feed", "0x12", "--answer", "16", ...at()]],
      ] as const) {
        const { code, stderr } = await sign([...more]);
        expect([code, stderr]).to.satisfy(() => code === 2 && stderr.includes(says), `${says}: ${stderr}`);
      }
    });
  });

  function rpc(): string[] {
    return ["--rpc", devnet.url];
  }

  function feedAt(feed: string): string[] {
    return [...rpc(), "--feed", feed];
  }

  function observedAt(): string[] {
    return ["--observed-at", new Date(closeAt * 1000).toISOString()];
  }

  function key(name: AccountName): string[] {
    return ["--key-file", join(folder, `${name}.key`)];
  }

  /** Each reporter's file, in the reporters' order. */
  async function observations(feed: string, answers: string[]): Promise<string[]> {
    const files: string[] = [];
    for (const [index, answer] of answers.entries()) {
      const args = ["--answer", answer, ...observedAt(), "--out", join(folder, "signed"), ...key(REPORTERS[index]!)];
      const signed = await ballastJson(["reporter", "sign", ...feedAt(feed), ...args]);
      expect(signed.code, signed.stderr).to.equal(0);
      files.push(signed.json["file"] as string);
    }
    return files;
  }

  async function count(): Promise<bigint> {
    return ((await oracle.getFunction("sessionCount")()) as bigint) - 1n;
  }
});

/** Exit 1, nothing on standard output, and an error of this name that says this. */
function refused({ code, stdout, stderr }: Finished, name: string, says: string): void {
  expect(stderr)
    .to.match(new RegExp(`^(?:.*\\n)*${name}: `))
    .and.to.contain(says);
  expect([code, stdout], name).to.deep.equal([1, ""]);
}
