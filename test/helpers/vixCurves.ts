import { AsOfView } from "../../src/market/asOf.ts";
import { vixExpiriesAfter } from "../../src/hedge/vixExpiry.ts";
import { VIX_MODEL } from "../../src/hedge/vixCurve.ts";
import type { VixCurve } from "../../src/hedge/vixCurve.ts";

const NO_EVENTS = new AsOfView({ series: new Map(), events: [], notes: [] });

/** A curve with expiries by the rule; in contango unless a term is given. VVIX is a decimal. */
export function vixCurve(day: number, vix: number, change: Partial<VixCurve> = {}): VixCurve {
  return {
    day,
    vix,
    vvix: 0.9,
    rate: 0.02,
    term: { days: [9, 30, 93, 184], volatilities: [0.95 * vix, vix, 1.1 * vix, 1.15 * vix] },
    expiries: vixExpiriesAfter(NO_EVENTS, day, 13),
    fittedBasis: [],
    quotedBasis: [],
    basisObservations: 0,
    model: VIX_MODEL,
    ...change,
  };
}
