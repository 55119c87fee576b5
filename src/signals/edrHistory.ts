import { AsOfView } from "../market/asOf.ts";
import { dateOfDay, sessionsBetween } from "../market/calendar.ts";
import { decisionTime } from "../market/dataset.ts";
import { SeriesMissingError } from "../market/series.ts";
import type { Dataset } from "../market/series.ts";
import { createEdr, EDR_CELLS } from "./edr.ts";
import type { EdrReading } from "./edr.ts";
import type { RandomFactory } from "./edrModel.ts";

/** One horizon and depth over time: arrays parallel to the history's sessions, NaN where Unknown. Decimals. */
export interface EdrColumns {
  readonly horizonSessions: number;
  readonly depth: number;
  readonly model: Float64Array;
  readonly implied: Float64Array;
  readonly bias: Float64Array;
  readonly percentile: Float64Array;
  readonly modelSeverity: Float64Array;
  readonly impliedSeverity: Float64Array;
}

/** The EDR bias of every session up to one, each as it could be known at its own decision time. */
export interface EdrHistory {
  readonly sessions: readonly string[];
  /** One for each of EDR_CELLS. */
  readonly cells: readonly EdrColumns[];
  /** Percentile of the cell that sizes tail layers; NaN where Unknown. */
  readonly sizingPercentile: Float64Array;
  /** The reading of the last session, with what was missing. */
  readonly last: EdrReading;
}

/**
 * Reads the bias for every session from the first one of the VIX (without it, of the S&P 500) to `to`, so that each
 * percentile has all of the past to compare with. Each session has a view that stands at its own decision time.
 * @param to a session's date
 * @throws SeriesMissingError when the data begin after `to`
 */
export function edrHistory(dataset: Dataset, randomOf: RandomFactory, to: string): EdrHistory {
  const first = (dataset.series.get("vix") ?? dataset.series.get("spx"))?.days[0];
  const sessions = first === undefined ? [] : sessionsBetween(dateOfDay(first), to);
  if (sessions.length === 0) throw new SeriesMissingError("vix", `the EDR bias to ${to}`);
  const column = (): Float64Array => new Float64Array(sessions.length).fill(NaN);
  const cells = EDR_CELLS.map((cell) => ({
    ...cell,
    model: column(),
    implied: column(),
    bias: column(),
    percentile: column(),
    modelSeverity: column(),
    impliedSeverity: column(),
  }));
  const sizingPercentile = column();
  const view = new AsOfView(dataset);
  const edr = createEdr(randomOf);
  let last: EdrReading | null = null;
  sessions.forEach((session, i) => {
    last = edr(view.advanceTo(decisionTime(session)), session);
    sizingPercentile[i] = last.sizingPercentile ?? NaN;
    last.cells.forEach(({ model, implied, bias, percentile }, c) => {
      const columns = cells[c]!;
      columns.model[i] = model?.probability ?? NaN;
      columns.implied[i] = implied?.probability ?? NaN;
      columns.bias[i] = bias ?? NaN;
      columns.percentile[i] = percentile ?? NaN;
      columns.modelSeverity[i] = model?.severity ?? NaN;
      columns.impliedSeverity[i] = implied?.severity ?? NaN;
    });
  });
  return { sessions, cells, sizingPercentile, last: last! };
}
