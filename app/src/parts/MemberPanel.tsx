import { useState } from "react";
import { getAddress, isAddress, ZeroAddress } from "ethers";
import type { ContractTransaction } from "ethers";
import { memberCalls, readMember } from "../chain/member.ts";
import type { Member } from "../chain/member.ts";
import type { Overview } from "../chain/overview.ts";
import { parseAmount, shares, usdc } from "../model/format.ts";
import type { Vault } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { useAction } from "../state/useAction.ts";
import type { Action } from "../state/useAction.ts";
import { useRead } from "../state/useRead.ts";
import type { Account } from "../state/account.ts";
import { Address, Facts, Field, Note, Outcome, Panel } from "./basics.tsx";

/** What the connected account has here, and all it can do about it. */
export function MemberPanel({ vault, overview, onDone }: { vault: Vault; overview: Overview; onDone: () => void }) {
  const { wallets } = usePage();
  const { account } = wallets;
  const { provider, deployment, head } = vault;
  const member = useRead(
    account === null ? null : () => readMember(provider, deployment, account.address),
    [provider, deployment, account?.address, head.number],
    account?.address ?? "",
  );
  const action = useAction(() => {
    member.again();
    onDone();
  });
  return (
    <Panel title="Yours">
      {account === null ? (
        <p className="quiet">Connect a wallet to see your shares, to deposit, and to leave.</p>
      ) : null}
      {member.problem === null ? null : (
        <Note kind="warn" title="Your shares cannot be read">
          <p>{member.problem}</p>
        </Note>
      )}
      {account === null || member.value === null ? null : (
        <Actions {...{ vault, overview, action, account }} member={member.value} />
      )}
      <Outcome action={action} />
    </Panel>
  );
}

interface ActionsProps {
  vault: Vault;
  overview: Overview;
  action: Action;
  account: Account;
  member: Member;
}

function Actions({ vault, overview, action, account, member }: ActionsProps) {
  const calls = memberCalls(vault.provider, vault.deployment);
  const me = account.address;
  // A node that does not search far back still tells who stands first in the queue.
  const inQueue = overview.queue.filter(
    ({ id, controller }) => controller === me && !member.requests.some((one) => one.id === id),
  );
  const own = [...inQueue, ...member.requests];
  const free = member.shares - member.locked;
  const busy = action.running !== null;
  const send = (what: string, call: () => Promise<ContractTransaction>): void =>
    action.run(what, async () => account.send(what.toLowerCase(), await call()));
  const delegatee = member.delegatee === ZeroAddress ? "nobody" : member.delegatee;
  return (
    <>
      <Facts
        rows={[
          ["Shares", shares(member.shares)],
          ["Of them locked in requests", shares(member.locked)],
          ["Votes", shares(member.votes)],
          [
            "Votes are with",
            delegatee === me ? "yourself" : delegatee === "nobody" ? delegatee : <Address key="d" value={delegatee} />,
          ],
          ["To be claimed", usdc(member.claimableAssets)],
          ["USDC in your wallet", usdc(member.assets)],
        ]}
      />
      <AmountForm
        label="Deposit"
        unit="USDC"
        decimals={6}
        most={member.assets}
        busy={busy}
        preview={async (amount) =>
          `About ${shares(await calls.previewDeposit(amount))}, at the price when it is mined: it changes with the feeds' next round.`
        }
        onAmount={(amount) =>
          action.run("Depositing", async () => {
            const approval = member.allowance < amount ? [await calls.approve(member.asset, amount)] : [];
            return account.send("depositing", ...approval, await calls.deposit(amount, me));
          })
        }
      />
      <AmountForm
        label="Ask to leave"
        unit="shares"
        decimals={18}
        most={free}
        busy={busy}
        onAmount={(amount) => send("Requesting", () => calls.request(amount, me))}
      />
      {member.atOnce.assets === null ? null : (
        <p className="buttons">
          <button
            type="button"
            className="plain"
            disabled={busy}
            onClick={() => {
              const least = ((member.atOnce.assets ?? 0n) * 999n) / 1_000n;
              send("Leaving", () => calls.redeemAtOnce(free, least, me));
            }}
          >
            Leave at once with {shares(free)} for {usdc(member.atOnce.assets)}
          </button>
          At the low side of NAV, and for no less than 0.1 % below this: else nothing happens.
        </p>
      )}
      {own.map(({ id, shares: pending }) => (
        <p key={id.toString()} className="buttons">
          <button
            type="button"
            className="plain"
            disabled={busy}
            onClick={() => send("Cancelling", () => calls.cancel(id, me))}
          >
            Cancel request {id.toString()} ({shares(pending)})
          </button>
        </p>
      ))}
      {member.claimableShares === 0n && member.claimableAssets === 0n ? null : (
        <p className="buttons">
          <button
            type="button"
            disabled={busy}
            onClick={() => send("Claiming", () => calls.claim(member.claimableShares, me))}
          >
            Claim {usdc(member.claimableAssets)}
          </button>
        </p>
      )}
      <Delegate busy={busy} me={me} onDelegate={(to) => send("Delegating", () => calls.delegate(to))} />
    </>
  );
}

function AmountForm({
  label,
  unit,
  decimals,
  most,
  busy,
  preview,
  onAmount,
}: {
  label: string;
  unit: string;
  decimals: number;
  most: bigint;
  busy: boolean;
  /** What an amount would bring, in a sentence. */
  preview?: (amount: bigint) => Promise<string>;
  onAmount: (amount: bigint) => void;
}) {
  const [text, setText] = useState("");
  const amount = parseAmount(text, decimals);
  const tooMuch = amount !== null && amount > most;
  const brought = useRead(
    preview === undefined || amount === null || tooMuch ? null : () => preview(amount),
    [],
    String(amount),
  );
  const wrong = tooMuch
    ? `You have ${decimals === 6 ? usdc(most) : shares(most)}.`
    : text !== "" && amount === null
      ? `A positive number with at most ${decimals} decimals after a point, such as 1500 or 1,500.00.`
      : undefined;
  const hint = wrong ?? brought.problem ?? brought.value ?? undefined;
  return (
    <form
      className="inline"
      onSubmit={(event) => {
        event.preventDefault();
        if (amount !== null) onAmount(amount);
      }}
    >
      <Field
        label={label}
        unit={unit}
        value={text}
        onChange={setText}
        inputMode="decimal"
        invalid={wrong !== undefined}
        {...(hint === undefined ? {} : { hint })}
      />
      <button type="submit" disabled={busy || amount === null || tooMuch}>
        {label}
      </button>
    </form>
  );
}

function Delegate({ busy, me, onDelegate }: { busy: boolean; me: string; onDelegate: (to: string) => void }) {
  const [to, setTo] = useState("");
  const target = to.trim() === "" ? me : to.trim();
  return (
    <form
      className="inline"
      onSubmit={(event) => {
        event.preventDefault();
        onDelegate(getAddress(target));
      }}
    >
      <Field label="Delegate votes to" value={to} onChange={setTo} hint="An address; empty for yourself." />
      <button type="submit" className="plain" disabled={busy || !isAddress(target)}>
        Delegate
      </button>
    </form>
  );
}
