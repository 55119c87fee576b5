import type { Command } from "commander";
import type { BetaReading } from "../../hedge/beta.ts";
import { createReitLayer, REIT_VOLATILITY_BUDGET } from "../../hedge/reitLayer.ts";
import { AsOfView } from "../../market/asOf.ts";
import { decisionTime } from "../../market/dataset.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { facts, percent } from "../numbers.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

/** `ballast hedge reit`: real estate as a layer when GDP slows. */
export function registerReit(hedge: Command): void {
  const command = hedge
    .command("reit")
    .description("the real-estate layer: on only when real GDP slows, sized by volatility");
  addDataOption(command)
    .option("--date <date>", "session, YYYY-MM-DD (default: the last in the data)")
    .addHelpText("after", examples("ballast hedge reit --data data --date 2022-09-30"))
    .action(reit);
}

async function reit(options: { data: string; date?: string }): Promise<void> {
  const dataset = await readData(options);
  const session = sessionOption(dataset, options.date);
  const layer = createReitLayer()(new AsOfView(dataset, decisionTime(session)), session);
  const correlation = (reading: BetaReading | null): string =>
    reading === null
      ? "Unknown"
      : `${(Math.sign(reading.rolling.beta) * Math.sqrt(reading.rolling.rSquared)).toFixed(2)}, ` +
        `beta ${reading.rolling.beta.toFixed(2)} ± ${reading.rolling.standardError.toFixed(2)}`;
  const text = facts([
    ["layer", `${layer.state} on ${session}`],
    [
      "short, share of NAV",
      `${percent(layer.share)} (${percent(REIT_VOLATILITY_BUDGET)} of volatility a year at most)`,
    ],
    ["correlation to the S&P 500", correlation(layer.toMarket)],
    ["correlation of ETH to it", correlation(layer.ethToReit)],
    ...layer.reasons.map((reason) => ["because", reason] as const),
  ]);
  print(text, { session, ...layer });
}
