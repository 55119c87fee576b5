import { getAddress, isAddress, keccak256, toUtf8Bytes } from "ethers";
import type { BigNumberish } from "ethers";
import { z } from "zod";
import { canonicalJson } from "../plan/canonicalJson.ts";
import { PacketError } from "./errors.ts";
import { MAX_OWNERS, recoverSignature, sortSignatures } from "./signatures.ts";
import type { SafeSignature } from "./signatures.ts";
import { safeTxHash } from "./transaction.ts";
import type { SafeTx } from "./transaction.ts";

export const PACKET_FORMAT = "ballast-packet/1";

/** One proposal in a file: the transaction, what it rests on, and the signatures collected so far. */
export interface Packet {
  format: typeof PACKET_FORMAT;
  /** Decimal. */
  chainId: string;
  safe: string;
  safeTx: SafeTx;
  safeTxHash: string;
  /** JSON; amounts as decimal strings. */
  plan: unknown;
  /** JSON; amounts as decimal strings. */
  evidence: unknown;
  /** keccak-256 of the canonical text of `evidence`. */
  evidenceHash: string;
  /** Ascending by owner, one per owner. */
  signatures: SafeSignature[];
}

const address = z.string().refine((text) => isAddress(text) && getAddress(text) === text, "not a checksummed address");
const decimal = z.string().regex(/^(0|[1-9][0-9]{0,77})$/, "not a decimal whole number");
const bytes = z.string().regex(/^0x([0-9a-f]{2})*$/, "not lower-case hex bytes");
const hash = z.string().regex(/^0x[0-9a-f]{64}$/, "not a 32-byte hash in lower-case hex");

const SCHEMA = z.strictObject({
  format: z.literal(PACKET_FORMAT),
  chainId: decimal,
  safe: address,
  safeTx: z.strictObject({
    to: address,
    value: decimal,
    data: bytes,
    operation: z.union([z.literal(0), z.literal(1)]),
    safeTxGas: decimal,
    baseGas: decimal,
    gasPrice: decimal,
    gasToken: address,
    refundReceiver: address,
    nonce: decimal,
  }),
  safeTxHash: hash,
  plan: z.unknown(),
  evidence: z.unknown(),
  evidenceHash: hash,
  signatures: z
    .array(z.strictObject({ owner: address, signature: bytes, kind: z.enum(["eip712", "ethSign", "approvedHash"]) }))
    .max(MAX_OWNERS),
});

export interface PacketContents {
  chainId: BigNumberish;
  safe: string;
  safeTx: SafeTx;
  plan: unknown;
  evidence: unknown;
}

/** A new packet without signatures. Throws NotCanonical when plan or evidence is not JSON. */
export function createPacket({ chainId, safe, safeTx, plan, evidence }: PacketContents): Packet {
  return checkPacket({
    format: PACKET_FORMAT,
    chainId: BigInt(chainId).toString(),
    safe: getAddress(safe),
    safeTx,
    safeTxHash: safeTxHash(chainId, safe, safeTx),
    plan: plainJson(plan),
    evidence: plainJson(evidence),
    evidenceHash: hashJson(evidence),
    signatures: [],
  });
}

/** The packet in a text. Throws PacketError, with the path of the key at fault. */
export function parsePacket(text: string): Packet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PacketError("", `not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  return checkPacket(value);
}

/**
 * Checks all that needs no chain: the shape, both hashes against what they are hashes of, and each signature against its
 * owner and the transaction. Throws PacketError.
 */
export function checkPacket(value: unknown): Packet {
  const shape = SCHEMA.safeParse(value);
  if (!shape.success) {
    const issue = shape.error.issues[0]!;
    const keys = issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0]!] : issue.path;
    throw new PacketError(keys.join("."), issue.message);
  }
  const packet: Packet = shape.data;
  const txHash = safeTxHash(packet.chainId, packet.safe, packet.safeTx);
  if (txHash !== packet.safeTxHash) {
    throw new PacketError("safeTxHash", `the transaction hashes to ${txHash}, the packet says ${packet.safeTxHash}`);
  }
  const evidenceHash = hashJson(packet.evidence);
  if (evidenceHash !== packet.evidenceHash) {
    throw new PacketError("evidenceHash", `the evidence hashes to ${evidenceHash}, not to ${packet.evidenceHash}`);
  }
  packet.signatures.forEach((signature, index) => checkSignature(signature, txHash, `signatures.${index}`));
  const signatures = sortSignatures(packet.signatures);
  if (signatures.length !== packet.signatures.length) throw new PacketError("signatures", "an owner is there twice");
  return { ...packet, signatures };
}

/** The packet's text: canonical JSON and a newline; the same packet is always the same bytes. */
export function packetText(packet: Packet): string {
  return canonicalJson(checkPacket(packet)) + "\n";
}

/** The packet with more signatures; those it has stay. Throws PacketError when one does not fit the transaction. */
export function withSignatures(packet: Packet, added: readonly SafeSignature[]): Packet {
  return checkPacket({ ...packet, signatures: sortSignatures([...packet.signatures, ...added]) });
}

function checkSignature(claimed: SafeSignature, txHash: string, path: string): void {
  let actual: SafeSignature;
  try {
    actual = recoverSignature(txHash, claimed.signature);
  } catch (error) {
    throw new PacketError(`${path}.signature`, error instanceof Error ? error.message : String(error));
  }
  if (actual.kind !== claimed.kind) throw new PacketError(`${path}.kind`, `it is a signature of kind ${actual.kind}`);
  if (actual.owner !== claimed.owner) {
    throw new PacketError(
      `${path}.signature`,
      `it was not made by ${claimed.owner} for this transaction (it recovers to ${actual.owner})`,
    );
  }
}

function hashJson(value: unknown): string {
  return keccak256(toUtf8Bytes(canonicalJson(value)));
}

function plainJson(value: unknown): unknown {
  return JSON.parse(canonicalJson(value)) as unknown;
}
