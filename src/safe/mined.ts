import type { TransactionReceipt, TransactionResponse } from "ethers";

/** How long a transaction is waited for, in milliseconds. */
export const MINED_WAIT_MS = 120_000;

/** A transaction was sent and nobody mined it in time. It may still be mined: whoever tries again looks at the chain first. */
export class NotMined extends Error {
  constructor(what: string, hash: string, waitMs: number) {
    super(
      `${what}: ${hash} was not mined in ${waitMs / 1_000} s; it may be later: look at the chain before sending again`,
    );
    this.name = "NotMined";
  }
}

/** Whoever sends replaced a transaction by another one before it was mined. */
export class ReplacedByAnother extends Error {
  constructor(what: string, hash: string, by: string) {
    super(`${what}: ${hash} was cancelled or replaced by ${by} in the wallet that sent it, and did nothing`);
    this.name = "ReplacedByAnother";
  }
}

/** Was mined, and reverted: nothing changed but the gas that is gone. */
export class MinedAndReverted extends Error {
  constructor(what: string, hash: string) {
    super(`${what}: ${hash} was mined and reverted; state changed since it was tried: try again`);
    this.name = "MinedAndReverted";
  }
}

/** What ethers tells of a transaction whose nonce another one took. */
interface Replaced {
  code: "TRANSACTION_REPLACED";
  cancelled: boolean;
  receipt: TransactionReceipt;
}

/**
 * The receipt of a sent transaction, or of the same one that the wallet sent again at another fee.
 * Throws NotMined, ReplacedByAnother, MinedAndReverted.
 */
export async function mined(
  what: string,
  sent: TransactionResponse,
  waitMs = MINED_WAIT_MS,
): Promise<TransactionReceipt> {
  try {
    return (await sent.wait(1, waitMs))!;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === "TIMEOUT") throw new NotMined(what, sent.hash, waitMs);
    if (code === "CALL_EXCEPTION") throw new MinedAndReverted(what, sent.hash);
    if (code !== "TRANSACTION_REPLACED") throw error;
    const { cancelled, receipt } = error as Replaced;
    if (cancelled) throw new ReplacedByAnother(what, sent.hash, receipt.hash);
    if (receipt.status === 0) throw new MinedAndReverted(what, receipt.hash);
    return receipt;
  }
}
