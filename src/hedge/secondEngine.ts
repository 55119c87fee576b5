import { addExposures } from "./exposure.ts";
import type { Exposure } from "./exposure.ts";

/**
 * The Second Engine: the book of options and volatility held beside the vault, layer by layer. It adds up what each layer
 * is worth and exposed to, and says which limits it breaks; layers price themselves.
 */

/** A layer of the book, by what it is called where people read it. */
export interface EngineLayer {
  readonly name: string;
  readonly exposure: Exposure;
}

export interface EngineLimit {
  readonly name: string;
  readonly kept: boolean;
  /** A sentence with the numbers. */
  readonly reason: string;
}

/** The whole book. */
export interface SecondEngine {
  readonly layers: readonly EngineLayer[];
  readonly total: Exposure;
  readonly limits: readonly EngineLimit[];
  /** Whether every limit is kept. */
  readonly withinLimits: boolean;
}

/** Limits in shares of NAV. Start values, not fitted. */
export interface EnginePolicy {
  /** Most loss for one VIX point up, outside Stress; in Stress there may be none. */
  readonly mostShortVegaShare: number;
  /** Most loss of the book for the S&P down 5 % and VIX up 10 points at once, by its Greeks. */
  readonly mostShockLossShare: number;
}

export const ENGINE_POLICY: EnginePolicy = { mostShortVegaShare: 0.001, mostShockLossShare: 0.03 };

/** A bad day: what the S&P and VIX did together on the worst few days between crashes. Named, not fitted. */
const SHOCK_SPX = -0.05;
const SHOCK_VIX_POINTS = 10;

/** Adds the layers up. `nav` in dollars; `stress` is whether the regime is Stress. */
export function secondEngine(
  layers: readonly EngineLayer[],
  nav: number,
  stress: boolean,
  policy: EnginePolicy = ENGINE_POLICY,
): SecondEngine {
  const total = addExposures(layers.map(({ exposure }) => exposure));
  const limits = [vegaLimit(total, nav, stress, policy), shockLimit(total, nav, policy)];
  return { layers, total, limits, withinLimits: limits.every(({ kept }) => kept) };
}

function vegaLimit({ vegaUsd }: Exposure, nav: number, stress: boolean, policy: EnginePolicy): EngineLimit {
  const least = stress ? 0 : -policy.mostShortVegaShare * nav;
  const when = stress ? "in Stress" : "outside Stress";
  return {
    name: "net vega",
    kept: vegaUsd >= least,
    reason: `A VIX point up is worth ${usd(vegaUsd)}; ${when} the least allowed is ${usd(least)}.`,
  };
}

/** By Greeks: delta and gamma for the fall, vega and its convexity for the rise. An estimate, best for small moves. */
export function shockedBy(exposure: Exposure, spxMove: number, vixPoints: number): number {
  return (
    exposure.spxDeltaUsd * spxMove +
    // spxGammaUsd is the change of delta for 1 %: ½·Γ·move² with the move in percent.
    0.5 * exposure.spxGammaUsd * 100 * spxMove * spxMove +
    exposure.vegaUsd * vixPoints +
    0.5 * exposure.vegaConvexityUsd * vixPoints * vixPoints
  );
}

function shockLimit(total: Exposure, nav: number, policy: EnginePolicy): EngineLimit {
  const change = shockedBy(total, SHOCK_SPX, SHOCK_VIX_POINTS);
  const least = -policy.mostShockLossShare * nav;
  return {
    name: "shock",
    kept: change >= least,
    reason:
      `The S&P down ${-100 * SHOCK_SPX} % with VIX up ${SHOCK_VIX_POINTS} points is worth ${usd(change)} by the Greeks; ` +
      `the least allowed is ${usd(least)}.`,
  };
}

function usd(amount: number): string {
  return `${amount.toFixed(0)} USD`;
}
