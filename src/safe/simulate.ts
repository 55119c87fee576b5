import { AbiCoder, ZeroAddress, getAddress, keccak256, toBeHex } from "ethers";
import type { Interface, JsonRpcApiProvider } from "ethers";
import { SimulateThenRead__factory } from "../../typechain-types/index.js";
import { SAFE_INTERFACE } from "./abi.ts";
import { GUARD_SLOT } from "./guards.ts";
import { readSafe, requireUnusedNonce } from "./account.ts";
import { explainRevert, explainSafeRevert } from "./revert.ts";
import type { ExplainedRevert } from "./revert.ts";
import { approvedHashSignature, assembleSignatures } from "./signatures.ts";
import { execTransactionData, safeTxHash } from "./transaction.ts";
import type { SafeTx } from "./transaction.ts";

/** Storage slots of a Safe since 1.0.0 (safe-smart-account, contracts/libraries/SafeStorage.sol). */
const NONCE_SLOT = 5n;
const APPROVED_HASHES_SLOT = 8n;
const ONE = toBeHex(1, 32);
const ZERO = toBeHex(0, 32);

/** Who executes in a simulation when nobody is named: any account without a role will do. */
const ANYBODY = getAddress("0x00000000000000000000000000000000000b0a75");

/** eth_call's third parameter: by address, code or storage to assume. */
export type StateOverrides = Record<string, { code?: string; stateDiff?: Record<string, string>; balance?: string }>;

export interface SimulateRequest {
  provider: JsonRpcApiProvider;
  safe: string;
  safeTx: SafeTx;
  /** Who will send the execution; the guard sees this address. */
  executor?: string;
  /** A question asked before and after the execution, such as a lens's snapshot. */
  read?: { to: string; data: string };
  /** Whose custom errors to decode. */
  interfaces?: readonly Interface[];
  /** The block to run on; default: the latest. An older one needs a node that keeps its state. */
  blockNumber?: number;
  /** Leaves the Safe's guard out: what the transaction would do once the guard lets it through. */
  ignoreGuard?: boolean;
}

export interface SimulationRead {
  /** Asks now, at the simulation's block: a long answer nobody needs is not fetched. */
  before: () => Promise<string>;
  after: string;
}

/** What the Safe would do. `read` holds the answers (ABI-encoded) when a question was asked. */
export type Simulation =
  | { ok: true; blockNumber: number; gasUsed: bigint; read: SimulationRead | null }
  | { ok: false; blockNumber: number; gasUsed: bigint; revert: ExplainedRevert };

export class SimulationReadFailed extends Error {
  constructor(to: string, revert: ExplainedRevert) {
    super(`the question put to ${to} after the simulated execution failed: ${revert.text}`);
    this.name = "SimulationReadFailed";
  }
}

/**
 * Runs an unsigned Safe transaction as the Safe would, on the latest block or a given one, without sending anything: threshold owners
 * are taken to have approved its hash, and its nonce to be next. Guards stay on. Needs a node whose eth_call takes state
 * overrides for code and storage (geth, reth, erigon, anvil, Hardhat).
 * Throws NotASafe, NonceTaken, SimulationReadFailed.
 */
export async function simulateSafeTx(request: SimulateRequest): Promise<Simulation> {
  const { provider, safe, safeTx, read, interfaces = [] } = request;
  const executor = request.executor ?? ANYBODY;
  const account = await readSafe(provider, safe);
  requireUnusedNonce(account, safeTx.nonce);
  const blockNumber = request.blockNumber ?? (await provider.getBlockNumber());
  const block = "0x" + blockNumber.toString(16);

  const ascending = [...account.owners].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const approvers = ascending.slice(0, account.threshold);
  const hash = safeTxHash(account.chainId, safe, safeTx);
  const slots = Object.fromEntries(approvers.map((owner) => [approvedHashSlot(owner, hash), ONE]));
  slots[toBeHex(NONCE_SLOT, 32)] = toBeHex(BigInt(safeTx.nonce), 32);
  if (request.ignoreGuard) slots[GUARD_SLOT] = ZERO;
  const overrides: StateOverrides = {
    [safe]: { stateDiff: slots },
    [executor]: { code: await runtimeCode(provider) },
  };

  const helper = SimulateThenRead__factory.createInterface();
  const execution = execTransactionData(safeTx, assembleSignatures(approvers.map(approvedHashSignature)));
  const data = helper.encodeFunctionData("run", [safe, execution, read?.to ?? ZeroAddress, read?.data ?? "0x"]);
  const call = { from: ZeroAddress, to: executor, data };
  const returned = (await provider.send("eth_call", [call, block, overrides])) as string;
  const [executed, gasUsed, answer] = helper.decodeFunctionResult("run", returned) as unknown as [
    Result,
    bigint,
    Result,
  ];

  const succeeded =
    executed.ok && (SAFE_INTERFACE.decodeFunctionResult("execTransaction", executed.data)[0] as boolean);
  if (!succeeded) {
    const data = executed.ok ? null : executed.data;
    const revert = await explainSafeRevert(provider, safe, safeTx, data, interfaces, block);
    return { ok: false, blockNumber, gasUsed, revert };
  }
  if (!read) return { ok: true, blockNumber, gasUsed, read: null };
  if (!answer.ok) throw new SimulationReadFailed(read.to, explainRevert(answer.data, interfaces));
  // Asked apart from the simulation: reading first would warm the storage and make the gas look lower than it is.
  const before = (): Promise<string> => provider.call({ to: read.to, data: read.data, blockTag: block });
  return { ok: true, blockNumber, gasUsed, read: { before, after: answer.data } };
}

interface Result {
  ok: boolean;
  data: string;
}

function approvedHashSlot(owner: string, hash: string): string {
  const coder = AbiCoder.defaultAbiCoder();
  const ofOwner = keccak256(coder.encode(["address", "uint256"], [owner, APPROVED_HASHES_SLOT]));
  return keccak256(coder.encode(["bytes32", "bytes32"], [hash, ofOwner]));
}

/** The helper's runtime code, as its own constructor would return it: artifacts for browsers carry creation code only. */
async function runtimeCode(provider: JsonRpcApiProvider): Promise<string> {
  return (await provider.send("eth_call", [{ data: SimulateThenRead__factory.bytecode }, "latest"])) as string;
}
