/** What the hedge cost, as a programme of its own beside the liquidity it protects. */

import { NoRateOfReturnError, xirr } from "../hedge/xirr.ts";
import type { CashFlow } from "../hedge/xirr.ts";
import { average } from "./metrics.ts";
import { DAYS_PER_YEAR } from "./parameters.ts";
import type { AttributionLine } from "./result.ts";
import type { VaultPath } from "./vault.ts";

/** Lines of the attribution that are the hedge's. A smaller liquidity position is not among them. */
export const HEDGE_LINES: readonly AttributionLine[] = [
  "perpPrice",
  "funding",
  "alvh",
  "income",
  "vxth",
  "perpCosts",
  "optionCosts",
  "liquidations",
];

const DAYS_PER_WEEK = 7;
/** Lines of option layers. */
const OPTION_LINES: readonly AttributionLine[] = ["alvh", "income", "vxth", "optionCosts"];
/** A monthly option lives five weeks at most. */
const SPELL_DAYS = 35;

/** The spell in which a vault's options gained most. */
export interface BestSpell {
  /** Rows of the marks it lies between. */
  readonly from: number;
  readonly to: number;
  /** Gain over the NAV at its beginning. */
  readonly gainShare: number;
  /** Gain of all other days, a year, over mean NAV. */
  readonly othersAYear: number;
}

/** The spell of at most five weeks in which options gained most against NAV: a tail hedge may have earned all of it in one. */
export function bestSpell({ navs, lines }: Pick<VaultPath, "navs" | "lines">): BestSpell {
  const days = navs.length - 1;
  const gained = Array.from({ length: days }, (_, i) => OPTION_LINES.reduce((sum, line) => sum + lines[line][i]!, 0));
  let best = { from: 0, to: 0, gainShare: 0, usd: 0 };
  for (let from = 0; from < days; from++) {
    let usd = 0;
    for (let to = from + 1; to <= Math.min(days, from + SPELL_DAYS); to++) {
      usd += gained[to - 1]!;
      const gainShare = usd / navs[from]!;
      if (gainShare > best.gainShare) best = { from, to, gainShare, usd };
    }
  }
  const { usd, ...spell } = best;
  const others = gained.reduce((sum, gain) => sum + gain, 0) - usd;
  return { ...spell, othersAYear: others / average(navs) / (days / DAYS_PER_YEAR) };
}

/** Gain or loss of the hedge on each day, USD. */
export function hedgeGains({ lines }: VaultPath): Float64Array {
  const gains = new Float64Array(lines.funding.length);
  for (const line of HEDGE_LINES) lines[line].forEach((usd, i) => (gains[i] = gains[i]! + usd));
  return gains;
}

/** Cost of the hedge a year as a share of mean NAV; negative when it earned. */
export function hedgeCost(path: VaultPath): number {
  const gain = hedgeGains(path).reduce((sum, usd) => sum + usd, 0);
  return -gain / average(path.navs) / ((path.navs.length - 1) / DAYS_PER_YEAR);
}

/**
 * Internal rate of return of the hedge programme: what is moved into margin and premiums is paid, what comes back is received,
 * and the capital at the end is returned. A day's flow is the change of the capital less the day's gain; those of a week
 * count together, at its end.
 * @returns null when there was no programme, or no single rate describes it
 */
export function hedgeXirr(path: VaultPath): number | null {
  const { hedgeCapital } = path;
  const flows: CashFlow[] = [];
  hedgeGains(path).forEach((gain, i) => {
    const paidIn = hedgeCapital[i + 1]! - hedgeCapital[i]! - gain;
    if (paidIn !== 0) flows.push({ day: Math.ceil((i + 1) / DAYS_PER_WEEK) * DAYS_PER_WEEK, amount: -paidIn });
  });
  const end = Math.ceil((hedgeCapital.length - 1) / DAYS_PER_WEEK) * DAYS_PER_WEEK;
  flows.push({ day: end, amount: hedgeCapital.at(-1)! });
  try {
    return xirr(flows);
  } catch (error) {
    if (error instanceof NoRateOfReturnError) return null;
    throw error;
  }
}
