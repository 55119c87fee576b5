import type { JsonRpcApiProvider } from "ethers";
import { movedSince } from "../plan/drift.ts";
import type { Evidence, FeedRound } from "../plan/evidence.ts";
import { formatFixed } from "../plan/fixedPoint.ts";
import { firstDifference } from "../plan/plan.ts";
import { CODE_VERSION, IN_FORCE, RULES } from "../plan/ruleset.ts";
import { vaultState } from "../plan/state.ts";
import { IAggregatorV3__factory } from "../../typechain-types/index.js";
import { observe, RpcUnavailable } from "./observe.ts";
import { attempt, deploymentOf, unlessNoSuchContract } from "./verifyRun.ts";
import type { Snapshot, VerifyRun } from "./verifyRun.ts";

/** NAV recomputed here may differ from the chain's by the rounding of a few divisions, in asset units. */
const NAV_ROUNDING = 16n;

const WORDS = { ruleset: "rules", model: "regime model" } as const;

/**
 * Reads every input again at the evidence's block. A node without that block's state gives only what can still be read:
 * rounds by their id, sessions, policy; positions are then compared with those of now.
 */
export async function checkEvidence(run: VerifyRun, evidence: Evidence, chainId: string): Promise<void> {
  const { provider } = run.request;
  for (const name of ["ruleset", "model"] as const) {
    const [theirs, ours] = [evidence[name], IN_FORCE[name]];
    run.note(
      name,
      firstDifference(theirs, ours) === null
        ? null
        : `the decision followed the ${WORDS[name]} ${theirs.name}/${theirs.version} (${theirs.hash}), ` +
            `this verifier has ${ours.name}/${ours.version} (${ours.hash})`,
      `${ours.name}/${ours.version}, ${ours.hash}`,
    );
  }
  const { version } = evidence.code;
  if (version !== CODE_VERSION) {
    run.skip("code version", `the packet says ballast ${version}, this is ${CODE_VERSION}: nothing rests on it`);
  }
  if (evidence.chainId !== chainId) {
    run.note("evidence: block", `the evidence is from chain ${evidence.chainId}`, "");
    return;
  }
  const block = await provider.getBlock(evidence.block.number);
  const blockProblem =
    block === null
      ? `block ${evidence.block.number} does not exist`
      : block.hash !== evidence.block.hash || block.timestamp !== evidence.block.timestamp
        ? `block ${evidence.block.number} has hash ${block.hash} and time ${block.timestamp} on chain, ` +
          `${evidence.block.hash} and ${evidence.block.timestamp} in the packet`
        : null;
  if (!run.note("evidence: block", blockProblem, `block ${evidence.block.number}`)) return;
  const { timestamp } = evidence.block;
  const slotFits =
    evidence.slot.seconds === RULES.slotSeconds && evidence.slot.start === timestamp - (timestamp % RULES.slotSeconds);
  run.note(
    "evidence: slot",
    slotFits ? null : `slot ${evidence.slot.start} is not one the block at ${evidence.block.timestamp} can decide`,
    new Date(evidence.slot.start * 1000).toISOString(),
  );

  let observed: Evidence;
  let snapshot: Snapshot;
  try {
    ({ evidence: observed, snapshot } = await observe(provider, deploymentOf(evidence), {
      blockNumber: evidence.block.number,
    }));
  } catch (error) {
    if (error instanceof RpcUnavailable) return checkWithoutHistory(run, evidence);
    run.note("evidence: chain", error instanceof Error ? error.message : String(error), "");
    return;
  }
  run.seen = { blockNumber: evidence.block.number, snapshot };
  if ((await provider.getBlockNumber()) === evidence.block.number) {
    run.rememberNow({ ...observed, scope: evidence.scope });
  }
  for (const part of ["contracts", "feeds", "regime", "policy", "vault", "liquidity", "perp"] as const) {
    const difference = firstDifference(evidence[part], observed[part], part);
    run.note(
      `evidence: ${part}`,
      difference === null ? null : `${difference} (in the packet against on chain at block ${evidence.block.number})`,
      "as on chain",
    );
  }
  const state = attempt(() => vaultState(evidence));
  if (state instanceof Error) {
    run.note("net asset value", `it cannot be worked out from this evidence (${state.message})`, "");
    return;
  }
  const drift = state.nav > snapshot.navMid ? state.nav - snapshot.navMid : snapshot.navMid - state.nav;
  run.note(
    "net asset value",
    drift <= NAV_ROUNDING ? null : `recomputed ${state.nav}, the chain says ${snapshot.navMid}`,
    `${formatFixed(state.nav, evidence.vault.assetDecimals, 2)} USDC, recomputed from positions and by the chain`,
  );
}

