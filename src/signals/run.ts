import { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { decisionTime } from "../market/publication.ts";
import type { Dataset } from "../market/series.ts";
import { SIGNALS } from "./catalogue.ts";
import type { Signal, SignalReading, SignalState } from "./signal.ts";

/** States as they stand in a column. */
export const STATE_CODES = { off: 0, on: 1, unknown: -1 } as const satisfies Record<SignalState, number>;

/** One signal over a run of sessions; the arrays are parallel to the sessions. */
export interface SignalColumn {
  readonly signal: Signal;
  /** STATE_CODES: 0 off, 1 on, −1 unknown. */
  readonly states: Int8Array;
  /** In the signal's unit; NaN where unknown. */
  readonly values: Float64Array;
}

/** All signals over a run of sessions. */
export interface SignalColumns {
  readonly sessions: readonly string[];
  readonly columns: readonly SignalColumn[];
}

/** Reads every signal at the decision time of each session. Sessions ascend. */
export function runSignals(
  dataset: Dataset,
  sessions: readonly string[],
  signals: readonly Signal[] = SIGNALS,
): SignalColumns {
  const view = new AsOfView(dataset);
  const columns = signals.map((signal) => ({
    signal,
    states: new Int8Array(sessions.length),
    values: new Float64Array(sessions.length),
    step: signal.create(),
  }));
  sessions.forEach((session, i) => {
    view.advanceTo(decisionTime(session));
    const day = dayNumber(session);
    for (const { states, values, step } of columns) {
      const { state, value } = step(view, day);
      states[i] = STATE_CODES[state];
      values[i] = value ?? NaN;
    }
  });
  return { sessions, columns: columns.map(({ signal, states, values }) => ({ signal, states, values })) };
}

/** Reads every signal at the decision time of one session, with its reasons. */
export function readSignals(dataset: Dataset, session: string, signals: readonly Signal[] = SIGNALS): SignalReading[] {
  const view = new AsOfView(dataset, decisionTime(session));
  return signals.map((signal) => {
    const { create: _create, ...said } = signal;
    const { reason, ...step } = signal.create()(view, dayNumber(session));
    return { ...said, ...step, session, reason: reason() };
  });
}
