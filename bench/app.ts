/**
 * What the review page costs whoever opens it: `npm run bench:app`. Opens the built page cold in a headless browser, a proposal's
 * packet at hand, and measures until every check is shown: time, what was loaded and from whom, and by the browser's own
 * entries when its largest content was painted and how far the layout moved. Exits 1 when any of it is over its budget.
 */
import type { Page } from "playwright-core";
import { buildApp } from "../src/cli/app/build.ts";
import { keepVisit, NO_VISIT, opened } from "../app/src/state/visit.ts";
import { reviewScene } from "../test/helpers/reviewPage.ts";
import type { BenchCase } from "./case.ts";

const REPEATS = 5;
/** Seconds from a cold start to a full verdict, and kilobytes of the first load (the figures). */
const MOST_SECONDS = 3;
const MOST_KILOBYTES = 500;
/** The page, its script, its style sheet and its icon: nothing is loaded later. */
const MOST_FILES = 4;
/** Google's "good" (web.dev/articles/vitals): first contentful paint in seconds, cumulative layout shift. */
const MOST_FIRST_PAINT_SECONDS = 1.8;
const MOST_SHIFT = 0.1;

/** One cold visit. */
interface Visit {
  verdictSeconds: number;
  firstPaintSeconds: number;
  largestPaintSeconds: number;
  shift: number;
  /** URLs of what was asked for, but for questions to the RPC. */
  files: string[];
  strangers: string[];
  questions: number;
  checks: number;
}

const built = await buildApp();
const scene = await reviewScene();
const visits: Visit[] = [];
let overviewShift = NaN;
try {
  for (let i = 0; i < REPEATS; i++) visits.push(await visit(i));
  const { page } = await scene.open("overview");
  await page.getByText("Together", { exact: true }).waitFor();
  overviewShift = (await vitals(page)).shift;
} finally {
  await scene.close();
}

/** A context of its own has no cache: each of them is a first visit. */
async function visit(index: number): Promise<Visit> {
  const { page } = await scene.open("settings");
  const kept: [string, string][] = [];
  const visit = opened(NO_VISIT, { packet: scene.story.packets.at(-1)!, from: "a file" });
  keepVisit({ setItem: (...entry) => kept.push(entry) }, visit);
  await page.evaluate(`for (const [key, value] of ${JSON.stringify(kept)}) sessionStorage.setItem(key, value)`);
  // Away first: going to another hash alone would not load the page again.
  await page.goto("about:blank");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const from = performance.now();
  await page.goto(`${scene.server.url}/?cold=${index}#/proposal`);
  await page.locator("[data-verdict]").waitFor();
  const verdictSeconds = (performance.now() - from) / 1_000;
  const { first, largest, shift } = await vitals(page);
  const host = (url: string): string => new URL(url).host;
  const [own, rpc] = [host(scene.server.url), host(scene.story.node.url)];
  const measured: Visit = {
    ...{ verdictSeconds, firstPaintSeconds: first / 1_000, largestPaintSeconds: largest / 1_000, shift },
    files: asked.filter((url) => host(url) === own),
    strangers: asked.filter((url) => ![own, rpc].includes(host(url))),
    questions: asked.filter((url) => host(url) === rpc).length,
    checks: await page.locator("[data-check]").count(),
  };
  await page.context().close();
  return measured;
}

/** First and largest contentful paint in milliseconds and cumulative layout shift, as the browser kept them. */
async function vitals(page: Page): Promise<{ first: number; largest: number; shift: number }> {
  return page.evaluate(`new Promise((resolve) => {
    const seen = { first: 0, largest: 0, shift: 0 };
    const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
    watch("paint", ({ name, startTime }) => name === "first-contentful-paint" && (seen.first = startTime));
    watch("largest-contentful-paint", ({ startTime }) => (seen.largest = startTime));
    watch("layout-shift", ({ value, hadRecentInput }) => (seen.shift += hadRecentInput ? 0 : value));
    requestAnimationFrame(() => setTimeout(() => resolve(seen), 200));
  })`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
const every = (values: readonly number[], digits: number): string =>
  values.map((value) => value.toFixed(digits)).join(", ");

const seconds = visits.map(({ verdictSeconds }) => verdictSeconds);
const firstPaints = visits.map(({ firstPaintSeconds }) => firstPaintSeconds);
const largestPaints = visits.map(({ largestPaintSeconds }) => largestPaintSeconds);
const shifts = visits.map(({ shift }) => shift);
const files = Math.max(...visits.map((one) => one.files.length));
const strangers = [...new Set(visits.flatMap((one) => one.strangers))];
const { checks, questions } = visits[0]!;
const cases: BenchCase[] = [
  {
    name: "Review page, cold load to a full verdict",
    figure: `${median(seconds).toFixed(2)} s`,
    wanted: `less than ${MOST_SECONDS} s, the median of ${REPEATS}`,
    ok: median(seconds) < MOST_SECONDS,
    detail: `${checks} checks on the local chain in ${questions} requests; every run: ${every(seconds, 2)} s`,
  },
  {
    name: "Review page, first load",
    figure: `${(built.gzipBytes / 1_000).toFixed(1)} kB gzipped`,
    wanted: `at most ${MOST_KILOBYTES} kB`,
    ok: built.gzipBytes <= MOST_KILOBYTES * 1_000,
    detail: built.files.map(({ name, gzipBytes }) => `${name} ${(gzipBytes / 1_000).toFixed(1)} kB`).join(", "),
  },
  {
    name: "Review page, files loaded",
    figure: String(files),
    wanted: `at most ${MOST_FILES}`,
    ok: files > 0 && files <= MOST_FILES,
    detail: visits[0]!.files.map((url) => new URL(url).pathname).join(", "),
  },
  {
    name: "Review page, requests to anybody else",
    figure: String(strangers.length),
    wanted: "0",
    ok: strangers.length === 0,
    detail: strangers.join(", ") || "none but the page's own host and the RPC",
  },
  {
    name: "Review page, first contentful paint",
    figure: `${median(firstPaints).toFixed(2)} s`,
    wanted: `at most ${MOST_FIRST_PAINT_SECONDS} s, the median of ${REPEATS}`,
    ok: median(firstPaints) > 0 && median(firstPaints) <= MOST_FIRST_PAINT_SECONDS,
    detail: `every run: ${every(firstPaints, 2)} s`,
  },
  {
    name: "Review page, largest contentful paint",
    figure: `${median(largestPaints).toFixed(2)} s`,
    wanted: `less than ${MOST_SECONDS} s, since it is the verdict's sentence; the median of ${REPEATS}`,
    ok: median(largestPaints) > 0 && median(largestPaints) < MOST_SECONDS,
    detail: `every run: ${every(largestPaints, 2)} s`,
  },
  {
    name: "Review page, cumulative layout shift",
    figure: Math.max(median(shifts), overviewShift).toFixed(3),
    wanted: `at most ${MOST_SHIFT}`,
    ok: Math.max(median(shifts), overviewShift) <= MOST_SHIFT,
    detail: `a proposal: ${every(shifts, 3)}; the overview: ${overviewShift.toFixed(3)}`,
  },
];
for (const { name, figure, wanted, ok, detail } of cases) {
  process.stdout.write(`${ok ? "ok  " : "MISS"} ${name}: ${figure} (${wanted}); ${detail}\n`);
}
process.exit(cases.every(({ ok }) => ok) ? 0 : 1);
