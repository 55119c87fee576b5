/**
 * What a book of options and futures is exposed to, in US dollars and in units that add up across layers: options on the
 * S&P and on VIX are both moved by the S&P's implied volatility.
 */
export interface Exposure {
  readonly valueUsd: number;
  /** Gain for a rise of the S&P by 100 %, at today's slope, implied volatility unchanged. */
  readonly spxDeltaUsd: number;
  /** Change of spxDeltaUsd for a rise of the S&P by 1 %. */
  readonly spxGammaUsd: number;
  /** Gain for a rise of VIX by one point; a future or an option on one moves less, by e^{−κτ}. */
  readonly vegaUsd: number;
  /** Change of vegaUsd for a rise of VIX by one point, from options on VIX. */
  readonly vegaConvexityUsd: number;
  /** Gain for a rise of VVIX by one point. */
  readonly vvixVegaUsd: number;
  /** Gain as one calendar day passes and every curve stays as it is. */
  readonly thetaUsdPerDay: number;
}

export const NO_EXPOSURE: Exposure = {
  valueUsd: 0,
  spxDeltaUsd: 0,
  spxGammaUsd: 0,
  vegaUsd: 0,
  vegaConvexityUsd: 0,
  vvixVegaUsd: 0,
  thetaUsdPerDay: 0,
};

/** Line by line. */
export function addExposures(exposures: readonly Exposure[]): Exposure {
  return exposures.reduce(
    (sum, next) => ({
      valueUsd: sum.valueUsd + next.valueUsd,
      spxDeltaUsd: sum.spxDeltaUsd + next.spxDeltaUsd,
      spxGammaUsd: sum.spxGammaUsd + next.spxGammaUsd,
      vegaUsd: sum.vegaUsd + next.vegaUsd,
      vegaConvexityUsd: sum.vegaConvexityUsd + next.vegaConvexityUsd,
      vvixVegaUsd: sum.vvixVegaUsd + next.vvixVegaUsd,
      thetaUsdPerDay: sum.thetaUsdPerDay + next.thetaUsdPerDay,
    }),
    NO_EXPOSURE,
  );
}
