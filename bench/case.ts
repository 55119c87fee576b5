/** One measured claim: what came out, what the claim is, and whether it holds on this machine. */
export interface BenchCase {
  readonly name: string;
  readonly figure: string;
  readonly wanted: string;
  readonly ok: boolean;
  /** A ratio to something else measured in the same run, or what the figure is made of. */
  readonly detail: string;
}

/** Seconds of the fastest of several runs: what the machine's other work adds to a run is never less than nothing. */
export function fastest(repeats: number, run: () => void): number {
  let best = Infinity;
  for (let i = 0; i < repeats; i++) {
    const from = performance.now();
    run();
    best = Math.min(best, performance.now() - from);
  }
  return best / 1_000;
}
