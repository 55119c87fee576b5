import { SERIES_SOURCES } from "./catalogue.ts";
import type { SourceFormat } from "./sourceFormats.ts";
import type { Publication } from "./catalogue.ts";
import type { SeriesInfo } from "./series.ts";

/** Where the public sources live. `ballast pull --source-url NAME=URL` puts another address in the place of one. */
export const SOURCE_URLS = {
  cboe: "https://cdn.cboe.com",
  fred: "https://fred.stlouisfed.org",
  bis: "https://stats.bis.org",
  stooq: "https://stooq.com",
  coinmetrics: "https://community-api.coinmetrics.io",
  "binance-archive": "https://data.binance.vision",
  "binance-spot": "https://data-api.binance.vision",
  "binance-futures": "https://fapi.binance.com",
} as const;
export type SourceName = keyof typeof SOURCE_URLS;

/** One way to get rows. Paths have {start} (YYYY-MM-DD), {startMs}, {limit} and {month} (YYYY-MM) filled in. */
export type SourceStep = {
  readonly source: SourceName;
  readonly path: string;
  readonly format: SourceFormat;
} & (
  | { /** One request has everything from {start} on. */ readonly paging: "whole" }
  | { /** Pages of at most `limit` rows from {startMs} on. */ readonly paging: "after"; readonly limit: number }
  | {
      /** A file for each finished month, with its SHA-256 published beside it under this ending. */
      readonly paging: "month";
      readonly checksum: string;
    }
);

/** How one file of the data folder is filled. */
export interface PullSource {
  readonly file: string;
  /** `time` for settlements, else `date`. */
  readonly key: "date" | "time";
  /** The columns after the key. */
  readonly columns: readonly string[];
  /** First date worth asking for. */
  readonly from: string;
  /** `sequence`: each step goes on where the one before ended, or failed. `first`: the first that answers will do. */
  readonly use: "sequence" | "first";
  readonly steps: readonly SourceStep[];
  readonly terms: string;
}

/** A file that no public source offers in bulk, and what it must look like. */
export interface BroughtFile {
  readonly file: string;
  readonly columns: readonly string[];
  /** Where people find it. */
  readonly where: string;
}

const CBOE_TERMS = "Cboe: for information, no redistribution without a licence";
const BINANCE_TERMS = "Binance: public market data under its terms of use";
const STOOQ_TERMS = "Stooq: personal use, daily limits; may ask for a key or refuse programs";
const FRED_TERMS = "FRED: citation requested; the publisher's own terms apply";

function cboe(file: string, index: string, columns: readonly string[] = ["close"]): PullSource {
  const path = `/api/global/us_indices/daily_prices/${index}_History.csv`;
  const step = { source: "cboe", path, format: "cboe", paging: "whole" } as const;
  return { file, key: "date", columns, from: "1990-01-01", use: "first", steps: [step], terms: CBOE_TERMS };
}

function fredStep(id: string): SourceStep {
  return { source: "fred", path: `/graph/fredgraph.csv?id=${id}&cosd={start}`, format: "fred", paging: "whole" };
}

function fred(file: string, id: string): PullSource {
  const common = { file, key: "date", columns: ["value"], use: "first", terms: FRED_TERMS } as const;
  return { ...common, from: "1990-01-01", steps: [fredStep(id)] };
}

function stooqStep(symbol: string): SourceStep {
  return { source: "stooq", path: `/q/d/l/?s=${encodeURIComponent(symbol)}&i=d`, format: "stooq", paging: "whole" };
}

function bars(file: string, symbol: string): PullSource {
  const monthly = `/data/spot/monthly/klines/${symbol}/1d/${symbol}-1d-{month}.zip`;
  const recent = `/api/v3/klines?symbol=${symbol}&interval=1d&startTime={startMs}&limit={limit}`;
  return {
    ...{ file, key: "date", columns: ["open", "high", "low", "close", "volume"], from: "2017-08-17", use: "sequence" },
    steps: [
      { source: "binance-archive", path: monthly, format: "klinesZip", paging: "month", checksum: ".CHECKSUM" },
      { source: "binance-spot", path: recent, format: "klines", paging: "after", limit: 1_000 },
    ],
    terms: BINANCE_TERMS,
  };
}

function funding(file: string, symbol: string): PullSource {
  const monthly = `/data/futures/um/monthly/fundingRate/${symbol}/${symbol}-fundingRate-{month}.zip`;
  const recent = `/fapi/v1/fundingRate?symbol=${symbol}&startTime={startMs}&limit={limit}`;
  return {
    ...{ file, key: "time", columns: ["rate"], from: "2020-01-01", use: "sequence" },
    steps: [
      { source: "binance-archive", path: monthly, format: "fundingZip", paging: "month", checksum: ".CHECKSUM" },
      { source: "binance-futures", path: recent, format: "funding", paging: "after", limit: 1_000 },
    ],
    terms: BINANCE_TERMS,
  };
}

const BIS_PATH = "/api/v1/data/WS_EER/M.R.B.US?startPeriod=1994-01&format=csv";
const COINMETRICS_PATH =
  "/v4/timeseries/asset-metrics?assets=btc&metrics=PriceUSD&frequency=1d&start_time={start}&page_size=10000";

