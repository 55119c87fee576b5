import { DateTime } from "luxon";
import type { Provider } from "ethers";
import { abs, BPS, formatFixed } from "../plan/fixedPoint.ts";
import type { Evidence, FeedRound } from "../plan/evidence.ts";
import { IAggregatorV3__factory } from "../../typechain-types/index.js";
import type { SecondaryConfig } from "./config.ts";
import { rpc, RpcUnavailable } from "./observe.ts";
import { EndpointFailed, OUTSIDE, requestPatiently } from "./ops/request.ts";
import type { Outside, Patience } from "./ops/request.ts";
import { duration } from "./review.ts";
import { lastRoundOn, NoRound } from "./rounds.ts";

/*
 * Other sources for the values that decisions rest on. They are compared and told of, and decide nothing: a plan follows from
 * what is on the chain alone, or nobody could recompute it.
 */

/** Values are compared at this many decimals; digits beyond are cut off. */
export const VALUE_DECIMALS = 18;

export type SecondaryState =
  | "agrees"
  | "disagrees"
  /** Too old, or of another time than the vault's own value: nothing can be said. */
  | "stale"
  | "unreadable";

export interface SecondaryReading {
  name: string;
  of: SecondaryConfig["of"];
  /** Scaled by 1e18; null when it could not be read. */
  value: bigint | null;
  /** Seconds since 1970-01-01. */
  at: number | null;
  ageSeconds: number | null;
  state: SecondaryState;
  /** Distance to the vault's own value, rounded up; null when the two are not comparable. */
  disagreementBps: number | null;
  /** For people, in one line. */
  sentence: string;
}

export interface SecondaryRequest {
  provider: Provider;
  /** What the tick decided from: its block, and the vault's own values. */
  evidence: Evidence;
  secondary: readonly SecondaryConfig[];
  outside?: Outside;
  patience?: Patience;
}

const PATIENCE: Patience = { retries: 2, firstWaitMs: 500, timeoutMs: 10_000, longestPauseMs: 5_000 };
/** A price and its time, with whatever else a service sends along. */
const MAX_DOCUMENT_BYTES = 1_024 * 1_024;
const SECONDS_PER_DAY = 86_400;
/** Clocks of services differ by seconds; a time further ahead is wrong, and would look fresh for ever. */
const CLOCK_SKEW_SECONDS = 300;
/**
 * The earliest a US session closes, on its UTC day: 13:00 in New York on a half day in summer. What is older on that day is no
 * close, so that comparing it with one would cry wolf on every day that moves.
 */
const EARLIEST_CLOSE_SECONDS = 17 * 3_600;

/** A value and its time, as a source has them. */
interface Quote {
  value: bigint;
  /** Seconds since 1970-01-01. */
  at: number;
  /** What the source's age is measured against, seconds since 1970-01-01. */
  now: number;
}

/** The source does not give a value that could be compared. */
class Unreadable extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "Unreadable";
  }
}

/** Reads every secondary source and compares it. Never rejects: a source that fails says so in its own reading. */
export function readSecondary(request: SecondaryRequest): Promise<SecondaryReading[]> {
  return Promise.all(
    request.secondary.map(async (source) => {
      try {
        const quote = "feed" in source ? await quoteOnChain(request, source) : await quoteOverHttp(request, source);
        return compare(source, request.evidence.feeds[source.of], quote);
      } catch (error) {
        return unreadable(source, error);
      }
    }),
  );
}

/** A source's newest value, as a text, and its time (seconds since 1970-01-01), compared with nothing. Throws what it cannot read. */
export async function readSource(
  source: SecondaryConfig,
  provider: Provider,
): Promise<{ value: string; updatedAt: number }> {
  if (!("feed" in source)) {
    const { value, at } = await quoteOverHttp({}, source);
    return { value: shown(value), updatedAt: at };
  }
  const feed = IAggregatorV3__factory.connect(source.feed, provider);
  const [round, decimals] = await rpc(Promise.all([feed.latestRoundData(), feed.decimals()]));
  if (round.answer <= 0n) throw new Unreadable("its answer is not positive");
  return { value: shown(scaled(round.answer, Number(decimals))), updatedAt: Number(round.updatedAt) };
}

