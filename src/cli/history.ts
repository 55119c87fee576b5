import { existsSync } from "node:fs";
import type { Command } from "commander";
import type { History } from "../market/history.ts";
import { UsageError } from "./output.ts";

const DEFAULT_DATA = "data";
/** A window with calm, a crash, and the way back. */
const DEFAULT_FROM = "2020-02-03";
const DEFAULT_TO = "2020-04-30";
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export interface HistoryOptions {
  data?: string;
  from?: string;
  to?: string;
  seed: string;
}

/** Adds the options that choose which days are replayed. */
export function addHistoryOptions(command: Command): Command {
  return command
    .option(
      "--data <dir>",
      `folder with market history (default: ./${DEFAULT_DATA} if there, else a synthetic scenario)`,
    )
    .option("--from <date>", `first day, YYYY-MM-DD (default: ${DEFAULT_FROM}, or the scenario's first)`)
    .option("--to <date>", `last day, YYYY-MM-DD (default: ${DEFAULT_TO}, or the scenario's last)`)
    .option("--seed <number>", "seed of the synthetic scenario", "1");
}

/**
 * The days asked for: from the data folder when one is named or there, else made up. Throws UsageError, DataFileError,
 * HistoryWindowError.
 */
export async function readHistory({ data, from, to, seed }: HistoryOptions): Promise<History> {
  for (const [name, date] of Object.entries({ from, to })) {
    if (date !== undefined && !DATE.test(date)) throw new UsageError(`--${name} ${date} is no date like 2020-02-03`);
  }
  const number = Number(seed);
  if (!Number.isSafeInteger(number) || number < 0) throw new UsageError(`--seed ${seed} is no whole number`);

  const [{ cutHistory, loadHistory }, { syntheticHistory }] = await Promise.all([
    import("../market/history.ts"),
    import("../market/synthetic.ts"),
  ]);
  const folder = data ?? (existsSync(DEFAULT_DATA) ? DEFAULT_DATA : null);
  if (folder !== null) return loadHistory(folder, from ?? DEFAULT_FROM, to ?? DEFAULT_TO);
  const scenario = syntheticHistory(number);
  return cutHistory(scenario, from ?? scenario.from, to ?? scenario.to);
}
