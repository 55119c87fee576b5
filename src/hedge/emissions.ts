/**
 * What a token that pays its holders is worth by what it pays: the two-stage dividend-discount model (Williams 1938,
 * Gordon 1959) with staking distributions for dividends and emissions as dilution. Rates are decimals a year.
 */

export interface EmissionsInputs {
  /** Value distributed to all holders in the coming year, were there no growth: fees, buybacks; not new tokens. */
  readonly distributions: number;
  /** Growth of distributions a year in the first stage. */
  readonly growth: number;
  /** Length of the first stage in whole years. */
  readonly years: number;
  /** Growth for ever after. Below the discount rate, net of dilution. */
  readonly terminalGrowth: number;
  /** Discount rate: the holders' cost of equity. */
  readonly discountRate: number;
  /** New tokens a year in the first stage, as a share of the supply: they pay others than today's holders. */
  readonly emissionRate: number;
  /** New tokens a year for ever after. */
  readonly terminalEmissionRate: number;
}

/** The value to today's holders and where it lies. */
export interface EmissionsValue {
  readonly value: number;
  /** Of it, what the first stage pays. */
  readonly firstStage: number;
  /** Of it, what comes after. */
  readonly terminal: number;
  /** Terminal / value: how much rests on what nobody knows. */
  readonly terminalShare: number;
  /** The same distributions without any emissions, less the value: what emissions cost today's holders. */
  readonly costOfEmissions: number;
}

/** An input the model has no value for. */
export class EmissionsInputError extends Error {
  constructor(what: string, value: number, mend: string) {
    super(`${what} is ${value}: ${mend}`);
    this.name = "EmissionsInputError";
  }
}

/**
 * Σ D(1+g)^t / ((1+r)(1+e))^t over the first stage, t = 1…n, and from there the Gordon value of distributions that grow
 * with G under emissions E: today's holders' share of year t's distributions is what dilution has left them.
 * @throws EmissionsInputError, when the terminal growth reaches the discount rate among others
 */
export function emissionsValue(inputs: EmissionsInputs): EmissionsValue {
  check(inputs);
  const { firstStage, terminal } = stages(inputs);
  const undiluted = stages({ ...inputs, emissionRate: 0, terminalEmissionRate: 0 });
  const value = firstStage + terminal;
  return {
    value,
    firstStage,
    terminal,
    terminalShare: value === 0 ? 0 : terminal / value,
    costOfEmissions: undiluted.firstStage + undiluted.terminal - value,
  };
}

function stages(inputs: EmissionsInputs): { firstStage: number; terminal: number } {
  const { distributions, growth, years, terminalGrowth, discountRate, emissionRate, terminalEmissionRate } = inputs;
  const perYear = (1 + growth) / ((1 + discountRate) * (1 + emissionRate));
  let present = distributions;
  let firstStage = 0;
  for (let year = 1; year <= years; year++) {
    present *= perYear;
    firstStage += present;
  }
  const ever = (1 + terminalGrowth) / ((1 + discountRate) * (1 + terminalEmissionRate));
  return { firstStage, terminal: (present * ever) / (1 - ever) };
}

function check(inputs: EmissionsInputs): void {
  for (const [what, value] of Object.entries(inputs) as [string, number][]) {
    if (!Number.isFinite(value)) throw new EmissionsInputError(what, value, "give a finite number.");
    if (what !== "distributions" && value <= -1) throw new EmissionsInputError(what, value, "give a rate above -1.");
  }
  const { distributions, years, terminalGrowth, discountRate } = inputs;
  if (distributions < 0) throw new EmissionsInputError("distributions", distributions, "they cannot be negative.");
  if (!(Number.isInteger(years) && years >= 0 && years <= 100)) {
    throw new EmissionsInputError("years", years, "give whole years, 0 to 100.");
  }
  if (inputs.emissionRate < 0 || inputs.terminalEmissionRate < 0) {
    throw new EmissionsInputError(
      "emissionRate",
      inputs.emissionRate,
      "emissions are not negative; buybacks are distributions.",
    );
  }
  // Without dilution too, so that the cost of emissions is defined.
  if (terminalGrowth >= discountRate) {
    throw new EmissionsInputError(
      "terminalGrowth",
      terminalGrowth,
      `it must stay below the discount rate ${discountRate}.`,
    );
  }
}

/** Price to cash flow: market value / yearly cash flow. Null when there is no positive cash flow to divide by. */
export function priceToCashFlow(marketCap: number, cashFlow: number): number | null {
  if (!(marketCap >= 0 && marketCap < Infinity)) {
    throw new EmissionsInputError("marketCap", marketCap, "give a value, not negative.");
  }
  if (!Number.isFinite(cashFlow)) throw new EmissionsInputError("cashFlow", cashFlow, "give a finite number.");
  return cashFlow > 0 ? marketCap / cashFlow : null;
}
