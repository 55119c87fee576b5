import { blend, exPostWeight } from "../../src/backtest/holdLess.ts";
import {
  annualisedVolatility,
  cdar,
  maxDrawdown,
  simpleReturns,
  totalReturn,
  ulcer,
} from "../../src/backtest/metrics.ts";
import type {
  AttributionLine,
  BacktestResult,
  SignalLift,
  SignalWorth,
  StrategyId,
  StrategyMetrics,
  StrategyResult,
} from "../../src/backtest/result.ts";
import { addDays, isSession, previousSession } from "../../src/market/calendar.ts";
import type { RegimeName } from "../../src/regime/ruleMachine.ts";
import { lehmer } from "./lehmer.ts";

const START = "2001-01-01";
const START_NAV = 1_000_000;
const LP_SHARE = 0.6;
const RATIO: Readonly<Record<RegimeName, number>> = { Calm: 0.6, Elevated: 0.85, Stress: 1, Unknown: 1 };
const LABELS: Readonly<Partial<Record<AttributionLine, string>>> = {
  lpPrice: "Price of what the LP holds",
  lpConvexity: "LP convexity",
  lpFees: "LP fees",
  cashInterest: "Interest on cash",
  perpPrice: "Price of the short",
  funding: "Funding",
  alvh: "ALVH",
  income: "Income layers",
  perpCosts: "Perp costs",
};
const LINES = Object.keys(LABELS) as AttributionLine[];

/** What a made-up strategy does, as multiples of the parts of the market made up below. */
interface Recipe {
  readonly name: string;
  readonly ratio: (regime: RegimeName) => number;
  readonly alvh?: number;
  readonly income?: number;
}

const RECIPES: readonly (readonly [StrategyId, Recipe])[] = [
  ["ballast", { name: "Ballast", ratio: (regime) => RATIO[regime] }],
  ["ballast+alvh", { name: "Ballast + ALVH", ratio: (regime) => RATIO[regime], alvh: 1 }],
  ["ballast+alvh+income", { name: "Second Engine", ratio: (regime) => RATIO[regime], alvh: 1, income: 1 }],
  ["ballast-rule", { name: "Rule machine only", ratio: (regime) => RATIO[regime] * 0.98 }],
  ["unhedged", { name: "Unhedged", ratio: () => 0 }],
  ["static-full-hedge", { name: "Static full hedge", ratio: () => 1 }],
  ["vxth", { name: "VXTH rule", ratio: () => 0, alvh: 0.4 }],
];

/**
 * A made-up but consistent result for tests of what shows it: test data, not a measurement. Same arguments, same result.
 * @param days days with a return
 */
