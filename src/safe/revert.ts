import { Interface } from "ethers";
import type { BlockTag, Provider } from "ethers";
import { SAFE_ERRORS } from "./safeErrors.ts";
import type { SafeErrorHelp } from "./safeErrors.ts";
import type { SafeTx } from "./transaction.ts";

/** Revert data in words. */
export interface ExplainedRevert {
  /** The custom error's name, `Error`, `Panic`, a Safe code such as `GS026`, or `unknown`. */
  name: string;
  /** The error's arguments as text, by position. */
  args: string[];
  /** One sentence for people. */
  text: string;
  /** The raw revert data. */
  data: string;
  /** For the Safe's own codes. */
  help?: SafeErrorHelp;
}

const BUILT_IN = new Interface(["error Error(string reason)", "error Panic(uint256 code)"]);

/**
 * Puts revert data into words.
 * @param data What the call reverted with, `0x` when nothing.
 * @param interfaces Whose custom errors may be in it; the first that knows the selector wins.
 */
export function explainRevert(data: string, interfaces: readonly Interface[] = []): ExplainedRevert {
  if (data === "0x" || data === "") {
    return { name: "unknown", args: [], data: "0x", text: "it reverts without data (out of gas, or a bare revert)" };
  }
  for (const known of [BUILT_IN, ...interfaces]) {
    const parsed = parseError(known, data);
    if (!parsed) continue;
    const [reason] = parsed.args;
    const help = parsed.name === "Error" && reason !== undefined ? SAFE_ERRORS[reason] : undefined;
    if (help && reason !== undefined) {
      return { ...parsed, name: reason, text: `${reason}, ${help.meaning}: ${help.why}. To mend: ${help.mend}`, help };
    }
    return { ...parsed, text: `${parsed.name}(${parsed.args.join(", ")})` };
  }
  return { name: "unknown", args: [], data, text: `it reverts with unknown error ${data.slice(0, 10)} (${data})` };
}

/** The revert data carried by an error of ethers or of a node, or null when the error is not a revert. */
export function revertDataOf(error: unknown): string | null {
  const seen = new Set<unknown>();
  const queue: unknown[] = [error];
  while (queue.length > 0) {
    const item = queue.shift();
    if (typeof item !== "object" || item === null || seen.has(item)) continue;
    seen.add(item);
    const { data, error: inner, info, cause } = item as Record<string, unknown>;
    // Some nodes write "Reverted 0x…".
    const bytes = typeof data === "string" ? /^(?:Reverted )?(0x(?:[0-9a-f]{2})*)$/i.exec(data)?.[1] : undefined;
    if (bytes !== undefined) return bytes;
    queue.push(data, inner, info, cause);
  }
  return null;
}

/**
 * Whether a failed call says something of the contract: it reverted, or nothing of that kind is there. A node in trouble
 * (rate limits, lost state, a cut line) also fails calls, and then nothing is known: ethers calls both CALL_EXCEPTION.
 */
export function isContractsAnswer(error: unknown): boolean {
  const { code, info } = error as { code?: unknown; info?: { error?: { message?: unknown } } };
  if (code === "BAD_DATA") return true;
  if (code !== "CALL_EXCEPTION") return false;
  return revertDataOf(error) !== null || /revert|invalid opcode/i.test(String(info?.error?.message));
}

function parseError(known: Interface, data: string): Pick<ExplainedRevert, "name" | "args" | "data"> | null {
  try {
    const parsed = known.parseError(data);
    return parsed && { name: parsed.name, args: parsed.args.toArray().map(String), data };
  } catch {
    return null; // The selector is known but the arguments do not decode: another contract's error of the same selector.
  }
}

/**
 * Explains why a Safe transaction fails. A Safe before 1.5.0 says GS013 for every failure of the inner call, and any Safe
 * with safeTxGas set says only `false`; then the inner call alone is tried, from the Safe's address, to learn its reason.
 * @param data What execTransaction reverted with, null when it returned false.
 */
export async function explainSafeRevert(
  provider: Provider,
  safe: string,
  tx: SafeTx,
  data: string | null,
  interfaces: readonly Interface[],
  blockTag: BlockTag = "latest",
): Promise<ExplainedRevert> {
  const outer = data === null ? FAILED_SOFTLY : explainRevert(data, interfaces);
  if (tx.operation !== 0 || (data !== null && outer.name !== "GS013")) return outer;
  try {
    await provider.call({ from: safe, to: tx.to, value: BigInt(tx.value), data: tx.data, blockTag });
  } catch (error) {
    const inner = revertDataOf(error);
    if (inner !== null) return explainRevert(inner, interfaces);
  }
  return outer;
}

const FAILED_SOFTLY: ExplainedRevert = {
  name: "unknown",
  args: [],
  data: "0x",
  text: "the inner call fails, for a reason the Safe does not pass on",
};
