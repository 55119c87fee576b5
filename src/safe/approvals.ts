import { Contract } from "ethers";
import type { Provider } from "ethers";
import { SAFE_INTERFACE } from "./abi.ts";
import { approvedHashSignature } from "./signatures.ts";
import type { SafeSignature } from "./signatures.ts";

/** The transaction by which an owner approves a Safe transaction on chain. Anyone may then execute it. */
export function approveHashCall(safe: string, safeTxHash: string): { to: string; value: bigint; data: string } {
  return { to: safe, value: 0n, data: SAFE_INTERFACE.encodeFunctionData("approveHash", [safeTxHash]) };
}

/** The approvals that are on chain for a hash, in the form the Safe takes as signatures. */
export async function readApprovals(
  provider: Provider,
  safe: string,
  owners: readonly string[],
  safeTxHash: string,
): Promise<SafeSignature[]> {
  const approved = new Contract(safe, SAFE_INTERFACE, provider).getFunction("approvedHashes");
  const values = (await Promise.all(owners.map((owner) => approved(owner, safeTxHash)))) as bigint[];
  return owners.filter((_, index) => values[index] !== 0n).map(approvedHashSignature);
}
