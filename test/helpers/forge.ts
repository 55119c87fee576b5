import { expect } from "chai";
import { BrowserProvider } from "ethers";
import type { Eip1193Provider } from "ethers";
import { observe } from "../../src/keeper/observe.ts";
import { decide } from "../../src/plan/decide.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { evidenceHash } from "../../src/plan/evidence.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { readSafe } from "../../src/safe/account.ts";
import { createPacket, withSignatures } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { approvedHashSignature, recoverSignature } from "../../src/safe/signatures.ts";
import { SAFE_TX_TYPES, plainCall, safeDomain } from "../../src/safe/transaction.ts";
import type { SafeTx } from "../../src/safe/transaction.ts";
import type { VaultScene } from "./vaultScene.ts";

/** What a forger changes. Everything that follows from it is made to fit: hashes, calldata, both owners' signatures. */
export interface Forgery {
  evidence?: (evidence: Evidence) => void;
  plan?: (plan: Plan) => void;
  safeTx?: (tx: SafeTx) => void;
  packet?: { chainId?: string; safe?: string };
  /** Sign as these; default: two owners. */
  signers?: ("owner1" | "owner3" | "attacker")[];
  /** Claim that these approved the hash on chain, instead of signing. */
  ghosts?: ("owner1" | "owner3")[];
}

/** What the keeper would propose. */
export interface Honest {
  evidence: Evidence;
  plan: Plan;
}

export async function decideNow(scene: VaultScene, deployment = scene.deployment): Promise<Honest> {
  const { evidence } = await observe(scene.chain.provider, deployment);
  const decision = decide(evidence);
  if (decision.kind !== "rebalance") expect.fail(decision.sentence);
  return { evidence, plan: decision.plan };
}

/** A packet with a forgery in it, consistent in itself and signed. */
export async function forge(
  scene: VaultScene,
  forgery: Forgery,
  from: Honest,
  deployment: Deployment = scene.deployment,
): Promise<Packet> {
  const { chain } = scene;
  const forgedEvidence = structuredClone(from.evidence);
  forgery.evidence?.(forgedEvidence);
  const forgedPlan = structuredClone(forgery.evidence === undefined ? from.plan : decided(forgedEvidence, from.plan));
  forgedPlan.evidence = evidenceHash(forgedEvidence);
  forgery.plan?.(forgedPlan);
  const { nonce } = await readSafe(chain.provider, deployment.safe);
  const safeTx = plainCall(deployment.rebalancer, encodePlan(forgedPlan), nonce);
  forgery.safeTx?.(safeTx);
  let packet = createPacket({
    chainId: forgery.packet?.chainId ?? deployment.chainId,
    safe: forgery.packet?.safe ?? deployment.safe,
    safeTx,
    plan: forgedPlan,
    evidence: forgedEvidence,
  });
  if (forgery.ghosts !== undefined) {
    return withSignatures(
      packet,
      forgery.ghosts.map((ghost) => approvedHashSignature(chain.address(ghost))),
    );
  }
  // Owners who collude sign anything: not through signPacket, which would refuse half of these.
  for (const signer of forgery.signers ?? ["owner1", "owner3"]) {
    const domain = safeDomain(packet.chainId, packet.safe);
    const signature = await chain.wallet(signer).signTypedData(domain, SAFE_TX_TYPES, packet.safeTx);
    packet = withSignatures(packet, [recoverSignature(packet.safeTxHash, signature)]);
  }
  return packet;
}

/** Where the rules still give a plan for the edited evidence, that plan. */
function decided(forged: Evidence, otherwise: Plan): Plan {
  try {
    const decision = decide(forged);
    return decision.kind === "rebalance" ? decision.plan : otherwise;
  } catch {
    return otherwise;
  }
}

/**
 * The chain as a node shows it that keeps no state but the newest block's. `instead` answers or fails a call, or leaves it
 * to the chain with undefined.
 */
export function withoutHistory(
  { chain: { eip1193 } }: VaultScene,
  instead: (call: { to: string; data: string }) => string | undefined = () => undefined,
): BrowserProvider {
  const forgetful: Eip1193Provider = {
    async request({ method, params }) {
      const [call, block] = (params ?? []) as [unknown, string | undefined];
      const newest = (await eip1193.request({ method: "eth_blockNumber" })) as string;
      if (method === "eth_call" && block?.startsWith("0x") === true && BigInt(block) < BigInt(newest)) {
        throw Object.assign(new HeaderNotFound(), { code: -32000, data: undefined, call });
      }
      const answer = method === "eth_call" ? instead(call as { to: string; data: string }) : undefined;
      if (answer !== undefined) return answer;
      return eip1193.request({ method, ...(params === undefined ? {} : { params }) }) as Promise<unknown>;
    },
  };
  return new BrowserProvider(forgetful, undefined, { cacheTimeout: -1 });
}

class HeaderNotFound extends Error {
  constructor() {
    super("missing trie node: this node keeps no state of that block");
    this.name = "HeaderNotFound";
  }
}
