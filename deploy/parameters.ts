import { z } from "zod";
import { RULES } from "../src/plan/ruleset.ts";

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, "an address");
const whole = z.number().int().nonnegative();
const DAY_SECONDS = 86_400;

/** PriceOracle's own bounds: its constructor refuses the same, after the contracts before it were paid for. */
const feed = z.strictObject({
  feed: address,
  maxAge: whole.positive().max(7 * DAY_SECONDS),
  deviationBps: whole.max(9_999),
});
const bands = z.strictObject({
  netDeltaMinBps: z.number().int(),
  netDeltaMaxBps: z.number().int(),
  grossMaxBps: whole,
  leverageMaxBps: whole,
  liquidityMaxBps: whole,
  concentrationMaxBps: whole,
  cashMinBps: whole,
  lossMaxBps: whole,
});
const targets = z.strictObject({
  liquidityBps: whole,
  hedgeRatioBps: whole,
  halfWidthTicks: whole,
  marginBps: whole,
  riskAversionBps: whole,
});
const budget = z.strictObject({ capacityBps: whole, reserveBps: whole, drainBpsPerDay: whole });
const regimePolicy = z.strictObject({ bands, targets });

const share = whole.max(10_000);
const guard = z.strictObject({
  /** Seconds a derisk plan, another plan, and everything else wait. */
  deriskWindow: whole,
  planWindow: whole,
  otherWindow: whole,
  /** Seconds the guard's removal waits: longer than a redemption takes. */
  exitDelay: whole,
  /** Seconds an announcement stays good after its window. */
  expiry: whole,
  /** Shares of the votes that stop a plan, anything else, and what was stopped once and came back. */
  planVetoBps: share,
  otherVetoBps: share,
  secondVetoBps: share,
  /** Who may announce besides the Safe's owners: the keeper's key, for one. */
  proposers: z.array(address),
});

const parametersSchema = z.strictObject({
  network: z.string(),
  chainId: z.string().regex(/^\d+$/),
  safe: address,
  asset: address,
  base: address,
  feeds: z.strictObject({
    base: feed,
    asset: feed,
    vix: address,
    vix3m: address,
    /** L2 sequencer uptime feed, or null on chains without one. */
    sequencer: address.nullable(),
    sequencerGrace: whole,
  }),
  regime: z.strictObject({
    /** Seconds after a session's day within which its close must have been taken in. */
    graceSeconds: whole,
    /** Move of the base asset within a day that lifts the regime to Stress, in basis points. */
    liftBps: whole,
  }),
  vault: z.strictObject({
    name: z.string(),
    symbol: z.string(),
    maxSpreadBps: whole,
    /** Smallest redemption request in shares (18 decimals), as a decimal string. */
    minRequest: z.string().regex(/^\d+$/),
  }),
  sharePrice: z.strictObject({
    /** Entry and instant exit close while the share price is further from its anchor, in basis points. */
    bandBps: whole,
    /** How far the anchor moves in an hour, in basis points. */
    bpsPerHour: whole,
    /** The steward's fee on gains above mark and hurdle, and who gets it; zero and null for none. */
    feeBps: whole,
    hurdleBpsPerYear: whole,
    recipient: address.nullable(),
  }),
  policy: z.strictObject({
    minStepBps: whole,
    Calm: regimePolicy,
    Elevated: regimePolicy,
    Stress: regimePolicy,
  }),
  rebalancer: z.strictObject({
    /** Loss bucket of the Safe's plans; its reserve is for derisk plans. */
    plans: budget,
    /** Loss bucket of the keeper's deleveraging; its reserve is for times near liquidation. */
    keeper: budget,
    /** Leverage from which on a venue is near liquidation (10,000 = 1×). */
    nearLiquidationBps: whole,
  }),
  uniswap: z.strictObject({
    positionManager: address,
    fee: whole,
    gateBps: whole,
    unwindCostBps: whole,
    capAssets: z.string().regex(/^\d+$/),
    capBps: whole,
  }),
  curie: z.strictObject({
    clearingHouse: address,
    baseToken: address,
    gateBps: whole,
    unwindCostBps: whole,
    capAssets: z.string().regex(/^\d+$/),
    capBps: whole,
  }),
  access: z.strictObject({
    /** Delay of parameter changes, in seconds. */
    parameterDelay: whole,
    /** Delay of the administrator's own acts (roles, targets), in seconds. */
    adminDelay: whole,
    /** Who may deleverage without the Safe, or null: nobody, until the Safe grants it. */
    keeper: address.nullable(),
    /** Who may cancel a scheduled change of parameters or calendar, or null: only the Safe. */
    guardian: address.nullable(),
  }),
  /** The review guard; leave it out for a Safe without one. */
  guard: guard.optional(),
});

