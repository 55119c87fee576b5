import { dayNumber } from "../market/calendar.ts";
import type { Dataset } from "../market/series.ts";
import type { EdrColumns, EdrHistory } from "../signals/edrHistory.ts";
import type { Random } from "../market/random.ts";
import { percentileInterval, stationaryIndices } from "./bootstrap.ts";
import type { Interval } from "./bootstrap.ts";

/** Windows with a known outcome before climatology is a forecast: about a year. */
const MIN_CLIMATOLOGY = 252;
/**
 * Fewer independent events than this make no calibration curve, as every bin would rest on one or two of them, and no
 * interval: a bootstrap cannot draw the events that the sample lacks.
 */
const MIN_EVENTS = 10;
/** Bins of a calibration curve: tenths of the forecast probability. */
const CURVE_BINS = 10;
/** Twice the longest window: the errors of windows that overlap are alike, so shorter blocks would feign certainty. */
const MEAN_BLOCK_SESSIONS = 126;

/** Resamples of published intervals, and the seed they start from. */
export const CALIBRATION_PATHS = 1_000;
export const CALIBRATION_SEED = 1;

/** Forecasts of one tenth of the range, and how often the event came. */
export interface CurvePoint {
  readonly forecasts: number;
  readonly meanForecast: number;
  readonly eventShare: number;
}

/** How good the forecasts of one horizon and depth were, out of sample. */
export interface Calibration {
  readonly horizonSessions: number;
  readonly depth: number;
  /** Sessions scored: model, implied and climatology were all known then, and the outcome is by now. */
  readonly sessions: number;
  readonly from: string | null;
  readonly to: string | null;
  /** Share of the scored sessions whose window held a drawdown of the depth. Windows overlap. */
  readonly eventShare: number | null;
  /** Windows with such a drawdown among those laid end to end from the first scored session: they do not overlap. */
  readonly independentEvents: number;
  /** Mean squared error of the probability: 0 is perfect. */
  readonly brierModel: number | null;
  readonly brierImplied: number | null;
  /** Of the share of events among all earlier windows whose outcome was known. */
  readonly brierClimatology: number | null;
  /** 1 − Brier / Brier of climatology: above 0 is better than knowing the past frequency only. */
  readonly skillModel: number | null;
  readonly skillImplied: number | null;
  /** 1 − Brier of the model / Brier of implied. */
  readonly skillAgainstImplied: number | null;
  /** Stationary-bootstrap intervals, null with fewer than ten independent events. */
  readonly skillModelInterval: Interval | null;
  readonly skillAgainstImpliedInterval: Interval | null;
  /** Null with fewer than ten independent events. */
  readonly curve: { readonly model: readonly CurvePoint[]; readonly implied: readonly CurvePoint[] } | null;
}

/** What of the history to score, and how many resamples the intervals take (0: no intervals). */
export interface CalibrationOptions {
  readonly from?: string;
  readonly random?: Random;
  readonly paths?: number;
}

/**
 * Scores every forecast of the history whose outcome is known by its last session: Brier score (Brier 1950) and skill,
 * walking forward: no forecast, climatology included, knew anything of its own window. Sessions whose S&P closes have
 * holes in the window are left out.
 */
export function calibrateEdr(dataset: Dataset, history: EdrHistory, options: CalibrationOptions = {}): Calibration[] {
  const closes = closesOf(dataset, history.sessions);
  return history.cells.map((columns) => calibrateCell(columns, history.sessions, closes, options));
}

function calibrateCell(
  columns: EdrColumns,
  sessions: readonly string[],
  closes: Float64Array,
  { from = "", random, paths = 0 }: CalibrationOptions,
): Calibration {
  const { horizonSessions, depth } = columns;
  const outcomes = drawdownOutcomes(closes, horizonSessions, depth);
  const climatology = climatologyOf(outcomes, horizonSessions);
  const scored = sessions.flatMap((session, i) =>
    session >= from && Number.isFinite(columns.bias[i]! + climatology[i]! + outcomes[i]!) ? [i] : [],
  );
  const events = Float64Array.from(scored, (i) => outcomes[i]!);
  const errorsOf = (forecast: Float64Array): Float64Array =>
    Float64Array.from(scored, (i) => (forecast[i]! - outcomes[i]!) ** 2);
  const errors = {
    model: errorsOf(columns.model),
    implied: errorsOf(columns.implied),
    climatology: errorsOf(climatology),
  };
  const independentEvents = countIndependent(scored, outcomes, horizonSessions);
  const enough = independentEvents >= MIN_EVENTS;
  const intervals = random === undefined || !enough ? null : skillIntervals(errors, random, paths);
  const curveOf = (forecast: Float64Array): CurvePoint[] =>
    curve(
      Float64Array.from(scored, (i) => forecast[i]!),
      events,
    );
  const brier = { model: mean(errors.model), implied: mean(errors.implied), climatology: mean(errors.climatology) };
  return {
    horizonSessions,
    depth,
    sessions: scored.length,
    from: sessions[scored[0] ?? -1] ?? null,
    to: sessions[scored.at(-1) ?? -1] ?? null,
    eventShare: mean(events),
    independentEvents,
    brierModel: brier.model,
    brierImplied: brier.implied,
    brierClimatology: brier.climatology,
    skillModel: skill(brier.model, brier.climatology),
    skillImplied: skill(brier.implied, brier.climatology),
    skillAgainstImplied: skill(brier.model, brier.implied),
    skillModelInterval: intervals?.model ?? null,
    skillAgainstImpliedInterval: intervals?.againstImplied ?? null,
    curve: enough ? { model: curveOf(columns.model), implied: curveOf(columns.implied) } : null,
  };
}

