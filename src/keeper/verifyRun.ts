import type { JsonRpcApiProvider } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import type { Evidence } from "../plan/evidence.ts";
import type { Packet } from "../safe/packet.ts";
import { isContractsAnswer } from "../safe/revert.ts";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";
import { Checklist } from "./checklist.ts";
import { observe } from "./observe.ts";

export type Snapshot = IVaultLens.SnapshotStructOutput;

/** What the review guard's log says of a call: who it was told by, when, and what the lens showed then. */
export interface Announced {
  guard: string;
  key: string;
  blockNumber: number;
  /** Null when the lens failed, or for a call that is no plan. */
  snapshot: Snapshot | null;
}

export interface VerifyRequest {
  provider: JsonRpcApiProvider;
  packet: Packet;
  /** The contracts the member knows to be theirs; without it the packet's own are checked for consistency only. */
  deployment?: Deployment;
  /** Also require the proposal to be executable now: nonce, validity, simulation. Default true. */
  now?: boolean;
  /** Who will send the execution: the simulation runs as this account. Default: an account without any role. */
  executor?: string;
  /** Where the proposal was found announced: its snapshot stands in for a node that keeps no old state. */
  announced?: Announced;
}

/** The checks of one verification, and what was read on the way that later checks need again. */
export class VerifyRun extends Checklist {
  readonly request: VerifyRequest;
  /** The lens as this verification read it from the chain, and the block it read at. */
  seen: { blockNumber: number; snapshot: Snapshot } | null = null;
  /** Inputs of the evidence that could not be read again at its own block. */
  unread: string[] = [];
  #now: Evidence | null = null;

  constructor(request: VerifyRequest) {
    super();
    this.request = request;
  }

  /** What was seen at a block; null when another one was looked at. */
  seenAt(blockNumber: number | undefined): Snapshot | null {
    return this.seen?.blockNumber === blockNumber ? (this.seen?.snapshot ?? null) : null;
  }

  /** The evidence as it would be written now, read once. Throws as `observe` does. */
  async observedNow(evidence: Evidence): Promise<Evidence> {
    const { provider } = this.request;
    this.#now ??= (await observe(provider, deploymentOf(evidence), { scope: evidence.scope })).evidence;
    return this.#now;
  }

  /** Spares reading it again, when what was read at a block is what the chain shows now. */
  rememberNow(evidence: Evidence): void {
    this.#now = evidence;
  }
}

/** The evidence names every contract that has to be read. */
export function deploymentOf(evidence: Evidence): Deployment {
  return {
    format: "ballast-deployment/1",
    network: "evidence",
    chainId: evidence.chainId,
    accessManager: "0x0000000000000000000000000000000000000000",
    ...evidence.contracts,
    liquidityAdapter: evidence.liquidity.adapter,
    perpAdapter: evidence.perp.adapter,
  };
}

/** What the work returns or throws: evidence may hold numbers that the rules' arithmetic cannot take. */
export function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error : new RangeError(String(error));
  }
}

/** Null for a contract that is not there or is another; other errors are the node's and go on. */
export function unlessNoSuchContract(error: unknown): null {
  if (isContractsAnswer(error)) return null;
  throw error;
}

/** Whether two addresses are the same, whatever their letters' case. */
export function isSame(left: string | null | undefined, right: string | null | undefined): boolean {
  return (left ?? "").toLowerCase() === (right ?? "").toLowerCase();
}
