import { expect } from "chai";
import fc from "fast-check";
import { EmissionsInputError, emissionsValue, priceToCashFlow } from "../../src/hedge/emissions.ts";
import { CapitalInputError, costOfEquity, wacc } from "../../src/hedge/wacc.ts";

const capital = {
  equity: 80,
  debt: 20,
  riskFreeRate: 0.04,
  beta: 1.5,
  equityRiskPremium: 0.05,
  costOfDebt: 0.06,
  taxRate: 0.25,
};
const inputs = {
  distributions: 100,
  growth: 0.2,
  years: 5,
  terminalGrowth: 0.02,
  discountRate: 0.15,
  emissionRate: 0.05,
  terminalEmissionRate: 0.01,
};

describe("Cost of capital", () => {
  it("weighs the cost of equity by CAPM and that of debt after tax", () => {
    near(costOfEquity(capital), 0.115, 1e-15);
    near(wacc(capital), 0.8 * 0.115 + 0.2 * 0.06 * 0.75, 1e-15);
    near(wacc({ ...capital, debt: 0 }), 0.115, 1e-15);
  });

  it("refuses a structure without capital, and what is no rate", () => {
    expect(() => wacc({ ...capital, equity: 0, debt: 0 })).to.throw(CapitalInputError, "equity + debt");
    expect(() => wacc({ ...capital, debt: -1 })).to.throw(CapitalInputError, "debt");
    expect(() => wacc({ ...capital, beta: NaN })).to.throw(CapitalInputError, "beta");
    expect(() => wacc({ ...capital, taxRate: 25 })).to.throw(CapitalInputError, "taxRate");
  });
});

describe("Emissions and staking", () => {
  it("are worth Gordon's D/(r − g) in one stage without emissions", () => {
    const gordon = emissionsValue({ ...inputs, years: 0, emissionRate: 0, terminalEmissionRate: 0 });
    near(gordon.value, (100 * 1.02) / 0.13, 1e-9);
    near(gordon.costOfEmissions, 0, 1e-12);
    expect(gordon.terminalShare).to.equal(1);
  });

  it("are the sum of what each year leaves today's holders", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -0.5, max: 1, noNaN: true }),
        fc.integer({ min: 0, max: 20 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        fc.double({ min: 0, max: 0.1, noNaN: true }),
        (growth, years, emissionRate, terminalEmissionRate) => {
          const given = { ...inputs, growth, years, emissionRate, terminalEmissionRate };
          let [paid, share, sum] = [100, 1, 0];
          // 600 years stand for ever: (1.02 / 1.15)^600 is 10⁻³¹.
          for (let year = 1; year <= years + 600; year++) {
            paid *= 1 + (year <= years ? growth : 0.02);
            share /= 1 + (year <= years ? emissionRate : terminalEmissionRate);
            sum += (paid * share) / 1.15 ** year;
          }
          const { value, costOfEmissions } = emissionsValue(given);
          near(value / sum, 1, 1e-9);
          expect(costOfEmissions).to.be.at.least(-1e-9 * value);
        },
      ),
      { numRuns: 500, seed: 1 },
    );
  });

  it("refuses growth for ever at the discount rate, and what is no rate", () => {
    expect(() => emissionsValue({ ...inputs, terminalGrowth: 0.15 })).to.throw(
      EmissionsInputError,
      "below the discount",
    );
    expect(() => emissionsValue({ ...inputs, years: 1.5 })).to.throw(EmissionsInputError, "years");
    expect(() => emissionsValue({ ...inputs, distributions: -1 })).to.throw(EmissionsInputError, "distributions");
    expect(() => emissionsValue({ ...inputs, emissionRate: -0.1 })).to.throw(EmissionsInputError, "buybacks");
    expect(() => emissionsValue({ ...inputs, growth: NaN })).to.throw(EmissionsInputError, "growth");
  });

  it("cost nothing to divide by: P/CF is null without cash flow", () => {
    expect(priceToCashFlow(100, 8)).to.equal(12.5);
    expect(priceToCashFlow(100, 0)).to.equal(null);
    expect(priceToCashFlow(100, -3)).to.equal(null);
    expect(() => priceToCashFlow(NaN, 3)).to.throw(EmissionsInputError, "marketCap");
  });
});

function near(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`).to.equal(
    true,
  );
}
