/** What signals are to foresee: the first VIX close above 25 after a quiet month. Arrays are parallel to sessions. */

/** Points. A close above is Stress by the rule machine, and ends quiet. */
export const ONSET_LEVEL = 25;
/** Closes at or below the level that must come before an onset. */
export const QUIET_CLOSES = 20;
/** Sessions ahead in which an onset makes a warning right. */
export const ONSET_HORIZON = 10;
/** Points. Below is Calm by the rule machine. */
const CALM_LEVEL = 15;

/** 1 where it holds, 0 elsewhere. */
export interface OnsetLabels {
  /** The first close above 25 after at least 20 closes at or below it. */
  readonly onset: Uint8Array;
  /** The 20 closes before and this one are at or below 25: a day on which an onset can be foreseen. */
  readonly eligible: Uint8Array;
  /** An onset falls on one of the 10 sessions that follow; in the last 10 sessions only as far as the array goes. */
  readonly hit: Uint8Array;
}

/**
 * Labels sessions by their VIX closes.
 * @param vix points, one a session; NaN, for a session without a close, ends a run of quiet closes
 */
export function labelOnsets(vix: Float64Array): OnsetLabels {
  const n = vix.length;
  const labels = { onset: new Uint8Array(n), eligible: new Uint8Array(n), hit: new Uint8Array(n) };
  let quiet = 0;
  for (let i = 0; i < n; i++) {
    const close = vix[i]!;
    const wasQuiet = quiet >= QUIET_CLOSES;
    if (close > ONSET_LEVEL) {
      if (wasQuiet) {
        labels.onset[i] = 1;
        labels.hit.fill(1, Math.max(0, i - ONSET_HORIZON), i);
      }
      quiet = 0;
    } else if (close <= ONSET_LEVEL) {
      labels.eligible[i] = wasQuiet ? 1 : 0;
      quiet++;
    } else {
      quiet = 0;
    }
  }
  return labels;
}

/** A way from Calm to Stress. */
export interface CalmToStress {
  /** Indices of the last close below 15 and of the first close above 25 after it. */
  readonly from: number;
  readonly to: number;
}

/** Every move from below 15 to above 25, however long it took. */
export function movesFromCalmToStress(vix: Float64Array): CalmToStress[] {
  const moves: CalmToStress[] = [];
  let calm = -1;
  vix.forEach((close, i) => {
    if (close < CALM_LEVEL) calm = i;
    else if (close > ONSET_LEVEL && calm >= 0) {
      moves.push({ from: calm, to: i });
      calm = -1;
    }
  });
  return moves;
}
