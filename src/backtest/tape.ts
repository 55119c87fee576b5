/**
 * What each day knew: the marks of every UTC day and the inputs of every session's decision, read once through an as-of
 * view that walks forward, and then shared by all strategies. A row holds only what its own instant knew, and strategies
 * are given one row at a time.
 */

import { createWorstRise } from "../hedge/margin.ts";
import { AsOfView } from "../market/asOf.ts";
import { dateOfDay, dayNumber, nextSession } from "../market/calendar.ts";
import { decisionTime, isSessionDay } from "../market/publication.ts";
import type { Dataset } from "../market/series.ts";
import { SeriesMissingError } from "../market/series.ts";
import type { Level } from "./parameters.ts";
import { DAYS_PER_YEAR, EVENT_KINDS, EVENT_SESSIONS, EWMA_DECAY, WARM_UP_DAYS } from "./parameters.ts";

/** A funding settlement: a short receives `rate` × notional at mark. */
export interface Settlement {
  /** When, as a share of the day from its start: in (0, 1]. */
  readonly at: number;
  readonly rate: number;
}

/** A day at the close of its 24-hour bar, 00:00 UTC of the next day. */
export interface Mark {
  readonly day: number;
  readonly date: string;
  /** ETH in USD; the last one known when the day has no bar. */
  readonly price: number;
  readonly high: number;
  /** Nothing can be traded on a day without a bar. */
  readonly hasBar: boolean;
  /** Simple return of treasury bills since the last mark. */
  readonly cashReturn: number;
  /** EWMA volatility of ETH, a year, and the median of all its values so far. */
  readonly volatility: number;
  readonly medianVolatility: number;
  readonly settlements: readonly Settlement[];
  readonly vix: number | null;
}

/** What a session's decision, at 00:05 UTC of the next day, may rest on. */
export interface Inputs {
  readonly session: string;
  /** The session at whose close what is decided now is filled. */
  readonly fillSession: string;
  readonly mark: Mark;
  /** Worst three-day rise of ETH known, decimal. */
  readonly worstRise: number;
  /** Whether a scheduled release comes within three sessions. */
  readonly eventNear: boolean;
  /** The regime by the more defensive of rule and model; null where it is Unknown. */
  readonly decision: Level | null;
}

/** What is read for a session beside the ETH market. */
type Read = Pick<Inputs, "decision">;

/** One UTC day of the tape. `inputs` is null on days without a session. */
export interface TapeDay<I extends Inputs = Inputs> {
  readonly mark: Mark;
  readonly inputs: I | null;
}

/** The data do not reach far enough for a single decision. */
export class TapeTooShortError extends Error {
  constructor(what: string, mend: string) {
    super(`no backtest: ${what}. ${mend}`);
    this.name = "TapeTooShortError";
  }
}

/** What a tape is recorded with. */
export interface TapeOptions<D extends Read> {
  /** Session that `warmUp` begins with. */
  readonly firstSession: string;
  /** Last day, day number. */
  readonly lastDay: number;
  /** Called for every session before the rows, ascending, with a view at its decision time. */
  readonly warmUp: (view: AsOfView, session: string) => void;
  /** Called for every session of the rows, ascending: what its decision needs beside the market. */
  readonly read: (view: AsOfView, session: string) => D;
}

/** The first day of a tape: so many closes of ETH are known that it has a volatility. Throws as recordTape. */
export function firstRowDay(dataset: Dataset): number {
  const eth = dataset.series.get("eth");
  if (eth === undefined) throw new SeriesMissingError("eth", "the backtest");
  const day = eth.days[WARM_UP_DAYS];
  if (day !== undefined) return day;
  const mend = "Fill the data folder with `ballast pull`.";
  throw new TapeTooShortError(`${eth.days.length} ETH closes, and it needs ${WARM_UP_DAYS + 1}`, mend);
}

/**
 * Walks from the first session to the last day and records one row for every UTC day from {@link firstRowDay} on.
 * @throws SeriesMissingError without ETH, TapeTooShortError without enough of it
 */
