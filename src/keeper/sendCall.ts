import type { ContractTransaction, Interface, Provider, Signer, TransactionReceipt, TransactionResponse } from "ethers";
import { formatUnits, isError } from "ethers";
import { mined, MINED_WAIT_MS } from "../safe/mined.ts";
import { explainRevert, revertDataOf } from "../safe/revert.ts";
import type { ExplainedRevert } from "../safe/revert.ts";
import { CONTRACT_ERRORS } from "./contractErrors.ts";

/** Gas above the node's estimate: an announcement logs the vault's state, which may grow by a word until it is mined. */
const GAS_MARGIN_PERCENT = 10n;
const EARLIER_WAIT_MS = 30_000;
const POLL_MS = 1_000;
/** Another tick of the same vault, in this process or another, may take the nonce between two looks: so often it is tried. */
const MOST_TRIES = 3;

/** The nonce of each signer's last urgent call. */
const urgentNonces = new WeakMap<Signer, number>();

/** A contract refuses a call; nothing was sent. `revert` holds its own words. */
export class CallRefused extends Error {
  readonly revert: ExplainedRevert;

  constructor(what: string, revert: ExplainedRevert) {
    super(`${what} would revert, nothing was sent: ${revert.text}`);
    this.name = "CallRefused";
    this.revert = revert;
  }
}

/** The base fee is above what may be paid for a call that can wait; nothing was sent. */
export class GasTooDear extends Error {
  constructor(what: string, baseFee: bigint, most: bigint) {
    const gwei = (wei: bigint): string => `${formatUnits(wei, "gwei")} gwei`;
    super(
      `${what} waits: the base fee is ${gwei(baseFee)}, at most ${gwei(most)} are paid; raise maxFeeGwei to pay more`,
    );
    this.name = "GasTooDear";
  }
}

/** An urgent call is on the way from the same key, and must not be replaced by one that can wait; nothing was sent. */
export class UrgentFirst extends Error {
  constructor(what: string, nonce: number) {
    super(`${what} waits: transaction ${nonce} of the same key is urgent and not mined yet; the next tick tries again`);
    this.name = "UrgentFirst";
  }
}

export interface SendOptions {
  /** Whose custom errors explain a revert. */
  interfaces?: readonly Interface[];
  /** Most to pay per gas, in wei: above it the call waits. */
  maxFeePerGas?: bigint | undefined;
  /** What is not urgent never takes its place. */
  urgent?: boolean;
  /** How long to wait for the block, in milliseconds. */
  waitMs?: number;
  /** An earlier transaction of the same key gets this long to be mined before it is replaced, in milliseconds. */
  earlierWaitMs?: number;
}

/**
 * Tries a call, then sends it and waits until it is mined. A transaction of the same key that is stuck is replaced: what the
 * keeper sends follows from the chain's state, so what is lost is sent again.
 * Throws CallRefused, GasTooDear and UrgentFirst (nothing was sent), NotMined, ReplacedByAnother, MinedAndReverted.
 */
export async function sendCall(
  what: string,
  provider: Provider,
  signer: Signer,
  call: ContractTransaction,
  options: SendOptions = {},
): Promise<TransactionReceipt> {
  const { waitMs = MINED_WAIT_MS } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await mined(what, await send(what, provider, signer, call, options), waitMs);
    } catch (error) {
      const isTaken = isError(error, "REPLACEMENT_UNDERPRICED") || isError(error, "NONCE_EXPIRED");
      if (!isTaken || tries === MOST_TRIES) throw error;
    }
  }
}

