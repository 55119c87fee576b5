import { expect } from "chai";
import { seededRandom } from "../../src/backtest/bootstrap.ts";
import { EWMA_WARM_UP, ewmaVolatility } from "../../src/market/volatility.ts";
import { logDrawdown } from "../../src/signals/edrImplied.ts";
import { BLOCK_SESSIONS, EDR_HORIZONS, PATHS, ResidualPool, UnitDrawdowns } from "../../src/signals/edrModel.ts";
import { interpolatedVolatility, calendarDaysOf } from "../../src/signals/edrVolatility.ts";

const DEPTHS = [0.05, 0.1, 0.2];

/** Log returns with fat tails and a volatility that wanders, from a fixed seed. */
function returnsOf(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  let volatility = 0.01;
  return Array.from({ length: count }, () => {
    volatility *= 1 + (random() - 0.5) * 0.1;
    return ((random() + random() + random() - 1.5) * volatility) / (0.2 + random());
  });
}

function poolOf(returns: readonly number[]): ResidualPool {
  const pool = new ResidualPool();
  returns.forEach((each, day) => pool.push(day, each));
  return pool;
}

/** Residuals by the definition: each return over the EWMA volatility of those before it. */
function residualsOf(returns: readonly number[]): number[] {
  const closes = [1];
  for (const each of returns) closes.push(closes.at(-1)! * Math.exp(each));
  const volatility = ewmaVolatility([...closes, 1]);
  return returns.flatMap((each, i) => {
    const known = volatility[i + 1];
    return known === null || known === undefined ? [] : [each / known];
  });
}

/** The same paths session by session, at a given volatility: simple drawdowns by horizon. */
function pathByPath(residuals: readonly number[], random: () => number, volatility: number): number[][] {
  const blocks = Math.ceil(EDR_HORIZONS.at(-1)! / BLOCK_SESSIONS);
  const found: number[][] = EDR_HORIZONS.map(() => []);
  const count = residuals.length - BLOCK_SESSIONS + 1;
  const drawn = Array.from({ length: (PATHS * blocks) / 2 }, () => random() * count).flatMap((choice) => [
    Math.floor(choice),
    Math.floor((choice % 1) * count),
  ]);
  for (let path = 0; path < PATHS; path++) {
    const starts = drawn.slice(path * blocks, (path + 1) * blocks);
    let variance = volatility ** 2;
    let close = 1;
    let high = 1;
    let fall = 0;
    for (let session = 0; session < EDR_HORIZONS.at(-1)!; session++) {
      const residual = residuals[starts[Math.floor(session / BLOCK_SESSIONS)]! + (session % BLOCK_SESSIONS)]!;
      const move = residual * Math.sqrt(variance);
      close *= Math.exp(move);
      variance = 0.94 * variance + 0.06 * move ** 2;
      high = Math.max(high, close);
      fall = Math.max(fall, 1 - close / high);
      const horizon = EDR_HORIZONS.indexOf((session + 1) as (typeof EDR_HORIZONS)[number]);
      if (horizon >= 0) found[horizon]!.push(fall);
    }
  }
  return found;
}

