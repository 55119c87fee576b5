/** What a session's decision rests on beside the ETH market: regime, EDR bias, signals, the VIX curve, the events known. */

import { createVixCurve, isVixCurve } from "../hedge/vixCurve.ts";
import type { VixCurve } from "../hedge/vixCurve.ts";
import { spxModel, spxSurface } from "../hedge/spxOptions.ts";
import type { SpxSurface } from "../hedge/spxOptions.ts";
import { shiftedSession, SHIFTING_EVENTS, shortVolatilityScale } from "../hedge/timeShift.ts";
import type { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import type { MarketEvent } from "../market/series.ts";
import { createRegimeAssessor } from "../regime/assess.ts";
import type { RegimeAssessment } from "../regime/assess.ts";
import type { MarkovModel } from "../regime/modelFile.ts";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import type { RegimeName } from "../regime/ruleMachine.ts";
import { createEdr, EDR_CELLS } from "../signals/edr.ts";
import type { EdrReading } from "../signals/edr.ts";
import type { EdrHistory } from "../signals/edrHistory.ts";
import { STATE_CODES } from "../signals/run.ts";
import type { SignalColumns } from "../signals/run.ts";
import type { Signal, SignalStep } from "../signals/signal.ts";
import { seededRandom } from "./bootstrap.ts";
import { createChainRule } from "./chainRule.ts";
import type { Level } from "./parameters.ts";
import type { Inputs } from "./tape.ts";

/** A session's inputs in full. */
export interface Reading extends Inputs {
  readonly regime: RegimeAssessment;
  /** By the rule machine alone; null where Unknown. */
  readonly rule: Level | null;
  /** By what the contracts see: the rule machine, lifted by a crash of ETH; null where Unknown. */
  readonly chain: Level | null;
  /** Share of the past that had a lower EDR bias; null where unknown. */
  readonly edrPercentile: number | null;
  /** Bias and percentile of each of EDR_CELLS, null where unknown. */
  readonly edr: readonly { readonly bias: number | null; readonly percentile: number | null }[];
  /** One of STATE_CODES for each signal. */
  readonly signals: Int8Array;
  /** Null where it is not known. */
  readonly curve: VixCurve | null;
  /** What prices options on the S&P 500; null where it is not known. */
  readonly surface: SpxSurface | null;
  /** Factor on new short-volatility positions: half in an event's window. */
  readonly shortVolatilityScale: number;
  /** The session that a roll due on another is done on, by the events known now. */
  readonly shiftRoll: (dueSession: string) => string;
}

/** All of it that is not of the ETH market. */
type Read = Omit<Reading, Exclude<keyof Inputs, "decision">>;

const SPX_MODEL = spxModel();
/** Days before and after a session that rolls are shifted among. */
const EVENTS_BEFORE_DAYS = 60;
const EVENTS_AFTER_DAYS = 30;

export interface SessionReader {
  readonly warmUp: (view: AsOfView, session: string) => void;
  readonly read: (view: AsOfView, session: string) => Read;
  /** Every signal over the sessions read so far, and what it said last. */
  readonly signalHistory: () => SignalColumns;
  readonly lastSignals: () => readonly SignalStep[];
  /** The EDR bias of every session read so far. */
  readonly edrHistory: () => EdrHistory;
}

/** Makes the reader of a run. What must see all history (EDR percentiles, signals for training) is read while warming up. */
export function createReader(models: readonly MarkovModel[], signals: readonly Signal[]): SessionReader {
  const assess = createRegimeAssessor(models);
  const edrOf = createEdr(seededRandom);
  const curveOf = createVixCurve();
  const chainOf = createChainRule();
  const shiftOf = createShifts();
  const steppers = signals.map((signal) => signal.create());
  const sessions: string[] = [];
  const columns = signals.map((signal) => ({ signal, states: [] as number[], values: [] as number[] }));
  let lastSignals: SignalStep[] = [];
  const edrReadings: EdrReading[] = [];

  const follow = (view: AsOfView, session: string) => {
    const day = dayNumber(session);
    const edr = edrOf(view, session);
    const states = new Int8Array(steppers.length);
    const steps: SignalStep[] = [];
    for (let i = 0; i < states.length; i++) {
      const step = steppers[i]!(view, day);
      steps.push(step);
      states[i] = STATE_CODES[step.state];
      columns[i]!.states.push(states[i]!);
      columns[i]!.values.push(step.value ?? NaN);
    }
    lastSignals = steps;
    edrReadings.push(edr);
    sessions.push(session);
    return { edr, states };
  };

  return {
    signalHistory: () => ({
      sessions,
      columns: columns.map(({ signal, states, values }) => ({
        signal,
        states: Int8Array.from(states),
        values: Float64Array.from(values),
      })),
    }),
    lastSignals: () => lastSignals,
    edrHistory: () => historyOf(edrReadings),
    warmUp: (view, session) => void follow(view, session),
    read(view, session) {
      const { edr, states } = follow(view, session);
      const regime = assess(view, session);
      const curve = curveOf(view, session);
      const day = dayNumber(session);
      const chain = chainOf(view, session);
      return {
        regime,
        rule: levelOf(regime.rule),
        chain: regime.rule === "Unknown" ? null : chain,
        decision: levelOf(regime.decision),
        edrPercentile: edr.sizingPercentile,
        edr: edr.cells.map(({ bias, percentile }) => ({ bias, percentile })),
        signals: states,
        curve: isVixCurve(curve) ? curve : null,
        surface: spxSurface(view, session, SPX_MODEL),
        shortVolatilityScale: shortVolatilityScale(view, session),
        shiftRoll: shiftOf(view.events(day - EVENTS_BEFORE_DAYS, day + EVENTS_AFTER_DAYS, SHIFTING_EVENTS)),
      };
    },
  };
}

/** Shifts rolls by the events known; what the same events make of the same session is remembered over the whole run. */
function createShifts(): (events: readonly MarketEvent[]) => (dueSession: string) => string {
  const remembered = new Map<string, string>();
  return (events) => {
    const own = new Map<string, string>();
    return (due) => {
      let session = own.get(due);
      if (session !== undefined) return session;
      const dueDay = dayNumber(due);
      const near = events.filter(({ day }) => day <= dueDay && day >= dueDay - EVENTS_BEFORE_DAYS);
      const key = `${due} ${near.map(({ day }) => day).join(" ")}`;
      session = remembered.get(key) ?? shiftedSession(due, near);
      remembered.set(key, session);
      own.set(due, session);
      return session;
    };
  };
}

function levelOf(name: RegimeName): Level | null {
  return name === "Unknown" ? null : (REGIME_NAMES.indexOf(name) as Level);
}

/** Readings as columns. */
function historyOf(readings: readonly EdrReading[]): EdrHistory {
  const column = (of: (reading: EdrReading) => number | null | undefined): Float64Array =>
    Float64Array.from(readings, (reading) => of(reading) ?? NaN);
  return {
    sessions: readings.map(({ session }) => session),
    cells: EDR_CELLS.map((cell, c) => ({
      ...cell,
      model: column(({ cells }) => cells[c]!.model?.probability),
      implied: column(({ cells }) => cells[c]!.implied?.probability),
      bias: column(({ cells }) => cells[c]!.bias),
      percentile: column(({ cells }) => cells[c]!.percentile),
      modelSeverity: column(({ cells }) => cells[c]!.model?.severity),
      impliedSeverity: column(({ cells }) => cells[c]!.implied?.severity),
    })),
    sizingPercentile: column(({ sizingPercentile }) => sizingPercentile),
    last: readings.at(-1)!,
  };
}
