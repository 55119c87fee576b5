import { expect } from "chai";
import { Command } from "commander";
import fc from "fast-check";
import { register } from "../../src/cli/commands/option.ts";
import { setJson, UsageError } from "../../src/cli/output.ts";
import {
  black76,
  black76Price,
  blackScholes,
  blackScholesPrice,
  breakEvenPrices,
  forwardDelta,
  impliedVolatility,
  NoImpliedVolatilityError,
  normalCdf,
  OptionInputError,
  parityDifference,
  payoffAtExpiry,
  strikeForDelta,
} from "../../src/hedge/options.ts";
import type { Black76Input, BlackScholesInput, Greeks, OptionKind } from "../../src/hedge/options.ts";
import { derivative } from "../helpers/derivative.ts";

const between = (min: number, max: number): fc.Arbitrary<number> => fc.double({ min, max, noNaN: true });
const kinds = fc.constantFrom<OptionKind>("call", "put");

/** Ordinary markets: within four deviations of the money, where a finite difference has digits left. */
const black76Inputs = fc
  .record({
    forward: between(5, 500),
    distance: between(-4, 4),
    years: between(0.02, 3),
    rate: between(-0.02, 0.15),
    volatility: between(0.05, 2),
  })
  .map(({ distance, ...rest }): Black76Input => {
    return { ...rest, strike: rest.forward * Math.exp(distance * rest.volatility * Math.sqrt(rest.years)) };
  });
const blackScholesInputs = fc
  .tuple(black76Inputs, between(0, 0.1))
  .map(([{ forward: spot, ...rest }, dividendYield]): BlackScholesInput => ({ spot, ...rest, dividendYield }));

function expectDerivative(greek: number, of: (shift: number) => number, step: number, scale: number): void {
  expect(greek).to.be.closeTo(derivative(of, step), 1e-5 * scale);
}

describe("option prices", () => {
  it("equal the published references to the digits given", () => {
    const bs = blackScholes({ spot: 100, strike: 90, years: 0.5, rate: 0.01, volatility: 0.2 });
    expect(bs.call).to.be.closeTo(12.111581435, 5e-10);
    expect(bs.put).to.be.closeTo(1.66270456231, 5e-12);
    const black = black76({ forward: 19, strike: 19, years: 0.75, rate: 0.1, volatility: 0.28 });
    expect(black.call).to.be.closeTo(1.7010507252, 5e-11);
    expect(black.put).to.be.closeTo(1.7010507252, 5e-11);
  });

  it("obey put–call parity", () => {
    fc.assert(
      fc.property(black76Inputs, (input) => {
        const { call, put } = black76(input);
        const parity = parityDifference(input.forward, input.strike, input.years, input.rate);
        expect(call - put).to.be.closeTo(parity, 1e-12 * (input.forward + input.strike));
      }),
    );
    fc.assert(
      fc.property(blackScholesInputs, (input) => {
        const { spot, strike, years, rate, dividendYield = 0 } = input;
        const { call, put } = blackScholes(input);
        const parity = spot * Math.exp(-dividendYield * years) - strike * Math.exp(-rate * years);
        expect(call - put).to.be.closeTo(parity, 1e-12 * (spot + strike));
      }),
    );
  });

  it("stay between intrinsic value and the limit without arbitrage, whatever the strike", () => {
    fc.assert(
      fc.property(black76Inputs, kinds, between(1e-6, 1e6), (ordinary, kind, strike) => {
        const input = { ...ordinary, strike };
        const discount = Math.exp(-input.rate * input.years);
        const price = black76Price(kind, input);
        const intrinsic = kind === "call" ? input.forward - strike : strike - input.forward;
        expect(price).to.be.at.least(discount * Math.max(intrinsic, 0));
        expect(price).to.be.at.most(discount * (kind === "call" ? input.forward : strike));
      }),
    );
  });

  it("rise with volatility, fall (call) or rise (put) with the strike, and are convex in it", () => {
    fc.assert(
      fc.property(black76Inputs, kinds, (input, kind) => {
        const at = (strike: number): number => black76Price(kind, { ...input, strike });
        const [low, middle, high] = [0.95, 1, 1.05].map((factor) => at(factor * input.strike)) as [
          number,
          number,
          number,
        ];
        expect(Math.sign(high - low)).to.equal(kind === "call" ? -1 : 1);
        expect(low + high - 2 * middle).to.be.at.least(-1e-12 * input.forward);
        expect(black76Price(kind, { ...input, volatility: 1.1 * input.volatility })).to.be.above(middle);
      }),
    );
  });

  it("agree between the models when the forward is the spot's", () => {
    fc.assert(
      fc.property(blackScholesInputs, kinds, ({ spot, dividendYield = 0, ...terms }, kind) => {
        const forward = spot * Math.exp((terms.rate - dividendYield) * terms.years);
        const here = blackScholesPrice(kind, { spot, dividendYield, ...terms });
        expect(here).to.be.closeTo(black76Price(kind, { forward, ...terms }), 1e-12 * spot);
        expect(here).to.equal(blackScholes({ spot, dividendYield, ...terms })[kind]);
      }),
    );
  });

  it("keep their digits far out of the money", () => {
    // Reference: mpmath at 50 digits, F = 100, T = 1, r = 0, σ = 0.1.
    const price = (strike: number): number =>
      black76Price("call", { forward: 100, strike, years: 1, rate: 0, volatility: 0.1 });
    expect(price(200) / 4.0829666315878704e-12).to.be.closeTo(1, 1e-9);
    expect(normalCdf(-20) / 2.7536241186062337e-89).to.be.closeTo(1, 1e-12);
  });
});