/** A source's value beside the vault's own. */
function compare(source: SecondaryConfig, primary: FeedRound, { value, at, now }: Quote): SecondaryReading {
  const { name, of, maxAgeSeconds, maxDisagreementBps } = source;
  const ageSeconds = Math.max(0, now - at);
  const own = scaled(BigInt(primary.answer), primary.decimals);
  const read = { name, of, value, at, ageSeconds };
  const stale = (why: string): SecondaryReading => ({
    ...read,
    state: "stale",
    disagreementBps: null,
    sentence: `${name} (${of}): ${why}; not compared`,
  });
  if (own <= 0n) return unreadable(source, new Unreadable("the vault's own value is not positive"));
  if (ageSeconds > maxAgeSeconds)
    return stale(`its value is ${duration(ageSeconds)} old, ${duration(maxAgeSeconds)} allowed`);
  if (isClose(of)) {
    const other = notOfThatClose(at, primary.updatedAt);
    if (other !== null) return stale(other);
  }
  const distance = abs(value - own);
  const disagrees = distance * BPS > own * BigInt(maxDisagreementBps);
  const disagreementBps = Number((distance * BPS + own - 1n) / own);
  const sentence =
    `${name} (${of}) says ${shown(value)}, the vault's feed ${shown(own)}: ` +
    `${disagreementBps} bps apart, ${maxDisagreementBps} allowed`;
  return { ...read, state: disagrees ? "disagrees" : "agrees", disagreementBps, sentence };
}

/** The volatility feeds' values are closes of a session, which stand until the next one. */
function isClose(of: SecondaryConfig["of"]): boolean {
  return of === "vix" || of === "vix3m";
}

/**
 * Why a source's value is not the close that the vault has; null when it is. A value stamped with a date alone, or with its
 * midnight, is that day's.
 */
function notOfThatClose(at: number, closedAt: number): string | null {
  const [day, closeDay] = [at, closedAt].map((time) => Math.floor(time / SECONDS_PER_DAY)) as [number, number];
  if (day !== closeDay)
    return `its value is of another day (${dateOf(at)}) than the vault's close (${dateOf(closedAt)})`;
  const sinceMidnight = at % SECONDS_PER_DAY;
  if (sinceMidnight > 0 && sinceMidnight < EARLIEST_CLOSE_SECONDS) {
    return `its value is of ${dateOf(at)} before any session closes`;
  }
  return null;
}

async function quoteOnChain(
  { provider, evidence }: SecondaryRequest,
  source: Extract<SecondaryConfig, { feed: string }>,
): Promise<Quote> {
  const blockTag = evidence.block.number;
  const feed = IAggregatorV3__factory.connect(source.feed, provider);
  // A live feed may be a session ahead of the close that the vault has: what it said on that day is what counts.
  const closeDay = Math.floor(evidence.feeds[source.of].updatedAt / SECONDS_PER_DAY);
  const [round, decimals] = await rpc(
    Promise.all([
      isClose(source.of)
        ? lastRoundOn(provider, source.feed, (closeDay + 1) * SECONDS_PER_DAY - 1, blockTag).then((id) =>
            feed.getRoundData(id, { blockTag }),
          )
        : feed.latestRoundData({ blockTag }),
      feed.decimals({ blockTag }),
    ]),
  );
  if (round.answer <= 0n) throw new Unreadable("its answer is not positive");
  if (round.updatedAt === 0n) throw new Unreadable("its newest round is not complete");
  return quote(scaled(round.answer, Number(decimals)), Number(round.updatedAt), evidence.block.timestamp);
}

async function quoteOverHttp(
  { outside = OUTSIDE, patience = PATIENCE }: Pick<SecondaryRequest, "outside" | "patience">,
  source: Extract<SecondaryConfig, { url: string }>,
): Promise<Quote> {
  const text = await requestPatiently({ url: source.url, maxBytes: MAX_DOCUMENT_BYTES }, patience, outside);
  const document = parseExactly(text);
  const value = decimalToFixed(textAt(document, source.pointer), VALUE_DECIMALS);
  if (value === null || value <= 0n) throw new Unreadable(`what ${source.pointer} holds is no positive decimal number`);
  const at = timeOf(textAt(document, source.timePointer));
  if (at === null) throw new Unreadable(`what ${source.timePointer} holds is no time`);
  return quote(value, at, Math.floor(outside.now() / 1_000));
}