/** Every file that can be pulled. docs/data.md says the same for people. */
export const PULL_SOURCES: readonly PullSource[] = [
  cboe("vix.csv", "VIX", ["open", "high", "low", "close"]),
  cboe("vix9d.csv", "VIX9D"),
  cboe("vix3m.csv", "VIX3M"),
  cboe("vix6m.csv", "VIX6M"),
  cboe("vvix.csv", "VVIX"),
  cboe("skew.csv", "SKEW"),
  {
    ...{ file: "spx.csv", key: "date", columns: ["close"], from: "1990-01-01", use: "first", terms: STOOQ_TERMS },
    // FRED may show ten years of S&P's index and no more: enough to go on from a file that is there.
    steps: [stooqStep("^spx"), fredStep("SP500")],
  },
  bars("btc.csv", "BTCUSDT"),
  bars("eth.csv", "ETHUSDT"),
  {
    ...{ file: "btc_close_2014.csv", key: "date", columns: ["close"], from: "2014-09-17", use: "first" },
    steps: [{ source: "coinmetrics", path: COINMETRICS_PATH, format: "coinmetrics", paging: "whole" }],
    terms: "Coin Metrics community data: CC BY-NC 4.0",
  },
  funding("funding_btc_8h.csv", "BTCUSDT"),
  funding("funding_eth_8h.csv", "ETHUSDT"),
  {
    ...{ file: "reer_us.csv", key: "date", columns: ["value"], from: "1994-01-01", use: "first" },
    steps: [{ source: "bis", path: BIS_PATH, format: "bis", paging: "whole" }],
    terms: "BIS: free with attribution",
  },
  fred("dollar_broad.csv", "DTWEXBGS"),
  fred("fed_funds.csv", "DFF"),
  fred("treasury_2y.csv", "DGS2"),
  fred("treasury_10y.csv", "DGS10"),
  fred("gdp.csv", "GDP"),
  fred("gdp_real.csv", "GDPC1"),
  fred("cpi.csv", "CPIAUCSL"),
  fred("ppi.csv", "PPIFIS"),
  {
    ...{ file: "reit_vnq.csv", key: "date", columns: ["close"], from: "2004-09-29", use: "first", terms: STOOQ_TERMS },
    steps: [stooqStep("vnq.us")],
  },
  {
    ...{ file: "tbill_bil.csv", key: "date", columns: ["close"], from: "2007-05-30", use: "first", terms: STOOQ_TERMS },
    steps: [stooqStep("bil.us")],
  },
];

const BRING = "no public history with a licence to redistribute is known";

/** Every other file: what a user brings along. Without one its series are Unknown, and said to be. */
export const BROUGHT_FILES: readonly BroughtFile[] = [
  { file: "spx_total_return.csv", columns: ["date", "close"], where: "S&P 500 Total Return, from your data vendor" },
  {
    file: "vix_futures.csv",
    columns: ["date", "m1", "m2"],
    where: "daily settlements of the front two VX contracts; Cboe's site has one file a contract, to be joined",
  },
  {
    file: "events.csv",
    columns: ["date", "event", "time_et"],
    where: "calendars of the Federal Reserve (fomc_decision), the BLS (cpi, ppi, nfp) and Cboe (vix_expiry): web pages",
  },
  {
    file: "breadth.csv",
    columns: ["date", "exchange", "percent_advancers", "net_new_highs"],
    where: "NYSE and NASDAQ market diaries, from your data vendor",
  },
  {
    file: "breadth_above_200dma.csv",
    columns: ["date", "percent"],
    where: "percent of large caps above their 200-day",
  },
  {
    file: "sector_advance_decline.csv",
    columns: ["date", "advances", "declines"],
    where: "count of S&P sectors up and down on the day, from sector closes",
  },
  {
    file: "put_call.csv",
    columns: ["date", "total", "index", "equity"],
    where: "Cboe's daily market statistics: a page a day since October 2019, no file",
  },
  { file: "protocol_pcf.csv", columns: ["date", "value"], where: `price to cash flow of your protocol: ${BRING}` },
  { file: "protocol_market_cap.csv", columns: ["date", "value"], where: `USD: ${BRING}` },
  { file: "defi_borrow_rate.csv", columns: ["date", "value"], where: `percent a year: ${BRING}` },
  { file: "crypto_implied_volatility.csv", columns: ["date", "value"], where: `volatility points: ${BRING}` },
  { file: "crypto_skew.csv", columns: ["date", "value"], where: `volatility points, may be negative: ${BRING}` },
];

/** A file is pulled that no series is read from. */
export class UnreadFileError extends Error {
  constructor(file: string) {
    super(
      `${file} is in PULL_SOURCES but no series of SERIES_SOURCES reads it: add the series, or stop pulling the file.`,
    );
    this.name = "UnreadFileError";
  }
}

/** What the reader of the folder knows about a file: when its rows are final, and whether old ones are revised. */
export function fileTraits(file: string): { publication: Publication; vintage: SeriesInfo["vintage"] } {
  const series = SERIES_SOURCES.find((source) => source.file === file);
  if (series === undefined) throw new UnreadFileError(file);
  return series;
}
