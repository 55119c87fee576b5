import type { ContractTransaction, Signer } from "ethers";

/** Who acts. A Safe has no signer here: what it sends becomes a proposal to its owners. */
export interface Account {
  kind: "browser" | "devnet" | "safe";
  label: string;
  address: string;
  signer: Signer | null;
  /** Throws Unusable unless it still acts for this address, on the page's chain: a wallet may have been switched meanwhile. */
  check(): Promise<void>;
  /**
   * Sends calls, each when the one before is mined, or all as one transaction of a Safe; says in a sentence what came of it.
   * `what` is for errors: "depositing".
   */
  send(what: string, ...calls: ContractTransaction[]): Promise<string>;
}

/** A way to act that is there to be chosen. */
export interface WalletChoice {
  id: string;
  kind: Account["kind"];
  name: string;
  connect(): Promise<Account>;
}
