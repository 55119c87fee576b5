import { seededRandom } from "../src/backtest/bootstrap.ts";
import { dateOfDay, sessionsBetween } from "../src/market/calendar.ts";
import { AsOfView } from "../src/market/asOf.ts";
import { decisionTime } from "../src/market/dataset.ts";
import type { Dataset } from "../src/market/series.ts";
import { createRegimeAssessor } from "../src/regime/assess.ts";
import type { MarkovModel } from "../src/regime/modelFile.ts";
import { createEdr } from "../src/signals/edr.ts";
import { runSignals } from "../src/signals/run.ts";
import type { BenchCase } from "./case.ts";
import { fastest } from "./case.ts";

const REPEATS = 3;
/** Seconds in which all sessions since 1990 are to be read by each: a walk of everything must not be felt. */
const MOST_SECONDS = { regimes: 0.3, signals: 0.6, edr: 0.6 } as const;

/** Every session since 1990 as it could be known then: regimes, all signals, EDR bias; next to a view that only walks. */
export function benchHistory(dataset: Dataset, models: readonly MarkovModel[]): BenchCase[] {
  const vix = dataset.series.get("vix")!;
  const sessions = sessionsBetween(dateOfDay(vix.days[0]!), dateOfDay(vix.days.at(-1)!));
  const walk = (step: (view: AsOfView, session: string) => unknown): number =>
    fastest(REPEATS, () => {
      const view = new AsOfView(dataset);
      for (const session of sessions) step(view.advanceTo(decisionTime(session)), session);
    });
  const alone = walk(() => null);
  const bench = (name: string, seconds: number, most: number): BenchCase => ({
    name,
    figure: `${seconds.toFixed(2)} s for ${sessions.length} sessions`,
    wanted: `less than ${most} s`,
    ok: seconds < most,
    detail: `${(seconds / alone).toFixed(1)} × the view alone`,
  });
  const regimes = walk(stepperOf(() => createRegimeAssessor(models)));
  const edr = walk(stepperOf(() => createEdr(seededRandom)));
  const signals = fastest(REPEATS, () => runSignals(dataset, sessions));
  return [
    bench("Regimes by rule and model", regimes, MOST_SECONDS.regimes),
    bench("All signals", signals, MOST_SECONDS.signals),
    bench("EDR bias", edr, MOST_SECONDS.edr),
  ];
}

/** A stepper made anew whenever a walk begins. */
function stepperOf<T>(create: () => (view: AsOfView, session: string) => T): (view: AsOfView, session: string) => T {
  let step = create();
  let last = "";
  return (view, session) => {
    if (session < last) step = create();
    last = session;
    return step(view, session);
  };
}
