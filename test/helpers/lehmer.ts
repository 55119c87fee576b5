/** Lehmer's generator (Park and Miller's minimal standard): the same seed gives the same numbers in (0, 1) for ever. */
export function lehmer(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
