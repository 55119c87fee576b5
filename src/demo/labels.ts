import type { Attribution, VaultName } from "./result.ts";

/** What people call the three vaults. */
export const VAULT_LABELS: Readonly<Record<VaultName, string>> = {
  hedged: "Hedged",
  unhedged: "Unhedged",
  holdLess: "Hold less",
};

/** What people call the parts of a NAV change. */
export const PART_LABELS: Readonly<Record<Exclude<keyof Attribution, "differenceBps">, string>> = {
  lpPrice: "Price of what the LP holds",
  arbitrageLoss: "Loss to arbitrage",
  lpFees: "LP fees",
  hedgePrice: "Price of the short",
  funding: "Funding",
  swapCosts: "Swap costs",
  perpCosts: "Perp costs",
  total: "Sum of the parts",
  navChange: "NAV change on chain",
};
