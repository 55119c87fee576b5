import { expect } from "chai";
import fc from "fast-check";
import { POINT } from "../../src/regime/ruleMachine.ts";
import { CODE_VERSION, MODEL, MODEL_HASH } from "../../src/plan/ruleset.ts";
import { canonicalJson } from "../../src/plan/canonicalJson.ts";
import { EVIDENCE_FORMAT, EvidenceError, evidenceHash, parseEvidence } from "../../src/plan/evidence.ts";
import type { PolicyBands } from "../../src/plan/evidence.ts";
import { brokenTolerance } from "../../src/plan/drift.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { limitRows, measuresOf, navOf, refusalOf } from "../../src/plan/measures.ts";
import type { Holdings, Measures } from "../../src/plan/measures.ts";
import { digestsByHand, digestsOf } from "../../src/safe/digests.ts";
import { readFileSync } from "node:fs";

const PAIR = { baseDecimals: 18, assetDecimals: 6, baseIsToken0: true };
const PRICE = 2_000n * 10n ** 18n;
const ETH = 10n ** 18n;
const USDC = 10n ** 6n;

const BANDS: PolicyBands = {
  netDeltaMinBps: -500,
  netDeltaMaxBps: 1_000,
  grossMaxBps: 6_500,
  leverageMaxBps: 30_000,
  liquidityMaxBps: 5_000,
  concentrationMaxBps: 5_000,
  cashMinBps: 1_000,
  lossMaxBps: 100,
};
const INSIDE: Measures = {
  netDeltaMinBps: 100n,
  netDeltaMaxBps: 100n,
  grossBps: 3_000n,
  leverageBps: 9_000n,
  liquidityBps: 4_000n,
  concentrationBps: 4_000n,
  cashBps: 4_000n,
};

const loose = { tickLower: 0, tickUpper: 10, liquidity: 0n, feesAsset: 0n, idleBase: 0n };
const HELD: Holdings = {
  cash: 500_000n * USDC,
  // 100 ETH outside any range: delta and value are plain.
  liquidity: [{ ...loose, feesBase: 100n * ETH, unitsAside: 0n, unitsTotal: 0n }],
  perps: [
    { size: -50n * ETH, openNotional: 110_000n * USDC, collateral: 50_000n * USDC, pendingFunding: 10_000n * USDC },
  ],
};

describe("What the policy judges, worked out from raw positions", () => {
  it("is as the Rebalancer measures it", () => {
    // Liquidity 200,000; perpetual 50,000 + 110,000 − 10,000 − 100,000 = 50,000; cash 500,000.
    const nav = navOf(HELD, PRICE, PAIR);
    expect(nav).to.equal(750_000n * USDC);
    expect(measuresOf(HELD, PRICE, PAIR, nav)).to.deep.equal({
      netDeltaMinBps: 1_333n,
      netDeltaMaxBps: 1_333n,
      grossBps: 4_000n,
      leverageBps: 20_000n,
      liquidityBps: 2_666n,
      concentrationBps: 2_666n,
      cashBps: 6_666n,
    });
    expect(Object.values(measuresOf(HELD, PRICE, PAIR, 0n)).every((value) => value === 0n)).to.equal(true);
  });

  it("leaves out what is set aside for others, and calls a short without equity leverage beyond any limit", () => {
    const [account] = HELD.perps;
    const held: Holdings = {
      ...HELD,
      liquidity: [{ ...HELD.liquidity[0]!, unitsAside: 1n, unitsTotal: 4n }],
      perps: [{ ...account!, collateral: 0n, openNotional: 0n }],
    };
    expect(navOf(held, PRICE, PAIR)).to.equal(650_000n * USDC);
    const measures = measuresOf(held, PRICE, PAIR, 650_000n * USDC);
    expect(measures.leverageBps).to.equal(2n ** 255n - 1n);
    expect(measures.netDeltaMinBps).to.equal(769n);
    const short = measuresOf({ ...held, liquidity: [] }, PRICE, PAIR, 650_000n * USDC);
    expect(short.netDeltaMaxBps, "rounded towards zero").to.equal(-1_538n);
  });

  it("is shown with what is left to each limit, floors the other way round", () => {
    const rows = limitRows(INSIDE, { ...INSIDE, leverageBps: 31_000n, cashBps: 900n }, BANDS);
    expect(rows.map(({ measure, margin }) => [measure, margin])).to.deep.equal([
      ["netDeltaMinBps", 600n],
      ["netDeltaMaxBps", 900n],
      ["grossBps", 3_500n],
      ["leverageBps", -1_000n],
      ["liquidityBps", 1_000n],
      ["concentrationBps", 1_000n],
      ["cashBps", -100n],
    ]);
  });

  it("passes inside, and outside when a breach shrinks by the step and none grows", () => {
    const refused = (before: Partial<Measures>, after: Partial<Measures>): string | null =>
      refusalOf("Stress", { ...INSIDE, ...before }, { ...INSIDE, ...after }, BANDS, 50n);
    expect(refused({}, {})).to.equal(null);
    expect(refused({}, { liquidityBps: 5_001n })).to.include("liquidityBps is 5001");
    expect(refused({ liquidityBps: 6_000n }, { liquidityBps: 5_950n })).to.equal(null);
    expect(refused({ liquidityBps: 6_000n }, { liquidityBps: 5_951n })).to.include("liquidityBps is 5951 after 6000");
    expect(refused({ liquidityBps: 6_000n, cashBps: 900n }, { liquidityBps: 5_000n, cashBps: 899n })).to.include(
      "cashBps is 899",
    );
    expect(refused({ netDeltaMinBps: -600n }, { netDeltaMinBps: -550n })).to.equal(null);
    const unknown = refusalOf("Unknown", INSIDE, { ...INSIDE, grossBps: 3_001n }, BANDS, 50n);
    expect(unknown).to.include("while the regime is Unknown");
  });
});