function quote(value: bigint, at: number, now: number): Quote {
  if (at > now + CLOCK_SKEW_SECONDS) throw new Unreadable(`its time is in the future: ${isoOf(at)}`);
  return { value, at, now };
}

function unreadable({ name, of }: SecondaryConfig, error: unknown): SecondaryReading {
  const none = { value: null, at: null, ageSeconds: null, disagreementBps: null };
  return { name, of, ...none, state: "unreadable", sentence: `${name} (${of}): ${reasonOf(error)}` };
}

/** Of errors that are not ours the name only: their messages may hold URLs and whatever a service answered. */
function reasonOf(error: unknown): string {
  if (error instanceof Unreadable || error instanceof EndpointFailed || error instanceof NoRound) return error.message;
  if (error instanceof RpcUnavailable) {
    return error.answered ? "no AggregatorV3 feed answers at its address" : "the RPC did not answer";
  }
  return error instanceof Error ? error.name : "unknown failure";
}

/** JSON with its numbers as the text they were written in: a floating-point number would not keep their digits. */
export function parseExactly(text: string): unknown {
  try {
    return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
      typeof value === "number" ? (context?.source ?? String(value)) : value,
    );
  } catch {
    throw new Unreadable("its answer is not JSON");
  }
}

/** The text at a JSON pointer (RFC 6901) of a document read by parseExactly. */
function textAt(document: unknown, pointer: string): string {
  const found = valueAtPointer(document, pointer);
  if (typeof found !== "string") throw new Unreadable(`there is no number or text at ${pointer}`);
  return found;
}

/** The value at a JSON pointer (RFC 6901); undefined when there is none. */
export function valueAtPointer(document: unknown, pointer: string): unknown {
  if (pointer === "") return document;
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  let value = document;
  for (const token of pointer.slice(1).split("/")) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    // An array has other properties of its own than its elements.
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** More digits than any price has. */
const MAX_DIGITS = 60;

/** A decimal text (`3012.45`, `3.01245e3`) as a fixed-point number, digits beyond cut off; null when it is none. */
export function decimalToFixed(text: string, decimals: number): bigint | null {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?$/.exec(text.trim());
  if (match === null || text.length > MAX_DIGITS) return null;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = BigInt(whole + fraction);
  const shift = decimals + Number(exponent) - fraction.length;
  const size = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  return sign === "-" ? -size : size;
}

/** Seconds of the year 5138, milliseconds of March 1973: a number from here on is milliseconds. */
const MILLISECONDS_FROM = 100_000_000_000;
/** Milliseconds of the year 5138; more would be microseconds. */
const MILLISECONDS_UNTIL = 100_000_000_000_000;

/** A time (seconds or milliseconds since 1970-01-01, or ISO 8601, UTC unless it says otherwise) in seconds; null when it is none. */
export function timeOf(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text);
    if (number >= MILLISECONDS_UNTIL) return null;
    return Math.floor(number >= MILLISECONDS_FROM ? number / 1_000 : number);
  }
  // A time without a date would be today's, by the machine's own clock.
  if (!/^\d{4}-/.test(text)) return null;
  const parsed = DateTime.fromISO(text, { zone: "utc" });
  return parsed.isValid && parsed.toMillis() >= 0 ? Math.floor(parsed.toSeconds()) : null;
}

function scaled(answer: bigint, decimals: number): bigint {
  return decimals <= VALUE_DECIMALS
    ? answer * 10n ** BigInt(VALUE_DECIMALS - decimals)
    : answer / 10n ** BigInt(decimals - VALUE_DECIMALS);
}

function shown(value: bigint): string {
  return formatFixed(value, VALUE_DECIMALS, 4);
}

function isoOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString();
}

function dateOf(seconds: number): string {
  return isoOf(seconds).slice(0, 10);
}
