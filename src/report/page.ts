import { createHash } from "node:crypto";
import { markup, raw } from "./markup.ts";
import type { Fragment, Markup } from "./markup.ts";

/** The files that go into a page, as text. */
export interface PageAssets {
  /** The style sheet shared by all reports, then the report's own. */
  readonly css: string;
  /** The script that draws the shared charts, then the report's own. */
  readonly script: string;
  /** The chart library: its style sheet, its script, and the licence it asks to travel with them. */
  readonly chartCss: string;
  readonly chartScript: string;
  readonly chartLicence: string;
}

/** What differs from report to report. */
export interface Page {
  readonly title: string;
  readonly tagline: string;
  /** Stands above everything else, or null. */
  readonly banner: Fragment;
  readonly main: Markup;
  readonly footer: string;
  /** JSON for the scripts: see `chartData`. */
  readonly data: string;
}

/**
 * A report as one HTML page that needs nothing else: styles, scripts and data are inside, the policy in its head
 * forbids any request and any script but these two. The same page and assets give the same bytes.
 */
export function renderPage({ title, tagline, banner, main, footer, data }: Page, assets: PageAssets): string {
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
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(css)}</style>
</head>
<body>
${banner}
<header><p class="brand"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 12h20a10 10 0 0 1-20 0z"/><path class="mast" d="M12 2v10M12 3.5l6 6.5h-6"/></svg>Ballast</p><p>${tagline}</p></header>
<main>
${main}
</main>
<footer><p>${footer}</p></footer>
<script type="application/json" id="data">${raw(data)}</script>
${scripts.map((script): Markup => markup`<script>${raw(script)}</script>`)}
</body>
</html>
`.html;
}

/** A Content-Security-Policy source that allows exactly this text. */
function hashSource(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
