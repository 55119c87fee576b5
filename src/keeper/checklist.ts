/** One check: passed, failed, or not possible here (then `detail` says why, and nothing is claimed). */
export interface Check {
  name: string;
  outcome: "match" | "mismatch" | "not checked";
  detail: string;
}

/** The checks of a verification, in the order they were made. */
export class Checklist {
  readonly checks: Check[] = [];

  /** The first check that failed. */
  get cause(): Check | null {
    return this.checks.find((check) => check.outcome === "mismatch") ?? null;
  }

  /** Records a check: null is a match, a text says what is wrong. */
  note(name: string, problem: string | null, matched: string): boolean {
    this.checks.push({ name, outcome: problem === null ? "match" : "mismatch", detail: problem ?? matched });
    return problem === null;
  }

  /** Records what could not be checked here. */
  skip(name: string, reason: string): void {
    this.checks.push({ name, outcome: "not checked", detail: reason });
  }
}
