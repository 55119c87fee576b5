import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { addDays, dayNumber } from "./calendar.ts";
import { parseSeries } from "./csv.ts";
import type { ColumnKind, Columns } from "./csv.ts";
import { ChecksumError, download, downloadChecked, DownloadError, PATIENCE, sha256 } from "./download.ts";
import type { Patience } from "./download.ts";
import { publishedAt } from "./publication.ts";
import { BROUGHT_FILES, fileTraits, PULL_SOURCES, SOURCE_URLS } from "./sources.ts";
import type { BroughtFile, PullSource, SourceName, SourceStep } from "./sources.ts";
import { readSource } from "./sourceFormats.ts";
import type { SourceRow } from "./sourceFormats.ts";

export interface PullOptions {
  /** The folder to fill; made when it is not there. */
  readonly dir: string;
  /** Seconds since 1970-01-01 UTC: rows that are not final by then are dropped. */
  readonly now: number;
  /** Names of files to pull (vix.csv); all by default. */
  readonly only?: readonly string[];
  /** Where to begin instead of the source's own start; with a file that is there, from where to compare and fill gaps. */
  readonly from?: string;
  /** Say what would be asked for, ask for nothing, write nothing. */
  readonly dryRun?: boolean;
  /** Other addresses for sources. */
  readonly urls?: Partial<Readonly<Record<SourceName, string>>>;
  readonly patience?: Patience;
  readonly onProgress?: (progress: PullProgress) => void;
}

/** One request of a file done, of so many as are known to come (pages: one more each time). */
export interface PullProgress {
  readonly file: string;
  readonly done: number;
  readonly of: number;
}

/** `partial`: some rows came, and were kept, before it failed. */
export type PullStatus = "updated" | "unchanged" | "partial" | "failed" | "planned";

export interface PulledFile {
  readonly file: string;
  readonly status: PullStatus;
  readonly added: number;
  readonly rows: number;
  readonly to: string | null;
  /** Every address asked, or to be asked. */
  readonly requests: readonly string[];
  /** What a careful user wants to know: rows that disagree, were revised, are not final. */
  readonly notes: readonly string[];
  readonly error: string | null;
}

export interface PullResult {
  readonly files: readonly PulledFile[];
  /** Files that no public source offers, and whether they are in the folder. */
  readonly bring: readonly (BroughtFile & { readonly present: boolean })[];
}

/** What the folder says of itself: made by every pull, read by the next one. */
export const MANIFEST_FILE = "pull.json";

/** `source` is the last address asked; `brought` marks a file that no source fills. */
const MANIFEST_ENTRY = z.object({
  sha256: z.string(),
  rows: z.number().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  source: z.string().optional(),
  pulledAt: z.string().optional(),
  brought: z.literal(true).optional(),
});
type ManifestEntry = z.infer<typeof MANIFEST_ENTRY>;

/** A file of the folder cannot be gone on with. */
export class StoredFileError extends Error {
  constructor(file: string, problem: string) {
    super(`${file}: ${problem}. Move it away to pull it anew, or keep it and pull the others with --only.`);
    this.name = "StoredFileError";
  }
}

/** A source answered less than what is stored already. */
export class SourceShrankError extends Error {
  constructor(file: string, stored: string, answered: string) {
    super(`${file}: stored is ${stored}, the source answered ${answered} only. The stored file is kept; try later.`);
    this.name = "SourceShrankError";
  }
}

/**
 * Fills a data folder from the public sources of sources.ts, one file after the other: of each only what is missing since
 * its last row (a revised series as a whole). A file that fails is named in the result and left as it was, or longer by
 * the rows that came before the failure; the others go on. Every file is written beside its place and renamed, so
 * that an interruption leaves a whole file. Throws only what concerns the folder itself.
 */
export async function pull(options: PullOptions): Promise<PullResult> {
  const { dir, dryRun = false, only } = options;
  if (!dryRun) await mkdir(dir, { recursive: true });
  const manifest = await readManifest(dir);
  const files: PulledFile[] = [];
  for (const source of PULL_SOURCES.filter(({ file }) => only?.includes(file) ?? true)) {
    files.push(await pullFile(source, options, manifest));
    if (!dryRun) await writeManifest(dir, manifest);
  }
  const bring: PullResult["bring"][number][] = [];
  for (const brought of BROUGHT_FILES) {
    const text = await readIfThere(join(dir, brought.file));
    bring.push({ ...brought, present: text !== null });
    if (text !== null) manifest[brought.file] = { sha256: sha256(text), brought: true };
  }
  if (!dryRun) await writeManifest(dir, manifest);
  return { files, bring };
}

