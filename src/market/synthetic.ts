import { addDays, isSession, previousSession, sessionsBetween } from "./calendar.ts";
import { SEED_SESSIONS } from "./history.ts";
import type { History, MarketDay, VolatilityClose } from "./history.ts";
import { mulberry32, normal } from "./random.ts";
import type { Random } from "./random.ts";
import { EWMA_WARM_UP, ewmaVolatility } from "./volatility.ts";

/** A year nobody has a price of, so that no reader takes these days for history. The calendar's rules cover it. */
export const SYNTHETIC_FROM = "2030-02-04";
export const SYNTHETIC_TO = "2030-04-30";
/** The day of the crash: a Thursday. */
export const SYNTHETIC_CRASH = "2030-03-14";

/** USD. A round number, far from ether's price at the start of 2020, whose spring these days are shaped after. */
const START_PRICE = 2000;

/**
 * The path of VIX, as points a straight line joins, by session index (0 is the window's first). Long-run figures from
 * Cboe: mean close about 19.5, calm stretches at 11 to 14, record close 82.69 (March 2020). From below 15 to above 25
 * takes 2 or 3 sessions at the fastest. The way back is faster than in 2020, so that a step down from Stress is seen.
 */
const VIX_PATH: readonly Knot[] = [
  { at: -250, value: 13.2 },
  { at: -200, value: 13.2 },
  { at: -190, value: 18.5 }, // an elevated spell in the seed sessions
  { at: -165, value: 17.5 },
  { at: -150, value: 12.6 },
  { at: -20, value: 12.6 },
  { at: 0, value: 13.4 },
  { at: 13, value: 13.9 },
  { at: 14, value: 17.5 }, // Elevated
  { at: 16, value: 19.5 },
  { at: 17, value: 28 }, // Stress
  { at: 21, value: 42 },
  { at: 26, value: 55 },
  { at: 27, value: 72 }, // the crash
  { at: 29, value: 80 },
  { at: 34, value: 58 },
  { at: 40, value: 38 },
  { at: 46, value: 25.5 },
  { at: 50, value: 21.8 },
  { at: 60, value: 20 },
];

/** VIX3M / VIX. Near 1.1 in calm, down to 0.8 in the worst inversions (Cboe VIX3M since 2009). */
const TERM_PATH: readonly Knot[] = [
  { at: -250, value: 1.13 },
  { at: 13, value: 1.12 },
  { at: 16, value: 1.04 },
  { at: 17, value: 0.93 },
  { at: 27, value: 0.8 },
  { at: 34, value: 0.9 },
  { at: 40, value: 0.97 },
  { at: 44, value: 1.04 },
  { at: 60, value: 1.08 },
];

/** Deviations from the paths never exceed these shares, so that the story holds for every seed. */
const VIX_NOISE = 0.045;
const TERM_NOISE = 0.012;

/** A stretch of crypto days. Volatility and drift are decimals per day, funding is the mean sum of a day's rates. */
interface Phase {
  from: string;
  volatility: number;
  drift: number;
  funding: number;
  fundingNoise: number;
}

/**
 * Ether's realised volatility: about 60 to 90 % a year in calm (3 to 4.5 % a day), twice that in a crisis. Binance's
 * funding: 0.01 % per eight hours is its interest component, so 0.03 % a day in balance, above it in rallies, negative
 * after a crash, when shorts pay.
 */
const PHASES: readonly Phase[] = [
  { from: "2029-01-01", volatility: 0.033, drift: 0.001, funding: 0.0003, fundingNoise: 0.0001 },
  { from: SYNTHETIC_FROM, volatility: 0.038, drift: 0.009, funding: 0.0006, fundingNoise: 0.0002 },
  { from: "2030-02-25", volatility: 0.05, drift: -0.015, funding: 0.0002, fundingNoise: 0.0003 },
  { from: SYNTHETIC_CRASH, volatility: 0.085, drift: 0.012, funding: -0.0015, fundingNoise: 0.0006 },
  { from: "2030-03-25", volatility: 0.042, drift: 0.005, funding: 0.0001, fundingNoise: 0.0002 },
];

/** Ether fell by a little under half on 12 March 2020, and further within the day. */
const CRASH_RETURN = -0.45;
const CRASH_LOW = -0.52;
/** No ordinary day moves further than this many of its standard deviations: only the crash day crashes. */
const MAX_DEVIATIONS = 2.5;

