import type { RegimeAssessment, RegimeCause } from "./assess.ts";
import { REGIME_NAMES } from "./ruleMachine.ts";
import type { RegimeName } from "./ruleMachine.ts";

/** A session after which the decision is another one. */
export interface RegimeShift {
  readonly session: string;
  readonly from: RegimeName;
  readonly to: RegimeName;
  /** Up: who calls for the new regime. Down: who held the old one until the session before. `data`: to or from Unknown. */
  readonly cause: RegimeCause;
  /** What rule and model say, with their numbers. */
  readonly sentence: string;
  readonly assessment: RegimeAssessment;
}

/** How often a path of regimes changes, and where it spends its sessions. */
export interface Churn {
  readonly sessions: number;
  readonly shifts: number;
  readonly shiftsPerYear: number;
  /** Shifts into Stress. */
  readonly stressEntries: number;
  readonly stressEntriesPerYear: number;
  readonly days: Readonly<Record<RegimeName, number>>;
}

/** Sessions of a year, by which rates are annualised. */
const SESSIONS_PER_YEAR = 252;

/** Every change of the decision along assessments of successive sessions, oldest first. */
export function regimeShifts(assessments: readonly RegimeAssessment[]): RegimeShift[] {
  return assessments.slice(1).flatMap((assessment, i) => {
    const before = assessments[i]!;
    return assessment.decision === before.decision ? [] : [shiftOf(before, assessment)];
  });
}

function shiftOf(before: RegimeAssessment, assessment: RegimeAssessment): RegimeShift {
  const [from, to] = [before.decision, assessment.decision];
  const up = REGIME_NAMES.indexOf(to) > REGIME_NAMES.indexOf(from);
  const unknown = from === "Unknown" || to === "Unknown";
  return {
    session: assessment.session,
    from,
    to,
    cause: unknown ? "data" : up ? assessment.cause : before.cause,
    sentence: `${assessment.ruleReason} ${modelSentence(before, assessment)}`,
    assessment,
  };
}

function modelSentence(before: RegimeAssessment, { model, probabilities, modelName }: RegimeAssessment): string {
  if (model === null || probabilities === null) return "No model speaks.";
  const likeliest = Math.max(...probabilities).toFixed(2);
  const turned = before.modelName !== null && before.modelName !== modelName ? ", new this year" : "";
  const moved = before.model === null || before.model === model ? "stays" : "goes to";
  return `The model (${modelName}${turned}) ${moved} ${model}, probability ${likeliest}.`;
}

/** Counts the changes of one path of regimes; the first session is no change. */
export function churnOf(regimes: readonly RegimeName[]): Churn {
  const days = { Calm: 0, Elevated: 0, Stress: 0, Unknown: 0 };
  let shifts = 0;
  let stressEntries = 0;
  regimes.forEach((regime, i) => {
    days[regime]++;
    if (i === 0 || regime === regimes[i - 1]) return;
    shifts++;
    if (regime === "Stress") stressEntries++;
  });
  const perYear = (count: number): number => (count * SESSIONS_PER_YEAR) / Math.max(1, regimes.length);
  return {
    sessions: regimes.length,
    shifts,
    shiftsPerYear: perYear(shifts),
    stressEntries,
    stressEntriesPerYear: perYear(stressEntries),
    days,
  };
}
