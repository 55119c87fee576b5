import type { Command } from "commander";
import type { LiftRow } from "../../backtest/lift.ts";
import type { Dataset } from "../../market/series.ts";
import type { SignalReading } from "../../signals/signal.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

interface SignalsOptions {
  data: string;
  date?: string;
}

/** Where the bootstrap behind the intervals begins: the same numbers for everybody. */
const SEED = 1;

/** What `ballast signals --json` prints for each signal. */
interface WeighedReading extends SignalReading {
  /** Measured on sessions up to the 31 December before; null when there are none. */
  readonly worth: LiftRow | null;
  readonly lift: number | null;
  readonly weight: number;
  readonly whyWeight: string;
}

/** `ballast signals`: every signal as it could be known after a session, and what it was worth until the year before. */
export function register(program: Command): void {
  const command = program
    .command("signals")
    .description("every signal after a session: value, threshold, state, reason, age, and what it has been worth");
  addDataOption(command)
    .option("--date <date>", "session, YYYY-MM-DD (the last one in the data when left out)")
    .addHelpText(
      "after",
      "\nWorth is the lift: how much likelier a first VIX close above 25 is in the 10 sessions after the signal turns on than" +
        "\nafter any quiet day, with a 95 % interval, over all sessions up to the 31 December before. Without such lift, or" +
        "\nwhen the VIX level says the same, the weight is 0.\n" +
        examples("ballast signals --data data --date 2023-12-29", "ballast signals --data data --json"),
    )
    .action(signalsAction);
}

async function signalsAction(options: SignalsOptions): Promise<void> {
  const [{ readSignals }, { stressIndex }] = await Promise.all([
    import("../../signals/run.ts"),
    import("../../signals/stressIndex.ts"),
  ]);
  const dataset = await readData(options);
  const session = sessionOption(dataset, options.date);
  const worth = await worthUntilLastYear(dataset, session);
  const readings = readSignals(dataset, session).map((reading): WeighedReading => {
    const row = worth?.find(({ id }) => id === reading.id) ?? null;
    const { lift = null, weight = 0, whyWeight = "No weight: there is no year before to measure it on." } = row ?? {};
    return { ...reading, lift, weight, whyWeight, worth: row };
  });
  print(render(session, readings, stressIndex(readings)), readings);
}

async function worthUntilLastYear(dataset: Dataset, session: string): Promise<LiftRow[] | null> {
  const [{ measureLift }, { seededRandom }, { runSignals }, { dateOfDay, sessionsBetween }] = await Promise.all([
    import("../../backtest/lift.ts"),
    import("../../backtest/bootstrap.ts"),
    import("../../signals/run.ts"),
    import("../../market/calendar.ts"),
  ]);
  const first = dataset.series.get("vix")?.days[0];
  if (first === undefined) return null;
  // None when VIX begins in the session's own year or later.
  const sessions = sessionsBetween(dateOfDay(first), `${Number(session.slice(0, 4)) - 1}-12-31`);
  if (sessions.length === 0) return null;
  const window = { from: sessions[0]!, to: sessions.at(-1)! };
  return measureLift(runSignals(dataset, sessions), window, seededRandom(SEED));
}

function render(session: string, readings: readonly WeighedReading[], index: number | null): string {
  const worth = readings.find((reading) => reading.worth !== null)?.worth;
  const measured = worth == null ? "nothing to measure worth on" : `worth measured ${worth.from} to ${worth.to}`;
  const rows = readings.map((reading) => [
    reading.state,
    reading.id,
    reading.ageSessions === null ? "" : String(reading.ageSessions),
    liftText(reading.worth),
    reading.weight === 0 ? "0" : reading.weight.toFixed(2),
    reading.reason,
  ]);
  const header = ["state", "signal", "age", "lift", "weight", "reason"];
  const widths = header.map((name, c) => Math.max(name.length, ...rows.map((row) => row[c]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, c) => (c === cells.length - 1 ? cell : cell.padEnd(widths[c]!))).join("  ");
  const on = readings.filter(({ state }) => state === "on").length;
  const unknown = readings.filter(({ state }) => state === "unknown").length;
  return [
    `${session}: ${on} of ${readings.length} signals on, ${unknown} unknown; ${measured}.`,
    "",
    line(header),
    ...rows.map(line),
    "",
    index === null
      ? "Stress index: none, for no known signal has weight: none has shown, on the years before, more than the VIX level does."
      : `Stress index: ${index.toFixed(2)}, the weighted share of known signals that are on.`,
  ].join("\n");
}

function liftText(row: LiftRow | null): string {
  if (row?.lift == null) return "";
  const { lift, liftInterval } = row;
  const interval =
    liftInterval === null ? "(too few)" : `[${liftInterval.low.toFixed(2)}, ${liftInterval.high.toFixed(2)}]`;
  return `${lift.toFixed(2)} ${interval}`;
}
