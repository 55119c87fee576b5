import { keccak256, toUtf8Bytes } from "ethers";
import { DWELL, ELEVATED_FROM, HYSTERESIS, STRESS_ABOVE } from "../regime/ruleMachine.ts";
import { canonicalJson } from "./canonicalJson.ts";

/**
 * The rules a decision follows, as far as they are not on chain. Changing any of them makes another ruleset with another
 * hash: a verifier runs the one named in the evidence, or says it cannot.
 */
export const RULES = {
  name: "ballast-rules",
  version: 1,
  /** Seconds in a slot: one decision a day, at 00:00 UTC, after the session's close. */
  slotSeconds: 86_400,
  /** How long a plan stays valid, from the start of its slot: a review window of a day, and two days more. */
  planValiditySeconds: 259_200,
  /** How far price and positions may move between decision and execution, in basis points. */
  toleranceBps: 600,
  /** The liquidity share is left alone within this distance of its target, in basis points of net asset value. */
  reshareBandBps: 400,
  /** The range is moved when the price is further from its centre than this share of its half-width, in basis points. */
  recentreBps: 6_500,
  /** Perpetual trades below this notional are not worth a signature, in basis points of net asset value. */
  minTradeBps: 25,
  /**
   * Equity at the perpetual venue may run between these shares of its target before margin is moved, in basis points. With
   * a target of 1.2 × notional the low end still bears a rise of 90 %: 1.5 × the largest three-day rise of ETH on record.
   */
  marginLowBps: 8_500,
  marginHighBps: 15_000,
  /** Step of the price for gamma by central difference, in basis points of the price, to each side. */
  gammaStepBps: 50,
} as const;

/** keccak256 of the rules' canonical JSON. */
export const RULESET_HASH = keccak256(toUtf8Bytes(canonicalJson(RULES)));

/** The regime model: the rule machine with its thresholds, in points with 8 decimals, and its closes for a step down. */
export const MODEL = {
  name: "ballast-rule-machine",
  version: 1,
  elevatedFrom: ELEVATED_FROM.toString(),
  stressAbove: STRESS_ABOVE.toString(),
  hysteresis: HYSTERESIS.toString(),
  dwell: DWELL,
} as const;

/** keccak256 of the model's canonical JSON. */
export const MODEL_HASH = keccak256(toUtf8Bytes(canonicalJson(MODEL)));

/** Rules and model as evidence names them: a verifier that has others says so, instead of giving another answer. */
export const IN_FORCE = {
  ruleset: { name: RULES.name, version: RULES.version, hash: RULESET_HASH },
  model: { name: MODEL.name, version: MODEL.version, hash: MODEL_HASH },
} as const;

/** This software's version: package.json's, said in the evidence for information only. */
export const CODE_VERSION = "0.1.0";
