import { AbiCoder, ZeroAddress, dataSlice, getAddress, keccak256, toBeHex } from "ethers";
import type { Interface, JsonRpcApiProvider } from "ethers";
import { SimulateThenRead__factory } from "../../typechain-types/index.js";
import { SAFE_INTERFACE } from "./abi.ts";
import { FALLBACK_HANDLER_SLOT, GUARD_SLOT, MODULE_GUARD_SLOT, SENTINEL } from "./guards.ts";
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
  /** Also compares what makes the Safe this Safe before and after; `ownWrites` then says what changed. */
  watchSafe?: boolean;
}

export interface SimulationRead {
  /** Asks now, at the simulation's block: a long answer nobody needs is not fetched. */
  before: () => Promise<string>;
  after: string;
}

/**
 * What the Safe would do. `read` holds the answers (ABI-encoded) when a question was asked; `ownWrites` what of the Safe
 * itself would change (singleton, owners, threshold, modules, guards, fallback handler, nonce but by one), null when
 * nobody asked.
 */
export type Simulation =
  | { ok: true; blockNumber: number; gasUsed: bigint; read: SimulationRead | null; ownWrites: string[] | null }
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
  const account = await readSafe(provider, safe, request.blockNumber);
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

  const questions: Question[] = [...(read ? [read] : []), ...(request.watchSafe ? safeQuestions(safe) : [])];
  const execution = execTransactionData(safeTx, assembleSignatures(approvers.map(approvedHashSignature)));
  const call = {
    from: ZeroAddress,
    to: executor,
    data: inTurn(executor, [{ to: safe, data: execution }, ...questions]),
  };
  const returned = (await provider.send("eth_call", [call, block, overrides])) as string;
  const { results, gasUsed } = answersOf(returned, 1 + questions.length);
  const [executed, ...answers] = results as [Result, ...Result[]];

  const succeeded =
    executed.ok && (SAFE_INTERFACE.decodeFunctionResult("execTransaction", executed.data)[0] as boolean);
  if (!succeeded) {
    const data = executed.ok ? null : executed.data;
    const revert = await explainSafeRevert(provider, safe, safeTx, data, interfaces, block);
    return { ok: false, blockNumber, gasUsed, revert };
  }
  const failed = answers.findIndex(({ ok }) => !ok);
  if (failed !== -1) {
    throw new SimulationReadFailed(questions[failed]!.to, explainRevert(answers[failed]!.data, interfaces));
  }
  const ownWrites = request.watchSafe ? await writesOf(request, blockNumber, answers.slice(read ? 1 : 0)) : null;
  if (!read) return { ok: true, blockNumber, gasUsed, read: null, ownWrites };
  // Asked apart from the simulation: reading first would warm the storage and make the gas look lower than it is.
  const before = (): Promise<string> => provider.call({ to: read.to, data: read.data, blockTag: block });
  return { ok: true, blockNumber, gasUsed, read: { before, after: answers[0]!.data }, ownWrites };
}

interface Question {
  to: string;
  data: string;
}

const helper = SimulateThenRead__factory.createInterface();

/**
 * Calldata for the helper at `executor` that asks everything in turn, each question being the helper's own "read" of the
 * one before: one eth_call, hence one state.
 */
function inTurn(executor: string, [first, ...rest]: Question[]): string {
  const { to, data } = first ?? { to: ZeroAddress, data: "0x" };
  return rest.length === 0
    ? helper.encodeFunctionData("run", [to, data, ZeroAddress, "0x"])
    : helper.encodeFunctionData("run", [to, data, executor, inTurn(executor, rest)]);
}

/** The answers to that, and the gas of the first alone. */
function answersOf(returned: string, count: number): { results: Result[]; gasUsed: bigint } {
  const results: Result[] = [];
  let gasUsed = 0n;
  let data = returned;
  while (results.length < count) {
    const [answer, gas, next] = helper.decodeFunctionResult("run", data) as unknown as [Result, bigint, Result];
    if (results.length === 0) gasUsed = gas;
    results.push(answer);
    data = next.data;
  }
  return { results, gasUsed };
}

/** More modules than any Safe has use for: those beyond would not be compared. */
const MODULES_COMPARED = 50;

/** What makes a Safe this Safe: its first slots, its guards and handler, and the lists behind the slots. */
const WATCHED: { name: string; call: [name: string, args: unknown[]] }[] = [
  { name: "slots", call: ["getStorageAt", [0, 6]] },
  { name: "guard", call: ["getStorageAt", [GUARD_SLOT, 1]] },
  { name: "module guard", call: ["getStorageAt", [MODULE_GUARD_SLOT, 1]] },
  { name: "fallback handler", call: ["getStorageAt", [FALLBACK_HANDLER_SLOT, 1]] },
  { name: "owners", call: ["getOwners", []] },
  { name: "modules", call: ["getModulesPaginated", [SENTINEL, MODULES_COMPARED]] },
];

/** The first six slots of a Safe, in order (safe-smart-account, contracts/libraries/SafeStorage.sol). */
const SLOT_NAMES = ["singleton", "modules slot", "owners slot", "owner count", "threshold", "nonce"];

function safeQuestions(safe: string): Question[] {
  return WATCHED.map(({ call: [name, args] }) => ({ to: safe, data: SAFE_INTERFACE.encodeFunctionData(name, args) }));
}

/** What of the Safe differs after a simulation from what it was, nonce plus one and an ignored guard apart. */
async function writesOf(request: SimulateRequest, blockTag: number, after: readonly Result[]): Promise<string[]> {
  const { provider, safe, safeTx, ignoreGuard } = request;
  const before = await Promise.all(safeQuestions(safe).map((question) => provider.call({ ...question, blockTag })));
  const bytesOf = (answer: string): string => SAFE_INTERFACE.decodeFunctionResult("getStorageAt", answer)[0] as string;
  return WATCHED.flatMap(({ name }, index) => {
    const [was, is] = [before[index]!, after[index]!.data];
    if (name === "slots") {
      const nonce = toBeHex(BigInt(safeTx.nonce) + 1n, 32);
      return SLOT_NAMES.filter((slot, at) => {
        const expected = slot === "nonce" ? nonce : dataSlice(bytesOf(was), at * 32, at * 32 + 32);
        return dataSlice(bytesOf(is), at * 32, at * 32 + 32) !== expected;
      });
    }
    const same = name === "guard" && ignoreGuard ? bytesOf(is) === ZERO : is === was;
    return same ? [] : [name];
  });
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
