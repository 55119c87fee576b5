import { createHash } from "node:crypto";
import { longDate } from "./format.ts";
import { attributionSection } from "./report/attribution.ts";
import { chartData, chartFigures } from "./report/charts.ts";
import { markup, raw } from "./report/markup.ts";
import type { Fragment, Markup } from "./report/markup.ts";
import { factStrip, summarySection } from "./report/summary.ts";
import {
  badge,
  countsSection,
  dailySection,
  executionsSection,
  holdLessSection,
  notesSection,
} from "./report/tables.ts";
import type { DemoResult } from "./result.ts";

/** The files that go into the page, as text. */
export interface ReportAssets {
  /** Our style sheet. */
  readonly css: string;
  /** Our script: it draws the charts and copies hashes. */
  readonly script: string;
  /** The chart library: its style sheet, its script, and the licence it asks to travel with them. */
  readonly chartCss: string;
  readonly chartScript: string;
  readonly chartLicence: string;
}

/**
 * The run as one HTML page that needs nothing else: styles, scripts and data are inside, the policy in its head forbids
 * any request and any script but these two. The same result and assets give the same bytes.
 */
export function renderReport(result: DemoResult, assets: ReportAssets): string {
  const css = `${assets.chartCss}\n${assets.css}`;
  const scripts = [`/*\n${assets.chartLicence.trim()}\n*/\n${assets.chartScript}`, assets.script];
  const policy = [
    "default-src 'none'",
    `script-src ${scripts.map(hashSource).join(" ")}`,
    `style-src ${hashSource(css)}`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Ballast: ${longDate(result.window.from)} to ${longDate(result.window.to)}</title>
<link rel="icon" href="data:,">
<style>${raw(css)}</style>
</head>
<body>
${banner(result)}
<header><p class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 12h20a10 10 0 0 1-20 0z"/><path class="mast" d="M12 2v10M12 3.5l6 6.5h-6"/></svg>Ballast</p><p>A treasury vault that hedges itself as volatility regimes shift</p></header>
<main>
${summarySection(result)}
${factStrip(result)}
<section aria-labelledby="charts">
<h2 id="charts">How it went</h2>
<p class="intro shades">Shaded by regime: ${(["Calm", "Elevated", "Stress"] as const).map(badge)}</p>
<noscript><p class="check">The charts need JavaScript; the sentences below them and the table of days hold the same numbers.</p></noscript>
${chartFigures(result)}
</section>
${attributionSection(result)}
${holdLessSection(result)}
${executionsSection(result)}
${countsSection(result)}
${dailySection(result)}
${notesSection(result)}
</main>
<footer><p>${result.source}. Not financial advice: a past window says little about the next one.</p></footer>
<script type="application/json" id="data">${raw(chartData(result))}</script>
${scripts.map((script): Markup => markup`<script>${raw(script)}</script>`)}
</body>
</html>
`.html;
}

function banner({ kind }: DemoResult): Fragment {
  if (kind !== "synthetic") return null;
  return markup`<p class="synthetic" role="note"><b>SYNTHETIC DATA</b> Made-up prices, not market history.</p>`;
}

/** A Content-Security-Policy source that allows exactly this text. */
function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
