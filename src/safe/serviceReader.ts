import { getAddress } from "ethers";
import type { BigNumberish } from "ethers";
import { z } from "zod";
import { ServiceInconsistent, ServiceRejected, ServiceUnavailable, serviceRefusal } from "./errors.ts";
import { MAX_OWNERS, recoverSignature } from "./signatures.ts";
import type { SafeSignature } from "./signatures.ts";
import { safeTxHash } from "./transaction.ts";
import type { SafeTx } from "./transaction.ts";
import { textUpTo } from "./textUpTo.ts";

/*
 * What the review page asks of a Safe transaction service: to look, and to pass a signature on. In plain fetch, because the
 * service's own kit brings two wallets' worth of code with it; service.ts has all the rest, for keepers.
 */

const TIMEOUT_MS = 15_000;
/** A hundred transactions with their signatures are some hundred kilobytes. */
const MAX_ANSWER_BYTES = 5_000_000;
/** As many transactions as are asked for at once. */
const PAGE_ROWS = 100;

const RESPONSE = z.object({
  safe: z.string(),
  to: z.string(),
  value: z.string(),
  data: z.string().nullable(),
  operation: z.union([z.literal(0), z.literal(1)]),
  safeTxGas: z.coerce.string(),
  baseGas: z.coerce.string(),
  gasPrice: z.coerce.string(),
  gasToken: z.string().nullable(),
  refundReceiver: z.string().nullable(),
  nonce: z.coerce.string(),
  safeTxHash: z.string().regex(/^0x[0-9a-f]{64}$/),
  origin: z.string().nullish(),
  confirmations: z
    .array(z.object({ signature: z.string() }))
    .max(MAX_OWNERS)
    .nullish(),
});
const PAGE = z.object({ results: z.array(z.unknown()).max(PAGE_ROWS) });

/** A transaction as a service shows it; its hash was worked out from its contents. */
export interface ShownTransaction {
  safe: string;
  safeTx: SafeTx;
  safeTxHash: string;
  signatures: SafeSignature[];
  /** What its proposer says of it; null for nothing. */
  origin: string | null;
}

export interface ServiceReader {
  /** A transaction by its hash; null when the service has none. */
  transaction(hash: string): Promise<ShownTransaction | null>;
  /** A Safe's transactions that are not executed, from a nonce on, and what of the answer is none, in words. */
  pending(safe: string, nonce: bigint): Promise<{ shown: ShownTransaction[]; odd: string[] }>;
  /** Brings a transaction with its first signature to a service that does not have it. */
  propose(
    transaction: Pick<ShownTransaction, "safe" | "safeTx" | "safeTxHash">,
    sender: string,
    signature: string,
  ): Promise<void>;
  /** Adds an owner's signature to a transaction the service has. */
  confirm(hash: string, signature: string): Promise<void>;
}

export interface ServiceReaderOptions {
  /** Up to and including `/api`. */
  url: string;
  chainId: BigNumberish;
  apiKey?: string;
  fetch?: typeof fetch;
}

/**
 * Opens a Safe transaction service for looking. Its methods throw ServiceUnavailable, ServiceRateLimited,
 * ServiceUnauthorized, ServiceRejected, and ServiceInconsistent for a transaction whose hash is not that of its contents.
 */
export function serviceReader({ url, chainId, apiKey, fetch: ask = fetch }: ServiceReaderOptions): ServiceReader {
  const base = url.replace(/\/+$/, "");
  const request = async (path: string, body?: unknown): Promise<unknown> => {
    const headers = {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
    const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
    let response: Response;
    try {
      response = await ask(`${base}${path}`, { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch (error) {
      throw new ServiceUnavailable(base, error instanceof Error ? error.message : String(error));
    }
    const text = await textUpTo(response, MAX_ANSWER_BYTES).catch(() => "");
    if (text === null) throw new ServiceUnavailable(base, `its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    if (!response.ok) throw serviceRefusal(base, response.status, text);
    return text === "" ? null : parsed(base, text);
  };
  const read = (value: unknown): ShownTransaction => {
    const response = RESPONSE.safeParse(value);
    if (!response.success) throw new ServiceUnavailable(base, "its answer is none of a transaction service");
    return shown(base, chainId, response.data);
  };
  return {
    async transaction(hash) {
      const value = await request(`/v2/multisig-transactions/${hash}/`).catch((error: unknown) => {
        if (error instanceof ServiceRejected && error.status === 404) return null;
        throw error;
      });
      if (value === null) return null;
      const found = read(value);
      if (found.safeTxHash !== hash) throw new ServiceInconsistent(base, hash, found.safeTxHash);
      return found;
    },
    async pending(safe, nonce) {
      const query = `executed=false&nonce__gte=${nonce}&ordering=nonce&limit=${PAGE_ROWS}`;
      const page = PAGE.safeParse(await request(`/v2/safes/${getAddress(safe)}/multisig-transactions/?${query}`));
      if (!page.success) throw new ServiceUnavailable(base, "its answer is none of a transaction service");
      const [all, odd]: [ShownTransaction[], string[]] = [[], []];
      for (const row of page.data.results) {
        // One that is odd must not hide the others.
        try {
          const found = read(row);
          if (found.safe === getAddress(safe) && BigInt(found.safeTx.nonce) >= nonce) all.push(found);
        } catch (error) {
          odd.push(error instanceof Error ? error.message : String(error));
        }
      }
      return { shown: all, odd };
    },
    async propose({ safe, safeTx, safeTxHash: hash }, sender, signature) {
      const body = { ...safeTx, contractTransactionHash: hash, sender, signature, origin: "" };
      await request(`/v2/safes/${getAddress(safe)}/multisig-transactions/`, body);
    },
    async confirm(hash, signature) {
      await request(`/v1/multisig-transactions/${hash}/confirmations/`, { signature });
    },
  };
}

function shown(url: string, chainId: BigNumberish, response: z.infer<typeof RESPONSE>): ShownTransaction {
  const ZERO = "0x0000000000000000000000000000000000000000";
  const safeTx: SafeTx = {
    to: getAddress(response.to),
    value: response.value,
    data: (response.data ?? "0x").toLowerCase(),
    operation: response.operation,
    safeTxGas: response.safeTxGas,
    baseGas: response.baseGas,
    gasPrice: response.gasPrice,
    gasToken: getAddress(response.gasToken ?? ZERO),
    refundReceiver: getAddress(response.refundReceiver ?? ZERO),
    nonce: response.nonce,
  };
  const computed = safeTxHash(chainId, response.safe, safeTx);
  if (computed !== response.safeTxHash) throw new ServiceInconsistent(url, response.safeTxHash, computed);
  const signatures = (response.confirmations ?? []).flatMap(({ signature }) => usable(computed, signature));
  const { safe, origin = null } = response;
  return { safe: getAddress(safe), safeTx, safeTxHash: computed, signatures, origin };
}

/** A confirmation that cannot be used (a contract's), or that only the chain can tell of (an approval), counts as not there. */
function usable(hash: string, signature: string): SafeSignature[] {
  try {
    const found = recoverSignature(hash, signature);
    return found.kind === "approvedHash" ? [] : [found];
  } catch {
    return [];
  }
}

function parsed(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ServiceUnavailable(url, "its answer is no JSON");
  }
}
