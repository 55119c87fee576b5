import ApiKit from "@safe-global/api-kit";
import type { AddSafeDelegateProps } from "@safe-global/api-kit";
import type { SafeMultisigTransactionResponse } from "@safe-global/types-kit";
import { getAddress } from "ethers";
import type { BigNumberish, Signer, TypedDataDomain, TypedDataField } from "ethers";
import {
  ServiceInconsistent,
  serviceRefusal,
  ServiceRejected,
  ServiceUnauthorized,
  ServiceUnavailable,
} from "./errors.ts";
import { recoverSignature } from "./signatures.ts";
import type { SafeSignature } from "./signatures.ts";
import { textUpTo } from "./textUpTo.ts";
import { SAFE_TX_TYPES, safeDomain, safeTxHash } from "./transaction.ts";
import type { SafeTx } from "./transaction.ts";

// The kit is CommonJS behind an ESM wrapper: its types put the class one level below where Node finds it.
const SafeApiKit = ApiKit as unknown as typeof ApiKit.default;

export interface ServiceOptions {
  /** Up to and including `/api`. */
  url: string;
  chainId: BigNumberish;
  /** Safe's own service at api.safe.global wants one. */
  apiKey?: string;
  /** After this long a request counts as lost. */
  timeoutMs?: number;
  /** Milliseconds since 1970-01-01 UTC: a withdrawal is signed for its hour. */
  now?: () => number;
}

/** A transaction as the service knows it, its hash checked against its contents. */
export interface ServiceTransaction {
  safe: string;
  safeTx: SafeTx;
  safeTxHash: string;
  signatures: SafeSignature[];
  proposer: string | null;
  proposedByDelegate: string | null;
  /** Whatever the proposer wrote beside it: nothing vouches for it. */
  origin: string | null;
  executed: boolean;
  /** Null until executed. */
  successful: boolean | null;
  transactionHash: string | null;
}

export interface Withdrawal {
  safe: string;
  /** The proposal's, as the Safe computes it. */
  hash: string;
  /** Who proposed it. */
  signer: Signer;
}

export interface Proposal {
  safe: string;
  safeTx: SafeTx;
  /** An owner, or a delegate of one. */
  signer: Signer;
  /** Shown by Safe's page beside the transaction. */
  origin?: string;
}

const DEFAULT_TIMEOUT_MS = 15_000;
const PAGE_SIZE = 100;
const MOST_PAGES = 50;
const MAX_REFUSAL_BYTES = 65_536;
const HOUR_MS = 3_600_000;

/** What a proposer signs to take a proposal back, as the service's documentation has it. */
const DELETE_TYPES = {
  DeleteRequest: [
    { name: "safeTxHash", type: "bytes32" },
    { name: "totp", type: "uint256" },
  ],
};

/**
 * A Safe transaction service. All methods throw ServiceUnavailable, ServiceRateLimited, ServiceUnauthorized or
 * ServiceRejected; those that return transactions, ServiceInconsistent as well.
 */
export class SafeService {
  readonly url: string;
  readonly chainId: bigint;
  readonly #apiKey: string | undefined;
  readonly #kit: InstanceType<typeof SafeApiKit>;
  readonly #timeoutMs: number;
  readonly #now: () => number;

  constructor({ url, chainId, apiKey, timeoutMs = DEFAULT_TIMEOUT_MS, now = Date.now }: ServiceOptions) {
    this.url = url.replace(/\/+$/, "");
    this.chainId = BigInt(chainId);
    this.#apiKey = apiKey;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    if (this.url.includes("safe.global") && !apiKey) throw new ServiceUnauthorized(this.url, 401);
    this.#kit = new SafeApiKit({ chainId: this.chainId, txServiceUrl: this.url, ...(apiKey ? { apiKey } : {}) });
  }

  /** The service's name and version: a cheap way to see that it answers. */
  async about(): Promise<{ name: string; version: string }> {
    const { name, version } = await this.#ask(() => this.#kit.getServiceInfo());
    return { name, version };
  }

