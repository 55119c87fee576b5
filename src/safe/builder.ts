import { keccak256, toUtf8Bytes } from "ethers";
import type { Packet } from "./packet.ts";
import { isPlainCall } from "./transaction.ts";

/** A batch file of Safe's Transaction Builder app. */
export interface BuilderFile {
  version: "1.0";
  chainId: string;
  /** Milliseconds since 1970-01-01 UTC. */
  createdAt: number;
  meta: {
    name: string;
    description: string;
    txBuilderVersion: string;
    createdFromSafeAddress: string;
    createdFromOwnerAddress: string;
    checksum: string;
  };
  transactions: {
    to: string;
    value: string;
    data: string;
    contractMethod: null;
    contractInputsValues: null;
  }[];
}

export class BuilderCannotCarry extends Error {
  constructor() {
    super(
      "the Transaction Builder's file holds only `to`, `value` and `data`; this transaction sets more " +
        "(a delegatecall, a value or a gas refund): propose it by the service or by on-chain approval",
    );
    this.name = "BuilderCannotCarry";
  }
}

/** The Builder version whose file we write; the Builder shows it and does not act on it. */
const TX_BUILDER_VERSION = "1.16.5";

/**
 * The packet's transaction as a file to drop into Safe's Transaction Builder. The file has no room for the nonce: the
 * description says which one makes the hash come out as the packet's.
 * @param createdAt Milliseconds since 1970-01-01 UTC; same argument, same bytes.
 */
export function builderFile(packet: Packet, createdAt: number): BuilderFile {
  if (!isPlainCall(packet.safeTx)) throw new BuilderCannotCarry();
  const { to, value, data, nonce } = packet.safeTx;
  const file: BuilderFile = {
    version: "1.0",
    chainId: packet.chainId,
    createdAt,
    meta: {
      name: "Ballast rebalance",
      description: `Set nonce ${nonce}. Sign only if the wallet then shows Safe transaction hash ${packet.safeTxHash}`,
      txBuilderVersion: TX_BUILDER_VERSION,
      createdFromSafeAddress: packet.safe,
      createdFromOwnerAddress: "",
      checksum: "",
    },
    transactions: [{ to, value, data, contractMethod: null, contractInputsValues: null }],
  };
  const { checksum: _, ...meta } = file.meta;
  return { ...file, meta: { ...file.meta, checksum: builderChecksum({ ...file, meta }) } };
}

/** The file's text, two-space JSON. */
export function builderText(packet: Packet, createdAt: number): string {
  return JSON.stringify(builderFile(packet, createdAt), null, 2) + "\n";
}

/**
 * The Builder's checksum of a batch: keccak-256 of its own serialisation, in which keys come sorted and once per object,
 * and the batch's name counts as null, so that renaming a batch keeps it.
 * Source: safe-global/safe-react-apps, apps/tx-builder/src/lib/checksum.ts at 81f2251.
 * @param file The batch without `meta.checksum` (the Builder removes it before comparing).
 */
export function builderChecksum(file: { meta: object }): string {
  return keccak256(toUtf8Bytes(serialise({ ...file, meta: { ...file.meta, name: null } })));
}

function serialise(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(serialise).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    const keys = JSON.stringify(entries.map(([key]) => key));
    return `{${keys}${entries.map(([, item]) => `${serialise(item)},`).join("")}}`;
  }
  return JSON.stringify(value ?? null);
}
