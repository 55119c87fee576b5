import type { AsOfView } from "../market/asOf.ts";
import { dateOfDay, dayNumber } from "../market/calendar.ts";
import { SeriesMissingError } from "../market/series.ts";
import type { BetaEstimate } from "./beta.ts";
import { BetaInputError, betaOf, pairedReturns } from "./beta.ts";
import type { LiquidAsset, Market, Moves, Treasury } from "./treasury.ts";
import { liabilitiesDue, MARKETS, NO_MOVES, quickAssets, valueAfter } from "./treasury.ts";

/**
 * A treasury under every historical VIX spike: what its assets would be worth had the moves of that time begun today.
 * A market without history then moves by its beta to the S&P 500 as estimated today, and is labelled a model.
 */

/** Sessions from a spike's onset in which the treasury's low is looked for: a quarter. */
export const SPIKE_SESSIONS = 63;
/** Sessions at a spike's end of which one must have a close, for a history to reach over the spike. */
const FRESH_SESSIONS = 5;

/** Series that a market's history is read from, the first that reaches back far enough. */
const HISTORIES: Readonly<Record<Market, readonly string[]>> = {
  ETH: ["eth"],
  BTC: ["btc", "btcSince2014"],
  SPX: ["spx"],
  REIT: ["reit"],
};

/**
 * Whether a market's moves in a spike happened, or are its beta times those of the S&P 500. `none`: the data have nothing
 * of it; its moves are then 0, and the treasury follows it nowhere.
 */
export type MoveSource = "history" | "model" | "none";

/** What a spike would do to the treasury, on the session when it would do most. */
export interface SpikeStress {
  /** First VIX close above 25 after at least 20 closes at or below it. */
  readonly onset: string;
  /** The close that moves are measured from: the last before the onset. */
  readonly from: string;
  /** The session of the lowest quick ratio, within 63 sessions of the onset. */
  readonly trough: string;
  /** Highest VIX close from onset to trough. */
  readonly vixPeak: number;
  readonly moves: Moves;
  readonly sources: Readonly<Record<Market, MoveSource>>;
  readonly quickAssets: number;
  /** Null when nothing is due. */
  readonly quickRatio: number | null;
  /** Whether the 63 sessions were not over yet. */
  readonly open: boolean;
}

/** A way to keep the quick ratio at one or above in every spike. */
export type Remedy =
  | { readonly kind: "raise"; readonly amount: number }
  | { readonly kind: "convert"; readonly asset: string; readonly amount: number | null; readonly held: number }
  | { readonly kind: "short"; readonly market: Market; readonly amount: number | null };

/** The answer of a stress test. */
export interface StressResult {
  readonly session: string;
  readonly due: number;
  readonly quickAssets: number;
  readonly quickRatio: number | null;
  readonly spikes: readonly SpikeStress[];
  readonly worst: SpikeStress | null;
  /** What is missing for a ratio of one in the worst case; 0 when nothing is. */
  readonly shortfall: number;
  /** Empty when nothing is missing. An amount of null: not even all of it helps. */
  readonly remedies: readonly Remedy[];
  /** Beta to the S&P 500 behind the model moves, null where there is no common history. */
  readonly betas: Readonly<Record<Market, BetaEstimate | null>>;
  /** How the model does where it can be checked: without this, its rows look as good as the others. */
  readonly modelChecks: readonly ModelCheck[];
}

/** A market's mean move at the troughs of spikes it has a history of, beside what the model makes of the same spikes. */
export interface ModelCheck {
  readonly market: Market;
  readonly spikes: number;
  readonly happened: number;
  readonly modelled: number;
}

/**
 * Stresses a treasury as of a session.
 * @param view stands at the session's decision time
 * @param onsets days of the spikes' onsets (labelOnsets of VIX closes), ascending
 * @throws SeriesMissingError without S&P 500 closes, or without any of a market that the treasury follows
 */
