import type { Command } from "commander";
import { readFolder } from "../../market/files.ts";
import { checkQuality } from "../../market/quality.ts";
import type { Finding, QualityReport, SeriesSummary } from "../../market/quality.ts";
import { addDataOption, dateOption } from "../data.ts";
import { columns } from "../numbers.ts";
import { answerNo, print } from "../output.ts";
import { examples } from "../program.ts";

/** Findings of one kind about one file that people are shown; --json has all of them. */
const SHOWN = 4;

export function register(program: Command): void {
  const data = program.command("data").description("look after the folder with market history");
  addDataOption(data.command("check"))
    .description("what each series has, what it lacks, and what looks wrong; exit 1 when a file cannot be read")
    .option("--date <date>", "count ages to this date instead of the newest value")
    .addHelpText("after", examples("ballast data check --data data", "ballast data check --data data --json"))
    .action(check);
}

async function check(options: { data: string; date?: string }): Promise<void> {
  const date = options.date === undefined ? undefined : dateOption("date", options.date);
  const report = checkQuality(await readFolder(options.data), date);
  print(asText(report), report);
  if (report.findings.some(({ kind }) => kind === "unreadable")) answerNo();
}

const COLUMNS: readonly (readonly [string, (series: SeriesSummary) => string | number])[] = [
  ["series", ({ series }) => series],
  ["rows", ({ rows }) => rows],
  ["from", ({ from }) => from ?? "-"],
  ["to", ({ to }) => to ?? "-"],
  ["age", ({ ageSessions }) => ageSessions ?? "-"],
  ["missing", ({ missing }) => missing],
  ["outliers", ({ outliers }) => outliers],
  ["vintage", ({ vintage }) => vintage],
];

function asText({ date, series, findings }: QualityReport): string {
  const rows = [COLUMNS.map(([name]) => name), ...series.map((of) => COLUMNS.map(([, cell]) => String(cell(of))))];
  return [
    `Ages are in sessions to ${date}. Vintage 'latest': old values were revised since.`,
    "",
    ...columns(rows),
    "",
    ...shorten(findings),
  ].join("\n");
}

function shorten(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return ["Nothing found."];
  const seen = new Map<string, number>();
  const lines: string[] = [];
  for (const { file, series, kind, sentence } of findings) {
    const key = `${file} ${series ?? ""} ${kind}`;
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    if (count <= SHOWN) lines.push(`${kind.padEnd(10)} ${sentence}`);
  }
  const hidden = [...seen.values()].reduce((total, count) => total + Math.max(0, count - SHOWN), 0);
  return hidden === 0 ? lines : [...lines, `… and ${hidden} more of the same kinds: --json has them all.`];
}
