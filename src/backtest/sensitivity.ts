/** The headline, or the strategy that an assumption concerns, with one assumption moved or one part switched off at a time. */

import { spxModel } from "../hedge/spxOptions.ts";
import { annualReturn, cdar, maxDrawdown, sharpe } from "./metrics.ts";
import { DAYS_PER_YEAR } from "./parameters.ts";
import type { ByRegime, Parameters, RegimeTargets } from "./parameters.ts";
import type { Reading } from "./readings.ts";
import type { SensitivityRow } from "./result.ts";
import { strategy } from "./strategies.ts";
import type { RatiosOf, SimulatedId, StrategyOptions } from "./strategies.ts";
import type { TapeDay } from "./tape.ts";
import { runVault } from "./vault.ts";

/** What everything but the moved assumption is taken from. */
export interface BaseCase {
  readonly rows: readonly TapeDay<Reading>[];
  readonly cashReturns: Float64Array;
  readonly parameters: Parameters;
  readonly ratiosOf: RatiosOf;
  /** Signals that lift the regime in the base case. */
  readonly lift?: (inputs: Reading) => boolean;
  /** Strategies whose layers have their data. */
  readonly available: ReadonlySet<SimulatedId>;
}

interface Variant {
  readonly group: string;
  readonly label: string;
  readonly base?: boolean;
  readonly strategy?: SimulatedId;
  readonly change?: (parameters: Parameters) => Partial<Parameters>;
  readonly layers?: StrategyOptions["layers"];
  readonly ratiosOf?: RatiosOf;
  readonly asOnChain?: boolean;
}

const eachRegime = (targets: ByRegime<RegimeTargets>, change: (one: RegimeTargets) => RegimeTargets) => ({
  targets: [change(targets[0]), change(targets[1]), change(targets[2])] as ByRegime<RegimeTargets>,
});
const costs =
  (factor: number) =>
  (p: Parameters): Partial<Parameters> => ({
    swapCost: p.swapCost * factor,
    perpCost: p.perpCost * factor,
    optionHalfSpread: p.optionHalfSpread * factor,
    gasPerRebalance: p.gasPerRebalance * factor,
  });
const ratio =
  (calm: number, stress = calm) =>
  (): Partial<Parameters> => ({ feeToLvr: [calm, calm, stress] });
const width =
  (factor: number) =>
  (p: Parameters): Partial<Parameters> =>
    eachRegime(p.targets, (one) => ({ ...one, halfWidth: one.halfWidth * factor }));
const aversion = (riskAversion: number) => (): Partial<Parameters> => ({ riskAversion });

const ALVH = "ballast+alvh";
const FEES = "Fee income over loss-versus-rebalancing";
const COSTS = "Costs of trading";
const WIDTH = "Width of the range";
const AVERSION = "Risk aversion of the no-trade band";
const CASH = "Idle cash";
const RATIOS = "Hedge ratios";
const PARTS = "Parts of the strategy";
const OPTIONS = "Model prices of VIX calls";
const ENGINE = "ballast+alvh+income";
const SKEW = "Skew of S&P options";
/** Slopes of the smile on both sides of the assumed one. */
const [FLATTER, STEEPER] = [-0.15, -0.35];

