import { DASH } from "../../report/charts.ts";
import type { Chart, Line } from "../../report/charts.ts";
import type { DayRow, DemoResult } from "../result.ts";

/** Thresholds of the regimes on the VIX, drawn for reading only. */
const VIX_LEVELS = [15, 25];

/** The charts of the run, a value a day. */
export function demoCharts({ rows }: DemoResult): Chart[] {
  const line = (
    label: string,
    colour: string,
    dash: readonly number[],
    value: (row: DayRow) => number | null,
    step = false,
  ): Line => ({ label, colour, dash, step, values: rows.map(value) });
  return [
    {
      id: "nav",
      title: "Net asset value of the three vaults",
      unit: "usd",
      levels: [],
      names: false,
      lines: [
        line("Hedged", "hedged", DASH.solid, (row) => row.nav.hedged),
        line("Unhedged", "unhedged", DASH.dashed, (row) => row.nav.unhedged),
        line("Hold less", "hold-less", DASH.dotted, (row) => row.nav.holdLess),
      ],
    },
    {
      id: "vix",
      title: "VIX and the regime the chain saw",
      unit: "points",
      levels: VIX_LEVELS,
      names: true,
      lines: [
        line("VIX", "ink", DASH.solid, (row) => row.vix),
        line("VIX3M", "muted", DASH.dashed, (row) => row.vix3m),
      ],
    },
    {
      id: "price",
      title: "Price of ETH",
      unit: "usd",
      levels: [],
      names: false,
      lines: [line("ETH", "ink", DASH.solid, (row) => row.price)],
    },
    {
      id: "delta",
      title: "Net delta of the hedged vault, in ETH",
      unit: "eth",
      levels: [0],
      names: false,
      lines: [
        line("After the day", "hedged", DASH.solid, (row) => row.deltaAfter, true),
        line("Before", "muted", DASH.dotted, (row) => row.deltaBefore),
        line("Without the short", "unhedged", DASH.dashed, (row) => row.deltaAfter + row.short),
      ],
    },
    {
      id: "prices",
      title: "Hedged vault, since the start: what prices did",
      unit: "signedUsd",
      levels: [0],
      names: false,
      lines: [
        line("Price of the short", "hedged", DASH.solid, (row) => row.cumulative.hedgePrice),
        line("Price of what the LP holds", "unhedged", DASH.dashed, (row) => row.cumulative.lpPrice),
      ],
    },
    {
      id: "carry",
      title: "Hedged vault, since the start: fees, losses and costs",
      unit: "signedUsd",
      levels: [0],
      names: false,
      lines: [
        line("LP fees", "hold-less", DASH.solid, (row) => row.cumulative.lpFees),
        line("Loss to arbitrage", "unhedged", DASH.dashed, (row) => row.cumulative.arbitrageLoss),
        line("Funding", "hedged", DASH.dotted, (row) => row.cumulative.funding),
        line("Swap and perp costs", "muted", DASH.dashDot, (row) => row.cumulative.costs),
      ],
    },
  ];
}
