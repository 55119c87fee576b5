import { whyStale } from "../../../src/backtest/figures.ts";
import type { EdrFigure } from "../../../src/backtest/figures.ts";
import { dayNumber } from "../../../src/market/calendar.ts";
import type { ChainMarket } from "../model/chainMarket.ts";
import { FIGURES } from "../model/figures.ts";
import { dayText, grouped, percent, signedPercent } from "../model/format.ts";
import { Panel, Table } from "./basics.tsx";
import { StaleFigures } from "./Signals.tsx";

/** EDR bias: what of it the chain tells now, and what was last measured of the rest. */
export function EdrPanel({ market }: { market: ChainMarket }) {
  const { edr, session } = market;
  const { data, edr: published } = FIGURES;
  const shown = whyStale(FIGURES) === null;
  const text = (date: string): string => dayText(dayNumber(date));
  return (
    <Panel title="EDR bias">
      <p className="quiet">
        How much likelier the S&P 500’s own returns make a fall than option prices do. It sizes tail hedges and decides
        no regime.
      </p>
      <p data-edr="now">
        <strong>Now: not known.</strong> Its option side is computed here from VIX and VIX3M on chain (VIX9D and VIX6M
        are not). {edr.unknown.join(" ")} So the last published bias stands beside it, of {text(data.to)}.
      </p>
      <StaleFigures />
      <Table
        caption="EDR bias by horizon and depth"
        head={[
          "Fall",
          `Options, ${text(session)}`,
          `Options, ${text(data.to)}`,
          "Model then",
          "Bias then",
          "Percentile",
          "Skill",
        ]}
      >
        {edr.cells.map((cell, index) => {
          const then = shown ? published.cells[index] : undefined;
          return (
            <tr key={`${cell.horizonSessions} ${cell.depth}`}>
              <th scope="row" className="number">
                {percent(cell.depth, 0)} in {cell.horizonSessions} sessions
              </th>
              <td className="number">{shareText(cell.implied?.probability)}</td>
              <td className="number">{shareText(then?.implied)}</td>
              <td className="number">{shareText(then?.model)}</td>
              <td className="number">{then?.bias == null ? "not known" : signedPercent(then.bias)}</td>
              <td className="number">{then?.percentile == null ? "not known" : percent(then.percentile, 0)}</td>
              <td className="lift">
                <Skill cell={then} />
              </td>
            </tr>
          );
        })}
      </Table>
      <p className="hint">
        The chance of a fall of at least so much between closes. Percentile: the share of all earlier biases below it;
        the bias is mostly negative, so this counts and not its sign. Skill: 1 − Brier score of the model / that of
        option prices, out of sample, {text(published.from)} to {text(published.to)}, 95 % interval; above 0 the model
        foretold better. Published by {FIGURES.produced.by}, like the lifts above; <code>ballast edr</code> gives
        today’s to whoever has the data.
      </p>
    </Panel>
  );
}

function Skill({ cell }: { cell: EdrFigure | undefined }) {
  if (cell?.skillAgainstImplied == null) return <span>not known</span>;
  const { skillAgainstImplied: skill, skillInterval: interval, independentEvents } = cell;
  const said =
    interval === null
      ? "too few to say"
      : interval.low > 0
        ? "better than options"
        : interval.high < 0
          ? "worse than options"
          : "no difference shown";
  return (
    <>
      <span className="number">
        {grouped(skill, 2)}
        {interval === null ? "" : ` [${grouped(interval.low, 2)}, ${grouped(interval.high, 2)}]`}
      </span>
      <span className="beneath">
        {said}; {independentEvents} independent falls
      </span>
    </>
  );
}

function shareText(value: number | null | undefined): string {
  if (value == null) return "not known";
  return value > 0 && value < 0.0005 ? "under 0.1 %" : percent(value);
}
