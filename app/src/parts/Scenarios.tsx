import { SCENARIO_ASSUMPTIONS } from "../../../src/hedge/scenarios.ts";
import type { ScenarioName, ScenarioOutcome } from "../../../src/hedge/scenarios.ts";
import { grouped, percent, signedPercent } from "../model/format.ts";
import type { Sides } from "../model/sentence.ts";
import { Panel, Table } from "./basics.tsx";

/** What the vault would gain or lose without and with the proposal. */
export function Scenarios({ sides }: { sides: Sides }) {
  const { days, volatility, leastFundingPerDay } = SCENARIO_ASSUMPTIONS;
  return (
    <Panel title="What if">
      <Table
        caption="Scenarios before and after this proposal"
        head={["Scenario", "NAV change now", "NAV change with it", "Net delta with it", "Leverage with it"]}
      >
        {sides.scenariosAfter.map((after, index) => (
          <Row key={after.name} after={after} before={sides.scenariosBefore[index]} />
        ))}
      </Table>
      <p className="hint">
        Positions are left as they are, by the project’s own maths. Price moves are exact and at once. Volatility:{" "}
        {days} days at twice {percent(volatility, 0)} a year, fees taken to pay for arbitrage at{" "}
        {percent(volatility, 0)}. Funding: {days} days in which shorts pay what they now receive, or{" "}
        {percent(leastFundingPerDay, 2)} a day if that is more.
      </p>
    </Panel>
  );
}

function Row({ before, after }: { before: ScenarioOutcome | undefined; after: ScenarioOutcome }) {
  return (
    <tr>
      <th scope="row">{nameOf(after.name)}</th>
      <td className="number">{before === undefined ? "" : signedPercent(before.change, 2)}</td>
      <td className="number">{signedPercent(after.change, 2)}</td>
      <td className="number">{after.netDelta === null ? "nothing is left" : percent(after.netDelta)}</td>
      <td className="number">{leverageText(after.leverage)}</td>
    </tr>
  );
}

function nameOf(name: ScenarioName): string {
  const move = /^price (-?\d+)$/.exec(name)?.[1];
  if (move === undefined) return name === "volatility doubled" ? "Volatility doubles" : "Funding flips";
  return `ETH ${signedPercent(Number(move) / 10_000, 0)}`;
}

function leverageText(leverage: number | null): string {
  if (leverage === null) return "no position";
  return leverage === Infinity ? "liquidated" : `${grouped(leverage, 2)}×`;
}
