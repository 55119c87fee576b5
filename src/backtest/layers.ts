/** Layers of options beside the vault's own positions: books of plain data, driven by the pure functions of src/hedge. */

import { ALVH_POLICY, alvhOrders, fillAlvh, NO_ALVH } from "../hedge/alvh.ts";
import type { AlvhOrders, AlvhPolicy } from "../hedge/alvh.ts";
import { CONDOR_POLICY, condorOrders, fillCondors } from "../hedge/condor.ts";
import type { CondorOrders, CondorPolicy, CondorPosition } from "../hedge/condor.ts";
import { markSpx, spxExposure } from "../hedge/spxOptions.ts";
import type { SpxModel, SpxSurface } from "../hedge/spxOptions.ts";
import { fillTemporalTheta, temporalTheta } from "../hedge/temporalTheta.ts";
import type { VixCurve, VixModel } from "../hedge/vixCurve.ts";
import { markVixCalls, vixCallExposure } from "../hedge/vixOptions.ts";
import type { VixCall } from "../hedge/vixOptions.ts";
import { vxthFill, vxthOrder } from "../hedge/vxth.ts";
import type { VxthOrder } from "../hedge/vxth.ts";
import { dayNumber } from "../market/calendar.ts";
import type { Level } from "./parameters.ts";
import type { Reading } from "./readings.ts";
import type { Layer } from "./vault.ts";

const STRESS: Level = 2;

/** Changes of the option model, for its sensitivity. */
export interface LayerOptions {
  readonly halfSpread: number;
  readonly model?: Partial<VixModel>;
  /** Another smile of the S&P. */
  readonly spxModel?: SpxModel;
  /** Whether rolls move away from events. */
  readonly timeShift?: boolean;
  /** Whether sizes follow the EDR percentile (else the middle is taken). */
  readonly useEdr?: boolean;
}

/** ALVH as a layer, which others may sell inside of. */
export interface AlvhLayer extends Layer<Reading> {
  /** The calls held, as of the last fill. */
  readonly held: () => readonly VixCall[];
}

/** ALVH: long VIX calls, never paused. */
export function alvhLayer({ halfSpread, model, timeShift = true, useEdr = true }: LayerOptions): AlvhLayer {
  const policy: AlvhPolicy = { ...ALVH_POLICY, halfSpread };
  let state = NO_ALVH;
  let orders: AlvhOrders | null = null;
  let curve: VixCurve | null = null;
  return {
    line: "alvh",
    held: () => state.positions,
    mark(_mark, inputs) {
      curve = curveOf(inputs, model) ?? curve;
      return curve === null ? 0 : markVixCalls(state.positions, curve);
    },
    decide(inputs, nav) {
      const known = curveOf(inputs, model);
      const edrPercentile = useEdr ? inputs.edrPercentile : null;
      const shift = timeShift ? { shiftRoll: inputs.shiftRoll } : {};
      orders = known === null ? null : alvhOrders(state, known, { nav, edrPercentile, ...shift }, policy);
    },
    fill(inputs, nav) {
      const known = curveOf(inputs, model);
      if (known === null || known.vvix === null || orders === null) return null;
      const before = state.positions;
      const { premiumUsd, proceedsUsd, spreadUsd, ...filled } = fillAlvh(state, orders, known, nav, policy);
      state = filled.state;
      orders = null;
      if (state.positions.length === before.length && state.positions.every((held, i) => held === before[i]))
        return null;
      return {
        paid: premiumUsd - proceedsUsd - spreadUsd,
        cost: spreadUsd,
        turnover: premiumUsd + proceedsUsd,
      };
    },
  };
}

/**
 * Income: iron condors on the S&P by VIX tier, and in Stress the Temporal Theta sale of short-dated calls inside the calls
 * that ALVH holds. With {@link AlvhLayer} it is the Second Engine.
 */