function variants(prior: ByRegime<number>): Variant[] {
  return [
    { group: FEES, label: "0.25", change: ratio(0.25) },
    { group: FEES, label: "0.5", change: ratio(0.5) },
    { group: FEES, label: "1", base: true },
    { group: FEES, label: "1.75", change: ratio(1.75) },
    { group: FEES, label: "1, and 0.3 in Stress", change: ratio(1, 0.3) },
    { group: COSTS, label: "half", change: costs(0.5) },
    { group: COSTS, label: "as assumed", base: true },
    { group: COSTS, label: "double", change: costs(2) },
    { group: WIDTH, label: "half", change: width(0.5) },
    { group: WIDTH, label: "as on chain", base: true },
    { group: WIDTH, label: "double", change: width(2) },
    { group: AVERSION, label: "5", change: aversion(5) },
    { group: AVERSION, label: "25", base: true },
    { group: AVERSION, label: "125", change: aversion(125) },
    { group: CASH, label: "earns treasury bills", base: true },
    { group: CASH, label: "earns nothing", change: () => ({ cashYield: 0 }) },
    { group: RATIOS, label: "chosen each year", base: true },
    { group: RATIOS, label: `always ${prior.join(" / ")}`, ratiosOf: () => prior },
    { group: RATIOS, label: "nothing is hedged", ratiosOf: () => [0, 0, 0] },
    { group: PARTS, label: "all", base: true },
    { group: PARTS, label: "without the Markov model", strategy: "ballast-rule" },
    {
      group: PARTS,
      label: "as the contracts decide: rule alone, Stress after a 20 % day of ETH, shipped hedge ratios",
      strategy: "ballast-rule",
      ratiosOf: () => prior,
      asOnChain: true,
    },
    {
      group: PARTS,
      label: "liquidity as in Calm at all times",
      change: ({ targets }) => {
        const { liquidityShare, halfWidth } = targets[0];
        return eachRegime(targets, (one) => ({ ...one, liquidityShare, halfWidth }));
      },
    },
    {
      group: PARTS,
      label: "liquidity halved ahead of events at a high EDR percentile",
      change: () => ({ edrCut: 0.5 }),
    },
    { group: PARTS, label: "without funding", change: () => ({ funding: false }) },
    { group: OPTIONS, label: "as modelled", base: true, strategy: ALVH },
    {
      group: OPTIONS,
      label: "VVIX at every horizon",
      strategy: ALVH,
      layers: { model: { volatilityDecayPerYear: 0 } },
    },
    { group: OPTIONS, label: "volatility 20 % lower", strategy: ALVH, layers: { model: { volatilityScale: 0.8 } } },
    { group: OPTIONS, label: "volatility 20 % higher", strategy: ALVH, layers: { model: { volatilityScale: 1.2 } } },
    { group: OPTIONS, label: "size regardless of the EDR percentile", strategy: ALVH, layers: { useEdr: false } },
    { group: OPTIONS, label: "rolls not shifted away from events", strategy: ALVH, layers: { timeShift: false } },
    { group: SKEW, label: "flatter", strategy: ENGINE, layers: { spxModel: spxModel(FLATTER) } },
    { group: SKEW, label: "as assumed", base: true, strategy: ENGINE },
    { group: SKEW, label: "steeper", strategy: ENGINE, layers: { spxModel: spxModel(STEEPER) } },
  ];
}

/** Runs every variant. Choices of the base case stand: only what the label says is moved. */
export function sensitivity(base: BaseCase): SensitivityRow[] {
  const prior = base.parameters.targets.map(({ hedgeRatio }) => hedgeRatio) as unknown as ByRegime<number>;
  const lift = base.lift === undefined ? {} : { lift: base.lift };
  return variants(prior)
    .filter(({ strategy: id }) => id === undefined || base.available.has(id))
    .map((variant) => {
      const parameters = { ...base.parameters, ...variant.change?.(base.parameters) };
      const id = variant.strategy ?? "ballast";
      const options: StrategyOptions = {
        parameters,
        ratiosOf: variant.ratiosOf ?? base.ratiosOf,
        ...lift,
        ...(variant.asOnChain === true ? { asOnChain: true } : {}),
        ...(variant.layers === undefined ? {} : { layers: variant.layers }),
      };
      const { navs } = runVault(base.rows, strategy(id, options), parameters);
      const unhedged = runVault(base.rows, strategy("unhedged", options), parameters).navs;
      return {
        group: variant.group,
        label: variant.label,
        base: variant.base === true,
        strategy: id,
        annualReturn: annualReturn(navs, DAYS_PER_YEAR),
        maxDrawdown: maxDrawdown(navs).value,
        cdar95: cdar(navs, 0.95),
        sharpe: sharpe(navs, DAYS_PER_YEAR, base.cashReturns),
        unhedgedAnnualReturn: annualReturn(unhedged, DAYS_PER_YEAR),
        unhedgedMaxDrawdown: maxDrawdown(unhedged).value,
      };
    });
}
