import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "commander";
import { AsOfView } from "../../market/asOf.ts";
import { dateOfDay, previousSession, sessionsBetween } from "../../market/calendar.ts";
import { DataFileError } from "../../market/csv.ts";
import { decisionTime } from "../../market/dataset.ts";
import { mulberry32 } from "../../market/random.ts";
import type { Dataset } from "../../market/series.ts";
import { SeriesMissingError } from "../../market/series.ts";
import { createRegimeAssessor } from "../../regime/assess.ts";
import type { RegimeAssessment } from "../../regime/assess.ts";
import { expectedDurations, filterSeries } from "../../regime/markov.ts";
import { DEFAULT_STARTS, fitMarkov, VARIANCE_FLOOR } from "../../regime/markovFit.ts";
import type { MarkovFit } from "../../regime/markovFit.ts";
import { modelText, sealModel } from "../../regime/modelFile.ts";
import type { MarkovModel } from "../../regime/modelFile.ts";
import { churnOf, regimeShifts } from "../../regime/shifts.ts";
import type { Churn, RegimeShift } from "../../regime/shifts.ts";
import { addDataOption, dateOption, readColumn, readData } from "../data.ts";
import type { CsvColumn } from "../data.ts";
import { log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";
import { readModel, readRegimeModels } from "../regimeModels.ts";

/** A variance below this many floors is held up by it. */
const AT_FLOOR = 1.001;

interface ColumnOptions {
  in: string;
  column: string;
  log?: true;
  from?: string;
  to?: string;
}

interface FitOptions extends ColumnOptions {
  states: string;
  variance: string;
  seed: string;
  starts: string;
  out?: string;
}

interface FilterOptions extends ColumnOptions {
  model: string;
  date?: string[];
}

interface HistoryOptions {
  data: string;
  from?: string;
  to?: string;
}

/** `ballast regime`: fit and filter Markov-switching models, and the regimes that the vault's rules saw. */
export function register(program: Command): void {
  const regime = program.command("regime").description("fit, filter and replay volatility regimes");

  addColumnOptions(regime.command("fit"))
    .description("fit a Gaussian Markov-switching model to a column by maximum likelihood, from many starts")
    .requiredOption("--states <k>", "number of states, 2 or more")
    .option("--variance <kind>", "shared by all states, or switching with the state", "switching")
    .option("--seed <n>", "seed of the random starts: the answer should not depend on it", "1")
    .option("--starts <n>", "number of starts", String(DEFAULT_STARTS))
    .option("--out <file>", "write the model to this file, for `ballast regime filter`")
    .addHelpText(
      "after",
      "\nStates are sorted by mean; transition[i][j] is P(next row's state is j | this row's is i); durations are in rows.\n" +
        examples(
          "ballast regime fit --in data/vix.csv --log --states 3 --to 2019-12-31 --out model.json",
          "ballast regime fit --in data/fed_funds.csv --column value --states 2 --variance shared --json",
        ),
    )
    .action(fit);

  addColumnOptions(regime.command("filter"))
    .description("probabilities of a model's states, each date's from what came before it, and the log-likelihood")
    .requiredOption("--model <file>", "model that `ballast regime fit --out` wrote")
    .option("--date <date...>", "dates to answer for, YYYY-MM-DD (the last row when left out)")
    .addHelpText(
      "after",
      "\nThe file's rows are filtered as they are, from the first one on.\n" +
        examples("ballast regime filter --in data/vix.csv --log --model model.json --date 2008-10-10 2017-11-03"),
    )
    .action(filter);

  addDataOption(regime.command("history"))
    .description("every shift of the regime that rule machine and yearly models decided, with what caused it")
    .option("--from <date>", "first session, YYYY-MM-DD (the first in the data when left out)")
    .option("--to <date>", "last session, YYYY-MM-DD (the last in the data when left out)")
    .addHelpText(
      "after",
      "\nThe decision is the more defensive of rule and model, each as it could be known after the session.\n" +
        examples("ballast regime history --data data --from 2020-01-01 --to 2020-12-31"),
    )
    .action(history);
}

function addColumnOptions(command: Command): Command {
  return command
    .requiredOption("--in <csv>", "file with a header, a date column, and rows in order of date")
    .option("--column <name>", "column to read; rows where it is blank are left out", "close")
    .option("--log", "take the natural logarithm of every value")
    .option("--from <date>", "first date to read, YYYY-MM-DD (the first row when left out)")
    .option("--to <date>", "last date to read, YYYY-MM-DD (the last row when left out)");
}

async function fit(options: FitOptions): Promise<void> {
  const states = wholeNumber("states", options.states, 2);
  const seed = wholeNumber("seed", options.seed, 0);
  const starts = wholeNumber("starts", options.starts, 1);
  const variance = options.variance;
  if (variance !== "shared" && variance !== "switching") {
    throw new UsageError(`--variance ${variance} is neither 'shared' nor 'switching'`);
  }
  const column = await readColumn(options);
  const values = options.log ? logsOf(column, options) : column.values;
  const found = fitMarkov(values, { states, variance, starts, random: mulberry32(seed) });
  const model = sealModel({
    name: nameOf(options, states),
    series: seriesOf(options),
    transformation: options.log ? "log" : "none",
    variance,
    training: { from: column.dates[0]!, to: column.dates.at(-1)!, rows: values.length },
    parameters: found.parameters,
    logLikelihood: found.logLikelihood,
  });
  const floored = found.parameters.variances.findIndex((v) => v < VARIANCE_FLOOR * AT_FLOOR);
  if (floored >= 0) {
    log(
      `The variance of state ${floored} is at the floor of ${VARIANCE_FLOOR}: rescale the column, returns to percent.`,
    );
  }
  if (options.out !== undefined) await writeFile(options.out, modelText(model));
  print(fitText(model, found, starts, options.out), {
    logLikelihood: model.logLikelihood,
    transition: model.parameters.transition,
    states: statesOf(model, found),
    ...model.training,
    transformation: model.transformation,
    variance,
    seed,
    starts,
    startsAtOptimum: found.starts,
    refused: found.refused.map(({ optimum, why }) => ({
      logLikelihood: optimum.logLikelihood,
      starts: optimum.starts,
      error: why.name,
      why: why.message,
    })),
    name: model.name,
    hash: model.hash,
  });
}

/** The states with what people read: the mean in the column's own units, and how long and how often. */
function statesOf({ parameters, transformation }: MarkovModel, { shares }: MarkovFit) {
  const durations = expectedDurations(parameters.transition);
  return parameters.means.map((mean, j) => ({
    mean,
    variance: parameters.variances[j]!,
    expectedDuration: durations[j]!,
    share: shares[j]!,
    meanOriginal: transformation === "log" ? Math.exp(mean) : mean,
  }));
}

function fitText(model: MarkovModel, found: MarkovFit, starts: number, out: string | undefined): string {
  const { training, parameters, variance, transformation } = model;
  const of = transformation === "log" ? `the logarithm of ${model.series}` : model.series;
  const rows = statesOf(model, found).map(({ mean, variance, meanOriginal, expectedDuration, share }, j) => {
    const deviation = Math.sqrt(variance);
    const spread =
      transformation === "log"
        ? `${Math.exp(mean - deviation).toFixed(2)} to ${Math.exp(mean + deviation).toFixed(2)}`
        : `${(mean - deviation).toFixed(4)} to ${(mean + deviation).toFixed(4)}`;
    const cells = [
      String(j),
      meanOriginal.toFixed(transformation === "log" ? 2 : 4),
      spread,
      expectedDuration.toFixed(1),
      `${(100 * share).toFixed(1)} %`,
      ...parameters.transition[j]!.map((p) => p.toFixed(4)),
    ];
    return cells;
  });
  const header = ["state", "mean", "one deviation", "lasts (rows)", "share", ...rows.map((_, j) => `to ${j}`)];
  return [
    `${rows.length} states of ${of}, ${variance} variance, ${training.rows} rows from ${training.from} to ${training.to}`,
    `log-likelihood ${model.logLikelihood.toFixed(5)}, found from ${found.starts} of ${starts} starts`,
    "",
    ...table([header, ...rows]),
    ...found.refused.map(({ optimum, why }) => `\nFrom ${optimum.starts} starts: ${why.message}`),
    ...(out === undefined ? [] : [`\n${out}: ${model.name}, ${model.hash}`]),
  ].join("\n");
}

async function filter(options: FilterOptions): Promise<void> {
  const model = await readModel(options.model);
  if (options.log && model.transformation === "none") {
    throw new UsageError(`--log: ${model.name} was fitted to the values as they are; leave --log out`);
  }
  if (!options.log && model.transformation === "log") log(`${model.name} reads logarithms: they are taken.`);
  const column = await readColumn(options);
  const values = model.transformation === "log" ? logsOf(column, options) : column.values;
  const rows = new Map(column.dates.map((date, t) => [date, t]));
  const dates = (options.date ?? [column.dates.at(-1)!]).map((date) => dateOption("date", date));
  const missing = dates.find((date) => !rows.has(date));
  if (missing !== undefined) throw new UsageError(noRow(missing, column.dates, options.in));

  const { logLikelihood, filtered } = filterSeries(model.parameters, values);
  const k = model.parameters.means.length;
  const answer = dates.map((date): [string, number[]] => {
    const at = rows.get(date)! * k;
    return [date, [...filtered.subarray(at, at + k)]];
  });
  const header = ["date", ...model.parameters.means.map((_, j) => `state ${j}`)];
  const text = [
    `${model.name} over ${values.length} rows from ${column.dates[0]!} to ${column.dates.at(-1)!}: log-likelihood ` +
      logLikelihood.toFixed(5),
    "",
    ...table([header, ...answer.map(([date, row]) => [date, ...row.map((p) => p.toFixed(6))])]),
  ];
  print(text.join("\n"), { logLikelihood, filtered: Object.fromEntries(answer) });
}

function noRow(date: string, dates: readonly string[], file: string): string {
  const next = dates.findIndex((other) => other > date);
  const beside = [dates[(next < 0 ? dates.length : next) - 1], dates[next]].filter((other) => other !== undefined);
  return `--date ${date}: ${file} has no row for it; the rows beside it are of ${beside.join(" and ")}`;
}

async function history(options: HistoryOptions): Promise<void> {
  const [dataset, models] = await Promise.all([readData(options), readRegimeModels()]);
  const { before, sessions } = windowOf(dataset, options);
  const view = new AsOfView(dataset);
  const assessor = createRegimeAssessor(models);
  const assess = (session: string): RegimeAssessment => assessor(view.advanceTo(decisionTime(session)), session);
  const lead = before.map(assess);
  const assessments = sessions.map(assess);
  const shifts = regimeShifts([...lead, ...assessments]);

  // Rule, model and decision are compared over the same sessions: those a model speaks for.
  const compared = assessments.filter(({ model }) => model !== null);
  const churn = {
    from: compared[0]?.session ?? null,
    to: compared.at(-1)?.session ?? null,
    rule: churnOf(compared.map(({ rule }) => rule)),
    model: churnOf(compared.map(({ model }) => model!)),
    decision: churnOf(compared.map(({ decision }) => decision)),
  };
  const years = [...new Set(sessions.map((session) => session.slice(0, 4)))].map((year) => {
    const within = assessments.filter(({ session }) => session.startsWith(year));
    return {
      year,
      shifts: shifts.filter(({ session }) => session.startsWith(year)).length,
      days: churnOf(within.map(({ decision }) => decision)).days,
    };
  });
  print(historyText(sessions, shifts, years, churn), {
    from: sessions[0],
    to: sessions.at(-1),
    shifts: shifts.map(({ assessment: { rule, model, probabilities, modelName, vix, vix3m }, ...shift }) => ({
      ...shift,
      rule,
      model,
      probabilities,
      modelName,
      vix,
      vix3m,
    })),
    years,
    days: churnOf(assessments.map(({ decision }) => decision)).days,
    churn,
  });
}

/** The sessions of the window as far as VIX goes, and the one before them, whose regime the first may shift from. */
function windowOf(dataset: Dataset, options: HistoryOptions): { before: string[]; sessions: string[] } {
  const vix = dataset.series.get("vix");
  if (vix === undefined) throw new SeriesMissingError("vix", "the regime");
  const [first, last] = [dateOfDay(vix.days[0]!), dateOfDay(vix.days.at(-1)!)];
  const asked = {
    from: options.from === undefined ? first : dateOption("from", options.from),
    to: options.to === undefined ? last : dateOption("to", options.to),
  };
  if (asked.from > asked.to) throw new UsageError(`--from ${asked.from} is after --to ${asked.to}`);
  const from = asked.from < first ? first : asked.from;
  const to = asked.to > last ? last : asked.to;
  if (from !== asked.from || to !== asked.to) log(`VIX goes from ${first} to ${last}: the window is cut to that.`);
  const sessions = from > to ? [] : sessionsBetween(from, to);
  if (sessions.length === 0) throw new UsageError(`no session from ${asked.from} to ${asked.to} has a VIX close`);
  return { before: sessions[0]! > first ? [previousSession(sessions[0]!)] : [], sessions };
}

interface YearOfShifts {
  year: string;
  shifts: number;
  days: Churn["days"];
}

interface Churns {
  from: string | null;
  to: string | null;
  rule: Churn;
  model: Churn;
  decision: Churn;
}

function historyText(sessions: string[], shifts: RegimeShift[], years: YearOfShifts[], churn: Churns): string {
  const lines = shifts.map(({ session, from, to, cause, sentence }) => [session, `${from} → ${to}`, cause, sentence]);
  const byYear = years.map(({ year, shifts, days }) => [year, String(shifts), ...Object.values(days).map(String)]);
  const compared = (["rule", "model", "decision"] as const).map((name) => {
    const { shiftsPerYear, stressEntriesPerYear, days } = churn[name];
    return [name, shiftsPerYear.toFixed(2), stressEntriesPerYear.toFixed(2), ...Object.values(days).map(String)];
  });
  const regimes = Object.keys(churn.decision.days);
  return [
    `${shifts.length} shifts in ${sessions.length} sessions from ${sessions[0]!} to ${sessions.at(-1)!}`,
    "",
    ...table([["session", "shift", "cause", "why"], ...lines]),
    "",
    "Sessions of the decision:",
    ...table([["year", "shifts", ...regimes], ...byYear]),
    "",
    ...(churn.from === null
      ? ["No model is old enough for these sessions: the rule machine decides alone."]
      : [
          `Churn over the ${churn.rule.sessions} sessions from ${churn.from} that a model speaks for:`,
          ...table([["", "shifts a year", "into Stress a year", ...regimes], ...compared]),
        ]),
  ].join("\n");
}

/** Lines of a table: numbers to the right, the rest to the left. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const numeric = (cell: string): boolean => /^[\d.]+( %)?$/.test(cell);
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const right = rows.length > 1 && numeric(rows[1]![column]!);
        return right ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!);
      })
      .join("  ")
      .trimEnd(),
  );
}

function logsOf({ dates, values }: CsvColumn, { in: file, column }: ColumnOptions): number[] {
  const bad = values.findIndex((value) => value <= 0);
  if (bad >= 0) {
    const problem = `it is ${values[bad]} on ${dates[bad]}, which has no logarithm`;
    throw new DataFileError(file, null, column, problem, "Leave --log out, cut the window, or correct the row.");
  }
  return values.map(Math.log);
}

/** What a model says it was fitted to: vix for the closes of vix.csv, and the column as well for any other. */
function seriesOf({ in: file, column }: ColumnOptions): string {
  const name = basename(file, ".csv");
  return column === "close" ? name : `${name}.${column}`;
}

function nameOf(options: FitOptions, states: number): string {
  if (options.out !== undefined) return basename(options.out, ".json");
  return `${options.log ? "log-" : ""}${seriesOf(options)}-${states}`;
}

function wholeNumber(name: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError(`--${name} ${text} is no whole number of ${least} or more`);
}
