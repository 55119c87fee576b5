/** A backtest from data to result: one walk through the data, every strategy over the same days, blends, measures, verdict. */

import { dateOfDay, dayNumber } from "../market/calendar.ts";
import type { Dataset } from "../market/series.ts";
import { SeriesMissingError } from "../market/series.ts";
import type { MarkovModel } from "../regime/modelFile.ts";
import { SIGNALS } from "../signals/catalogue.ts";
import { EDR_CELLS } from "../signals/edr.ts";
import type { EdrHistory } from "../signals/edrHistory.ts";
import { calibrateEdr } from "./calibration.ts";
import { cashIndex, chooseHedgeRatios, chooseHoldLess, returnsOf } from "./choose.ts";
import type { RatioChoice, WeightChoice } from "./choose.ts";
import { blend, cdarMatchedWeight, exPostWeight } from "./holdLess.ts";
import type { HoldLessWeight } from "./holdLess.ts";
import { annualReturn, average, measure } from "./metrics.ts";
import { assumptionsOf, DAYS_PER_YEAR, LEAST_TRAINING_DAYS, PARAMETERS } from "./parameters.ts";
import type { Parameters } from "./parameters.ts";
import { bestSpell, hedgeCost, hedgeXirr } from "./programme.ts";
import { createReader } from "./readings.ts";
import type { Reading } from "./readings.ts";
import { resample } from "./resample.ts";
import type { Resampled } from "./resample.ts";
import type {
  AttributionLine,
  AttributionSeries,
  BacktestResult,
  DataUsed,
  EdrSurface,
  RegimeTimeline,
  StrategyId,
  StrategyMetrics,
  StrategyResult,
  YearlyChoice,
} from "./result.ts";
import { onsetsIn, signalTable, trainSignals } from "./signalWorth.ts";
import { sensitivity } from "./sensitivity.ts";
import { byDecision, strategy, STRATEGY_TEXTS } from "./strategies.ts";
import type { RatiosOf, SimulatedId, StrategyOptions } from "./strategies.ts";
import { firstRowDay, recordTape, TapeTooShortError } from "./tape.ts";
import type { TapeDay } from "./tape.ts";
import { verdict } from "./verdict.ts";
import { ATTRIBUTION_LINES, runVault } from "./vault.ts";
import type { VaultEvent, VaultPath } from "./vault.ts";

/** What to run. */
export interface BacktestOptions {
  /** First and last day with a return, YYYY-MM-DD; clamped to what the data allow, and the notes say so. */
  readonly from: string;
  readonly to: string;
  /** Resampled paths; 0 for no intervals. */
  readonly bootstrap?: number;
  readonly seed?: number;
  /** Whether to measure signals, parts and assumptions one by one. Default true. */
  readonly ablation?: boolean;
  readonly parameters?: Parameters;
  readonly progress?: (text: string) => void;
  /** What every vault decided and traded, for tests of what it could know. */
  readonly onEvent?: (id: SimulatedId, event: VaultEvent) => void;
}

const SIMULATED: readonly SimulatedId[] = [
  "ballast",
  "ballast+alvh",
  "ballast+alvh+income",
  "ballast-rule",
  "unhedged",
  "static-full-hedge",
  "vxth",
];
const LINE_LABELS: Readonly<Record<AttributionLine, string>> = {
  lpPrice: "Liquidity: price",
  lpConvexity: "Liquidity: convexity (contains loss-versus-rebalancing)",
  lpFees: "Liquidity: fees (assumed)",
  cashInterest: "Interest on idle cash",
  perpPrice: "Short: price",
  funding: "Short: funding",
  alvh: "ALVH",
  income: "Income",
  vxth: "VXTH calls",
  swapCosts: "Costs of swaps",
  perpCosts: "Costs of the short",
  optionCosts: "Costs of options",
  liquidations: "Penalties of liquidations",
  gas: "Gas",
};
const DEFAULT_SEED = 1;

/**
 * Runs the backtest.
 * @param models the frozen regime models; each session uses the newest trained before its year
 * @throws SeriesMissingError without eth.csv or vix.csv, TapeTooShortError when no day is left to run
 */
