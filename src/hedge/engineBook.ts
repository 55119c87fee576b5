import { alvhExposure, alvhOrders, fillAlvh, NO_ALVH } from "./alvh.ts";
import type { AlvhPosition } from "./alvh.ts";
import { condorOrders, fillCondors } from "./condor.ts";
import type { CondorPosition } from "./condor.ts";
import { fillPutSpread, NO_PUT_SPREAD, putSpreadOrder } from "./putSpread.ts";
import { secondEngine } from "./secondEngine.ts";
import type { EngineLayer, SecondEngine } from "./secondEngine.ts";
import { spxExposure } from "./spxOptions.ts";
import type { SpxPosition, SpxSurface } from "./spxOptions.ts";
import { temporalTheta } from "./temporalTheta.ts";
import type { TemporalTheta } from "./temporalTheta.ts";
import type { VixCurve } from "./vixCurve.ts";
import { vixCallExposure, vixCallModelPrice } from "./vixOptions.ts";
import type { ModelPrice } from "./vixOptions.ts";

/** What the Second Engine would hold if it began after a session, bought at that session's model prices. */
export interface EngineBook {
  readonly alvh: readonly (AlvhPosition & { readonly modelPrice: ModelPrice })[];
  readonly condors: readonly CondorPosition[];
  readonly putSpread: SpxPosition | null;
  readonly temporalTheta: TemporalTheta;
  readonly engine: SecondEngine;
}

/** What the book depends on besides prices. */
export interface EngineBookInputs {
  /** Dollars. */
  readonly nav: number;
  readonly stress: boolean;
  /** 0 to 1; null when unknown: the middle. */
  readonly edrPercentile: number | null;
  /** Size of new condors: 0.5 in the days after an event. */
  readonly shortVolatilityScale: number;
}

/** Opens every layer by its own rules. `surface` is null without the S&P: its layers then hold nothing. */
export function engineBook(curve: VixCurve, surface: SpxSurface | null, inputs: EngineBookInputs): EngineBook {
  const { nav, stress, edrPercentile, shortVolatilityScale } = inputs;
  const condors: readonly CondorPosition[] =
    surface === null
      ? []
      : fillCondors(
          [],
          condorOrders([], surface, { vix: curve.vix, nav, sizeFactor: shortVolatilityScale }),
          surface,
          nav,
        ).positions;
  const putSpread =
    surface === null
      ? null
      : fillPutSpread(NO_PUT_SPREAD, putSpreadOrder(NO_PUT_SPREAD, surface), surface, nav).state.position;
  const condorExposure = surface === null ? null : spxExposure(condors, surface);
  const putExposure = surface === null || putSpread === null ? null : spxExposure([putSpread], surface);
  const otherVegaUsd = (condorExposure?.vegaUsd ?? 0) + (putExposure?.vegaUsd ?? 0);
  const orders = alvhOrders(NO_ALVH, curve, { nav, edrPercentile, otherVegaUsd });
  const { positions } = fillAlvh(NO_ALVH, orders, curve, nav).state;
  const calls = alvhExposure(positions, curve);
  const theta = temporalTheta(curve, stress, positions, calls.vegaUsd + otherVegaUsd);

  const layers: EngineLayer[] = [{ name: "ALVH", exposure: calls }];
  if (condorExposure !== null) layers.push({ name: "S&P iron condors", exposure: condorExposure });
  if (putExposure !== null) layers.push({ name: "S&P put spread", exposure: putExposure });
  if (theta.sale !== null) layers.push({ name: "Temporal Theta", exposure: vixCallExposure([theta.sale], curve) });
  return {
    alvh: positions.map((position) => ({
      ...position,
      modelPrice: vixCallModelPrice(curve, position.strike, position.expiryDay),
    })),
    condors,
    putSpread,
    temporalTheta: theta,
    engine: secondEngine(layers, nav, stress),
  };
}
