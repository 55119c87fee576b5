import { keccak256, toUtf8Bytes } from "ethers";
import { z } from "zod";
import { canonicalJson } from "./canonicalJson.ts";

/*
 * The evidence bundle: everything a decision was made from. Every input is labelled CHAIN: anyone can read it again, at
 * the bundle's block. What nobody can read again is labelled INFORMATION, and no decision rests on it. Whole numbers that may exceed 2^53 are decimal strings; amounts are in token units.
 */

/** No more digits than 256 bits have. */
const integer = z.string().regex(/^(0|-?[1-9]\d{0,77})$/, "a whole number as a decimal string");
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "an address");
const hash = z.string().regex(/^0x[0-9a-f]{64}$/, "a 32-byte hash in lower case");
const whole = z.number().int();
/** What a calendar can show: the last second and day of a JavaScript Date. */
const seconds = z.number().int().min(0).max(8_640_000_000_000);
const day = z.number().int().min(0).max(100_000_000);
/** More would make the powers of ten the rules take grow without bound. */
const decimals = z.number().int().min(0).max(36);
const bps = z.number().int();

const round = z.strictObject({
  source: z.literal("CHAIN"),
  address,
  round: integer,
  answer: integer,
  updatedAt: seconds,
  decimals,
});

const bands = z.strictObject({
  netDeltaMinBps: bps,
  netDeltaMaxBps: bps,
  grossMaxBps: bps,
  leverageMaxBps: bps,
  liquidityMaxBps: bps,
  concentrationMaxBps: bps,
  cashMinBps: bps,
  lossMaxBps: bps,
});

const targets = z.strictObject({
  liquidityBps: bps,
  hedgeRatioBps: bps,
  halfWidthTicks: whole,
  marginBps: bps,
  riskAversionBps: bps,
});

const regimePolicy = z.strictObject({ bands, targets });

/** Named in every bundle. Version 2 names the regime model and the code's version; version 1 did not. */
export const EVIDENCE_FORMAT = "ballast-evidence/2";

const named = z.strictObject({ name: z.string(), version: whole, hash });

export const evidenceSchema = z.strictObject({
  format: z.literal(EVIDENCE_FORMAT),
  /** What wrote the bundle. Anyone can write anything here. */
  code: z.strictObject({
    source: z.literal("INFORMATION"),
    name: z.literal("ballast"),
    version: z.string().regex(/^[0-9A-Za-z.+-]{1,32}$/, "a version"),
  }),
  ruleset: named,
  /** What makes a regime of session closes: name and hash of its parameters. */
  model: named,
  chainId: integer,
  slot: z.strictObject({ start: seconds, seconds: whole }),
  /**
   * "full": liquidity and hedge. "hedge": liquidity stays as it is, short and margin follow it; the keeper's choice when
   * a full plan would not run (a pool outside its price gate must not keep a vault from being hedged).
   */
  scope: z.enum(["full", "hedge"]),
  contracts: z.strictObject({
    safe: address,
    lens: address,
    vault: address,
    rebalancer: address,
    policy: address,
    regimeOracle: address,
    priceOracle: address,
  }),
  block: z.strictObject({ source: z.literal("CHAIN"), number: whole, hash, timestamp: seconds }),
  /** The newest rounds of the price feeds at that block, and the closes of the last session taken in. */
  feeds: z.strictObject({ base: round, asset: round, vix: round, vix3m: round }),
  regime: z.strictObject({
    source: z.literal("CHAIN"),
    /** What the chain says: Calm, Elevated, Stress or Unknown. */
    regime: z.enum(["Calm", "Elevated", "Stress", "Unknown"]),
    staleAfter: seconds,
    liftPending: z.boolean(),
    /** Every session since the seed: [day since 1970-01-01, VIX × 1e8, VIX3M × 1e8, lifted]. */
    sessions: z.array(z.tuple([day, integer, integer, z.boolean()])),
  }),
  policy: z.strictObject({
    source: z.literal("CHAIN"),
    Calm: regimePolicy,
    Elevated: regimePolicy,
    Stress: regimePolicy,
  }),
  vault: z.strictObject({
    source: z.literal("CHAIN"),
    baseDecimals: decimals,
    assetDecimals: decimals,
    cash: integer,
    totalSupply: integer,
    pendingShares: integer,
  }),
  liquidity: z.strictObject({
    source: z.literal("CHAIN"),
    adapter: address,
    baseIsToken0: z.boolean(),
    tickSpacing: whole,
    tickLower: whole,
    tickUpper: whole,
    liquidity: integer,
    feesBase: integer,
    feesAsset: integer,
    idleBase: integer,
  }),
  perp: z.strictObject({
    source: z.literal("CHAIN"),
    adapter: address,
    /** Cost of a trade, in basis points of its notional. */
    costBps: bps,
    size: integer,
    openNotional: integer,
    collateral: integer,
    pendingFunding: integer,
  }),
});

/** The evidence bundle of one decision. */
export type Evidence = z.infer<typeof evidenceSchema>;
/** One round of a feed. */
export type FeedRound = z.infer<typeof round>;
/** Bands of one regime, in basis points, as HedgePolicy has them. */
export type PolicyBands = z.infer<typeof bands>;
/** Targets of one regime, as HedgePolicy has them. */
export type PolicyTargets = z.infer<typeof targets>;

/** Evidence that lacks an input or has one in the wrong shape; `path` names it. */
export class EvidenceError extends Error {
  readonly path: string;
  constructor(path: string, detail: string) {
    super(
      `evidence.${path}: ${detail}; ask the keeper for the packet again, or read the input from the chain yourself`,
    );
    this.name = "EvidenceError";
    this.path = path;
  }
}

/** Checks the shape of an evidence bundle. Throws EvidenceError naming the first bad or missing input. */
export function parseEvidence(value: unknown): Evidence {
  const { format } = (value ?? {}) as { format?: unknown };
  if (typeof format === "string" && format !== EVIDENCE_FORMAT) {
    throw new EvidenceError(
      "format",
      `it is ${format.slice(0, 64)}, and this version of Ballast reads ${EVIDENCE_FORMAT}`,
    );
  }
  const parsed = evidenceSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EvidenceError(issue?.path.join(".") ?? "", issue?.message ?? "wrong shape");
}

/** keccak256 of the bundle's canonical JSON: what the plan carries on chain. */
export function evidenceHash(evidence: unknown): string {
  return keccak256(toUtf8Bytes(canonicalJson(evidence)));
}
