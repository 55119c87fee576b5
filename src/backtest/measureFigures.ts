/** Measures what figures.ts publishes. */

import { dateOfDay, sessionsBetween } from "../market/calendar.ts";
import type { DataFiles } from "../market/dataset.ts";
import { sha256 } from "../market/download.ts";
import type { Dataset } from "../market/series.ts";
import { CODE_VERSION, IN_FORCE } from "../plan/ruleset.ts";
import { ELEVATED_FROM, POINT } from "../regime/ruleMachine.ts";
import { YARDSTICK_ID } from "../signals/catalogue.ts";
import { edrHistory } from "../signals/edrHistory.ts";
import { runSignals, STATE_CODES } from "../signals/run.ts";
import type { SignalColumn, SignalColumns } from "../signals/run.ts";
import { seededRandom } from "./bootstrap.ts";
import type { Interval } from "./bootstrap.ts";
import { CALIBRATION_PATHS, CALIBRATION_SEED, calibrateEdr } from "./calibration.ts";
import { ELEVATED_ROW, FIGURES_FORMAT, signalsHash } from "./figures.ts";
import type { Figures, LiftFigure } from "./figures.ts";
import { LIFT_SEED, LiftInputError, measureLift } from "./lift.ts";
import type { LiftRow, LiftWindow } from "./lift.ts";

const DECIMALS = 4;

/** All signals over a window, and the window. */
export interface YearsBefore {
  run: SignalColumns;
  window: LiftWindow;
}

/** The signals over every session from the first VIX close to the 31 December before a session; null when there is none. */
export function yearsBefore(dataset: Dataset, session: string): YearsBefore | null {
  const first = dataset.series.get("vix")?.days[0];
  if (first === undefined) return null;
  // None when VIX begins in the session's own year or later.
  const sessions = sessionsBetween(dateOfDay(first), `${Number(session.slice(0, 4)) - 1}-12-31`);
  if (sessions.length === 0) return null;
  return { run: runSignals(dataset, sessions), window: { from: sessions[0]!, to: sessions.at(-1)! } };
}

/**
 * Lift of every signal and of the rule machine's first threshold on the years before a session, and the EDR bias after it.
 * @param files the texts that the dataset was read from
 * @param on today, YYYY-MM-DD
 * @throws LiftInputError when there is no year before, SeriesMissingError
 */
export function measureFigures(dataset: Dataset, files: DataFiles, session: string, on: string): Figures {
  const years = yearsBefore(dataset, session);
  if (years === null)
    throw new LiftInputError(`there is no VIX close in the years before ${session}: give a later date.`);
  const { run, window } = years;
  const rows = measureLift(run, window, seededRandom(LIFT_SEED));
  const elevated = measureLift(withElevated(run), window, seededRandom(LIFT_SEED))[1]!;

  const history = edrHistory(dataset, seededRandom, session);
  const calibration = calibrateEdr(dataset, history, {
    random: seededRandom(CALIBRATION_SEED),
    paths: CALIBRATION_PATHS,
  });
  const cells = history.last.cells.map((cell, i): Figures["edr"]["cells"][number] => {
    const { independentEvents, skillAgainstImplied, skillAgainstImpliedInterval } = calibration[i]!;
    return {
      horizonSessions: cell.horizonSessions,
      depth: cell.depth,
      model: rounded(cell.model?.probability),
      implied: rounded(cell.implied?.probability),
      bias: rounded(cell.bias),
      percentile: rounded(cell.percentile),
      independentEvents,
      skillAgainstImplied: rounded(skillAgainstImplied),
      skillInterval: roundedInterval(skillAgainstImpliedInterval),
    };
  });
  const scored = calibration.flatMap(({ from, to }) => (from === null || to === null ? [] : [{ from, to }]));
  return {
    format: FIGURES_FORMAT,
    produced: { on, by: `ballast signals --date ${session} --figures`, code: CODE_VERSION },
    model: IN_FORCE.model,
    signals: signalsHash(),
    data: {
      to: session,
      sha256: Object.fromEntries(Object.entries(files).map(([name, text]) => [name, sha256(text)])),
    },
    lift: { ...window, rows: [elevated, ...rows].map(figureOf) },
    edr: { from: scored[0]?.from ?? session, to: scored.at(-1)?.to ?? session, cells },
  };
}

/** The yardstick, whose values are VIX, and the rule machine's threshold to Elevated beside it. */
function withElevated({ sessions, columns }: SignalColumns): SignalColumns {
  const vix = columns.find(({ signal }) => signal.id === YARDSTICK_ID)!;
  const from = Number(ELEVATED_FROM) / Number(POINT);
  const states = Int8Array.from(vix.values, (value) =>
    Number.isNaN(value) ? STATE_CODES.unknown : value >= from ? STATE_CODES.on : STATE_CODES.off,
  );
  const elevated: SignalColumn = { signal: { ...vix.signal, id: ELEVATED_ROW }, states, values: vix.values };
  return { sessions, columns: [vix, elevated] };
}

function figureOf({ id, entries, hits, onsets, lift, liftInterval, weight }: LiftRow): LiftFigure {
  return { id, entries, hits, onsets, lift: rounded(lift), interval: roundedInterval(liftInterval), weight };
}

function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Number(value.toFixed(DECIMALS));
}

function roundedInterval(interval: Interval | null): { low: number; high: number } | null {
  return interval === null ? null : { low: rounded(interval.low)!, high: rounded(interval.high)! };
}
