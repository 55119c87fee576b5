import type { AsOfView } from "../market/asOf.ts";
import { dateOfDay, dayNumber } from "../market/calendar.ts";
import { sessionsAfter } from "./age.ts";
import { impliedDrawdown, SESSIONS_PER_YEAR } from "./edrImplied.ts";
import type { DrawdownOutlook } from "./edrImplied.ts";
import { EDR_HORIZONS, MIN_RESIDUALS, ResidualPool } from "./edrModel.ts";
import type { RandomFactory, UnitDrawdowns } from "./edrModel.ts";
import { calendarDaysOf, interpolatedVolatility, VOLATILITY_NODES } from "./edrVolatility.ts";
import type { NodeVolatility } from "./edrVolatility.ts";
import { MAX_AGE_SESSIONS } from "./seriesSignal.ts";

/** Drawdowns of at least so much (decimals, ascending) are asked for. */
export const EDR_DEPTHS = [0.05, 0.1, 0.2] as const;

/** Every horizon with every depth, in the order of a reading's cells. */
export const EDR_CELLS = EDR_HORIZONS.flatMap((horizonSessions) =>
  EDR_DEPTHS.map((depth) => ({ horizonSessions, depth })),
);
/**
 * The cell that sizes tail layers, fixed beforehand (an assumption): they are there for the deep fall, held about a
 * quarter, and this cell saturates least. In a panic both probabilities of a shallow fall are near 1, so its bias is
 * near 0 and ranks high in a history of mostly negative ones, just when options are dearest.
 */
const SIZING_CELL = EDR_CELLS.findIndex(({ horizonSessions, depth }) => horizonSessions === 63 && depth === 0.2);
/** A percentile among fewer earlier readings than a year's says nothing. */
const MIN_HISTORY = SESSIONS_PER_YEAR;
/** Volatility indices are in points, a hundred to one. */
const POINTS_PER_UNIT = 100;

/** One horizon and depth on one session. Decimals; null where an input is missing. */
export interface EdrCell {
  /** The drawdown is over the closes of the session and of so many sessions after it. */
  readonly horizonSessions: number;
  readonly depth: number;
  readonly model: DrawdownOutlook | null;
  readonly implied: DrawdownOutlook | null;
  /** Model less implied probability. */
  readonly bias: number | null;
  /** Model less implied severity. */
  readonly severityBias: number | null;
  /** Share of the bias's own earlier readings below it, ties counting half; null within the first year. */
  readonly percentile: number | null;
  /** Implied volatility to the horizon, annualised. */
  readonly impliedVolatility: number | null;
}

/** The EDR bias as it could be known when the decision after a session is taken. */
export interface EdrReading {
  readonly session: string;
  /** One for each of EDR_CELLS. */
  readonly cells: readonly EdrCell[];
  /** Percentile of the cell that sizes tail layers (63 sessions, 20 %). */
  readonly sizingPercentile: number | null;
  /** EWMA volatility of the S&P 500, annualised decimal. */
  readonly ewmaVolatility: number | null;
  /** Residuals that the month's simulation drew from. */
  readonly residuals: number;
  /** Volatility indices that were known and fresh. */
  readonly impliedFrom: readonly string[];
  /** What is missing, in sentences; empty when every cell is known. */
  readonly unknown: readonly string[];
}

/** Reads the session's bias through a view that stands at its decision time. */
export type EdrStepper = (view: AsOfView, session: string) => EdrReading;

/** Sessions were given out of order, which would put later readings into an earlier one's history. */
export class EdrOrderError extends Error {
  constructor(session: string, last: string) {
    super(`session ${session} does not come after ${last}: give each session once, ascending, or make a new stepper.`);
    this.name = "EdrOrderError";
  }
}

/**
 * Equity drawdown risk bias (QUANT "EDR bias"): how much likelier, and how much deeper, a model of the S&P 500's own
 * returns makes a drawdown than option prices do. Volatility and residuals come from all S&P closes that the view
 * knows, whenever the first call is; percentiles compare with this stepper's earlier readings, so start it at the first
 * session of the VIX. The model is simulated once a month, from residuals of earlier months and a seed made of year and
 * month (202003), so a month's numbers do not depend on where a run began.
 * @param randomOf makes a source of numbers in [0, 1) from a seed
 * @returns a function to be called once for each session, ascending; it throws EdrOrderError
 */
