import type { Command } from "commander";
import { Option } from "commander";
import { betaByGroup, createBeta, pairedReturns } from "../../hedge/beta.ts";
import type { BetaEstimate, BetaReading } from "../../hedge/beta.ts";
import { crossHedge } from "../../hedge/crossHedge.ts";
import type { CrossHedge } from "../../hedge/crossHedge.ts";
import { AsOfView } from "../../market/asOf.ts";
import { dateOfDay, dayNumber } from "../../market/calendar.ts";
import { decisionTime } from "../../market/dataset.ts";
import type { Dataset } from "../../market/series.ts";
import { SeriesMissingError } from "../../market/series.ts";
import { createRegimeAssessor } from "../../regime/assess.ts";
import { REGIME_NAMES } from "../../regime/ruleMachine.ts";
import type { RegimeName } from "../../regime/ruleMachine.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { amount, facts, numberOption, percent } from "../numbers.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface BetaOptions {
  data: string;
  date?: string;
  asset: string;
  exposure: string;
  confidence: string;
}

/** `ballast hedge beta`: an asset's beta to the S&P 500 and the cross hedge it supports. */
export function registerBeta(hedge: Command): void {
  const command = hedge
    .command("beta")
    .description("beta of ETH or BTC to the S&P 500, and the cross hedge that it supports, with its interval");
  addDataOption(command)
    .option("--date <date>", "session, YYYY-MM-DD (default: the last in the data)")
    .addOption(new Option("--asset <name>", "what to hedge").choices(["eth", "btc"]).default("eth"))
    .option("--exposure <usd>", "long exposure to hedge, in USD", "1000000")
    .option("--confidence <share>", "confidence of the interval", "0.95")
    .addHelpText(
      "after",
      "\nOwn-asset perpetuals come first: a cross hedge covers only what beta explains.\n" +
        examples(
          "ballast hedge beta --data data",
          "ballast hedge beta --data data --asset btc --date 2021-12-31 --json",
        ),
    )
    .action(beta);
}

async function beta(options: BetaOptions): Promise<void> {
  const exposure = numberOption("exposure", options.exposure);
  const confidence = numberOption("confidence", options.confidence);
  if (!(confidence > 0 && confidence < 1)) throw new UsageError(`--confidence is ${confidence}: give a share below 1`);
  const dataset = await readData(options);
  for (const name of [options.asset, "spx"]) {
    if (!dataset.series.has(name)) throw new SeriesMissingError(name, "beta");
  }
  const session = sessionOption(dataset, options.date);
  const view = new AsOfView(dataset, decisionTime(session));
  const reading = createBeta(options.asset, "spx")(view, session);
  const hedge = reading === null ? null : crossHedge(exposure, reading.rolling, reading.shrunk, confidence);
  const result = {
    session,
    asset: options.asset,
    market: "spx",
    exposure,
    ...(reading ?? { rolling: null, ewma: null, prior: null, shrunk: null }),
    byRegime: byRegime(dataset, options.asset, session),
    crossHedge: hedge,
  };
  print(describe(options.asset, session, exposure, reading, result.byRegime, hedge), result);
}

/** Beta on the days that followed each regime of the rule machine: yesterday's decision, today's return. */
function byRegime(dataset: Dataset, asset: string, session: string): Record<string, BetaEstimate | null> {
  const returns = pairedReturns(
    new AsOfView(dataset, decisionTime(session)),
    asset,
    "spx",
    -Infinity,
    dayNumber(session),
  );
  const view = new AsOfView(dataset);
  const assess = createRegimeAssessor([]);
  let before: RegimeName = "Unknown";
  const labels = returns.days.map((day) => {
    const date = dateOfDay(day);
    const label = before;
    before = assess(view.advanceTo(decisionTime(date)), date).rule;
    return label;
  });
  const groups = betaByGroup(returns.asset, returns.market, labels);
  return Object.fromEntries(
    REGIME_NAMES.filter((name) => groups.has(name)).map((name) => [name, groups.get(name) ?? null]),
  );
}

function describe(
  asset: string,
  session: string,
  exposure: number,
  reading: BetaReading | null,
  regimes: Record<string, BetaEstimate | null>,
  hedge: CrossHedge | null,
): string {
  const name = asset.toUpperCase();
  if (reading === null || hedge === null) {
    return `${name}'s beta to the S&P 500 is Unknown on ${session}: fewer than 252 common returns, or closes more than five sessions old.`;
  }
  const show = ({ beta, standardError, rSquared, observations }: BetaEstimate): string =>
    `${beta.toFixed(2)} ± ${standardError.toFixed(2)} (R² ${rSquared.toFixed(3)}, ${observations} returns)`;
  const { prior, shrunk } = reading;
  return facts([
    [`beta of ${name} to the S&P 500`, `as of ${session}, ± one standard error`],
    ["  252 sessions", show(reading.rolling)],
    ["  weighted, decay 0.99", show(reading.ewma)],
    [
      "  shrunk to the long run",
      `${shrunk.beta.toFixed(2)} ± ${shrunk.standardError.toFixed(2)}` +
        (prior === null
          ? " (no years before the window)"
          : `, mean ${prior.mean.toFixed(2)} of ${prior.years} past years`),
    ],
    ...Object.entries(regimes).map(
      ([regime, estimate]) => [`  after ${regime}`, estimate === null ? "too few returns" : show(estimate)] as const,
    ),
    [
      "cross hedge",
      `sell ${amount(hedge.notional)} USD of S&P 500 against ${amount(exposure)} USD, ` +
        `${percent(hedge.confidence)} interval ${amount(hedge.low)} to ${amount(hedge.high)} (negative: buy)`,
    ],
    [
      "  leaves",
      `${percent(hedge.volatilityLeft)} of the volatility${hedge.significant ? "" : "; beta may well be zero"}`,
    ],
  ]);
}
