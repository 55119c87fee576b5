import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { labelOnsets } from "../../backtest/onsets.ts";
import { emissionsValue, priceToCashFlow } from "../../hedge/emissions.ts";
import type { EmissionsValue } from "../../hedge/emissions.ts";
import { stressTreasury } from "../../hedge/stress.ts";
import type { Remedy, SpikeStress, StressResult } from "../../hedge/stress.ts";
import { parseTreasury, TreasuryFileError } from "../../hedge/treasury.ts";
import type { Treasury } from "../../hedge/treasury.ts";
import { wacc } from "../../hedge/wacc.ts";
import { AsOfView } from "../../market/asOf.ts";
import { decisionTime } from "../../market/dataset.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { amount, percent } from "../numbers.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

interface StressOptions {
  treasury: string;
  data: string;
  date?: string;
}

/** `ballast stress`: a treasury's quick ratio now and under every historical VIX spike. */
export function register(program: Command): void {
  const stress = program
    .command("stress")
    .description("a treasury's quick ratio, now and under every historical VIX spike, and what keeps it at one")
    .requiredOption("--treasury <file>", "JSON file: assets, shorts, liabilities (docs/examples/treasury.json)");
  addDataOption(stress)
    .option("--date <date>", "session, YYYY-MM-DD (default: the last in the data)")
    .addHelpText(
      "after",
      "\nA treasury file, amounts in one currency:\n" +
        '  { "name": "Example DAO",\n' +
        '    "assets": [{ "kind": "stable", "name": "USDC", "value": 4000000, "haircut": 0 },\n' +
        '               { "kind": "liquid", "name": "ETH", "value": 6000000, "haircut": 0.01, "conversionCost": 0.003,\n' +
        '                 "follows": "ETH", "beta": 1 },\n' +
        '               { "kind": "illiquid", "name": "Venture stakes", "value": 3000000 }],\n' +
        '    "shorts": [{ "name": "ETH perpetual", "follows": "ETH", "notional": 1000000 }],\n' +
        '    "liabilities": [{ "name": "Contributors", "amount": 6500000, "due": "2024-12-31" }],\n' +
        '    "horizonDays": 365 }\n' +
        "follows is ETH, BTC, SPX or REIT; haircut is what cash in a hurry costs, conversionCost what it costs at\nleisure. capital, emissions and priceToCashFlow are optional; see the example file.\n" +
        examples("ballast stress --treasury docs/examples/treasury.json --data data"),
    )
    .action(stressAction);
}

async function stressAction(options: StressOptions): Promise<void> {
  const text = await readFile(options.treasury, "utf8").catch((error: unknown) => {
    throw new TreasuryFileError(options.treasury, error instanceof Error ? error.message : String(error));
  });
  const treasury = parseTreasury(text, options.treasury);
  const dataset = await readData(options);
  const session = sessionOption(dataset, options.date);
  const view = new AsOfView(dataset, decisionTime(session));
  const result = stressTreasury(treasury, view, session, onsetsOf(view));
  const { capital, emissions, priceToCashFlow: earnings } = treasury;
  const valuation = {
    wacc: capital === undefined ? null : wacc(capital),
    emissions: emissions === undefined ? null : emissionsValue(emissions),
    priceToCashFlow: earnings === undefined ? null : priceToCashFlow(earnings.marketCap, earnings.cashFlow),
  };
  print(describe(treasury, result, valuation), { treasury: treasury.name, ...result, ...valuation });
}

/** Days of the onsets among the VIX closes known. */
function onsetsOf(view: AsOfView): number[] {
  const { days, values } = view.between("vix", -Infinity, Infinity);
  const { onset } = labelOnsets(values);
  return Array.from(days).filter((_, i) => onset[i] === 1);
}

interface Valuation {
  wacc: number | null;
  emissions: EmissionsValue | null;
  priceToCashFlow: number | null;
}

function describe(treasury: Treasury, result: StressResult, valuation: Valuation): string {
  const { session, due, spikes, worst, shortfall } = result;
  const lines = [
    `${treasury.name} as of ${session}: ${amount(result.quickAssets)} of quick assets against ${amount(due)} due within ` +
      `${treasury.horizonDays} days, quick ratio ${ratio(result.quickRatio)}.`,
    "",
    "VIX spikes: what today's treasury would be at its low within 63 sessions (m: model, beta to the S&P 500)",
    "onset       low         VIX peak   S&P 500       ETH       BTC      REIT   quick ratio",
    ...spikes.map(row),
    ...result.modelChecks
      .filter(({ market }) => spikes.some(({ sources }) => sources[market] === "model"))
      .map(
        ({ market, spikes: n, happened, modelled }) =>
          `Model of ${market}: ${percent(modelled)} on average at the lows of the ${n} spikes it can be checked on, where ` +
          `${percent(happened)} happened${happened < modelled ? ": its rows are too mild" : ""}.`,
      ),
    "",
  ];
  if (worst !== null) {
    lines.push(`Worst: from ${worst.from} to ${worst.trough}, quick ratio ${ratio(worst.quickRatio)}.`);
  }
  lines.push(
    shortfall === 0
      ? "The quick ratio stays at one or above in all of them."
      : `Short of one by ${amount(shortfall)} at worst. Any one of these keeps it at one:`,
    ...result.remedies.map((remedy) => `  ${describeRemedy(remedy)}`),
  );
  if (valuation.wacc !== null) lines.push(`Cost of capital: ${percent(valuation.wacc)} a year.`);
  if (valuation.emissions !== null) {
    const { value, terminalShare, costOfEmissions } = valuation.emissions;
    lines.push(
      `Distributions are worth ${amount(value)} to today's holders, ${percent(terminalShare)} of it after the first stage; ` +
        `emissions cost them ${amount(costOfEmissions)}.`,
    );
  }
  if (treasury.priceToCashFlow !== undefined) {
    const multiple = valuation.priceToCashFlow;
    lines.push(`Price to cash flow: ${multiple === null ? "none, there is no cash flow" : multiple.toFixed(1)}.`);
  }
  return lines.join("\n");
}

function row({ onset, trough, vixPeak, moves, sources, quickRatio, open }: SpikeStress): string {
  const move = (market: keyof typeof moves): string =>
    sources[market] === "none"
      ? "– ".padStart(10)
      : `${(moves[market] * 100).toFixed(1)} %${sources[market] === "model" ? "m" : " "}`.padStart(10);
  const columns = [move("SPX"), move("ETH"), move("BTC"), move("REIT")].join("");
  return `${onset}  ${trough}  ${vixPeak.toFixed(1).padStart(8)}${columns}   ${ratio(quickRatio)}${open ? " (not over)" : ""}`;
}

function ratio(value: number | null): string {
  return value === null ? "undefined, nothing is due" : value.toFixed(2);
}

function describeRemedy(remedy: Remedy): string {
  switch (remedy.kind) {
    case "raise":
      return `add ${amount(remedy.amount)} of stable assets`;
    case "convert":
      return remedy.amount === null
        ? `converting ${remedy.asset} (${amount(remedy.held)}) is not enough by itself`
        : `convert ${amount(remedy.amount)} of ${amount(remedy.held)} of ${remedy.asset} to stable assets`;
    case "short":
      return remedy.amount === null
        ? `no short of ${remedy.market} does it in every spike`
        : `sell ${amount(remedy.amount)} of ${remedy.market} short, its margin kept besides`;
  }
}