export function stressTreasury(
  treasury: Treasury,
  view: AsOfView,
  session: string,
  onsets: readonly number[],
): StressResult {
  const due = liabilitiesDue(treasury, session);
  const histories = readHistories(view);
  const betas = asOfBetas(view, session);
  for (const { follows } of [...liquidOf(treasury), ...treasury.shorts]) {
    if (betas[follows] === null)
      throw new SeriesMissingError(HISTORIES[follows][0]!, `stressing what follows ${follows}`);
  }
  const paths = onsets.flatMap((onset) => spikePath(onset, histories, betas) ?? []);
  const spikes = paths.map((path) => worstOf(treasury, path, due, histories.vix));
  const worst = spikes.reduce<SpikeStress | null>(
    (low, spike) => (low === null || spike.quickAssets < low.quickAssets ? spike : low),
    null,
  );
  const now = quickAssets(treasury, NO_MOVES);
  const least = Math.min(now, worst?.quickAssets ?? now);
  const cases = [NO_MOVES, ...paths.flatMap(({ steps }) => steps.map(({ moves }) => moves))];
  const shortfall = Math.max(0, due - least);
  return {
    session,
    due,
    quickAssets: now,
    quickRatio: ratio(now, due),
    spikes,
    worst,
    shortfall,
    remedies: shortfall > 0 ? remediesFor(treasury, due, cases, shortfall) : [],
    betas,
    modelChecks: MARKETS.filter((market) => market !== "SPX").flatMap((market) => checkModel(market, spikes, betas)),
  };
}

interface SpikePath {
  onset: number;
  from: number;
  steps: { day: number; moves: Moves }[];
  sources: Record<Market, MoveSource>;
  open: boolean;
}

interface Histories {
  /** Closes by day. */
  closes: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Days of S&P closes, ascending. */
  sessions: readonly number[];
  vix: ReadonlyMap<number, number>;
}

function readHistories(view: AsOfView): Histories {
  const byDay = (name: string): Map<number, number> => {
    const { days, values } = view.between(name, -Infinity, Infinity);
    return new Map(Array.from(days, (day, i) => [day, values[i]!]));
  };
  const closes = new Map([...new Set(Object.values(HISTORIES).flat())].map((name) => [name, byDay(name)]));
  const sessions = [...closes.get("spx")!.keys()];
  if (sessions.length === 0) throw new SeriesMissingError("spx", "the treasury's stress test");
  return { closes, sessions, vix: byDay("vix") };
}

/** Ordinary least squares of each market's daily log returns on the S&P's, over all common history. */
function asOfBetas(view: AsOfView, session: string): Record<Market, BetaEstimate | null> {
  const betaTo = (market: Market): BetaEstimate | null => {
    // The longest history there is: years weigh more than the venue.
    const { asset, market: spx } = pairedReturns(view, HISTORIES[market].at(-1)!, "spx", -Infinity, dayNumber(session));
    try {
      return betaOf(asset, spx);
    } catch (error) {
      if (error instanceof BetaInputError) return null;
      throw error;
    }
  };
  return Object.fromEntries(MARKETS.map((market) => [market, betaTo(market)])) as Record<Market, BetaEstimate | null>;
}

/** Moves of every market over a spike's sessions; null for one that begins before the S&P's history. */
function spikePath(onset: number, histories: Histories, betas: Record<Market, BetaEstimate | null>): SpikePath | null {
  const { sessions, closes } = histories;
  const first = sessions.findIndex((day) => day >= onset);
  if (first < 1) return null;
  const from = sessions[first - 1]!;
  const days = sessions.slice(first, first + SPIKE_SESSIONS);
  const spx = movesOver(closes.get("spx")!, from, days)!;
  const sources = {} as Record<Market, MoveSource>;
  const moves = {} as Record<Market, number[]>;
  for (const market of MARKETS) {
    const name = HISTORIES[market].find((series) => movesOver(closes.get(series)!, from, days) !== null);
    sources[market] = name !== undefined ? "history" : betas[market] === null ? "none" : "model";
    moves[market] =
      name === undefined
        ? spx.map((move) => modelMove(move, betas[market]))
        : movesOver(closes.get(name)!, from, days)!;
  }
  const steps = days.map((day, i) => ({
    day,
    moves: { ETH: moves.ETH[i]!, BTC: moves.BTC[i]!, SPX: moves.SPX[i]!, REIT: moves.REIT[i]! },
  }));
  return { onset, from, steps, sources, open: days.length < SPIKE_SESSIONS };
}

/** Beta times the S&P's log return; 0 without a beta. */
function modelMove(spx: number, beta: BetaEstimate | null): number {
  return (1 + spx) ** (beta?.beta ?? 0) - 1;
}