/**
 * What a node that keeps no old state can still answer: feed rounds by id, that no newer one came before the block, and
 * that the vault of now is the one the decision was made for.
 */
async function checkWithoutHistory(run: VerifyRun, evidence: Evidence): Promise<void> {
  const { provider, announced } = run.request;
  let now: Evidence;
  try {
    now = await run.observedNow(evidence);
  } catch (error) {
    if (error instanceof RpcUnavailable && !error.answered) throw error;
    run.note("evidence: chain", error instanceof Error ? error.message : String(error), "");
    return;
  }
  const day = evidence.regime.sessions.at(-1)?.[0] ?? 0;
  const limits = { base: evidence.block.timestamp, asset: evidence.block.timestamp };
  const close = (day + 1) * RULES.slotSeconds - 1;
  for (const [name, before] of Object.entries({ ...limits, vix: close, vix3m: close })) {
    const [claimed, real] = [
      evidence.feeds[name as keyof Evidence["feeds"]],
      now.feeds[name as keyof Evidence["feeds"]],
    ];
    const problem =
      claimed.address !== real.address || claimed.decimals !== real.decimals
        ? `the feed is ${claimed.address} with ${claimed.decimals} decimals, the vault reads ${real.address} with ${real.decimals}`
        : await roundProblem(provider, claimed, { before, newest: real });
    if (problem === PHASE_OVER) {
      const { round } = claimed;
      run.skip(
        `evidence: feeds.${name}`,
        `round ${round} was its phase's last; when the next began, this node cannot tell`,
      );
    } else run.note(`evidence: feeds.${name}`, problem, "the round is as on chain, and was the newest");
  }
  for (const [name, difference] of [
    ["contracts", firstDifference(evidence.contracts, now.contracts, "contracts")],
    ["sessions", sessionsProblem(evidence, now)],
    ["policy", firstDifference(evidence.policy, now.policy, "policy")],
  ] as const) {
    run.note(
      `evidence: ${name}`,
      difference === null ? null : `${difference} (packet against chain now)`,
      "as on chain",
    );
  }
  const snapshot = announced?.snapshot ?? null;
  const [then, when] =
    snapshot === null || announced === undefined
      ? [now, "now"]
      : [asShown(now, snapshot), `at its announcement, block ${announced.blockNumber}`];
  const moved = attempt(() => movedSince(evidence, then));
  run.note(
    "evidence: positions",
    moved === null
      ? null
      : `${moved instanceof Error ? moved.message : moved} (packet against chain ${when}); this node keeps no state of ` +
          `block ${evidence.block.number}: verify on one that does, or ask for a new proposal`,
    `as on chain ${when}, amounts within one per cent of NAV; this node keeps no state of the evidence's block`,
  );
  run.unread = UNREAD;
  run.skip(
    "evidence: not re-read",
    `this node keeps no state of block ${evidence.block.number}: ${UNREAD.join(", ")} are compared with those ${when}`,
  );
}

