import { BrowserProvider, concat, getAddress, Result, toBeHex } from "ethers";
import type { JsonRpcApiProvider } from "ethers";
import { expect } from "chai";
import { observe } from "../../src/keeper/observe.ts";
import { verify } from "../../src/keeper/verify.ts";
import type { Verdict } from "../../src/keeper/verify.ts";
import { decide } from "../../src/plan/decide.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { createPacket } from "../../src/safe/packet.ts";
import { approvedHashSignature } from "../../src/safe/signatures.ts";
import { VaultLens__factory } from "../../typechain-types/index.js";
import { executeSigned, keeperTick, later, OPEN, planPacket, vaultScene } from "../helpers/attackScene.ts";
import type { VaultScene } from "../helpers/attackScene.ts";
import { undone } from "../helpers/undone.ts";

const LENS = VaultLens__factory.createInterface();

describe("A keeper who forges its evidence", () => {
  let scene: VaultScene;
  let provider: JsonRpcApiProvider;
  let honest: Evidence;

  before(async () => {
    scene = await vaultScene();
    ({ provider } = scene.market.world.chain);
    const { packet } = await keeperTick(scene);
    await executeSigned(scene, packet!);
    await later(scene, 86_400, OPEN * 1.02);
    ({ evidence: honest } = await observe(provider, scene.local.deployment));
  });

  /** The plan the rules give for whatever evidence, in a packet whose hashes all fit. */
  async function packetFor(evidence: Evidence): Promise<Packet> {
    const decision = decide(evidence);
    expect(decision.kind, decision.sentence).to.equal("rebalance");
    return planPacket(scene, (decision as typeof decision & { kind: "rebalance" }).plan, evidence);
  }

  function forged(change: (evidence: Evidence) => void): Evidence {
    const evidence = structuredClone(honest);
    change(evidence);
    return evidence;
  }

  /** Most of the vault wants to leave, it says: the rules sell most of the liquidity. */
  const invented = (): Evidence =>
    forged((evidence) => {
      evidence.vault.pendingShares = ((BigInt(evidence.vault.totalSupply) * 6n) / 10n).toString();
    });

  const verdictOn = async (packet: Packet, member: JsonRpcApiProvider = provider): Promise<Verdict> =>
    verify({ provider: member, packet, deployment: scene.local.deployment });

  describe("with a lens of its own, for a member who names no deployment", () => {
    it("is found out: the lens is not this software's", async () => {
      await undone(scene.market.world.chain, async () => {
        const evidence = invented();
        const { chain } = scene.market.world;
        const blockTag = evidence.block.number;
        const real = VaultLens__factory.connect(scene.local.deployment.lens, provider);
        const snapshot = asObject(await real.snapshot({ blockTag })) as Record<string, unknown>;
        snapshot.pendingShares = BigInt(evidence.vault.pendingShares);
        // An empty list is read as one without names.
        snapshot.unread = [];
        const lens = await answering(scene, LENS.encodeFunctionResult("snapshot", [snapshot]));
        await chain.request("evm_mine", []);
        const block = (await provider.getBlock("latest"))!;
        evidence.contracts.lens = lens;
        evidence.block = { source: "CHAIN", number: block.number, hash: block.hash!, timestamp: block.timestamp };

        const verdict = await verify({ provider, packet: await packetFor(evidence) });

        expect(verdict.cause?.name).to.equal("lens");
      });
    });
  });

  describe("for a member whose node keeps no old state", () => {
    /** Answers as a full node does that has pruned everything but the newest block. */
    const pruned = (): JsonRpcApiProvider => {
      const { chain } = scene.market.world;
      const request = async ({ method, params = [] }: { method: string; params?: unknown[] }): Promise<unknown> => {
        const tag = params[1];
        const latest = await chain.request<string>("eth_blockNumber");
        if (method === "eth_call" && typeof tag === "string" && tag.startsWith("0x") && BigInt(tag) < BigInt(latest)) {
          throw new MissingState(tag);
        }
        return chain.request(method, params);
      };
      return new BrowserProvider({ request: request as never }, undefined, { cacheTimeout: -1 });
    };

    /** Hours later: the block of the evidence is no longer the newest. */
    const onPruned = async (evidence: Evidence): Promise<Verdict> =>
      undone(scene.market.world.chain, async () => {
        const packet = await packetFor(evidence);
        await scene.market.world.chain.request("hardhat_mine", ["0x2"]);
        return verdictOn(packet, pruned());
      });

    /** Something that makes the rules act, so that there is a packet: the regime's target moves by itself otherwise. */
    const act = (evidence: Evidence): void => {
      evidence.perp.size = ((BigInt(evidence.perp.size) * 95n) / 100n).toString();
    };

    it("cannot invent pending redemptions", async () => {
      expect((await onPruned(invented())).cause?.name).to.equal("evidence: positions");
    });

    it("cannot invent a position within the plan's tolerance", async () => {
      const evidence = forged((e) => {
        act(e);
        e.vault.pendingShares = ((BigInt(e.vault.totalSupply) * 6n) / 10n).toString();
      });
      expect((await onPruned(evidence)).cause?.name).to.equal("evidence: positions");
    });

    it("cannot bring a price feed of its own", async () => {
      await undone(scene.market.world.chain, async () => {
        const { chain, feeds } = scene.market.world;
        const real = honest.feeds.base;
        const answer = (BigInt(real.answer) * 97n) / 100n;
        const words = [BigInt(real.round), answer, real.updatedAt, real.updatedAt, BigInt(real.round)];
        const feed = await answering(scene, concat(words.map((word) => toBeHex(word, 32))));
        expect(feed).not.to.equal(feeds.ethUsd.target);
        const evidence = forged((e) => {
          e.feeds.base = { ...real, address: feed, answer: answer.toString() };
          e.vault.pendingShares = ((BigInt(e.vault.totalSupply) * 6n) / 10n).toString();
        });
        const packet = await packetFor(evidence);
        await chain.request("hardhat_mine", ["0x2"]);
        const verdict = await verdictOn(packet, pruned());
        const check = verdict.checks.find(({ name }) => name === "evidence: feeds.base");
        expect(check?.detail).to.contain(`the vault reads ${real.address}`);
      });
    });

    it("cannot leave out the closes it does not like", async () => {
      const evidence = invented();
      evidence.regime.sessions.pop();
      const verdict = await onPruned(evidence);
      const check = verdict.checks.find(({ name }) => name === "evidence: sessions");
      expect(check?.outcome).to.equal("mismatch");
    });

    it("is still believed when it told the truth", async () => {
      await undone(scene.market.world.chain, async () => {
        const { chain } = scene.market.world;
        await chain.send(
          "depositor",
          await scene.vault.requestRedeem.populateTransaction(
            ((await scene.vault.totalSupply()) * 6n) / 10n,
            chain.address("depositor"),
            chain.address("depositor"),
          ),
        );
        const { packet } = await keeperTick(scene);
        await chain.request("hardhat_mine", ["0x2"]);

        const verdict = await verdictOn(packet!, pruned());

        expect(verdict.ok, verdict.cause?.detail).to.equal(true);
      });
    });
  });

  describe("with evidence the rules cannot run on", () => {
    for (const [what, change] of [
      ["a price of zero", (e: Evidence) => (e.feeds.asset.answer = "0")],
      ["a billion decimals", (e: Evidence) => (e.vault.baseDecimals = 1_000_000_000)],
      ["no risk aversion", (e: Evidence) => (e.policy.Calm.targets.riskAversionBps = 0)],
    ] as const) {
      it(`${what}: a failed check, not a crash`, async () => {
        const packet = await packetFor(invented());
        const evidence = invented();
        change(evidence);
        const bad = createPacket({ ...packet, evidence });
        expect((await verdictOn(bad)).ok).to.equal(false);
      });
    }
  });

  describe("with approvals nobody gave", () => {
    it("is found out: they are not on chain", async () => {
      const packet = await packetFor(invented());
      const { chain } = scene.market.world;
      packet.signatures = [approvedHashSignature(chain.address("owner1"))];

      const verdict = await verdictOn(packet);

      const check = verdict.checks.find(({ name }) => name === "signatures");
      expect(check?.outcome).to.equal("mismatch");
      expect(check?.detail).to.contain(chain.address("owner1"));
    });
  });
});

/** Deploys a contract that answers every call with the same bytes, and returns its address. */
async function answering(scene: VaultScene, answer: string): Promise<string> {
  const { chain } = scene.market.world;
  const size = (answer.length - 2) / 2;
  // PUSH2 size, PUSH1 12, PUSH0, CODECOPY, PUSH2 size, PUSH0, RETURN, then the answer itself.
  const runtime = concat(["0x61", toBeHex(size, 2), "0x600c5f3961", toBeHex(size, 2), "0x5ff3", answer]);
  const length = toBeHex((runtime.length - 2) / 2, 2);
  const creation = concat(["0x61", length, "0x600c5f3961", length, "0x5ff3", runtime]);
  return getAddress((await chain.send("attacker", { data: creation })).contractAddress!);
}

/** A snapshot as an object that can be encoded again. */
function asObject(value: unknown): unknown {
  if (!(value instanceof Result)) return value;
  const names = Object.keys(value.toObject());
  if (names.includes("_")) return value.toArray().map(asObject);
  return Object.fromEntries(names.map((name) => [name, asObject(value.getValue(name))]));
}

class MissingState extends Error {
  constructor(tag: string) {
    super(`missing trie node for block ${tag}`);
    this.name = "MissingState";
  }
}