  /**
   * Proposes a transaction. What the service already has is not sent again, so this may be repeated after a lost answer.
   * @returns Its hash, and whether it is new to the service.
   */
  async propose({ safe, safeTx, signer, origin }: Proposal): Promise<{ safeTxHash: string; created: boolean }> {
    const hash = safeTxHash(this.chainId, safe, safeTx);
    if (await this.transaction(hash)) return { safeTxHash: hash, created: false };
    // A signature over the typed data is one over the hash itself, which is what the service checks for a delegate.
    const signature = await signer.signTypedData(safeDomain(this.chainId, safe), SAFE_TX_TYPES, safeTx);
    const senderAddress = await signer.getAddress();
    await this.#ask(() =>
      this.#kit.proposeTransaction({
        safeAddress: safe,
        safeTransactionData: { ...safeTx, nonce: Number(safeTx.nonce) },
        safeTxHash: hash,
        senderAddress,
        senderSignature: signature,
        ...(origin === undefined ? {} : { origin }),
      }),
    );
    return { safeTxHash: hash, created: true };
  }

  /** A transaction by its hash, null when the service has none. */
  async transaction(hash: string): Promise<ServiceTransaction | null> {
    try {
      const found = this.#read(await this.#ask(() => this.#kit.getTransaction(hash)));
      if (found.safeTxHash !== hash) throw new ServiceInconsistent(this.url, hash, found.safeTxHash);
      return found;
    } catch (error) {
      if (error instanceof ServiceRejected && error.status === 404) return null;
      throw error;
    }
  }

  /** The signatures the service holds for a transaction; none when it does not know the transaction. */
  async signatures(hash: string): Promise<SafeSignature[]> {
    return (await this.transaction(hash))?.signatures ?? [];
  }

  /** All transactions of a Safe that are not executed and still can be, by nonce. */
  async pending(safe: string): Promise<ServiceTransaction[]> {
    const found: ServiceTransaction[] = [];
    for (let pages = 0; ; pages++) {
      // A list without an end would fill our memory, and keep us from ever doing anything again.
      if (pages === MOST_PAGES) {
        const reason = `it lists more than ${MOST_PAGES * PAGE_SIZE} pending transactions; reject some, or go by file`;
        throw new ServiceUnavailable(this.url, reason);
      }
      const options = { limit: PAGE_SIZE, offset: found.length, ordering: "nonce" };
      const page = await this.#ask(() => this.#kit.getPendingTransactions(getAddress(safe), options));
      found.push(...page.results.map((response) => this.#read(response)));
      if (!page.next || page.results.length === 0) return found;
    }
  }

  /**
   * The lowest nonce that no executed and no pending transaction uses. Not the highest pending one plus one: a
   * transaction behind a gap could never be executed.
   */
  async nextNonce(safe: string): Promise<bigint> {
    const info = await this.#ask(() => this.#kit.getSafeInfo(getAddress(safe)));
    const taken = new Set((await this.pending(safe)).map(({ safeTx }) => BigInt(safeTx.nonce)));
    let nonce = BigInt(info.nonce);
    while (taken.has(nonce)) nonce++;
    return nonce;
  }

  /** Adds an owner's signature to a transaction the service has. */
  async confirm(hash: string, signature: string): Promise<void> {
    await this.#ask(() => this.#kit.confirmTransaction(hash, signature));
  }

  /**
   * Takes a proposal that is not executed off the service, and the signatures it has there. Who signed it has signed it all the
   * same: on chain it can be executed until its nonce is used. Only who proposed it may, while it still may propose.
   * @returns Whether it was there: what is gone already may be withdrawn again.
   */
  async withdraw({ safe, hash, signer }: Withdrawal): Promise<boolean> {
    const domain = { name: "Safe Transaction Service", version: "1.0", chainId: this.chainId, verifyingContract: safe };
    // The service takes the present hour and the one before.
    const message = { safeTxHash: hash, totp: Math.floor(this.#now() / HOUR_MS) };
    const signature = await signer.signTypedData(domain, DELETE_TYPES, message);
    const headers = {
      "content-type": "application/json",
      ...(this.#apiKey === undefined ? {} : { authorization: `Bearer ${this.#apiKey}` }),
    };
    // In plain fetch: the kit has no method for it.
    const { ok, status, text } = await this.#ask(async () => {
      const response = await fetch(`${this.url}/v2/multisig-transactions/${hash}/`, {
        method: "DELETE",
        headers,
        body: JSON.stringify({ safeTxHash: hash, signature }),
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      return { ok: response.ok, status: response.status, text: await textUpTo(response, MAX_REFUSAL_BYTES) };
    });
    if (ok) return true;
    if (status === 404) return false;
    throw serviceRefusal(this.url, status, text ?? "");
  }

  /** Makes `delegate` someone who may propose to the Safe in the owner's name (not sign). */
  async addDelegate(safe: string, delegate: string, owner: Signer, label: string): Promise<void> {
    const delegatorAddress = await owner.getAddress();
    await this.#ask(() =>
      this.#kit.addSafeDelegate({
        safeAddress: safe,
        delegateAddress: delegate,
        delegatorAddress,
        label,
        signer: typedDataSigner(owner),
      }),
    );
  }

  /** Who may propose to the Safe without being an owner. */
  async delegates(safe: string): Promise<string[]> {
    const page = await this.#ask(() => this.#kit.getSafeDelegates({ safeAddress: safe, limit: PAGE_SIZE }));
    return page.results.map(({ delegate }) => delegate);
  }

  #read(response: SafeMultisigTransactionResponse): ServiceTransaction {
    const safeTx = toSafeTx(response);
    const computed = safeTxHash(this.chainId, response.safe, safeTx);
    if (computed !== response.safeTxHash) throw new ServiceInconsistent(this.url, response.safeTxHash, computed);
    return {
      safe: response.safe,
      safeTx,
      safeTxHash: computed,
      signatures: (response.confirmations ?? []).flatMap(({ signature }) => readable(computed, signature)),
      proposer: response.proposer,
      proposedByDelegate: response.proposedByDelegate,
      origin: typeof response.origin === "string" ? response.origin : null,
      executed: response.isExecuted,
      successful: response.isSuccessful,
      transactionHash: response.transactionHash,
    };
  }

  async #ask<T>(request: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const lost = new ServiceUnavailable(this.url, `no answer in ${this.#timeoutMs} ms`);
      timer = setTimeout(() => reject(lost), this.#timeoutMs);
    });
    try {
      return await Promise.race([request(), late]);
    } catch (error) {
      throw this.#named(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #named(error: unknown): Error {
    if (error instanceof ServiceUnavailable) return error;
    const { statusCode, message, data } = error as { statusCode?: number; message?: string; data?: unknown };
    if (statusCode === undefined) return new ServiceUnavailable(this.url, message ?? String(error));
    return serviceRefusal(this.url, statusCode, data === undefined ? String(message) : JSON.stringify(data));
  }
}

