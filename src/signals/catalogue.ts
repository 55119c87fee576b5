import { BREADTH_SIGNALS } from "./breadth.ts";
import { CRYPTO_SIGNALS } from "./crypto.ts";
import { MACRO_SIGNALS } from "./macro.ts";
import type { Signal } from "./signal.ts";
import { VOLATILITY_SIGNALS } from "./volatility.ts";

/** Every signal, in the order tables show them; the first is the yardstick. */
export const SIGNALS: readonly Signal[] = [
  ...VOLATILITY_SIGNALS,
  ...BREADTH_SIGNALS,
  ...CRYPTO_SIGNALS,
  ...MACRO_SIGNALS,
];

/** VIX above 20 alone: what every other signal must beat. */
export const YARDSTICK_ID = "vix-above-20";
