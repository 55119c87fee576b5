import { COST_OF_CAPITAL } from "./parameters.ts";
import type { BacktestVerdict, BacktestWindow, BootstrapSummary, StrategyId, StrategyResult } from "./result.ts";

/** What the verdict rests on. */
export interface VerdictInputs {
  readonly window: BacktestWindow;
  readonly strategies: readonly StrategyResult[];
  readonly bootstrap: BootstrapSummary | null;
  /** Times VIX closed above 25 after 20 closes at or below it, in the window; null when not counted. */
  readonly onsets: number | null;
  /** Share of days of the window without a funding settlement. */
  readonly withoutFunding: number;
}

/** Returns and falls closer than this (a tenth of a percent) count as the same. */
const SAME = 0.001;

/** What the hedge cost, what it saved, whether holding less does as well, how sure that is: from the numbers, for any outcome. */
export function verdict(inputs: VerdictInputs): BacktestVerdict {
  const of = (id: StrategyId): Found | null => {
    const found = inputs.strategies.find((strategy) => strategy.id === id);
    return found?.metrics == null ? null : { ...found, metrics: found.metrics };
  };
  const ballast = of("ballast")!;
  const unhedged = of("unhedged")!;
  return {
    headline: headline(ballast, unhedged, of("hold-less-ex-post")),
    points: [
      { title: "What the hedge cost", text: cost(ballast, unhedged) },
      { title: "What it saved", text: saved(ballast, unhedged, of("static-full-hedge")) },
      { title: "Does holding less do as well?", text: holdLess(inputs, of) },
      { title: "How sure is that?", text: howSure(inputs, ballast) },
      { title: "What the volatility layers did", text: layers(ballast, of) },
    ],
    caveat: caveat(inputs),
  };
}

type Found = StrategyResult & { readonly metrics: NonNullable<StrategyResult["metrics"]> };

/** What Ballast did as a whole, since a smaller liquidity position has its part in it, and whether holding less does as well. */
function headline({ metrics: own }: Found, { metrics: bare }: Found, exPost: Found | null): string {
  const shallower = bare.maxDrawdown - own.maxDrawdown;
  const falls = `the deepest fall ${percent(own.maxDrawdown)} instead of ${percent(bare.maxDrawdown)}`;
  const earned = `the return ${percent(own.annualReturn)} a year instead of ${percent(bare.annualReturn)}`;
  const less = lessInShort(own, exPost);
  if (Math.abs(shallower) < SAME) return `Ballast did not change the deepest fall and made ${earned}; ${less}.`;
  return shallower > 0
    ? `Ballast made ${falls} and ${earned}; ${less}.`
    : `Ballast made things worse: ${falls}, ${earned}; ${less}.`;
}

function lessInShort(own: Found["metrics"], exPost: Found | null): string {
  if (exPost !== null) return `holding less ${ANSWERS[compare(exPost.metrics, own)].inShort}`;
  // No share of it earns more than bills do: bills are the best of holding less.
  return own.annualExcessReturn <= 0
    ? "treasury bills alone did as well"
    : "holding less did not do as well: no share of the unhedged vault earned more than treasury bills";
}

function cost({ metrics: own }: Found, { metrics: bare }: Found): string {
  const hedge = own.hedgeCost ?? 0;
  const itself =
    hedge >= 0
      ? `The short, its funding and its costs took ${percent(hedge)} of net asset value a year.`
      : `The short, its funding and its costs brought in ${percent(-hedge)} of net asset value a year.`;
  const programme =
    own.hedgeXirr === null
      ? ""
      : ` On the capital it tied up that is ${percent(own.hedgeXirr)} a year, against a cost of capital of ${percent(COST_OF_CAPITAL)}.`;
  const less = bare.annualReturn - own.annualReturn;
  const rest = `With the smaller liquidity position of nervous regimes, and margin that earns nothing, the vault earned ${percent(Math.abs(less))} a year ${less >= 0 ? "less" : "more"} than unhedged.`;
  const above = `Above treasury bills it earned ${percent(own.annualExcessReturn)} a year, unhedged ${percent(bare.annualExcessReturn)}.`;
  return `${itself}${programme} ${rest} ${above}`;
}

function saved({ metrics: own }: Found, { metrics: bare }: Found, full: Found | null): string {
  const line = (m: Found["metrics"]): string =>
    `${percent(m.maxDrawdown)} (${m.maxDrawdownFrom} to ${m.maxDrawdownTo})`;
  const tail = `The mean of the worst 5 % of drawdowns was ${percent(own.cdar95)} against ${percent(bare.cdar95)}, volatility ${percent(own.volatility)} against ${percent(bare.volatility)} a year.`;
  const always =
    full === null
      ? ""
      : ` Hedging everything at all times gave a deepest fall of ${percent(full.metrics.maxDrawdown)} at a return of ${percent(full.metrics.annualReturn)} a year.`;
  return `Deepest fall ${line(own)} against ${line(bare)} unhedged. ${tail}${always}`;
}

