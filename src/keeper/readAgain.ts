import type { JsonRpcApiProvider } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { evidenceHash } from "../plan/evidence.ts";
import { observe } from "./observe.ts";
import type { Origin } from "./origin.ts";

/** The evidence of a hash, read from the chain again at the block that its origin names; or why that gives nothing. */
export async function readAgain(
  provider: JsonRpcApiProvider,
  deployment: Deployment | undefined,
  hash: string,
  origin: Origin | null,
): Promise<{ evidence: unknown } | { reason: string }> {
  if (origin?.block === undefined) return { reason: "nothing says at which block it was read" };
  if (deployment === undefined) return { reason: "reading it again from the chain needs --deployment" };
  const { block: blockNumber, scope, code } = origin;
  try {
    const { evidence } = await observe(provider, deployment, {
      blockNumber,
      ...(scope === undefined ? {} : { scope }),
      ...(code === undefined ? {} : { codeVersion: code }),
    });
    const actual = evidenceHash(evidence);
    return actual === hash ? { evidence } : { reason: `read again at block ${blockNumber} it hashes to ${actual}` };
  } catch (error) {
    return { reason: `at block ${blockNumber}: ${error instanceof Error ? error.message : String(error)}` };
  }
}
