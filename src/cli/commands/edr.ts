import type { Command } from "commander";
import { seededRandom } from "../../backtest/bootstrap.ts";
import { CALIBRATION_PATHS, CALIBRATION_SEED, calibrateEdr } from "../../backtest/calibration.ts";
import type { Calibration, CurvePoint } from "../../backtest/calibration.ts";
import { SHIFTING_EVENTS } from "../../hedge/timeShift.ts";
import { AsOfView } from "../../market/asOf.ts";
import { dateOfDay, dayNumber } from "../../market/calendar.ts";
import { decisionTime } from "../../market/dataset.ts";
import type { Dataset } from "../../market/series.ts";
import { sessionsAfter } from "../../signals/age.ts";
import type { EdrCell, EdrReading } from "../../signals/edr.ts";
import { edrHistory } from "../../signals/edrHistory.ts";
import { addDataOption, readData, sessionOption } from "../data.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

/** The next FOMC, CPI or PPI date is never further off than this: each CPI comes within a month. */
const LOOK_AHEAD_DAYS = 60;

interface EdrOptions {
  data: string;
  date?: string;
  calibration?: true;
}

/** A scheduled event ahead. */
interface NextEvent {
  kind: string;
  date: string;
  /** Sessions after the asked one, up to the event's own. */
  sessions: number;
}

/** `ballast edr`: the EDR bias as it could be known after a session. */
export function register(program: Command): void {
  const command = program
    .command("edr")
    .description(
      "compare a model's odds and depth of S&P 500 drawdowns with those that option prices imply (EDR bias)",
    );
  addDataOption(command)
    .option("--date <date>", "session, YYYY-MM-DD (the last one in the data when left out)")
    .option("--calibration", "also score every forecast whose outcome was known by then")
    .addHelpText(
      "after",
      "\nIn JSON probabilities, depths, severities, volatilities and percentiles are decimals; Unknown is null.\n" +
        examples(
          "ballast edr --data data --date 2020-02-19",
          "ballast edr --data data --date 2023-12-29 --calibration",
          "ballast edr --data data --json",
        ),
    )
    .action(edr);
}

async function edr(options: EdrOptions): Promise<void> {
  const dataset = await readData(options);
  const date = sessionOption(dataset, options.date);
  const history = edrHistory(dataset, seededRandom, date);
  const { session: _session, ...reading } = history.last;
  const answer = { date, ...reading, nextEvent: nextEvent(dataset, date) };
  if (options.calibration === undefined) {
    print(describe(answer), answer);
    return;
  }
  const calibration = calibrateEdr(dataset, history, {
    random: seededRandom(CALIBRATION_SEED),
    paths: CALIBRATION_PATHS,
  });
  print(`${describe(answer)}\n\n${describeCalibration(calibration)}`, { ...answer, calibration });
}

function nextEvent(dataset: Dataset, date: string): NextEvent | null {
  const today = dayNumber(date);
  const view = new AsOfView(dataset, decisionTime(date));
  const event = view.events(today + 1, today + LOOK_AHEAD_DAYS, SHIFTING_EVENTS)[0];
  if (event === undefined) return null;
  return { kind: event.kind, date: dateOfDay(event.day), sessions: sessionsAfter(today, event.day) };
}

type Answer = Omit<EdrReading, "session"> & { date: string; nextEvent: NextEvent | null };

