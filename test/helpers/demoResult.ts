import { blend, cdarMatchedWeight, exPostWeight, type HoldLessWeight } from "../../src/backtest/holdLess.ts";
import { maxDrawdown, simpleReturns, totalReturn } from "../../src/backtest/metrics.ts";
import type {
  Attribution,
  BlendSummary,
  DayRow,
  DemoResult,
  Execution,
  PathSummary,
  RegimeName,
} from "../../src/demo/result.ts";
import { lehmer } from "./lehmer.ts";

const START = Date.UTC(2001, 0, 1);
const START_NAV = 250_000;
const HEDGE_RATIO: Readonly<Record<RegimeName, number>> = { Calm: 0.6, Elevated: 0.85, Stress: 1, Unknown: 1 };
const LIQUIDITY_SHARE = 0.7;
const HOLD_LESS = 0.25;

/**
 * A made-up but consistent result for tests of what shows it: test data, not a measurement. A liquidity position over
 * the full price range, worth 2·L·√P, through calm, a crash and a recovery, with a short kept near a ratio of its delta.
 */
export function demoResult(days = 88, seed = 20_010_101): DemoResult {
  const random = lehmer(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  const hex = (bytes: number): string =>
    "0x" + Array.from({ length: bytes * 2 }, () => Math.floor(random() * 16).toString(16)).join("");
  const dateOf = (day: number): string => new Date(START + day * 86_400_000).toISOString().slice(0, 10);

  const rows: DayRow[] = [];
  const executions: Execution[] = [];
  const navs = { hedged: [START_NAV], unhedged: [START_NAV], holdLess: [START_NAV] };
  let price = 190;
  let vix = 14;
  let short = 0;
  let regime: RegimeName = "Calm";
  const liquidity = (START_NAV * LIQUIDITY_SHARE) / (2 * Math.sqrt(price));
  const sums = { lpFees: 0, arbitrageLoss: 0, lpPrice: 0, funding: 0, hedgePrice: 0, costs: 0 };
  let swapCosts = 0;
  let perpCosts = 0;

  for (let day = 0; day < days; day++) {
    const phase = day / days;
    const crash = phase > 0.36 && phase < 0.48;
    const before = price;
    price *= Math.exp((crash ? -0.085 : phase > 0.5 ? 0.011 : 0.004) + normal() * (crash ? 0.06 : 0.025));
    const weekday = new Date(START + (day + 1) * 86_400_000).getUTCDay();
    const session = weekday !== 0 && weekday !== 6;
    const target = crash ? 72 : phase > 0.72 ? 20 : phase > 0.48 ? 34 : phase > 0.28 ? 22 : 13.5;
    if (session) vix += (target - vix) * 0.35 + normal() * 0.6;
    const old: RegimeName = regime;
    if (session) regime = vix > 25 ? "Stress" : vix >= 15 ? "Elevated" : old === "Calm" || vix < 14 ? "Calm" : old;

    const lpValue = 2 * liquidity * (Math.sqrt(price) - Math.sqrt(before));
    const held = (liquidity / Math.sqrt(before)) * (price - before);
    const fees = 2 * liquidity * Math.sqrt(price) * (0.0002 + Math.abs(price / before - 1) * 0.008);
    const funding = short * price * 0.0003 * (crash ? -1.5 : 1);
    sums.lpPrice += held;
    sums.arbitrageLoss += lpValue - held;
    sums.lpFees += fees;
    sums.funding += funding;
    sums.hedgePrice -= short * (price - before);

    const deltaBefore = liquidity / Math.sqrt(price) - short;
    const wanted = (liquidity / Math.sqrt(price)) * (1 - HEDGE_RATIO[regime]);
    const trade = Math.abs(deltaBefore - wanted) > 18 ? deltaBefore - wanted : 0;
    short += trade;
    const costUsd = Math.abs(trade) * price * 0.0012;
    perpCosts -= costUsd * 0.8;
    swapCosts -= costUsd * 0.2;
    sums.costs -= costUsd;
    const lpOnly = sums.lpPrice + sums.arbitrageLoss + sums.lpFees;
    const nav = {
      hedged: START_NAV + lpOnly + sums.funding + sums.hedgePrice + sums.costs,
      unhedged: START_NAV + lpOnly,
      holdLess: START_NAV + lpOnly * HOLD_LESS,
    };
    navs.hedged.push(nav.hedged);
    navs.unhedged.push(nav.unhedged);
    navs.holdLess.push(nav.holdLess);

    const why =
      regime === old
        ? `net delta ${deltaBefore.toFixed(1)} ETH left its band`
        : `VIX took the regime from ${old} to ${regime}`;
    const text =
      trade === 0
        ? session
          ? "Nothing done: net delta is inside its band."
          : "Nothing done: no session close since the last tick."
        : `${trade > 0 ? "Raised" : "Cut"} the short by ${Math.abs(trade).toFixed(1)} ETH to ${short.toFixed(1)} ETH: ${why}.`;
    rows.push({
      date: dateOf(day + 1),
      vix: session ? vix : null,
      vix3m: session ? 15 + (vix - 15) * 0.6 : null,
      session,
      regime,
      price,
      nav,
      deltaBefore,
      deltaAfter: deltaBefore - trade,
      short,
      liquidityShare: (2 * liquidity * Math.sqrt(price)) / nav.hedged,
      costUsd,
      action: trade === 0 ? (session ? "NONE_IN_BAND" : "NONE_NO_SESSION") : "REBALANCE",
      text,
      cumulative: { ...sums },
    });
    if (trade !== 0) {
      const safeTxHash = hex(32);
      executions.push({
        date: dateOf(day + 1),
        vault: "hedged",
        regime,
        safeTxHash,
        txHash: hex(32),
        packet: `out/packets/${dateOf(day + 1)}-${safeTxHash.slice(2, 10)}.json`,
        verified: true,
        checks: 41,
        gasUsed: 610_000 + Math.floor(random() * 240_000),
        signers: [hex(20), hex(20)],
        sentence: text,
      });
    }
  }

  const path = (values: readonly number[]): PathSummary => {
    const fall = maxDrawdown(values);
    return {
      return: totalReturn(values),
      maxDrawdown: fall.value,
      maxDrawdownFrom: dateOf(fall.from),
      maxDrawdownTo: dateOf(fall.to),
      finalNav: values.at(-1) ?? START_NAV,
    };
  };
  const blended = ({ weight, reason }: HoldLessWeight): BlendSummary => {
    if (weight === null) return { weight, reason, return: null, maxDrawdown: null, finalNav: null };
    const { return: gain, maxDrawdown: fall, finalNav } = path(blend(navs.unhedged, weight));
    return { weight, reason, return: gain, maxDrawdown: fall, finalNav };
  };
  const [hedgedReturns, unhedgedReturns] = [simpleReturns(navs.hedged), simpleReturns(navs.unhedged)];
  const noReturns = unhedgedReturns.map(() => 0);
  const attribution = (hedged: boolean): Attribution => {
    const parts = {
      lpPrice: sums.lpPrice,
      arbitrageLoss: sums.arbitrageLoss,
      lpFees: sums.lpFees,
      funding: hedged ? sums.funding : 0,
      hedgePrice: hedged ? sums.hedgePrice : 0,
      swapCosts: hedged ? swapCosts : 0,
      perpCosts: hedged ? perpCosts : 0,
    };
    const total = Object.values(parts).reduce((sum, part) => sum + part, 0);
    const navChange = (navs[hedged ? "hedged" : "unhedged"].at(-1) ?? START_NAV) - START_NAV + 1.75;
    return { ...parts, total, navChange, differenceBps: ((total - navChange) / START_NAV) * 10_000 };
  };
  const gasUsed = executions.map((execution) => execution.gasUsed);
  const total = gasUsed.reduce((sum, gas) => sum + gas, 0);
  const count = (name: RegimeName): { days: number; executed: number; verified: number } => {
    const executed = executions.filter((execution) => execution.regime === name).length;
    return { days: rows.filter((row) => row.regime === name).length, executed, verified: executed };
  };
  const unhedged = path(navs.unhedged);
  const [hedgedParts, unhedgedParts] = [attribution(true), attribution(false)];

  return {
    source: "Test data from a seeded generator",
    kind: "synthetic",
    window: { from: dateOf(1), to: dateOf(days) },
    days,
    proposals: executions.length,
    executed: executions.length,
    summary: {
      hedged: path(navs.hedged),
      unhedged,
      holdLess: {
        ...path(navs.holdLess),
        weight: HOLD_LESS,
        weightKind: "ex ante: 1 − hedge ratio",
        exPost: blended(exPostWeight(hedgedReturns, unhedgedReturns, noReturns)),
        cdarMatched: blended(cdarMatchedWeight(navs.hedged, navs.unhedged, 0.95)),
      },
    },
    attribution: {
      hedged: hedgedParts,
      unhedged: unhedgedParts,
      checkBps: Math.max(Math.abs(hedgedParts.differenceBps), Math.abs(unhedgedParts.differenceBps)),
    },
    gas: {
      rebalance: { mean: total / gasUsed.length, max: Math.max(...gasUsed) },
      total,
      byAction: {
        "Set the short": { count: executions.length, mean: 412_000 },
        "Set the liquidity": { count: 4, mean: 588_400 },
        Swap: { count: 3, mean: 181_250 },
      },
    },
    regimes: { Calm: count("Calm"), Elevated: count("Elevated"), Stress: count("Stress") },
    notes: [
      "Every number on this page is made up: it serves to test the page itself.",
      "Funding accrues on the chain's own perpetual, whose mark follows the index with a day's delay.",
      "LP fees come from replayed swap volume; arbitrage keeps the pool at the oracle's price at each step.",
    ],
    rows,
    executions,
    report: "out/report.html",
    seconds: 41.6,
  };
}
