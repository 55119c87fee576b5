/** A yearly budget of option premiums: what was paid in any 365 days, as a share of NAV when paid, stays within it. */

/** The budget is of any so many days. */
export const BUDGET_DAYS = 365;

/** A premium paid. */
export interface PremiumPaid {
  readonly day: number;
  /** Of NAV at the time, decimal. */
  readonly shareOfNav: number;
}

/** The premiums that still count on a day. */
export function premiumsCounted(premiums: readonly PremiumPaid[], day: number): PremiumPaid[] {
  return premiums.filter((paid) => paid.day > day - BUDGET_DAYS);
}

/** What a yearly share of NAV has left on a day, never negative. What was not spent a year ago does not come back. */
export function budgetLeft(premiums: readonly PremiumPaid[], day: number, yearlyShare: number): number {
  const spent = premiumsCounted(premiums, day).reduce((sum, { shareOfNav }) => sum + shareOfNav, 0);
  return Math.max(yearlyShare - spent, 0);
}

/** Purchases to plan for in 365 days, one made every so many: one more than fit in, so that none is without budget. */
export function purchasesPlanned(holdDays: number): number {
  return Math.floor(BUDGET_DAYS / holdDays) + 1;
}