function closesOf(dataset: Dataset, sessions: readonly string[]): Float64Array {
  const spx = dataset.series.get("spx");
  const byDay = new Map<number, number>();
  spx?.days.forEach((day, i) => byDay.set(day, spx.values[i]!));
  return Float64Array.from(sessions, (session) => byDay.get(dayNumber(session)) ?? NaN);
}

/** For each session 1 if the closes from it to `horizon` sessions later hold a drawdown of the depth, 0 if not, or NaN. */
export function drawdownOutcomes(closes: Float64Array, horizon: number, depth: number): Float64Array {
  const outcomes = new Float64Array(closes.length).fill(NaN);
  for (let start = 0; start + horizon < closes.length; start++) {
    let high = closes[start]!;
    let worst = 0;
    let whole = !Number.isNaN(high);
    for (let i = start + 1; i <= start + horizon && whole; i++) {
      whole = !Number.isNaN(closes[i]!);
      high = Math.max(high, closes[i]!);
      worst = Math.max(worst, 1 - closes[i]! / high);
    }
    if (whole) outcomes[start] = worst >= depth ? 1 : 0;
  }
  return outcomes;
}

/** For each session the share of events among the windows that were over by then; NaN for too few of them. */
function climatologyOf(outcomes: Float64Array, horizon: number): Float64Array {
  let known = 0;
  let events = 0;
  return outcomes.map((_, i) => {
    const over = outcomes[i - horizon] ?? NaN;
    if (!Number.isNaN(over)) {
      known += 1;
      events += over;
    }
    return known < MIN_CLIMATOLOGY ? NaN : events / known;
  });
}

/** Of the windows laid end to end from the first scored session on, how many held an event. */
function countIndependent(scored: readonly number[], outcomes: Float64Array, horizon: number): number {
  const first = scored[0];
  if (first === undefined) return 0;
  return scored.filter((i) => (i - first) % horizon === 0 && outcomes[i] === 1).length;
}

function skillIntervals(
  errors: Record<"model" | "implied" | "climatology", Float64Array>,
  random: Random,
  paths: number,
): { model: Interval | null; againstImplied: Interval | null } | null {
  const n = errors.model.length;
  if (n === 0 || paths === 0) return null;
  const indices = new Int32Array(n);
  const model = new Float64Array(paths);
  const againstImplied = new Float64Array(paths);
  for (let path = 0; path < paths; path++) {
    stationaryIndices(random, n, MEAN_BLOCK_SESSIONS, indices);
    const sums = { model: 0, implied: 0, climatology: 0 };
    for (const i of indices) {
      sums.model += errors.model[i]!;
      sums.implied += errors.implied[i]!;
      sums.climatology += errors.climatology[i]!;
    }
    model[path] = skill(sums.model, sums.climatology) ?? NaN;
    againstImplied[path] = skill(sums.model, sums.implied) ?? NaN;
  }
  return { model: percentileInterval(model), againstImplied: percentileInterval(againstImplied) };
}

function curve(forecasts: Float64Array, events: Float64Array): CurvePoint[] {
  const bins = Array.from({ length: CURVE_BINS }, () => ({ forecasts: 0, sum: 0, events: 0 }));
  forecasts.forEach((forecast, i) => {
    const bin = bins[Math.min(CURVE_BINS - 1, Math.floor(forecast * CURVE_BINS))]!;
    bin.forecasts += 1;
    bin.sum += forecast;
    bin.events += events[i]!;
  });
  return bins
    .filter((bin) => bin.forecasts > 0)
    .map((bin) => ({
      forecasts: bin.forecasts,
      meanForecast: bin.sum / bin.forecasts,
      eventShare: bin.events / bin.forecasts,
    }));
}

function skill(brier: number | null, reference: number | null): number | null {
  return brier === null || reference === null || reference === 0 ? null : 1 - brier / reference;
}

function mean(values: Float64Array): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
