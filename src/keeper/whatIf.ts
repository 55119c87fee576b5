import { decide } from "../plan/decide.ts";
import type { Decision } from "../plan/decide.ts";
import type { Evidence } from "../plan/evidence.ts";
import { regimeLevel } from "../plan/state.ts";
import { POINT, REGIME_NAMES, run, startState, step } from "../regime/ruleMachine.ts";
import type { RegimeName, RuleClose, RuleState } from "../regime/ruleMachine.ts";

/*
 * What would have changed a decision: the same pure rules, run again on evidence with one input moved. Nothing here is an
 * approximation of the rules; what is searched is only where they turn.
 */

/** What a decision comes to, without its amounts: two of the same kind do the same things. */
export interface Outcome {
  kind: string;
  /** After "it would …". */
  words: string;
}

/** Where an input would have made another decision. */
export interface Turn {
  /** The first value, from the one there was, at which the decision is another: in the feed's units. */
  at: bigint;
  regime: RegimeName;
  outcome: Outcome;
}

/** The nearest turns below and above; null where none is within reach. */
export interface Turns {
  below: Turn | null;
  above: Turn | null;
}

/** Prices looked at, from ÷ to ×: beyond that other things have gone wrong first. */
const PRICE_REACH = 1.6;
/** Steps of the search for the first turn: of two turns closer to each other than that, neither may be seen. */
const PRICE_STEP_BPS = 50n;
/** The highest VIX close looked at, in points: more than twice the highest on record. */
const HIGHEST_VIX = 200n * POINT;

/** What a decision comes to, in kind and in words. */
export function outcomeOf(decision: Decision): Outcome {
  if (decision.kind === "hold") return { kind: decision.code, words: `do nothing (${decision.code})` };
  const { plan, state, aims } = decision;
  const parts: string[] = [];
  const [liquidity] = plan.liquidity;
  if (liquidity !== undefined) {
    parts.push(
      liquidity.shareBps === 0
        ? "close the liquidity"
        : liquidity.fromLiquidity === "0"
          ? "open the liquidity"
          : "set range and size of the liquidity anew",
    );
  }
  if (plan.perps.length > 0) {
    parts.push(
      aims.short === state.short
        ? aims.equity > state.perpEquity
          ? "add margin"
          : "take margin back"
        : aims.short === 0n
          ? "close the short"
          : aims.short > state.short
            ? "raise the short"
            : "lower the short",
    );
  }
  const words = parts.join(" and ");
  return { kind: words, words };
}

/** The evidence as it would be at another answer of the base asset's feed; all else as it was. */
export function atPrice(evidence: Evidence, answer: bigint): Evidence {
  return {
    ...evidence,
    feeds: { ...evidence.feeds, base: { ...evidence.feeds.base, answer: answer.toString() } },
  };
}

/** The evidence as it would be with another VIX close of the last session, the chain following its own rule. */
export function atClose(evidence: Evidence, vix: bigint): Evidence {
  const { sessions } = evidence.regime;
  const last = sessions.at(-1);
  if (last === undefined) return evidence;
  const [day, , vix3m, lifted] = last;
  const moved: Evidence = {
    ...evidence,
    feeds: { ...evidence.feeds, vix: { ...evidence.feeds.vix, answer: vix.toString() } },
    regime: { ...evidence.regime, sessions: [...sessions.slice(0, -1), [day, vix.toString(), vix3m, lifted]] },
  };
  return { ...moved, regime: { ...moved.regime, regime: regimeLevel(moved) } };
}

/** Where another price of the base asset would have changed what is done, to the feed's last digit. */
export function priceTurns(evidence: Evidence): Turns {
  const now = BigInt(evidence.feeds.base.answer);
  const kind = outcomeOf(decide(evidence)).kind;
  const brief = withOneClose(evidence);
  const differs = (answer: bigint): boolean => outcomeOf(decide(atPrice(brief, answer))).kind !== kind;
  const turn = (at: bigint | null): Turn | null => (at === null ? null : turnAt(at, atPrice(evidence, at)));
  const steps = Math.ceil(Math.log(PRICE_REACH) / Math.log(1 + Number(PRICE_STEP_BPS) / 10_000));
  const search = (next: (answer: bigint) => bigint): bigint | null => {
    let same = now;
    for (let count = 0; count < steps; count++) {
      const tried = next(same);
      if (tried === same || tried <= 0n) return null;
      if (differs(tried)) return firstThatDiffers(same, tried, differs);
      same = tried;
    }
    return null;
  };
  return {
    below: turn(search((answer) => (answer * 10_000n) / (10_000n + PRICE_STEP_BPS))),
    above: turn(search((answer) => (answer * (10_000n + PRICE_STEP_BPS)) / 10_000n)),
  };
}

