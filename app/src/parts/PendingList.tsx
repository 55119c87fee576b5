import { readSafe } from "../../../src/safe/account.ts";
import { reviewGuardOf } from "../../../src/keeper/review.ts";
import { readCalls } from "../chain/history.ts";
import type { AnnouncedCall } from "../chain/history.ts";
import { callText } from "../model/calls.ts";
import { shortHash, when } from "../model/format.ts";
import type { Vault } from "../state/connection.ts";
import { messageOf, Unusable } from "../state/errors.ts";
import { usePage } from "../state/page.ts";
import { pendingProposals, withEvidence } from "../state/proposals.ts";
import type { Pending } from "../state/proposals.ts";
import { useAction } from "../state/useAction.ts";
import { useRead } from "../state/useRead.ts";
import { useThere } from "../state/useThere.ts";
import { Linked, Note, Outcome, Panel } from "./basics.tsx";

interface Waiting extends Pending {
  /** Announced at the review guard and not over, whoever keeps silent about it. */
  calls: AnnouncedCall[];
  nonce: bigint;
}

/** What waits at the Safe: as keeper and service tell it, as this page signed it, and as the chain has it announced. */
export function PendingList({ vault }: { vault: Vault }) {
  const { settings, serviceKey, load, go, visit, wallets } = usePage();
  const { account } = wallets;
  const { provider, deployment, head } = vault;
  const isThere = useThere();
  const asked = settings.keeper !== "" || settings.service !== "";
  const pending = useRead(
    async (): Promise<Waiting> => {
      const { nonce, owners } = await readSafe(provider, deployment.safe);
      const [told, announced] = await Promise.all([
        pendingProposals({ settings, serviceKey, deployment, nonce, owners }),
        openCalls(vault).catch((error: unknown) => ({ calls: [], problem: messageOf(error) })),
      ]);
      const problems = announced.problem === null ? [] : [`Announcements on chain: ${announced.problem}`];
      return { ...told, problems: [...told.problems, ...problems], calls: announced.calls, nonce };
    },
    [provider, deployment.safe, settings, head.number],
    `${settings.keeper} ${settings.service} ${deployment.safe}`,
  );
  const action = useAction(pending.again);
  const told = pending.value?.packets ?? [];
  const signedHere = visit.entries
    .filter(({ packet, made }) => made.length > 0 && packet.safe === deployment.safe)
    .filter(({ packet }) => pending.value !== null && BigInt(packet.safeTx.nonce) >= pending.value.nonce)
    .filter(({ packet }) => !told.some((one) => one.packet.safeTxHash === packet.safeTxHash))
    .map(({ packet }) => ({ packet, from: "this visit", origin: null }));
  const found = [...told, ...signedHere];
  const isTold = ({ call }: AnnouncedCall): boolean =>
    found.some(({ packet: { safeTx } }) =>
      [safeTx.to === call.to, safeTx.value === call.value, safeTx.data === call.data].every(Boolean),
    );
  // A proposal shown for a call that is no plan explains nothing of it: whoever announced it could bring one.
  const unclaimed = (pending.value?.calls ?? []).filter((call) => call.class === "other call" || !isTold(call));
  const problems = [...(pending.value?.problems ?? []), ...(pending.problem === null ? [] : [pending.problem])];
  const nothing = pending.value !== null && found.length + unclaimed.length + problems.length === 0;
  const veto = async (key: string): Promise<string> => {
    const guard = await reviewGuardOf(provider, deployment.safe);
    if (guard === null || account === null) throw new Unusable("There is nothing to vote with", "Connect a wallet.");
    return account.send("voting", await guard.veto.populateTransaction(key));
  };
  return (
    <Panel title="Pending proposals">
      {!asked ? (
        <p className="quiet">
          No keeper or transaction service is set: only what is announced on chain shows here. Open a packet’s file
          instead.
        </p>
      ) : null}
      {problems.map((problem) => (
        <Note key={problem} kind="warn" title="Not everybody answered">
          <p>{problem}</p>
        </Note>
      ))}
      {nothing ? <p className="quiet">Nothing is pending.</p> : null}
      {pending.value === null && pending.busy ? <p className="quiet">Asking…</p> : null}
      {unclaimed
        .map((one) => ({ ...one, told: isTold(one) }))
        .map(({ key, by, class: kind, fate, call, readyAt, expiresAt, told: isShown }) => (
          <Note
            key={key}
            kind={kind === "other call" ? "bad" : "warn"}
            title={
              isShown
                ? "Announced on chain, and it is no plan"
                : "Announced on chain, and nobody shows you a proposal for it"
            }
          >
            <p>
              <Linked kind="address" value={by} /> announced {kind === "other call" ? "a call" : `a ${kind}`} of your
              Safe to <Linked kind="address" value={call.to} />: {callText(call, deployment.safe)}.{" "}
              {fate === "waits"
                ? `Votes can stop it until ${when(readyAt)}.`
                : `It may run until ${when(expiresAt)}, once enough owners sign.`}
            </p>
            {fate !== "waits" || kind === "derisk plan" ? null : (
              <p className="buttons">
                <button
                  type="button"
                  className="danger"
                  disabled={account === null || action.running !== null}
                  onClick={() => action.run("Voting", () => veto(key))}
                >
                  Veto it
                </button>
                {account === null ? "Connect a wallet that had votes a day before." : null}
              </p>
            )}
          </Note>
        ))}
      <ul className="pending">
        {found.map(({ packet, from, origin }) => (
          <li key={packet.safeTxHash}>
            <span>
              Nonce {packet.safeTx.nonce}, <code>{shortHash(packet.safeTxHash)}</code>, from {from},{" "}
              {packet.signatures.length} {packet.signatures.length === 1 ? "signature" : "signatures"}
            </span>
            <button
              type="button"
              onClick={() =>
                action.run("Opening", async () => {
                  const whole = await withEvidence(provider, deployment, packet, origin);
                  if (!isThere.current) return "";
                  load({ packet: whole, from });
                  go("proposal");
                  return "";
                })
              }
            >
              Review
            </button>
          </li>
        ))}
      </ul>
      <Outcome action={action} />
    </Panel>
  );
}

/** Calls that wait at the review guard or may run, as its own logs have them; and what could not be searched. */
async function openCalls(vault: Vault): Promise<{ calls: AnnouncedCall[]; problem: string | null }> {
  const { provider, deployment, head } = vault;
  const from = deployment.atDeployment?.block ?? 0;
  const { announced, complete } = await readCalls(provider, deployment, from, head.timestamp);
  return {
    calls: announced.filter(({ fate }) => fate === "waits" || fate === "may run"),
    problem: complete ? null : "the node does not search all blocks since the vault was deployed",
  };
}
