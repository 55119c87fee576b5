import { useCallback, useEffect, useState } from "react";
import { BrowserProvider } from "ethers";
import type { Eip1193Provider, JsonRpcProvider, Signer } from "ethers";
import { sendFromWallet } from "../../../src/keeper/sendCall.ts";
import type { Account, WalletChoice } from "./account.ts";
import { DEVNET_CHAIN } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { messageOf, Unusable } from "./errors.ts";
import { openSafeApp } from "./safeApp.ts";

interface Announced {
  info: { uuid: string; name: string };
  provider: Eip1193Provider;
}

/** The wallets of this browser (EIP-6963), the node's own accounts on a devnet, the Safe around us: and the one chosen. */
export interface Wallets {
  choices: WalletChoice[];
  account: Account | null;
  problem: string | null;
  /** Whether it connected; `problem` says why it did not. */
  choose: (choice: WalletChoice) => Promise<boolean>;
  leave: () => void;
}

export function useWallets(connection: Connection): Wallets {
  const provider = connection.kind === "open" ? connection.provider : null;
  const chainId = connection.kind === "open" ? connection.chainId : null;
  const browser = useAnnounced();
  const devnet = useDevnetAccounts(provider, chainId);
  const safe = useSafeApp(chainId);
  const [chosen, setChosen] = useState<{ account: Account; provider: JsonRpcProvider | null } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const choose = useCallback(
    async (choice: WalletChoice): Promise<boolean> => {
      setProblem(null);
      try {
        setChosen({ account: await choice.connect(), provider });
        return true;
      } catch (error) {
        setProblem(messageOf(error));
        return false;
      }
    },
    [provider],
  );
  const choices: WalletChoice[] =
    provider === null || chainId === null
      ? []
      : [
          ...safe,
          ...browser.map((announced) => ({
            id: announced.info.uuid,
            kind: "browser" as const,
            name: announced.info.name,
            connect: () => connectBrowser(announced, provider, chainId),
          })),
          ...devnet.map((address, index) => ({
            id: address,
            kind: "devnet" as const,
            name: `Devnet account ${index}`,
            connect: () => connectDevnet(provider, chainId, address, index),
          })),
        ];
  // Another chain's account must not act on this one, and one of a node that was left cannot.
  const account = chosen !== null && chosen.provider === provider ? chosen.account : null;
  return { choices, account, problem, choose, leave: () => setChosen(null) };
}

function useAnnounced(): Announced[] {
  const [found, setFound] = useState<Announced[]>([]);
  useEffect(() => {
    const heard = (event: Event): void => {
      const { detail } = event as CustomEvent<Announced>;
      setFound((before) => [...before.filter(({ info }) => info.uuid !== detail.info.uuid), detail]);
    };
    window.addEventListener("eip6963:announceProvider", heard);
    window.dispatchEvent(new Event("eip6963:requestProvider"));
    return () => window.removeEventListener("eip6963:announceProvider", heard);
  }, []);
  return found;
}

/** Only on the chain of a devnet: elsewhere a node with unlocked accounts is nobody's to use from a page. */
function useDevnetAccounts(provider: JsonRpcProvider | null, chainId: string | null): string[] {
  const [accounts, setAccounts] = useState<{ provider: JsonRpcProvider | null; list: string[] }>({
    provider: null,
    list: [],
  });
  useEffect(() => {
    if (provider === null || chainId !== DEVNET_CHAIN) return undefined;
    let current = true;
    provider
      .listAccounts()
      .then((signers) => {
        if (current) setAccounts({ provider, list: signers.slice(0, 10).map(({ address }) => address) });
      })
      .catch(() => undefined);
    return () => {
      current = false;
    };
  }, [provider, chainId]);
  return chainId === DEVNET_CHAIN && accounts.provider === provider ? accounts.list : [];
}

function useSafeApp(chainId: string | null): WalletChoice[] {
  const [choice, setChoice] = useState<WalletChoice | null>(null);
  useEffect(() => {
    if (chainId === null) return undefined;
    let current = true;
    void openSafeApp(chainId).then((opened) => {
      if (current) setChoice(opened);
    });
    return () => {
      current = false;
    };
  }, [chainId]);
  return choice === null ? [] : [choice];
}

async function connectBrowser(announced: Announced, provider: JsonRpcProvider, chainId: string): Promise<Account> {
  const { name } = announced.info;
  // "any": which chain it is on is asked right before each use, here, and not taken from an earlier answer.
  const wallet = new BrowserProvider(announced.provider, "any");
  const signer = await wallet.getSigner();
  const check = async (): Promise<void> => {
    const [network, accounts] = (await Promise.all([
      announced.provider.request({ method: "eth_chainId" }),
      announced.provider.request({ method: "eth_accounts" }),
    ])) as [string, string[]];
    if (BigInt(network) !== BigInt(chainId)) {
      throw new Unusable(
        `${name} is on chain ${BigInt(network)}, this page's RPC on chain ${chainId}: nothing was signed or sent`,
        `Switch the wallet to chain ${chainId}, then try again.`,
      );
    }
    if (!accounts.some((account) => account.toLowerCase() === signer.address.toLowerCase())) {
      throw new Unusable(`${name} no longer lets this page use ${signer.address}`, "Connect it again.");
    }
  };
  await check();
  return signing("browser", name, signer.address, { signer, provider, chainId, check });
}

async function connectDevnet(
  provider: JsonRpcProvider,
  chainId: string,
  address: string,
  index: number,
): Promise<Account> {
  const signer = await provider.getSigner(address);
  const check = (): Promise<void> => Promise.resolve();
  return signing("devnet", `Devnet account ${index}`, address, { signer, provider, chainId, check });
}

function signing(
  kind: Account["kind"],
  label: string,
  address: string,
  how: { signer: Signer; provider: JsonRpcProvider; chainId: string; check: () => Promise<void> },
): Account {
  const { signer, provider, chainId, check } = how;
  return {
    ...{ kind, label, address, signer, check },
    async send(what, ...calls) {
      let said = "There was nothing to send.";
      for (const call of calls) {
        await check();
        const receipt = await sendFromWallet(what, provider, signer, call, chainId);
        said = `Done in transaction ${receipt.hash}, block ${receipt.blockNumber}.`;
      }
      return said;
    },
  };
}