export function incomeLayer(
  alvh: AlvhLayer,
  { halfSpread, model, spxModel, timeShift = true }: LayerOptions,
): Layer<Reading> {
  const policy: CondorPolicy = { ...CONDOR_POLICY, halfSpread };
  let condors: CondorPosition[] = [];
  let condorOrder: CondorOrders | null = null;
  let sold: VixCall[] = [];
  let sale: VixCall | null = null;
  let curve: VixCurve | null = null;
  let surface: SpxSurface | null = null;
  const surfaceOf = (inputs: Reading | null): SpxSurface | null =>
    inputs?.surface == null || spxModel === undefined
      ? (inputs?.surface ?? null)
      : { ...inputs.surface, model: spxModel };
  return {
    line: "income",
    mark(_mark, inputs) {
      curve = curveOf(inputs, model) ?? curve;
      surface = surfaceOf(inputs) ?? surface;
      return (surface === null ? 0 : markSpx(condors, surface)) + (curve === null ? 0 : markVixCalls(sold, curve));
    },
    decide(inputs, nav) {
      const prices = surfaceOf(inputs);
      const known = curveOf(inputs, model);
      condorOrder = null;
      sale = null;
      if (prices === null || known === null) return;
      const scale = timeShift ? inputs.shortVolatilityScale : 1;
      condorOrder = condorOrders(condors, prices, { vix: known.vix, nav, sizeFactor: scale }, policy);
      // One sale at a time: the next one only after the last has expired. The gate opens in Stress only.
      if (sold.length > 0 || inputs.decision !== STRESS) return;
      const held = alvh.held();
      const vega = vixCallExposure(held, known).vegaUsd + spxExposure(condors, prices).vegaUsd;
      const found = temporalTheta(known, true, held, vega);
      sale = found.sale === null ? null : { ...found.sale, contracts: found.sale.contracts * scale };
    },
    fill(inputs, nav) {
      const prices = surfaceOf(inputs);
      const known = curveOf(inputs, model);
      if (prices === null || known === null) return null;
      const before = { condors, sold };
      const condorFill = fillCondors(condors, condorOrder ?? { close: [], open: [] }, prices, nav, policy);
      const thetaFill = fillTemporalTheta(sold, known.vvix === null ? null : sale, known, halfSpread);
      condors = condorFill.positions;
      sold = thetaFill.positions;
      condorOrder = null;
      sale = null;
      const spread = condorFill.spreadUsd + thetaFill.spreadUsd;
      const cash = condorFill.cashUsd + thetaFill.cashUsd;
      if (same(condors, before.condors) && same(sold, before.sold)) return null;
      return { paid: -cash - spread, cost: spread, turnover: Math.abs(cash + spread) };
    },
  };
}

function same<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i]);
}

/** The rule of Cboe's VXTH index as a layer. */
export function vxthLayer({ halfSpread, model }: LayerOptions): Layer<Reading> {
  let positions: VixCall[] = [];
  let order: VxthOrder | null = null;
  let curve: VixCurve | null = null;
  return {
    line: "vxth",
    mark(_mark, inputs) {
      curve = curveOf(inputs, model) ?? curve;
      return curve === null ? 0 : markVixCalls(positions, curve);
    },
    decide(inputs) {
      const known = curveOf(inputs, model);
      order = known === null ? null : vxthOrder(known, dayNumber(inputs.fillSession));
    },
    fill(inputs, nav) {
      const known = curveOf(inputs, model);
      if (known === null || known.vvix === null) return null;
      const expired = positions.some(({ expiryDay }) => expiryDay <= known.day);
      if (order === null && !expired) return null;
      const roll = vxthFill(positions, order, known, nav, halfSpread);
      positions = roll.positions;
      order = null;
      const { premiumUsd, settledUsd, spreadUsd } = roll;
      return {
        paid: premiumUsd - settledUsd - spreadUsd,
        cost: spreadUsd,
        turnover: premiumUsd + settledUsd,
      };
    },
  };
}

function curveOf(inputs: Reading | null, model?: Partial<VixModel>): VixCurve | null {
  const curve = inputs?.curve ?? null;
  return curve === null || model === undefined ? curve : { ...curve, model: { ...curve.model, ...model } };
}
