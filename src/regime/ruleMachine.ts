/** Volatility regimes in the order of the contract's enum: a greater number is more defensive. */
export const Regime = { Calm: 0, Elevated: 1, Stress: 2, Unknown: 3 } as const;
export type Regime = (typeof Regime)[keyof typeof Regime];

/** A regime the rule machine can be in: Unknown comes from staleness, never from a close. */
export type RuleLevel = Exclude<Regime, typeof Regime.Unknown>;

/** Names by regime number. */
export const REGIME_NAMES = ["Calm", "Elevated", "Stress", "Unknown"] as const;
export type RegimeName = (typeof REGIME_NAMES)[number];

/** One VIX point in the feeds' unit: 8 decimals. */
export const POINT = 100_000_000n;
/** From here on (points, 8 decimals) a close is at least Elevated. */
export const ELEVATED_FROM = 15n * POINT;
/** Above this (points, 8 decimals) a close is Stress. */
export const STRESS_ABOVE = 25n * POINT;
/** How far below a threshold (points, 8 decimals) a close must be to count towards a step down. */
export const HYSTERESIS = POINT;
/** Consecutive qualifying closes for a step down. */
export const DWELL = 5;

/** A session's closes, in points with 8 decimals, and whether the base asset's own crash came before them. */
export interface RuleClose {
  vix: bigint;
  vix3m: bigint;
  lifted: boolean;
}

/** The machine's state: the level, and how many closes in a row (0 to 4) qualify for a step down. */
export interface RuleState {
  level: RuleLevel;
  streak: number;
}

/** A state, and in words why it is that one. */
export interface ExplainedState {
  state: RuleState;
  reason: string;
}

/** The regime a single close calls for, without its past. */
export function targetOf(close: RuleClose): RuleLevel {
  if (close.vix > STRESS_ABOVE || close.vix > close.vix3m) return Regime.Stress;
  return close.vix >= ELEVATED_FROM ? Regime.Elevated : Regime.Calm;
}

/** Where a path starts: what the first close alone calls for. 250 sessions later the start is forgotten. */
export function startState(first: RuleClose): RuleState {
  return { level: targetOf(first), streak: 0 };
}

/** The state after a close. Mirrors contracts/regime/RegimeRule.sol; one file of vectors drives the tests of both. */
export function step(state: RuleState, close: RuleClose): RuleState {
  return explainStep(state, close).state;
}

/** The states after each close, from the state before the first one. */
export function run(before: RuleState, closes: readonly RuleClose[]): RuleState[] {
  let state = before;
  return closes.map((close) => (state = step(state, close)));
}

/** The state after a close and a sentence that says why, for logs, the review page and evidence. */
export function explainStep(before: RuleState, close: RuleClose): ExplainedState {
  const state: RuleState = close.lifted ? { level: Regime.Stress, streak: 0 } : before;
  const lift = close.lifted ? "The base asset's move within a day lifted the level to Stress. " : "";
  const said = (after: RuleState, reason: string): ExplainedState => ({ state: after, reason: lift + reason });

  const target = targetOf(close);
  if (target > state.level) return said({ level: target, streak: 0 }, `${whyTarget(close)}: up to ${name(target)}.`);
  if (state.level === Regime.Calm) return said({ level: Regime.Calm, streak: 0 }, `${whyTarget(close)}: still Calm.`);

  const threshold = state.level === Regime.Stress ? STRESS_ABOVE : ELEVATED_FROM;
  const stays = `stays ${name(state.level)}`;
  if (close.vix > close.vix3m) return said({ level: state.level, streak: 0 }, `${whyTarget(close)}: ${stays}.`);
  if (close.vix >= threshold - HYSTERESIS) {
    const reason = `VIX ${points(close.vix)} is not below ${points(threshold - HYSTERESIS)}: ${stays}, count at 0 of ${DWELL}.`;
    return said({ level: state.level, streak: 0 }, reason);
  }

  const streak = state.streak + 1;
  const below = `VIX ${points(close.vix)} is below ${points(threshold - HYSTERESIS)} and not above VIX3M`;
  if (streak < DWELL)
    return said({ level: state.level, streak }, `${below}: ${stays}, count at ${streak} of ${DWELL}.`);
  const lower: RuleLevel = state.level === Regime.Stress ? Regime.Elevated : Regime.Calm;
  return said({ level: lower, streak: 0 }, `${below} for ${DWELL} closes: down to ${name(lower)}.`);
}

function whyTarget(close: RuleClose): string {
  const vix = `VIX ${points(close.vix)}`;
  if (close.vix > close.vix3m) return `${vix} is above VIX3M ${points(close.vix3m)} (inverted)`;
  if (close.vix > STRESS_ABOVE) return `${vix} is above ${points(STRESS_ABOVE)}`;
  return `${vix} is ${close.vix >= ELEVATED_FROM ? "not below" : "below"} ${points(ELEVATED_FROM)}`;
}

function name(level: Regime): string {
  return REGIME_NAMES[level];
}

/** Points as text, exactly, without trailing zeros. */
function points(value: bigint): string {
  const fraction = (value % POINT).toString().padStart(8, "0").replace(/0+$/, "");
  return fraction === "" ? `${value / POINT}` : `${value / POINT}.${fraction}`;
}
