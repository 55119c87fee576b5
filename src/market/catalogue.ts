import type { SeriesInfo } from "./series.ts";

/**
 * When an observation for a day becomes known. Conservative where a time of day is not known: a value that arrives too
 * late costs a day, one that arrives too early is a look into the future. publication.ts says how each is reckoned.
 */
export type Publication =
  /** At 22:00 UTC of its own day: after New York's close, winter and summer. */
  | "close"
  /** When its 24-hour bar closes, 00:00 UTC of the next day. */
  | "bar"
  /** At the instant it carries (funding settlements). */
  | "instant"
  /** At 22:00 UTC of the Federal Reserve's next business day (H.15 rates: the following afternoon). */
  | "next-business-day"
  /** At 22:00 UTC of the first business day of the following week (H.10: Mondays at 16:15 for the week before). */
  | "next-week"
  /** So many days after its period began, at 22:00 UTC. */
  | { readonly afterDays: number }
  /** At the release of that name in events.csv in the month after; outside that calendar so many days later. */
  | { readonly release: "cpi" | "ppi"; readonly afterDays: number };

/** A series and where in a data folder it stands. */
export interface SeriesSource extends SeriesInfo {
  readonly file: string;
  readonly column: string;
  readonly publication: Publication;
  /** Rows that count: a file with several exchanges holds one series for each. */
  readonly where?: { readonly column: string; readonly equals: string };
  /** Whether values of 0 and less are values, in a unit that has none (a skew in volatility points). */
  readonly signed?: true;
  /** Bad values at the start of a file: rows before this date are dropped and the notes say so. */
  readonly trustedFrom?: { readonly date: string; readonly why: string };
}

const close = (name: string, file: string, more: Partial<SeriesSource> = {}): SeriesSource => ({
  name,
  file,
  column: "close",
  unit: "points",
  calendar: "nyse",
  vintage: "first",
  publication: "close",
  ...more,
});
const bar = (name: string, file: string, column: string): SeriesSource =>
  close(name, file, { column, unit: "usd", calendar: "utc", publication: "bar" });
const fred = (name: string, file: string, more: Partial<SeriesSource>): SeriesSource =>
  close(name, file, { column: "value", unit: "percent", publication: "next-business-day", ...more });

/** QUANT: GDP at quarter start + 120 days, REER at month start + 50 days; CPI and PPI so outside the calendar. */
const GDP_LAG_DAYS = 120;
const MONTHLY_LAG_DAYS = 50;
/** Defaults for series a user brings along: known when their day is over. */
const BROUGHT = { column: "value", calendar: "utc", publication: "bar" } as const;

