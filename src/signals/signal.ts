import type { AsOfView } from "../market/asOf.ts";

/** Whether a signal warns. `unknown`: its inputs are not there, too old, or too few. */
export type SignalState = "on" | "off" | "unknown";

/** On which side of its threshold a signal is on: strictly above, strictly below, or at it and below. */
export type SignalDirection = "above" | "below" | "at-most";

/** What a signal says after one session. */
export interface SignalStep {
  readonly state: SignalState;
  /** In the signal's unit; null when unknown. */
  readonly value: number | null;
  /** In the signal's unit, as it stood that day; null when unknown. */
  readonly threshold: number | null;
  /** Sessions since the oldest of its inputs was published; null when there is no input at all. */
  readonly ageSessions: number | null;
  /** A sentence with the numbers. A function, because a run over 8,000 sessions reads none of them. */
  readonly reason: () => string;
}

/**
 * Reads a signal after a session: called once per session, ascending, with a view that stands at that session's decision
 * time and the session's day number. A stepper first takes in all that became known since its last call, so what
 * it answers does not depend on the session it was first called for.
 */
export type SignalStepper = (view: AsOfView, day: number) => SignalStep;

/** One signal: what it is and how to read it. */
export interface Signal {
  /** Stable name for code and files, in kebab case. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** What the seed calls it; null for what it does not name. */
  readonly seedTerm: string | null;
  readonly unit: string;
  readonly direction: SignalDirection;
  /** Fixed level in the signal's unit; null where it is a percentile of the signal's own past and moves. */
  readonly threshold: number | null;
  /** Where the threshold comes from: the field's custom, its own past, or an assumption. */
  readonly thresholdSource: string;
  /** Names of series, or "events". */
  readonly inputs: readonly string[];
  /** `latest` when an input's past was revised after the fact, so that even a lagged reader sees later corrections. */
  readonly vintage: "first" | "latest";
  readonly create: () => SignalStepper;
}

/** A step with what it is a step of, as `ballast signals` prints it. */
export interface SignalReading extends Omit<Signal, "create" | "threshold"> {
  readonly session: string;
  readonly state: SignalState;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly reason: string;
  readonly ageSessions: number | null;
}
