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