/** Every series a data folder may hold, by file and column. docs/data.md lists the same for people. */
export const SERIES_SOURCES: readonly SeriesSource[] = [
  close("vix", "vix.csv"),
  close("vix9d", "vix9d.csv"),
  close("vix3m", "vix3m.csv"),
  close("vix6m", "vix6m.csv"),
  // 15.71 to 37.93 on five days of March where neighbours are above 60; then three lone days in April, with nothing near
  // to check them by.
  close("vvix", "vvix.csv", { trustedFrom: { date: "2006-05-01", why: "bad prints in March and April 2006" } }),
  close("skew", "skew.csv"),
  close("vxFront", "vix_futures.csv", { column: "m1" }),
  close("vxSecond", "vix_futures.csv", { column: "m2" }),
  close("spx", "spx.csv", { unit: "index" }),
  close("spxTotalReturn", "spx_total_return.csv", { unit: "index" }),
  bar("ethOpen", "eth.csv", "open"),
  bar("ethHigh", "eth.csv", "high"),
  bar("ethLow", "eth.csv", "low"),
  bar("eth", "eth.csv", "close"),
  bar("btcOpen", "btc.csv", "open"),
  bar("btcHigh", "btc.csv", "high"),
  bar("btcLow", "btc.csv", "low"),
  bar("btc", "btc.csv", "close"),
  bar("btcSince2014", "btc_close_2014.csv", "close"),
  close("fundingEth", "funding_eth_8h.csv", {
    column: "rate",
    unit: "decimal",
    calendar: "funding",
    publication: "instant",
  }),
  close("fundingBtc", "funding_btc_8h.csv", {
    column: "rate",
    unit: "decimal",
    calendar: "funding",
    publication: "instant",
  }),
  fred("reerUs", "reer_us.csv", {
    unit: "index",
    calendar: "monthly",
    vintage: "latest",
    publication: { afterDays: MONTHLY_LAG_DAYS },
  }),
  fred("dollarBroad", "dollar_broad.csv", {
    unit: "index",
    vintage: "latest",
    publication: "next-week",
  }),
  fred("fedFunds", "fed_funds.csv", { calendar: "utc" }),
  fred("treasury2y", "treasury_2y.csv", {}),
  fred("treasury10y", "treasury_10y.csv", {}),
  fred("gdp", "gdp.csv", {
    unit: "usd-billion",
    calendar: "quarterly",
    vintage: "latest",
    publication: { afterDays: GDP_LAG_DAYS },
  }),
  fred("gdpReal", "gdp_real.csv", {
    unit: "usd-billion",
    calendar: "quarterly",
    vintage: "latest",
    publication: { afterDays: GDP_LAG_DAYS },
  }),
  fred("cpi", "cpi.csv", {
    unit: "index",
    calendar: "monthly",
    vintage: "latest",
    publication: { release: "cpi", afterDays: MONTHLY_LAG_DAYS },
  }),
  fred("ppi", "ppi.csv", {
    unit: "index",
    calendar: "monthly",
    vintage: "latest",
    publication: { release: "ppi", afterDays: MONTHLY_LAG_DAYS },
  }),
  // Adjusted closes: every later dividend rescales the past, so levels are today's; returns are what they were.
  close("reit", "reit_vnq.csv", { unit: "usd", vintage: "latest" }),
  close("tbill", "tbill_bil.csv", { unit: "usd", vintage: "latest" }),
  close("netNewHighs", "breadth.csv", {
    column: "net_new_highs",
    unit: "count",
    where: { column: "exchange", equals: "NYSE" },
  }),
  close("percentAdvancers", "breadth.csv", {
    column: "percent_advancers",
    unit: "percent",
    where: { column: "exchange", equals: "NYSE" },
  }),
  close("percentAbove200Day", "breadth_above_200dma.csv", { column: "percent", unit: "percent", vintage: "latest" }),
  close("sectorAdvances", "sector_advance_decline.csv", { column: "advances", unit: "count" }),
  close("sectorDeclines", "sector_advance_decline.csv", { column: "declines", unit: "count" }),
  // Published in the evening: known when the day is over, which is before we decide.
  close("putCallTotal", "put_call.csv", { column: "total", unit: "ratio", publication: "bar" }),
  close("putCallIndex", "put_call.csv", { column: "index", unit: "ratio", publication: "bar" }),
  close("putCallEquity", "put_call.csv", { column: "equity", unit: "ratio", publication: "bar" }),
  // Brought by the user: no public series with history and a licence to redistribute is known.
  close("protocolPriceToCashFlow", "protocol_pcf.csv", { ...BROUGHT, unit: "ratio" }),
  close("protocolMarketCap", "protocol_market_cap.csv", { ...BROUGHT, unit: "usd" }),
  close("defiBorrowRate", "defi_borrow_rate.csv", { ...BROUGHT, unit: "percent" }),
  close("cryptoImpliedVolatility", "crypto_implied_volatility.csv", { ...BROUGHT, unit: "points" }),
  close("cryptoSkew", "crypto_skew.csv", { ...BROUGHT, unit: "points", signed: true }),
];

/** The calendar of releases and expiries. */
export const EVENTS_FILE = "events.csv";

/** Every file name a data folder may hold. */
export const DATA_FILE_NAMES: readonly string[] = [
  ...new Set([...SERIES_SOURCES.map(({ file }) => file), EVENTS_FILE]),
];