interface Knot {
  at: number;
  value: number;
}

/**
 * Made-up market days in the shape of February to April 2020: three calm weeks, a volatility shock with an inverted
 * curve, a day on which ether loses 45 %, and a recovery that leaves Stress before the end. For use where no market data
 * is at hand. The same seed gives the same bytes: only integer arithmetic and + − × ÷ √ decide prices.
 */
export function syntheticHistory(seed: number): History {
  const random = mulberry32(seed);
  const sessions = volatilityCloses(random);
  const bars = etherBars(random);

  // Rounded, because its logarithm may differ in the last digit between engines.
  const volatilities = ewmaVolatility(bars.map((bar) => bar.eth.close)).map((value) => round(value ?? 0, 10));
  const days = bars.flatMap((bar, i): MarketDay[] => {
    if (bar.date < SYNTHETIC_FROM) return [];
    const fundingRate = round(bar.phase.funding + bar.phase.fundingNoise * normal(random), 8);
    return [
      {
        date: bar.date,
        eth: bar.eth,
        session: sessions.get(bar.date) ?? null,
        fundingRate,
        ethVolatility: volatilities[i]!,
      },
    ];
  });

  return {
    kind: "synthetic",
    label: `SYNTHETIC DATA (seed ${seed}): made-up prices on made-up dates, in the shape of February to April 2020`,
    from: SYNTHETIC_FROM,
    to: SYNTHETIC_TO,
    days,
    seedSessions: [...sessions].filter(([date]) => date < SYNTHETIC_FROM).map(([date, close]) => ({ date, ...close })),
    fundingKnown: true,
    notes: [
      "Every number is invented by a seeded generator: nothing here says how a strategy would have done.",
      "The recovery is faster than in 2020, so that a step down from Stress falls inside the window.",
    ],
  };
}

/** Closes by date, the seed sessions first. */
function volatilityCloses(random: Random): Map<string, VolatilityClose> {
  let first = SYNTHETIC_FROM;
  for (let i = 0; i < SEED_SESSIONS; i++) first = previousSession(first);

  let wobble = 0;
  return new Map(
    sessionsBetween(first, SYNTHETIC_TO).map((date, i) => {
      // A bounded autoregression: a day off the path is followed by another one.
      wobble = clamp(0.6 * wobble + 0.5 * normal(random), 1);
      const vix = round(along(VIX_PATH, i - SEED_SESSIONS) * (1 + VIX_NOISE * wobble), 2);
      const term = along(TERM_PATH, i - SEED_SESSIONS) * (1 + TERM_NOISE * clamp(normal(random) / 2, 1));
      return [date, { vix, vix3m: round(vix * term, 2) }];
    }),
  );
}

/** Daily bars, enough of them before the window for the volatility's warm-up. */
function etherBars(random: Random) {
  const bars: { date: string; eth: MarketDay["eth"]; phase: Phase }[] = [];
  let open = START_PRICE;
  const first = addDays(SYNTHETIC_FROM, -(EWMA_WARM_UP + 2));
  for (let date = first; date <= SYNTHETIC_TO; date = addDays(date, 1)) {
    const phase = PHASES.findLast((candidate) => candidate.from <= date)!;
    // Dates without a session are a little quieter, as weekends are.
    const scale = phase.volatility * (isSession(date) ? 1 : 0.8);
    const change = phase.drift + scale * clamp(normal(random), MAX_DEVIATIONS);
    const above = scale * 0.5 * Math.abs(normal(random));
    const below = scale * 0.5 * Math.abs(normal(random));
    const crash = date === SYNTHETIC_CRASH;
    const close = round(open * (1 + (crash ? CRASH_RETURN : change)), 2);
    const high = round(Math.max(open, close) * (1 + (crash ? 0.01 : above)), 2);
    const low = crash ? round(open * (1 + CRASH_LOW), 2) : round(Math.min(open, close) * (1 - below), 2);
    bars.push({ date, eth: { open, high, low, close }, phase });
    open = close;
  }
  return bars;
}

function along(path: readonly Knot[], at: number): number {
  const next = path.findIndex((knot) => knot.at >= at);
  if (next <= 0) return next === 0 ? path[0]!.value : path.at(-1)!.value;
  const [a, b] = [path[next - 1]!, path[next]!];
  return a.value + ((b.value - a.value) * (at - a.at)) / (b.at - a.at);
}

function clamp(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}