function holdLess({ bootstrap }: VerdictInputs, of: (id: StrategyId) => Found | null): string {
  const ballast = of("ballast")!.metrics;
  const exPost = of("hold-less-ex-post");
  const exAnte = of("hold-less-ex-ante");
  const matched = of("hold-less-cdar");
  const parts: string[] = [];
  if (exPost === null) {
    parts.push("Ex post no share of the unhedged vault matches it: unhedged earned nothing above treasury bills.");
  } else {
    const weight = exPost.holdLess?.weight ?? 0;
    const verdict = ANSWERS[compare(exPost.metrics, ballast)].text;
    parts.push(
      `${verdict} Known only afterwards, ${percent(weight)} of the unhedged vault and the rest in treasury bills had ${weight > 0 && weight < 1 ? "the same mean return above cash" : "its share held at a bound"}: ${percent(exPost.metrics.annualReturn)} a year and a deepest fall of ${percent(exPost.metrics.maxDrawdown)}, against ${percent(ballast.annualReturn)} and ${percent(ballast.maxDrawdown)}.`,
    );
  }
  if (matched !== null) {
    parts.push(
      `Holding ${percent(matched.holdLess?.weight ?? 0)}, which had the same mean of the worst drawdowns, earned ${percent(matched.metrics.annualReturn)} a year.`,
    );
  }
  if (exAnte !== null) {
    parts.push(
      `With shares chosen beforehand, hold less earned ${percent(exAnte.metrics.annualReturn)} a year with a deepest fall of ${percent(exAnte.metrics.maxDrawdown)}.`,
    );
  }
  if (bootstrap?.holdLessAsGood != null) {
    parts.push(
      `Resampled, hold less did at least as well on both counts on ${percent(bootstrap.holdLessAsGood)} of the paths on which it has a share.`,
    );
  }
  return parts.join(" ");
}

const ANSWERS = {
  both: { text: "Yes.", inShort: "did as well" },
  neither: { text: "No.", inShort: "did not do as well" },
  fall: { text: "It fell no deeper, but earned less.", inShort: "fell no deeper but earned less" },
  return: { text: "It earned as much, but fell deeper.", inShort: "earned as much but fell deeper" },
} as const;

/** On what counts holding less does as well. */
function compare(less: Found["metrics"], own: Found["metrics"]): keyof typeof ANSWERS {
  const shallower = less.maxDrawdown <= own.maxDrawdown + SAME;
  const earned = less.annualReturn >= own.annualReturn - SAME;
  if (shallower === earned) return shallower ? "both" : "neither";
  return shallower ? "fall" : "return";
}

function howSure({ bootstrap, window, onsets }: VerdictInputs, { intervals }: Found): string {
  const held = onsets === null ? "" : ` and holds ${onsets} onset${onsets === 1 ? "" : "s"} of stress`;
  const sample =
    window.years < 1
      ? `The window is ${window.days} days of one asset${held}: too short to judge by, and its yearly figures are those days scaled up.`
      : `The window is ${window.years.toFixed(1)} years of one asset${held}: few independent observations.`;
  if (bootstrap === null) return `Not measured: run with --bootstrap for intervals. ${sample}`;
  const range = (name: "maxDrawdown" | "annualReturn" | "drawdownSaved"): string => {
    const interval = intervals?.[name] ?? null;
    return interval === null ? "undefined" : `${percent(interval.low)} to ${percent(interval.high)}`;
  };
  return (
    `Of ${bootstrap.paths} resampled paths the hedged vault fell less deep than the unhedged on ${percent(bootstrap.shallowerThanUnhedged)} ` +
    `and earned more on ${percent(bootstrap.earnedMoreThanUnhedged)}. ${percent(bootstrap.level)} of them give a deepest fall of ${range("maxDrawdown")}, ` +
    `a return of ${range("annualReturn")} a year, and ${range("drawdownSaved")} of drawdown saved. ${sample}`
  );
}

function layers(ballast: Found, of: (id: StrategyId) => Found | null): string {
  const parts = (["ballast+alvh", "ballast+alvh+income"] as const).flatMap((id) => {
    const found = of(id);
    if (found === null) return [];
    const more = found.metrics.annualReturn - ballast.metrics.annualReturn;
    const deeper = found.metrics.maxDrawdown - ballast.metrics.maxDrawdown;
    return [
      `${found.name}: ${percent(Math.abs(more))} a year ${more >= 0 ? "more" : "less"}, deepest fall ${percent(Math.abs(deeper))} ${deeper > 0 ? "deeper" : "shallower"}.`,
    ];
  });
  if (parts.length === 0) return "Not run: the data have no VIX term structure and VVIX.";
  return `Against Ballast alone, at model prices. ${parts.join(" ")}`;
}

function caveat({ window, withoutFunding }: VerdictInputs): string {
  const funding =
    withoutFunding > 0
      ? ` On ${percent(withoutFunding)} of the days there is no funding in the data: zero is a scenario.`
      : "";
  return (
    `${window.from} to ${window.to} is one path of one cycle: it shows how the vault behaves, not that the hedge will pay. ` +
    `Fee income is an assumption, option prices are a model's, and the policy's shares and widths were set by people who knew these years.${funding}`
  );
}

function percent(share: number): string {
  // Adding zero takes the sign off what rounds to none.
  return `${(Number((share * 100).toFixed(1)) + 0).toFixed(1)} %`;
}
