import { getAddress, isAddress, verifyTypedData } from "ethers";
import type { Signer, TypedDataDomain, TypedDataField } from "ethers";
import { z } from "zod";
import { canonicalJson } from "../plan/canonicalJson.ts";

export const OBSERVATION_FORMAT = "ballast-observation/1";

/** One reporter's signed observation, as it goes from hand to hand. */
export interface Observation {
  format: typeof OBSERVATION_FORMAT;
  /** Decimal. */
  chainId: string;
  /** The AttestedFeed it is for. */
  feed: string;
  /** Seconds since 1970-01-01. */
  observedAt: number;
  /** In the feed's decimals, as a decimal string. */
  answer: string;
  reporter: string;
  /** EIP-712, 65 bytes. */
  signature: string;
}

/** An observation that is not what it says: `file` is where it was read. */
export class ObservationError extends Error {
  constructor(file: string, reason: string) {
    super(`observation ${file}: ${reason}; have it signed again with "ballast reporter sign"`);
    this.name = "ObservationError";
  }
}

/** The struct reporters sign, as AttestedFeed has it. */
const TYPES: Record<string, TypedDataField[]> = {
  Observation: [
    { name: "observedAt", type: "uint64" },
    { name: "answer", type: "int192" },
  ],
};

const address = z.string().refine((text) => isAddress(text) && getAddress(text) === text, "not a checksummed address");
const SCHEMA = z.strictObject({
  format: z.literal(OBSERVATION_FORMAT),
  chainId: z.string().regex(/^[1-9][0-9]*$/, "not a decimal chain id"),
  feed: address,
  observedAt: z.number().int().positive(),
  answer: z.string().regex(/^[1-9][0-9]{0,56}$/, "not a positive decimal whole number"),
  reporter: address,
  signature: z.string().regex(/^0x[0-9a-f]{130}$/, "not 65 bytes of lower-case hex"),
});

/** Signs an observation. */
export async function signObservation(
  wallet: Signer,
  about: { chainId: string; feed: string; observedAt: number; answer: bigint },
): Promise<Observation> {
  const { chainId, observedAt, answer } = about;
  const feed = getAddress(about.feed);
  const signature = await wallet.signTypedData(domain(chainId, feed), TYPES, { observedAt, answer });
  const reporter = await wallet.getAddress();
  return { format: OBSERVATION_FORMAT, chainId, feed, observedAt, answer: answer.toString(), reporter, signature };
}

/** The observation in a text, its signature checked. Throws ObservationError. */
export function parseObservation(text: string, file: string): Observation {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ObservationError(file, "not JSON");
  }
  const shape = SCHEMA.safeParse(value);
  if (!shape.success) {
    const issue = shape.error.issues[0];
    throw new ObservationError(file, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong shape"}`);
  }
  const { chainId, feed, observedAt, answer, reporter, signature } = shape.data;
  let signer: string;
  try {
    signer = verifyTypedData(domain(chainId, feed), TYPES, { observedAt, answer }, signature);
  } catch (error) {
    throw new ObservationError(file, `signature: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (signer !== reporter) throw new ObservationError(file, `signature: made by ${signer}, not by ${reporter}`);
  return shape.data;
}

/** The observation's text: canonical JSON and a newline. */
export function observationText(observation: Observation): string {
  return canonicalJson(observation) + "\n";
}

function domain(chainId: string, feed: string): TypedDataDomain {
  return { name: "Ballast AttestedFeed", version: "1", chainId: BigInt(chainId), verifyingContract: feed };
}