/**
 * The same regime from a single close: what a search asks hundreds of times need not step through every session each time.
 * Only for evidence whose chain and closes agree on a regime.
 */
function withOneClose(evidence: Evidence): Evidence {
  const { regime } = evidence.regime;
  if (regime === "Unknown") return evidence;
  const vix = { Calm: 10n, Elevated: 20n, Stress: 30n }[regime] * POINT;
  return {
    ...evidence,
    regime: { ...evidence.regime, sessions: [[0, vix.toString(), (vix + POINT).toString(), false]] },
  };
}

/** Where another VIX close of the last session would have made another regime. VIX3M and all earlier closes as they were. */
export function closeTurns(evidence: Evidence): Turns {
  const last = evidence.regime.sessions.at(-1);
  // A lift since the close is Stress whatever the close was; Unknown comes from the clock.
  if (last === undefined || evidence.regime.liftPending || evidence.regime.regime === "Unknown") return NO_TURNS;
  const { before, close } = lastStep(evidence);
  return turnsOf(
    BigInt(last[1]),
    (vix) => levelAfter(before, { ...close, vix }),
    (vix) => atClose(evidence, vix),
  );
}

/** What the next session's VIX close would have to be for another regime, with VIX3M where it was. */
export function nextCloseTurns(evidence: Evidence): { below: bigint | null; above: bigint | null } {
  const last = evidence.regime.sessions.at(-1);
  if (last === undefined) return { below: null, above: null };
  const { before, close } = lastStep(evidence);
  const state = before === null ? startState(close) : step(before, close);
  const next: RuleClose = { vix: 0n, vix3m: close.vix3m, lifted: evidence.regime.liftPending };
  const present = evidence.regime.liftPending ? 2 : state.level;
  return {
    below: lastBelow((vix) => levelAfter(state, { ...next, vix }) < present),
    above: firstFrom((vix) => levelAfter(state, { ...next, vix }) > present),
  };
}

/** The state before the last close, null when it is the first, and that close. */
export function lastStep(evidence: Evidence): { before: RuleState | null; close: RuleClose } {
  const closes = evidence.regime.sessions.map(([, vix, vix3m, lifted]): RuleClose => ({
    vix: BigInt(vix),
    vix3m: BigInt(vix3m),
    lifted,
  }));
  const close = closes.at(-1)!;
  const [first] = closes;
  if (first === undefined || closes.length === 1) return { before: null, close };
  return { before: run(startState(first), closes.slice(1, -1)).at(-1) ?? startState(first), close };
}

const NO_TURNS: Turns = { below: null, above: null };

function turnsOf(now: bigint, level: (vix: bigint) => number, changed: (vix: bigint) => Evidence): Turns {
  const present = level(now);
  // The level never falls when a close rises, with all else fixed: each side has one turn at most.
  const below = lastBelow((vix) => level(vix) < present);
  const above = firstFrom((vix) => level(vix) > present);
  return {
    below: below === null ? null : turnAt(below, changed(below)),
    above: above === null ? null : turnAt(above, changed(above)),
  };
}

function levelAfter(before: RuleState | null, close: RuleClose): number {
  return (before === null ? startState(close) : step(before, close)).level;
}

function turnAt(at: bigint, changed: Evidence): Turn {
  const decision = decide(changed);
  return {
    at,
    regime: REGIME_NAMES.find((name) => name === decision.regime) ?? "Unknown",
    outcome: outcomeOf(decision),
  };
}

/** The greatest value from zero on for which it holds; null for none. It must hold up to there and not beyond. */
function lastBelow(holds: (value: bigint) => boolean): bigint | null {
  if (!holds(0n)) return null;
  return firstThatDiffers(HIGHEST_VIX, 0n, holds);
}

/** The least value for which it holds; null for none. It must not hold below and hold from there on. */
function firstFrom(holds: (value: bigint) => boolean): bigint | null {
  if (!holds(HIGHEST_VIX)) return null;
  return firstThatDiffers(0n, HIGHEST_VIX, holds);
}

/** Between a value for which it does not hold and one for which it does, the last digit where that turns. */
function firstThatDiffers(same: bigint, other: bigint, holds: (value: bigint) => boolean): bigint {
  let [no, yes] = [same, other];
  for (;;) {
    const middle = (no + yes) / 2n;
    if (middle === no || middle === yes) return yes;
    if (holds(middle)) yes = middle;
    else no = middle;
  }
}
