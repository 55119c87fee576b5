import type { Command } from "commander";
import { black76, blackScholes, OptionInputError } from "../../hedge/options.ts";
import type { Greeks, PricedOption } from "../../hedge/options.ts";
import { numberOption } from "../numbers.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface OptionOptions {
  model: string;
  forward?: string;
  spot?: string;
  strike: string;
  time: string;
  rate: string;
  vol: string;
  dividendYield?: string;
}

/** What the numbers of `greeks` count. */
const UNITS = {
  delta: "price per unit of the underlying",
  gamma: "delta per unit of the underlying",
  vega: "price per 1.00 of volatility",
  theta: "price per year that passes",
  rho: "price per 1.00 of the rate",
};

/** `ballast option`: a European call and put by Black-76 or Black–Scholes, with Greeks. */
export function register(program: Command): void {
  program
    .command("option")
    .description("price a European call and put, with Greeks: Black-76 on a future, Black–Scholes on a spot")
    .requiredOption("--model <name>", "black76 (takes --forward) or bs (takes --spot)")
    .option("--forward <price>", "price of the future, for black76")
    .option("--spot <price>", "price of the underlying, for bs")
    .requiredOption("--strike <price>", "strike, in the same unit")
    .requiredOption("--time <years>", "time to expiry in years: 30 days are 0.0822")
    .requiredOption("--rate <decimal>", "interest rate per year, continuous, as a decimal: 0.05")
    .requiredOption("--vol <decimal>", "volatility per year as a decimal: 0.2")
    .option("--dividend-yield <decimal>", "yield of the spot per year, continuous, for bs (0 when left out)")
    .addHelpText(
      "after",
      `\nGreeks in JSON: ${Object.entries(UNITS)
        .map(([name, unit]) => `${name} is ${unit}`)
        .join("; ")}.\nOne that is infinite (gamma at the money, at expiry) is null.\n` +
        examples(
          "ballast option --model bs --spot 100 --strike 90 --time 0.5 --rate 0.01 --vol 0.2",
          "ballast option --model black76 --forward 19 --strike 19 --time 0.75 --rate 0.10 --vol 0.28 --json",
        ),
    )
    .action(optionAction);
}

function optionAction(options: OptionOptions): void {
  const terms = {
    strike: numberOption("strike", options.strike),
    years: numberOption("time", options.time),
    rate: numberOption("rate", options.rate),
    volatility: numberOption("vol", options.vol),
  };
  const priced = priceOrUsage(options, terms);
  print(render(priced), { model: options.model, ...priced, units: UNITS });
}

type Terms = { strike: number; years: number; rate: number; volatility: number };

/** What the model refuses came from a flag. */
function priceOrUsage(options: OptionOptions, terms: Terms): PricedOption {
  try {
    return price(options, terms);
  } catch (error) {
    if (error instanceof OptionInputError) throw new UsageError(error.message);
    throw error;
  }
}

function price(options: OptionOptions, terms: Terms): PricedOption {
  if (options.model === "black76") {
    if (options.forward === undefined || options.spot !== undefined || options.dividendYield !== undefined) {
      throw new UsageError("--model black76 takes --forward, and neither --spot nor --dividend-yield");
    }
    return black76({ ...terms, forward: numberOption("forward", options.forward) });
  }
  if (options.model === "bs") {
    if (options.spot === undefined || options.forward !== undefined) {
      throw new UsageError("--model bs takes --spot, and no --forward");
    }
    const dividendYield = numberOption("dividend-yield", options.dividendYield ?? "0");
    return blackScholes({ ...terms, spot: numberOption("spot", options.spot), dividendYield });
  }
  throw new UsageError(`--model is '${options.model}': give black76 or bs`);
}

function render({ call, put, greeks }: PricedOption): string {
  const row = (name: string, unit: string, of: (side: Greeks) => number): string =>
    `${name.padEnd(8)}${figure(of(greeks.call))}${figure(of(greeks.put))}   ${unit}`;
  return [
    `${"".padEnd(8)}${"call".padStart(14)}${"put".padStart(14)}`,
    `${"price".padEnd(8)}${figure(call)}${figure(put)}`,
    row("delta", "per unit of the underlying", ({ delta }) => delta),
    row("gamma", "of delta, per unit of the underlying", ({ gamma }) => gamma),
    row("vega", "per percentage point of volatility", ({ vega }) => vega / 100),
    row("theta", "per day that passes", ({ theta }) => theta / 365),
    row("rho", "per percentage point of the rate", ({ rho }) => rho / 100),
  ].join("\n");
}

function figure(value: number): string {
  const text = Number.isFinite(value) ? value.toFixed(8) : value > 0 ? "infinite" : "-infinite";
  return text.padStart(14);
}