function toSafeTx(response: SafeMultisigTransactionResponse): SafeTx {
  return {
    to: response.to,
    value: BigInt(response.value).toString(),
    data: response.data ?? "0x",
    operation: response.operation === 1 ? 1 : 0,
    safeTxGas: BigInt(response.safeTxGas).toString(),
    baseGas: BigInt(response.baseGas).toString(),
    gasPrice: BigInt(response.gasPrice).toString(),
    gasToken: response.gasToken,
    refundReceiver: response.refundReceiver ?? "0x0000000000000000000000000000000000000000",
    nonce: BigInt(response.nonce).toString(),
  };
}

/** A confirmation we cannot use (a contract signature) is no reason to fail: it counts as not there. */
function readable(hash: string, signature: string): SafeSignature[] {
  try {
    return [recoverSignature(hash, signature)];
  } catch {
    return [];
  }
}

/** The one method of a viem wallet that the kit uses to sign a delegation, over an ethers signer. */
function typedDataSigner(signer: Signer): AddSafeDelegateProps["signer"] {
  const wallet = {
    signTypedData({ domain, types, message }: TypedDataRequest): Promise<string> {
      return signer.signTypedData(domain, types, message);
    },
  };
  return wallet as unknown as AddSafeDelegateProps["signer"];
}

interface TypedDataRequest {
  domain: TypedDataDomain;
  types: Record<string, TypedDataField[]>;
  message: Record<string, unknown>;
}