export function backtestResult(days = 1_200, seed = 20_010_101): BacktestResult {
  const random = lehmer(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  const dates = Array.from({ length: days + 1 }, (_, i) => addDays(START, i));
  const sessions = dates.filter(isSession);

  const eth = [300];
  const vix: (number | null)[] = [14];
  const regimes: RegimeName[] = ["Calm"];
  for (let i = 1; i <= days; i++) {
    const crash = i % 500 > 360 && i % 500 < 400;
    const target = crash ? 42 : i % 500 > 400 ? 21 : 13.5;
    const session = isSession(dates[i]!);
    const level =
      vix[i - 1]! * (session ? Math.exp((Math.log(target) - Math.log(vix[i - 1]!)) * 0.12 + normal() * 0.05) : 1);
    vix.push(level);
    regimes.push(level > 25 ? "Stress" : level >= 15 ? "Elevated" : "Calm");
    eth.push(eth[i - 1]! * Math.exp((crash ? -0.02 : 0.0022) + normal() * (crash ? 0.07 : 0.035)));
  }

  const path = (recipe: Recipe): { navs: number[]; daily: Record<string, number[]> } => {
    const liquidity = (START_NAV * LP_SHARE) / (2 * Math.sqrt(eth[0]!));
    const daily = Object.fromEntries(LINES.map((line) => [line, [] as number[]]));
    const navs = [START_NAV];
    for (let i = 1; i <= days; i++) {
      const [before, now] = [eth[i - 1]!, eth[i]!];
      const delta = liquidity / Math.sqrt(before);
      const short = delta * recipe.ratio(regimes[i - 1]!);
      const parts: Partial<Record<AttributionLine, number>> = {
        lpPrice: delta * (now - before),
        lpConvexity: 2 * liquidity * (Math.sqrt(now) - Math.sqrt(before)) - delta * (now - before),
        lpFees: 2 * liquidity * Math.sqrt(now) * 0.00015,
        cashInterest: START_NAV * 0.4 * 0.00004,
        perpPrice: -short * (now - before),
        funding: short * now * 0.0002,
        perpCosts: -short * now * 0.00008,
        alvh: (recipe.alvh ?? 0) * (-60 + Math.max(0, vix[i]! - vix[i - 1]!) * 400),
        income: (recipe.income ?? 0) * (vix[i]! < 20 ? 30 : -20),
      };
      for (const line of LINES) daily[line]!.push(parts[line] ?? 0);
      navs.push(navs[i - 1]! + LINES.reduce((sum, line) => sum + (parts[line] ?? 0), 0));
    }
    return { navs, daily };
  };
  const runs = new Map(RECIPES.map(([id, recipe]) => [id, path(recipe)]));
  const unhedged = runs.get("unhedged")!.navs;
  const cash = dates.map((_, i) => 1.00004 ** i);
  const years = days / 365;

  const measured = (navs: readonly number[], costed: boolean): StrategyMetrics => {
    const fall = maxDrawdown(navs);
    const annual = (1 + totalReturn(navs)) ** (1 / years) - 1;
    const volatility = annualisedVolatility(navs, 365);
    const worst = simpleReturns(navs).sort((a, b) => a - b);
    return {
      totalReturn: totalReturn(navs),
      annualReturn: annual,
      annualExcessReturn: annual - 0.0147,
      volatility,
      sharpe: (annual - 0.0147) / volatility,
      sortino: (1.4 * (annual - 0.0147)) / volatility,
      maxDrawdown: fall.value,
      maxDrawdownFrom: dates[fall.from]!,
      maxDrawdownTo: dates[fall.to]!,
      cdar90: cdar(navs, 0.9),
      cdar95: cdar(navs, 0.95),
      cdar99: cdar(navs, 0.99),
      ulcer: ulcer(navs),
      valueAtRisk95: -worst[Math.floor(worst.length * 0.05)]!,
      expectedShortfall95: -worst[Math.floor(worst.length * 0.02)]!,
      turnover: costed ? 3.2 : null,
      hedgeCost: costed ? 0.021 : null,
      drawdownSaved: maxDrawdown(unhedged).value - fall.value,
      hedgeXirr: null,
    };
  };
  const intervals = (metrics: StrategyMetrics): StrategyResult["intervals"] => {
    const around = (value: number): { low: number; high: number } => ({
      low: value - Math.abs(value) / 2,
      high: value + Math.abs(value) / 2,
    });
    return {
      annualReturn: around(metrics.annualReturn),
      maxDrawdown: around(metrics.maxDrawdown),
      cdar95: around(metrics.cdar95),
      sharpe: null,
    };
  };

  const strategies = RECIPES.map(([id, { name }]): StrategyResult => {
    const { navs, daily } = runs.get(id)!;
    const metrics = measured(navs, true);
    return {
      id,
      name,
      description: `${name}, as this made-up test has it.`,
      kind: id.startsWith("ballast") ? "strategy" : "baseline",
      undefinedBecause: null,
      navs,
      metrics,
      intervals: intervals(metrics),
      attribution: LINES.map((line) => ({
        line,
        label: LABELS[line]!,
        daily: daily[line]!,
        total: daily[line]!.reduce((sum, part) => sum + part, 0),
      })),
      lvrMemo: 51_234.5,
      holdLess: null,
      activity: {
        rebalances: 320,
        reranges: 12,
        perpTrades: 301,
        optionTrades: id.includes("alvh") ? 77 : 0,
        liquidations: 0,
        marginCappedDays: 3,
        meanLiquidityShare: 0.61,
        meanShortShare: 0.24,
      },
    };
  });

  const blended = (
    id: StrategyId,
    name: string,
    kind: StrategyResult["kind"],
    weight: number | null,
    reason: string,
  ): StrategyResult => {
    const navs = weight === null ? [] : blend(unhedged, weight, simpleReturns(cash));
    const metrics = weight === null ? null : measured(navs, false);
    return {
      id,
      name,
      description: `A share of the unhedged vault, the rest in treasury bills.`,
      kind,
      undefinedBecause: weight === null ? reason : null,
      navs,
      metrics,
      intervals: metrics === null ? null : intervals(metrics),
      attribution: [],
      lvrMemo: null,
      holdLess: { weight, reason },
      activity: null,
    };
  };
  const exPost = exPostWeight(simpleReturns(strategies[0]!.navs), simpleReturns(unhedged), simpleReturns(cash));
  strategies.push(
    blended("hold-less-ex-post", "Hold less (ex post)", "ex post", exPost.weight, exPost.reason),
    blended("hold-less-ex-ante", "Hold less (ex ante)", "baseline", 0.4, "From training years."),
    blended("hold-less-cdar", "Hold less (CDaR)", "ex post", 0.33, "Same mean of the worst 5 % of drawdowns."),
  );

  const onSession = sessions.map((session) => dates.indexOf(session));
  const rule = onSession.map((i) => regimes[i]!);
  const model = onSession.map((i): RegimeName | null =>
    i < 40 ? null : vix[i]! > 28 ? "Stress" : vix[i]! > 17 ? "Elevated" : "Calm",
  );
  const rank = { Unknown: -1, Calm: 0, Elevated: 1, Stress: 2 };
  const decision = rule.map((name, i) => (model[i] != null && rank[model[i]] > rank[name] ? model[i] : name));
  const shifts = decision.flatMap((to, i) => {
    const from = decision[i - 1];
    return from === undefined || from === to
      ? []
      : [{ session: sessions[i]!, from, to, cause: `VIX closed at ${vix[onSession[i]!]!.toFixed(2)}.` }];
  });

  return {
    format: "ballast-backtest-1",
    window: {
      askedFrom: START,
      askedTo: dates.at(-1)!,
      from: dates[1] ?? START,
      to: dates.at(-1)!,
      days,
      sessions: sessions.length,
      years,
      startNav: START_NAV,
    },
    verdict: {
      headline: "The hedge cut the deepest fall by a third and cost 2.1% of NAV a year: holding less did as well.",
      points: [
        { title: "What the hedge cost", text: "2.1% of NAV a year: the price of the short, less funding received." },
        { title: "What it saved", text: "The deepest fall was 31.0% where unhedged it was 46.2%." },
        {
          title: "Does holding less do as well?",
          text: "Yes: 41% of the unhedged vault earned the same and fell 22.0%.",
        },
        {
          title: "How sure is that?",
          text: "On 71% of 1,000 resampled paths holding less did as well on both counts.",
        },
      ],
      caveat: "Two crashes are two observations. Every number here is made up, to test the page.",
    },
    dates,
    market: { eth, vix, cash },
    strategies,
    regimes: { sessions, vix: onSession.map((i) => vix[i]!), rule, model, decision, shifts },
    edr: {
      sessions,
      cells: [21, 63].flatMap((horizonSessions) =>
        [0.05, 0.1, 0.2].map((depth, k) => ({
          horizonSessions,
          depth,
          bias: onSession.map((i) => (i < 60 ? null : -0.08 + Math.sin(i / 90 + k) * 0.07 + normal() * 0.01)),
          percentile: onSession.map((i) => (i < 60 ? null : 0.5 + Math.sin(i / 90 + k) * 0.45)),
        })),
      ),
      calibration: [
        {
          horizonSessions: 21,
          depth: 0.05,
          independentEvents: 34,
          brierModel: 0.171,
          brierImplied: 0.183,
          skillAgainstImplied: 0.066,
        },
        {
          horizonSessions: 63,
          depth: 0.2,
          independentEvents: 3,
          brierModel: null,
          brierImplied: null,
          skillAgainstImplied: null,
        },
      ],
    },
    signals: SIGNALS,
    stressIndex: { used: true, reason: "One signal has weight; it lifted the regime on 61 days." },
    choices: [2001, 2002, 2003].map((year, i) => ({
      from: `${year}-01-01`,
      to: `${year}-12-31`,
      hedgeRatios: { Calm: 0.6, Elevated: 0.8, Stress: 1 },
      trainingDays: i * 365,
      trainingFrom: i === 0 ? null : START,
      trainingTo: i === 0 ? null : `${year - 1}-12-31`,
      score: i === 0 ? null : -0.12 + i / 100,
      reason: i === 0 ? "Prior: fewer than 365 training days." : "Best of 84 by excess return less CDaR 95.",
    })),
    sensitivity: [
      { group: "Fee-to-LVR ratio", label: "0.25", base: false, move: -0.06 },
      { group: "Fee-to-LVR ratio", label: "1", base: true, move: 0 },
      { group: "Fee-to-LVR ratio", label: "1.75", base: false, move: 0.05 },
      { group: "Costs", label: "× 2", base: false, move: -0.01 },
    ].map(({ group, label, base, move }) => ({
      group,
      label,
      base,
      strategy: "ballast" as const,
      annualReturn: 0.03 + move,
      maxDrawdown: 0.31 - move / 2,
      cdar95: 0.27 - move / 2,
      sharpe: 0.3 + move * 4,
      unhedgedAnnualReturn: 0.08 + move,
      unhedgedMaxDrawdown: 0.46 - move,
    })),
    assumptions: [
      {
        name: "Fee-to-LVR ratio at median volatility",
        value: 1,
        unit: "ratio",
        reason: "An assumption: no depth history.",
      },
      { name: "Perp taker fee", value: 5, unit: "bps", reason: "Published schedule." },
      { name: "Funding before 2020", value: "none", unit: "", reason: "A scenario: perps had no history." },
    ],
    data: [
      { series: "vix", rows: 8_560, from: "1990-01-02", to: "2003-12-31", vintage: "first" },
      { series: "gdp", rows: 130, from: "1990-01-01", to: "2003-10-01", vintage: "latest" },
    ],
    notes: [
      "Made-up data: it serves to test the page itself.",
      `The last session before the start was ${previousSession(START)}.`,
    ],
    bootstrap: {
      paths: 1_000,
      meanBlockDays: 91,
      seed: 1,
      level: 0.95,
      holdLessAsGood: 0.71,
      holdLessDefined: 812,
      shallowerThanUnhedged: 0.97,
      earnedMoreThanUnhedged: 0.22,
    },
  };
}

const LIFT: SignalLift = {
  from: "1993-01-01",
  to: "2000-12-31",
  entries: 61,
  hits: 9,
  onsets: 12,
  precision: 9 / 61,
  baseRate: 0.052,
  lift: 2.84,
  liftInterval: { low: 1.21, high: 4.4 },
  recall: 0.42,
  chanceRecall: 0.2,
  leadSessions: 4,
  holmP: 0.03,
  detectableLift: 2.4,
};

const SIGNALS: readonly SignalWorth[] = [
  {
    id: "vix-above-20",
    name: "VIX above 20",
    seedTerm: "elevated VIX",
    state: "on",
    reason: "VIX closed at 22.10, above 20.",
    vintage: "first",
    training: LIFT,
    judged: { ...LIFT, lift: 1.9, liftInterval: { low: 0.6, high: 3.8 }, holmP: 0.4 },
    weight: 1,
    whyWeight: "Lift above 1 on training days, and it adds to the VIX level.",
    ablation: { maxDrawdownChange: -0.012, annualReturnChange: -0.004, daysLifted: 61 },
  },
  {
    id: "skew",
    name: "SKEW index high",
    seedTerm: "tail demand",
    state: "off",
    reason: "SKEW is 121.4, below 140.",
    vintage: "first",
    training: { ...LIFT, lift: 0.7, liftInterval: { low: 0.1, high: 1.4 }, holmP: 1 },
    judged: {
      ...LIFT,
      lift: null,
      liftInterval: null,
      precision: null,
      recall: 0,
      leadSessions: null,
      hits: 0,
      entries: 0,
      holmP: null,
    },
    weight: 0,
    whyWeight: "The interval of lift on training days reaches below 1.",
    ablation: { maxDrawdownChange: 0.003, annualReturnChange: -0.002, daysLifted: 14 },
  },
  {
    id: "protocol-pcf",
    name: "Protocol P/CF with RSI of VIX",
    seedTerm: "P/CF + RSI(VIX)",
    state: "unknown",
    reason: "No protocol_pcf.csv in the folder: bring one with date,value.",
    vintage: "first",
    training: null,
    judged: null,
    weight: 0,
    whyWeight: "No data.",
    ablation: null,
  },
];