function describe({ date, cells, sizingPercentile, ewmaVolatility, impliedFrom, unknown, nextEvent: event }: Answer) {
  const implied = cells
    .filter((cell, i) => cells.findIndex((other) => other.horizonSessions === cell.horizonSessions) === i)
    .map((cell) => `${percent(cell.impliedVolatility)} over ${cell.horizonSessions} sessions`);
  const dear = cells.filter(({ bias }) => bias !== null && bias < 0).length;
  const known = cells.filter(({ bias }) => bias !== null).length;
  return [
    `EDR bias after ${date}: the chance of an S&P 500 drawdown by the model, less the one that option prices imply.`,
    `Volatility a year: EWMA ${percent(ewmaVolatility)}; implied ${impliedFrom.length === 0 ? "Unknown" : `${implied.join(", ")} (${impliedFrom.join(", ")})`}.`,
    event === null
      ? "Next FOMC, CPI or PPI date: Unknown (events.csv)."
      : `Next event: ${event.kind} on ${event.date}, ${event.sessions} sessions ahead.`,
    ...unknown.map((sentence) => `Unknown. ${sentence}`),
    "",
    row("sessions", "drawdown", "model", "implied", "bias", "percentile", "model severity", "implied", "bias"),
    ...cells.map((cell: EdrCell) =>
      row(
        String(cell.horizonSessions),
        `${cell.depth * 100} % or more`,
        percent(cell.model?.probability),
        percent(cell.implied?.probability),
        percent(cell.bias, true),
        percent(cell.percentile),
        percent(cell.model?.severity),
        percent(cell.implied?.severity),
        percent(cell.severityBias, true),
      ),
    ),
    "",
    `Options are dearer than the model in ${dear} of ${known} known rows. Over the years the bias is mostly negative, since implied`,
    "volatility is mostly above what comes of it: so its percentile among its own past counts, not its sign. Tail layers",
    `scale with that of the last row: ${percent(sizingPercentile)}. The bias does not trade alone.`,
  ].join("\n");
}

function describeCalibration(calibration: readonly Calibration[]): string {
  const first = calibration.find(({ from }) => from !== null);
  if (first === undefined) return "Calibration: no forecast has a known outcome yet.";
  const lines = calibration.map((cell) => {
    const interval = cell.skillAgainstImpliedInterval;
    return calibrationRow(
      String(cell.horizonSessions),
      `${cell.depth * 100} % or more`,
      String(cell.sessions),
      percent(cell.eventShare),
      String(cell.independentEvents),
      number(cell.brierModel),
      number(cell.brierImplied),
      number(cell.brierClimatology),
      number(cell.skillModel),
      number(cell.skillAgainstImplied),
      interval === null ? "too few events" : `${number(interval.low)} to ${number(interval.high)}`,
    );
  });
  const curves = calibration.flatMap(({ horizonSessions, depth, independentEvents, curve }) => {
    const name = `${horizonSessions} sessions, ${depth * 100} %:`;
    if (curve === null) return [`${name} ${independentEvents} independent events are too few for a curve.`];
    const points = (side: readonly CurvePoint[]): string =>
      side.map((bin) => `${whole(bin.meanForecast)}→${whole(bin.eventShare)} (${bin.forecasts})`).join("  ");
    return [name, `  model    ${points(curve.model)}`, `  implied  ${points(curve.implied)}`];
  });
  return [
    `Calibration, out of sample, forecasts of ${first.from} to ${first.to ?? ""}. Windows overlap: the independent events`,
    "are those of windows laid end to end. Skill is 1 − Brier / Brier of the yardstick (climatology: the past share).",
    "",
    calibrationRow(
      "sessions",
      "drawdown",
      "scored",
      "came",
      "independent",
      "Brier model",
      "implied",
      "climatology",
      "skill",
      "vs. implied",
      "95 % interval",
    ),
    ...lines,
    "",
    "Forecast → what came, in percent (forecasts), by tenths of the forecast:",
    ...curves,
  ].join("\n");
}

/** A number as people read it: percent with one decimal, differences with a sign. */
function percent(value: number | null | undefined, signed = false): string {
  if (value === null || value === undefined) return "Unknown";
  const text = `${(value * 100).toFixed(1)} %`;
  return signed && value > 0 ? `+${text}` : text;
}

/** Percent without decimals or sign, where many stand in a line. */
function whole(value: number): string {
  return (value * 100).toFixed(0);
}

function number(value: number | null): string {
  return value === null ? "Unknown" : value.toFixed(3);
}

function row(...columns: string[]): string {
  const widths = [8, 15, 9, 9, 9, 12, 16, 9, 9];
  return columns.map((text, i) => text.padStart(widths[i]!)).join("");
}

function calibrationRow(...columns: string[]): string {
  const widths = [8, 15, 8, 9, 13, 13, 9, 13, 8, 13, 18];
  return columns.map((text, i) => text.padStart(widths[i]!)).join("");
}
