import type { ReactNode } from "react";
import { usePage } from "../state/page.ts";
import type { Vault } from "../state/connection.ts";
import { Note } from "./basics.tsx";

/** What keeps the vault from being shown, and what to do; or the view. */
export function WhenReady({ children }: { children: (vault: Vault) => ReactNode }) {
  const { ready, connection, go } = usePage();
  const settings = (
    <p>
      <button type="button" onClick={() => go("settings")}>
        Open settings
      </button>
    </p>
  );
  switch (ready.kind) {
    case "ready":
      return children(ready.vault);
    case "connecting":
      return <Note kind="info" title="Asking the RPC which chain it serves…" />;
    case "no rpc":
      return (
        <Note kind="info" title="No RPC yet">
          <p>
            This page trusts nothing but a chain you point it to. Give it a JSON-RPC URL, and your vault’s deployment
            file.
          </p>
          {settings}
        </Note>
      );
    case "rpc failed":
      return (
        <Note kind="bad" title="The RPC does not answer">
          <p>{ready.problem}</p>
          <p>
            <button type="button" onClick={connection.retry}>
              Try again
            </button>{" "}
            <button type="button" onClick={() => go("settings")}>
              Open settings
            </button>
          </p>
        </Note>
      );
    case "no deployment":
      return (
        <Note kind="info" title="No deployment file yet">
          <p>
            It lists your vault’s contracts. Get it once, from a source other than whoever sends you proposals, and keep
            it.
          </p>
          {settings}
        </Note>
      );
    case "bad deployment":
      return (
        <Note kind="bad" title="The deployment file cannot be used">
          <p>{ready.problem}</p>
          {settings}
        </Note>
      );
    case "wrong chain":
      return (
        <Note kind="bad" title="Wrong chain">
          <p>
            Your vault is on chain {ready.expected}, the RPC serves chain {ready.actual}. Nothing is shown or sent until
            both agree.
          </p>
          {settings}
        </Note>
      );
  }
}

/** Says when what is shown may be old: the node is silent, or lags behind the clock. */
export function Staleness() {
  const { connection } = usePage();
  if (connection.kind !== "open" || connection.trouble === null) return null;
  const { trouble, head } = connection;
  return trouble.kind === "silent" ? (
    <Note kind="warn" title="The RPC has stopped answering">
      <p>
        What you see is of block {head.number}. {trouble.problem}
      </p>
    </Note>
  ) : (
    <Note kind="warn" title="The node lags">
      <p>
        Its newest block, {head.number}, is {Math.round(trouble.seconds / 60)} minutes old: what you see may have
        changed.
      </p>
    </Note>
  );
}