async function pullFile(
  source: PullSource,
  options: PullOptions,
  manifest: Record<string, ManifestEntry>,
): Promise<PulledFile> {
  const { file } = source;
  const { dir, now, dryRun = false } = options;
  const requests: string[] = [];
  const notes: string[] = [];
  const result = (status: PullStatus, rows: readonly SourceRow[], added: number, error: unknown = null): PulledFile => {
    const to = rows.at(-1)?.key ?? null;
    return {
      file,
      status,
      added,
      rows: rows.length,
      to,
      requests,
      notes,
      error: error === null ? null : messageOf(error),
    };
  };

  let stored: SourceRow[] = [];
  try {
    const text = await readIfThere(join(dir, file));
    if (text !== null) {
      stored = readStored(source, text);
      const known = manifest[file]?.sha256;
      if (known !== undefined && known !== sha256(text)) notes.push("changed by hand since the last pull");
    }
    const plan = planOf(source, stored, options);
    if (dryRun) {
      requests.push(...plan.steps.flatMap(({ urls }) => urls));
      return result("planned", stored, 0);
    }

    const fetched = await fetchRows(source, plan, options, requests);
    notes.push(...fetched.notes);
    const wanted = fetched.rows.filter(({ key }) => key >= plan.start);
    const unfinished = wanted.filter(({ key }) => !isFinal(file, key, now)).map(({ key }) => key);
    if (unfinished.length > 0) notes.push(`not final yet, left out: ${unfinished.join(", ")}`);
    const final = wanted.slice(0, wanted.length - unfinished.length);
    if (fetched.error !== null && final.length === 0) return result("failed", stored, 0, fetched.error);
    const { rows, added, changed } = merge(source, stored, final, notes, fetched.error === null);
    const isNew = added + changed > 0;
    const csv = asCsv(source, rows);
    if (isNew) await writeWhole(dir, file, csv);
    manifest[file] = {
      ...(isNew ? { source: requests.at(-1)!, pulledAt: new Date(now * 1_000).toISOString() } : manifest[file]),
      ...{ sha256: sha256(isNew ? csv : text!), rows: rows.length, from: rows[0]!.key, to: rows.at(-1)!.key },
    };
    if (fetched.error !== null) return result(isNew ? "partial" : "failed", rows, added, fetched.error);
    return result(isNew ? "updated" : "unchanged", rows, added);
  } catch (error) {
    return result("failed", stored, 0, error);
  }
}

// What to ask for

/** Days before the last row that are asked for again, to see whether the source still says the same. */
const OVERLAP_DAYS = 7;

interface Plan {
  /** The first date of interest. */
  readonly start: string;
  readonly steps: readonly PlannedStep[];
}

interface PlannedStep {
  readonly step: SourceStep;
  /** The address of the rows from an instant (milliseconds UTC) on, or of a month's. */
  readonly urlOf: (startMs: number, month?: string) => string;
  /** What is asked for in any case: one page, or an archive a month. */
  readonly urls: readonly string[];
}

const MILLISECONDS_PER_DAY = 86_400_000;

function planOf(source: PullSource, stored: readonly SourceRow[], { from, urls: bases, now }: PullOptions): Plan {
  const last = stored.at(-1)?.key.slice(0, 10);
  const goOn = last === undefined ? (from ?? source.from) : addDays(last, -OVERLAP_DAYS);
  const revised = fileTraits(source.file).vintage === "latest";
  const start = revised ? source.from : from !== undefined && from < goOn ? from : goOn;
  const startMs = dayNumber(start) * MILLISECONDS_PER_DAY;
  const steps = source.steps.map((step): PlannedStep => {
    const urlOf = (ms: number, month = ""): string => {
      const filled = step.path
        .replaceAll("{startMs}", String(ms))
        .replaceAll("{start}", new Date(ms).toISOString().slice(0, 10))
        .replaceAll("{month}", month)
        .replaceAll("{limit}", step.paging === "after" ? String(step.limit) : "");
      return `${bases?.[step.source] ?? SOURCE_URLS[step.source]}${filled}`;
    };
    const months = step.paging === "month" ? finishedMonths(start, now) : [""];
    return { step, urlOf, urls: months.map((month) => urlOf(startMs, month)) };
  });
  return { start, steps };
}

