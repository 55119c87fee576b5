import type { Check, Section } from "../../../src/keeper/checklist.ts";

/** How a check is shown: never by colour alone. */
export const LIGHTS = {
  match: { word: "matches", colour: "green", sign: "✓" },
  mismatch: { word: "does not match", colour: "red", sign: "✕" },
  "not checked": { word: "not checked", colour: "amber", sign: "–" },
} as const satisfies Record<Check["outcome"], { word: string; colour: string; sign: string }>;

/** What a section of checks is about, in plain words. */
export const SECTION_TITLES: Record<Section, string> = {
  identity: "Your Safe and vault",
  call: "The transaction",
  evidence: "What it was decided from",
  decision: "The decision",
  now: "Whether it still holds",
  policy: "The limits of your policy",
  signatures: "Signatures",
};

/** Checks whose names say little to a member; the name itself stays beside, as the command line prints it. */
const TITLES = new Map([
  ["plain call", "Calls, and does nothing else"],
  ["call", "The bytes are what is shown"],
  ["safeTxHash", "What your wallet signs"],
  ["evidence: slot", "Decided in its own time window"],
  ["scope", "Leaves out nothing it should do"],
  ["ruleset", "The rules in force"],
  ["model", "The regime model in force"],
  ["code version", "The software in force"],
  ["decision", "The rules give this very plan"],
  ["freshness", "Unused and not expired"],
  ["simulation", "It would run now"],
  ["safe untouched", "The Safe itself stays as it is"],
  ["proposed now", "The rules still call for it"],
  ["policy by contract", "The contract agrees on the limits"],
  ["node", "The node is up to date"],
]);

export function titleOf(name: string): string {
  return TITLES.get(name) ?? name;
}

/** How many checks came out which way. */
export interface Tally {
  match: number;
  mismatch: number;
  "not checked": number;
}

export function tallyOf(checks: readonly Check[]): Tally {
  const count = (outcome: Check["outcome"]): number => checks.filter((check) => check.outcome === outcome).length;
  return { match: count("match"), mismatch: count("mismatch"), "not checked": count("not checked") };
}

/** Red checks that nobody can wave through: another Safe or vault, a call that is more than a call, a change of the Safe. */
const FINAL = new Set([
  ...["your safe", "safe", "safe code", "chain", "plain call", "safeTxHash"],
  ...["contracts", "your vault", "guard", "safe untouched"],
]);

/** Everything that is red, as one text; null when nothing is. What a member accepts is this text and no other. */
export function causeOf(checks: readonly Check[]): string | null {
  const red = checks.filter(({ outcome }) => outcome === "mismatch");
  return red.length === 0 ? null : red.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
}

/** What is not checked now and was before, as one text; null for nothing. What a member saw is what they sign by. */
export function newlyUnchecked(seen: readonly Check[], now: readonly Check[]): string | null {
  const open = new Set(seen.filter(({ outcome }) => outcome === "not checked").map(({ name }) => name));
  const more = now.filter(({ name, outcome }) => outcome === "not checked" && !open.has(name));
  return more.length === 0 ? null : more.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
}

/**
 * Whether the evidence is what was read again, from a block of this chain and by these rules: only then is anything told by
 * it. Checks stop early at a packet that is none.
 */
export function isReadAgain(checks: readonly Check[]): boolean {
  const about = ({ name }: Check): boolean => ["ruleset", "model"].includes(name) || name.startsWith("evidence");
  return (
    checks.some(({ name }) => name === "decision") &&
    !checks.some((check) => check.outcome === "mismatch" && about(check))
  );
}

/** Whether a red check leaves nothing to decide. */
export function isFinal(checks: readonly Check[]): boolean {
  return checks.some(({ name, outcome }) => outcome === "mismatch" && FINAL.has(name));
}

/** The verdict in one line. */
export function verdictLine(
  checks: readonly Check[],
  about: "plan" | "guard" = "plan",
): { colour: "green" | "amber" | "red"; text: string } {
  const tally = tallyOf(checks);
  const of = `${tally.match} of ${checks.length} checks`;
  const red = checks.find(({ outcome }) => outcome === "mismatch");
  if (red !== undefined) return { colour: "red", text: `Do not sign: ${red.name} does not match. ${of} match.` };
  if (tally["not checked"] > 0) {
    const left = tally["not checked"];
    return { colour: "amber", text: `Nothing is wrong as far as it was checked: ${of} match, ${left} not checked.` };
  }
  const claim = about === "plan" ? "this is what your rules call for" : "this is the review guard of your vault";
  return { colour: "green", text: `Safe to sign: recomputed from the chain, ${claim}. ${of}.` };
}
