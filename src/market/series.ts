/**
 * A typed series: what was observed for which day, and from when on anyone could know it. Days are day numbers (days
 * since 1970-01-01), instants are seconds since 1970-01-01 UTC.
 */

/** Which days a series has values for. `nyse` sessions, `utc` every day, `funding` every eight hours, else periods. */
export type SeriesCalendar = "nyse" | "utc" | "funding" | "monthly" | "quarterly";

/** What the values are counted in. Volatility indices are in points (16.05), rates of `percent` in percent (5.33). */
export type SeriesUnit = "points" | "usd" | "index" | "percent" | "decimal" | "ratio" | "count" | "usd-billion";

/** Name, unit and trust of a series; where its values come from is in sources.ts. */
export interface SeriesInfo {
  readonly name: string;
  readonly unit: SeriesUnit;
  readonly calendar: SeriesCalendar;
  /**
   * `first`: each value stands as it was first published. `latest`: the file holds today's revision of old values, so
   * even a correctly lagged reader sees corrections that came later; whoever uses it says so.
   */
  readonly vintage: "first" | "latest";
}

/** Observations, ascending by day and by availability. The arrays are parallel and never written to after loading. */
export interface Series extends SeriesInfo {
  /** The day each value is about (for a period: its first day). */
  readonly days: Int32Array;
  /** From when on each value could be known, seconds UTC. Never descends. */
  readonly availableAt: Float64Array;
  readonly values: Float64Array;
}

/** A date of the calendar of releases and expiries. */
export interface MarketEvent {
  readonly day: number;
  /** fomc_decision, cpi, ppi, nfp, vix_expiry, opex … as in events.csv. */
  readonly kind: string;
  /**
   * From when on its date could be known: the start of time for what is announced a year ahead, the event itself for
   * what nobody could expect (a meeting between meetings, a release moved by a shutdown).
   */
  readonly knownFrom: number;
}

/** All series and events of a folder. A file that is not there is a series that is not there. */
export interface Dataset {
  readonly series: ReadonlyMap<string, Series>;
  readonly events: readonly MarketEvent[];
  /** What was dropped or doubtful while reading, in sentences that name file and dates. */
  readonly notes: readonly string[];
}

/** One value as an as-of view answers it. */
export interface Observation {
  readonly day: number;
  readonly value: number;
  readonly availableAt: number;
}

/** A series that a calculation cannot do without is not in the data. */
export class SeriesMissingError extends Error {
  constructor(name: string, use: string) {
    super(`there is no series '${name}', and ${use} needs it: fill the data folder with \`ballast pull\`.`);
    this.name = "SeriesMissingError";
  }
}
