/** What signals may do to the regime, and what each of them was worth: before the window for its weight, in it for evidence. */

import { addDays } from "../market/calendar.ts";
import { YARDSTICK_ID } from "../signals/catalogue.ts";
import { STATE_CODES } from "../signals/run.ts";
import type { SignalColumns } from "../signals/run.ts";
import type { Signal, SignalState, SignalStep } from "../signals/signal.ts";
import { stressIndex } from "../signals/stressIndex.ts";
import { seededRandom } from "./bootstrap.ts";
import { measureLift } from "./lift.ts";
import type { LiftRow } from "./lift.ts";
import { annualReturn, maxDrawdown } from "./metrics.ts";
import { DAYS_PER_YEAR } from "./parameters.ts";
import { labelOnsets } from "./onsets.ts";
import type { Reading } from "./readings.ts";
import type { SignalLift, SignalWorth } from "./result.ts";
import type { BaseCase } from "./sensitivity.ts";
import { strategy } from "./strategies.ts";
import { runVault } from "./vault.ts";

/** The stress index lifts the regime one level from here on: half of the weight is on. Fixed beforehand, not fitted. */
export const LIFT_FROM_INDEX = 0.5;
/** Seed of the lift's own resampling, apart from the one a user gives: weights decide, and must not depend on it. */
const LIFT_SEED = 1_990;

/** Weights from the sessions before the window, and what follows from them. */
export interface TrainedSignals {
  /** By signal id; empty without a training window. */
  readonly rows: ReadonlyMap<string, LiftRow>;
  /** Whether the regime is lifted after a session; null when no signal has weight. */
  readonly lift: ((inputs: Reading) => boolean) | null;
  readonly reason: string;
}

/** Measures every signal on the sessions before `from` and keeps those that earned a weight there. */
export function trainSignals(history: SignalColumns, from: string): TrainedSignals {
  const first = history.sessions[0];
  const to = addDays(from, -1);
  if (first === undefined || first > to) {
    return { rows: new Map(), lift: null, reason: `There is no session before ${from} to earn a weight on.` };
  }
  const rows = measureLift(history, { from: first, to }, seededRandom(LIFT_SEED));
  const weights = rows.map(({ weight }) => weight);
  const weighed = rows.filter(({ weight }) => weight > 0).map(({ id, weight }) => `${id} ${weight.toFixed(2)}`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const window = `from ${rows[0]!.from} to ${rows[0]!.to}`;
  if (weighed.length === 0) {
    const reason = `No signal earned a weight on the sessions ${window}: the index is unused, and regimes are those of rule and model.`;
    return { rows: byId, lift: null, reason };
  }
  const lift = ({ signals }: Reading): boolean => {
    const states = weights.map((weight, i) => ({ weight, state: stateOf(signals[i]!) }));
    return (stressIndex(states) ?? 0) >= LIFT_FROM_INDEX;
  };
  const reason = `From ${LIFT_FROM_INDEX} on it lifts the regime one level. Weights earned on the sessions ${window}: ${weighed.join(", ")}.`;
  return { rows: byId, lift, reason };
}

/**
 * The table of signals. With a base case also what came of each in the window, and its marginal effect on the headline
 * strategy when it alone lifts the regime.
 */
export function signalTable(
  signals: readonly Signal[],
  last: readonly SignalStep[],
  history: SignalColumns,
  { rows: trained }: TrainedSignals,
  window: { readonly from: string; readonly to: string },
  base: BaseCase | null,
): SignalWorth[] {
  const inside = base !== null && history.sessions.some((session) => session >= window.from && session <= window.to);
  const judged = inside ? measureLift(history, window, seededRandom(LIFT_SEED)) : [];
  const plain = base === null ? null : outcome(base, null);
  return signals.map((signal, i): SignalWorth => {
    const { id, name, seedTerm, vintage } = signal;
    const training = trained.get(id) ?? null;
    const found = judged.find((row) => row.id === id) ?? null;
    return {
      ...{ id, name, seedTerm, vintage },
      state: last[i]!.state,
      reason: last[i]!.reason(),
      training: training === null ? null : liftOf(training),
      judged: found === null ? null : liftOf(found),
      weight: training?.weight ?? 0,
      whyWeight: training?.whyWeight ?? "No weight: there is no session before the window.",
      ablation: base === null || plain === null ? null : ablation(base, plain, i),
    };
  });
}

/** Onsets of stress in the window, by the VIX closes of the rows and of the sessions before them. */
export function onsetsIn(
  history: SignalColumns,
  { from, to }: { readonly from: string; readonly to: string },
): number | null {
  const vix = history.columns.find(({ signal }) => signal.id === YARDSTICK_ID)?.values;
  if (vix === undefined) return null;
  const { onset } = labelOnsets(vix);
  return history.sessions.filter((session, i) => session >= from && session <= to && onset[i] === 1).length;
}

interface Outcome {
  readonly maxDrawdown: number;
  readonly annualReturn: number;
}

/** The headline with one signal lifting the regime, and nothing else; with none for null. */
function outcome({ rows, parameters, ratiosOf }: BaseCase, signal: number | null): Outcome {
  const lift = signal === null ? {} : { lift: ({ signals }: Reading) => signals[signal] === STATE_CODES.on };
  const { navs } = runVault(rows, strategy("ballast", { parameters, ratiosOf, ...lift }), parameters);
  return { maxDrawdown: maxDrawdown(navs).value, annualReturn: annualReturn(navs, DAYS_PER_YEAR) };
}

function ablation(base: BaseCase, plain: Outcome, signal: number): SignalWorth["ablation"] {
  const readings = base.rows.flatMap(({ inputs }) => (inputs === null ? [] : [inputs]));
  if (readings.every(({ signals }) => signals[signal] === STATE_CODES.unknown)) return null;
  const lifted = outcome(base, signal);
  const daysLifted = readings.filter(
    ({ signals, decision }) => signals[signal] === STATE_CODES.on && decision !== null && decision < 2,
  ).length;
  return {
    maxDrawdownChange: lifted.maxDrawdown - plain.maxDrawdown,
    annualReturnChange: lifted.annualReturn - plain.annualReturn,
    daysLifted,
  };
}

function liftOf(row: LiftRow): SignalLift {
  const { from, to, entries, hits, onsets, precision, baseRate, lift, liftInterval } = row;
  const { detectableLift, recall, chanceRecall, leadSessions, holmP } = row;
  return {
    ...{ from, to, entries, hits, onsets, precision, baseRate, lift, liftInterval },
    ...{ detectableLift, recall, chanceRecall, leadSessions, holmP },
  };
}

const STATES = new Map(Object.entries(STATE_CODES).map(([state, code]) => [code as number, state as SignalState]));

function stateOf(code: number): SignalState {
  return STATES.get(code)!;
}
