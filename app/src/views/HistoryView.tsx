import { foresee } from "../chain/foresight.ts";
import type { Foresight } from "../chain/foresight.ts";
import { readHistory } from "../chain/history.ts";
import type { AnnouncedCall, ExecutedPlan } from "../chain/history.ts";
import { bpsPercent, grouped, percent, shares, when, wholeUsdc } from "../model/format.ts";
import { Address, Linked, Note, Panel, Regime, Table } from "../parts/basics.tsx";
import { WhenReady } from "../parts/NotReady.tsx";
import type { Vault } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { keeperPackets } from "../state/proposals.ts";
import { useRead } from "../state/useRead.ts";

export function HistoryView() {
  return <WhenReady>{(vault) => <Loaded vault={vault} />}</WhenReady>;
}

/** Plans simulated again, newest first: each takes a node some work. */
const FORESEEN = 20;

const FATES = {
  ran: "ran",
  stopped: "stopped by shareholders",
  waits: "waits",
  "may run": "may run",
  expired: "expired",
} as const;

function Loaded({ vault }: { vault: Vault }) {
  const { settings, loaded } = usePage();
  const { provider, deployment, head } = vault;
  const history = useRead(
    async () => {
      const kept = settings.keeper === "" ? [] : await keeperPackets(settings.keeper).catch(() => []);
      const packets = loaded === null ? kept : [...kept, loaded.packet];
      return readHistory(provider, deployment, packets, head.timestamp);
    },
    [provider, deployment, settings.keeper, loaded?.packet.safeTxHash, head.number],
    deployment.vault,
  );
  const found = history.value;
  if (found === null) {
    return history.problem === null ? (
      <Note kind="info" title="Reading what the contracts logged…" />
    ) : (
      <Note kind="bad" title="The history cannot be read">
        <p>{history.problem}</p>
      </Note>
    );
  }
  return (
    <>
      {found.complete ? null : (
        <Note kind="warn" title="Not all of it">
          <p>This node does not let the page look back to the deployment: older proposals are missing.</p>
        </Note>
      )}
      <Panel title="Executed">
        {found.executed.length === 0 ? (
          <p className="quiet">No plan has run yet.</p>
        ) : (
          <Table
            caption="Executed plans, newest first"
            head={[
              "When",
              "Regime",
              "NAV after",
              "Cost",
              "Net delta",
              "Foreseen from",
              "Signed by",
              "Evidence",
              "Transaction",
            ]}
          >
            {found.executed.map((plan, index) => (
              <PlanRow key={plan.transactionHash} vault={vault} plan={plan} isFresh={index < FORESEEN} />
            ))}
          </Table>
        )}
        <p className="hint">
          Cost (of NAV) and net delta are what the chain measured. Foreseen is what the same simulation as in the checks
          gives on the state the plan was decided from, or was announced at, where the node keeps that state: prices and
          positions move from then to execution.
        </p>
      </Panel>
      <Panel title="Announced at the review guard">
        {found.announced.length === 0 ? (
          <p className="quiet">Nothing was announced, or the Safe has no review guard.</p>
        ) : (
          <Table
            caption="Announced calls, newest first"
            head={["When", "Class", "Came of it", "Window over", "Votes against", "By"]}
          >
            {found.announced.map((call) => (
              <CallRow key={`${call.key} ${call.time}`} call={call} />
            ))}
          </Table>
        )}
      </Panel>
    </>
  );
}

function PlanRow({ vault, plan, isFresh }: { vault: Vault; plan: ExecutedPlan; isFresh: boolean }) {
  const { load, go } = usePage();
  const { provider, deployment } = vault;
  const foreseen = useRead(
    isFresh ? () => foresee(provider, deployment, plan) : null,
    [provider, deployment, plan.transactionHash, plan.packet?.safeTxHash],
    plan.transactionHash,
  );
  const foresight: Foresight | null = isFresh
    ? foreseen.value
    : { kind: "not known", why: `only the newest ${FORESEEN} are simulated again` };
  const simulated = foresight?.kind === "simulated" ? foresight : null;
  const cost = Number(plan.navBefore - plan.navAfter) / Number(plan.navBefore);
  const { packet } = plan;
  const unknown = foresight === null ? "…" : "not foreseen";
  return (
    <tr>
      <th scope="row">
        {when(plan.time)
          .split(", ")
          .map((part) => (
            <span key={part} className="block number">
              {part}
            </span>
          ))}
      </th>
      <td>
        <Regime name={plan.regime} />
        {plan.kind === "deleverage" ? " by the keeper alone" : ""}
      </td>
      <td className="number">{wholeUsdc(plan.navAfter)}</td>
      <td>
        <span className="number">{percent(cost, 3)}</span>
        <span className="beneath" data-foreseen="cost">
          {simulated === null ? unknown : `foreseen ${percent(simulated.cost, 3)}`}
        </span>
      </td>
      <td>
        <span className="number">
          {bpsPercent(plan.deltaBefore)} to {bpsPercent(plan.deltaAfter)}
        </span>
        <span className="beneath" data-foreseen="delta">
          {simulated !== null
            ? `foreseen ${bpsPercent(simulated.deltaBps)}`
            : plan.aimedDeltaBps === null
              ? unknown
              : `aimed at ${bpsPercent(plan.aimedDeltaBps)}`}
        </span>
      </td>
      <td data-foreseen="from">{fromText(foresight)}</td>
      <td>
        {plan.signers.map((signer) => (
          <span key={signer} className="block">
            <Address value={signer} />
          </span>
        ))}
      </td>
      <td>
        {packet === null ? (
          <Address value={plan.evidence} />
        ) : (
          <button
            type="button"
            className="plain"
            onClick={() => {
              load({ packet, from: "the history" });
              go("proposal");
            }}
          >
            Open
          </button>
        )}
      </td>
      <td>
        <Linked kind="tx" value={plan.transactionHash} />
      </td>
    </tr>
  );
}

function fromText(foresight: Foresight | null): string {
  if (foresight === null) return "simulating…";
  if (foresight.kind === "not known") return foresight.why;
  const { at, block } = foresight;
  return `${at === "decision" ? "its decision" : at === "announcement" ? "its announcement" : "the block before"}, block ${grouped(block)}`;
}

function CallRow({ call }: { call: AnnouncedCall }) {
  const votes = call.votes.reduce((sum, vote) => sum + vote.votes, 0n);
  return (
    <tr>
      <th scope="row">{when(call.time)}</th>
      <td>{call.class}</td>
      <td>{FATES[call.fate]}</td>
      <td>{when(call.readyAt)}</td>
      <td className="number">{votes === 0n ? "none" : shares(votes)}</td>
      <td>
        <Address value={call.by} />
      </td>
    </tr>
  );
}
