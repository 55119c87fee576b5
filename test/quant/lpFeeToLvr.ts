import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { feeToLvr, PoolHistoryError } from "../../src/hedge/feeToLvr.ts";
import type { PoolInterval } from "../../src/hedge/feeToLvr.ts";
import { parseSeries } from "../../src/market/csv.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

/** The pool's fee, 0.05 %. */
const FEE = 0.0005;
const CALM = ["2023-08-13", "2023-08-14", "2023-08-15", "2023-08-16"];
const CRASH = ["2023-08-17"];
const MINUTES = [1, 5, 15, 30, 60];

describe("Fees against loss-versus-rebalancing", () => {
  it("is ρ on a path made to earn it", () => {
    // Prices up and down by 1 %: each step loses √P·r²/4 per unit of liquidity, and earns 0.7 times that.
    const r = Math.log(1.01);
    const history = Array.from({ length: 101 }, (_, i) => {
      const price = i % 2 === 0 ? 1 : 1.01;
      const earned = i === 0 ? 0 : (0.7 * Math.sqrt(price) * r * r) / 4;
      return { price, in0: 0, in1: (earned * 1_000) / FEE, liquidity: 1_000 };
    });
    expect(Math.abs(feeToLvr(history, FEE, 1) - 0.7) < 1e-12).to.equal(true);
    expect(() => feeToLvr(history, FEE, 2)).to.throw(PoolHistoryError, "no move");
    expect(() => feeToLvr([], FEE, 1)).to.throw(PoolHistoryError, "has 0 intervals");
    expect(() => feeToLvr([{ ...history[0]!, price: 0 }, history[1]!], FEE, 1)).to.throw(PoolHistoryError, "price 0");
  });

  it("is above one in calm and below it in the crash, on five real days", async function () {
    if (dataMissing("fees against LVR of Uniswap v3 USDC/WETH 0.05 %")) return;
    for (const [name, days, low, high] of [
      ["calm", CALM, 1, 2],
      ["crash", CRASH, 0.2, 0.7],
    ] as const) {
      const history = (await Promise.all(days.map(readDay))).flat();
      const ratios = MINUTES.map((minutes) => feeToLvr(history, FEE, minutes));
      const shown = ratios.map((ratio, i) => `${MINUTES[i]} min ${ratio.toFixed(2)}`).join(", ");
      console.log(`      ${name}, sampled every ${shown}`);
      for (const ratio of ratios) expect(ratio > low && ratio < high, shown).to.equal(true);
    }
  });
});

async function readDay(date: string): Promise<PoolInterval[]> {
  const file = `uniswap_v3_usdc_weth_005_${date}.csv`;
  const rows = parseSeries(await readFile(join(DATA_DIR, "defi", file), "utf8"), file, {
    closeTick: "number",
    inAmount0: "number",
    inAmount1: "number",
    currentLiquidity: "number",
  });
  return rows.map((row) => ({
    price: 1.0001 ** row.closeTick,
    in0: row.inAmount0,
    in1: row.inAmount1,
    liquidity: row.currentLiquidity,
  }));
}