export function runBacktest(
  dataset: Dataset,
  models: readonly MarkovModel[],
  options: BacktestOptions,
): BacktestResult {
  const { parameters = PARAMETERS, progress = () => undefined, ablation = true, seed = DEFAULT_SEED } = options;
  const notes: string[] = [...dataset.notes];
  const { firstDay, lastDay } = windowOf(dataset, options, notes);

  progress("reading regimes, EDR bias, signals and curves as of each session");
  const reader = createReader(models, SIGNALS);
  const firstSession = dateOfDay(dataset.series.get("vix")!.days[0]!);
  const tape = recordTape(dataset, { firstSession, lastDay, warmUp: reader.warmUp, read: reader.read });
  const rows = tape.slice(firstDay - 1 - tape[0]!.mark.day);

  progress("choosing hedge ratios and weighing signals on the days before");
  const history = reader.signalHistory();
  const trained = trainSignals(history, dateOfDay(firstDay));
  const lift = trained.lift === null ? {} : { lift: trained.lift };
  const choices = chooseHedgeRatios(tape, byDecision(trained.lift), parameters);
  const ratiosOf: RatiosOf = (year) => choices.find((choice) => choice.year === year)!.ratios;

  progress("simulating strategies and baselines");
  const paths = new Map<SimulatedId, VaultPath>();
  const missing = missingInputs(rows);
  for (const id of SIMULATED) {
    if (missing.has(id)) continue;
    const { onEvent } = options;
    const watch = onEvent === undefined ? undefined : (event: VaultEvent) => onEvent(id, event);
    paths.set(id, runVault(rows, strategy(id, { parameters, ratiosOf, ...lift }), parameters, watch));
  }
  for (const why of new Set(missing.values())) notes.push(why);

  const dates = rows.map(({ mark }) => mark.date);
  const cash = cashIndex(rows);
  const cashReturns = returnsOf(cash);
  const unhedged = paths.get("unhedged")!.navs;
  const weights = holdLessWeights(tape, rows, paths, cashReturns, { parameters, ratiosOf, ...lift });

  const joint = new Map<StrategyId, Float64Array>([...paths].map(([id, { navs }]) => [id, returnsOf(navs)]));
  joint.set("hold-less-ex-ante", returnsOf(Float64Array.from(weights.exAnte.navs)));
  let resampled: Resampled | null = null;
  if (options.bootstrap !== undefined && options.bootstrap > 0) {
    progress(`resampling ${options.bootstrap} paths`);
    resampled = resample(
      { strategies: joint, cash: cashReturns, headline: "ballast", unhedged: "unhedged" },
      {
        paths: options.bootstrap,
        seed,
        progress: (done, of) => {
          if (done % 250 === 0) progress(`resampled ${done} of ${of} paths`);
        },
      },
    );
  }

  const measured = (navs: ArrayLike<number>): StrategyMetrics => metricsOf(navs, cash, cashReturns, dates, unhedged);
  const strategies: StrategyResult[] = SIMULATED.map((id) => {
    const path = paths.get(id);
    const text = { id, ...STRATEGY_TEXTS[id], holdLess: null };
    if (path === undefined) return { ...text, ...noPath(missing.get(id)!) };
    return {
      ...text,
      undefinedBecause: null,
      navs: rounded(path.navs),
      metrics: {
        ...measured(path.navs),
        turnover: path.turnover / average(path.navs) / ((path.navs.length - 1) / DAYS_PER_YEAR),
        hedgeCost: hedgeCost(path),
        hedgeXirr: hedgeXirr(path),
      },
      intervals: resampled?.intervals.get(id) ?? null,
      attribution: attributionOf(path),
      lvrMemo: path.lossVersusRebalancing,
      activity: path.activity,
    };
  });
  for (const { id, navs, weight } of [
    { id: "hold-less-ex-post" as const, ...weights.exPost },
    { id: "hold-less-ex-ante" as const, ...weights.exAnte },
    { id: "hold-less-cdar" as const, ...weights.cdar },
  ]) {
    strategies.push({
      id,
      ...STRATEGY_TEXTS[id],
      ...(navs.length === 0
        ? noPath(weight.reason)
        : {
            undefinedBecause: null,
            navs: rounded(navs),
            metrics: measured(navs),
            intervals: resampled?.intervals.get(id) ?? null,
            attribution: [],
            lvrMemo: null,
            activity: null,
          }),
      holdLess: weight,
    });
  }

  const withoutFunding = fundingNotes(rows, notes);
  trainingNotes(choices, rows, notes);
  missingNotes(dataset, notes);
  tailNotes(paths.get("vxth"), dates, notes);
  const window = {
    askedFrom: options.from,
    askedTo: options.to,
    from: dates[1]!,
    to: dates.at(-1)!,
    days: rows.length - 1,
    sessions: rows.slice(1).filter(({ inputs }) => inputs !== null).length,
    years: (rows.length - 1) / DAYS_PER_YEAR,
    startNav: parameters.startNav,
  };
  if (ablation) progress("moving one assumption at a time");
  const base = { rows, cashReturns, parameters, ratiosOf, available: new Set(paths.keys()), ...lift };
  const signals = signalTable(SIGNALS, reader.lastSignals(), history, trained, window, ablation ? base : null);
  return {
    format: "ballast-backtest-1",
    window,
    verdict: verdict({
      window,
      strategies,
      bootstrap: resampled?.summary ?? null,
      onsets: onsetsIn(history, window),
      withoutFunding,
    }),
    dates,
    market: {
      eth: rows.map(({ mark }) => mark.price),
      vix: rows.map(({ mark }) => mark.vix),
      cash: rounded(cash, 8),
    },
    strategies,
    regimes: regimesOf(rows),
    edr: edrOf(rows, dataset, reader.edrHistory()),
    signals,
    stressIndex: { used: trained.lift !== null, reason: trained.reason },
    choices: choicesOf(choices, window.from, window.to),
    sensitivity: ablation ? sensitivity(base) : [],
    assumptions: assumptionsOf(parameters),
    data: dataUsed(dataset),
    notes,
    bootstrap: resampled?.summary ?? null,
  };
}