/** YYYY-MM of each month from the start's to the last one that is over. */
function finishedMonths(start: string, now: number): string[] {
  const months: string[] = [];
  const date = new Date(`${start.slice(0, 7)}-01T00:00:00Z`);
  for (;;) {
    const month = date.toISOString().slice(0, 7);
    date.setUTCMonth(date.getUTCMonth() + 1);
    if (date.getTime() > now * 1_000) return months;
    months.push(month);
  }
}

// Asking

interface Fetched {
  readonly rows: readonly SourceRow[];
  readonly notes: readonly string[];
  /** What stopped it, null when nothing did; the rows are those before. */
  readonly error: unknown;
}

async function fetchRows(source: PullSource, plan: Plan, options: PullOptions, requests: string[]): Promise<Fetched> {
  const rows: SourceRow[] = [];
  const notes: string[] = [];
  for (const [i, planned] of plan.steps.entries()) {
    try {
      for await (const page of pages(source, planned, rows, options, requests)) rows.push(...page);
      if (source.use === "first") break;
    } catch (error) {
      const next = plan.steps[i + 1];
      // A wrong checksum is no reason to look for a source that publishes none.
      if (next === undefined || error instanceof ChecksumError) return { rows, notes, error };
      notes.push(`${planned.step.source} failed, ${next.step.source} was asked instead: ${messageOf(error)}`);
    }
  }
  return { rows, notes, error: null };
}

/** The pages of one step, without the rows that are there; `rows` says where to go on and grows between two pages. */
async function* pages(
  { file, columns }: PullSource,
  { step, urls, urlOf }: PlannedStep,
  rows: readonly SourceRow[],
  { patience = PATIENCE, onProgress }: PullOptions,
  requests: string[],
): AsyncGenerator<readonly SourceRow[]> {
  const before = requests.length;
  const read = (body: Uint8Array, url: string, more: number): readonly SourceRow[] => {
    onProgress?.({ file, done: requests.length, of: requests.length + more });
    return readSource(step.format, body, columns, url);
  };
  const unseen = (page: readonly SourceRow[]): readonly SourceRow[] => {
    const last = rows.at(-1)?.key ?? "";
    return page.filter(({ key }) => key > last);
  };
  if (step.paging === "after") {
    for (;;) {
      const last = rows.at(-1)?.key;
      const url = last === undefined ? urls[0]! : urlOf(Date.parse(last) + 1);
      requests.push(url);
      const page = read(await download(url, patience), url, 0);
      const fresh = unseen(page);
      yield fresh;
      // A short page is the last one; a server that answers the same page for ever must not keep us.
      if (page.length < step.limit || fresh.length === 0) return;
    }
  }
  for (const url of urls) {
    requests.push(url);
    const more = before + urls.length - requests.length;
    if (step.paging === "whole") {
      yield read(await download(url, patience), url, more);
      continue;
    }
    try {
      yield unseen(read(await downloadChecked(url, `${url}${step.checksum}`, patience), url, more));
    } catch (error) {
      // The archive of the month just over takes some days to appear: the next step has its rows.
      if (more === 0 && error instanceof DownloadError && error.status === 404) return;
      throw error;
    }
  }
}

/** Whether a row is one that will not change any more: a bar or session that is over by `now`. */
function isFinal(file: string, key: string, now: number): boolean {
  const { publication } = fileTraits(file);
  const day = dayNumber(key.slice(0, 10));
  if (publication !== "close" && publication !== "bar" && publication !== "instant") return day * 86_400 <= now;
  return publishedAt(publication, day, Date.parse(key) / 1_000, []) <= now;
}

// Joining

/** Two values closer than this (relative) are the same: mirrors round prices to floats and back. */
const SAME_WITHIN = 1e-6;