/** After this a call scheduled on AccessManager lapses (OpenZeppelin's AccessManager.expiration). */
const SCHEDULE_EXPIRY_SECONDS = 7 * DAY_SECONDS;

/** PriceOracle's bounds of the grace, on chains with a sequencer. */
const [MIN_SEQUENCER_GRACE, MAX_SEQUENCER_GRACE] = [600, DAY_SECONDS];

/** Windows, delays and validities have to fit each other, or calls lapse before they may run. */
const fittingSchema = parametersSchema.superRefine(({ feeds, guard: rules, access }, context) => {
  const grace = feeds.sequencerGrace;
  if (feeds.sequencer !== null && (grace < MIN_SEQUENCER_GRACE || grace > MAX_SEQUENCER_GRACE)) {
    const message = `with a sequencer ${MIN_SEQUENCER_GRACE} to ${MAX_SEQUENCER_GRACE} seconds`;
    context.addIssue({ code: "custom", path: ["feeds", "sequencerGrace"], message });
  }
  if (rules === undefined) return;
  const delay = Math.max(access.parameterDelay, access.adminDelay);
  const say = (key: string, message: string): void =>
    context.addIssue({ code: "custom", path: ["guard", key], message });
  // A plan is valid from its slot's start, is proposed within the slot, and needs a day for signatures after the window.
  const longest = RULES.planValiditySeconds - RULES.slotSeconds - DAY_SECONDS;
  if (rules.planWindow > longest) say("planWindow", `plans lapse before they can be signed: at most ${longest}`);
  if (rules.otherWindow + delay >= SCHEDULE_EXPIRY_SECONDS) {
    say("otherWindow", `with a delay of ${delay} AccessManager's week is over before the window is`);
  }
  if (rules.expiry < delay + DAY_SECONDS) {
    say(
      "expiry",
      `a call announced with its schedule lapses before its delay of ${delay} is over: a day more at least`,
    );
  }
});

/** Everything a deployment needs to know about a network, its venues and the DAO's choices. */
export type DeployParameters = z.infer<typeof parametersSchema>;
export type GuardParameters = NonNullable<DeployParameters["guard"]>;
export type PolicyParameters = DeployParameters["policy"];

/** A parameters file that cannot be used; `path` names the key. */
export class ParametersError extends Error {
  constructor(where: string, detail: string) {
    super(`${where}: ${detail}; see deploy/networks/example.json and docs/deployment.md`);
    this.name = "ParametersError";
  }
}

/** Reads a parameters file's text. Throws ParametersError naming the key. */
export function parseParameters(text: string, where: string): DeployParameters {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ParametersError(where, "not JSON");
  }
  const parsed = fittingSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new ParametersError(where, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong shape"}`);
}

/** The policy a deployment starts from unless its parameters say otherwise. docs/keepers.md gives the reasons. */
export const DEFAULT_POLICY: PolicyParameters = {
  minStepBps: 25,
  Calm: {
    bands: {
      netDeltaMinBps: -500,
      netDeltaMaxBps: 4_000,
      grossMaxBps: 9_000,
      leverageMaxBps: 40_000,
      liquidityMaxBps: 7_500,
      concentrationMaxBps: 7_500,
      cashMinBps: 500,
      lossMaxBps: 100,
    },
    targets: {
      liquidityBps: 6_000,
      hedgeRatioBps: 6_000,
      halfWidthTicks: 2_500,
      marginBps: 12_000,
      riskAversionBps: 250_000,
    },
  },
  Elevated: {
    bands: {
      netDeltaMinBps: -500,
      netDeltaMaxBps: 2_000,
      grossMaxBps: 8_000,
      leverageMaxBps: 35_000,
      liquidityMaxBps: 6_500,
      concentrationMaxBps: 6_500,
      cashMinBps: 750,
      lossMaxBps: 100,
    },
    targets: {
      liquidityBps: 5_000,
      hedgeRatioBps: 8_500,
      halfWidthTicks: 3_500,
      marginBps: 12_000,
      riskAversionBps: 250_000,
    },
  },
  Stress: {
    bands: {
      netDeltaMinBps: -500,
      netDeltaMaxBps: 1_000,
      grossMaxBps: 6_500,
      leverageMaxBps: 30_000,
      liquidityMaxBps: 5_000,
      concentrationMaxBps: 5_000,
      cashMinBps: 1_000,
      lossMaxBps: 100,
    },
    targets: {
      liquidityBps: 3_500,
      hedgeRatioBps: 10_000,
      halfWidthTicks: 5_000,
      marginBps: 12_000,
      riskAversionBps: 250_000,
    },
  },
};
