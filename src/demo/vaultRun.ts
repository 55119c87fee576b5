import type { JsonRpcApiProvider, Signer } from "ethers";
import type { LocalVault } from "../../deploy/devnet/world.ts";
import type { PairShape } from "../hedge/liquidity.ts";
import { fileOutlet } from "../keeper/outlets.ts";
import { tick } from "../keeper/tick.ts";
import type { TickOutcome } from "../keeper/tick.ts";
import { SafeReverted } from "../safe/errors.ts";
import { addParts, executionParts, marketParts, noParts, perpLogs, readMark } from "../keeper/attribution.ts";
import type { Mark, Parts, Sources } from "../keeper/attribution.ts";
import { executePacket, reviewAndSign } from "./members.ts";
import type { Execution, RegimeName, VaultName } from "./result.ts";

/** Who acts for a vault in the demo. */
export interface People {
  provider: JsonRpcApiProvider;
  members: readonly Signer[];
  executor: Signer;
}

/** A proposal on its way from the keeper to its execution. */
interface Pending {
  outcome: TickOutcome;
  packet: string;
  verified: boolean;
  checks: number;
  gas: bigint | null;
  refusal: string | null;
  signers: string[];
}

/** What executing came to. */
export interface Executed {
  execution: Execution | null;
  /** Why it did not run; empty when it did. */
  reverted: string;
  costUsd: number;
  before: Mark;
  after: Mark;
}

const BASE_UNIT = 1e18;

/** One vault through the window: its marks, its parts, its proposals. */
export class VaultRun {
  readonly name: VaultName;
  readonly vault: LocalVault;
  readonly executions: Execution[] = [];
  readonly navs: number[] = [];
  parts: Parts = noParts();
  startNav = 0n;
  proposals = 0;
  gas: bigint[] = [];
  readonly #people: People;
  readonly #sources: Sources;
  readonly #packets: string;
  #mark: Mark | null = null;
  #pending: Pending | null = null;

  constructor(name: VaultName, vault: LocalVault, people: People, sources: Sources, packets: string) {
    this.name = name;
    this.vault = vault;
    this.#people = people;
    this.#sources = sources;
    this.#packets = packets;
  }

  get mark(): Mark {
    if (this.#mark === null) throw new NotStarted(this.name);
    return this.#mark;
  }

  get pair(): PairShape {
    return this.#sources.pair;
  }

  /** Reads the vault; what happened since the last reading was the market's doing. */
  async observeMarket(): Promise<Mark> {
    const mark = await readMark(this.#people.provider, this.vault.deployment.lens, this.pair);
    if (this.#mark === null) this.startNav = mark.nav;
    else {
      const logs = await perpLogs(this.#people.provider, this.#sources, this.#mark, mark);
      this.parts = addParts(this.parts, marketParts(this.#mark, mark, logs, this.#sources));
    }
    this.#mark = mark;
    return mark;
  }

  /** The keeper's tick; a proposal is verified and signed by the members at once, and waits for its execution. */
  async decide(): Promise<TickOutcome> {
    const { provider, members } = this.#people;
    const { deployment } = this.vault;
    const outcome = await tick({ provider, deployment, outlet: fileOutlet(this.#packets) });
    const packet = outcome.where[0];
    if (outcome.code === "PROPOSED" && packet !== undefined) {
      this.proposals += 1;
      const { verdict, signers } = await reviewAndSign(provider, deployment, packet, members);
      this.#pending = {
        outcome,
        packet,
        verified: verdict.ok,
        checks: verdict.checks.filter((check) => check.outcome === "match").length,
        gas: verdict.gasUsed,
        refusal: verdict.cause === null ? null : `${verdict.cause.name}: ${verdict.cause.detail}`,
        signers,
      };
    }
    return outcome;
  }

  get hasPending(): boolean {
    return this.#pending !== null;
  }

  /** Executes what is signed. A plan the chain refuses costs nothing and is replaced by the next tick. */
  async execute(date: string): Promise<Executed | null> {
    const pending = this.#pending;
    if (pending === null) return null;
    this.#pending = null;
    const before = await this.observeMarket();
    const failed = (reverted: string): Executed => ({ execution: null, reverted, costUsd: 0, before, after: before });
    if (pending.refusal !== null) return failed(`the members refused it: ${pending.refusal}`);
    try {
      const done = await executePacket(this.#people.provider, pending.packet, this.#people.executor, pending.gas);
      const after = await readMark(this.#people.provider, this.vault.deployment.lens, this.pair);
      const parts = executionParts(before, after, done.receipt.logs, this.#sources);
      this.parts = addParts(this.parts, parts);
      this.#mark = after;
      this.gas.push(done.gasUsed);
      const execution: Execution = {
        date,
        vault: this.name,
        regime: pending.outcome.regime as RegimeName,
        safeTxHash: done.safeTxHash,
        txHash: done.transactionHash,
        packet: pending.packet,
        verified: pending.verified,
        checks: pending.checks,
        gasUsed: Number(done.gasUsed),
        signers: pending.signers,
        sentence: pending.outcome.sentence,
      };
      this.executions.push(execution);
      return { execution, reverted: "", costUsd: -Number(parts.swapCosts + parts.perpCosts) / 1e6, before, after };
    } catch (error) {
      if (error instanceof SafeReverted) return failed(error.message);
      throw error;
    }
  }
}

/** Net delta in ETH: liquidity, fees and idle base, and the short. */
export function netDelta(mark: Mark): number {
  return Number(mark.held.base + mark.looseBase + mark.size) / BASE_UNIT;
}

/** A vault was asked for its state before it was read once. */
export class NotStarted extends Error {
  constructor(name: string) {
    super(`vault ${name} was not read yet: call observeMarket first`);
    this.name = "NotStarted";
  }
}
