import { bps, counted, eth, grouped, percent, signedPercent, signedUsd, usd } from "../report/format.ts";
import { PART_LABELS, VAULT_LABELS } from "./labels.ts";
import { ATTRIBUTION_PARTS, COUNTED_REGIMES, VAULTS } from "./result.ts";
import type { DayRow, DemoResult } from "./result.ts";
import { verdict } from "./verdict.ts";

/** Below this width a day's sentence goes on lines of its own. */
const WIDE = 120;
/** Narrower terminals get this width and scroll. */
const NARROWEST = 70;
/** Narrower ones get no column of dates: the text beside it has them. */
const DATED = 92;

interface Column {
  readonly head: string;
  readonly width: number;
  readonly left?: boolean;
  readonly cell: (row: DayRow) => string;
}

const COLUMNS: readonly Column[] = [
  { head: "Date", width: 10, left: true, cell: (row) => row.date },
  { head: "VIX", width: 5, cell: (row) => (row.vix === null ? "" : grouped(row.vix, 1)) },
  { head: "Regime", width: 8, left: true, cell: (row) => row.regime },
  { head: "NAV", width: 12, cell: (row) => usd(row.nav.hedged) },
  { head: "Δ before", width: 9, cell: (row) => eth(row.deltaBefore) },
  { head: "Δ after", width: 9, cell: (row) => eth(row.deltaAfter) },
  { head: "Cost", width: 9, cell: (row) => (row.costUsd === 0 ? "" : usd(row.costUsd)) },
];

/**
 * The hedged vault's days for a terminal: a line for each day something was executed or the regime changed, with what
 * was done and why; the quiet days between share one line. Δ is net delta in ETH.
 * @param width columns of the terminal
 */
export function renderTable(result: DemoResult, width: number): string {
  const columns = Math.max(width, NARROWEST);
  const head = COLUMNS.map((column) => pad(column.head, column)).join(" ");
  const lines = [columns >= WIDE ? `${head}  What was done and why` : head, "─".repeat(Math.min(columns, WIDE + 40))];
  for (const group of groupQuietDays(result)) {
    const [first, last] = [group[0], group.at(-1)];
    if (first === undefined || last === undefined) continue;
    lines.push(...(group.length === 1 ? day(first, columns) : quiet(group, first, last, columns)));
  }
  return lines.join("\n") + "\n";
}

/**
 * The run in words and small tables: verdict, the three vaults, where the money came from, gas, regimes.
 * @param width columns of the terminal
 */
export function renderSummary(result: DemoResult, width: number): string {
  const columns = Math.max(width, NARROWEST);
  const { headline, points, caveat } = verdict(result);
  const blocks = [
    result.kind === "synthetic" ? "SYNTHETIC DATA: made-up prices, not market history." : null,
    wrap(headline, columns).join("\n"),
    vaults(result, columns),
    ...points.map(({ title, text }) => [title, ...wrap(text, columns - 2).map((line) => `  ${line}`)].join("\n")),
    attribution(result),
    facts(result, columns),
    wrap(caveat, columns).join("\n"),
    `Report: ${result.report}`,
  ];
  return blocks.filter((block) => block !== null).join("\n\n") + "\n";
}

/** Lines of at most `width` characters, broken at spaces; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const piece = word.length > width ? `${word.slice(0, width - 1)}…` : word;
    if (line !== "" && line.length + 1 + piece.length > width) {
      lines.push(line);
      line = piece;
    } else line = line === "" ? piece : `${line} ${piece}`;
  }
  return line === "" ? lines : [...lines, line];
}

/** Runs of quiet days in one regime; any other day alone. */
function groupQuietDays({ rows, executions }: DemoResult): DayRow[][] {
  const busy = new Set(executions.filter(({ vault }) => vault === "hedged").map(({ date }) => date));
  const groups: DayRow[][] = [];
  let previous: DayRow | undefined;
  for (const row of rows) {
    const quietPair = previous !== undefined && !busy.has(row.date) && !busy.has(previous.date);
    const group = groups.at(-1);
    if (group !== undefined && quietPair && row.regime === previous?.regime) group.push(row);
    else groups.push([row]);
    previous = row;
  }
  return groups;
}

function day(row: DayRow, columns: number): string[] {
  return withSentence(COLUMNS.map((column) => pad(column.cell(row), column)).join(" "), row.text, columns);
}

