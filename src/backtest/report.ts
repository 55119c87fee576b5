import { chartData, chartFigures } from "../report/charts.ts";
import { longDate } from "../report/format.ts";
import { markup } from "../report/markup.ts";
import { renderPage } from "../report/page.ts";
import type { PageAssets } from "../report/page.ts";
import { badge, notesSection } from "../report/parts.ts";
import { attributed, attributionSection } from "./report/attribution.ts";
import { bandsData } from "./report/bands.ts";
import { attributionChart, pathCharts } from "./report/charts.ts";
import { choicesSection, layersSection, sensitivitySection } from "./report/choices.ts";
import { comparisonSection, monthlySection } from "./report/comparison.ts";
import { edrBands, edrSection } from "./report/edr.ts";
import { groundsSection } from "./report/grounds.ts";
import { sentence } from "./report/labels.ts";
import { dailyRegimes, regimeBands, regimesSection } from "./report/regimes.ts";
import { signalsSection } from "./report/signals.ts";
import { outcomeFacts, summarySection } from "./report/summary.ts";
import type { BacktestResult } from "./result.ts";

/** A backtest as one self-contained HTML page: see {@link renderPage}. The same result and assets give the same bytes. */
export function renderBacktestReport(result: BacktestResult, assets: PageAssets): string {
  const charts = pathCharts(result);
  const { from, to } = result.window;
  const bands = [regimeBands(result), ...(result.edr === null ? [] : edrBands(result.edr))];
  return renderPage(
    {
      title: `Ballast backtest: ${longDate(from)} to ${longDate(to)}`,
      tagline: "A treasury vault that hedges itself as volatility regimes shift",
      banner: null,
      main: markup`${summarySection(result)}
${outcomeFacts(result)}
<section aria-labelledby="charts">
<h2 id="charts">How it went</h2>
<p class="intro shades">Shaded by regime: ${(["Calm", "Elevated", "Stress"] as const).map(badge)} Press a name to show or hide its line.</p>
<noscript><p class="check">The charts need JavaScript; the words below them and the tables hold the same numbers.</p></noscript>
${chartFigures(result.dates, charts)}
</section>
${comparisonSection(result)}
${attributionSection(result)}
${layersSection(result)}
${regimesSection(result)}
${signalsSection(result)}
${edrSection(result.edr)}
${choicesSection(result)}
${sensitivitySection(result)}
${groundsSection(result)}
${notesSection("Notes", result.notes.map(sentence))}
${monthlySection(result)}`,
      footer: "Not financial advice: a past window says little about the next one.",
      data: chartData(result.dates, dailyRegimes(result), [...charts, ...attributed(result).map(attributionChart)], {
        bands: bandsData(bands),
      }),
    },
    assets,
  );
}
