import type { Command } from "commander";
import { Option } from "commander";
import { createWorstRise, MAINTENANCE_MARGIN, marginFor, MarginInputError, RISE_MARGIN } from "../../hedge/margin.ts";
import { AsOfView } from "../../market/asOf.ts";
import { dateOfDay } from "../../market/calendar.ts";
import { decisionTime } from "../../market/dataset.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { amount, facts, numberOption, percent } from "../numbers.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface MarginOptions {
  data: string;
  date?: string;
  asset: string;
  notional: string;
  maintenance: string;
}

/** `ballast hedge margin`: how much a short needs so that its past cannot liquidate it. */
export function registerMargin(hedge: Command): void {
  const command = hedge
    .command("margin")
    .description("margin and leverage of a short, with liquidation beyond 1.5 times the worst three-day rise known");
  addDataOption(command)
    .option("--date <date>", "session, YYYY-MM-DD (default: the last in the data)")
    .addOption(new Option("--asset <name>", "what is short").choices(["eth", "btc"]).default("eth"))
    .option("--notional <usd>", "notional of the short, in USD", "1000000")
    .option("--maintenance <decimal>", "maintenance margin of the venue", String(MAINTENANCE_MARGIN))
    .addHelpText("after", examples("ballast hedge margin --data data --notional 500000"))
    .action(margin);
}

async function margin(options: MarginOptions): Promise<void> {
  const notional = numberOption("notional", options.notional);
  const maintenance = numberOption("maintenance", options.maintenance);
  const dataset = await readData(options);
  const session = sessionOption(dataset, options.date);
  const worst = createWorstRise({ close: options.asset, high: `${options.asset}High` })(
    new AsOfView(dataset, decisionTime(session)),
  );
  if (worst === null) {
    throw new UsageError(
      `${options.asset}.csv has no three-day rise by ${session}: give a later --date, or fill it with \`ballast pull\``,
    );
  }
  const from = dateOfDay(worst.fromDay);
  try {
    const needed = marginFor(notional, worst.rise, maintenance);
    const text = facts([
      [
        "worst three-day rise",
        `${percent(worst.rise)} after the close of ${from}, of ${worst.days} bars known by ${session}`,
      ],
      ["liquidation at", `a rise of ${percent(needed.liquidationRise)}, ${RISE_MARGIN} times that`],
      ["margin", `${amount(needed.margin)} USD for ${amount(notional)} USD short`],
      ["leverage", needed.leverage.toFixed(2)],
    ]);
    print(text, {
      session,
      asset: options.asset,
      notional,
      maintenance,
      worstRise: worst.rise,
      from,
      bars: worst.days,
      ...needed,
    });
  } catch (error) {
    if (error instanceof MarginInputError) throw new UsageError(error.message);
    throw error;
  }
}
