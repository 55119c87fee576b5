import type { Interface, Log, Provider, Signer, TransactionReceipt } from "ethers";
import { SAFE_INTERFACE } from "./abi.ts";
import { readSafe, requireChain, requireNextNonce } from "./account.ts";
import type { SafeAccount } from "./account.ts";
import { readApprovals } from "./approvals.ts";
import { NotEnoughSignatures, SafeExecutionFailed, SafeReverted } from "./errors.ts";
import type { IgnoredSignature } from "./errors.ts";
import { mined } from "./mined.ts";
import { checkPacket } from "./packet.ts";
import type { Packet } from "./packet.ts";
import { explainSafeRevert, revertDataOf } from "./revert.ts";
import type { SafeService } from "./service.ts";
import { assembleSignatures, sortSignatures } from "./signatures.ts";
import type { SafeSignature } from "./signatures.ts";
import { execTransactionData } from "./transaction.ts";

export interface ExecuteRequest {
  provider: Provider;
  /** Pays for gas; need not be an owner. */
  signer: Signer;
  packet: Packet;
  /** Whose custom errors to decode when the inner call reverts. */
  interfaces?: readonly Interface[];
  /** Gas to send, when a simulation has said what is needed; otherwise the node is asked. */
  gasLimit?: bigint;
  /** Where else to look for signatures. */
  service?: SafeService;
}

export interface Execution {
  safeTxHash: string;
  transactionHash: string;
  blockNumber: number;
  gasUsed: bigint;
  /** Whose signatures were used. */
  signers: string[];
  receipt: TransactionReceipt;
}

/**
 * Executes a proposal: gathers signatures, checks them and the nonce, tries the call without sending, sends it, and looks
 * at what the Safe reported.
 * Throws PacketError, WrongChain, NonceTaken, NonceAhead, NotEnoughSignatures, SafeReverted (nothing was sent),
 * SafeExecutionFailed (mined, but the inner call failed), NotMined, ReplacedByAnother, MinedAndReverted, and the service's errors.
 */
export async function executeSafeTx(request: ExecuteRequest): Promise<Execution> {
  const { provider, signer } = request;
  const packet = checkPacket(request.packet);
  const account = await readSafe(provider, packet.safe);
  requireChain(account, packet.chainId);
  requireNextNonce(account, packet.safeTx.nonce);
  const signatures = await gatherSignatures({ provider, packet, account, ...pick(request) });

  const from = await signer.getAddress();
  const call = { from, to: packet.safe, data: execTransactionData(packet.safeTx, assembleSignatures(signatures)) };
  const gasLimit = await tryExecution(request, call);
  const connected = signer.provider ? signer : signer.connect(provider);
  const chainId = BigInt(packet.chainId);
  const receipt = await mined("executing", await connected.sendTransaction({ ...call, gasLimit, chainId }));
  const outcome = readOutcome(receipt.logs, packet.safe, packet.safeTxHash);
  if (outcome !== "success") throw new SafeExecutionFailed(packet.safeTxHash, receipt.hash);
  return {
    safeTxHash: packet.safeTxHash,
    transactionHash: receipt.hash,
    blockNumber: receipt.blockNumber,
    gasUsed: receipt.gasUsed,
    signers: signatures.map(({ owner }) => owner),
    receipt,
  };
}

/** Calls without sending. Returns the gas needed; throws SafeReverted when the execution or its inner call would fail. */
async function tryExecution(
  request: ExecuteRequest,
  call: { from: string; to: string; data: string },
): Promise<bigint> {
  const { provider, packet, interfaces = [] } = request;
  const explain = async (data: string | null) =>
    new SafeReverted(await explainSafeRevert(provider, packet.safe, packet.safeTx, data, interfaces));
  let returned: string;
  let gas: bigint;
  try {
    returned = await provider.call(call);
    gas = request.gasLimit ?? withMargin(await provider.estimateGas(call));
  } catch (error) {
    const data = revertDataOf(error);
    throw data === null ? error : await explain(data);
  }
  const [success] = SAFE_INTERFACE.decodeFunctionResult("execTransaction", returned);
  if (success !== true) throw await explain(null);
  return gas;
}

export interface SignatureSources {
  provider: Provider;
  packet: Packet;
  account: SafeAccount;
  service?: SafeService;
}

/**
 * Exactly as many valid signatures as the Safe's threshold, from the packet, the chain and the service when given.
 * Throws NotEnoughSignatures, which names the owners still missing and the signatures left out.
 */
export async function gatherSignatures({
  provider,
  packet,
  account,
  service,
}: SignatureSources): Promise<SafeSignature[]> {
  const onChain = await readApprovals(provider, packet.safe, account.owners, packet.safeTxHash);
  const fromService = service ? await service.signatures(packet.safeTxHash) : [];
  const approvers = new Set(onChain.map(({ owner }) => owner));
  const ignored: IgnoredSignature[] = [];
  const usable = sortSignatures([...packet.signatures, ...fromService, ...onChain]).filter(({ owner, kind }) => {
    if (!account.owners.includes(owner)) {
      ignored.push({ owner, reason: "not an owner now" });
      return false;
    }
    if (kind === "approvedHash" && !approvers.has(owner)) {
      ignored.push({ owner, reason: "its approval is not on chain" });
      return false;
    }
    return true;
  });
  if (usable.length < account.threshold) {
    const missing = account.owners.filter((owner) => !usable.some((signature) => signature.owner === owner));
    throw new NotEnoughSignatures(usable.length, account.threshold, missing, ignored);
  }
  return usable.slice(0, account.threshold);
}

/** How a Safe transaction ended, by the Safe's own event, and where. */
export interface ExecutionRecord {
  success: boolean;
  transactionHash: string;
  blockNumber: number;
}

/** Looks for the execution of a Safe transaction in the chain's logs; null when there is none in these blocks. */
export async function findExecution(
  provider: Provider,
  safe: string,
  safeTxHash: string,
  fromBlock: number,
  toBlock: number | "latest" = "latest",
): Promise<ExecutionRecord | null> {
  const topics = [[topicOf("ExecutionSuccess"), topicOf("ExecutionFailure")], safeTxHash];
  const logs = await provider.getLogs({ address: safe, topics, fromBlock, toBlock });
  const log = logs[0];
  if (!log) return null;
  const success = log.topics[0] === topicOf("ExecutionSuccess");
  return { success, transactionHash: log.transactionHash, blockNumber: log.blockNumber };
}

function readOutcome(logs: readonly Log[], safe: string, safeTxHash: string): "success" | "failure" | "unknown" {
  const ours = logs.filter((log) => log.address === safe && log.topics[1] === safeTxHash);
  if (ours.some((log) => log.topics[0] === topicOf("ExecutionSuccess"))) return "success";
  return ours.some((log) => log.topics[0] === topicOf("ExecutionFailure")) ? "failure" : "unknown";
}

function topicOf(event: "ExecutionSuccess" | "ExecutionFailure"): string {
  return SAFE_INTERFACE.getEvent(event)!.topicHash;
}

/** Half more than estimated: state may move between estimate and inclusion. */
function withMargin(gas: bigint): bigint {
  return gas + gas / 2n;
}

function pick({ service }: ExecuteRequest): { service?: SafeService } {
  return service ? { service } : {};
}
