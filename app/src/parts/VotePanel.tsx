import { useState } from "react";
import type { ContractTransaction } from "ethers";
import { CONTRACT_ERRORS } from "../../../src/keeper/contractErrors.ts";
import { duration, reviewGuardOf } from "../../../src/keeper/review.ts";
import type { Review } from "../../../src/keeper/review.ts";
import type { Verdict } from "../../../src/keeper/verify.ts";
import { approveHashCall } from "../../../src/safe/approvals.ts";
import { executeSafeTx } from "../../../src/safe/execute.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { signPacket } from "../../../src/safe/sign.ts";
import { readVote } from "../chain/vote.ts";
import type { Vote } from "../chain/vote.ts";
import { causeOf, isFinal } from "../model/checks.ts";
import { percent, plainTimes, shares, when } from "../model/format.ts";
import { isRejection, rejectionOf, sameNonce } from "../model/rejection.ts";
import { Unusable } from "../state/errors.ts";
import type { Vault } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { handOver } from "../state/proposals.ts";
import type { Action } from "../state/useAction.ts";
import { useAction } from "../state/useAction.ts";
import { useRead } from "../state/useRead.ts";
import { useThere } from "../state/useThere.ts";
import type { Account } from "../state/account.ts";
import { Address, Note, Outcome, Panel } from "./basics.tsx";

interface VoteProps {
  vault: Vault;
  packet: Packet;
  /** Null for a rejection, which there is nothing to recompute of. */
  verdict: Verdict | null;
  /** Whether the verdict is of now: not old, not being made, not failed. */
  isCurrent: boolean;
  /** Verifies once more; throws when anything else than the accepted cause is red. */
  recheck: (accepted: string | null) => Promise<void>;
  /** Something happened on chain. */
  onChain: () => void;
}

/** How the vote stands, and what whoever is connected can do about it. */
export function VotePanel({ vault, packet, verdict, isCurrent, recheck, onChain }: VoteProps) {
  const { wallets, settings, serviceKey, load, visit, sign } = usePage();
  const isThere = useThere();
  const { account } = wallets;
  const { provider, deployment } = vault;
  const [accepted, setAccepted] = useState<string | null>(null);
  const vote = useRead(
    () => readVote(provider, deployment, packet, account?.address ?? null),
    [provider, packet.safeTxHash, packet.signatures.length, account?.address, vault.head.number],
    `${packet.safeTxHash} ${account?.address ?? ""}`,
  );
  const action = useAction(() => {
    vote.again();
    onChain();
  });

  const confirm = async (): Promise<string> => {
    const { signer, address } = await required(account);
    const made = await signPacket(packet, signer, { provider });
    sign(made, address);
    return handOver(made, address, { settings, serviceKey, deployment });
  };
  const reject = async (): Promise<string> => {
    const { signer, address } = await required(account);
    const bare = rejectionOf(packet);
    // Others' signatures on it that were opened before stay on it.
    const known = sameNonce(visit, packet).find(({ safeTxHash }) => safeTxHash === bare.safeTxHash);
    const made = await signPacket(known ?? bare, signer, { provider });
    sign(made, address);
    const told = await handOver(made, address, { settings, serviceKey, deployment });
    if (isThere.current) load({ packet: made, from: "your rejection", told });
    return told;
  };
  const execute = async (): Promise<string> => {
    const { signer } = await required(account);
    const done = await executeSafeTx({ provider, signer, packet, interfaces: CONTRACT_ERRORS });
    return `Executed in transaction ${done.transactionHash}, block ${done.blockNumber}.`;
  };
  const cause = verdict === null ? null : causeOf(verdict.checks);
  const final = verdict !== null && isFinal(verdict.checks);
  const red = cause !== null;
  // A verdict on the screen is of a moment ago: what is signed or sent is verified at the click.
  const gated = async <T,>(work: () => Promise<T>): Promise<T> => {
    await recheck(accepted);
    // A wallet must not ask for one proposal while the member looks at another.
    if (!isThere.current) throw new Unusable("You have left this proposal", "Nothing was signed.");
    return work();
  };
  const state = vote.value;
  return (
    <Panel title="Vote">
      {vote.problem === null ? null : (
        <Note kind="bad" title="How the vote stands cannot be read">
          <p>{vote.problem}</p>
        </Note>
      )}
      {state === null ? (
        <p className="quiet">Reading how the vote stands…</p>
      ) : (
        <>
          <Signatures vote={state} account={account} />
          <ReviewState vote={state} />
          {state.executed === null ? null : (
            <Note
              kind={state.executed.success ? "good" : "bad"}
              title={state.executed.success ? "Executed" : "It ran and failed"}
            >
              <p>
                In transaction <Address value={state.executed.transactionHash} />, block {state.executed.blockNumber}.
              </p>
            </Note>
          )}
          {red && state.executed === null ? (
            <Note kind="bad" title="A check is red">
              <p>{plainTimes(cause)}</p>
              {final ? (
                <p>This page does not sign it.</p>
              ) : (
                <label className="choice">
                  <input
                    type="checkbox"
                    checked={accepted === cause}
                    onChange={(event) => setAccepted(event.target.checked ? cause : null)}
                  />
                  I have read it, and want to sign although it does not match
                </label>
              )}
            </Note>
          ) : null}
          <Buttons
            {...{ vote: state, account, packet, action, reject }}
            held={!isCurrent || final || (red && accepted !== cause)}
            confirm={() => gated(confirm)}
            execute={() => gated(execute)}
            approve={() => gated(() => Promise.resolve(approveHashCall(packet.safe, packet.safeTxHash)))}
            announce={() => gated(() => guardCall("announce", vault, packet, state.review))}
            veto={() => guardCall("veto", vault, packet, state.review)}
          />
        </>
      )}
      <Outcome action={action} />
    </Panel>
  );
}

