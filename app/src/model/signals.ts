import type { Evidence } from "../../../src/plan/evidence.ts";
import {
  DWELL,
  ELEVATED_FROM,
  HYSTERESIS,
  POINT,
  REGIME_NAMES,
  Regime,
  run,
  startState,
  STRESS_ABOVE,
} from "../../../src/regime/ruleMachine.ts";
import type { RuleClose, RuleState } from "../../../src/regime/ruleMachine.ts";
import { ELEVATED_ROW } from "../../../src/backtest/figures.ts";
import { liftOf } from "./figures.ts";
import type { LiftText } from "./figures.ts";
import { bpsPercent, grouped, points, when } from "./format.ts";

type RegimeInput = Pick<Evidence["regime"], "sessions" | "liftPending">;

/** One thing the rules look at. */
export interface SignalRow {
  name: string;
  value: string;
  threshold: string;
  distance: string;
  /** How much likelier a first VIX close above 25 was within ten sessions, once it had turned on. */
  lift: LiftText;
}

/** The last close against the rules' thresholds. `moveLimitBps` is the oracle's limit for ETH's own move. */
export function signalRows({ sessions, liftPending }: RegimeInput, moveLimitBps: number): SignalRow[] {
  const last = sessions.at(-1);
  if (last === undefined) return [];
  const vix = Number(last[1]) / Number(POINT);
  const vix3m = Number(last[2]) / Number(POINT);
  const row = (name: string, threshold: bigint, lift: LiftText): SignalRow => ({
    name,
    lift,
    value: grouped(vix, 2),
    threshold: points(threshold),
    distance: `${grouped(vix - Number(threshold) / Number(POINT), 2)} points`,
  });
  return [
    row("VIX close, Elevated from", ELEVATED_FROM, liftOf(ELEVATED_ROW)),
    row("VIX close, Stress above", STRESS_ABOVE, {
      text: "none by definition",
      verdict: "its first close above 25 is the event that lift counts",
    }),
    {
      name: "VIX3M less VIX, Stress below",
      value: grouped(vix3m - vix, 2),
      threshold: "0.00",
      distance: `${grouped(vix3m - vix, 2)} points`,
      lift: liftOf("vix-term-structure"),
    },
    {
      name: "ETH’s own move within a day",
      value: liftPending ? "beyond the limit" : "within the limit",
      threshold: bpsPercent(moveLimitBps),
      distance: liftPending ? "Stress until closes bring it down" : "read again at each round",
      lift: { text: "not measured", verdict: "a move of ETH is no VIX onset" },
    },
  ];
}

/** In words, what would move the regime, from where closes and a pending lift have brought it. */
export function whatWouldChange(regime: Evidence["regime"], moveLimitBps: number): string[] {
  const state = stateNow(regime);
  if (state === null) return ["No close is on chain yet."];
  const lines: string[] = [];
  if (regime.regime === "Unknown") {
    lines.push(
      `Back from Unknown to ${REGIME_NAMES[state.level]} or what they make of it: the closes that are missing.`,
    );
  }
  if (state.level < Regime.Elevated)
    lines.push(`Up to Elevated at once: a close of VIX at ${points(ELEVATED_FROM)} or more.`);
  if (state.level < Regime.Stress) {
    lines.push(`Up to Stress at once: a close of VIX above ${points(STRESS_ABOVE)}, or above VIX3M.`);
    lines.push(`Up to Stress at once: ETH moving by more than ${bpsPercent(moveLimitBps)} within a day, either way.`);
  }
  if (state.level > Regime.Calm) {
    const below = (state.level === Regime.Stress ? STRESS_ABOVE : ELEVATED_FROM) - HYSTERESIS;
    const to = state.level === Regime.Stress ? "Elevated" : "Calm";
    lines.push(
      `Down to ${to}: ${DWELL} closes in a row of VIX below ${points(below)} and not above VIX3M; ${state.streak} of them have been.`,
    );
  }
  if (regime.regime !== "Unknown") {
    lines.push(`Unknown on ${when(regime.staleAfter)}: unless the next session’s close has come by then.`);
  }
  return lines;
}

/** The rule machine's state; a lift since the last close is Stress, and begins the count anew. */
function stateNow({ sessions, liftPending }: Evidence["regime"]): RuleState | null {
  const closes = sessions.map(([, vix, vix3m, lifted]): RuleClose => ({
    vix: BigInt(vix),
    vix3m: BigInt(vix3m),
    lifted,
  }));
  const [first] = closes;
  if (first === undefined) return null;
  if (liftPending) return { level: Regime.Stress, streak: 0 };
  return run(startState(first), closes.slice(1)).at(-1) ?? startState(first);
}
