import { fitEscaped, plainLine } from "./ops/text.ts";

/** More than any detail of ours needs; some quote what a packet or a chain says. */
const MAX_DETAIL_LENGTH = 2_000;

/** What a check is about, in the order a verification goes through them. */
export const SECTIONS = ["identity", "call", "evidence", "decision", "now", "policy", "signatures"] as const;
export type Section = (typeof SECTIONS)[number];

/** One check: passed, failed, or not possible here (then `detail` says why, and nothing is claimed). */
export interface Check {
  section: Section;
  name: string;
  outcome: "match" | "mismatch" | "not checked";
  detail: string;
}

/** The checks of a verification, in the order they were made. */
export class Checklist {
  readonly checks: Check[] = [];
  /** What the checks noted from now on are about. */
  section: Section = "identity";

  /** The first check that failed. */
  get cause(): Check | null {
    return this.checks.find((check) => check.outcome === "mismatch") ?? null;
  }

  /** Records a check: null is a match, a text says what is wrong. */
  note(name: string, problem: string | null, matched: string): boolean {
    const outcome = problem === null ? "match" : "mismatch";
    this.#push(name, outcome, problem ?? matched);
    return problem === null;
  }

  /** Records what could not be checked here. */
  skip(name: string, reason: string): void {
    this.#push(name, "not checked", reason);
  }

  /** A detail may quote others: whatever they wrote, it stays one line that reads as it is. */
  #push(name: string, outcome: Check["outcome"], detail: string): void {
    this.checks.push({
      section: this.section,
      name,
      outcome,
      detail: fitEscaped(plainLine(detail), MAX_DETAIL_LENGTH),
    });
  }
}
