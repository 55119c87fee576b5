import { alvhOrders, fillAlvh, NO_ALVH } from "../hedge/alvh.ts";
import type { AlvhOrders } from "../hedge/alvh.ts";
import { condorOrders, fillCondors } from "../hedge/condor.ts";
import type { CondorOrders, CondorPosition } from "../hedge/condor.ts";
import { correlation } from "../hedge/correlation.ts";
import type { Correlation } from "../hedge/correlation.ts";
import { fillPutSpread, NO_PUT_SPREAD, putSpreadOrder } from "../hedge/putSpread.ts";
import type { PutSpreadOrder } from "../hedge/putSpread.ts";
import { markSpx, spxModel, spxSurface } from "../hedge/spxOptions.ts";
import type { SpxSurface } from "../hedge/spxOptions.ts";
import { fillTemporalTheta, temporalTheta } from "../hedge/temporalTheta.ts";
import { shiftRoll, shortVolatilityScale } from "../hedge/timeShift.ts";
import { createVixCurve, isVixCurve } from "../hedge/vixCurve.ts";
import type { VixCurve } from "../hedge/vixCurve.ts";
import { vixFuturesMix, vixFuturesReturn, vixFuturesWeight } from "../hedge/vixFutures.ts";
import type { FuturesMix } from "../hedge/vixFutures.ts";
import { markVixCalls, vixCallExposure } from "../hedge/vixOptions.ts";
import type { VixCall } from "../hedge/vixOptions.ts";
import { AsOfView } from "../market/asOf.ts";
import { dayNumber } from "../market/calendar.ts";
import { decisionTime } from "../market/publication.ts";
import type { Dataset } from "../market/series.ts";
import { annualReturn, maxDrawdown } from "./metrics.ts";

/**
 * What each layer of the Second Engine was worth on its own: beside cash that earns nothing, decided at one session, filled
 * at the next one's model prices. What they do for a vault is the backtest's business.
 */

/** A layer's measured worth over the sessions asked for. Decimals of NAV; drawdowns positive. */
export interface LayerWorth {
  readonly name: string;
  readonly annualReturn: number;
  readonly maxDrawdown: number;
  /** Best and worst session. */
  readonly best: number;
  readonly worst: number;
  /** Of its daily returns with the funding that a short of ETH perpetuals received that day; null without funding. */
  readonly fundingCorrelation: Correlation | null;
}

/** What a session knows, for the layers. */
interface Session {
  readonly curve: VixCurve;
  /** Null without the S&P: its layers then stand still. */
  readonly surface: SpxSurface | null;
  readonly stress: boolean;
  readonly shift: (dueSession: string) => string;
  readonly shortScale: number;
}

/** Fills what it decided the session before, then decides; answers its NAV, which begins at START_USD. */
type Layer = (session: Session) => number;

const START_USD = 1_000_000;
/** Half the spread of options on VIX, as a share of their price: as ALVH_POLICY. */
const VIX_HALF_SPREAD = 0.03;
/** Share of NAV in VIX futures while they are held. */
const FUTURES_SHARE = 0.05;
const SESSIONS_PER_YEAR = 252;

/**
 * Steps every layer through the sessions and measures them. `stressOf` says whether the regime of a session, asked in
 * ascending order, is Stress. Sessions whose VIX is unknown are left out.
 */
export function layerWorth(
  dataset: Dataset,
  sessions: readonly string[],
  stressOf: (view: AsOfView, session: string) => boolean,
): LayerWorth[] {
  const view = new AsOfView(dataset);
  const curveOf = createVixCurve();
  const model = spxModel();
  const layers = startLayers();
  const paths = layers.map(() => [START_USD]);
  const funding: (number | null)[] = [];
  let last = -Infinity;
  for (const session of sessions) {
    view.advanceTo(decisionTime(session));
    const stress = stressOf(view, session);
    const curve = curveOf(view, session);
    if (!isVixCurve(curve)) continue;
    const known: Session = {
      curve,
      surface: spxSurface(view, session, model),
      stress,
      shift: (due) => shiftRoll(view, due),
      shortScale: shortVolatilityScale(view, session),
    };
    layers.forEach(({ step }, i) => paths[i]!.push(step(known)));
    const day = dayNumber(session);
    // From the day after the last session on: weekends pay too.
    const { values } = view.between("fundingEth", Math.max(last + 1, day - 6), day);
    funding.push(values.length === 0 ? null : values.reduce((sum, rate) => sum + rate, 0));
    last = day;
  }
  return layers.map(({ name }, i) => {
    const navs = paths[i]!;
    const returns = navs.slice(1).map((nav, t) => nav / navs[t]! - 1);
    return {
      name,
      annualReturn: annualReturn(navs, SESSIONS_PER_YEAR),
      maxDrawdown: maxDrawdown(navs).value,
      best: Math.max(...returns),
      worst: Math.min(...returns),
      fundingCorrelation: correlation(returns, funding),
    };
  });
}