/** The account, if it may sign here and its wallet still is where it was. Throws Unusable. */
async function required(account: Account | null): Promise<Account & { signer: NonNullable<Account["signer"]> }> {
  if (account === null) throw new Unusable("No wallet is connected", "Connect one first.");
  const { signer } = account;
  if (signer === null) {
    throw new Unusable("A Safe cannot sign here", "Confirm it in Safe{Wallet} itself, or connect an owner’s wallet.");
  }
  await account.check();
  return { ...account, signer };
}

async function guardCall(
  name: "announce" | "veto",
  { provider }: Vault,
  { safe, safeTx }: Packet,
  review: Review,
): Promise<ContractTransaction> {
  const guard = await reviewGuardOf(provider, safe);
  if (guard === null || review.call === null) throw new Unusable("The Safe has no review guard", "Nothing waits.");
  return name === "announce"
    ? guard.announce.populateTransaction(safeTx.to, safeTx.value, safeTx.data)
    : guard.veto.populateTransaction(review.call.key);
}

function Signatures({ vote, account }: { vote: Vote; account: Account | null }) {
  const given = vote.owners.filter(({ agreed }) => agreed !== null).length;
  return (
    <>
      <p>
        <strong>
          {given} of {vote.safe.threshold}
        </strong>{" "}
        signatures needed
      </p>
      <ul className="owners">
        {vote.owners.map(({ address, agreed }, index) => (
          <li key={address} className={agreed === null ? "" : "agreed"}>
            <span aria-hidden="true">{agreed === null ? "○" : "●"}</span> Owner {index + 1} <Address value={address} />{" "}
            {agreed ?? "has not signed"}
            {address === account?.address ? " (you)" : ""}
          </li>
        ))}
      </ul>
    </>
  );
}

