import type { Overview } from "../chain/overview.ts";
import { memberCalls } from "../chain/member.ts";
import { shares, usdc, when } from "../model/format.ts";
import type { Vault } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { useAction } from "../state/useAction.ts";
import { Address, Outcome, Panel, Table } from "./basics.tsx";

/** Who waits to leave, in order, and since when; anyone may settle what cash can pay. */
export function QueuePanel({ vault, overview, onDone }: { vault: Vault; overview: Overview; onDone: () => void }) {
  const { wallets } = usePage();
  const { account } = wallets;
  const { snapshot, queue, queueCut, exitDeadlineSeconds } = overview;
  const action = useAction(onDone);
  const calls = memberCalls(vault.provider, vault.deployment);
  const now = vault.head.timestamp;
  const due = queue.filter(({ createdAt }) => createdAt + exitDeadlineSeconds <= now);
  const worth = (amount: bigint): string =>
    snapshot.priced && snapshot.totalSupply > 0n ? usdc((amount * snapshot.navLow) / snapshot.totalSupply) : "no price";
  return (
    <Panel title="Leaving">
      {queue.length === 0 ? (
        <p className="quiet">Nobody waits to leave.</p>
      ) : (
        <Table caption="Requests to redeem" head={["Request", "Shares", "Worth now", "Forced from", "Holder"]}>
          {queue.map((request) => (
            <tr key={request.id.toString()}>
              <th scope="row">{request.id.toString()}</th>
              <td className="number">{shares(request.shares)}</td>
              <td className="number">{worth(request.shares)}</td>
              <td>{when(request.createdAt + exitDeadlineSeconds)}</td>
              <td>
                <Address value={request.controller} />
                {request.controller === account?.address ? " (you)" : ""}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {queueCut ? <p className="hint">More wait than are shown.</p> : null}
      <p>
        Idle cash {usdc(snapshot.cash)}; set aside for claims {usdc(snapshot.claimsOutstanding)}.
      </p>
      {queue.length === 0 || account === null ? null : (
        <p className="buttons">
          <button
            type="button"
            className="plain"
            disabled={action.running !== null}
            onClick={() => action.run("Settling", async () => account.send("settling", await calls.settle()))}
          >
            Settle what cash can pay
          </button>
          {due.map(({ id }) => (
            <button
              key={id.toString()}
              type="button"
              className="plain"
              disabled={action.running !== null}
              onClick={() => action.run("Forcing", async () => account.send("forcing", await calls.force(id)))}
            >
              Force request {id.toString()}
            </button>
          ))}
        </p>
      )}
      <Outcome action={action} />
    </Panel>
  );
}
