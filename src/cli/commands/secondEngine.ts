import type { Command } from "commander";
import { layerWorth } from "../../backtest/layerWorth.ts";
import type { LayerWorth } from "../../backtest/layerWorth.ts";
import { engineBook } from "../../hedge/engineBook.ts";
import type { EngineBook } from "../../hedge/engineBook.ts";
import { spxModel, spxSurface } from "../../hedge/spxOptions.ts";
import { shortVolatilityScale } from "../../hedge/timeShift.ts";
import { createVixCurve, isVixCurve, vixFuture } from "../../hedge/vixCurve.ts";
import type { VixCurve } from "../../hedge/vixCurve.ts";
import { vixRollYield } from "../../hedge/vixFutures.ts";
import { AsOfView } from "../../market/asOf.ts";
import { dateOfDay, sessionsBetween } from "../../market/calendar.ts";
import { decisionTime } from "../../market/publication.ts";
import { createRegimeAssessor } from "../../regime/assess.ts";
import { addDataOption, dateOption, readData, sessionOption } from "../data.ts";
import { amount, columns, facts, numberOption, percent } from "../numbers.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";
import { readRegimeModels } from "../regimeModels.ts";

interface EngineOptions {
  data: string;
  date?: string;
  nav: string;
  edrPercentile?: string;
  worthFrom?: string;
}

/** `ballast second-engine`: the book of options and volatility it would open after a session, and what each layer was worth. */
export function register(program: Command): void {
  const command = program
    .command("second-engine")
    .description(
      "the options and volatility book that would be opened after a session, layer by layer, at model prices",
    );
  addDataOption(command)
    .option("--date <date>", "session, YYYY-MM-DD (the last one in the data when left out)")
    .option("--nav <usd>", "net asset value in dollars that sizes are shares of", "1000000")
    .option(
      "--edr-percentile <decimal>",
      "percentile of the EDR bias, 0 to 1, as `ballast edr` gives it (0.5 if left out)",
    )
    .option("--worth-from <date>", "also measure each layer on its own from this date to the session")
    .addHelpText(
      "after",
      "\nIn JSON volatilities, shares and returns are decimals; exposures are US dollars, vega per VIX point.\n" +
        examples(
          "ballast second-engine --data data --date 2019-07-01 --nav 5000000",
          "ballast second-engine --data data --worth-from 2009-10-01 --json",
        ),
    )
    .action(secondEngineAction);
}

async function secondEngineAction(options: EngineOptions): Promise<void> {
  const nav = numberOption("nav", options.nav);
  if (!(nav > 0)) throw new UsageError(`--nav is ${options.nav}: give dollars above 0`);
  const edrPercentile =
    options.edrPercentile === undefined ? null : numberOption("edr-percentile", options.edrPercentile);
  if (edrPercentile !== null && !(edrPercentile >= 0 && edrPercentile <= 1)) {
    throw new UsageError(`--edr-percentile is ${edrPercentile}: give a decimal from 0 to 1`);
  }
  const [dataset, models] = await Promise.all([readData(options), readRegimeModels()]);
  const date = sessionOption(dataset, options.date);
  const view = new AsOfView(dataset, decisionTime(date));
  const curve = createVixCurve()(view, date);
  if (!isVixCurve(curve)) throw new UsageError(`--date ${date}: ${curve.unknown}`);
  const regime = createRegimeAssessor(models)(view, date).decision;
  const surface = spxSurface(view, date, spxModel());
  const book = engineBook(curve, surface, {
    nav,
    stress: regime === "Stress",
    edrPercentile,
    shortVolatilityScale: shortVolatilityScale(view, date),
  });
  let worth: LayerWorth[] | null = null;
  if (options.worthFrom !== undefined) {
    const from = dateOption("worth-from", options.worthFrom);
    const sessions = from < date ? sessionsBetween(from, date) : [];
    if (sessions.length < 2)
      throw new UsageError(`--worth-from ${from}: give a date at least two sessions before ${date}`);
    const assess = createRegimeAssessor(models);
    worth = layerWorth(dataset, sessions, (then, session) => assess(then, session).decision === "Stress");
  }
  const futures = curve.expiries.slice(0, 9).map((expiryDay) => ({
    expiry: dateOfDay(expiryDay),
    days: expiryDay - curve.day,
    price: vixFuture(curve, expiryDay - curve.day),
  }));
  const pricing = {
    label: "model prices",
    futures: curve.quotedBasis.length > 0 ? "front two quoted, the rest by the model" : "by the model",
    basisObservations: curve.basisObservations,
  };
  print(describe(date, nav, regime, curve, book, worth), {
    date,
    nav,
    regime,
    vix: curve.vix,
    vvix: curve.vvix,
    pricing,
    futures,
    rollYieldPerYear: vixRollYield(curve),
    ...withDates(book),
    worth,
  });
}

