import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Contract, Wallet } from "ethers";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { safeAbi } from "../../deploy/devnet/safe.ts";
import { parseDeployment } from "../../src/plan/deployment.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import { createPacket } from "../../src/safe/packet.ts";
import { writePacket } from "../../src/safe/packetFile.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { ReplayFeed__factory } from "../../typechain-types/index.js";
import { ballast, ballastJson, startDevnet } from "../helpers/ballast.ts";
import type { Devnet, Finished } from "../helpers/ballast.ts";

const HOUR = 3_600;

describe("ballast with a review guard", () => {
  let folder: string;
  let devnet: Devnet;
  let deploymentFile: string;
  let deployment: Deployment;
  let snapshot: string;
  let packet: string;
  let rounds = 0;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-guard-"));
    devnet = await startDevnet(folder, ["--guard"]);
    deploymentFile = join(folder, "deployment.json");
    deployment = parseDeployment(await readFile(deploymentFile, "utf8"), deploymentFile);
    // Votes count as they stood a day before the announcement.
    await later(25 * HOUR);
    const { addresses } = JSON.parse(await readFile(join(folder, "devnet.json"), "utf8")) as {
      addresses: Record<string, string>;
    };
    const market = new Wallet((await readFile(join(folder, "market.key"), "utf8")).trim(), devnet.provider);
    for (const name of ["ethUsdFeed", "usdcUsdFeed"]) {
      const feed = ReplayFeed__factory.connect(addresses[name]!, market);
      const [, answer] = await feed.latestRoundData();
      await (await feed.push(answer)).wait();
    }
  });
  after(async () => {
    await devnet.stop("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    snapshot = (await devnet.provider.send("evm_snapshot", [])) as string;
    const out = join(folder, `proposals-${rounds++}`);
    const proposed = await ballastJson(["keeper", "once", ...rpc(), "--deployment", deploymentFile, "--out", out]);
    expect(proposed.json["code"], proposed.stderr).to.equal("PROPOSED");
    packet = join(
      out,
      (await readdir(out)).find((name) => name.endsWith(".packet.json"))!,
    );
  });
  afterEach(() => devnet.provider.send("evm_revert", [snapshot]));

  it("announces a plan, waits, and executes it; before that it is said what it waits for", async () => {
    expect((await verified()).review).to.include({ state: "not announced" });
    refused(await ballast(["execute", packet, ...rpc(), ...key("executor")]), "NotEnoughSignatures", "0 of 2");
    await signedBy("owner1", "owner3");
    refused(await ballast(["execute", packet, ...rpc(), ...key("executor")]), "HeldByReviewGuard", "not announced");

    refused(await ballast(["announce", packet, ...rpc(), ...key("attacker")]), "CallRefused", "NotAProposer");
    const announced = await ballast(["announce", "--packet", packet, ...rpc(), ...key("keeper")]);
    expect(announced.code, announced.stderr).to.equal(0);
    expect(announced.stdout).to.match(/^Announced as plan in 0x/);
    expect(announced.stdout).to.contain("It waits 10 min and may run from 2030-02-05T").and.to.contain("ballast veto");
    const again = await ballastJson(["announce", packet, ...rpc(), ...key("owner1")]);
    expect(again.json).to.include({ announced: false, state: "waiting", transactionHash: null });

    refused(
      await ballast(["execute", packet, ...rpc(), ...key("executor")]),
      "HeldByReviewGuard",
      "window is open until 2030-02-05T",
    );
    const { review, checks } = await verified();
    expect(review).to.include({ state: "waiting" });
    expect(checks.find(({ name }) => name === "review")?.outcome).to.equal("not checked");

    await later(600);
    expect((await verified()).review).to.include({ state: "ready" });
    const executed = await ballastJson(["execute", packet, ...rpc(), ...key("executor")]);
    expect(executed.json["executed"], executed.stderr).to.equal(true);
    refused(await ballast(["execute", packet, ...rpc(), ...key("executor")]), "NonceTaken", "executed");
  });

  it("stops a plan by a shareholder's vote, and says so to whoever would sign or execute it", async () => {
    refused(await ballast(["veto", packet, ...rpc()]), "NothingToVeto", "not announced");
    await signedBy("owner1", "owner3");
    await ballast(["announce", packet, ...rpc(), ...key("owner2")]);
    const standing = await ballast(["veto", packet, ...rpc()]);
    expect(standing.stdout).to.contain("Against it: 0 of the 1,000,000 votes that stop it (0 %)\nTime left: ");
    refused(await ballast(["veto", packet, ...rpc(), ...key("attacker")]), "CallRefused", "CannotVote");

    const voted = await ballastJson(["veto", "--packet", packet, ...rpc(), ...key("depositor")]);
    expect(voted.json, voted.stderr).to.include({ voted: true, state: "stopped" });
    refused(await ballast(["veto", packet, ...rpc(), ...key("depositor")]), "NothingToVeto", "shareholders stopped it");

    const verdict = await ballastJson(["verify", packet, ...rpc(), "--deployment", deploymentFile]);
    expect(verdict.code).to.equal(1);
    expect(verdict.json["cause"]).to.include({ name: "review" });
    refused(await ballast(["execute", packet, ...rpc(), ...key("executor")]), "HeldByReviewGuard", "stopped it");

    refused(await ballast(["announce", packet, ...rpc(), ...key("owner2")]), "CallRefused", "WindowOpen");
    await later(600);
    const back = await ballastJson(["announce", packet, ...rpc(), ...key("owner2")]);
    expect(back.json, back.stderr).to.include({ announced: true, state: "waiting" });
    const { threshold, votesAgainst } = back.json["call"] as Record<string, string>;
    expect([votesAgainst, BigInt(threshold!) / 10n ** 18n]).to.deep.equal(["0", 2_000_000n]);
  });

  it("announces calls that are no plan, with their own window, and leaves alone what never waits", async () => {
    const other = await packetOf("changeThreshold", [3n]);
    const announced = await ballastJson(["announce", other, ...rpc(), ...key("owner1")]);
    expect(announced.json["call"]).to.include({ class: "other call", window: 1_800 });
    const path = join(folder, "cancel.packet.json");
    await writeOwn(path, "0x");
    const cancel = await ballastJson(["announce", path, ...rpc(), ...key("owner1")]);
    expect(cancel.json).to.include({ announced: false, state: "never waits" });
  });

  it("exits 2 on wrong usage, and names a Safe without a guard", async () => {
    for (const [says, args] of [
      ["packet file is missing", ["announce", ...rpc(), ...key("keeper")]],
      ["given twice", ["veto", packet, "--packet", packet, ...rpc()]],
      ["--key-file", ["announce", packet, ...rpc()]],
    ] as const) {
      const { code, stderr } = await ballast(args);
      expect([code, stderr]).to.satisfy(() => code === 2 && stderr.includes(says), stderr);
    }
    await devnet.provider.send("hardhat_setStorageAt", [
      deployment.safe,
      "0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8",
      `0x${"0".repeat(64)}`,
    ]);
    refused(await ballast(["announce", packet, ...rpc(), ...key("keeper")]), "NoReviewGuard", "has no guard");
    const { review, checks } = await verified();
    expect(review).to.include({ state: "no guard" });
    expect(checks.find(({ name }) => name === "review")?.detail).to.contain("has not set your review guard");
  });

  function rpc(): string[] {
    return ["--rpc", devnet.url];
  }

  function key(name: AccountName): string[] {
    return ["--key-file", join(folder, `${name}.key`)];
  }

  async function later(seconds: number): Promise<void> {
    await devnet.provider.send("evm_increaseTime", [seconds]);
    await devnet.provider.send("evm_mine", []);
  }

  async function verified() {
    const { json, code, stderr } = await ballastJson(["verify", packet, ...rpc(), "--deployment", deploymentFile]);
    expect(code, stderr + JSON.stringify(json["cause"])).to.equal(0);
    return json as { review: Record<string, unknown>; checks: { name: string; outcome: string; detail: string }[] };
  }

  async function signedBy(...owners: AccountName[]): Promise<void> {
    for (const owner of owners) {
      const signed = await ballast(["sign", packet, ...rpc(), "--deployment", deploymentFile, ...key(owner)]);
      expect(signed.code, signed.stderr + signed.stdout).to.equal(0);
    }
  }

  async function packetOf(name: string, args: unknown[]): Promise<string> {
    const path = join(folder, `${name}.packet.json`);
    await writeOwn(path, new Contract(deployment.safe, safeAbi()).interface.encodeFunctionData(name, args));
    return path;
  }

  async function writeOwn(path: string, data: string): Promise<void> {
    const { safe, chainId } = deployment;
    const nonce = (await new Contract(safe, SAFE_INTERFACE, devnet.provider).getFunction("nonce")()) as bigint;
    await writePacket(
      path,
      createPacket({ chainId, safe, safeTx: plainCall(safe, data, nonce), plan: {}, evidence: {} }),
    );
  }
});

/** Exit 1, nothing on standard output, and an error of this name that says this. */
function refused({ code, stdout, stderr }: Finished, name: string, says: string): void {
  expect(stderr)
    .to.match(new RegExp(`^(?:.*\\n)*${name}: `))
    .and.to.contain(says);
  expect([code, stdout], name).to.deep.equal([1, ""]);
}
