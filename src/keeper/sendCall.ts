import type { ContractTransaction, Interface, Provider, Signer, TransactionReceipt } from "ethers";
import { explainRevert, revertDataOf } from "../safe/revert.ts";
import type { ExplainedRevert } from "../safe/revert.ts";
import { CONTRACT_ERRORS } from "./contractErrors.ts";

/** Gas above the node's estimate: an announcement logs the vault's state, which may grow by a word until it is mined. */
const GAS_MARGIN_PERCENT = 10n;

/** A contract refuses a call; nothing was sent. `revert` holds its own words. */
export class CallRefused extends Error {
  readonly revert: ExplainedRevert;

  constructor(what: string, revert: ExplainedRevert) {
    super(`${what} would revert, nothing was sent: ${revert.text}`);
    this.name = "CallRefused";
    this.revert = revert;
  }
}

/** Tries a call, then sends it and waits until it is mined; `interfaces` explain a revert. Throws CallRefused. */
export async function sendCall(
  what: string,
  provider: Provider,
  signer: Signer,
  call: ContractTransaction,
  interfaces: readonly Interface[] = CONTRACT_ERRORS,
): Promise<TransactionReceipt> {
  const from = await signer.getAddress();
  let gas: bigint;
  try {
    gas = await provider.estimateGas({ ...call, from });
  } catch (error) {
    const data = revertDataOf(error);
    if (data === null) throw error;
    throw new CallRefused(what, explainRevert(data, interfaces));
  }
  const sent = await signer.sendTransaction({ ...call, gasLimit: (gas * (100n + GAS_MARGIN_PERCENT)) / 100n });
  return (await sent.wait())!;
}
