/** Where a treasury's capital comes from and what each part asks for. Rates are decimals a year. */
export interface CapitalStructure {
  /** Value of the equity: for a DAO its token's market capitalisation. Any currency, the same as debt. */
  readonly equity: number;
  readonly debt: number;
  readonly riskFreeRate: number;
  /** Beta of the equity to the market. */
  readonly beta: number;
  /** Expected return of the market above the risk-free rate: an assumption. */
  readonly equityRiskPremium: number;
  readonly costOfDebt: number;
  /** 0 for a DAO without taxes. */
  readonly taxRate: number;
}

/** A part of a capital structure that cannot be. */
export class CapitalInputError extends Error {
  constructor(what: string, value: number, mend: string) {
    super(`${what} is ${value}: ${mend}`);
    this.name = "CapitalInputError";
  }
}

/** Cost of equity by the capital asset pricing model (Sharpe 1964): risk-free rate + beta × equity risk premium. */
export function costOfEquity({ riskFreeRate, beta, equityRiskPremium }: CapitalStructure): number {
  return riskFreeRate + beta * equityRiskPremium;
}

/**
 * Weighted average cost of capital: E/V · cost of equity + D/V · cost of debt · (1 − tax) (Modigliani and Miller 1963).
 * @throws CapitalInputError
 */
export function wacc(capital: CapitalStructure): number {
  for (const [what, value] of Object.entries(capital) as [string, number][]) {
    if (!Number.isFinite(value)) throw new CapitalInputError(what, value, "give a finite number.");
  }
  const { equity, debt, costOfDebt, taxRate } = capital;
  if (equity < 0) throw new CapitalInputError("equity", equity, "give its value, not negative.");
  if (debt < 0) throw new CapitalInputError("debt", debt, "give its value, not negative.");
  if (equity + debt === 0) throw new CapitalInputError("equity + debt", 0, "one of them must be above 0.");
  if (!(taxRate >= 0 && taxRate <= 1)) throw new CapitalInputError("taxRate", taxRate, "give a share from 0 to 1.");
  return (equity * costOfEquity(capital) + debt * costOfDebt * (1 - taxRate)) / (equity + debt);
}
