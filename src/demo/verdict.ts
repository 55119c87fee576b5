import { counted, longDate, percent, signedPercent, signedUsd, usd } from "../report/format.ts";
import type { BlendSummary, DemoResult, PathSummary } from "./result.ts";

/** The run's outcome in plain words. */
export interface Verdict {
  /** One sentence. */
  readonly headline: string;
  /** The questions a treasury asks, each with its answer. */
  readonly points: readonly { readonly title: string; readonly text: string }[];
  /** What the run cannot show. */
  readonly caveat: string;
}

/** Returns and falls closer than this (5 basis points of NAV) count as the same. */
const SAME = 0.0005;

/** What the hedge saved, what it cost, and whether holding less did as well: from the numbers alone, for any outcome. */
export function verdict(result: DemoResult): Verdict {
  return {
    headline: headline(result),
    points: [
      { title: "What happened", text: market(result) },
      { title: "What the hedge saved", text: saved(result) },
      { title: "What it cost", text: cost(result) },
      { title: "Does holding less do as well?", text: holdLess(result) },
    ],
    caveat:
      (result.kind === "synthetic"
        ? "The prices are synthetic: made up by a seeded generator, not market history. "
        : "") +
      `One window of ${counted(result.days, "day")} is a single observation: it shows how the vault behaves, not that ` +
      "the hedge will pay.",
  };
}

function headline({ summary: { hedged, unhedged } }: DemoResult): string {
  const shallower = unhedged.maxDrawdown - hedged.maxDrawdown;
  const ahead = hedged.finalNav - unhedged.finalNav;
  const falls = `${percent(unhedged.maxDrawdown)} to ${percent(hedged.maxDrawdown)}`;
  const even = Math.abs(hedged.return - unhedged.return) < SAME;
  const end = even
    ? "ended level with the unhedged vault"
    : `ended ${usd(Math.abs(ahead))} ${ahead > 0 ? "ahead of" : "behind"} the unhedged vault`;
  if (Math.abs(shallower) < SAME)
    return `The hedge left the deepest fall at ${percent(hedged.maxDrawdown)} and ${end}.`;
  return shallower > 0
    ? `The hedge cut the deepest fall from ${falls} and ${end}.`
    : `The hedge made things worse: the deepest fall went from ${falls}, and it ${end}.`;
}

function market({ rows, regimes, executed, proposals }: DemoResult): string {
  const first = rows[0];
  const last = rows.at(-1);
  const low = rows.reduce((lowest, row) => (row.price < lowest.price ? row : lowest), first ?? { price: 0, date: "" });
  const path =
    first === undefined || last === undefined
      ? ""
      : `ETH went from ${usd(first.price)} to ${usd(last.price)} (${signedPercent(last.price / first.price - 1)}), ` +
        `with its lowest close at ${usd(low.price)} on ${longDate(low.date)}. `;
  return (
    `${path}The chain saw ${counted(regimes.Calm.days, "day")} of Calm, ${regimes.Elevated.days} of Elevated and ` +
    `${regimes.Stress.days} of Stress; ${executed} of ${counted(proposals, "proposal")} were executed.`
  );
}

function saved({ summary: { hedged, unhedged } }: DemoResult): string {
  const change = unhedged.maxDrawdown - hedged.maxDrawdown;
  const points = `${percent(Math.abs(change))} of NAV ${change >= 0 ? "less" : "more"}`;
  return `Hedged, the deepest fall was ${fall(hedged)}; unhedged ${fall(unhedged)}: ${points}.`;
}

function fall(path: PathSummary): string {
  if (path.maxDrawdown === 0) return "none";
  return `${percent(path.maxDrawdown)} (${longDate(path.maxDrawdownFrom)} to ${longDate(path.maxDrawdownTo)})`;
}

function cost({ attribution: { hedged }, summary }: DemoResult): string {
  const { hedgePrice, funding, perpCosts } = hedged;
  const difference = summary.hedged.finalNav - summary.unhedged.finalNav;
  return (
    `Price moves of the short ${brought(hedgePrice)}, funding ${brought(funding)}, and trading the short took ` +
    `${usd(Math.abs(perpCosts))}: ${signedUsd(hedgePrice + funding + perpCosts)} in all. ` +
    (difference < 0
      ? `At the end that protection had cost ${usd(-difference)} against not hedging.`
      : `At the end the vault was ${usd(difference)} better off than without it.`)
  );
}

function brought(amount: number): string {
  return amount < 0 ? `took ${usd(-amount)}` : `brought ${usd(amount)}`;
}

function holdLess({ summary: { hedged, holdLess: less } }: DemoResult): string {
  const earned = compare(hedged.return, less.return);
  const fell = compare(less.maxDrawdown, hedged.maxDrawdown);
  return (
    `${conclusion(earned, fell)} A real vault with ${percent(less.weight, 0)} of the liquidity and no hedge returned ${signedPercent(less.return)} ` +
    `and fell ${percent(less.maxDrawdown)} at its deepest; the hedged one returned ${signedPercent(hedged.return)} and ` +
    `fell ${percent(hedged.maxDrawdown)}. ${matched(hedged, less.cdarMatched)}`
  ).trim();
}

/** 1 when the hedge is better, −1 when holding less is, 0 when they are the same. */
function compare(hedge: number, less: number): -1 | 0 | 1 {
  if (Math.abs(hedge - less) < SAME) return 0;
  return hedge > less ? 1 : -1;
}

function conclusion(earned: -1 | 0 | 1, fell: -1 | 0 | 1): string {
  if (earned === 0 && fell === 0) return "Yes, just as well.";
  if (earned >= 0 && fell >= 0) return "No: here the hedge did better.";
  if (earned <= 0 && fell <= 0) return "Yes: here holding less did better, without any hedge.";
  return earned > 0
    ? "Neither is plainly better: the hedge earned more but fell deeper."
    : "Neither is plainly better: the hedge fell less but earned less.";
}

function matched(hedged: PathSummary, blend: BlendSummary): string {
  if (blend.weight === null || blend.return === null) return "";
  const better = compare(hedged.return, blend.return);
  const word = better === 0 ? "the same" : better > 0 ? "less" : "more";
  return (
    `Cut afterwards to equally deep drawdowns, ${percent(blend.weight, 0)} of the unhedged vault would have returned ` +
    `${signedPercent(blend.return)}: ${word} than the hedge.`.replace("the same than", "the same as")
  );
}
