import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { AbiCoder, BrowserProvider, Interface, ZeroAddress, concat, dataLength, keccak256, toBeHex } from "ethers";
import type { Eip1193Provider, JsonRpcApiProvider } from "ethers";
import { safeAbi } from "../../deploy/devnet/safe.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import { verify } from "../../src/keeper/verify.ts";
import type { Verdict, VerifyRequest } from "../../src/keeper/verify.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { GUARD_SLOT, SENTINEL } from "../../src/safe/guards.ts";
import { packetText } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { decideNow, forge, withoutHistory } from "../helpers/forge.ts";
import { FORGED_KINDS } from "../helpers/forgedKinds.ts";
import type { Forger } from "../helpers/forgedKinds.ts";
import { serveChain } from "../helpers/serveChain.ts";
import { undone } from "../helpers/undone.ts";
import {
  closeNextSession,
  deposit,
  marketAt,
  newRounds,
  openPositions,
  usdc,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const SAFE = new Interface(safeAbi());

describe("Each kind of forged proposal", () => {
  let scene: VaultScene;
  let at: Forger;
  let clean: Packet;
  let forged: Packet[];
  /** An honest proposal of a deposit that has left again. */
  let overtaken: Verdict;

  before(async () => {
    scene = await vaultScene([
      { name: "hedged", policy: DEFAULT_POLICY, deposit: 5_000_000 },
      { name: "other", policy: DEFAULT_POLICY, deposit: 1_000_000 },
    ]);
    await openPositions(scene);
    await closeNextSession(scene, 13, 15);
    await deposit(scene, "maker", usdc(2_000_000));
    const stale = await decideNow(scene);
    overtaken = await undone(scene.chain, async () => {
      const [vault, maker] = [scene.contracts.vault, scene.chain.address("maker")];
      const packet = await forge(scene, {}, stale);
      await newRounds(scene);
      await scene.chain.send(
        "maker",
        await vault.redeemInstantly.populateTransaction(await vault.balanceOf(maker), 0n, maker, maker),
      );
      return verdictOn(packet);
    });
    await newRounds(scene, 2_812);
    await closeNextSession(scene, 28, 27);
    const block = (await scene.chain.provider.getBlock("latest"))!;
    await marketAt(scene, 2_780);
    await scene.keep();
    const earlier = { source: "CHAIN" as const, number: block.number, hash: block.hash!, timestamp: block.timestamp };
    at = { scene, honest: await decideNow(scene), stale, earlier };
    clean = await forge(scene, {}, at.honest);
    forged = await Promise.all(
      FORGED_KINDS.map(async ({ forgery, from }) =>
        forge(scene, await forgery(at), from === undefined ? at.honest : at.stale),
      ),
    );
  });
  afterEach(() => scene.reset());

  for (const [index, { what, check }] of FORGED_KINDS.entries()) {
    it(`${what}: named by "${check}"`, async () => {
      const verdict = await verdictOn(forged[index]!);
      expect(verdict.ok, "not caught").to.equal(false);
      expect(verdict.cause!.name, verdict.cause!.detail).to.equal(check);
    });
  }

  it("is in the members' page, with the check that names it, and nothing else is", async () => {
    const page = await readFile("docs/members.md", "utf8");
    const rows = [...page.matchAll(/^\| (.+?) +\| `(.+?)` +\|$/gm)].map(([, what, check]) => [what, check]);
    expect(FORGED_KINDS).to.have.length.above(20);
    expect(rows).to.deep.equal(FORGED_KINDS.map(({ what, check }) => [what, check]));
  });

  describe("on the command line", () => {
    let folder: string;
    let deploymentFile: string;
    let served: { url: string; close: () => void };

    before(async () => {
      served = await serveChain(scene.chain);
      folder = await mkdtemp(join(tmpdir(), "ballast-forged-"));
      deploymentFile = join(folder, "deployment.json");
      await writeFile(deploymentFile, JSON.stringify(scene.deployment));
    });
    after(async () => {
      served.close();
      await rm(folder, { recursive: true, force: true });
    });

    const options = (): string[] => ["--rpc", served.url, "--deployment", deploymentFile];
    const fileOf = async (packet: Packet): Promise<string> => {
      const path = join(folder, `${packet.evidenceHash}-${packet.safeTxHash}.packet.json`);
      await writeFile(path, packetText(packet));
      return path;
    };

    it("exits 1 and says its name", async () => {
      for (const [index, { what, check }] of FORGED_KINDS.entries()) {
        const { code, json } = await ballastJson(["verify", await fileOf(forged[index]!), ...options()]);
        expect(code, what).to.equal(1);
        expect(json, what).to.have.nested.property("cause.name", check);
      }
    });

    it("and a clean one exits 0, on one screen, with the hashes a wallet shows and what would change", async () => {
      const path = await fileOf(clean);
      const { code, stdout } = await ballast(["verify", path, ...options()]);
      expect(code, stdout).to.equal(0);
      const lines = stdout.trimEnd().split("\n");
      expect(lines).to.have.length.below(40);
      expect(Math.max(...lines.map((line) => line.length))).to.be.below(121);
      expect(lines.at(-1)).to.match(/^MATCH: /);
      expect(stdout).to.match(/^ok {2}identity .*code, owners, modules, guards, fallback handler/m);
      expect(stdout).to.match(/^ {4}leverage +\S+× +\S+× +≤ 3\.00× +\S+×$/m);
      expect(stdout).to.match(/^ {4}cash +.+ % +.+ % +≥ 10\.00 % +.+ %$/m);
      const verdict = await verdictOn(clean);
      for (const hash of Object.values(verdict.digests!)) expect(stdout).to.contain(hash);
      const every = await ballast(["verify", path, ...options(), "--all"]);
      expect(every.stdout.split("\n").filter((line) => line.startsWith("ok "))).to.have.length(verdict.checks.length);

      const { json } = await ballastJson(["verify", path, ...options(), "--executor", scene.chain.address("executor")]);
      expect(json).to.include({ ok: true, cause: null, safeTxHash: clean.safeTxHash });
      expect(json["unread"]).to.deep.equal([]);
      expect(json["digests"]).to.deep.equal(verdict.digests);
      expect(json).to.have.nested.property("policy.regime", "Stress");
      expect(BigInt(json["cost"] as string)).to.equal(
        BigInt(json["navBefore"] as string) - BigInt(json["navAfter"] as string),
      );
      expect(
        (json["checks"] as { name: string; detail: string }[]).find(({ name }) => name === "simulation")!.detail,
      ).to.contain(scene.chain.address("executor"));
    });

    it("and refuses to guess what to verify", async () => {
      const hash = `0x${"11".repeat(32)}`;
      for (const [says, args] of [
        ["one of", ["--hash", hash, "--announcement", hash]],
        ["one of", ["some.packet.json", "--hash", hash]],
        ["--service", ["--hash", hash]],
        ["32 bytes", ["--hash", "0x12", "--service", "http://127.0.0.1:1"]],
        ["--safe", ["--announcement", hash]],
        ["no address", ["some.packet.json", "--executor", "0x12"]],
      ] as const) {
        const { code, stderr } = await ballast(["verify", ...args, "--rpc", served.url]);
        expect([code, stderr]).to.satisfy(() => code === 2 && stderr.includes(says), stderr);
      }
    });
  });

  describe("beside a clean one", () => {
    it("matches without an archive node, and says which inputs it could not read again", async () => {
      await newRounds(scene);
      const verdict = await verdictOn(clean, { provider: withoutHistory(scene) });
      expect(verdict.ok, verdict.cause?.detail).to.equal(true);
      const rest = verdict.checks.filter(({ outcome }) => outcome !== "match");
      expect(rest.map(({ name, outcome }) => [name, outcome])).to.deep.equal([
        ["evidence: not re-read", "not checked"],
      ]);
      for (const input of ["vault.cash", "liquidity", "perp", "regime.liftPending"]) {
        expect(verdict.unread).to.include(input);
        expect(rest[0]!.detail).to.contain(input);
      }
    });

    it("shows the limits, worked out here and by the contracts, which agree", async () => {
      const { policy, before, after } = await verdictOn(clean);
      expect(policy).to.include({ regime: "Stress", ours: null, theirs: null, disagreement: null });
      const rows = new Map(policy!.rows.map((row) => [row.measure, row]));
      expect([...rows.keys()]).to.have.length(8);
      for (const { value, limit, margin, floor } of rows.values()) {
        expect(margin).to.equal(floor ? value - limit : limit - value);
      }
      // At the vault's own net asset value the numbers are the Rebalancer's; a plan is judged by the one before it.
      expect(rows.get("liquidityBps")!.before).to.equal(before!.measures.liquidityBps);
      const scaled = (after!.measures.liquidityBps * after!.navMid) / before!.navMid;
      expect(Number(rows.get("liquidityBps")!.value - scaled)).to.be.within(-1, 1);
      expect(rows.get("lossBps")!.value > 0n).to.equal(true);
    });

    it("says when the two routes to a measure or to the judgement differ", async () => {
      const { lens, policy } = scene.contracts;
      const measures = await scene.contracts.rebalancer.measure((await lens.snapshot()).reading.price.mid);
      const word = AbiCoder.defaultAbiCoder().encode(["int256"], [measures.grossBps]).slice(2);
      const lying = between(async (method, params, next) => {
        const answer = await next();
        const [call] = params as [{ to?: string } | undefined];
        const isLens = method === "eth_call" && call?.to?.toLowerCase() === scene.deployment.lens.toLowerCase();
        return isLens ? (answer as string).replaceAll(word, toBeHex(measures.grossBps + 9n, 32).slice(2)) : answer;
      });
      expectCause(await verdictOn(clean, { provider: lying }), "policy by contract", "grossBps before");

      const judge = policy.interface.getFunction("judge").selector;
      const refusal = policy.interface.encodeErrorResult("OutsideBands", [2, 4, 6_000, 5_000]);
      const refusing = between(async (method, params, next) => {
        const [call] = params as [{ data?: string } | undefined];
        if (method === "eth_call" && call?.data?.startsWith(judge) === true) throw new Reverted(refusal);
        return next();
      });
      expectCause(await verdictOn(clean, { provider: refusing }), "policy by contract", "OutsideBands");
    });

    it("claims nothing about the version of the code that wrote the evidence", async () => {
      const older = await forge(scene, { evidence: (e) => void (e.code.version = "0.0.9") }, at.honest);
      const verdict = await verdictOn(older);
      expect(verdict.ok, verdict.cause?.detail).to.equal(true);
      const said = verdict.checks.find(({ name }) => name === "code version")!;
      expect(said).to.deep.include({ outcome: "not checked", section: "evidence" });
      expect(said.detail).to.include("0.0.9").and.to.include("nothing rests on it");
    });

    it("recovers signatures itself: one under another owner's name, or none at all, is found", async () => {
      const [first, second] = clean.signatures;
      const renamed = { ...clean, signatures: [{ ...first!, owner: second!.owner }] };
      expectCause(await verdictOn(renamed), "signatures", `recovers to ${first!.owner}`);
      const broken = { ...clean, signatures: [{ ...first!, signature: "0x12" }] };
      expectCause(await verdictOn(broken), "signatures", "not 65");
      const { checks } = await verdictOn({ ...clean, signatures: [] });
      expect(checks.find(({ name }) => name === "signatures")!.detail).to.equal("0 of 2 needed");
    });

    it("says so when what the rules say now cannot be told", async () => {
      await scene.chain.warpTo((await scene.chain.now()) + 86_400);
      const { checks } = await verdictOn(clean);
      const { outcome, detail } = checks.find(({ name }) => name === "proposed now")!;
      expect([outcome, detail]).to.satisfy(() => outcome === "not checked" && detail.includes("no price"), detail);
      expect(checks.find(({ name }) => name === "simulation")!.outcome).to.equal("mismatch");
    });

    it("says whether it would be proposed now", async () => {
      const told = async (packet: Packet): Promise<string> => {
        const { checks } = await verdictOn(packet);
        const { outcome, detail } = checks.find(({ name }) => name === "proposed now")!;
        return `${outcome}: ${detail}`;
      };
      expect(await told(clean)).to.equal("match: the same plan");
      await marketAt(scene, 2_790, 3_600);
      expect(await told(clean)).to.include("match: a plan of now's numbers");
      await marketAt(scene, 2_600, 3_600);
      expect(await told(clean)).to.match(/^mismatch: no: price was [\d,]+\.\d\d, is [\d,]+\.\d\d/);
      expectCause(await verdictOn(clean), "simulation", "MovedSincePlan");
    });

    it("says when nothing calls for it any more, which is no error", () => {
      const check = overtaken.checks.find(({ name }) => name === "proposed now")!;
      expect([overtaken.ok, check.outcome], overtaken.cause?.detail).to.deep.equal([true, "not checked"]);
      expect(check.detail).to.match(/^no longer: INSIDE_BAND\./);
    });
  });

  it("announced at a contract that is not the Safe's review guard is told apart", async () => {
    const announced = { guard: scene.deployment.lens, key: `0x${"1".repeat(64)}`, blockNumber: 1, snapshot: null };
    expectCause(await verdictOn(clean, { announced }), "announcement", "the Safe's review guard is none");
  });

  describe("beside a Safe that is no longer what it was", () => {
    it("names other owners, another threshold, a module, a handler, a guard and other code", async () => {
      const cases: [name: string, args: unknown[], check: string, word: string][] = [
        ["changeThreshold", [1n], "safe owners", "1 of 3"],
        ["swapOwner", [SENTINEL, firstOwner(), scene.chain.address("attacker")], "safe owners", "at deployment"],
        ["enableModule", [scene.chain.address("attacker")], "safe modules", "acts without the owners"],
        ["setFallbackHandler", [scene.deployment.lens], "safe fallback handler", scene.deployment.lens],
      ];
      for (const [name, args, check, word] of cases) {
        await viaSafe(scene, { to: scene.safe, data: SAFE.encodeFunctionData(name, args) });
        expectCause(await verdictOn(clean), check, word);
        await scene.reset();
      }
      const guarded = { ...scene.deployment, guard: scene.deployment.lens };
      const unset = await verdictOn(clean, { deployment: guarded });
      expect(unset.checks.find(({ name }) => name === "safe guards")!.outcome).to.equal("not checked");
      await scene.chain.request("hardhat_setStorageAt", [
        scene.safe,
        GUARD_SLOT,
        toBeHex(scene.chain.address("attacker"), 32),
      ]);
      expectCause(await verdictOn(clean), "safe guards", "names none");
      expectCause(await verdictOn(clean, { deployment: guarded }), "safe guards", "yours is");
      await scene.reset();
      await scene.chain.request("hardhat_setCode", [
        `0x${(await scene.chain.provider.getStorage(scene.safe, 0)).slice(-40)}`,
        concat([await scene.chain.provider.getCode(await singleton()), "0x00"]),
      ]);
      expectCause(await verdictOn(clean), "safe code", "no Safe 1.5.0 as published");
    });

    it("raises an alarm when the execution itself would change it", async () => {
      // The Rebalancer the simulation meets is a module of the Safe, and would make one owner enough.
      const attack = SAFE.encodeFunctionData("changeThreshold", [1n]);
      const verdict = await verdictOn(clean, { provider: withModule(attack) });
      expectCause(verdict, "safe untouched", "ALARM: executing it changes the Safe itself: threshold");
      const swap = SAFE.encodeFunctionData("swapOwner", [SENTINEL, firstOwner(), scene.chain.address("attacker")]);
      expectCause(await verdictOn(clean, { provider: withModule(swap) }), "safe untouched", ": owners");
      const harmless = SAFE.encodeFunctionData("setGuard", [ZeroAddress]);
      const unchanged = await verdictOn(clean, { provider: withModule(harmless) });
      expect(unchanged.checks.find(({ name }) => name === "safe untouched")!.outcome).to.equal("match");
      // The plan itself did not run there: the vault stays outside its bands, which nothing mends.
      expectCause(unchanged, "policy limits", "netDeltaMaxBps is 1324 after 1324, the limit of Stress is 1000");
      expect(unchanged.policy!.theirs).to.include("OutsideBands");
    });
  });

  function firstOwner(): string {
    return scene.deployment.atDeployment!.safe!.owners[0]!;
  }

  async function singleton(): Promise<string> {
    return `0x${(await scene.chain.provider.getStorage(scene.safe, 0)).slice(-40)}`;
  }

  /** A node whose simulations find other code at the Rebalancer: as a module of the Safe, it has the Safe call itself. */
  function withModule(data: string): JsonRpcApiProvider {
    const { safe, deployment } = scene;
    const real = `0x${"ee".repeat(20)}`;
    const call = SAFE.encodeFunctionData("execTransactionFromModule", [safe, 0n, data, 0]);
    const execute = scene.contracts.rebalancer.interface.getFunction("execute").selector;
    const code = concat([
      // On execute go on at 0x34; else answer as the real code does.
      ...["0x5f3560e01c63", execute, "0x1460345736", "0x5f5f37", "0x5f5f365f73", real, "0x5af43d5f5f3e3d5ff3"],
      // Call the Safe with what stands behind these 0x5a bytes.
      ...["0x5b61", toBeHex(dataLength(call), 2), "0x80605a5f39", "0x5f5f825f5f73", safe, "0x5af100", call],
    ]);
    const slot = keccak256(AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [deployment.rebalancer, 1n]));
    return between(async (method, params, next) => {
      const overrides = params[2] as Record<string, { code?: string; stateDiff?: Record<string, string> }> | undefined;
      const ofSafe = overrides?.[safe]?.stateDiff;
      if (method === "eth_call" && overrides !== undefined && ofSafe !== undefined) {
        overrides[deployment.rebalancer] = { code };
        overrides[real] = { code: await scene.chain.provider.getCode(deployment.rebalancer) };
        ofSafe[slot] = toBeHex(1, 32);
      }
      return next();
    });
  }

  /** The scene's chain with somebody in between. */
  function between(
    work: (method: string, params: unknown[], next: () => Promise<unknown>) => Promise<unknown>,
  ): BrowserProvider {
    const request: Eip1193Provider["request"] = ({ method, params }) => {
      const list = (params ?? []) as unknown[];
      return work(method, list, () => scene.chain.request(method, list));
    };
    return new BrowserProvider({ request }, undefined, { cacheTimeout: -1 });
  }

  function verdictOn(
    packet: Packet,
    more: Partial<VerifyRequest> & { deployment?: Deployment } = {},
  ): Promise<Verdict> {
    return verify({ provider: scene.chain.provider, packet, deployment: scene.deployment, ...more });
  }

  function expectCause(verdict: Verdict, name: string, word: string): void {
    expect(verdict.cause?.name, verdict.cause?.detail).to.equal(name);
    expect(verdict.cause!.detail).to.include(word);
  }
});

class Reverted extends Error {
  readonly code = 3;
  readonly data: string;
  constructor(data: string) {
    super("execution reverted");
    this.name = "Reverted";
    this.data = data;
  }
}
