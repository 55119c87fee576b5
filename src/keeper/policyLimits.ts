import type { JsonRpcApiProvider } from "ethers";
import type { Evidence } from "../plan/evidence.ts";
import { abs, BPS, max } from "../plan/fixedPoint.ts";
import { MEASURE_NAMES, limitRows, measuresOf, navOf, refusalOf } from "../plan/measures.ts";
import type { Holdings, LimitRow, Measures } from "../plan/measures.ts";
import { pairOf } from "../plan/state.ts";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import type { RegimeName } from "../regime/ruleMachine.ts";
import { explainRevert, revertDataOf } from "../safe/revert.ts";
import { HedgePolicy__factory } from "../../typechain-types/index.js";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { bandsOf } from "./observe.ts";
import type { Snapshot } from "./verifyRun.ts";

/** An outcome against the policy: the table, and what both routes say of it. */
export interface PolicyVerdict {
  /** Whose bands it is judged by. */
  regime: RegimeName;
  rows: LimitRow[];
  /** Why it is refused by this software's own judgement; null when it is not. */
  ours: string | null;
  /** The same of the contract. */
  theirs: string | null;
  /** Where this software and the Rebalancer measure something else; null when they agree. */
  disagreement: string | null;
}

/** Net asset value measured here and by the lens may differ by the rounding of a few divisions, in asset units. */
const NAV_ROUNDING = 16n;

/**
 * Judges a simulated outcome twice: from raw positions by this software, and by the contracts' own view (the Rebalancer's
 * measures in the lens, HedgePolicy.judge). `before` and `after` are lens snapshots of one block.
 */
export async function judgeOutcome(
  provider: JsonRpcApiProvider,
  evidence: Evidence,
  planRegime: RegimeName,
  { before, after, blockTag }: { before: Snapshot; after: Snapshot; blockTag: number },
): Promise<PolicyVerdict> {
  const regime = moreDefensive(planRegime, REGIME_NAMES[Number(before.regime.regime)] ?? "Unknown");
  const index = REGIME_NAMES.indexOf(regime);
  const policy = HedgePolicy__factory.connect(evidence.contracts.policy, provider);
  const [bandsOnChain, minStepBps] = await Promise.all([
    policy.bands(index, { blockTag }),
    policy.minStepBps({ blockTag }),
  ]);
  const bands = bandsOf(bandsOnChain);
  const pair = pairOf(evidence);
  const price = before.reading.price.mid;
  const [heldBefore, heldAfter] = [holdingsOf(before), holdingsOf(after)];
  const [navBefore, navAfter] = [navOf(heldBefore, price, pair), navOf(heldAfter, price, pair)];
  const was = measuresOf(heldBefore, price, pair, navBefore);
  // As the Rebalancer judges it: by the net asset value before, so that what trading cost counts as a loss alone.
  const is = measuresOf(heldAfter, price, pair, navBefore);
  const loss = navBefore === 0n ? 0n : divideUp(max(navBefore - navAfter, 0n) * BPS, navBefore);
  const limit = BigInt(bands.lossMaxBps);
  const lossRow: LimitRow = {
    measure: "lossBps",
    before: null,
    value: loss,
    limit,
    floor: false,
    margin: limit - loss,
  };
  const theirs = await policy.judge.staticCall(index, was, is, { blockTag }).then(
    () => null,
    (error: unknown) => {
      const data = revertDataOf(error);
      if (data === null) throw error;
      return explainRevert(data, CONTRACT_ERRORS).text;
    },
  );
  return {
    regime,
    rows: [...limitRows(was, is, bands), lossRow],
    ours:
      refusalOf(regime, was, is, bands, minStepBps) ??
      (loss > limit ? `the plan loses ${loss} basis points, the limit of ${regime} is ${limit}` : null),
    theirs,
    disagreement:
      apart("before", navBefore, was, before) ??
      apart("after", navAfter, measuresOf(heldAfter, price, pair, navAfter), after),
  };
}

/** The first number that differs from the contracts' own beyond rounding: a basis point, a few units of the asset. */
function apart(when: string, nav: bigint, ours: Measures, { navMid, measures }: Snapshot): string | null {
  if (abs(nav - navMid) > NAV_ROUNDING) return `net asset value ${when}: ${nav} here, ${navMid} by the contracts`;
  const name = MEASURE_NAMES.find((measure) => abs(ours[measure] - measures[measure]) > 1n);
  return name === undefined ? null : `${name} ${when}: ${ours[name]} here, ${measures[name]} by the contracts`;
}

function holdingsOf(snapshot: Snapshot): Holdings {
  return {
    cash: snapshot.cash,
    liquidity: snapshot.liquidity.map(({ position, terms }) => ({
      tickLower: Number(position.tickLower),
      tickUpper: Number(position.tickUpper),
      liquidity: position.liquidity,
      feesBase: position.feesBase,
      feesAsset: position.feesAsset,
      idleBase: position.idleBase,
      unitsAside: terms.unitsAside,
      unitsTotal: terms.unitsTotal,
    })),
    perps: snapshot.perps.map(({ position }) => ({
      size: position.size,
      openNotional: position.openNotional,
      collateral: position.collateral,
      pendingFunding: position.pendingFunding,
    })),
  };
}

function moreDefensive(a: RegimeName, b: RegimeName): RegimeName {
  return REGIME_NAMES.indexOf(a) > REGIME_NAMES.indexOf(b) ? a : b;
}

function divideUp(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
}
