import { expect } from "chai";
import fc from "fast-check";
import { liquidityForValue, valueAt } from "../../src/hedge/liquidity.ts";
import { bookDelta, bookNav, PRICE_MOVES_BPS, scenariosOf, SCENARIO_ASSUMPTIONS } from "../../src/hedge/scenarios.ts";
import type { Book, PerpHolding, ScenarioName } from "../../src/hedge/scenarios.ts";

const PAIR = { baseDecimals: 18, assetDecimals: 6, baseIsToken0: false };
const WAD = 10n ** 18n;
const USDC = 10n ** 6n;
const RANGE = { tickLower: 196_080, tickUpper: 204_480 };

function short(eth: bigint, collateral: bigint, fundingPerDay = 0): PerpHolding {
  return {
    size: -eth * WAD,
    openNotional: eth * 2_000n * USDC,
    collateral: collateral * USDC,
    pendingFunding: 0n,
    fundingPerDay,
  };
}

function book(parts: Partial<Book>): Book {
  return { price: 2_000n * WAD, pair: PAIR, cash: 0n, liquidity: [], perps: [], ...parts };
}

function lp(value: bigint): Book["liquidity"][number] {
  const liquidity = liquidityForValue(value * USDC, 2_000n * WAD, RANGE, PAIR);
  return { position: { ...RANGE, liquidity }, looseBase: 0n, looseAsset: 0n };
}

function change(of: Book, name: ScenarioName): number {
  const found = scenariosOf(of).find((row) => row.name === name);
  return found?.change ?? expect.fail(`no scenario ${name}`);
}

describe("Scenarios of a book", () => {
  it("leave cash as it is", () => {
    for (const { nav, change: moved, netDelta, leverage } of scenariosOf(book({ cash: 7n * USDC }))) {
      expect({ nav, moved, netDelta, leverage }).to.deep.equal({
        nav: 7n * USDC,
        moved: 0,
        netDelta: 0,
        leverage: null,
      });
    }
  });

  it("move loose base with the price, by as much", () => {
    const held = book({ liquidity: [{ position: { ...RANGE, liquidity: 0n }, looseBase: 3n * WAD, looseAsset: 0n }] });
    for (const bps of PRICE_MOVES_BPS) expect(change(held, `price ${bps}`)).to.be.closeTo(bps / 10_000, 1e-9);
  });

  it("pay a short what its fall brings, by hand: 10 ETH short, 4,000 of cash, a fifth down", () => {
    const hedged = book({ cash: 4_000n * USDC, perps: [short(10n, 20_000n)] });
    const row = scenariosOf(hedged).find(({ name }) => name === "price -2000")!;
    expect(row.nav).to.equal(28_000n * USDC);
    expect(row.change).to.be.closeTo(4_000 / 24_000, 1e-12);
    expect(row.leverage).to.be.closeTo(16_000 / 24_000, 1e-12);
    expect(row.netDelta).to.be.closeTo(-16_000 / 28_000, 1e-12);
  });

  it("lose no more than an account's equity when the venue liquidates it", () => {
    const thin = book({ cash: 1_000n * USDC, perps: [short(10n, 2_000n)] });
    const row = scenariosOf(thin).find(({ name }) => name === "price 4000")!;
    expect(row.nav).to.equal(1_000n * USDC);
    expect(row.leverage).to.equal(Infinity);
  });

  it("show what a hedge is for: less lost in a fall, nothing at the same price", () => {
    const bare = book({ cash: 1_000_000n * USDC, liquidity: [lp(1_000_000n)] });
    const delta = bookDelta(bare) / WAD;
    const hedged = { ...bare, cash: bare.cash - 1_000_000n * USDC, perps: [short(delta, 1_000_000n)] };
    expect(bookNav(hedged)).to.equal(bookNav(bare));
    expect(change(bare, "price -2000")).to.be.below(-0.05);
    expect(change(hedged, "price -2000")).to.be.within(-0.02, 0);
  });

  it("charge doubled volatility by the formula, and nothing without liquidity", () => {
    const value = Number(valueAt(2_000n * WAD, lp(1_000_000n).position, PAIR));
    const cost = -change(book({ liquidity: [lp(1_000_000n)] }), "volatility doubled") * value;
    // LVR at twice σ is 4 times that at σ; fees of ρ = 1 grow by 2^1.3.
    const { liquidity } = lp(1_000_000n).position;
    const lvr = ((Number(liquidity) / 1e12) * Math.sqrt(2_000) * SCENARIO_ASSUMPTIONS.volatility ** 2) / 4;
    expect(cost).to.be.closeTo(((lvr * (4 - 2 ** 1.3) * 7) / 365) * 1e6, 2);
    expect(change(book({ cash: USDC, perps: [short(1n, 5_000n)] }), "volatility doubled")).to.equal(0);
  });

  it("charge a week of flipped funding: what it pays now, or a crash's if that is more", () => {
    const perps = (funding: number) => book({ perps: [short(10n, 20_000n, funding)] });
    expect(change(perps(0.0001), "funding flips")).to.be.closeTo(-0.0015 * 7, 1e-9);
    expect(change(perps(0.004), "funding flips")).to.be.closeTo(-0.004 * 7, 1e-9);
    expect(change(perps(-0.004), "funding flips")).to.be.closeTo(-0.004 * 7, 1e-9);
  });

  it("are the same for the same book, and never improve a long by a fall", () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 7n });
    fc.assert(
      fc.property(amount, amount, (cash, value) => {
        const long = book({ cash: (cash + 1n) * USDC, liquidity: [lp(value + 1n)] });
        const rows = scenariosOf(long);
        expect(rows).to.deep.equal(scenariosOf(long));
        const moves = rows.slice(0, PRICE_MOVES_BPS.length).map(({ nav }) => nav);
        expect(moves).to.deep.equal([...moves].sort((a, b) => (a < b ? -1 : 1)));
      }),
      { numRuns: 100 },
    );
  });

  it("answer for an empty book", () => {
    for (const row of scenariosOf(book({}))) expect(row).to.include({ nav: 0n, change: 0, netDelta: null });
  });
});
