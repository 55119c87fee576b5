import { useEffect, useMemo, useState } from "react";
import type { JsonRpcProvider } from "ethers";
import { openRpc } from "../../../src/keeper/openRpc.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { messageOf } from "./errors.ts";
import { deploymentOf } from "./settings.ts";
import type { Settings } from "./settings.ts";

/** The chain of a purse of play money: only there are the node's own accounts offered as a wallet. */
export const DEVNET_CHAIN = "31337";
const BEAT_MS = 4_000;
/** No chain of ours leaves this much time between blocks: an older newest block is a node that lags. */
const STALE_SECONDS = 300;

/** The newest block, as far as the page looks at it. */
export interface Head {
  number: number;
  /** Seconds since 1970-01-01. */
  timestamp: number;
}

/** How this page stands with its chain. */
export type Connection =
  | { kind: "unset" }
  | { kind: "connecting" }
  | { kind: "failed"; problem: string }
  | { kind: "open"; provider: JsonRpcProvider; chainId: string; head: Head; trouble: Trouble | null };

/** Why what is shown may be old. */
export type Trouble = { kind: "silent"; problem: string } | { kind: "lagging"; seconds: number };

/** An open connection and the contracts the member knows to be theirs. */
export interface Vault {
  provider: JsonRpcProvider;
  deployment: Deployment;
  head: Head;
  chainId: string;
}

interface Opened {
  rpc: string;
  connection: Connection;
}

/** Opens the RPC of the settings, and follows its newest block. */
export function useConnection(rpc: string): Connection & { retry: () => void } {
  const [opened, setOpened] = useState<Opened>({ rpc: "", connection: { kind: "unset" } });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (rpc === "") return undefined;
    let current = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let provider: JsonRpcProvider | null = null;
    const tell = (connection: Connection): void => {
      if (current) setOpened({ rpc, connection });
    };
    const follow = async (chainId: string): Promise<void> => {
      if (provider === null || !current) return;
      try {
        const head = await headOf(provider);
        tell({ kind: "open", provider, chainId, head, trouble: lagOf(head, Date.now()) });
      } catch (error) {
        const problem = messageOf(error);
        setOpened((before) =>
          current && before.connection.kind === "open"
            ? { rpc, connection: { ...before.connection, trouble: { kind: "silent", problem } } }
            : before,
        );
      }
      timer = setTimeout(() => void follow(chainId), BEAT_MS);
    };
    if (!isPrivate(rpc)) {
      tell({ kind: "failed", problem: `${rpc} is plain http: whoever is in between could answer. Use https.` });
      return undefined;
    }
    tell({ kind: "connecting" });
    openRpc(rpc)
      .then(async (answered) => {
        provider = answered;
        await follow((await answered.getNetwork()).chainId.toString());
      })
      .catch((error: unknown) => tell({ kind: "failed", problem: messageOf(error) }));
    return () => {
      current = false;
      clearTimeout(timer);
      provider?.destroy();
    };
  }, [rpc, round]);
  const connection: Connection =
    rpc === "" ? { kind: "unset" } : opened.rpc === rpc ? opened.connection : { kind: "connecting" };
  return { ...connection, retry: () => setRound((count) => count + 1) };
}

/** What keeps the vault from being shown, in the order to mend it; or the vault. */
export type Ready =
  | { kind: "ready"; vault: Vault }
  | { kind: "no rpc" }
  | { kind: "connecting" }
  | { kind: "rpc failed"; problem: string }
  | { kind: "no deployment" }
  | { kind: "bad deployment"; problem: string }
  | { kind: "wrong chain"; expected: string; actual: string };

/** Joins connection and settings. */
export function useReady(connection: Connection, settings: Settings): Ready {
  const deployment = useMemo(() => deploymentOf(settings), [settings]);
  return useMemo((): Ready => {
    if (connection.kind === "unset") return { kind: "no rpc" };
    if (connection.kind === "connecting") return { kind: "connecting" };
    if (connection.kind === "failed") return { kind: "rpc failed", problem: connection.problem };
    if (deployment === null) return { kind: "no deployment" };
    if ("problem" in deployment) return { kind: "bad deployment", problem: deployment.problem };
    const { provider, chainId, head } = connection;
    if (deployment.chainId !== chainId) {
      return { kind: "wrong chain", expected: deployment.chainId, actual: chainId };
    }
    // From that block on announcements are looked for: a later one would hide them all.
    const { block = 0 } = deployment.atDeployment ?? {};
    if (block > head.number) {
      const problem = `it says the vault was deployed in block ${block}, and the newest block is ${head.number}`;
      return { kind: "bad deployment", problem };
    }
    return { kind: "ready", vault: { provider, deployment, head, chainId } };
  }, [connection, deployment]);
}

/** The newest block of a node. */
export async function headOf(provider: JsonRpcProvider): Promise<Head> {
  const block = await provider.getBlock("latest");
  return { number: block?.number ?? 0, timestamp: block?.timestamp ?? 0 };
}

/** Whether nobody in between can read and answer: https, or this very machine. The page's policy says the same. */
export function isPrivate(url: string): boolean {
  const { protocol, hostname } = URL.parse(url) ?? {};
  return protocol === "https:" || (protocol === "http:" && ["127.0.0.1", "localhost"].includes(hostname ?? ""));
}

/** A local chain may be years ahead; only one that is behind the wall clock is stale. */
export function lagOf(head: Head, nowMs: number): Trouble | null {
  const seconds = Math.floor(nowMs / 1000) - head.timestamp;
  return seconds > STALE_SECONDS ? { kind: "lagging", seconds } : null;
}