/** First and last day with a return. */
function windowOf(
  dataset: Dataset,
  { from, to }: BacktestOptions,
  notes: string[],
): { firstDay: number; lastDay: number } {
  const vix = dataset.series.get("vix");
  if (vix === undefined) throw new SeriesMissingError("vix", "the backtest");
  const earliest = Math.max(firstRowDay(dataset), vix.days[0]!) + 1;
  const latest = dataset.series.get("eth")!.days.at(-1)!;
  const asked = { from: dayNumber(from), to: dayNumber(to) };
  const firstDay = Math.max(asked.from, earliest);
  const lastDay = Math.min(asked.to, latest);
  if (firstDay > asked.from) {
    notes.push(`Begins on ${dateOfDay(firstDay)}: before it ETH has no 60 closes, from which its volatility comes.`);
  }
  if (lastDay < asked.to) notes.push(`Ends on ${dateOfDay(lastDay)}, the last day of eth.csv.`);
  const vixEnd = vix.days.at(-1)!;
  if (vixEnd + 5 < lastDay) {
    notes.push(`VIX ends on ${dateOfDay(vixEnd)}: five sessions later regimes are Unknown and nothing is touched.`);
  }
  if (firstDay > lastDay) {
    const mend = `Ask for days from ${dateOfDay(earliest)} to ${dateOfDay(latest)}.`;
    throw new TapeTooShortError(`no day is left between --from ${from} and --to ${to}`, mend);
  }
  return { firstDay, lastDay };
}

/** Strategies whose layers have no inputs in these rows, and why. */
function missingInputs(rows: readonly TapeDay<Reading>[]): Map<SimulatedId, string> {
  const known = (has: (inputs: Reading) => boolean): boolean =>
    rows.some(({ inputs }) => inputs !== null && has(inputs));
  const missing = new Map<SimulatedId, string>();
  if (!known(({ curve }) => curve !== null && curve.vvix !== null)) {
    const why = "Layers of VIX calls are left out: without VVIX (vvix.csv) they have no model price.";
    for (const id of ["ballast+alvh", "ballast+alvh+income", "vxth"] as const) missing.set(id, why);
  } else if (!known(({ surface }) => surface !== null)) {
    missing.set("ballast+alvh+income", "The income layer is left out: without the S&P 500 (spx.csv) it has no prices.");
  }
  return missing;
}

interface Blend {
  readonly navs: readonly number[];
  readonly weight: HoldLessWeight;
}

/** The three of hold less: ex post, with each year's weight from the days before it, and matched by CDaR. */
function holdLessWeights(
  tape: readonly TapeDay<Reading>[],
  rows: readonly TapeDay<Reading>[],
  paths: ReadonlyMap<SimulatedId, VaultPath>,
  cashReturns: Float64Array,
  options: StrategyOptions,
): { exPost: Blend; exAnte: Blend; cdar: Blend } {
  const own = paths.get("ballast")!.navs;
  const whole = paths.get("unhedged")!.navs;
  const wholeReturns = returnsOf(whole);
  const exPost = exPostWeight(returnsOf(own), wholeReturns, cashReturns);
  const matched = cdarMatchedWeight(own, whole, 0.95, cashReturns);

  // The weights of a year come from paths over all days before it, whenever the judged window begins.
  const sinceStart = (id: SimulatedId): Float64Array =>
    rows.length === tape.length ? paths.get(id)!.navs : runVault(tape, strategy(id, options), options.parameters).navs;
  const yearly = chooseHoldLess(tape, sinceStart("ballast"), sinceStart("unhedged"));
  const weightOf = new Map(yearly.map(({ year, weight }) => [year, weight]));
  let nav = whole[0]!;
  const navs = [nav];
  wholeReturns.forEach((r, i) => {
    const weight = weightOf.get(Number(rows[i + 1]!.mark.date.slice(0, 4)))!;
    nav *= 1 + weight * r + (1 - weight) * cashReturns[i]!;
    navs.push(nav);
  });

  const blended = (weight: HoldLessWeight): Blend => ({
    weight,
    navs: weight.weight === null ? [] : blend(whole, weight.weight, cashReturns),
  });
  return { exPost: blended(exPost), exAnte: { navs, weight: exAnteWeight(yearly, rows) }, cdar: blended(matched) };
}