/** Positions with dates in place of day numbers. */
function withDates({ alvh, condors, putSpread, temporalTheta, engine }: EngineBook): object {
  const dated = ({ expiryDay, ...rest }: { expiryDay: number }): object => ({
    ...rest,
    expiry: dateOfDay(expiryDay),
  });
  return {
    alvh: alvh.map(({ openedDay: _openedDay, ...call }) => dated(call)),
    condors: condors.map(dated),
    putSpread: putSpread === null ? null : dated(putSpread),
    temporalTheta: { ...temporalTheta, sale: temporalTheta.sale === null ? null : dated(temporalTheta.sale) },
    ...engine,
  };
}

function describe(
  date: string,
  nav: number,
  regime: string,
  curve: VixCurve,
  { alvh, condors, putSpread, temporalTheta, engine }: EngineBook,
  worth: readonly LayerWorth[] | null,
): string {
  const lines = [
    `Second Engine after ${date}, ${amount(nav)} USD, ${regime}. Every option price is a model price.`,
    "",
    facts([
      ["VIX, VVIX", `${curve.vix}, ${curve.vvix === null ? "unknown" : (100 * curve.vvix).toFixed(2)}`],
      ["VIX futures", [0, 1, 2, 5, 8].map((i) => futureOf(curve, i)).join(", ")],
      ["Roll yield", `${percent(vixRollYield(curve))} a year for a long position, while the curve stays`],
    ]),
    "",
    ...alvh.map(({ layer, contracts, strike, expiryDay, modelPrice: { price, flatVvix, ...other } }) => {
      const range = `${other.lowerVolatility.toFixed(2)} to ${other.higherVolatility.toFixed(2)} at volatility ±20 %`;
      return (
        `ALVH ${layer}: ${contracts.toFixed(2)} calls at ${strike.toFixed(2)} to ${dateOfDay(expiryDay)}, ` +
        `${price.toFixed(2)} each (${range}, ${flatVvix.toFixed(2)} at flat VVIX)`
      );
    }),
    ...condors.map(({ tier, contracts, credit, maxLoss, breakEvens, expiryDay }) => {
      return (
        `Condor ${tier}: ${contracts.toFixed(2)} to ${dateOfDay(expiryDay)}, credit ${credit.toFixed(2)}, most to lose ` +
        `${maxLoss.toFixed(2)}, breaks even at ${breakEvens.map((price) => price.toFixed(0)).join(" and ")}`
      );
    }),
    ...(condors.length === 0 ? [`No condor: VIX is ${curve.vix}, and above 20 none is sold.`] : []),
    ...(putSpread === null
      ? []
      : [
          `Put spread: ${putSpread.contracts.toFixed(2)} of ${putSpread.legs.map(({ strike }) => strike.toFixed(0)).join("/")} ` +
            `to ${dateOfDay(putSpread.expiryDay)}`,
        ]),
    temporalTheta.sale === null
      ? `Temporal Theta sells nothing: ${temporalTheta.failed.join("; ")}.`
      : `Temporal Theta: sell ${(-temporalTheta.sale.contracts).toFixed(2)} calls at ${temporalTheta.sale.strike.toFixed(2)}; ` +
        `${temporalTheta.decayUsdPerDay.toFixed(0)} USD a day in decay, ${temporalTheta.carryUsdPerDay.toFixed(0)} if the curve stays`,
    "",
    ...columns([
      ["layer", "value", "S&P delta", "vega", "VVIX vega", "theta a day"],
      ...[...engine.layers, { name: "total", exposure: engine.total }].map(({ name, exposure }) => [
        name,
        ...[
          exposure.valueUsd,
          exposure.spxDeltaUsd,
          exposure.vegaUsd,
          exposure.vvixVegaUsd,
          exposure.thetaUsdPerDay,
        ].map((usd) => usd.toFixed(0)),
      ]),
    ]),
    "",
    ...engine.limits.map(({ name, kept, reason }) => `${kept ? "ok" : "NO"}  ${name}: ${reason}`),
  ];
  if (worth !== null) lines.push("", "Each layer on its own, before anything it hedges:", ...columns(worthRows(worth)));
  return lines.join("\n");
}

function futureOf(curve: VixCurve, i: number): string {
  const days = curve.expiries[i]! - curve.day;
  return `${vixFuture(curve, days).toFixed(2)} (${days} d)`;
}

function worthRows(worth: readonly LayerWorth[]): string[][] {
  return [
    ["layer", "a year", "drawdown", "best day", "worst day", "correlation with ETH funding"],
    ...worth.map(({ name, annualReturn, maxDrawdown, best, worst, fundingCorrelation: funding }) => [
      name,
      ...[annualReturn, maxDrawdown, best, worst].map(percent),
      funding === null
        ? "no funding data"
        : `${funding.value.toFixed(2)} [${funding.low.toFixed(2)}, ${funding.high.toFixed(2)}], ${funding.days} days`,
    ]),
  ];
}
