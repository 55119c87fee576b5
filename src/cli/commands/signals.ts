import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { LiftRow } from "../../backtest/lift.ts";
import { dateOfDay } from "../../market/calendar.ts";
import type { Dataset } from "../../market/series.ts";
import type { SignalReading } from "../../signals/signal.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { log, print } from "../output.ts";
import { examples } from "../program.ts";

interface SignalsOptions {
  data: string;
  date?: string;
  figures?: string;
}

const DAY_MS = 86_400_000;

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
    .option("--figures <file>", "also write lifts and EDR bias as the figures that the review page shows")
    .addHelpText(
      "after",
      "\nWorth is the lift: how much likelier a first VIX close above 25 is in the 10 sessions after the signal turns on than" +
        "\nafter any quiet day, with a 95 % interval, over all sessions up to the 31 December before. Without such lift, or" +
        "\nwhen the VIX level says the same, the weight is 0.\n" +
        examples(
          "ballast signals --data data --date 2023-12-29",
          "ballast signals --data data --json",
          "ballast signals --data data --figures src/backtest/figures.json",
        ),
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
  if (options.figures !== undefined) await writeFigures(dataset, options.data, session, options.figures);
  const readings = readSignals(dataset, session).map((reading): WeighedReading => {
    const row = worth?.find(({ id }) => id === reading.id) ?? null;
    const { lift = null, weight = 0, whyWeight = "No weight: there is no year before to measure it on." } = row ?? {};
    return { ...reading, lift, weight, whyWeight, worth: row };
  });
  print(render(session, readings, stressIndex(readings)), readings);
}

async function worthUntilLastYear(dataset: Dataset, session: string): Promise<LiftRow[] | null> {
  const [{ LIFT_SEED, measureLift }, { seededRandom }, { yearsBefore }] = await Promise.all([
    import("../../backtest/lift.ts"),
    import("../../backtest/bootstrap.ts"),
    import("../../backtest/measureFigures.ts"),
  ]);
  const years = yearsBefore(dataset, session);
  return years === null ? null : measureLift(years.run, years.window, seededRandom(LIFT_SEED));
}

/** Writes the figures that are published with the code. */
async function writeFigures(dataset: Dataset, data: string, session: string, file: string): Promise<void> {
  const [{ measureFigures }, { readFolder }] = await Promise.all([
    import("../../backtest/measureFigures.ts"),
    import("../../market/files.ts"),
  ]);
  const today = dateOfDay(Math.floor(Date.now() / DAY_MS));
  const figures = measureFigures(dataset, await readFolder(data), session, today);
  await writeFile(file, `${JSON.stringify(figures, null, 2)}\n`);
  log(`${file}: lifts of ${figures.lift.from} to ${figures.lift.to}, EDR bias after ${session}.`);
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
