import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { loadPageAssets } from "../report/assets.ts";
import type { PageAssets } from "../report/page.ts";
import { renderReport } from "./report.ts";
import type { DemoResult } from "./result.ts";

/** Reads the style sheets and scripts that go into the demo's page. */
export function loadReportAssets(): Promise<PageAssets> {
  return loadPageAssets({
    css: new URL("./report/page.css", import.meta.url),
    script: new URL("./report/copyHash.js", import.meta.url),
  });
}

/** Renders the report and writes it to `result.report`, making its folder when missing. */
export async function writeReport(result: DemoResult): Promise<void> {
  const page = renderReport(result, await loadReportAssets());
  await mkdir(dirname(result.report), { recursive: true });
  await writeFile(result.report, page);
}