describe("Greeks", () => {
  it("of Black-76 equal finite differences", () => {
    fc.assert(
      fc.property(black76Inputs, kinds, (input, kind) => {
        const { forward: f, years, volatility } = input;
        const greeks = black76(input).greeks[kind];
        const price = (change: Partial<Black76Input>): number => black76Price(kind, { ...input, ...change });
        const slope = (forward: number): number => black76({ ...input, forward }).greeks[kind].delta;
        const step = 1e-3 * volatility * Math.sqrt(years);
        expectDerivative(greeks.delta, (h) => price({ forward: f + h }), f * step, 1);
        expectDerivative(greeks.gamma, (h) => slope(f + h), f * step, 1 / (f * step));
        expectDerivative(greeks.vega, (h) => price({ volatility: volatility + h }), 1e-3 * volatility, f);
        expectDerivative(-greeks.theta, (h) => price({ years: years + h }), 1e-3 * years, f / years);
        expectDerivative(greeks.rho, (h) => price({ rate: input.rate + h }), 1e-3, f);
      }),
    );
  });

  it("of Black–Scholes equal finite differences", () => {
    fc.assert(
      fc.property(blackScholesInputs, kinds, (input, kind) => {
        const { spot: s, years, volatility } = input;
        const greeks = blackScholes(input).greeks[kind];
        const price = (change: Partial<BlackScholesInput>): number => blackScholesPrice(kind, { ...input, ...change });
        const slope = (spot: number): number => blackScholes({ ...input, spot }).greeks[kind].delta;
        const step = 1e-3 * volatility * Math.sqrt(years);
        expectDerivative(greeks.delta, (h) => price({ spot: s + h }), s * step, 1);
        expectDerivative(greeks.gamma, (h) => slope(s + h), s * step, 1 / (s * step));
        expectDerivative(greeks.vega, (h) => price({ volatility: volatility + h }), 1e-3 * volatility, s);
        expectDerivative(-greeks.theta, (h) => price({ years: years + h }), 1e-3 * years, s / years);
        expectDerivative(greeks.rho, (h) => price({ rate: input.rate + h }), 1e-3, s);
      }),
    );
  });
});

