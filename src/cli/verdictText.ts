import { SECTIONS } from "../keeper/checklist.ts";
import type { Check, Section } from "../keeper/checklist.ts";
import type { Verdict } from "../keeper/verify.ts";
import { MEASURE_LABELS } from "../plan/measures.ts";

const MARKS = { match: "ok ", mismatch: "NO ", "not checked": "-- " } as const;
const NAME_WIDTH = 22;
const SCREEN_WIDTH = 120;
const TOLD = ["decision", "signatures"];
const INDENT = " ".repeat(MARKS.match.length + 1 + NAME_WIDTH + 1);

/**
 * A verdict on one screen: what matches by section in a line each, what does not in a line of its own, the hashes a wallet
 * shows, what would change against the policy's limits, and the sentence. With `all`, every check in a line of its own.
 */
export function renderVerdict(verdict: Verdict, all = false): string {
  const checks = all ? verdict.checks.map(checkLine) : SECTIONS.flatMap((section) => sectionLines(verdict, section));
  return [...checks, ...hashLines(verdict), ...changeLines(verdict), "", conclusion(verdict)].join("\n");
}

function checkLine({ name, outcome, detail }: Check): string {
  return labelled(MARKS[outcome], name, detail);
}

function labelled(mark: string, name: string, text: string): string {
  return wrapped(`${mark} ${name.padEnd(NAME_WIDTH)} ${text}`, INDENT);
}

/** Broken at spaces so that it fits the screen. */
function wrapped(text: string, indent: string): string {
  if (text.length <= SCREEN_WIDTH) return text;
  const at = text.lastIndexOf(" ", SCREEN_WIDTH);
  if (at <= indent.length) return text;
  return `${text.slice(0, at)}\n${wrapped(indent + text.slice(at + 1), indent)}`;
}

function sectionLines({ checks }: Verdict, section: Section): string[] {
  const own = checks.filter((check) => check.section === section);
  const rest = own.filter((check) => !isMatch(check));
  // What is decided, and who signed, are worth their own lines.
  const told = own.filter((check) => isMatch(check) && TOLD.includes(check.name));
  const names = own
    .filter((check) => isMatch(check) && !told.includes(check))
    .map(({ name }) => name.replace(/^(evidence: |safe )/, ""))
    .join(", ");
  return [...(names === "" ? [] : [labelled(MARKS.match, section, names)]), ...[...told, ...rest].map(checkLine)];
}

function isMatch({ outcome }: Check): boolean {
  return outcome === "match";
}

function hashLines({ digests }: Verdict): string[] {
  if (digests === null) return [];
  const row = (name: string, hash: string): string => `    ${name.padEnd(NAME_WIDTH)} ${hash}`;
  return [
    "",
    row("domain hash", digests.domainHash),
    row("message hash", digests.messageHash),
    row("safeTxHash", digests.safeTxHash),
  ];
}

function changeLines({ before, after, policy }: Verdict): string[] {
  if (before === null || after === null || policy === null) return [];
  const row = (...cells: string[]): string =>
    `    ${cells.map((cell, column) => (column === 0 ? cell.padEnd(NAME_WIDTH) : cell.padStart(14))).join(" ")}`;
  const usd = (amount: bigint): string => (Number(amount) / 1e6).toLocaleString("en-US", { maximumFractionDigits: 2 });
  return [
    "",
    row(`judged as ${policy.regime}`, "before", "after", "limit", "margin"),
    row("NAV, USDC", usd(before.navMid), usd(after.navMid)),
    ...policy.rows.map(({ measure, before: was, value, limit, floor, margin }) => {
      const show = measure === "leverageBps" ? times : percent;
      return row(
        MEASURE_LABELS[measure],
        was === null ? "" : show(was),
        show(value),
        `${floor ? "≥" : "≤"} ${show(limit)}`,
        show(margin),
      );
    }),
  ];
}

function percent(bps: bigint): string {
  return `${(Number(bps) / 100).toFixed(2)} %`;
}

function times(bps: bigint): string {
  return `${(Number(bps) / 10_000).toFixed(2)}×`;
}

function conclusion({ cause, checks }: Verdict): string {
  if (cause !== null) return wrapped(`DO NOT SIGN: ${cause.name}: ${cause.detail}`, "  ");
  return checks.some(({ outcome }) => outcome === "not checked")
    ? "MATCH, as far as it was checked: see the lines marked -- above before you sign."
    : "MATCH: what you sign is what the rules give from what the chain says.";
}