function startLayers(): { name: string; step: Layer }[] {
  const alvh = alvhLayer();
  return [
    { name: "ALVH", step: alvh.step },
    // After ALVH's fill, since it sells inside of what that holds.
    { name: "Temporal Theta", step: thetaLayer(alvh.held) },
    { name: "S&P iron condors", step: condorLayer() },
    { name: "S&P put spreads", step: putSpreadLayer() },
    { name: "VIX futures, held always", step: futuresLayer(() => FUTURES_SHARE) },
    { name: "VIX futures, held when inverted", step: futuresLayer((curve) => FUTURES_SHARE * vixFuturesWeight(curve)) },
  ];
}

function alvhLayer(): { step: Layer; held: () => readonly VixCall[] } {
  let state = NO_ALVH;
  let orders: AlvhOrders = { close: [], open: [], reasons: [] };
  let cash = START_USD;
  const step: Layer = ({ curve, shift }) => {
    const fill = fillAlvh(state, orders, curve, cash + markVixCalls(state.positions, curve));
    ({ state } = fill);
    cash += fill.proceedsUsd - fill.premiumUsd;
    const nav = cash + markVixCalls(state.positions, curve);
    orders = alvhOrders(state, curve, { nav, edrPercentile: null, shiftRoll: shift });
    return nav;
  };
  return { step, held: () => state.positions };
}

function thetaLayer(heldCalls: () => readonly VixCall[]): Layer {
  let sold: VixCall[] = [];
  let sale: VixCall | null = null;
  let cash = START_USD;
  return ({ curve, stress, shortScale }) => {
    const fill = fillTemporalTheta(sold, sale, curve, VIX_HALF_SPREAD);
    sold = fill.positions;
    cash += fill.cashUsd;
    const held = heldCalls();
    const found = temporalTheta(curve, stress, held, vixCallExposure(held, curve).vegaUsd).sale;
    // One sale at a time.
    sale = found === null || sold.length > 0 ? null : { ...found, contracts: found.contracts * shortScale };
    return cash + markVixCalls(sold, curve);
  };
}

function condorLayer(): Layer {
  let positions: CondorPosition[] = [];
  let orders: CondorOrders = { close: [], open: [] };
  let cash = START_USD;
  let nav = START_USD;
  return ({ curve, surface, shortScale }) => {
    if (surface === null) return nav;
    const fill = fillCondors(positions, orders, surface, cash + markSpx(positions, surface));
    ({ positions } = fill);
    cash += fill.cashUsd;
    nav = cash + markSpx(positions, surface);
    orders = condorOrders(positions, surface, { vix: curve.vix, nav, sizeFactor: shortScale });
    return nav;
  };
}

function putSpreadLayer(): Layer {
  let state = NO_PUT_SPREAD;
  let order: PutSpreadOrder | null = null;
  let cash = START_USD;
  let nav = START_USD;
  return ({ surface }) => {
    if (surface === null) return nav;
    const mark = (): number => (state.position === null ? 0 : markSpx([state.position], surface));
    const fill = fillPutSpread(state, order, surface, cash + mark());
    ({ state } = fill);
    cash += fill.proceedsUsd - fill.premiumUsd;
    nav = cash + mark();
    order = putSpreadOrder(state, surface);
    return nav;
  };
}

/** The mix decided at a session is held from the next one's prices to those of the one after: so two steps back. */
function futuresLayer(shareOf: (curve: VixCurve) => number): Layer {
  let decided: { mix: FuturesMix; share: number } | null = null;
  let held: { mix: FuturesMix; share: number } | null = null;
  let before: VixCurve | null = null;
  let nav = START_USD;
  return ({ curve }) => {
    if (held !== null && before !== null) nav *= 1 + held.share * vixFuturesReturn(held.mix, before, curve);
    held = decided;
    decided = { mix: vixFuturesMix(curve), share: shareOf(curve) };
    before = curve;
    return nav;
  };
}
