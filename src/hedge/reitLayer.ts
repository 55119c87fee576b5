import type { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { MACRO_SIGNALS } from "../signals/macro.ts";
import type { SignalState, SignalStepper } from "../signals/signal.ts";
import { createBeta } from "./beta.ts";
import type { BetaReading } from "./beta.ts";

/**
 * Real estate as a layer of the hedge: short VNQ while real GDP slows, because real estate falls and swings most then.
 * Its size is a volatility budget, so that a wilder market means a smaller layer.
 */

/** ASSUMED: yearly volatility of NAV that the layer may bring, decimal. */
export const REIT_VOLATILITY_BUDGET = 0.02;
/** ASSUMED: greatest share of NAV, however calm real estate is. */
export const REIT_GREATEST_SHARE = 0.1;

/** The layer as of a session. */
export interface ReitLayer {
  /** Whether the layer is on: `unknown` when GDP or real estate is missing or stale, and then there is none. */
  readonly state: SignalState;
  /** Notional to be short, as a share of NAV: 0 unless on. */
  readonly share: number;
  /** EWMA volatility of real estate, decimal a year. */
  readonly volatility: number | null;
  /** The two sentences it rests on: GDP's and volatility's. */
  readonly reasons: readonly string[];
  /** Beta of real estate to the S&P 500. */
  readonly toMarket: BetaReading | null;
  /** Beta of ETH to real estate: what a layer sized to hedge ETH would take, and in its R² how little that explains. */
  readonly ethToReit: BetaReading | null;
}

/** The layer as of each session: called in ascending order, O(1) a session. */
export function createReitLayer(): (view: AsOfView, session: string) => ReitLayer {
  const gdpSlowing = stepperOf("gdp-slowing");
  const reitVolatility = stepperOf("reit-volatility");
  const toMarket = createBeta("reit", "spx");
  const ethToReit = createBeta("eth", "reit");
  return (view, session) => {
    const day = dayNumber(session);
    const gdp = gdpSlowing(view, day);
    const swings = reitVolatility(view, day);
    const volatility = swings.value === null ? null : swings.value / 100;
    const state = volatility === null ? "unknown" : gdp.state;
    return {
      state,
      share:
        state === "on" && volatility !== null ? Math.min(REIT_GREATEST_SHARE, REIT_VOLATILITY_BUDGET / volatility) : 0,
      volatility,
      reasons: [gdp.reason(), swings.reason()],
      toMarket: toMarket(view, session),
      ethToReit: ethToReit(view, session),
    };
  };
}

function stepperOf(id: "gdp-slowing" | "reit-volatility"): SignalStepper {
  return MACRO_SIGNALS.find((signal) => signal.id === id)!.create();
}
