import { TypedDataEncoder, getBytes, hashMessage, recoverAddress } from "ethers";
import { z } from "zod";
import { ChainState } from "./chainState.ts";
import type { Executed, SafeState, WireTransaction } from "./chainState.ts";

/** An answer that is not success: its status and body, as the service words them. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;

  constructor(status: number, body: unknown) {
    super(`${status} ${JSON.stringify(body)}`);
    this.name = "Refusal";
    this.status = status;
    this.body = body;
  }
}

interface Delegation {
  safe: string | null;
  delegate: string;
  delegator: string;
  label: string;
}

interface Confirmation {
  owner: string;
  signature: string;
  submissionDate: string;
}

interface StoredTransaction extends WireTransaction {
  safe: string;
  safeTxHash: string;
  proposer: string;
  proposedByDelegate: string | null;
  origin: string;
  submissionDate: string;
  confirmations: Confirmation[];
}

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const hexBytes = z.string().regex(/^0x([0-9a-fA-F]{2})*$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const amount = z.union([z.string().regex(/^[0-9]+$/), z.number().int().nonnegative()]).transform(String);
const signature = hexBytes.refine((text) => text.length >= 132, "Ensure this field has at least 65 bytes");

const PROPOSAL = z.object({
  to: address,
  value: amount,
  data: hexBytes.nullable().default(null),
  operation: z.union([z.literal(0), z.literal(1)]),
  safeTxGas: amount,
  baseGas: amount,
  gasPrice: amount,
  gasToken: address,
  refundReceiver: address,
  nonce: amount.transform(Number),
  contractTransactionHash: hash,
  sender: address,
  signature,
  origin: z.string().max(200).nullable().default(null),
});
const DELEGATION = z.object({
  safe: address.nullable(),
  delegate: address,
  delegator: address,
  label: z.string().min(1).max(50),
  signature,
});
const CONFIRMATION = z.object({ signature });
/** A hash in it is not looked at: the path's counts. */
const DELETION = z.object({ signature });

const HOUR_SECONDS = 3600;

/**
 * What a Safe transaction service keeps and the rules by which it takes things in (safe-transaction-service 5).
 *
 * It deviates from the public one in this:
 * - It serves what the keeper and api-kit ask for: about, a Safe, delegates (list, add), its transactions (list, propose, one,
 *   delete), confirmations (add). No modules, tokens, messages, webhooks, pages by cursor.
 * - It reads the chain at every request: nothing is ever "not indexed yet", and a re-organised execution is undone at once.
 * - Signatures are those of accounts; a contract's (EIP-1271) and an approved hash are refused.
 * - Dates of executions are those of the request. `dataDecoded` and `signatures` are null, a Safe has no guard, module or handler
 *   in its answer, and a transaction no gas or fee of its execution.
 * - No API keys and no rate limit of its own; `fail` makes it refuse.
 */
export class TransactionStore {
  readonly #chain: ChainState;
  readonly #now: () => number;
  readonly #delegations: Delegation[] = [];
  readonly #transactions = new Map<string, StoredTransaction>();
  /** Hashes of all it was ever given, by Safe. */
  readonly #given = new Map<string, Set<string>>();

  constructor(chain: ChainState, now: () => number) {
    this.#chain = chain;
    this.#now = now;
  }

  async safeInfo(safe: string): Promise<unknown> {
    const state = await this.#safe(safe);
    return {
      address: safe,
      nonce: state.nonce.toString(),
      threshold: state.threshold,
      owners: state.owners,
      singleton: state.singleton,
      modules: [],
      version: state.version,
    };
  }