describe("A plan's tolerance", () => {
  const plan = {
    fromPrice: "1000",
    toleranceBps: 600,
    liquidity: [{ fromLiquidity: "1000" }],
    perps: [{ fromSize: "-1000" }],
  } as Plan;
  /** Prices with one decimal place less than a feed's: asset at one dollar, base at `price`. */
  const now = (price: string, liquidity: string, size: string): Evidence =>
    ({
      feeds: { base: { answer: price, decimals: 18 }, asset: { answer: "1", decimals: 0 } },
      liquidity: { liquidity },
      perp: { size },
      vault: { baseDecimals: 18 },
    }) as Evidence;

  it("is broken beyond its share of the larger of then and now, up or down", () => {
    expect(brokenTolerance(plan, now("1063", "940", "-1000"))).to.equal(null);
    for (const [price, liquidity, size, what] of [
      ["1064", "1000", "-1000", "price"],
      ["939", "1000", "-1000", "price"],
      ["1000", "1064", "-1000", "liquidity"],
      ["1000", "0", "-1000", "liquidity"],
      ["1000", "1000", "-939", "short"],
      ["1000", "1000", "0", "short"],
    ] as const) {
      expect(brokenTolerance(plan, now(price, liquidity, size)), `${price} ${liquidity} ${size}`).to.include(what);
    }
    expect(brokenTolerance(plan, now("1000", "1064", "-1000"))).to.equal("liquidity was 1,000, is 1,064");
    expect(brokenTolerance({ ...plan, liquidity: [], perps: [] }, now("1000", "0", "0"))).to.equal(null);
  });
});

describe("What evidence says of itself", () => {
  it("names the regime model by the hash of the thresholds that the rule machine runs on", () => {
    expect(MODEL).to.include({
      elevatedFrom: (15n * POINT).toString(),
      stressAbove: (25n * POINT).toString(),
      dwell: 5,
    });
    expect(MODEL_HASH).to.equal(evidenceHash(JSON.parse(canonicalJson(MODEL))));
    expect(MODEL_HASH).to.not.equal(evidenceHash({ ...MODEL, dwell: 4 }));
  });

  it("says the version of this software", () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(CODE_VERSION).to.equal(version);
  });

  it("in another format is refused by that format's name", () => {
    for (const format of ["ballast-evidence/1", "ballast-evidence/9"]) {
      expect(() => parseEvidence({ format }))
        .to.throw(EvidenceError, `it is ${format}, and this version of Ballast reads ${EVIDENCE_FORMAT}`)
        .with.property("path", "format");
    }
    for (const value of [null, 7, {}, { format: 1 }]) expect(() => parseEvidence(value)).to.throw(EvidenceError);
  });
});

describe("The hashes owners sign", () => {
  it("are the same put together word by word", () => {
    const amount = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }).map(String);
    const bytes = (size: number) =>
      fc.uint8Array({ minLength: size, maxLength: size }).map((value) => `0x${Buffer.from(value).toString("hex")}`);
    const data = fc.uint8Array({ maxLength: 200 }).map((value) => `0x${Buffer.from(value).toString("hex")}`);
    const tx = fc.record({
      to: bytes(20),
      value: amount,
      data,
      operation: fc.constantFrom(0 as const, 1 as const),
      safeTxGas: amount,
      baseGas: amount,
      gasPrice: amount,
      gasToken: bytes(20),
      refundReceiver: bytes(20),
      nonce: amount,
    });
    fc.assert(
      fc.property(amount, bytes(20), tx, (chainId, safe, safeTx) => {
        expect(digestsByHand(chainId, safe, safeTx)).to.deep.equal(digestsOf(chainId, safe, safeTx));
      }),
      { numRuns: 100 },
    );
  });
});
