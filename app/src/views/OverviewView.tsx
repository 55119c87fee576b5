import { readOverview } from "../chain/overview.ts";
import type { Overview } from "../chain/overview.ts";
import { readTrack } from "../chain/track.ts";
import { EventsPanel } from "../parts/EventsPanel.tsx";
import { PendingList } from "../parts/PendingList.tsx";
import { LimitRows } from "../parts/LimitRows.tsx";
import { LineChart } from "../parts/LineChart.tsx";
import { MemberPanel } from "../parts/MemberPanel.tsx";
import { WhenReady } from "../parts/NotReady.tsx";
import { Paid } from "../parts/Paid.tsx";
import { PositionPanel } from "../parts/PositionPanel.tsx";
import { QueuePanel } from "../parts/QueuePanel.tsx";
import { RegimeChart } from "../parts/RegimeChart.tsx";
import { Figure, Note, Panel, Regime, Table } from "../parts/basics.tsx";
import { limitsOf } from "../model/limits.ts";
import { dayText, grouped, usdc, when, wholeUsdc } from "../model/format.ts";
import { REGIME_NAMES } from "../../../src/regime/ruleMachine.ts";
import type { Vault } from "../state/connection.ts";
import { useRead } from "../state/useRead.ts";

export function OverviewView() {
  return <WhenReady>{(vault) => <Loaded vault={vault} />}</WhenReady>;
}

function Loaded({ vault }: { vault: Vault }) {
  const { provider, deployment, head } = vault;
  const overview = useRead(
    () => readOverview(provider, deployment, head.timestamp),
    [provider, deployment, head.number],
    deployment.vault,
  );
  if (overview.value === null) {
    return overview.problem === null ? (
      <Note kind="info" title="Reading the vault…" />
    ) : (
      <Note kind="bad" title="The vault cannot be read">
        <p>{overview.problem}</p>
      </Note>
    );
  }
  return (
    <>
      {overview.problem === null ? null : (
        <Note kind="warn" title="The last reading failed">
          <p>
            {overview.problem} What you see is of block {overview.value.snapshot.blockNumber.toString()}.
          </p>
        </Note>
      )}
      <Content vault={vault} overview={overview.value} again={overview.again} />
    </>
  );
}

function Content({ vault, overview, again }: { vault: Vault; overview: Overview; again: () => void }) {
  const { snapshot, now, problem } = overview;
  const regime = REGIME_NAMES[Number(snapshot.regime.regime)] ?? "Unknown";
  const supply = Number(snapshot.totalSupply) / 1e18;
  const bands =
    now === null || regime === "Unknown" ? now?.evidence.policy.Stress.bands : now.evidence.policy[regime].bands;
  return (
    <>
      {problem === null ? null : (
        <Note kind="warn" title="Something does not answer">
          <p>{problem}</p>
        </Note>
      )}
      <div className="figures">
        <Figure
          name="Net asset value"
          value={snapshot.priced ? wholeUsdc(snapshot.navMid) : "no price"}
          detail={
            snapshot.priced ? `between ${wholeUsdc(snapshot.navLow)} and ${wholeUsdc(snapshot.navHigh)}` : undefined
          }
        />
        <Figure
          name="Share price"
          value={
            snapshot.priced && supply > 0 ? `${grouped(Number(snapshot.navMid) / 1e6 / supply, 4)} USDC` : "no price"
          }
          detail={snapshot.shares.open ? "Shares are sold now" : "No shares are sold now"}
        />
        <Figure
          name="Regime"
          value={<Regime name={regime} />}
          detail={`Next session ${dayText(Number(snapshot.regime.nextSessionDay))}`}
        />
        <Figure
          name="ETH"
          value={snapshot.priced ? usdc(snapshot.reading.price.mid / 10n ** 12n) : "no price"}
          detail={snapshot.priced ? `as of ${when(Number(snapshot.reading.baseUpdatedAt))}` : undefined}
        />
      </div>
      {now === null ? null : (
        <Note kind="info" title="What the rules call for now">
          <p>{now.decision.sentence}</p>
        </Note>
      )}
      <PendingList vault={vault} />
      <EventsPanel vault={vault} overview={overview} />
      <div className="columns">
        <MemberPanel vault={vault} overview={overview} onDone={again} />
        <QueuePanel vault={vault} overview={overview} onDone={again} />
      </div>
      {bands === undefined || snapshot.unread.length > 0 || !snapshot.priced ? null : (
        <Panel title={`Exposures against the policy’s bands in ${regime}`}>
          <Table caption="Exposures now and the policy’s limits" head={["Measure", "Now", "Limit", "Margin"]}>
            <LimitRows limits={limitsOf(snapshot.measures, bands)} />
          </Table>
        </Panel>
      )}
      {now === null ? null : <PositionPanel snapshot={snapshot} evidence={now.evidence} />}
      {now === null ? null : (
        <Panel title="Regime over VIX">
          <RegimeChart sessions={now.evidence.regime.sessions} last={120} />
        </Panel>
      )}
      <TrackPanel vault={vault} />
      {now === null ? null : <Paid vault={vault} evidence={now.evidence} />}
    </>
  );
}

/** Read once a visit: the past does not change with each block. */
function TrackPanel({ vault }: { vault: Vault }) {
  const { provider, deployment, head } = vault;
  const track = useRead(() => readTrack(provider, deployment, head.number), [provider, deployment], deployment.vault);
  const points = track.value?.points ?? [];
  const line = (key: "nav" | "sharePrice") =>
    points.flatMap((point) => {
      const value = point[key];
      return value === null ? [] : [{ time: point.time, value }];
    });
  return (
    <Panel title="Over time">
      {track.problem === null ? null : <p className="quiet">The past cannot be read: {track.problem}</p>}
      {track.value === null && track.problem === null ? <p className="quiet">Reading the past…</p> : null}
      {track.value === null ? null : (
        <>
          <div className="columns">
            <LineChart
              title="Net asset value, million USDC"
              lines={[
                {
                  label: "NAV",
                  style: "a",
                  points: line("nav").map(({ time, value }) => ({ time, value: value / 1e6 })),
                },
              ]}
              text={(value) => `${grouped(value, 2)} m`}
            />
            <LineChart
              title="Share price, USDC"
              lines={[{ label: "Share price", style: "b", points: line("sharePrice") }]}
              text={(value) => grouped(value, 3)}
            />
          </div>
          <p className="hint">
            {track.value.source === "state"
              ? "From the vault’s state at past blocks, which this node keeps."
              : `From what the contracts logged${track.value.complete ? "" : ", as far back as this node looks"}: this node keeps no state of old blocks.`}
          </p>
        </>
      )}
    </Panel>
  );
}