export function createEdr(randomOf: RandomFactory): EdrStepper {
  const pool = new ResidualPool();
  const closes = { read: 0, day: -Infinity, value: NaN };
  const histories = EDR_CELLS.map(() => new History());
  let month = 0;
  let poolSize = 0;
  let drawdowns: UnitDrawdowns[] | null = null;
  let last = "";

  return (view, session) => {
    if (session <= last) throw new EdrOrderError(session, last);
    last = session;
    const today = dayNumber(session);
    const unknown: string[] = [];
    readCloses(view, pool, closes);

    const yearAndMonth = Number(session.slice(0, 4)) * 100 + Number(session.slice(5, 7));
    if (yearAndMonth !== month) {
      month = yearAndMonth;
      poolSize = pool.countBefore(dayNumber(`${session.slice(0, 7)}-01`));
      drawdowns = poolSize < MIN_RESIDUALS ? null : pool.simulate(poolSize, randomOf(month));
    }

    const volatility = isFresh(closes.day, today) ? pool.volatility : null;
    const models = EDR_HORIZONS.map((_, i) =>
      drawdowns === null || volatility === null || volatility === 0
        ? null
        : drawdowns[i]!.outlooks(EDR_DEPTHS, volatility),
    );
    if (closes.read === 0) unknown.push("Model: no S&P 500 closes (spx.csv).");
    else if (volatility === null && pool.volatility !== null) {
      unknown.push(
        `Model: the last S&P 500 close is of ${dateOfDay(closes.day)}, over ${MAX_AGE_SESSIONS} sessions ago.`,
      );
    } else if (volatility === 0) unknown.push("Model: the S&P 500 closes do not move.");
    else if (drawdowns === null) {
      unknown.push(`Model: ${poolSize} residuals before this month, and a simulation needs ${MIN_RESIDUALS}.`);
    }

    const { nodes, names } = freshNodes(view, today);
    if (names.length === 0)
      unknown.push(`Implied: no volatility index of the last ${MAX_AGE_SESSIONS} sessions (vix.csv).`);
    const cells = EDR_HORIZONS.flatMap((horizonSessions, h) => {
      const impliedVolatility = interpolatedVolatility(nodes, calendarDaysOf(horizonSessions));
      return EDR_DEPTHS.map((depth, d): EdrCell => {
        const model = models[h]?.[d] ?? null;
        const implied =
          impliedVolatility === null
            ? null
            : impliedDrawdown(depth, impliedVolatility, horizonSessions / SESSIONS_PER_YEAR);
        const bias = difference(model?.probability, implied?.probability);
        const severityBias = difference(model?.severity, implied?.severity);
        const percentile = bias === null ? null : histories[h * EDR_DEPTHS.length + d]!.percentileOf(bias);
        return { horizonSessions, depth, model, implied, bias, severityBias, percentile, impliedVolatility };
      });
    });
    return {
      session,
      cells,
      sizingPercentile: cells[SIZING_CELL]!.percentile,
      ewmaVolatility: volatility === null ? null : volatility * Math.sqrt(SESSIONS_PER_YEAR),
      residuals: poolSize,
      impliedFrom: names,
      unknown,
    };
  };
}

/** Pushes the returns that have become known. One over a missing session is no daily return, and is left out. */
function readCloses(view: AsOfView, pool: ResidualPool, closes: { read: number; day: number; value: number }): void {
  const known = view.count("spx");
  for (; closes.read < known; closes.read++) {
    const { day, value } = view.latest("spx", known - 1 - closes.read)!;
    if (closes.read > 0 && sessionsAfter(closes.day, day) === 1) pool.push(day, Math.log(value / closes.value));
    closes.day = day;
    closes.value = value;
  }
}

function freshNodes(view: AsOfView, today: number): { nodes: NodeVolatility[]; names: string[] } {
  const nodes: NodeVolatility[] = [];
  const names: string[] = [];
  for (const { series, calendarDays } of VOLATILITY_NODES) {
    const observation = view.latest(series);
    if (observation === null || !isFresh(observation.day, today)) continue;
    nodes.push({ calendarDays, volatility: observation.value / POINTS_PER_UNIT });
    names.push(series);
  }
  return { nodes, names };
}

function isFresh(day: number, today: number): boolean {
  return sessionsAfter(day, today) <= MAX_AGE_SESSIONS;
}

function difference(a: number | null | undefined, b: number | null | undefined): number | null {
  return a === null || a === undefined || b === null || b === undefined ? null : a - b;
}

/** The readings of one cell so far, kept in order. */
class History {
  #sorted = new Float64Array(1_024);
  #count = 0;

  /** Share of earlier readings below this one, ties counting half, null for too few of them; then remembers it. */
  percentileOf(reading: number): number | null {
    const below = this.#firstAtLeast(reading);
    let equal = 0;
    while (below + equal < this.#count && this.#sorted[below + equal] === reading) equal++;
    const percentile = this.#count < MIN_HISTORY ? null : (below + equal / 2) / this.#count;
    this.#insert(below, reading);
    return percentile;
  }

  #firstAtLeast(reading: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle]! < reading) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(at: number, reading: number): void {
    if (this.#count === this.#sorted.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#sorted);
      this.#sorted = larger;
    }
    this.#sorted.copyWithin(at + 1, at, this.#count);
    this.#sorted[at] = reading;
    this.#count += 1;
  }
}
