import { chartData, chartFigures } from "../report/charts.ts";
import { longDate } from "../report/format.ts";
import { markup } from "../report/markup.ts";
import type { Fragment } from "../report/markup.ts";
import { badge, notesSection } from "../report/parts.ts";
import { renderPage } from "../report/page.ts";
import type { PageAssets } from "../report/page.ts";

import { attributionSection } from "./report/attribution.ts";
import { demoCharts } from "./report/charts.ts";
import { runFacts, summarySection } from "./report/summary.ts";
import { countsSection, dailySection, executionsSection, holdLessSection } from "./report/tables.ts";
import type { DemoResult } from "./result.ts";

/** The run as one self-contained HTML page: see {@link renderPage}. The same result and assets give the same bytes. */
export function renderReport(result: DemoResult, assets: PageAssets): string {
  const dates = result.rows.map((row) => row.date);
  const charts = demoCharts(result);
  return renderPage(
    {
      title: `Ballast: ${longDate(result.window.from)} to ${longDate(result.window.to)}`,
      tagline: "A treasury vault that hedges itself as volatility regimes shift",
      banner: banner(result),
      main: markup`${summarySection(result)}
${runFacts(result)}
<section aria-labelledby="charts">
<h2 id="charts">How it went</h2>
<p class="intro shades">Shaded by regime: ${(["Calm", "Elevated", "Stress"] as const).map(badge)}</p>
<noscript><p class="check">The charts need JavaScript; the sentences below them and the table of days hold the same numbers.</p></noscript>
${chartFigures(dates, charts)}
</section>
${attributionSection(result)}
${holdLessSection(result)}
${executionsSection(result)}
${countsSection(result)}
${dailySection(result)}
${notesSection("Assumptions and limits", result.notes)}`,
      footer: `${result.source}. Not financial advice: a past window says little about the next one.`,
      data: chartData(
        dates,
        result.rows.map((row) => row.regime),
        charts,
      ),
    },
    assets,
  );
}

function banner({ kind }: DemoResult): Fragment {
  if (kind !== "synthetic") return null;
  return markup`<p class="synthetic" role="note"><b>SYNTHETIC DATA</b> Made-up prices, not market history.</p>`;
}
