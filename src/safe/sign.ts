import { concat, dataLength, dataSlice, toBeHex } from "ethers";
import type { Provider, Signer } from "ethers";
import { readSafe, requireChain, requireUnusedNonce } from "./account.ts";
import { BadSignature, NotAnOwner } from "./errors.ts";
import { checkPacket, withSignatures } from "./packet.ts";
import type { Packet } from "./packet.ts";
import { recoverSignature } from "./signatures.ts";
import { SAFE_TX_TYPES, safeDomain, safeTxHash } from "./transaction.ts";

/**
 * The packet with the wallet's EIP-712 signature added. The hash is worked out from the raw transaction; the packet's
 * own is only compared with it.
 * Throws PacketError, WrongChain, NotASafe, NotAnOwner, NonceTaken, BadSignature.
 */
export async function signPacket(
  packet: Packet,
  wallet: Signer,
  { provider }: { provider: Provider },
): Promise<Packet> {
  const checked = checkPacket(packet);
  const account = await readSafe(provider, checked.safe);
  requireChain(account, checked.chainId);
  requireUnusedNonce(account, checked.safeTx.nonce);
  const owner = await wallet.getAddress();
  if (!account.owners.includes(owner)) throw new NotAnOwner(owner, checked.safe, account.owners);

  const domain = safeDomain(checked.chainId, checked.safe);
  const made = withPlainV(await wallet.signTypedData(domain, SAFE_TX_TYPES, checked.safeTx));
  const signature = recoverSignature(safeTxHash(checked.chainId, checked.safe, checked.safeTx), made);
  if (signature.owner !== owner) throw new BadSignature(`the wallet of ${owner} signed something else`);
  return withSignatures(checked, [signature]);
}

/** Some wallets in front of hardware answer v as 0 or 1, which a Safe reads as other kinds of signature: it means 27 or 28. */
function withPlainV(signature: string): string {
  if (dataLength(signature) !== 65) return signature;
  const v = Number(dataSlice(signature, 64));
  return v > 1 ? signature : concat([dataSlice(signature, 0, 64), toBeHex(v + 27)]);
}