async function send(
  what: string,
  provider: Provider,
  signer: Signer,
  call: ContractTransaction,
  { interfaces = CONTRACT_ERRORS, maxFeePerGas, urgent = false, earlierWaitMs }: SendOptions,
): Promise<TransactionResponse> {
  const from = await signer.getAddress();
  const gasLimit = await triedGas(what, provider, { ...call, from }, interfaces);
  const fees = await affordable(what, provider, maxFeePerGas);
  const { nonce, replaces } = await nextNonce(provider, from, earlierWaitMs);
  if (replaces && !urgent && urgentNonces.get(signer) === nonce) throw new UrgentFirst(what, nonce);
  // Before it is sent: where the answer gets lost, it may be on the way all the same.
  if (urgent) urgentNonces.set(signer, nonce);
  const sent = await signer.sendTransaction({
    ...call,
    nonce,
    gasLimit,
    ...(replaces ? await replacing(provider, fees) : fees),
  });
  if (!urgent && urgentNonces.get(signer) === nonce) urgentNonces.delete(signer);
  return sent;
}

/**
 * The same from a person's wallet: nonce and fees are the wallet's to choose, since what waits there may be a payment that
 * has nothing to do with us, and the transaction names its chain. Throws as sendCall does.
 */
export async function sendFromWallet(
  what: string,
  provider: Provider,
  signer: Signer,
  call: ContractTransaction,
  chainId: string,
): Promise<TransactionReceipt> {
  const from = await signer.getAddress();
  const gasLimit = await triedGas(what, provider, { ...call, from }, CONTRACT_ERRORS);
  return mined(what, await signer.sendTransaction({ ...call, gasLimit, chainId: BigInt(chainId) }));
}

/** Gas to send a call with. Throws CallRefused when it would revert. */
async function triedGas(
  what: string,
  provider: Provider,
  call: ContractTransaction & { from: string },
  interfaces: readonly Interface[],
): Promise<bigint> {
  try {
    return ((await provider.estimateGas(call)) * (100n + GAS_MARGIN_PERCENT)) / 100n;
  } catch (error) {
    const data = revertDataOf(error);
    if (data === null) throw error;
    throw new CallRefused(what, explainRevert(data, interfaces));
  }
}

interface Fees {
  maxFeePerGas?: bigint;
  maxPriorityFeePerGas?: bigint;
}

/** At most what may be paid; nothing where that has no limit, so that the signer chooses. */
async function affordable(what: string, provider: Provider, most: bigint | undefined): Promise<Fees> {
  if (most === undefined) return {};
  const [block, fees] = await Promise.all([provider.getBlock("latest"), feesAsked(provider)]);
  const baseFee = block?.baseFeePerGas ?? 0n;
  if (baseFee > most) throw new GasTooDear(what, baseFee, most);
  return mapped(fees, (fee) => (fee < most ? fee : most));
}

async function feesAsked(provider: Provider): Promise<Fees> {
  const { maxFeePerGas, maxPriorityFeePerGas } = await provider.getFeeData();
  return maxFeePerGas === null || maxPriorityFeePerGas === null ? {} : { maxFeePerGas, maxPriorityFeePerGas };
}

/** Twice what is asked now: enough for a node to accept a replacement of what was sent at an earlier base fee. */
async function replacing(provider: Provider, fees: Fees): Promise<Fees> {
  return mapped(fees.maxFeePerGas === undefined ? await feesAsked(provider) : fees, (fee) => fee * 2n);
}

function mapped(fees: Fees, change: (fee: bigint) => bigint): Fees {
  return Object.fromEntries(Object.entries(fees).map(([name, fee]) => [name, change(fee as bigint)]));
}

/** Without Node's timers: the review page sends its calls through here too. */
function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The key's next nonce, once nothing of its own is on the way, or what is on the way has had its time. */
export async function nextNonce(
  provider: Provider,
  from: string,
  earlierWaitMs = EARLIER_WAIT_MS,
): Promise<{ nonce: number; replaces: boolean }> {
  for (let waited = 0; ; waited += POLL_MS) {
    const [mined, pending] = await Promise.all([
      provider.getTransactionCount(from, "latest"),
      provider.getTransactionCount(from, "pending"),
    ]);
    if (pending <= mined) return { nonce: mined, replaces: false };
    if (waited >= earlierWaitMs) return { nonce: mined, replaces: true };
    await sleep(POLL_MS);
  }
}