/** What can be read at its own block only, unlike rounds by their ids, sessions by their days, and what never changes. */
const UNREAD = [
  "regime.staleAfter",
  "regime.liftPending",
  "policy",
  "vault.cash",
  "vault.totalSupply",
  "vault.pendingShares",
  "liquidity",
  "perp",
];

/** Evidence of now with the amounts and positions of a lens snapshot; null positions where it shows none. */
function asShown(now: Evidence, snapshot: Snapshot): Evidence {
  const liquidity = snapshot.liquidity.find(({ adapter }) => adapter === now.liquidity.adapter)?.position;
  const perp = snapshot.perps.find(({ adapter }) => adapter === now.perp.adapter)?.position;
  const text = (value: bigint | undefined): string => (value ?? 0n).toString();
  return {
    ...now,
    vault: {
      ...now.vault,
      cash: text(snapshot.cash),
      totalSupply: text(snapshot.totalSupply),
      pendingShares: text(snapshot.pendingShares),
    },
    liquidity: {
      ...now.liquidity,
      tickLower: Number(liquidity?.tickLower ?? 0n),
      tickUpper: Number(liquidity?.tickUpper ?? 0n),
      liquidity: text(liquidity?.liquidity),
      feesBase: text(liquidity?.feesBase),
      feesAsset: text(liquidity?.feesAsset),
      idleBase: text(liquidity?.idleBase),
    },
    perp: {
      ...now.perp,
      size: text(perp?.size),
      openNotional: text(perp?.openNotional),
      collateral: text(perp?.collateral),
      pendingFunding: text(perp?.pendingFunding),
    },
  };
}

/** A session may be missing in the evidence only when it was not over yet at its block. */
function sessionsProblem(evidence: Evidence, now: Evidence): string | null {
  const { sessions } = evidence.regime;
  const difference = firstDifference(sessions, now.regime.sessions.slice(0, sessions.length), "regime.sessions");
  if (difference !== null) return difference;
  const next = now.regime.sessions[sessions.length];
  return next !== undefined && (next[0] + 1) * RULES.slotSeconds <= evidence.block.timestamp
    ? `regime.sessions: the close of day ${next[0]} was left out`
    : null;
}

/** What is wrong with a round that should be the newest until `before`; `newest` is one that is no older. */
async function roundProblem(
  provider: JsonRpcApiProvider,
  round: FeedRound,
  { before, newest }: { before: number; newest: FeedRound },
): Promise<string | typeof PHASE_OVER | null> {
  const feed = IAggregatorV3__factory.connect(round.address, provider);
  const roundData = async (id: bigint) => {
    const data = await feed.getRoundData(id).catch((error: unknown) => unlessNoSuchContract(error));
    // Some feeds revert for a round that is none, others answer zeros.
    return data === null || data.updatedAt === 0n ? null : data;
  };
  const data = await roundData(BigInt(round.round));
  if (data === null) return `round ${round.round} does not exist`;
  if (data.answer !== BigInt(round.answer) || Number(data.updatedAt) !== round.updatedAt) {
    return `round ${round.round} is ${data.answer} at ${data.updatedAt} on chain, ${round.answer} at ${round.updatedAt} in the packet`;
  }
  if (round.round === newest.round) return null;
  const following = await roundData(BigInt(round.round) + 1n);
  if (following === null) {
    if (phaseOf(newest.round) > phaseOf(round.round)) return PHASE_OVER;
    return `round ${round.round} is not the newest, round ${newest.round} is, and the feed does not tell what followed it`;
  }
  return Number(following.updatedAt) <= before
    ? `round ${round.round} was not the newest: round ${following.id} is from ${following.updatedAt}`
    : null;
}

/** The feed goes on in another phase: since when, only the state of then tells. */
const PHASE_OVER = Symbol("phase over");

/** A proxy's round id is its aggregator's, below the number of the aggregator's phase. Source: Chainlink's feed proxies. */
function phaseOf(round: string): bigint {
  return BigInt(round) >> 64n;
}
