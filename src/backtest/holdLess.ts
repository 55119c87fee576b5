/**
 * "Hold less": the baseline every hedge must beat. Instead of hedging, hold a share w of the unhedged vault and the
 * rest in cash. A hedge that does no better than that is an expensive way of holding less.
 */

import { average, cdar, MetricInputError, requireNavs, simpleReturns } from "./metrics.ts";
import type { Path } from "./metrics.ts";

/** A weight of the unhedged vault and how it came about; null when no weight is defined. */
export interface HoldLessWeight {
  readonly weight: number | null;
  /** One sentence for people. */
  readonly reason: string;
}

/** Bisection steps: 2⁻⁵⁰ of the interval, below the rounding of a NAV. */
const BISECTION_STEPS = 50;

/**
 * Weight with the same mean excess return as the hedge: mean(hedged − cash) / mean(unhedged − cash), clipped to
 * [0, 1]. Known only ex post, so it is a yardstick and not a strategy.
 * @param hedgedReturns simple returns per period; the three lists pair by index
 * @returns weight null, with the reason, when the unhedged vault earned no excess return: then every weight above
 *   zero only loses, and a ratio of means has no meaning
 */
export function exPostWeight(hedgedReturns: Path, unhedgedReturns: Path, cashReturns: Path): HoldLessWeight {
  requirePairs("exPostWeight", hedgedReturns.length, unhedgedReturns.length, cashReturns.length);
  const excess = (returns: Path): number => average(returns) - average(cashReturns);
  const unhedged = excess(unhedgedReturns);
  if (unhedged <= 0) {
    return {
      weight: null,
      reason: "The unhedged vault earned nothing above cash, so no share of it matches the hedge's return.",
    };
  }
  const ratio = excess(hedgedReturns) / unhedged;
  if (ratio < 0) return { weight: 0, reason: "The hedged vault earned less than cash: the weight is held at 0." };
  if (ratio > 1)
    return { weight: 1, reason: "The hedged vault earned more than the unhedged: the weight is held at 1." };
  return { weight: ratio, reason: "Same mean return above cash as the hedged vault." };
}

/**
 * The weight whose blend has the hedged path's conditional drawdown at risk. Known only ex post.
 *
 * Found by bisection, which is sound because the blend's CDaR never falls as the weight rises: over any stretch the
 * blend's log growth g(w) = Σ log(1 + c + w(r − c)) is concave in w and, with cash c ≥ 0, g(0) ≥ 0; so where g is
 * negative it keeps falling, and every drawdown, a maximum of −g turned into a decimal, keeps growing. Where cash itself
 * dips now and then (bills marked to market), it may fall by as little, and the weight found is one of a narrow few.
 * @param hedged NAVs, start value first
 * @param unhedged NAVs of the same length
 * @param alpha confidence level in [0, 1)
 * @param cashReturns simple returns of cash per period; without it cash earns nothing
 */
export function cdarMatchedWeight(hedged: Path, unhedged: Path, alpha: number, cashReturns?: Path): HoldLessWeight {
  requirePairs("cdarMatchedWeight", hedged.length, unhedged.length);
  const target = cdar(hedged, alpha);
  if (cdar(unhedged, alpha) <= target) {
    return { weight: 1, reason: "The unhedged vault's drawdowns were no deeper than the hedged vault's." };
  }
  let low = 0;
  let high = 1;
  for (let step = 0; step < BISECTION_STEPS; step++) {
    const middle = (low + high) / 2;
    if (cdar(blend(unhedged, middle, cashReturns), alpha) > target) high = middle;
    else low = middle;
  }
  return { weight: low, reason: `Same mean of the worst ${percent(1 - alpha)} of drawdowns as the hedged vault.` };
}

/**
 * NAV path of a share in the unhedged vault and the rest in cash, rebalanced to that share every period, free of cost.
 * @param unhedged NAVs, start value first
 * @param weight share in the unhedged vault, in [0, 1]
 * @param cashReturns simple returns of cash per period; without it cash earns nothing
 * @returns NAVs of the same length from the same start value
 */
export function blend(unhedged: Path, weight: number, cashReturns?: Path): number[] {
  requireNavs(unhedged, "blend");
  if (!(weight >= 0 && weight <= 1)) {
    throw new MetricInputError(
      `blend: the weight is ${weight}, and must be in [0, 1]: nothing is borrowed or sold short.`,
    );
  }
  if (cashReturns !== undefined) requirePairs("blend", unhedged.length - 1, cashReturns.length);
  let nav = unhedged[0] as number;
  const path = [nav];
  simpleReturns(unhedged).forEach((r, i) => {
    nav *= 1 + weight * r + (1 - weight) * (cashReturns?.[i] ?? 0);
    path.push(nav);
  });
  return path;
}

function requirePairs(measure: string, ...lengths: number[]): void {
  if (new Set(lengths).size > 1) {
    throw new MetricInputError(
      `${measure}: lists of ${lengths.join(", ")} values do not pair by index: cut them to the same dates first.`,
    );
  }
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))}%`;
}
