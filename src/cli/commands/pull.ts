import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { pull } from "../../market/pull.ts";
import type { PulledFile, PullProgress, PullResult } from "../../market/pull.ts";
import { BROUGHT_FILES, PULL_SOURCES, SOURCE_URLS } from "../../market/sources.ts";
import type { SourceName } from "../../market/sources.ts";
import { addDataOption, dateOption } from "../data.ts";
import { answerNo, log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface Options {
  data: string;
  only?: string[];
  from?: string;
  dryRun?: true;
  sourceUrl: Partial<Record<SourceName, string>>;
}

export function register(program: Command): void {
  addDataOption(program.command("pull"))
    .description("fill the data folder from public sources, with what is missing since each file's last row")
    .option("--only <name...>", "these files, with or without .csv, instead of all")
    .option(
      "--from <date>",
      "begin here instead of at the source's start; in files that are there, fill gaps from here",
    )
    .option("--dry-run", "print what would be asked of whom, ask nothing, write nothing")
    .option(
      "--source-url <name=url>",
      `another address for a source, may be repeated: ${Object.keys(SOURCE_URLS).join(", ")}`,
      sourceUrl,
      {},
    )
    .addHelpText(
      "after",
      examples(
        "ballast pull --data data",
        "ballast pull --data data --only vix vix3m eth funding_eth_8h",
        "ballast pull --dry-run",
        "ballast pull --source-url fred=https://mirror.example.org",
      ),
    )
    .action(run);
}

async function run({ data, only, from, dryRun, sourceUrl: urls }: Options): Promise<void> {
  const progress = progressOn(process.stderr);
  const result = await pull({
    dir: data,
    now: Date.now() / 1_000,
    urls,
    dryRun: dryRun === true,
    ...(only === undefined ? {} : { only: only.map(fileOption) }),
    ...(from === undefined ? {} : { from: dateOption("from", from) }),
    onProgress: progress.show,
  }).finally(progress.stop);
  print(asText(result, data), result);
  if (result.files.some(({ error }) => error !== null)) answerNo();
}

function sourceUrl(text: string, others: Partial<Record<SourceName, string>>): Partial<Record<SourceName, string>> {
  const [, name, url] = /^([a-z-]+)=(https?:\/\/.+?)\/?$/.exec(text) ?? [];
  if (name === undefined || url === undefined || !(name in SOURCE_URLS)) {
    const names = Object.keys(SOURCE_URLS).join(", ");
    throw new UsageError(`--source-url '${text}': write NAME=http://…, with one of these names: ${names}`);
  }
  return { ...others, [name]: url };
}

function fileOption(name: string): string {
  const file = name.endsWith(".csv") ? name : `${name}.csv`;
  if (PULL_SOURCES.some((source) => source.file === file)) return file;
  const brought = BROUGHT_FILES.find((of) => of.file === file);
  if (brought !== undefined) {
    throw new UsageError(`--only ${name}: no source has this file; bring it, ${columnsOf(brought)}: ${brought.where}`);
  }
  throw new UsageError(
    `--only ${name}: no such file; there are ${PULL_SOURCES.map((source) => source.file).join(", ")}`,
  );
}

const columnsOf = ({ columns }: { columns: readonly string[] }): string => `columns ${columns.join(",")}`;

function asText({ files, bring }: PullResult, data: string): string {
  const missing = bring.filter(({ present }) => !present);
  const lines = files.map(lineOf);
  if (missing.length > 0) {
    lines.push("", `Bring your own into ${data}, if you have them (docs/data.md says more):`);
    for (const file of missing) lines.push(`  ${file.file.padEnd(30)} ${columnsOf(file)}: ${file.where}`);
  }
  return lines.join("\n");
}

function lineOf({ file, status, added, rows, to, requests, notes, error }: PulledFile): string {
  const asks = requests.length > 1 ? `${requests[0]!} and ${requests.length - 1} more` : requests[0];
  const what =
    status === "planned"
      ? `${rows} rows${to === null ? "" : ` to ${to}`}; would ask ${asks ?? "nothing"}`
      : `${added} new, ${rows} rows${to === null ? "" : ` to ${to}`}`;
  const more = [...notes, ...(error === null ? [] : [error])].map((line) => `\n    ${line}`);
  return `${file.padEnd(22)} ${status.padEnd(10)} ${what}${more.join("")}`;
}

/** A bar for people who watch; a line a file for logs. */
function progressOn(stream: NodeJS.WriteStream): { show: (progress: PullProgress) => void; stop: () => void } {
  let file = "";
  if (!stream.isTTY) {
    return {
      show: (progress) => {
        if (progress.file !== file) log(`pulling ${progress.file} …`);
        file = progress.file;
      },
      stop: () => undefined,
    };
  }
  const bar = new SingleBar({ stream, format: "{file} [{bar}] {value}/{total}", clearOnComplete: true });
  return {
    show: ({ file: name, done, of }) => {
      if (name !== file) bar.start(of, 0, { file: name.padEnd(22) });
      file = name;
      bar.setTotal(of);
      bar.update(done, { file: name.padEnd(22) });
    },
    stop: () => bar.stop(),
  };
}
