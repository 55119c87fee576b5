import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadPageAssets } from "../report/assets.ts";
import type { PageAssets } from "../report/page.ts";
import { renderBacktestReport } from "./report.ts";
import type { BacktestResult } from "./result.ts";

/** Reads the style sheets and scripts that go into a backtest's page. */
export function loadBacktestAssets(): Promise<PageAssets> {
  return loadPageAssets({
    css: new URL("./report/page.css", import.meta.url),
    script: new URL("./report/page.js", import.meta.url),
  });
}

/** Writes `report.html` and `backtest.json` into a folder, making it when missing. Gives their paths. */
export async function writeBacktest(
  result: BacktestResult,
  folder: string,
): Promise<{ readonly report: string; readonly json: string }> {
  const page = renderBacktestReport(result, await loadBacktestAssets());
  const report = join(folder, "report.html");
  const json = join(folder, "backtest.json");
  await mkdir(folder, { recursive: true });
  await writeFile(report, page);
  await writeFile(json, `${JSON.stringify(result)}\n`);
  return { report, json };
}
