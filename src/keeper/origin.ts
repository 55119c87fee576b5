import { z } from "zod";
import { canonicalJson } from "../plan/canonicalJson.ts";
import type { Evidence } from "../plan/evidence.ts";

const schema = z.object({
  name: z.literal("Ballast"),
  /** keccak256 of the evidence's canonical JSON: the name it is found under. */
  evidence: z.string().regex(/^0x[0-9a-f]{64}$/),
  /** What it takes to read the same evidence from the chain again. */
  block: z.number().int().nonnegative().optional(),
  scope: z.enum(["full", "hedge"]).optional(),
  code: z.string().max(32).optional(),
});

/** What a proposal at a Safe transaction service says of its evidence: where it is, and how to make it anew. */
export type Origin = z.infer<typeof schema>;

/** The origin of a proposal, as the service keeps it: two hundred characters at most. */
export function originText(hash: string, evidence: Evidence): string {
  const { block, scope, code } = evidence;
  const origin: Origin = { name: "Ballast", evidence: hash, block: block.number, scope, code: code.version };
  return canonicalJson(origin);
}

/** The origin in a service's text; null when it is not the keeper's. Nothing in it is believed: hashes are compared. */
export function parseOrigin(text: string | null): Origin | null {
  try {
    return schema.parse(JSON.parse(text ?? ""));
  } catch {
    return null;
  }
}
