import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { renderReport } from "./report.ts";
import type { ReportAssets } from "./report.ts";
import type { DemoResult } from "./result.ts";

/** Reads what goes into the page: our style sheet and script, and uPlot from its package. */
export async function loadReportAssets(): Promise<ReportAssets> {
  const uplot = dirname(createRequire(import.meta.url).resolve("uplot/package.json"));
  // Line ends are made the same: a checkout with others must not change the bytes, nor break the hashes in the policy
  // (a browser hashes what it parsed, where every line ends in \n).
  const read = async (path: string | URL): Promise<string> => (await readFile(path, "utf8")).replaceAll("\r\n", "\n");
  const [css, script, chartCss, chartScript, chartLicence] = await Promise.all([
    read(new URL("./report/page.css", import.meta.url)),
    read(new URL("./report/page.js", import.meta.url)),
    read(join(uplot, "dist/uPlot.min.css")),
    read(join(uplot, "dist/uPlot.iife.min.js")),
    read(join(uplot, "LICENSE")),
  ]);
  return { css, script, chartCss, chartScript, chartLicence };
}

/** Renders the report and writes it to `result.report`, making its folder when missing. */
export async function writeReport(result: DemoResult): Promise<void> {
  const page = renderReport(result, await loadReportAssets());
  await mkdir(dirname(result.report), { recursive: true });
  await writeFile(result.report, page);
}