  async addDelegation(body: unknown): Promise<Delegation> {
    const { signature: signed, ...delegation } = parse(DELEGATION, body);
    if (delegation.safe !== null) {
      const { owners } = await this.#safe(delegation.safe, 400);
      if (!owners.includes(delegation.delegator)) {
        throw new Refusal(400, { nonFieldErrors: [`Provided delegator=${delegation.delegator} is not an owner`] });
      }
    }
    const domain = { name: "Safe Transaction Service", version: "1.0", chainId: await this.#chain.chainId() };
    const types = {
      Delegate: [
        { name: "delegateAddress", type: "address" },
        { name: "totp", type: "uint256" },
      ],
    };
    const valid = this.#hours().some((totp) => {
      const digest = TypedDataEncoder.hash(domain, types, { delegateAddress: delegation.delegate, totp });
      return recover(digest, signed) === delegation.delegator;
    });
    if (!valid) throw new Refusal(400, { nonFieldErrors: ["Signature does not match provided delegator"] });
    this.#delegations.push(delegation);
    return delegation;
  }

  delegations(safe: string | null): Delegation[] {
    return this.#delegations.filter((delegation) => safe === null || delegation.safe === safe);
  }

  revoke(delegate: string): void {
    const left = this.#delegations.filter((delegation) => delegation.delegate !== delegate);
    this.#delegations.splice(0, this.#delegations.length, ...left);
  }

  hashesOf(safe: string): string[] {
    return [...(this.#given.get(safe) ?? [])];
  }

  async propose(safe: string, body: unknown): Promise<void> {
    const { contractTransactionHash: given, sender, signature: signed, origin, ...tx } = parse(PROPOSAL, body);
    const state = await this.#safe(safe, 422);
    const computed = await this.#chain.transactionHash(safe, tx);
    const refuse = (message: string) => new Refusal(422, { nonFieldErrors: [message] });
    if (computed !== given) {
      throw refuse(`Contract-transaction-hash=${computed} does not match provided contract-tx-hash=${given}`);
    }
    if (await this.#chain.executed(safe, computed)) {
      throw refuse(`Tx with safe-tx-hash=${computed} for safe=${safe} was already executed`);
    }
    if (BigInt(tx.nonce) < state.nonce) throw refuse(`Tx with nonce=${tx.nonce} for safe=${safe} already executed`);

    const granted = this.#delegations.filter((grant) => grant.safe === safe || grant.safe === null);
    const delegation = granted.find(
      ({ delegate, delegator }) => delegate === sender && state.owners.includes(delegator),
    );
    const isOwner = state.owners.includes(sender);
    if (!isOwner && !delegation) throw refuse(`Sender=${sender} is not an owner or delegate`);
    const signer = recover(computed, signed);
    if (signer !== sender) throw refuse(`Signature does not match sender=${sender}. Calculated owner=${signer}`);

    const stored = this.#transactions.get(computed) ?? {
      ...tx,
      safe,
      safeTxHash: computed,
      proposer: isOwner ? sender : delegation!.delegator,
      proposedByDelegate: isOwner ? null : sender,
      origin: origin ?? "{}",
      submissionDate: this.#date(),
      confirmations: [],
    };
    this.#transactions.set(computed, stored);
    this.#given.set(safe, (this.#given.get(safe) ?? new Set()).add(computed));
    if (isOwner) this.#addConfirmation(stored, sender, signed);
  }

  async confirm(txHash: string, body: unknown): Promise<{ signature: string }> {
    const stored = this.#stored(txHash);
    const { signature: signed } = parse(CONFIRMATION, body);
    const refuse = (message: string) => new Refusal(422, { signature: [message] });
    if (await this.#chain.executed(stored.safe, txHash)) {
      throw refuse(`Transaction with safe-tx-hash=${txHash} was already executed`);
    }
    const { owners } = await this.#safe(stored.safe, 422);
    const signer = recover(txHash, signed);
    if (signer === null || !owners.includes(signer)) throw refuse(`Signer=${signer} is not an owner`);
    this.#addConfirmation(stored, signer, signed);
    return { signature: signed };
  }

  /** Only its proposer may, or the delegate that proposed it while it is one. */
  async delete(txHash: string, body: unknown): Promise<void> {
    const { signature: signed } = parse(DELETION, body);
    const stored = this.#stored(txHash);
    const { safe, proposer, proposedByDelegate } = stored;
    const refuse = (message: string) => new Refusal(400, { nonFieldErrors: [message] });
    if (await this.#chain.executed(safe, txHash)) throw refuse("Executed transactions cannot be deleted");
    if (signed.length !== 132) throw refuse(`1 owner signature was expected, ${(signed.length - 2) / 130} received`);
    if (Number.parseInt(signed.slice(-2), 16) <= 1) throw refuse("Only EOA and ETH_SIGN signatures are supported");
    const chainId = await this.#chain.chainId();
    const domain = { name: "Safe Transaction Service", version: "1.0", chainId, verifyingContract: safe };
    const types = {
      DeleteRequest: [
        { name: "safeTxHash", type: "bytes32" },
        { name: "totp", type: "uint256" },
      ],
    };
    const isDelegate = this.#delegations.some(
      (grant) =>
        grant.delegate === proposedByDelegate &&
        grant.delegator === proposer &&
        (grant.safe === safe || grant.safe === null),
    );
    const mayDelete = isDelegate ? [proposer, proposedByDelegate] : [proposer];
    const signers = this.#hours().map((totp) =>
      recover(TypedDataEncoder.hash(domain, types, { safeTxHash: txHash, totp }), signed),
    );
    if (!signers.some((signer) => signer !== null && mayDelete.includes(signer))) {
      throw refuse("Provided signer is not the proposer or the delegate user who proposed the transaction");
    }
    this.#transactions.delete(txHash);
  }

  async transaction(txHash: string): Promise<unknown> {
    const stored = this.#stored(txHash);
    return this.#describe(stored, await this.#safe(stored.safe));
  }

  /** A page of a Safe's transactions; null for a filter means all. */
  async list(safe: string, filter: ListFilter): Promise<{ count: number; results: unknown[] }> {
    const state = await this.#safe(safe);
    const all = await Promise.all(
      [...this.#transactions.values()]
        .filter((stored) => stored.safe === safe && stored.nonce >= filter.minimumNonce)
        .map((stored) => this.#describe(stored, state)),
    );
    const kept = all.filter(({ isExecuted }) => filter.executed === null || isExecuted === filter.executed);
    kept.sort((a, b) => (filter.byNonce ? a.nonce - b.nonce : b.submissionDate.localeCompare(a.submissionDate)));
    return { count: kept.length, results: kept.slice(filter.offset, filter.offset + filter.limit) };
  }

  #stored(txHash: string): StoredTransaction {
    const stored = this.#transactions.get(txHash);
    if (!stored) throw new Refusal(404, { detail: "No MultisigTransaction matches the given query." });
    return stored;
  }

  async #safe(address: string, status = 404): Promise<SafeState> {
    const state = await this.#chain.safe(address);
    if (!state) throw new Refusal(status, { detail: `Safe=${address} does not exist or it's still not indexed` });
    return state;
  }

  #addConfirmation(stored: StoredTransaction, owner: string, signed: string): void {
    if (stored.confirmations.some((confirmation) => confirmation.owner === owner)) return;
    stored.confirmations.push({ owner, signature: signed, submissionDate: this.#date() });
  }

  async #describe(stored: StoredTransaction, state: SafeState) {
    const executed: Executed | null = await this.#chain.executed(stored.safe, stored.safeTxHash);
    return {
      ...stored,
      confirmations: stored.confirmations.map((confirmation) => ({
        ...confirmation,
        signatureType: Number.parseInt(confirmation.signature.slice(-2), 16) > 30 ? "ETH_SIGN" : "EOA",
        transactionHash: null,
      })),
      confirmationsRequired: state.threshold,
      trusted: true,
      isExecuted: executed !== null,
      isSuccessful: executed?.success ?? null,
      transactionHash: executed?.transactionHash ?? null,
      blockNumber: executed?.blockNumber ?? null,
      executor: executed?.executor ?? null,
      executionDate: executed ? this.#date() : null,
      modified: stored.submissionDate,
      signatures: null,
      dataDecoded: null,
    };
  }

  /** The hours since 1970 that a signature may name: this one, and the one before. */
  #hours(): number[] {
    const hour = Math.floor(this.#now() / 1000 / HOUR_SECONDS);
    return [hour, hour - 1];
  }

  #date(): string {
    return new Date(this.#now()).toISOString();
  }
}

export interface ListFilter {
  executed: boolean | null;
  minimumNonce: number;
  byNonce: boolean;
  limit: number;
  offset: number;
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw new Refusal(
    400,
    Object.fromEntries(result.error.issues.map(({ path, message }) => [path.join("."), [message]])),
  );
}

/** Who signed a digest, directly or as a personal message (v above 30); null when the signature is malformed. */
function recover(digest: string, signed: string): string | null {
  try {
    const v = Number.parseInt(signed.slice(130, 132), 16);
    if (v <= 30) return recoverAddress(digest, signed);
    return recoverAddress(hashMessage(getBytes(digest)), signed.slice(0, 130) + (v - 4).toString(16));
  } catch {
    return null;
  }
}