/** The last day's values, and in words how many days they stand for and where net delta went meanwhile. */
function quiet(group: readonly DayRow[], first: DayRow, last: DayRow, columns: number): string[] {
  const deltas = group.map((row) => row.deltaAfter);
  const range = `net delta ${eth(Math.min(...deltas))} to ${eth(Math.max(...deltas))}`;
  const text = `${counted(group.length, "quiet day")} from ${first.date}, ${range}: ${reasons(group, last)}`;
  return withSentence(COLUMNS.map((column) => pad(column.cell(last), column)).join(" "), text, columns);
}

/** The reasons of quiet days: the sentence when they share one, else the codes with their counts. */
function reasons(group: readonly DayRow[], last: DayRow): string {
  const counts = new Map<string, number>();
  for (const { action } of group) counts.set(action, (counts.get(action) ?? 0) + 1);
  if (counts.size === 1) return last.text;
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([code, count]) => `${code} ×${count}`)
    .join(", ");
}

function withSentence(cells: string, text: string, columns: number): string[] {
  if (columns < WIDE) return [cells.trimEnd(), ...wrap(text, columns - 4).map((line) => `    ${line}`)];
  const indent = " ".repeat(cells.length + 2);
  const [first = "", ...more] = wrap(text, columns - indent.length);
  return [`${cells}  ${first}`.trimEnd(), ...more.map((line) => indent + line)];
}

function vaults({ summary }: DemoResult, columns: number): string {
  const { hedged, unhedged, holdLess } = summary;
  const line = (name: string, nav: string, gain: string, fall: string, dates: string): string =>
    `${name.padEnd(30)} ${nav.padStart(12)} ${gain.padStart(8)} ${fall.padStart(12)}  ${dates}`.trimEnd();
  const paths = VAULTS.map((vault) => {
    const path = { hedged, unhedged, holdLess }[vault];
    const name = VAULT_LABELS[vault] + (vault === "holdLess" ? ` (${percent(holdLess.weight, 0)} of liquidity)` : "");
    const dates = path.maxDrawdown === 0 || columns < DATED ? "" : `${path.maxDrawdownFrom} to ${path.maxDrawdownTo}`;
    return line(name, usd(path.finalNav), signedPercent(path.return), percent(path.maxDrawdown), dates);
  });
  const blends = [
    ["same return, ex post", holdLess.exPost] as const,
    ["same CDaR, ex post", holdLess.cdarMatched] as const,
  ].map(([name, { weight, reason, return: gain, maxDrawdown, finalNav }]) =>
    weight === null || gain === null || maxDrawdown === null || finalNav === null
      ? wrap(`${name}: none. ${reason}`, columns - 2)
          .map((text) => `  ${text}`)
          .join("\n")
      : line(
          `  ${name} (${percent(weight, 0)})`,
          usd(finalNav),
          signedPercent(gain),
          percent(maxDrawdown),
          columns < DATED ? "" : "computed",
        ),
  );
  return [line("", "Final NAV", "Return", "Deepest fall", ""), ...paths, ...blends].join("\n");
}

function attribution({ attribution: { hedged, unhedged, checkBps } }: DemoResult): string {
  const line = (name: string, left: string, right: string): string =>
    `${name.padEnd(30)} ${left.padStart(12)} ${right.padStart(12)}`;
  const parts = [...ATTRIBUTION_PARTS, "total", "navChange"] as const;
  return [
    line("Where the NAV change came from", "Hedged", "Unhedged"),
    ...parts.map((part) => line(PART_LABELS[part], signedUsd(hedged[part]), signedUsd(unhedged[part]))),
    `Parts and NAV agree to within ${bps(checkBps)} of the start NAV.`,
  ].join("\n");
}

function facts(
  { gas, regimes, executed, executions, days, seconds, source, window }: DemoResult,
  columns: number,
): string {
  const verified = executions.filter((execution) => execution.verified).length;
  const perRegime = COUNTED_REGIMES.map((name) => {
    const { days: count, executed: done, verified: checked } = regimes[name];
    return `${name}: ${counted(count, "day")}, ${done} executed, ${checked} verified.`;
  });
  const lines = [
    `${source}, ${window.from} to ${window.to}: ${counted(days, "day")} in ${grouped(seconds, 1)} s.`,
    `${counted(executed, "execution")}, of which ${verified} recomputed from packet and chain and found the same.`,
    ...perRegime,
    `Gas of a rebalance: ${grouped(gas.rebalance.mean)} on average, ${grouped(gas.rebalance.max)} at most.`,
  ];
  return lines.flatMap((text) => wrap(text, columns)).join("\n");
}

function pad(text: string, { width, left }: Column): string {
  return left === true ? text.padEnd(width) : text.padStart(width);
}