function exAnteWeight(yearly: readonly WeightChoice[], rows: readonly TapeDay[]): HoldLessWeight {
  const first = Number(rows[1]!.mark.date.slice(0, 4));
  const used = yearly.filter(({ year }) => year >= first);
  const each = used.map(({ year, weight, reason }) => `${year}: ${weight.toFixed(2)} (${reason})`).join("; ");
  return { weight: average(used.map(({ weight }) => weight)), reason: `Mean of the yearly weights. ${each}.` };
}

function metricsOf(
  navs: ArrayLike<number>,
  cash: Float64Array,
  cashReturns: Float64Array,
  dates: readonly string[],
  unhedged: Float64Array,
): StrategyMetrics {
  const { maxDrawdown, ...measures } = measure(navs, DAYS_PER_YEAR, cashReturns);
  return {
    ...measures,
    annualExcessReturn: measures.annualReturn - annualReturn(cash, DAYS_PER_YEAR),
    maxDrawdown: maxDrawdown.value,
    maxDrawdownFrom: dates[maxDrawdown.from]!,
    maxDrawdownTo: dates[maxDrawdown.to]!,
    turnover: null,
    hedgeCost: null,
    drawdownSaved: measure(unhedged, DAYS_PER_YEAR).maxDrawdown.value - maxDrawdown.value,
    hedgeXirr: null,
  };
}

function noPath(undefinedBecause: string) {
  return { undefinedBecause, navs: [], metrics: null, intervals: null, attribution: [], lvrMemo: null, activity: null };
}

/** The lines that anything happened on. */
function attributionOf({ lines }: VaultPath): AttributionSeries[] {
  return ATTRIBUTION_LINES.filter((line) => lines[line].some((usd) => usd !== 0)).map((line) => ({
    line,
    label: LINE_LABELS[line],
    daily: rounded(lines[line]),
    total: lines[line].reduce((sum, usd) => sum + usd, 0),
  }));
}

function regimesOf(rows: readonly TapeDay<Reading>[]): RegimeTimeline {
  const readings = rows.slice(1).flatMap(({ inputs }) => (inputs === null ? [] : [inputs]));
  const shifts = readings.flatMap(({ session, regime }, i) => {
    const before = readings[i - 1]?.regime.decision;
    if (before === undefined || before === regime.decision) return [];
    const cause = `${CAUSES[regime.cause]} ${regime.ruleReason}`;
    return [{ session, from: before, to: regime.decision, cause }];
  });
  return {
    sessions: readings.map(({ session }) => session),
    vix: readings.map(({ regime }) => regime.vix),
    rule: readings.map(({ regime }) => regime.rule),
    model: readings.map(({ regime }) => regime.model),
    decision: readings.map(({ regime }) => regime.decision),
    shifts,
  };
}

const CAUSES: Readonly<Record<Reading["regime"]["cause"], string>> = {
  rule: "By the rule machine.",
  model: "By the Markov model.",
  both: "By rule machine and Markov model.",
  data: "By the data.",
};

function edrOf(rows: readonly TapeDay<Reading>[], dataset: Dataset, history: EdrHistory): EdrSurface | null {
  const readings = rows.slice(1).flatMap(({ inputs }) => (inputs === null ? [] : [inputs]));
  const from = readings[0]?.session;
  if (from === undefined || readings.every(({ edr }) => edr.every(({ bias }) => bias === null))) return null;
  return {
    sessions: readings.map(({ session }) => session),
    cells: EDR_CELLS.map(({ horizonSessions, depth }, c) => ({
      horizonSessions,
      depth,
      bias: readings.map(({ edr }) => toDigits(edr[c]!.bias, 6)),
      percentile: readings.map(({ edr }) => toDigits(edr[c]!.percentile, 6)),
    })),
    calibration: calibrateEdr(dataset, history, { from }).map(
      ({ horizonSessions, depth, independentEvents, brierModel, brierImplied, skillAgainstImplied }) => ({
        horizonSessions,
        depth,
        independentEvents,
        brierModel,
        brierImplied,
        skillAgainstImplied,
      }),
    ),
  };
}

