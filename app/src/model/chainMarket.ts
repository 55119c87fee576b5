import { seededRandom } from "../../../src/backtest/bootstrap.ts";
import { AsOfView } from "../../../src/market/asOf.ts";
import { dateOfDay } from "../../../src/market/calendar.ts";
import { decisionTime, publishedAt } from "../../../src/market/publication.ts";
import type { Dataset, Series } from "../../../src/market/series.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import { SIGNALS } from "../../../src/signals/catalogue.ts";
import { createEdr } from "../../../src/signals/edr.ts";
import type { EdrReading } from "../../../src/signals/edr.ts";
import { readSignals } from "../../../src/signals/run.ts";
import type { SignalReading } from "../../../src/signals/signal.ts";

/** All of the market that a regime oracle keeps: what needs more cannot be computed from the chain. */
export const ON_CHAIN: ReadonlySet<string> = new Set(["vix", "vix3m"]);

type Sessions = Evidence["regime"]["sessions"];

/** The signals and the EDR bias after the last close on chain, by the project's own code. */
export interface ChainMarket {
  /** Of the last close, YYYY-MM-DD. */
  session: string;
  /** Every signal whose inputs are all on chain. */
  signals: SignalReading[];
  /** Its implied side only: the model's side needs S&P 500 closes, and says so in `unknown`. */
  edr: EdrReading;
}

/** Null while no close is on chain. */
export function chainMarket(sessions: Sessions): ChainMarket | null {
  const last = sessions.at(-1);
  if (last === undefined) return null;
  const session = dateOfDay(last[0]);
  const dataset = datasetOf(sessions);
  const readable = SIGNALS.filter(({ inputs }) => inputs.every((input) => ON_CHAIN.has(input)));
  return {
    session,
    signals: readSignals(dataset, session, readable),
    edr: createEdr(seededRandom)(new AsOfView(dataset, decisionTime(session)), session),
  };
}

/** The closes on chain as the signals take market data. */
function datasetOf(sessions: Sessions): Dataset {
  const days = Int32Array.from(sessions, ([day]) => day);
  const availableAt = Float64Array.from(days, (day) => publishedAt("close", day, NaN, []));
  const series = (name: string, at: 1 | 2): Series => ({
    ...{ name, unit: "points", calendar: "nyse", vintage: "first", days, availableAt },
    values: Float64Array.from(sessions, (session) => Number(session[at]) / 1e8),
  });
  const both = [series("vix", 1), series("vix3m", 2)];
  return { series: new Map(both.map((one) => [one.name, one])), events: [], notes: [] };
}