/** The rows to store. What is stored stays, for series that are published once; revised series are taken whole. */
function merge(
  { file }: PullSource,
  stored: readonly SourceRow[],
  fetched: readonly SourceRow[],
  notes: string[],
  complete: boolean,
): { rows: readonly SourceRow[]; added: number; changed: number } {
  const revised = fileTraits(file).vintage === "latest";
  const [first, last, was] = [fetched[0], fetched.at(-1), stored.at(-1)];
  const isShort = last === undefined || (complete && was !== undefined && last.key < was.key);
  if (first === undefined || isShort || (revised && stored[0] !== undefined && first.key > stored[0].key)) {
    throw new SourceShrankError(file, spanOf(stored), spanOf(fetched));
  }
  const old = new Map(stored.map((row) => [row.key, row]));
  const fresh = new Map(fetched.map((row) => [row.key, row]));
  const added = fetched.filter(({ key }) => !old.has(key));
  const differing = stored.filter((row) => fresh.has(row.key) && !isSame(row, fresh.get(row.key)!));
  const gone = stored.filter(({ key }) => key >= first.key && !fresh.has(key));
  if (differing[0] !== undefined) {
    const { key, cells } = differing[0];
    const what = revised ? "older values were revised" : "stored rows disagree with the source and are kept";
    const example = `${key}: stored ${cells.join(" ")}, source ${fresh.get(key)!.cells.join(" ")}`;
    notes.push(`${differing.length} ${what} (first ${example})`);
  }
  if (gone[0] !== undefined) {
    notes.push(
      `${gone.length} stored rows are not at the source${revised ? "" : ", and are kept"} (first ${gone[0].key})`,
    );
  }
  if (revised) return { rows: fetched, added: added.length, changed: differing.length + gone.length };
  const rows = [...stored, ...added].sort((a, b) => (a.key < b.key ? -1 : 1));
  return { rows, added: added.length, changed: 0 };
}

function spanOf(rows: readonly SourceRow[]): string {
  return rows.length === 0 ? "nothing" : `${rows[0]!.key} to ${rows.at(-1)!.key}`;
}

function isSame(a: SourceRow, b: SourceRow): boolean {
  return a.cells.every((x, i) => {
    const y = b.cells[i]!;
    return Math.abs(x - y) <= SAME_WITHIN * Math.max(Math.abs(x), Math.abs(y)) || (Number.isNaN(x) && Number.isNaN(y));
  });
}

// Files

function readStored({ file, key, columns }: PullSource, text: string): SourceRow[] {
  const header = [key, ...columns].join(",");
  const found = text.slice(0, 200).replace("\uFEFF", "").split(/\r?\n/)[0]!;
  if (found.trim() !== header) throw new StoredFileError(file, `its header is '${found}', not '${header}'`);
  const kinds: Record<string, ColumnKind> = { [key]: key };
  for (const column of columns) kinds[column] = "optionalNumber";
  return parseSeries(text, file, kinds as Columns).flatMap((row) => {
    const cells = columns.map((column) => (row[column] as number | null) ?? NaN);
    // A row without any value says nothing, as holidays in files of mirrors.
    return cells.every(Number.isNaN) ? [] : [{ key: String(row[key]), cells }];
  });
}

function asCsv({ key, columns }: PullSource, rows: readonly SourceRow[]): string {
  const cell = (value: number): string => (Number.isNaN(value) ? "" : String(value));
  const lines = rows.map((row) => [row.key, ...row.cells.map(cell)].join(","));
  return `${[[key, ...columns].join(","), ...lines].join("\n")}\n`;
}

/** Writes beside the file's place, makes sure it is on disk, then renames: whoever interrupts leaves a whole file. */
async function writeWhole(dir: string, file: string, text: string): Promise<void> {
  const beside = join(dir, `.${file}.part`);
  const handle = await open(beside, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(beside, join(dir, file));
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const MANIFEST = z.object({ version: z.literal(1), files: z.record(z.string(), MANIFEST_ENTRY) });

async function readManifest(dir: string): Promise<Record<string, ManifestEntry>> {
  const text = await readIfThere(join(dir, MANIFEST_FILE));
  if (text === null) return {};
  try {
    return MANIFEST.parse(JSON.parse(text)).files;
  } catch {
    throw new StoredFileError(MANIFEST_FILE, "it is not what `ballast pull` writes");
  }
}

async function writeManifest(dir: string, files: Record<string, ManifestEntry>): Promise<void> {
  await writeWhole(dir, MANIFEST_FILE, `${JSON.stringify({ version: 1, files }, null, 2)}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
