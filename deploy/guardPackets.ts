import type { Provider } from "ethers";
import type { Deployment } from "../src/plan/deployment.ts";
import { SAFE_INTERFACE } from "../src/safe/abi.ts";
import { readSafe } from "../src/safe/account.ts";
import { hasModuleGuard, readGuards } from "../src/safe/guards.ts";
import { createPacket } from "../src/safe/packet.ts";
import type { Packet } from "../src/safe/packet.ts";
import { plainCall } from "../src/safe/transaction.ts";

/** A transaction of the Safe that has to be signed, and the name of the file it goes into. */
export interface GuardPacket {
  file: string;
  packet: Packet;
}

/**
 * What the Safe has still to sign so that its review guard holds, in the order of its nonces: the module guard first,
 * because once the guard is there, setting anything waits. A Safe before 1.5.0 has no module guard to set.
 */
export async function guardPackets(provider: Provider, deployment: Deployment): Promise<GuardPacket[]> {
  const { guard, safe, chainId } = deployment;
  if (guard === undefined) return [];
  const [account, set] = await Promise.all([readSafe(provider, safe), readGuards(provider, safe)]);
  const wanted = guard.toLowerCase();
  const steps: { file: string; call: "setModuleGuard" | "setGuard" }[] = [];
  if (hasModuleGuard(account.version) && set.moduleGuard?.toLowerCase() !== wanted) {
    steps.push({ file: "1-module-guard.packet.json", call: "setModuleGuard" });
  }
  if (set.guard?.toLowerCase() !== wanted) steps.push({ file: "2-guard.packet.json", call: "setGuard" });
  return steps.map(({ file, call }, index) => {
    const data = SAFE_INTERFACE.encodeFunctionData(call, [guard]);
    const safeTx = plainCall(safe, data, account.nonce + BigInt(index));
    return { file, packet: createPacket({ chainId, safe, safeTx, plan: { call, guard }, evidence: {} }) };
  });
}
