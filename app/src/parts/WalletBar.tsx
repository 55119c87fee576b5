import { useEffect, useRef, useState } from "react";
import { usePage } from "../state/page.ts";
import { DEVNET_CHAIN } from "../state/connection.ts";
import { useRead } from "../state/useRead.ts";
import { readSafe } from "../../../src/safe/account.ts";
import { shortHash } from "../model/format.ts";
import { Address, Note } from "./basics.tsx";

/** Who acts, and the ways to become somebody. */
export function WalletBar() {
  const { wallets, ready } = usePage();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    button.current?.focus();
    setOpen(false);
  };
  const { account, choices, problem } = wallets;
  const devnet = ready.kind === "ready" && ready.vault.chainId === DEVNET_CHAIN;
  const safe = useRead(
    ready.kind === "ready" && open ? () => readSafe(ready.vault.provider, ready.vault.deployment.safe) : null,
    [ready.kind === "ready" ? ready.vault.deployment.safe : "", open],
  );
  useEffect(() => {
    if (!open) return undefined;
    const away = (event: Event): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) !== true) setOpen(false);
    };
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      button.current?.focus();
      setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);

  const roleOf = (address: string): string => {
    const owner = safe.value?.owners.indexOf(address) ?? -1;
    return owner < 0 ? "" : `, owner ${owner + 1} of the Safe`;
  };
  return (
    <div
      className="wallet"
      ref={box}
      onBlur={({ relatedTarget }) => {
        if (relatedTarget !== null && box.current?.contains(relatedTarget) !== true) setOpen(false);
      }}
    >
      {devnet ? <span className="devnet">Devnet · play money</span> : null}
      <button ref={button} type="button" className="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
        {account === null ? (
          "Connect a wallet"
        ) : (
          <>
            <span className="wallet-label">{account.label} · </span>
            {shortHash(account.address)}
          </>
        )}
      </button>
      {!open ? null : (
        <div className="wallet-menu">
          {account === null ? null : (
            <p>
              Acting as <Address value={account.address} whole />{" "}
              <button
                type="button"
                className="plain"
                onClick={() => {
                  wallets.leave();
                  close();
                }}
              >
                Disconnect
              </button>
            </p>
          )}
          {problem === null ? null : (
            <Note kind="bad" title="Not connected">
              <p>{problem}</p>
            </Note>
          )}
          {choices.length === 0 ? (
            <p>
              {ready.kind === "ready"
                ? "No wallet has announced itself in this browser. You can still review everything."
                : "Set an RPC and a deployment file first."}
            </p>
          ) : (
            <ul>
              {choices.map((choice) => (
                <li key={choice.id}>
                  <button
                    type="button"
                    className="plain"
                    data-account={choice.id}
                    // A refusal is read in the menu: it stays open for it.
                    onClick={() => void wallets.choose(choice).then((connected) => connected && close())}
                  >
                    {choice.name}
                    {choice.kind === "devnet" ? roleOf(choice.id) : ""}
                  </button>
                </li>
              ))}
            </ul>
          )}
          {devnet ? (
            <p className="hint">Devnet accounts are the local node’s own: public keys, worthless money.</p>
          ) : null}
        </div>
      )}
    </div>
  );
}
