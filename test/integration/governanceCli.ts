import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Contract, Wallet, toBeHex, zeroPadValue } from "ethers";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { safeAbi } from "../../deploy/devnet/safe.ts";
import { verify } from "../../src/keeper/verify.ts";
import { canonicalJson } from "../../src/plan/canonicalJson.ts";
import { parseDeployment } from "../../src/plan/deployment.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { evidenceHash } from "../../src/plan/evidence.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import { createPacket, parsePacket } from "../../src/safe/packet.ts";
import { writePacket } from "../../src/safe/packetFile.ts";
import { SafeService } from "../../src/safe/service.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { ReplayFeed__factory, VaultLens__factory } from "../../typechain-types/index.js";
import { ballast, ballastJson, startDevnet } from "../helpers/ballast.ts";
import type { Devnet, Finished } from "../helpers/ballast.ts";
import { serveChain } from "../helpers/serveChain.ts";
import { startTransactionService } from "../support/transactionService/server.ts";

const HOUR = 3_600;

describe("ballast with a review guard", () => {
  let folder: string;
  let devnet: Devnet;
  let deploymentFile: string;
  let deployment: Deployment;
  let snapshot: string;
  let packet: string;
  let out: string;
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
    out = join(folder, `proposals-${rounds++}`);
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

  it("verifies what is announced from the chain's own log, on a node without old state too", async () => {
    const evidence = ["--evidence", out, "--deployment", deploymentFile];
    const announced = await ballastJson(["announce", packet, ...rpc(), ...key("owner1")]);
    const { key: announcement } = announced.json["call"] as { key: string };
    await later(600);
    const forgetful = await serveChain({ request: withoutHistory });
    try {
      const calls = [
        ["--announcement", announcement, ...rpc(), ...evidence],
        ["--announcement", announced.json["transactionHash"] as string, ...rpc(), ...evidence],
        ["--announcement", announcement, "--safe", deployment.safe, ...rpc(), "--evidence", out],
        ["--announcement", announcement, "--rpc", forgetful.url, ...evidence],
      ];
      for (const args of calls) {
        const { code, json, stderr } = await ballastJson(["verify", ...args]);
        expect(code, stderr + JSON.stringify(json["cause"])).to.equal(0);
        const checks = json["checks"] as { name: string; outcome: string; detail: string }[];
        const detail = (name: string): string => checks.find((check) => check.name === name)!.detail;
        expect(detail("announcement")).to.include(deployment.guard);
        // Ready by now: the guard is on in the simulation, and lets it through.
        expect(detail("simulation")).to.include("its guard on");
        if (args.includes(forgetful.url))
          expect(detail("evidence: positions")).to.include("at its announcement, block");
      }
      // What the log says of the vault counts, and not what it became since.
      const lying = await serveChain({
        request: async <T>(method: string, params?: unknown[]) => {
          const answer = await withoutHistory<T>(method, params);
          if (method !== "eth_getTransactionReceipt" || answer === null) return answer;
          const text = JSON.stringify(answer);
          const cash = zeroPadValue(toBeHex((await lensOf().snapshot()).cash), 32).slice(2);
          return JSON.parse(text.replaceAll(cash, "0".repeat(63) + "1")) as T;
        },
      });
      try {
        const other = await ballastJson(["verify", "--announcement", announcement, "--rpc", lying.url, ...evidence]);
        expect(other.json, JSON.stringify(other.json["cause"])).to.have.nested.property(
          "cause.name",
          "evidence: positions",
        );
      } finally {
        lying.close();
      }
    } finally {
      forgetful.close();
    }

    const none = `0x${"12".repeat(32)}`;
    for (const [name, says, args] of [
      ["AnnouncementUnavailable", "nothing of that key", ["--announcement", none, ...evidence]],
      ["AnnouncementUnavailable", "no review guard", ["--announcement", none, "--safe", deployment.vault]],
      ["EvidenceUnavailable", "no --evidence given", ["--announcement", announcement, "--deployment", deploymentFile]],
      [
        "EvidenceUnavailable",
        "ENOENT",
        ["--announcement", announcement, "--safe", deployment.safe, "--evidence", "no"],
      ],
    ] as const) {
      refused(await ballast(["verify", ...args, ...rpc()]), name, says);
    }

    await signedBy("owner1", "owner3");
    expect((await ballast(["execute", packet, ...rpc(), ...key("executor")])).code).to.equal(0);
    const used = await ballastJson(["verify", "--announcement", announcement, ...rpc(), ...evidence]);
    expect(used.json).to.have.nested.property("cause.detail", "the plan's nonce was already executed");
  });

  it("believes only the log of this software's guard, with the lens that the evidence was read through", async () => {
    const { provider } = devnet;
    const honest = parsePacket(await readFile(packet, "utf8"));
    const announced = { guard: deployment.guard!, key: `0x${"1".repeat(64)}`, blockNumber: 1, snapshot: null };
    const evidence = structuredClone(honest.evidence) as Evidence;
    const owner = new Wallet((await readFile(join(folder, "owner1.key"), "utf8")).trim(), provider);
    // As good a lens as the vault's own, at another address.
    const lens = await new VaultLens__factory(owner).deploy(deployment.rebalancer);
    evidence.contracts.lens = await lens.getAddress();
    const plan = { ...(honest.plan as Plan), evidence: evidenceHash(evidence) };
    const safeTx = { ...honest.safeTx, data: encodePlan(plan) };
    const other = createPacket({ ...honest, safeTx, plan, evidence });
    const byOther = await verify({ provider, packet: other, announced });
    expect(byOther.cause).to.include({ name: "announcement" });
    expect(byOther.cause!.detail).to.include(`the evidence names ${evidence.contracts.lens}`);

    const code = await provider.getCode(deployment.guard!);
    await provider.send("hardhat_setCode", [deployment.guard!, `${code}00`]);
    const byFalse = await verify({ provider, packet: honest, deployment, announced });
    expect(byFalse.cause!.detail).to.include("is not this software's review guard");
  });

  it("verifies what is pending at a service, its evidence found by hash or read from the chain again", async () => {
    const server = await startTransactionService({ provider: devnet.provider });
    try {
      const service = new SafeService({ url: server.url, chainId: deployment.chainId });
      const owner = new Wallet((await readFile(join(folder, "owner1.key"), "utf8")).trim());
      const keeper = new Wallet((await readFile(join(folder, "keeper.key"), "utf8")).trim());
      await service.addDelegate(deployment.safe, keeper.address, owner, "keeper");
      const own = ["--deployment", deploymentFile];
      const proposed = await ballastJson([
        ...["keeper", "once", ...rpc(), ...own, "--out", `${out}-service`, ...key("keeper")],
        ...["--via", "service", "--service", server.url],
      ]);
      const hash = proposed.json["safeTxHash"] as string;
      const at = ["--hash", hash, "--service", server.url, ...rpc()];
      await service.confirm(hash, owner.signingKey.sign(hash).serialized);
      await later(60);
      for (const args of [
        [...at, ...own],
        [...at, "--evidence", `${out}-service`],
        [...at, ...own, "--evidence", folder],
      ]) {
        const { code, json, stderr } = await ballastJson(["verify", ...args]);
        expect(code, stderr + JSON.stringify(json["cause"])).to.equal(0);
        expect(json).to.deep.include({ safeTxHash: hash, signatures: [{ owner: owner.address, kind: "eip712" }] });
      }
      for (const [name, says, args] of [
        ["EvidenceUnavailable", "needs --deployment", at],
        ["ProposalUnknown", "no transaction", ["--hash", `0x${"12".repeat(32)}`, "--service", server.url, ...rpc()]],
        ["ServiceUnavailable", "cannot be reached", ["--hash", hash, "--service", "http://127.0.0.1:1/api", ...rpc()]],
      ] as const) {
        refused(await ballast(["verify", ...args]), name, says);
      }
      // Without old state the evidence cannot be read again, and a place that has other bytes does not help.
      const forgetful = await serveChain({ request: withoutHistory });
      const { evidenceHash: hashOf } = parsePacket(await readFile(packet, "utf8"));
      await writeFile(join(folder, `${hashOf}.json`), "{}");
      try {
        const args = ["--hash", hash, "--service", server.url, "--rpc", forgetful.url, ...own, "--evidence", folder];
        const { code, stderr } = await ballast(["verify", ...args]);
        expect(code).to.equal(1);
        expect(stderr).to.match(/EvidenceUnavailable: .* holds bytes that hash to 0x.*; at block \d+: the RPC did not/);
      } finally {
        forgetful.close();
      }
      // An origin that lies about the block names other evidence, which is not the plan's.
      const { safeTx, safe } = parsePacket(await readFile(packet, "utf8"));
      const origin = canonicalJson({ name: "Ballast", evidence: hashOf, block: 3, scope: "full" });
      const next = { ...safeTx, nonce: (BigInt(safeTx.nonce) + 1n).toString() };
      const { safeTxHash } = await service.propose({ safe, safeTx: next, signer: keeper, origin });
      const misled = ["--hash", safeTxHash, "--service", server.url, ...rpc(), ...own];
      refused(await ballast(["verify", ...misled]), "EvidenceUnavailable", "at block 3");
    } finally {
      await server.close();
    }
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

  /** The devnet as a node that keeps no state but the newest block's. */
  async function withoutHistory<T>(method: string, params: unknown[] = []): Promise<T> {
    const block = String(params[1]);
    const isOld = block.startsWith("0x") && BigInt(block) < BigInt(await devnet.provider.getBlockNumber());
    if (method === "eth_call" && isOld) throw Object.assign(new HeaderNotFound(), { code: -32000 });
    return devnet.provider.send(method, params) as Promise<T>;
  }

  function lensOf() {
    return VaultLens__factory.connect(deployment.lens, devnet.provider);
  }

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

class HeaderNotFound extends Error {
  constructor() {
    super("missing trie node: this node keeps no state of that block");
    this.name = "HeaderNotFound";
  }
}
