/** What is compared: the vault, its variants, and the baselines every hedge must beat. */

import { alvhLayer, incomeLayer, vxthLayer } from "./layers.ts";
import type { LayerOptions } from "./layers.ts";
import type { ByRegime, Level, Parameters, RegimeTargets } from "./parameters.ts";
import type { Reading } from "./readings.ts";
import type { StrategyId, StrategyResult } from "./result.ts";
import type { Layer, Strategy } from "./vault.ts";
import { withHedgeRatios } from "./vault.ts";

/** Strategies that are simulated; the three of hold less are blends of one of them and cash. */
export type SimulatedId = Exclude<StrategyId, "hold-less-ex-post" | "hold-less-ex-ante" | "hold-less-cdar">;

export interface StrategyText {
  readonly name: string;
  readonly description: string;
  readonly kind: StrategyResult["kind"];
}

/** How each is called and what it does, in the order of the result. */
export const STRATEGY_TEXTS: Readonly<Record<StrategyId, StrategyText>> = {
  ballast: {
    name: "Ballast",
    description:
      "The method: liquidity share, range and short by the more defensive of rule machine and Markov model, hedge ratios chosen each year on the days before. The contracts see no model.",
    kind: "strategy",
  },
  "ballast+alvh": {
    name: "Ballast + ALVH",
    description: "Ballast and layered long VIX calls inside a yearly premium budget, at model prices.",
    kind: "strategy",
  },
  "ballast+alvh+income": {
    name: "Ballast + ALVH + income",
    description:
      "The same and the Second Engine's S&P iron condors by VIX tier and, in Stress, its Temporal Theta sales, at model prices.",
    kind: "strategy",
  },
  "ballast-rule": {
    name: "Ballast, rule only",
    description:
      "As Ballast, by the rule machine alone: nearest to what contracts and keeper use today, without the lift after a crash of ETH that the chain also has.",
    kind: "strategy",
  },
  unhedged: {
    name: "Unhedged",
    description: "The Calm liquidity position at all times, no short, no options.",
    kind: "baseline",
  },
  "static-full-hedge": {
    name: "Static full hedge",
    description: "The unhedged vault's liquidity with all of its delta sold short at all times.",
    kind: "baseline",
  },
  vxth: {
    name: "Unhedged + VXTH rule",
    description: "The unhedged vault and Cboe's VXTH rule of monthly 30-delta VIX calls, at model prices.",
    kind: "baseline",
  },
  "hold-less-ex-post": {
    name: "Hold less (ex post)",
    description: "A share of the unhedged vault with Ballast's mean return above cash, the rest in treasury bills.",
    kind: "ex post",
  },
  "hold-less-ex-ante": {
    name: "Hold less (ex ante)",
    description: "The same with each year's share from the days before it.",
    kind: "baseline",
  },
  "hold-less-cdar": {
    name: "Hold less (same CDaR)",
    description: "The share of the unhedged vault with Ballast's 95 % conditional drawdown at risk, the rest in bills.",
    kind: "ex post",
  },
};

/** Hedge ratios by calendar year. */
export type RatiosOf = (year: number) => ByRegime<number>;

export interface StrategyOptions {
  readonly parameters: Parameters;
  readonly ratiosOf: RatiosOf;
  readonly layers?: Omit<LayerOptions, "halfSpread">;
  /** Raises the regime of a session, for the stress index and the ablation of signals. */
  readonly lift?: (inputs: Reading) => boolean;
  /** Whether `ballast-rule` follows the regime of the contracts, with their lift after a crash of ETH. */
  readonly asOnChain?: boolean;
}

/** Makes a strategy. */
export function strategy(id: SimulatedId, options: StrategyOptions): Strategy<Reading> {
  const { parameters, ratiosOf, lift } = options;
  const layerOptions: LayerOptions = { ...options.layers, halfSpread: parameters.optionHalfSpread };
  const calm = (): Level => 0;
  const decided = byDecision(lift ?? null);
  const chosen = byYear(parameters, ratiosOf);
  const fixed = (ratio: number) => {
    const [targets] = withHedgeRatios(parameters.targets, [ratio, ratio, ratio]);
    return (): RegimeTargets => targets;
  };
  const none = (): Layer<Reading>[] => [];
  switch (id) {
    case "ballast":
      return { level: decided, targets: chosen, layers: none };
    case "ballast+alvh":
      return { level: decided, targets: chosen, layers: () => [alvhLayer(layerOptions)] };
    case "ballast+alvh+income":
      return { level: decided, targets: chosen, layers: () => secondEngine(layerOptions) };
    case "ballast-rule":
      return {
        level: lifted((inputs) => (options.asOnChain === true ? inputs.chain : inputs.rule), lift),
        targets: chosen,
        layers: none,
      };
    case "unhedged":
      return { level: calm, targets: fixed(0), layers: none };
    case "static-full-hedge":
      return { level: calm, targets: fixed(1), layers: none };
    case "vxth":
      return { level: calm, targets: fixed(0), layers: () => [vxthLayer(layerOptions)] };
  }
}

function secondEngine(options: LayerOptions): Layer<Reading>[] {
  const alvh = alvhLayer(options);
  return [alvh, incomeLayer(alvh, options)];
}

/** The regime by the more defensive of rule and model, one level higher where signals lift it. */
export function byDecision(lift: ((inputs: Reading) => boolean) | null): (inputs: Reading) => Level | null {
  return lifted((inputs) => inputs.decision, lift ?? undefined);
}

function lifted(
  level: (inputs: Reading) => Level | null,
  lift: ((inputs: Reading) => boolean) | undefined,
): (inputs: Reading) => Level | null {
  if (lift === undefined) return level;
  return (inputs) => {
    const own = level(inputs);
    return own === null || own === 2 || !lift(inputs) ? own : ((own + 1) as Level);
  };
}

/** Targets with the hedge ratios chosen for the session's year, and less liquidity ahead of events where that is on. */
function byYear(parameters: Parameters, ratiosOf: RatiosOf): Strategy<Reading>["targets"] {
  const { edrCut, edrCutFrom } = parameters;
  const known = new Map<number, ByRegime<RegimeTargets>>();
  return (level, { session, eventNear, edrPercentile }) => {
    const year = Number(session.slice(0, 4));
    let targets = known.get(year);
    if (targets === undefined) known.set(year, (targets = withHedgeRatios(parameters.targets, ratiosOf(year))));
    const own = targets[level];
    if (edrCut === 1 || !eventNear || edrPercentile === null || edrPercentile < edrCutFrom) return own;
    return { ...own, liquidityShare: own.liquidityShare * edrCut };
  };
}
