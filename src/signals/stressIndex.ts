import { STATE_CODES } from "./run.ts";
import type { SignalColumns } from "./run.ts";
import type { SignalState } from "./signal.ts";

/** A signal's state, and the weight that its training window gave it. */
export interface WeighedState {
  readonly state: SignalState;
  /** 0 or more. */
  readonly weight: number;
}

/**
 * The weighted share of known signals that are on, in [0, 1]: Σ weight of those on / Σ weight of those known. Null when no
 * known signal has weight: then there is no index, rather than one of 0.
 */
export function stressIndex(signals: Iterable<WeighedState>): number | null {
  let on = 0;
  let known = 0;
  for (const { state, weight } of signals) {
    if (state === "unknown") continue;
    known += weight;
    if (state === "on") on += weight;
  }
  return known > 0 ? on / known : null;
}

/** The index for each session of a run; NaN where there is none. Signals without an entry in `weights` have none. */
export function stressColumn(run: SignalColumns, weights: ReadonlyMap<string, number>): Float64Array {
  const weighed = run.columns.flatMap(({ signal, states }) => {
    const weight = weights.get(signal.id) ?? 0;
    return weight > 0 ? [{ states, weight }] : [];
  });
  return Float64Array.from(run.sessions, (_, i) => {
    const states = weighed.map(({ states: codes, weight }) => ({ state: STATE_NAMES[codes[i]! + 1]!, weight }));
    return stressIndex(states) ?? NaN;
  });
}

/** By code less −1. */
const STATE_NAMES = Object.entries(STATE_CODES)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => name as SignalState);