describe("degenerate options", () => {
  const terms = { forward: 100, years: 0.5, rate: 0.1, volatility: 0.2 };

  it("are worth their discounted intrinsic value without time or without volatility", () => {
    for (const limit of [{ years: 0 }, { volatility: 0 }]) {
      for (const strike of [0, 80, 100, 120]) {
        const input = { ...terms, ...limit, strike };
        const { call, put, greeks } = black76(input);
        const discount = Math.exp(-input.rate * input.years);
        expect(call).to.equal(discount * Math.max(100 - strike, 0));
        expect(put).to.equal(discount * Math.max(strike - 100, 0));
        expect(greeks.call.delta).to.equal(discount * (strike < 100 ? 1 : strike === 100 ? 0.5 : 0));
        if (strike !== 100) expect([greeks.call.gamma, greeks.call.vega]).to.deep.equal([0, 0]);
      }
    }
    expect(black76({ ...terms, years: 0, strike: 100 }).greeks.call).to.include({ gamma: Infinity, theta: -Infinity });
  });

  it("have no NaN in any Greek, up to the edges of what is accepted", () => {
    const edge = (...values: number[]): fc.Arbitrary<number> => fc.constantFrom(...values);
    fc.assert(
      fc.property(
        edge(1e-12, 1, 100, 1e12),
        edge(0, 1e-12, 1, 100, 1e12),
        edge(0, 1e-9, 1, 50),
        edge(-0.5, 0, 5),
        edge(0, 1e-9, 0.2, 100),
        edge(0, 0.05),
        (price, strike, years, rate, volatility, dividendYield) => {
          for (const { call, put, greeks } of [
            black76({ forward: price, strike, years, rate, volatility }),
            blackScholes({ spot: price, strike, years, rate, volatility, dividendYield }),
          ]) {
            const all = [call, put, ...[greeks.call, greeks.put].flatMap((g: Greeks) => Object.values(g) as number[])];
            for (const value of all) expect(value).to.not.be.NaN;
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it("with bad inputs are refused by name", () => {
    const good = { ...terms, strike: 100 };
    const bad: [keyof Black76Input, number][] = [
      ["forward", 0],
      ["forward", NaN],
      ["strike", -1],
      ["strike", Infinity],
      ["years", -0.1],
      ["rate", NaN],
      ["rate", 1e6],
      ["volatility", -0.2],
      ["volatility", NaN],
    ];
    for (const [name, value] of bad) {
      const input = { ...good, [name]: value };
      expect(() => black76(input), name).to.throw(OptionInputError, name);
      expect(() => black76Price("put", input), name).to.throw(OptionInputError, name);
    }
    const spot = { spot: 100, strike: 100, years: 1, rate: 0, volatility: 0.2 };
    expect(() => blackScholes({ ...spot, spot: -1 })).to.throw(OptionInputError, "spot");
    expect(() => blackScholes({ ...spot, dividendYield: NaN })).to.throw(OptionInputError, "dividend yield");
    expect(() => strikeForDelta("call", 1, 100, 1, 0.2)).to.throw(OptionInputError, "delta");
  });
});

describe("strikes and volatilities", () => {
  it("a strike for a delta has that delta, without discounting", () => {
    fc.assert(
      fc.property(black76Inputs, between(0.01, 0.99), ({ forward, years, volatility }, delta) => {
        const call = strikeForDelta("call", delta, forward, years, volatility);
        const put = strikeForDelta("put", delta, forward, years, volatility);
        expect(forwardDelta(forward, call, years, volatility)).to.be.closeTo(delta, 1e-12);
        expect(1 - forwardDelta(forward, put, years, volatility)).to.be.closeTo(delta, 1e-12);
      }),
    );
  });

  it("an implied volatility is the one the price was made with", () => {
    fc.assert(
      fc.property(black76Inputs, kinds, (input, kind) => {
        const price = black76Price(kind, input);
        const implied = impliedVolatility(kind, price, input);
        // What one rounding of the price can move the volatility by, where vega is small.
        const slack = (1e-14 * (input.forward + input.strike)) / black76(input).greeks[kind].vega;
        expect(implied).to.be.closeTo(input.volatility, 1e-9 + 10 * slack);
      }),
    );
  });

  it("an implied volatility of any price in the bounds reprices to it", () => {
    fc.assert(
      fc.property(black76Inputs, kinds, between(0, 0.999), between(-3, 3), (ordinary, kind, share, far) => {
        const input = { ...ordinary, strike: ordinary.forward * Math.exp(far) };
        const discount = Math.exp(-input.rate * input.years);
        const intrinsic = Math.max(kind === "call" ? input.forward - input.strike : input.strike - input.forward, 0);
        const limit = kind === "call" ? input.forward : input.strike;
        const price = discount * (intrinsic + share * (limit - intrinsic));
        fc.pre(price >= discount * intrinsic);
        const volatility = impliedVolatility(kind, price, input);
        expect(black76Price(kind, { ...input, volatility })).to.be.closeTo(
          price,
          1e-10 * (input.forward + input.strike),
        );
      }),
    );
  });

  it("a price outside the bounds implies none, and says where the bounds are", () => {
    const terms = { forward: 100, strike: 90, years: 1, rate: 0 };
    expect(impliedVolatility("call", 10, terms)).to.equal(0);
    expect(() => impliedVolatility("call", 9.99, terms)).to.throw(NoImpliedVolatilityError, "from 10 to below 100");
    expect(() => impliedVolatility("call", 100, terms)).to.throw(NoImpliedVolatilityError);
    expect(() => impliedVolatility("put", NaN, terms)).to.throw(NoImpliedVolatilityError);
    expect(() => impliedVolatility("put", 1, { ...terms, years: 0 })).to.throw(OptionInputError, "years");
  });
});

describe("break-evens", () => {
  it("of a condor lie a credit beyond its short strikes", () => {
    const condor = [
      { kind: "put", strike: 90, quantity: 1 },
      { kind: "put", strike: 95, quantity: -1 },
      { kind: "call", strike: 105, quantity: -1 },
      { kind: "call", strike: 110, quantity: 1 },
    ] as const;
    expect(breakEvenPrices(condor, 1.5)).to.deep.equal([93.5, 106.5]);
    expect(breakEvenPrices(condor, 6)).to.deep.equal([]);
  });

  it("of a long call and a short put lie beyond the outermost strikes", () => {
    expect(breakEvenPrices([{ kind: "call", strike: 20, quantity: 2 }], -3)).to.deep.equal([21.5]);
    expect(breakEvenPrices([{ kind: "put", strike: 20, quantity: -1 }], 3)).to.deep.equal([17]);
  });

  it("are where payoff and credit cancel", () => {
    const leg = fc.record({ kind: kinds, strike: between(50, 150), quantity: fc.constantFrom(-2, -1, 1, 2) });
    fc.assert(
      fc.property(fc.array(leg, { minLength: 1, maxLength: 5 }), between(-20, 20), (legs, credit) => {
        for (const price of breakEvenPrices(legs, credit)) {
          expect(payoffAtExpiry(legs, price) + credit).to.be.closeTo(0, 1e-9);
        }
      }),
    );
  });
});

describe("ballast option", () => {
  afterEach(() => setJson(false));

  /** What the command prints: in this process, since a new one costs a second. */
  function option(...flags: string[]): string {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    register(program);
    let written = "";
    Object.assign(process.stdout, { write: (chunk: unknown) => ((written += String(chunk)), true) });
    try {
      program.parse(["option", ...flags], { from: "user" });
    } finally {
      Reflect.deleteProperty(process.stdout, "write");
    }
    return written;
  }
  const terms = ["--strike", "90", "--time", "0.5", "--rate", "0.01", "--vol", "0.2"];

  it("prints call, put and Greeks, in JSON as the functions return them", () => {
    expect(option("--model", "bs", "--spot", "100", ...terms)).to.match(/price +12\.11158143 +1\.66270456/);
    setJson(true);
    const json = JSON.parse(option("--model", "black76", "--forward", "100", ...terms)) as Record<string, unknown>;
    expect(json).to.deep.include(black76({ forward: 100, strike: 90, years: 0.5, rate: 0.01, volatility: 0.2 }));
  });

  it("refuses flags that do not belong together, and values no option has, as wrong usage", () => {
    const wrong: [string[], string][] = [
      [["--model", "bs", "--forward", "100", ...terms], "--spot"],
      [["--model", "black76", "--spot", "100", ...terms], "--forward"],
      [["--model", "binomial", "--spot", "100", ...terms], "'binomial'"],
      [["--model", "bs", "--spot", "many", ...terms], "--spot is 'many'"],
      [["--model", "bs", "--spot", "100", ...terms, "--vol", "-0.2"], "volatility"],
    ];
    for (const [flags, message] of wrong) expect(() => option(...flags), flags.join(" ")).to.throw(UsageError, message);
  });
});