function choicesOf(choices: readonly RatioChoice[], from: string, to: string): YearlyChoice[] {
  return choices
    .filter(({ year }) => year >= Number(from.slice(0, 4)))
    .map(({ year, ratios: [Calm, Elevated, Stress], trainingDays, trainingFrom, trainingTo, score }) => ({
      from: from > `${year}-01-01` ? from : `${year}-01-01`,
      to: to < `${year}-12-31` ? to : `${year}-12-31`,
      hedgeRatios: { Calm, Elevated, Stress },
      trainingDays,
      trainingFrom: score === null ? null : trainingFrom,
      trainingTo: score === null ? null : trainingTo,
      score,
      reason:
        score === null
          ? `The prior: ${trainingDays} training days are fewer than ${LEAST_TRAINING_DAYS}.`
          : `Greatest annual return above treasury bills less CDaR 95 on ${trainingDays} days before the year.`,
    }));
}

function dataUsed(dataset: Dataset): DataUsed[] {
  return [...dataset.series.values()].flatMap(({ name, days, vintage }) => {
    const first = days[0];
    if (first === undefined) return [];
    return [{ series: name, rows: days.length, from: dateOfDay(first), to: dateOfDay(days.at(-1)!), vintage }];
  });
}

/** Notes on days without settlements; gives their share. */
function fundingNotes(rows: readonly TapeDay[], notes: string[]): number {
  const without = rows.slice(1).filter(({ mark }) => mark.settlements.length === 0).length;
  if (without > 0) {
    notes.push(
      `On ${without} of ${rows.length - 1} days there is no funding settlement in the data (perpetuals begin in 2020): zero funding there is a scenario, not history.`,
    );
  }
  return without / (rows.length - 1);
}

function trainingNotes(choices: readonly RatioChoice[], rows: readonly TapeDay[], notes: string[]): void {
  const first = Number(rows[1]!.mark.date.slice(0, 4));
  const priors = choices.filter(({ year, score }) => year >= first && score === null).map(({ year }) => year);
  if (priors.length > 0) {
    notes.push(
      `Hedge ratios of ${priors.join(", ")} are the prior: ETH has less than a year of history before. Ratios of the years just after rest on little more.`,
    );
  }
}

/** Share of NAV from which a spell of gains is told of: a year's premiums at the rule's fullest. */
const NOTABLE_GAIN = 0.12;

/** Says so when what VXTH earned came from one spell. */
function tailNotes(path: VaultPath | undefined, dates: readonly string[], notes: string[]): void {
  if (path === undefined) return;
  const { from, to, gainShare, othersAYear } = bestSpell(path);
  if (gainShare < NOTABLE_GAIN) return;
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  notes.push(
    `${STRATEGY_TEXTS.vxth.name}: from ${dates[from]!} to ${dates[to]!} its calls gained ${percent(gainShare)} of net asset value, on all other days ` +
      `they ${othersAYear < 0 ? "lost" : "gained"} ${percent(Math.abs(othersAYear))} a year. Its result rests on that one spell at model prices: one volatility ` +
      "at all strikes makes such calls too cheap, and they settle at VIX's close instead of the morning's opening.",
  );
}

/** What a backtest does without a series, where that is not plain from what is left out. */
const WITHOUT: readonly (readonly [series: readonly string[], what: string])[] = [
  [
    ["tbill", "fedFunds"],
    "Neither tbill_bil.csv nor fed_funds.csv: cash earns nothing, and excess returns are returns.",
  ],
  [["vix3m"], "No vix3m.csv: the rule machine takes VIX as never inverted."],
  [["fundingEth"], "No funding_eth_8h.csv: shorts are paid and pay no funding."],
];

function missingNotes({ series, events }: Dataset, notes: string[]): void {
  for (const [names, what] of WITHOUT) if (names.every((name) => !series.has(name))) notes.push(what);
  if (events.length === 0) notes.push("No events.csv: nothing is shifted or cut around releases.");
}

/** To a hundredth of a cent, so that lines still add up to the cent and the file stays small. */
function rounded(values: ArrayLike<number>, digits = 4): number[] {
  return Array.from(values, (value) => toDigits(value, digits));
}

function toDigits<T extends number | null>(value: T, digits: number): T {
  const scale = 10 ** digits;
  return (value === null ? null : Math.round(value * scale) / scale) as T;
}