export function recordTape<D extends Read>(dataset: Dataset, options: TapeOptions<D>): TapeDay<Inputs & D>[] {
  const firstRow = firstRowDay(dataset);
  const { firstSession, lastDay, warmUp, read } = options;
  if (lastDay <= firstRow) {
    const mend = "Ask for a later --to.";
    throw new TapeTooShortError(
      `the last day is not after ${dateOfDay(firstRow)}, the first with ETH's volatility`,
      mend,
    );
  }
  const view = new AsOfView(dataset);
  const markOf = createMarker();
  const rise = createWorstRise({ close: "eth", high: "ethHigh" });
  const rows: TapeDay<Inputs & D>[] = [];

  const firstEthDay = dataset.series.get("eth")!.days[0]!;
  for (let day = dayNumber(firstSession); day < firstEthDay; day++) {
    if (!isSessionDay(day)) continue;
    const session = dateOfDay(day);
    warmUp(view.advanceTo(decisionTime(session)), session);
  }
  for (let day = firstEthDay; day <= lastDay; day++) {
    const date = dateOfDay(day);
    const mark = markOf(view.advanceTo((day + 1) * SECONDS_PER_DAY), day, date);
    const isDecisionDay = isSessionDay(day);
    if (isDecisionDay) view.advanceTo(decisionTime(date));
    if (day < firstRow) {
      if (isDecisionDay && date >= firstSession) warmUp(view, date);
      continue;
    }
    const inputs = isDecisionDay
      ? {
          session: date,
          fillSession: nextSession(date),
          mark,
          worstRise: rise(view)?.rise ?? 0,
          eventNear: eventNear(view, date),
          ...read(view, date),
        }
      : null;
    rows.push({ mark, inputs });
  }
  return rows;
}

const SECONDS_PER_DAY = 86_400;
/** A return of treasury bills over a longer gap is no daily return: then fed funds accrue. */
const STALE_DAYS = 7;
/** Fed funds are quoted in percent on 360 days. */
const MONEY_MARKET_DAYS = 360;

/** Reads marks day by day, ascending. */
function createMarker(): (view: AsOfView, day: number, date: string) => Mark {
  let price = NaN;
  let variance = NaN;
  let returns: number[] | null = [];
  const volatilities = new RunningMedian();
  let bill = { day: -Infinity, value: NaN };

  return (view, day, date) => {
    const close = view.on("eth", day);
    const high = close === null ? null : view.on("ethHigh", day);
    if (close !== null) {
      if (Number.isFinite(price)) {
        const square = Math.log(close / price) ** 2;
        if (returns !== null) {
          returns.push(square);
          // The first value is the plain mean of the first half of the warm-up; the moving one takes over from there.
          if (returns.length === WARM_UP_DAYS / 2) {
            variance = returns.reduce((sum, r) => sum + r, 0) / returns.length;
            returns = null;
          }
        } else variance = EWMA_DECAY * variance + (1 - EWMA_DECAY) * square;
      }
      price = close;
    }
    const volatility = Math.sqrt(variance * DAYS_PER_YEAR);
    if (Number.isFinite(volatility)) volatilities.add(volatility);

    const start = day * SECONDS_PER_DAY;
    const funding = view.publishedIn("fundingEth", start, start + SECONDS_PER_DAY);
    const settlements = Array.from(funding.values, (rate, i) => ({
      at: (funding.availableAt[i]! - start) / SECONDS_PER_DAY,
      rate,
    }));

    let cashReturn = 0;
    const latest = view.latest("tbill");
    if (latest !== null && latest.day >= day - STALE_DAYS) {
      if (bill.day >= latest.day - STALE_DAYS) cashReturn = latest.value / bill.value - 1;
      bill = latest;
    } else {
      const fed = view.latest("fedFunds");
      if (fed !== null && fed.day >= day - STALE_DAYS) cashReturn = fed.value / 100 / MONEY_MARKET_DAYS;
    }

    return {
      day,
      date,
      price,
      high: Math.max(high ?? price, price),
      hasBar: close !== null,
      cashReturn,
      volatility,
      medianVolatility: volatilities.median,
      settlements,
      vix: view.latest("vix")?.value ?? null,
    };
  };
}

/** Whether a scheduled release, as far as known, falls into the next sessions. */
function eventNear(view: AsOfView, session: string): boolean {
  let last = session;
  for (let i = 0; i < EVENT_SESSIONS; i++) last = nextSession(last);
  return view.events(dayNumber(session) + 1, dayNumber(last), EVENT_KINDS).length > 0;
}

/** Median of all values so far. */
class RunningMedian {
  readonly #ascending: number[] = [];

  add(value: number): void {
    let low = 0;
    let high = this.#ascending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ascending[middle]! < value) low = middle + 1;
      else high = middle;
    }
    this.#ascending.splice(low, 0, value);
  }

  get median(): number {
    const { length } = this.#ascending;
    if (length === 0) return NaN;
    const upper = this.#ascending[length >> 1]!;
    return length % 2 === 1 ? upper : (upper + this.#ascending[(length >> 1) - 1]!) / 2;
  }
}
