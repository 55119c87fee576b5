import { Contract, getAddress } from "ethers";
import type { Provider } from "ethers";
import { SAFE_INTERFACE } from "./abi.ts";
import { isContractsAnswer } from "./revert.ts";
import { NonceAhead, NonceTaken, NotASafe, WrongChain } from "./errors.ts";

/** A Safe as the chain has it now. */
export interface SafeAccount {
  address: string;
  chainId: bigint;
  version: string;
  owners: string[];
  threshold: number;
  /** The nonce its next transaction must carry. */
  nonce: bigint;
}

/** Reads a Safe, at the latest block or a given one. Throws NotASafe when the address does not answer as one. */
export async function readSafe(
  provider: Provider,
  safe: string,
  blockTag: number | "latest" = "latest",
): Promise<SafeAccount> {
  const contract = new Contract(safe, SAFE_INTERFACE, provider);
  const { chainId } = await provider.getNetwork();
  try {
    const [version, owners, threshold, nonce] = (await Promise.all([
      contract.getFunction("VERSION")({ blockTag }),
      contract.getFunction("getOwners")({ blockTag }),
      contract.getFunction("getThreshold")({ blockTag }),
      contract.getFunction("nonce")({ blockTag }),
    ])) as [string, string[], bigint, bigint];
    return { address: getAddress(safe), chainId, version, owners: [...owners], threshold: Number(threshold), nonce };
  } catch (error) {
    if (isContractsAnswer(error)) throw new NotASafe(safe, (error as { code: string }).code);
    throw error;
  }
}

/** Throws WrongChain when the account is on another chain than the transaction is for. */
export function requireChain(account: SafeAccount, chainId: string): void {
  if (account.chainId !== BigInt(chainId)) throw new WrongChain(chainId, account.chainId.toString());
}

/** Throws NonceTaken or NonceAhead unless the nonce is the Safe's next. */
export function requireNextNonce(account: SafeAccount, nonce: string): void {
  requireUnusedNonce(account, nonce);
  if (BigInt(nonce) > account.nonce) throw new NonceAhead(account.address, nonce, account.nonce.toString());
}

/** Throws NonceTaken when a transaction at this nonce was executed. */
export function requireUnusedNonce(account: SafeAccount, nonce: string): void {
  if (BigInt(nonce) < account.nonce) throw new NonceTaken(account.address, nonce, account.nonce.toString());
}
