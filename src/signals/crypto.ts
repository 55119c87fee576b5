import { MIN_DAILY, MIN_SETTLEMENTS, topTenth } from "./ownPast.ts";
import { seriesSignal } from "./seriesSignal.ts";
import type { Signal } from "./signal.ts";
import { createVixRsi } from "./volatility.ts";
import { runningMean } from "./windows.ts";

const SETTLEMENTS_PER_DAY = 3;
const DAYS_PER_YEAR = 365;
/** A rate per settlement as percent a year, simple. */
const PERCENT_PER_YEAR = SETTLEMENTS_PER_DAY * DAYS_PER_YEAR * 100;
/** Days in the mean for an extreme: single settlements jump. */
const EXTREME_DAYS = 7;
/** Assumption: a round number near the long-run spread of US high-yield bonds over treasuries, in points. */
const BORROW_SPREAD = 5;
/** Assumption: above 15 a price is dear for its cash flow. */
const DEAR_MULTIPLE = 15;
/** RSI above its midline: more rise than fall. */
const RSI_MIDLINE = 50;
/** Days over which a market capitalisation contracts; a fall of 10 % is the customary correction. */
const CONTRACTION_DAYS = 30;
const CORRECTION_PERCENT = -10;
/** Sessions over which VIX rises: a month. */
const MONTH_SESSIONS = 21;

/** Signals from perpetual futures, and from the protocol's and DeFi's numbers that users bring. */
export const CRYPTO_SIGNALS: readonly Signal[] = [
  ...fundingSignals("ETH", "fundingEth"),
  ...fundingSignals("BTC", "fundingBtc"),
  seriesSignal({
    id: "borrow-rate-differential",
    name: "DeFi borrow rate less the federal funds rate",
    seedTerm: "interest-rate differential",
    unit: "percentage points",
    direction: "above",
    at: BORROW_SPREAD,
    thresholdSource: "assumption: about the long-run spread of high-yield bonds",
    inputs: ["defiBorrowRate", "fedFunds"],
    needs: "one rate of each",
    measure: () => (borrow, view) => borrow - (view.latest("fedFunds")?.value ?? NaN),
  }),
  seriesSignal({
    id: "price-to-cash-flow",
    name: "Protocol's price to cash flow",
    seedTerm: "P/CF with RSI(VIX)",
    unit: "times",
    direction: "above",
    at: DEAR_MULTIPLE,
    thresholdSource: "assumption: 15 is dear; with RSI(14) of VIX above its midline",
    inputs: ["vix", "protocolPriceToCashFlow"],
    needs: "250 VIX closes",
    measure: () => {
      const vixRsi = createVixRsi();
      return (_vix, view) => {
        const rsi = vixRsi(view);
        const multiple = view.latest("protocolPriceToCashFlow")?.value ?? NaN;
        return Number.isNaN(rsi) ? NaN : { value: multiple, also: rsi > RSI_MIDLINE };
      };
    },
    also: { holds: "RSI(14) of VIX is above 50", fails: "RSI(14) of VIX is not above 50" },
  }),
  seriesSignal({
    id: "market-cap-contraction",
    name: "Protocol's market capitalisation against 30 days before",
    seedTerm: "market-cap contraction with rising VIX",
    unit: "%",
    direction: "below",
    at: CORRECTION_PERCENT,
    thresholdSource: "custom: a fall of a tenth is a correction; with VIX above its level of 21 sessions before",
    inputs: ["protocolMarketCap", "vix"],
    needs: "values 30 days apart",
    measure: () => (cap, view, day) => {
      const before = view.on("protocolMarketCap", day - CONTRACTION_DAYS);
      const vix = view.latest("vix");
      const vixBefore = view.latest("vix", MONTH_SESSIONS);
      if (before === null || vix === null || vixBefore === null) return NaN;
      return { value: (cap / before - 1) * 100, also: vix.value > vixBefore.value };
    },
    also: {
      holds: "VIX is above its level of 21 sessions before",
      fails: "VIX is not above its level of 21 sessions before",
    },
  }),
  seriesSignal({
    id: "crypto-implied-volatility",
    name: "Crypto implied volatility",
    seedTerm: "crypto implied volatility",
    unit: "points",
    direction: "above",
    ...topTenth(MIN_DAILY),
    inputs: ["cryptoImpliedVolatility"],
    needs: "one value",
    measure: () => (points) => points,
  }),
  seriesSignal({
    id: "crypto-skew",
    name: "Crypto skew, 25-delta put less call",
    seedTerm: "crypto skew",
    unit: "points",
    direction: "above",
    at: 0,
    thresholdSource: "custom: above 0 protection is dearer than upside",
    inputs: ["cryptoSkew"],
    needs: "one value",
    measure: () => (points) => points,
  }),
];

/** Funding below zero, where a short pays for its hedge, and funding in its top tenth, where longs are crowded. */
function fundingSignals(asset: string, series: string): Signal[] {
  const overDays = (days: number) => () => {
    const mean = runningMean(days * SETTLEMENTS_PER_DAY);
    return (rate: number) => mean(rate) * PERCENT_PER_YEAR;
  };
  return [
    seriesSignal({
      id: `funding-${asset.toLowerCase()}-negative`,
      name: `${asset} funding over one day`,
      seedTerm: "funding",
      unit: "% a year",
      direction: "below",
      at: 0,
      thresholdSource: "definition: below 0 a short pays",
      inputs: [series],
      needs: "three settlements",
      measure: overDays(1),
    }),
    seriesSignal({
      id: `funding-${asset.toLowerCase()}-extreme`,
      name: `${asset} funding over seven days`,
      seedTerm: "funding extremes",
      unit: "% a year",
      direction: "above",
      ...topTenth(MIN_SETTLEMENTS),
      inputs: [series],
      needs: "twenty-one settlements",
      measure: overDays(EXTREME_DAYS),
    }),
  ];
}
