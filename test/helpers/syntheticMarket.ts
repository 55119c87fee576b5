import { dateOfDay, dayNumber, isSession } from "../../src/market/calendar.ts";
import { buildDataset } from "../../src/market/dataset.ts";
import type { DataFiles } from "../../src/market/dataset.ts";
import type { Dataset } from "../../src/market/series.ts";
import { lehmer } from "./lehmer.ts";

export interface MarketShape {
  readonly from: string;
  readonly to: string;
  readonly seed?: number;
  /** ETH's drift a day, as a logarithm. */
  readonly drift?: number;
}

/** Two made-up files, the least a backtest needs: ETH that wanders with a drift, VIX that reverts to 18 and jumps. */
export function marketFiles({ from, to, seed = 1, drift = 0 }: MarketShape): DataFiles {
  const random = lehmer(seed);
  const eth = ["date,open,high,low,close,volume"];
  const vix = ["date,open,high,low,close"];
  let price = 300;
  let level = Math.log(18);
  for (let day = dayNumber(from); day <= dayNumber(to); day++) {
    const date = dateOfDay(day);
    const open = price;
    price *= Math.exp(drift + (random() - 0.5) * 0.16);
    const high = Math.max(open, price) * (1 + random() * 0.02);
    const low = Math.min(open, price) * (1 - random() * 0.02);
    eth.push([date, ...[open, high, low, price].map((one) => one.toFixed(4)), "1000"].join(","));
    if (!isSession(date)) continue;
    level += 0.05 * (Math.log(18) - level) + (random() - 0.5) * 0.12 + (random() < 0.01 ? 0.5 : 0);
    const close = Math.exp(level).toFixed(2);
    vix.push([date, close, close, close, close].join(","));
  }
  return { "eth.csv": `${eth.join("\n")}\n`, "vix.csv": `${vix.join("\n")}\n` };
}

/** As a dataset. */
export function syntheticMarket(shape: MarketShape): Dataset {
  return buildDataset(marketFiles(shape));
}
