/**
 * The regime that the contracts decide by: the rule machine, lifted to Stress by a move of ETH within a day. The Markov model is
 * not on chain, so this and not the headline is what the deployed vault would have seen.
 */

import type { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { toFeedUnits } from "../market/units.ts";
import { startState, step } from "../regime/ruleMachine.ts";
import type { RuleState } from "../regime/ruleMachine.ts";
import type { Level } from "./parameters.ts";

/** Move of ETH within a day that lifts the regime: the deployment's liftBps, 2,000. */
export const LIFT_MOVE = 0.2;
/** Days of closes the machine is run through before its first answer: where it starts is forgotten after 250 sessions. */
const RUN_IN_DAYS = 400;

/**
 * Level after each session; null before the first VIX close. A day counts as a lift when its bar's high or low is more than
 * 20 % from the close before: the hour is not known, so it comes before the next session's close.
 */
export function createChainRule(): (view: AsOfView, session: string) => Level | null {
  let state: RuleState | null = null;
  let last: number | null = null;
  return (view, session) => {
    const day = dayNumber(session);
    const from: number = last === null ? day - RUN_IN_DAYS : last + 1;
    const { days, values } = view.between("vix", from, day);
    days.forEach((at, i) => {
      const close = values[i]!;
      const before: number = last ?? at - 1;
      const lifted = movedBetween(view, before + 1, at);
      const rule = { vix: toFeedUnits(close), vix3m: toFeedUnits(view.on("vix3m", at) ?? close), lifted };
      state = step(state ?? startState(rule), rule);
      last = at;
    });
    return state === null ? null : state.level;
  };
}

/** Whether ETH moved so far on one of these days. */
function movedBetween(view: AsOfView, from: number, to: number): boolean {
  for (let day = from; day <= to; day++) {
    const before = view.on("eth", day - 1);
    const high = view.on("ethHigh", day);
    const low = view.on("ethLow", day);
    if (before === null || high === null || low === null) continue;
    if (high / before - 1 > LIFT_MOVE || 1 - low / before > LIFT_MOVE) return true;
  }
  return false;
}
