import normalQuantile from "@stdlib/stats-base-dists-normal-quantile";
import type { BetaEstimate } from "./beta.ts";

/** A hedge of one asset with another, and how far it may be off. Notionals in the currency of the exposure. */
export interface CrossHedge {
  /** Notional of the market to sell: β × exposure. Negative: to buy. */
  readonly notional: number;
  /** Confidence interval of the notional. */
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Share of the exposure's variance that is left with this hedge in place. */
  readonly varianceLeft: number;
  /** Its root: share of the volatility that is left. √(1 − R²) at best. */
  readonly volatilityLeft: number;
  /** Whether the interval leaves zero out: otherwise the hedge may as well be none. */
  readonly significant: boolean;
}

/** An exposure or a confidence that makes no sense. */
export class CrossHedgeInputError extends Error {
  constructor(what: string, value: number, mend: string) {
    super(`cross hedge: ${what} is ${value}: ${mend}`);
    this.name = "CrossHedgeInputError";
  }
}

/**
 * Notional of the market that hedges an exposure: it covers only what beta explains. The interval is β ± z·s. With the
 * hedge β̂ where the regression says b and R², the variance left is 1 − R²·(1 − (1 − β̂/b)²): 1 − R² when they agree,
 * more when beta was shrunk.
 * @param exposure long exposure to the asset
 * @param regression the estimate that variance is measured by
 * @param used beta and standard error to hedge with, the regression's own unless it was shrunk
 * @throws CrossHedgeInputError
 */
export function crossHedge(
  exposure: number,
  regression: BetaEstimate,
  used: { beta: number; standardError: number } = regression,
  confidence = 0.95,
): CrossHedge {
  if (!Number.isFinite(exposure)) throw new CrossHedgeInputError("exposure", exposure, "give an amount.");
  if (!(confidence > 0 && confidence < 1)) {
    throw new CrossHedgeInputError("confidence", confidence, "give a share between 0 and 1, such as 0.95.");
  }
  const halfWidth = normalQuantile((1 + confidence) / 2, 0, 1) * used.standardError;
  const ends = [(used.beta - halfWidth) * exposure, (used.beta + halfWidth) * exposure];
  const miss = regression.beta === 0 ? 1 : 1 - used.beta / regression.beta;
  const varianceLeft = 1 - regression.rSquared * (1 - miss * miss);
  return {
    notional: used.beta * exposure,
    low: Math.min(...ends),
    high: Math.max(...ends),
    confidence,
    varianceLeft,
    volatilityLeft: Math.sqrt(varianceLeft),
    significant: Math.abs(used.beta) > halfWidth,
  };
}
