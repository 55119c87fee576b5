import type { Deployment } from "../../src/plan/deployment.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { assembleSignatures } from "../../src/safe/signatures.ts";
import { execTransactionData } from "../../src/safe/transaction.ts";
import { guardPackets } from "../guardPackets.ts";
import type { GuardParameters } from "../parameters.ts";
import type { LocalChain } from "./chain.ts";

/** Windows one can wait for in front of a screen; a real vault's are hours and days (deploy/networks/example.json). */
export function localGuard(chain: LocalChain): GuardParameters {
  return {
    deriskWindow: 60,
    planWindow: 10 * 60,
    otherWindow: 30 * 60,
    // The vault's deadline for a redemption, and what a forced one may still need: the guard takes no less.
    exitDelay: 16 * 86_400,
    expiry: 4 * 86_400,
    planVetoBps: 2_000,
    otherVetoBps: 1_000,
    secondVetoBps: 4_000,
    proposers: [chain.address("keeper")],
  };
}

/** The Safe sets its guards, in their order; two owners sign. */
export async function setGuards(chain: LocalChain, deployment: Deployment): Promise<void> {
  const { provider } = chain;
  for (const { packet } of await guardPackets(provider, deployment)) {
    let signed = packet;
    for (const owner of ["owner1", "owner3"] as const) {
      signed = await signPacket(signed, chain.wallet(owner), { provider });
    }
    const data = execTransactionData(signed.safeTx, assembleSignatures(signed.signatures));
    await chain.send("executor", { to: deployment.safe, data });
  }
}
