import type { AsOfView } from "../market/asOf.ts";
import { dateOfDay, dayNumber } from "../market/calendar.ts";
import { toFeedUnits } from "../market/units.ts";
import { sessionsAfter } from "../signals/age.ts";
import { MAX_AGE_SESSIONS } from "../signals/seriesSignal.ts";
import { createMarkovFilter } from "./markov.ts";
import { modelFor } from "./modelFile.ts";
import type { MarkovModel } from "./modelFile.ts";
import { explainStep, Regime, REGIME_NAMES, startState } from "./ruleMachine.ts";
import type { ExplainedState, RegimeName } from "./ruleMachine.ts";

/** Calm, Elevated and Stress: a model's states, sorted by mean, are these in this order. */
const REGIMES_KNOWN = 3;
/** Added to the rule's sentence where VIX3M has no close: before 2009-09, in gaps, in folders without the file. */
const NO_VIX3M = "VIX3M has no close for it: taken as not inverted.";

/** Who calls for the decision: `data` when it is Unknown, since then nobody does. */
export type RegimeCause = "rule" | "model" | "both" | "data";

/** The regime as it could be known when the decision after a session is taken. */
export interface RegimeAssessment {
  readonly session: string;
  /** The more defensive of rule and model. */
  readonly decision: RegimeName;
  readonly cause: RegimeCause;
  /** The rule machine's regime and its sentence. */
  readonly rule: RegimeName;
  readonly ruleReason: string;
  /** The likeliest state of the model; null where no model is old enough. */
  readonly model: RegimeName | null;
  /** Filtered P(Calm), P(Elevated), P(Stress); null without a model. */
  readonly probabilities: readonly number[] | null;
  readonly modelName: string | null;
  /** The session's closes, points; null where there is none. */
  readonly vix: number | null;
  readonly vix3m: number | null;
}

/** Assesses a session through a view that stands at its decision time. */
export type RegimeAssessor = (view: AsOfView, session: string) => RegimeAssessment;

/** Sessions were given out of order. */
export class RegimeOrderError extends Error {
  constructor(session: string, last: string) {
    super(`session ${session} does not come after ${last}: give each session once, ascending, or make a new assessor.`);
    this.name = "RegimeOrderError";
  }
}

/** A model does not say which of the three regimes the VIX is in. */
export class NotARegimeModelError extends Error {
  constructor({ name, series, transformation, parameters }: MarkovModel) {
    super(
      `model '${name}' has ${parameters.means.length} states of ${transformation === "log" ? "log " : ""}${series}: regimes ` +
        "need three states of log vix. Use the models that ship, or fit such a one.",
    );
    this.name = "NotARegimeModelError";
  }
}

/**
 * The regime of one session after another: rule machine and Markov model side by side, the more defensive one decides
 * (QUANT "Regime"). The first call catches up on every VIX close the view knows; so does the first call of a year, under
 * that year's model. Before VIX3M has a close for a session it is taken as not inverted, and the reason says so. A session
 * without a VIX close keeps the regime of the last one, for up to five sessions; then it is Unknown.
 * @param models any number, in any order; each session uses the newest trained to or before the previous 31 December
 * @returns a function to be called once for each session, ascending; it throws RegimeOrderError
 * @throws NotARegimeModelError
 */
export function createRegimeAssessor(models: readonly MarkovModel[]): RegimeAssessor {
  const unfit = models.find(({ series, transformation, parameters }) => {
    return series !== "vix" || transformation !== "log" || parameters.means.length !== REGIMES_KNOWN;
  });
  if (unfit !== undefined) throw new NotARegimeModelError(unfit);
  const ruleOn = createRuleTrack();
  const modelOn = createModelTrack(models);
  let last = "";

  return (view, session) => {
    if (session <= last) throw new RegimeOrderError(session, last);
    last = session;
    const today = dayNumber(session);
    const rule = ruleOn(view, session);
    const { model, probabilities } = modelOn(view, session);

    const known = rule.level !== Regime.Unknown && probabilities !== null;
    const likeliest = known ? (probabilities.indexOf(Math.max(...probabilities)) as Regime) : null;
    const decision = Math.max(rule.level, likeliest ?? Regime.Calm) as Regime;
    return {
      session,
      decision: REGIME_NAMES[decision],
      cause: causeOf(decision, rule.level, likeliest),
      rule: REGIME_NAMES[rule.level],
      ruleReason: rule.reason,
      model: likeliest === null ? null : REGIME_NAMES[likeliest],
      probabilities: known ? probabilities : null,
      modelName: model?.name ?? null,
      vix: view.on("vix", today),
      vix3m: view.on("vix3m", today),
    };
  };
}

/** Steps the rule machine over every close the view knows since the call before. */
function createRuleTrack(): (view: AsOfView, session: string) => { level: Regime; reason: string } {
  let lastDay = -Infinity;
  let explained: ExplainedState | null = null;

  return (view, session) => {
    const today = dayNumber(session);
    const { days, values } = view.between("vix", lastDay + 1, today);
    for (const [i, day] of days.entries()) {
      explained = stepRule(explained, values[i]!, view.on("vix3m", day));
      lastDay = day;
    }
    if (explained === null) return { level: Regime.Unknown, reason: "There is no VIX close yet: Unknown." };
    const { state, reason } = explained;
    if (lastDay === today) return { level: state.level, reason };

    const missing = `There is no VIX close for ${session}, the last is of ${dateOfDay(lastDay)}`;
    const age = sessionsAfter(lastDay, today);
    if (age > MAX_AGE_SESSIONS) {
      return {
        level: Regime.Unknown,
        reason: `${missing}, ${age} sessions ago, more than ${MAX_AGE_SESSIONS}: Unknown.`,
      };
    }
    return { level: state.level, reason: `${missing}: its regime stands, ${REGIME_NAMES[state.level]}.` };
  };
}

function stepRule(before: ExplainedState | null, vix: number, vix3m: number | null): ExplainedState {
  const close = { vix: toFeedUnits(vix), vix3m: toFeedUnits(vix3m ?? vix), lifted: false };
  const { state, reason } = explainStep(before?.state ?? startState(close), close);
  return { state, reason: vix3m === null ? `${reason} ${NO_VIX3M}` : reason };
}

/** Filters every close the view knows under the model of the session's year: all of them anew when the year turns. */
function createModelTrack(
  models: readonly MarkovModel[],
): (view: AsOfView, session: string) => { model: MarkovModel | null; probabilities: readonly number[] | null } {
  let model: MarkovModel | null = null;
  let filter: ((value: number) => number[]) | null = null;
  let probabilities: readonly number[] | null = null;
  let lastDay = -Infinity;

  return (view, session) => {
    const newest = modelFor(models, session);
    if (newest !== model) {
      model = newest;
      filter = newest === null ? null : createMarkovFilter(newest.parameters);
      probabilities = null;
      lastDay = -Infinity;
    }
    if (filter !== null) {
      const { days, values } = view.between("vix", lastDay + 1, dayNumber(session));
      for (const vix of values) probabilities = filter(Math.log(vix));
      lastDay = days.at(-1) ?? lastDay;
    }
    return { model, probabilities };
  };
}

function causeOf(decision: Regime, rule: Regime, model: Regime | null): RegimeCause {
  if (decision === Regime.Unknown) return "data";
  if (rule !== model) return rule === decision ? "rule" : "model";
  return "both";
}