function checkModel(
  market: Market,
  spikes: readonly SpikeStress[],
  betas: Record<Market, BetaEstimate | null>,
): ModelCheck[] {
  const known = spikes.filter(({ sources }) => sources[market] === "history");
  if (known.length === 0) return [];
  return [
    {
      market,
      spikes: known.length,
      happened: sumOf(known, ({ moves }) => moves[market]) / known.length,
      modelled: sumOf(known, ({ moves }) => modelMove(moves.SPX, betas[market])) / known.length,
    },
  ];
}

/** Simple returns since `from` on each day, a missing close bridged by the one before; null when either end is missing. */
function movesOver(history: ReadonlyMap<number, number>, from: number, days: readonly number[]): number[] | null {
  const start = history.get(from);
  if (start === undefined || !days.slice(-FRESH_SESSIONS).some((day) => history.has(day))) return null;
  let last = start;
  return days.map((day) => (last = history.get(day) ?? last) / start - 1);
}

function worstOf(treasury: Treasury, path: SpikePath, due: number, vix: ReadonlyMap<number, number>): SpikeStress {
  let low = path.steps[0]!;
  let least = Infinity;
  for (const step of path.steps) {
    const assets = quickAssets(treasury, step.moves);
    if (assets < least) [least, low] = [assets, step];
  }
  const until = path.steps.filter(({ day }) => day <= low.day).map(({ day }) => vix.get(day) ?? 0);
  return {
    onset: dateOfDay(path.onset),
    from: dateOfDay(path.from),
    trough: dateOfDay(low.day),
    vixPeak: Math.max(...until),
    moves: low.moves,
    sources: path.sources,
    quickAssets: least,
    quickRatio: ratio(least, due),
    open: path.open,
  };
}

function ratio(assets: number, due: number): number | null {
  return due === 0 ? null : assets / due;
}

/** The least amount of each single remedy that keeps quick assets at what is due in every case. */
function remediesFor(treasury: Treasury, due: number, cases: readonly Moves[], shortfall: number): Remedy[] {
  const spare = cases.map((moves) => quickAssets(treasury, moves) - due);
  const liquid = liquidOf(treasury);
  const conversions = liquid.map((asset): Remedy => {
    // A unit converted today is worth 1 − cost then, instead of its value after the move and the haircut.
    const gains = cases.map(
      (moves) => 1 - costOf(asset) - valueAfter({ ...asset, value: 1 }, moves) * (1 - asset.haircut),
    );
    return { kind: "convert", asset: asset.name, amount: leastAmount(spare, gains, asset.value), held: asset.value };
  });
  const held = sumOf(liquid, ({ value }) => value);
  if (liquid.length > 1 && held > 0) {
    const proceeds = sumOf(liquid, (asset) => asset.value * (1 - costOf(asset)));
    const gains = cases.map((moves) => {
      const kept = sumOf(liquid, (asset) => valueAfter(asset, moves) * (1 - asset.haircut));
      return (proceeds - kept) / held;
    });
    const amount = leastAmount(spare, gains, held);
    conversions.push({ kind: "convert", asset: "all liquid assets in proportion", amount, held });
  }
  const exposed = MARKETS.filter((market) => liquid.some(({ follows }) => follows === market));
  const shorts = exposed.map((market): Remedy => {
    const gains = cases.map((moves) => -moves[market]);
    return { kind: "short", market, amount: leastAmount(spare, gains, Infinity) };
  });
  return [{ kind: "raise", amount: shortfall }, ...conversions, ...shorts];
}

function liquidOf({ assets }: Treasury): LiquidAsset[] {
  return assets.filter((asset) => asset.kind === "liquid");
}

function costOf({ conversionCost, haircut }: LiquidAsset): number {
  return conversionCost ?? haircut;
}

function sumOf<T>(list: readonly T[], value: (one: T) => number): number {
  return list.reduce((sum, one) => sum + value(one), 0);
}

/** The least x in [0, most] with spare + x·gain ≥ 0 in every case, or null. */
export function leastAmount(spare: readonly number[], gains: readonly number[], most: number): number | null {
  let least = 0;
  let greatest = most;
  for (let i = 0; i < spare.length; i++) {
    const [have, gain] = [spare[i]!, gains[i]!];
    if (gain > 0) least = Math.max(least, -have / gain);
    else if (gain < 0) greatest = Math.min(greatest, have / -gain);
    else if (have < 0) return null;
  }
  return least <= greatest ? least : null;
}
