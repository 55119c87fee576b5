import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { PageAssets } from "./page.ts";

/**
 * Reads what goes into a page: the shared style sheet and script with a report's own after them, and uPlot from its
 * package.
 * @param own the report's style sheet and script
 */
export async function loadPageAssets(own: { readonly css: URL; readonly script: URL }): Promise<PageAssets> {
  const uplot = dirname(createRequire(import.meta.url).resolve("uplot/package.json"));
  // Line ends are made the same: a checkout with others must not change the bytes, nor break the hashes in the policy
  // (a browser hashes what it parsed, where every line ends in \n).
  const read = async (path: string | URL): Promise<string> => (await readFile(path, "utf8")).replaceAll("\r\n", "\n");
  const [base, css, charts, script, chartCss, chartScript, chartLicence] = await Promise.all([
    read(new URL("./base.css", import.meta.url)),
    read(own.css),
    read(new URL("./charts.js", import.meta.url)),
    read(own.script),
    read(join(uplot, "dist/uPlot.min.css")),
    read(join(uplot, "dist/uPlot.iife.min.js")),
    read(join(uplot, "LICENSE")),
  ]);
  return { css: `${base}\n${css}`, script: `${charts}\n${script}`, chartCss, chartScript, chartLicence };
}
