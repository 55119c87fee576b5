import { whyStale } from "../../../src/backtest/figures.ts";
import { SIGNALS } from "../../../src/signals/catalogue.ts";
import type { SignalReading } from "../../../src/signals/signal.ts";
import type { ChainMarket } from "../model/chainMarket.ts";
import { FIGURES, liftOf } from "../model/figures.ts";
import type { LiftText } from "../model/figures.ts";
import { dayText, grouped } from "../model/format.ts";
import { dayNumber } from "../../../src/market/calendar.ts";
import { Note, Panel, Table } from "./basics.tsx";

/** Says so when the published figures are not of the code that decides now. */
export function StaleFigures() {
  const stale = whyStale(FIGURES);
  return stale === null ? null : (
    <Note kind="warn" title="The published figures are old">
      <p>They were measured {stale}. They are not shown.</p>
    </Note>
  );
}

/** A cell with a lift, its interval, and what that comes to. */
export function Lift({ text, verdict }: LiftText) {
  return (
    <td className="lift">
      <span className="number">{text}</span>
      {verdict === "" ? null : <span className="beneath">{verdict}</span>}
    </td>
  );
}

/** The signals that advise and do not decide: those the chain's closes suffice for, and behind a fold all others. */
export function OtherSignals({ market }: { market: ChainMarket }) {
  const here = new Set(market.signals.map(({ id }) => id));
  const others = SIGNALS.filter(({ id }) => !here.has(id));
  const anyWeight = FIGURES.lift.rows.some(({ weight }) => weight > 0);
  return (
    <Panel title="Signals that only advise">
      <p className="quiet">
        {anyWeight
          ? "They decide nothing on chain."
          : "They decide nothing: on the years before, none has shown more than the level of VIX does, so none has weight."}
      </p>
      <Table
        caption="Signals from the closes on chain"
        head={["Signal", `After ${dayText(dayNumber(market.session))}`, "Threshold", "State", "Measured lift"]}
      >
        {market.signals.map((reading) => (
          <tr key={reading.id}>
            <th scope="row">{reading.name}</th>
            <td className="number">{valueText(reading, reading.value)}</td>
            <td className="number">{valueText(reading, reading.threshold)}</td>
            <td title={reading.reason}>{reading.state}</td>
            <Lift {...liftOf(reading.id)} />
          </tr>
        ))}
      </Table>
      <details>
        <summary>{others.length} more, whose inputs are not on chain</summary>
        <Table caption="Signals without a value here" head={["Signal", "Needs", "Measured lift"]}>
          {others.map(({ id, name, inputs }) => (
            <tr key={id}>
              <th scope="row">{name}</th>
              <td>{inputs.join(", ")}</td>
              <Lift {...liftOf(id)} />
            </tr>
          ))}
        </Table>
      </details>
      <p className="hint">
        Values and states are computed here from the closes on chain, by the code of <code>ballast signals</code>; lifts
        are of the same measurement as above.
      </p>
    </Panel>
  );
}

function valueText({ unit }: SignalReading, value: number | null): string {
  return value === null ? "not known" : `${grouped(value, 2)} ${unit}`;
}
