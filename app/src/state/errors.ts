import { fitEscaped, plainLine } from "../../../src/keeper/ops/text.ts";

/** What went wrong, for people: our own errors say how to mend it, others are cut to their first line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as { code?: unknown }).code;
  if (code === "ACTION_REJECTED") return "You declined in your wallet. Nothing was signed or sent.";
  // Nodes, services and wallets write parts of these.
  return fitEscaped(plainLine(error.message.split("\n")[0] ?? ""), 600);
}

/** A file, a link or an answer that this page cannot use. */
export class Unusable extends Error {
  constructor(what: string, mend: string) {
    super(`${what}. ${mend}`);
    this.name = "Unusable";
  }
}
