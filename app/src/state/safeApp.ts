import SafeAppsSDK from "@safe-global/safe-apps-sdk";
import type { ContractTransaction } from "ethers";
import { fitEscaped, plainLine } from "../../../src/keeper/ops/text.ts";
import { Unusable } from "./errors.ts";
import type { Account, WalletChoice } from "./account.ts";

/** A Safe answers at once; any other page around us never does. */
const ANSWER_MS = 1_500;

/**
 * The Safe this page is open in, for a chain; null when it is in none. Nothing is asked of a page that is not around us.
 * Choosing one of another chain, or one that may only look, throws Unusable.
 */
export async function openSafeApp(chainId: string): Promise<WalletChoice | null> {
  if (window.parent === window) return null;
  const sdk = new SafeAppsSDK();
  const info = await Promise.race([sdk.safe.getInfo().catch(() => null), silent()]);
  if (info === null) return null;
  const asked = async () => {
    const now = await Promise.race([sdk.safe.getInfo(), silent()]);
    if (now === null) throw new Unusable("The Safe around this page does not answer", "Reload it.");
    return now;
  };
  const send = async (_what: string, ...calls: ContractTransaction[]): Promise<string> => {
    await account.check();
    const txs = calls.map(({ to, value = 0n, data }) => ({ to, value: String(value), data }));
    const { safeTxHash } = await sdk.txs.send({ txs });
    return `Handed to your Safe as ${fitEscaped(plainLine(safeTxHash), 66)}: it is done when its owners have confirmed it there.`;
  };
  const account: Account = {
    kind: "safe",
    // Any page can call itself a Safe: whose it is, the member knows.
    label: `Safe, as ${hostAround()} says`,
    address: info.safeAddress,
    signer: null,
    send,
    async check() {
      const now = await asked();
      if (String(now.chainId) !== chainId) {
        throw new Unusable(
          `The Safe around this page is on chain ${now.chainId}, this page's RPC on chain ${chainId}`,
          `Open your Safe of chain ${chainId}, or set an RPC of its chain.`,
        );
      }
      if (now.safeAddress !== info.safeAddress)
        throw new Unusable("The Safe around this page is another", "Reload it.");
      if (now.isReadOnly)
        throw new Unusable("Nobody who may propose is connected to this Safe", "Connect an owner there.");
    },
  };
  return {
    id: "safe",
    kind: "safe",
    name: `The Safe around this page, as ${hostAround()} says`,
    async connect() {
      await account.check();
      return account;
    },
  };
}

function silent(): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), ANSWER_MS));
}

function hostAround(): string {
  // Not in every browser.
  const origins = window.location.ancestorOrigins as DOMStringList | undefined;
  const origin = origins?.[0] ?? document.referrer;
  return URL.canParse(origin) ? new URL(origin).host : "a page that does not say its name";
}
