import { z } from "zod";
import { dateOfDay, dayNumber } from "../market/calendar.ts";

/** A treasury file: what a DAO owns, owes and is short. Amounts in one currency, rates and shares decimals. */

/** A treasury file cannot be used. */
export class TreasuryFileError extends Error {
  constructor(file: string, problem: string) {
    super(`${file}: ${problem}. docs/examples/treasury.json is an example.`);
    this.name = "TreasuryFileError";
  }
}

/** Markets whose history an asset or a short may follow. */
export const MARKETS = ["ETH", "BTC", "SPX", "REIT"] as const;
export type Market = (typeof MARKETS)[number];

const amount = z.number().nonnegative();
const share = z.number().min(0).max(1);
const rate = z.number();

const asset = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("stable"),
    name: z.string(),
    value: amount,
    haircut: share.default(0),
  }),
  z.strictObject({
    kind: z.literal("liquid"),
    name: z.string(),
    value: amount,
    /** What turning it into cash in a hurry costs. */
    haircut: share,
    /** What turning it into stable assets today, at leisure, costs; the haircut when left out. */
    conversionCost: share.optional(),
    /** Whose moves it shares, multiplied in log returns by beta. */
    follows: z.enum(MARKETS),
    beta: z.number().default(1),
  }),
  /** Counts in no quick ratio. */
  z.strictObject({ kind: z.literal("illiquid"), name: z.string(), value: amount }),
]);

const schema = z.strictObject({
  name: z.string(),
  assets: z.array(asset).min(1),
  /** Perpetuals or futures sold, whose margin is among the stable assets. */
  shorts: z.array(z.strictObject({ name: z.string(), follows: z.enum(MARKETS), notional: amount })).default([]),
  /** Without a due date it is due now. */
  liabilities: z.array(z.strictObject({ name: z.string(), amount, due: z.iso.date().optional() })).min(1),
  /** Liabilities due within so many days count as due; overdue ones do, too. */
  horizonDays: z.number().int().nonnegative().default(365),
  capital: z
    .strictObject({
      equity: amount,
      debt: amount,
      riskFreeRate: rate,
      beta: z.number(),
      equityRiskPremium: rate,
      costOfDebt: rate,
      taxRate: share.default(0),
    })
    .optional(),
  emissions: z
    .strictObject({
      distributions: amount,
      growth: rate,
      years: z.number().int().nonnegative(),
      terminalGrowth: rate,
      discountRate: rate,
      emissionRate: rate.nonnegative(),
      terminalEmissionRate: rate.nonnegative(),
    })
    .optional(),
  priceToCashFlow: z.strictObject({ marketCap: amount, cashFlow: z.number() }).optional(),
});

export type Treasury = z.infer<typeof schema>;
export type Asset = Treasury["assets"][number];
export type LiquidAsset = Extract<Asset, { kind: "liquid" }>;

/** Reads a treasury file's text. Throws TreasuryFileError, which names the field. */
export function parseTreasury(text: string, file: string): Treasury {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new TreasuryFileError(file, `is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new TreasuryFileError(file, `${issue!.path.join(".") || "the file"}: ${issue!.message}`);
}

/** What is due by `horizonDays` after a session, overdue amounts included. */
export function liabilitiesDue({ liabilities, horizonDays }: Treasury, session: string): number {
  const last = dateOfDay(dayNumber(session) + horizonDays);
  return liabilities.filter(({ due }) => due === undefined || due <= last).reduce((sum, { amount }) => sum + amount, 0);
}

/** Simple return of each market since today: −0.5 is a halving. */
export type Moves = Readonly<Record<Market, number>>;

export const NO_MOVES: Moves = { ETH: 0, BTC: 0, SPX: 0, REIT: 0 };

/** An asset's value after moves: beta multiplies log returns, so that no value falls below zero. */
export function valueAfter({ value, follows, beta }: LiquidAsset, moves: Moves): number {
  return value * (1 + moves[follows]) ** beta;
}

/**
 * The numerator of the quick ratio after moves: stable and liquid assets after their haircuts, and what the shorts have
 * gained or lost. Stable assets are taken to stay at par.
 */
export function quickAssets({ assets, shorts }: Treasury, moves: Moves): number {
  let sum = 0;
  for (const one of assets) {
    if (one.kind === "stable") sum += one.value * (1 - one.haircut);
    if (one.kind === "liquid") sum += valueAfter(one, moves) * (1 - one.haircut);
  }
  for (const { follows, notional } of shorts) sum -= notional * moves[follows];
  return sum;
}
