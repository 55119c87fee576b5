import { useMemo } from "react";
import { readOverview } from "../chain/overview.ts";
import { chainMarket } from "../model/chainMarket.ts";
import { originText } from "../model/figures.ts";
import { dayText, grouped, points } from "../model/format.ts";
import { signalRows, whatWouldChange } from "../model/signals.ts";
import { Facts, Note, Panel, Regime, Table } from "../parts/basics.tsx";
import { EdrPanel } from "../parts/EdrPanel.tsx";
import { Lift, OtherSignals, StaleFigures } from "../parts/Signals.tsx";
import { WhenReady } from "../parts/NotReady.tsx";
import { levelsOf, RegimeChart } from "../parts/RegimeChart.tsx";
import { lastStep } from "../model/sentence.ts";
import type { Vault } from "../state/connection.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import { useRead } from "../state/useRead.ts";

export function RegimeView() {
  return <WhenReady>{(vault) => <Loaded vault={vault} />}</WhenReady>;
}

function Loaded({ vault }: { vault: Vault }) {
  const { provider, deployment, head } = vault;
  const overview = useRead(
    () => readOverview(provider, deployment, head.timestamp),
    [provider, deployment, head.number],
    deployment.vault,
  );
  const found = overview.value;
  if (found === null) {
    return overview.problem === null ? (
      <Note kind="info" title="Reading the regime…" />
    ) : (
      <Note kind="bad" title="The regime cannot be read">
        <p>{overview.problem}</p>
      </Note>
    );
  }
  return found.now === null ? (
    <Note kind="warn" title="Something does not answer">
      <p>{found.problem}</p>
    </Note>
  ) : (
    <Content evidence={found.now.evidence} moveLimitBps={found.moveLimitBps} />
  );
}

function Content({ evidence, moveLimitBps }: { evidence: Evidence; moveLimitBps: number }) {
  const { regime } = evidence;
  const market = useMemo(() => chainMarket(regime.sessions), [regime.sessions]);
  const levels = levelsOf(regime.sessions);
  return (
    <>
      <Panel title="Now">
        <p className="lead">
          The chain says <Regime name={regime.regime} />. {lastStep(regime.sessions)}
        </p>
        <Facts rows={[["Lifted by ETH’s own move since the last close", regime.liftPending ? "yes" : "no"]]} />
        <h3>What would change it</h3>
        <ul>
          {whatWouldChange(regime, moveLimitBps).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </Panel>
      <Panel title="The signals the rules follow">
        <StaleFigures />
        <Table
          caption="Signals, values, thresholds and measured lift"
          head={["Signal", "Value", "Threshold", "Distance", "Measured lift"]}
        >
          {signalRows(regime, moveLimitBps).map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              <td className="number">{row.value}</td>
              <td className="number">{row.threshold}</td>
              <td className="number">{row.distance}</td>
              <Lift {...row.lift} />
            </tr>
          ))}
        </Table>
        <p className="hint">
          Only these decide. Lift: how much likelier a first VIX close above 25 was within ten sessions after the signal
          turned on than on any quiet day; 95 % interval. An interval that holds 1 shows no lift. {originText()}
        </p>
      </Panel>
      {market === null ? null : <OtherSignals market={market} />}
      {market === null ? null : <EdrPanel market={market} />}
      <Panel title="Every close on chain">
        <RegimeChart sessions={regime.sessions} last={regime.sessions.length} />
        <details>
          <summary>The last {Math.min(30, regime.sessions.length)} closes</summary>
          <Table caption="Last closes" head={["Session", "VIX", "VIX3M", "VIX3M / VIX", "Level after"]}>
            {regime.sessions
              .map(([day, vix, vix3m, lifted], index) => ({
                day,
                vix,
                vix3m,
                lifted,
                level: levels[index] ?? "Unknown",
              }))
              .slice(-30)
              .reverse()
              .map(({ day, vix, vix3m, lifted, level }) => (
                <tr key={day}>
                  <th scope="row">{dayText(day)}</th>
                  <td className="number">{points(vix)}</td>
                  <td className="number">{points(vix3m)}</td>
                  <td className="number">{grouped(Number(vix3m) / Number(vix), 3)}</td>
                  <td>
                    <Regime name={level} />
                    {lifted ? " lifted before it" : ""}
                  </td>
                </tr>
              ))}
          </Table>
        </details>
      </Panel>
    </>
  );
}