describe("drawdown model", function () {
  const returns = returnsOf(3, 1_500);
  const pool = poolOf(returns);

  it("has the EWMA volatility of market/volatility.ts, and nothing before its warm-up", function () {
    const closes = [100];
    for (const each of returns) closes.push(closes.at(-1)! * Math.exp(each));
    expect(pool.volatility).to.be.closeTo(ewmaVolatility([...closes, 1]).at(-1)!, 1e-15);
    expect(poolOf(returns.slice(0, EWMA_WARM_UP - 1)).volatility).to.equal(null);
    expect(poolOf(returns.slice(0, EWMA_WARM_UP)).count).to.equal(0);
    expect(pool.count).to.equal(returns.length - EWMA_WARM_UP);
  });

  it("draws the paths that a simulation session by session draws, at any volatility", function () {
    const distributions = pool.simulate(pool.count, seededRandom(5));
    const residuals = residualsOf(returns);
    for (const volatility of [0.004, 0.012, 0.05]) {
      const paths = pathByPath(residuals, seededRandom(5), volatility);
      EDR_HORIZONS.forEach((horizon, h) => {
        const outlooks = distributions[h]!.outlooks(DEPTHS, volatility);
        DEPTHS.forEach((depth, d) => {
          const deep = paths[h]!.filter((fall) => fall >= depth);
          const what = `${horizon} sessions, ${depth} at ${volatility}`;
          expect(outlooks[d]!.probability, what).to.equal(deep.length / PATHS);
          if (deep.length < 20) expect(outlooks[d]!.severity, what).to.equal(null);
          else {
            const mean = deep.reduce((sum, fall) => sum + fall, 0) / deep.length;
            expect(outlooks[d]!.severity, what).to.be.closeTo(mean, 1e-5);
          }
        });
      });
    }
  });

  it("draws from the first residuals only, when told so", function () {
    const early = poolOf(returns.slice(0, 1_300));
    const asked = early.simulate(early.count, seededRandom(7))[1]!.outlooks(DEPTHS, 0.01);
    expect(pool.simulate(early.count, seededRandom(7))[1]!.outlooks(DEPTHS, 0.01)).to.deep.equal(asked);
    expect(pool.simulate(pool.count, seededRandom(7))[1]!.outlooks(DEPTHS, 0.01)).to.not.deep.equal(asked);
    expect(pool.countBefore(1_300)).to.equal(early.count);
  });

  it("keeps the mean of the residuals: prices that only rise have no drawdown", function () {
    const rising = poolOf(returns.map((each) => Math.abs(each) + 1e-6));
    for (const distribution of rising.simulate(rising.count, seededRandom(1))) {
      for (const { probability } of distribution.outlooks(DEPTHS, 0.02)) expect(probability).to.equal(0);
    }
  });

  it("has no residuals of prices that do not move", function () {
    const flat = poolOf(returns.map(() => 0));
    expect(flat.count).to.equal(0);
    expect(flat.volatility).to.equal(0);
  });

  it("counts falls that equal a depth in, and all of them alike", function () {
    const same = new UnitDrawdowns(new Float64Array(100).fill(logDrawdown(0.1) / 0.01));
    const [shallow, equal, deep] = same.outlooks([0.05, 0.1, 0.100001], 0.01);
    expect(shallow!.probability).to.equal(1);
    expect(shallow!.severity).to.be.closeTo(0.1, 1e-6);
    expect(equal!.probability).to.equal(1);
    expect(equal!.severity).to.be.closeTo(0.1, 1e-12);
    expect(deep).to.deep.equal({ probability: 0, severity: null });
  });
});

describe("implied volatility to a horizon", function () {
  const nodes = [
    { calendarDays: 9, volatility: 0.3 },
    { calendarDays: 30, volatility: 0.2 },
    { calendarDays: 93, volatility: 0.25 },
  ];

  it("counts 365 calendar days to 252 sessions", function () {
    expect(calendarDaysOf(252)).to.equal(365);
    expect(calendarDaysOf(63)).to.equal(91.25);
  });

  it("is linear in total variance between nodes and theirs at nodes", function () {
    const variance = (0.04 * 30 + ((0.0625 * 93 - 0.04 * 30) * (61.5 - 30)) / 63) / 61.5;
    expect(interpolatedVolatility(nodes, 61.5)).to.be.closeTo(Math.sqrt(variance), 1e-15);
    expect(interpolatedVolatility(nodes, 30)).to.equal(0.2);
  });

  it("is flat outside the nodes there are, and nothing without any", function () {
    expect(interpolatedVolatility(nodes, 3)).to.equal(0.3);
    expect(interpolatedVolatility(nodes, 184)).to.equal(0.25);
    expect(interpolatedVolatility([nodes[1]!], 91.25)).to.equal(0.2);
    expect(interpolatedVolatility([], 30)).to.equal(null);
  });
});
