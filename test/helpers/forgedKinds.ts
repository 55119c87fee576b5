import { HedgeVault__factory } from "../../typechain-types/index.js";
import type { Evidence } from "../../src/plan/evidence.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Forgery, Honest } from "./forge.ts";
import type { VaultScene } from "./vaultScene.ts";

/** A way to forge a proposal: as docs/members.md lists it, and the check that names it. */
export interface ForgedKind {
  what: string;
  check: string;
  /** What the forger does. */
  forgery: (at: Forger) => Forgery | Promise<Forgery>;
  /** Which honest proposal it starts from; default: the one of now. */
  from?: "before the regime changed";
}

/** What a forger has to work with. */
export interface Forger {
  scene: VaultScene;
  honest: Honest;
  /** What was proposed in an earlier regime. */
  stale: Honest;
  /** An earlier block of the same slot, with other prices. */
  earlier: Evidence["block"];
}

const DAY = 86_400;
const STRANGER = `0x${"33".repeat(20)}`;

function evidence(what: string, check: string, edit: (evidence: Evidence, at: Forger) => unknown): ForgedKind {
  return { what, check, forgery: (at) => ({ evidence: (e) => void edit(e, at) }) };
}

function plan(what: string, check: string, edit: (plan: Plan, at: Forger) => unknown): ForgedKind {
  return { what, check, forgery: (at) => ({ plan: (p) => void edit(p, at) }) };
}

function safeTx(what: string, check: string, edit: NonNullable<Forgery["safeTx"]>): ForgedKind {
  return { what, check, forgery: () => ({ safeTx: edit }) };
}

/**
 * Every packet made of these is consistent in itself: evidence hashed again, the plan the rules give for it where they
 * give one, the transaction and its hash made anew, and two owners' signatures where it is not about those.
 */
export const FORGED_KINDS: readonly ForgedKind[] = [
  evidence("false round of a feed", "evidence: feeds", (e) => (e.feeds.base.answer = "290000000000")),
  {
    what: "old round of a feed, with its true values",
    check: "evidence: feeds",
    async forgery({ scene, honest: { evidence: real } }) {
      const round = BigInt(real.feeds.base.round) - 1n;
      const [, answer, , updatedAt] = (await scene.world.feeds.ethUsd.getFunction("getRoundData")(
        round,
      )) as unknown as bigint[];
      return {
        evidence: (e) =>
          Object.assign(e.feeds.base, { round: String(round), answer: String(answer), updatedAt: Number(updatedAt) }),
      };
    },
  },
  evidence("session close dropped", "evidence: regime", (e) => {
    e.regime.sessions.pop();
    e.regime.regime = "Calm";
  }),
  evidence("input dropped", "evidence inputs", (e) => Reflect.deleteProperty(e.perp, "pendingFunding")),
  evidence("pending redemptions invented", "evidence: vault", (e) => {
    e.vault.pendingShares = ((BigInt(e.vault.totalSupply) * 6n) / 10n).toString();
  }),
  evidence("position invented", "evidence: perp", (e) => (e.perp.size = "-1000000000000000000")),
  evidence("swapped rules", "ruleset", (e) => (e.ruleset.hash = `0x${"cd".repeat(32)}`)),
  evidence("swapped regime model", "model", (e) => (e.model.hash = `0x${"ab".repeat(32)}`)),
  evidence("older format of evidence", "evidence inputs", (e) => {
    Object.assign(e, { format: "ballast-evidence/1" });
    Reflect.deleteProperty(e, "model");
    Reflect.deleteProperty(e, "code");
  }),
  evidence("looser policy bands", "evidence: policy", (e) => (e.policy.Stress.bands.liquidityMaxBps = 9_000)),
  evidence("other policy targets", "evidence: policy", (e) => (e.policy.Stress.targets.hedgeRatioBps = 100)),
  evidence("evidence of another block", "evidence: feeds", (e, { earlier }) => (e.block = earlier)),
  evidence("slot of another day", "evidence: slot", (e) => (e.slot.start -= DAY)),
  plan("other target share", "decision", (p) => (p.liquidity[0]!.shareBps += 100)),
  plan("other adapter", "decision", (p, { scene }) => {
    p.perps[0]!.adapter = scene.world.vaults[1]!.deployment.perpAdapter;
  }),
  {
    what: "other Rebalancer",
    check: "contracts",
    forgery: ({ scene: { world } }) => {
      const { rebalancer } = world.vaults[1]!.deployment;
      return { evidence: (e) => void (e.contracts.rebalancer = rebalancer), safeTx: (tx) => void (tx.to = rebalancer) };
    },
  },
  evidence(
    "other vault",
    "contracts",
    (e, { scene: { world } }) => (e.contracts.vault = world.vaults[1]!.deployment.vault),
  ),
  evidence("lens of another vault", "your vault", (e, { scene: { world } }) => {
    e.contracts.lens = world.vaults[1]!.deployment.lens;
  }),
  safeTx("refund out of the Safe", "plain call", (tx) =>
    Object.assign(tx, { gasPrice: "1", baseGas: "1000000", refundReceiver: STRANGER }),
  ),
  safeTx("delegatecall", "plain call", (tx) => (tx.operation = 1)),
  safeTx("value attached", "plain call", (tx) => (tx.value = "1")),
  safeTx("bytes behind the plan", "call", (tx) => (tx.data += "00")),
  {
    what: "another call of the Safe, dressed as a plan",
    check: "call",
    forgery: ({ scene: { deployment } }) => ({
      safeTx: (tx) => {
        tx.to = deployment.vault;
        tx.data = HedgeVault__factory.createInterface().encodeFunctionData("setAdapter", [
          STRANGER,
          2n ** 128n - 1n,
          10_000,
        ]);
      },
    }),
  },
  {
    what: "other Safe",
    check: "your safe",
    forgery: ({ scene: { world } }) => ({ packet: { safe: world.vaults[1]!.deployment.safe } }),
  },
  { what: "other chain", check: "chain", forgery: () => ({ packet: { chainId: "1" } }) },
  safeTx("nonce the Safe has used", "freshness", (tx) => (tx.nonce = "0")),
  plan("plan nonce of another slot", "decision", (p) => (p.nonce = (BigInt(p.nonce) + 1n).toString())),
  plan("validity stretched", "decision", (p) => (p.validUntil += 30 * DAY)),
  plan("tolerance widened", "decision", (p) => (p.toleranceBps = 10_000)),
  plan("cash reserve changed", "decision", (p) => (p.cashReserve = "7")),
  plan("derisk flag set, for the shorter window", "decision", (p) => (p.derisk = true)),
  plan("regime claimed that the evidence does not give", "regime", (p) => (p.regime = "Elevated")),
  {
    what: "hash of other evidence in the plan",
    check: "evidence hash",
    forgery: () => ({ plan: (p) => void (p.evidence = `0x${"77".repeat(32)}`) }),
  },
  evidence("hedge alone, where the whole plan runs", "scope", (e) => (e.scope = "hedge")),
  { what: "signature of a stranger", check: "signatures", forgery: () => ({ signers: ["owner1", "attacker"] }) },
  { what: "approvals nobody gave", check: "signatures", forgery: () => ({ ghosts: ["owner1", "owner3"] }) },
  {
    what: "stale proposal: the regime has changed",
    check: "regime now",
    from: "before the regime changed",
    forgery: () => ({}),
  },
];
