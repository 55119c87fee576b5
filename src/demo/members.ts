import type { JsonRpcApiProvider, Signer } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { CONTRACT_ERRORS } from "../keeper/contractErrors.ts";
import { verify } from "../keeper/verify.ts";
import type { Verdict } from "../keeper/verify.ts";
import { executeSafeTx } from "../safe/execute.ts";
import type { Execution } from "../safe/execute.ts";
import { addSignatures, readPacket } from "../safe/packetFile.ts";
import { signPacket } from "../safe/sign.ts";

/** The market moves between simulation and execution, and a venue may have more ticks to cross. */
const GAS_MARGIN_PERCENT = 160n;

/** What the members made of a proposal. */
export interface Reviewed {
  verdict: Verdict;
  signers: string[];
}

/**
 * Each member reads the packet from the file, recomputes it on the chain with the contracts they know to be theirs, and
 * signs only when everything matches.
 */
export async function reviewAndSign(
  provider: JsonRpcApiProvider,
  deployment: Deployment,
  packetPath: string,
  members: readonly Signer[],
): Promise<Reviewed> {
  let verdict: Verdict | null = null;
  const signers: string[] = [];
  for (const member of members) {
    const packet = await readPacket(packetPath);
    verdict = await verify({ provider, packet, deployment });
    if (!verdict.ok) return { verdict, signers };
    const signed = await signPacket(packet, member, { provider });
    await addSignatures(packetPath, signed.signatures);
    signers.push(await member.getAddress());
  }
  if (verdict === null) throw new NoMembers();
  return { verdict, signers };
}

/** Executes a signed packet, by anyone with gas. */
export async function executePacket(
  provider: JsonRpcApiProvider,
  packetPath: string,
  executor: Signer,
  simulatedGas: bigint | null,
): Promise<Execution> {
  return executeSafeTx({
    provider,
    signer: executor,
    packet: await readPacket(packetPath),
    interfaces: CONTRACT_ERRORS,
    ...(simulatedGas === null ? {} : { gasLimit: (simulatedGas * GAS_MARGIN_PERCENT) / 100n }),
  });
}

/** Nobody was there to review. */
export class NoMembers extends Error {
  constructor() {
    super("a proposal needs at least one member to review it: pass the members' signers");
    this.name = "NoMembers";
  }
}
