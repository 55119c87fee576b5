import { ZeroAddress } from "ethers";
import type { JsonRpcApiProvider, Result } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { SAFE_INTERFACE } from "../safe/abi.ts";
import type { SafeAccount } from "../safe/account.ts";
import { hasModuleGuard, readGuards } from "../safe/guards.ts";
import type { Packet } from "../safe/packet.ts";
import { isContractsAnswer } from "../safe/revert.ts";
import { Rebalancer__factory, ReviewGuard__factory } from "../../typechain-types/index.js";
import type { ReviewGuard } from "../../typechain-types/index.js";
import { Checklist } from "./checklist.ts";
import type { Check } from "./checklist.ts";
import { duration } from "./review.ts";

/** A transaction by which a Safe sets a guard of its own. */
export interface GuardCall {
  name: "setGuard" | "setModuleGuard";
  guard: string;
}

/** The guard a packet's transaction sets; null when it is another call. */
export function guardCallOf({ safe, safeTx }: Packet): GuardCall | null {
  if (safeTx.to !== safe) return null;
  for (const name of ["setGuard", "setModuleGuard"] as const) {
    if (!safeTx.data.startsWith(SAFE_INTERFACE.getFunction(name)?.selector ?? "-")) continue;
    try {
      const [guard] = SAFE_INTERFACE.decodeFunctionData(name, safeTx.data) as unknown as [string];
      // Bytes after the argument are not part of the call that is shown.
      if (SAFE_INTERFACE.encodeFunctionData(name, [guard]) === safeTx.data) return { name, guard };
    } catch {
      return null;
    }
  }
  return null;
}

/** What the Safe would be held by: this software's guard, made for this Safe and vault, set in the right order. */
export async function guardChecks(
  provider: JsonRpcApiProvider,
  { name, guard }: GuardCall,
  { packet, account, deployment }: { packet: Packet; account: SafeAccount; deployment: Deployment | undefined },
): Promise<Check[]> {
  const list = new Checklist();
  list.section = "call";
  list.note("call", null, `the Safe sets its ${name === "setGuard" ? "guard" : "module guard"} to ${guard}`);
  list.section = "identity";
  if (guard === ZeroAddress) {
    // The way out of a guard the Safe is lost to: by its own name, so that owners may take it knowingly.
    list.note("guard removed", "the Safe would have none: nothing waits, and nobody can veto", "");
    return list.checks;
  }
  const contract = ReviewGuard__factory.connect(guard, provider);
  const read = await Promise.all([
    contract.authority(),
    contract.safe(),
    contract.rebalancer(),
    contract.lens(),
    contract.rules(),
  ]).catch((error: unknown) => {
    if (isContractsAnswer(error)) return null;
    throw error;
  });
  if (read === null) {
    list.note("guard", `there is no review guard at ${guard}`, "");
    return list.checks;
  }
  const [authority, safe, rebalancer, lens, rules] = read;
  const isOurs = await isReviewGuardCode(provider, contract);
  const problem = !isOurs
    ? "its code is not this software's review guard"
    : safe !== packet.safe
      ? `it was made for Safe ${safe}`
      : null;
  const percent = (bps: bigint): string => `${Number(bps) / 100} %`;
  list.note(
    "guard",
    problem,
    `this software's code; derisk plans wait ${duration(Number(rules.deriskWindow))}, ` +
      `plans ${duration(Number(rules.planWindow))}, all else ${duration(Number(rules.otherWindow))}, ` +
      `its removal ${duration(Number(rules.exitDelay))}; ${percent(rules.planVetoBps)} of the votes stop a plan, ` +
      `${percent(rules.otherVetoBps)} all else, ${percent(rules.secondVetoBps)} what comes back`,
  );
  if (deployment === undefined) {
    list.skip("your vault", `no --deployment given: check that Rebalancer ${rebalancer} is yours`);
  } else {
    const served = { guard, safe, rebalancer, lens, accessManager: authority };
    const difference = (Object.keys(served) as (keyof typeof served)[]).find(
      (key) => deployment[key]?.toLowerCase() !== served[key].toLowerCase(),
    );
    list.note(
      "your vault",
      difference === undefined
        ? null
        : `the guard's ${difference} is ${served[difference]}, yours is ${deployment[difference] ?? "none"}`,
      `vault ${await Rebalancer__factory.connect(rebalancer, provider).vault()}`,
    );
  }
  list.section = "now";
  if (name === "setGuard" && hasModuleGuard(account.version)) {
    const { moduleGuard } = await readGuards(provider, packet.safe);
    if (moduleGuard === guard) list.note("order", null, "the module guard is set");
    else if (BigInt(packet.safeTx.nonce) > account.nonce)
      list.skip("order", "the module guard has to be set before this one");
    else list.note("order", "the module guard is not set: once this guard is, setting it takes days", "");
  }
  const used = BigInt(packet.safeTx.nonce) < account.nonce;
  list.note(
    "freshness",
    used ? `the Safe is at nonce ${account.nonce}, the transaction is for ${packet.safeTx.nonce}` : null,
    `nonce ${packet.safeTx.nonce}`,
  );
  return list.checks;
}

/** Whether a guard's code is, byte for byte, what this software would deploy with the arguments it answers. */
export async function isReviewGuardCode(provider: JsonRpcApiProvider, contract: ReviewGuard): Promise<boolean> {
  try {
    const [authority, safe, rebalancer, lens, rules] = await Promise.all([
      contract.authority(),
      contract.safe(),
      contract.rebalancer(),
      contract.lens(),
      contract.rules(),
    ]);
    // ethers wants to write into what it encodes, and its own results are frozen.
    const plain = (rules as unknown as Result).toObject() as typeof rules;
    const creation = await new ReviewGuard__factory().getDeployTransaction(authority, safe, rebalancer, lens, plain);
    const [expected, code] = await Promise.all([
      provider.call({ data: creation.data }),
      provider.getCode(await contract.getAddress()),
    ]);
    return code === expected;
  } catch (error) {
    if (isContractsAnswer(error)) return false;
    throw error;
  }
}