/** What the guard says, how the shareholders' vote stands, and until when. */
function ReviewState({ vote }: { vote: Vote }) {
  const { review, now } = vote;
  const { call, state, sentence } = review;
  if (state === "no guard") return null;
  const part = call === null || call.threshold === 0n ? 0 : Number(call.votesAgainst) / Number(call.threshold);
  return (
    <div className="review">
      <h3>Review</h3>
      <p data-review={state}>
        {state === "not announced"
          ? `Not announced yet: its window of ${duration(call?.window ?? 0)} has not begun.`
          : plainTimes(`${sentence[0]?.toUpperCase() ?? ""}${sentence.slice(1)}.`)}
      </p>
      {call === null || call.announcedAt === 0 ? null : (
        <dl className="facts">
          <div>
            <dt>Against it</dt>
            <dd>
              {shares(call.votesAgainst)} of {shares(call.threshold)} that stop it ({percent(part)})
              <meter min={0} max={1} value={Math.min(1, part)} aria-label="Votes against, of those that stop it" />
            </dd>
          </div>
          <div>
            <dt>{now < call.readyAt ? "Time left to stop it" : "May run"}</dt>
            <dd>
              {now < call.readyAt
                ? `${duration(call.readyAt - now)} (until ${when(call.readyAt)})`
                : `until ${when(call.expiresAt)}`}
            </dd>
          </div>
          {vote.ownVotes === null ? null : (
            <div>
              <dt>Your votes on it</dt>
              <dd>{shares(vote.ownVotes)}</dd>
            </div>
          )}
        </dl>
      )}
    </div>
  );
}

interface ButtonsProps {
  vote: Vote;
  account: Account | null;
  packet: Packet;
  action: Action;
  /** No verdict of now, or a red check that was not accepted. */
  held: boolean;
  confirm: () => Promise<string>;
  reject: () => Promise<string>;
  execute: () => Promise<string>;
  approve: () => Promise<ContractTransaction>;
  announce: () => Promise<ContractTransaction>;
  veto: () => Promise<ContractTransaction>;
}

function Buttons(props: ButtonsProps) {
  const { vote, account, packet, action, held } = props;
  const { safe, review, owners } = vote;
  if (BigInt(packet.safeTx.nonce) < safe.nonce) {
    return vote.executed === null ? (
      <p className="quiet">Its nonce is used: another transaction ran in its place. There is nothing to vote on.</p>
    ) : null;
  }
  if (account === null) return <p className="quiet">Connect a wallet to sign, reject, veto or execute.</p>;
  const owner = owners.find(({ address }) => address === account.address);
  const given = owners.filter(({ agreed }) => agreed !== null).length;
  const busy = action.running !== null;
  const may = (yes: boolean): { disabled: boolean } => ({ disabled: busy || !yes });
  const send = (what: string, call: () => Promise<ContractTransaction>) => () =>
    action.run(what, async () => account.send(what.toLowerCase(), await call()));
  const waiting = review.state === "waiting";
  const runnable = !waiting && !["not announced", "stopped", "forbidden"].includes(review.state);
  return (
    <div className="buttons">
      {owner === undefined ? null : (
        <>
          <button
            type="button"
            {...may(owner.agreed === null && !held)}
            onClick={() => action.run("Signing", props.confirm)}
          >
            Confirm
          </button>
          <button
            type="button"
            className="plain"
            {...may(owner.agreed === null && !held)}
            onClick={send("Approving", props.approve)}
          >
            Approve on chain, for gas
          </button>
          {isRejection(packet) ? null : (
            <button
              type="button"
              className="plain"
              {...may(true)}
              onClick={() => action.run("Rejecting", props.reject)}
            >
              Reject at this nonce
            </button>
          )}
        </>
      )}
      {review.state === "not announced" ? (
        <button type="button" className="plain" {...may(!held)} onClick={send("Announcing", props.announce)}>
          Announce, to start the review
        </button>
      ) : null}
      {vote.mayVeto ? (
        <button type="button" className="danger" {...may(true)} onClick={send("Voting", props.veto)}>
          Veto with {shares(vote.ownVotes ?? 0n, 0)}
        </button>
      ) : null}
      <button
        type="button"
        {...may(given >= safe.threshold && runnable && !held)}
        onClick={() => action.run("Executing", props.execute)}
      >
        Execute
      </button>
    </div>
  );
}
