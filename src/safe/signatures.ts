import {
  Signature,
  ZeroHash,
  concat,
  dataLength,
  dataSlice,
  getAddress,
  getBytes,
  hashMessage,
  recoverAddress,
  zeroPadValue,
} from "ethers";
import { BadSignature, ContractSignatureUnsupported } from "./errors.ts";

/**
 * How an owner agreed: `eip712` signed the transaction's typed data, `ethSign` signed its hash as a personal message (some
 * wallets can do no other), `approvedHash` sent approveHash on chain.
 */
export type SignatureKind = "eip712" | "ethSign" | "approvedHash";

export interface SafeSignature {
  owner: string;
  /** 65 bytes, hex: r, s, v as the Safe takes them. */
  signature: string;
  kind: SignatureKind;
}

/** More owners than any Safe has: each signature costs a recovery, and a stranger may send a file of them. */
export const MAX_OWNERS = 100;

/** The Safe tells a personal-message signature by v + 4. */
const ETH_SIGN_V_OFFSET = 4;

/** The 65 bytes that stand for an approval on chain: the owner as r, nothing as s, v = 1. */
export function approvedHashSignature(owner: string): SafeSignature {
  const signature = concat([zeroPadValue(owner, 32), ZeroHash, "0x01"]).toLowerCase();
  return { owner, signature, kind: "approvedHash" };
}

/**
 * Who made a signature over a Safe transaction hash, and how.
 * Throws ContractSignatureUnsupported for EIP-1271 and BadSignature for anything the Safe would not take.
 */
export function recoverSignature(hash: string, signature: string): SafeSignature {
  const size = dataLength(signature);
  const v = size >= 65 ? Number(dataSlice(signature, 64, 65)) : -1;
  if (v === 0) throw new ContractSignatureUnsupported();
  if (size !== 65) throw new BadSignature(`it has ${size} bytes, not 65`);
  if (v === 1) {
    return approvedHashSignature(getAddress(dataSlice(signature, 12, 32)));
  }
  const kind = v > 30 ? "ethSign" : "eip712";
  const plainV = kind === "ethSign" ? v - ETH_SIGN_V_OFFSET : v;
  if (plainV !== 27 && plainV !== 28) throw new BadSignature(`its v is ${v}, not 27, 28, 31 or 32`);
  const digest = kind === "ethSign" ? hashMessage(getBytes(hash)) : hash;
  try {
    const parts = Signature.from({ r: dataSlice(signature, 0, 32), s: dataSlice(signature, 32, 64), v: plainV });
    return { owner: recoverAddress(digest, parts), signature: signature.toLowerCase(), kind };
  } catch (error) {
    throw new BadSignature(error instanceof Error ? error.message : String(error));
  }
}

/** Concatenated as the Safe wants them: in ascending order of the owners' addresses. */
export function assembleSignatures(signatures: readonly SafeSignature[]): string {
  return concat(sortSignatures(signatures).map(({ signature }) => signature));
}

/** Ascending by owner, one per owner: a signature goes before an approval, which needs a chain to check it. */
export function sortSignatures(signatures: readonly SafeSignature[]): SafeSignature[] {
  const byOwner = new Map<string, SafeSignature>();
  for (const signature of signatures) {
    const kept = byOwner.get(signature.owner);
    if (!kept || kept.kind === "approvedHash") byOwner.set(signature.owner, signature);
  }
  return [...byOwner.values()].sort((a, b) => (BigInt(a.owner) < BigInt(b.owner) ? -1 : 1));
}
