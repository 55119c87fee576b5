import type { JsonRpcApiProvider } from "ethers";
import { CONTRACT_ERRORS } from "../../../src/keeper/contractErrors.ts";
import { decodeSnapshot } from "../../../src/keeper/snapshot.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { parseEvidence } from "../../../src/plan/evidence.ts";
import { SAFE_INTERFACE } from "../../../src/safe/abi.ts";
import { readSafe } from "../../../src/safe/account.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { simulateSafeTx } from "../../../src/safe/simulate.ts";
import { safeTxHash } from "../../../src/safe/transaction.ts";
import type { SafeTx } from "../../../src/safe/transaction.ts";
import { VaultLens__factory } from "../../../typechain-types/index.js";
import type { ExecutedPlan } from "./history.ts";

/** What was to be expected of a plan before it ran. */
export type Foresight =
  | {
      kind: "simulated";
      /** The moment it is simulated at: what it was decided from, else its announcement, else the block before it ran. */
      at: "decision" | "announcement" | "block before";
      block: number;
      /** Loss of net asset value, a decimal of it; negative for a gain. */
      cost: number;
      /** Greatest net delta afterwards, in basis points. */
      deltaBps: number;
    }
  | { kind: "not known"; why: string };

const FORGOTTEN = "this node keeps no state of then: an archive node tells";

/**
 * Simulates an executed plan at the moment its signers judged it: the same simulation as the check of that name, whose guard
 * is left out since it held the call then. Needs a node that keeps old states.
 */
export async function foresee(
  provider: JsonRpcApiProvider,
  { safe, lens }: Deployment,
  plan: ExecutedPlan,
): Promise<Foresight> {
  if (plan.kind === "deleverage") return { kind: "not known", why: "nobody was asked: the keeper may do this alone" };
  const safeTx = plan.packet?.safeTx ?? (await executedTx(provider, safe, plan).catch(() => null));
  if (safeTx === null) return { kind: "not known", why: FORGOTTEN };
  const { at, block } = momentOf(plan);
  try {
    const simulation = await simulateSafeTx({
      ...{ provider, safe, safeTx, blockNumber: block, ignoreGuard: true },
      read: { to: lens, data: VaultLens__factory.createInterface().encodeFunctionData("snapshot") },
      interfaces: CONTRACT_ERRORS,
    });
    if (!simulation.ok) {
      return { kind: "not known", why: `at block ${block} it would not have run: ${simulation.revert.text}` };
    }
    if (simulation.read === null) return { kind: "not known", why: FORGOTTEN };
    const [before, after] = [decodeSnapshot(await simulation.read.before()), decodeSnapshot(simulation.read.after)];
    return {
      ...{ kind: "simulated", at, block },
      cost: Number(before.navMid - after.navMid) / Number(before.navMid),
      deltaBps: Number(after.measures.netDeltaMaxBps),
    };
  } catch {
    return { kind: "not known", why: FORGOTTEN };
  }
}

function momentOf({ packet, announcedIn, block }: ExecutedPlan): {
  at: "decision" | "announcement" | "block before";
  block: number;
} {
  const decided = packet === null ? null : decisionBlock(packet);
  if (decided !== null && decided < block) return { at: "decision", block: decided };
  if (announcedIn !== null && announcedIn < block) return { at: "announcement", block: announcedIn };
  return { at: "block before", block: block - 1 };
}

function decisionBlock(packet: Packet): number | null {
  try {
    return parseEvidence(packet.evidence).block.number;
  } catch {
    return null;
  }
}

/** The Safe's transaction in its execution's call data: proved by its hash. Null when it is not there in this form. */
async function executedTx(provider: JsonRpcApiProvider, safe: string, plan: ExecutedPlan): Promise<SafeTx | null> {
  const [transaction, account] = await Promise.all([
    provider.getTransaction(plan.transactionHash),
    readSafe(provider, safe, plan.block - 1),
  ]);
  const call = SAFE_INTERFACE.decodeFunctionData("execTransaction", transaction?.data ?? "0x");
  const safeTx: SafeTx = {
    to: call[0] as string,
    value: String(call[1]),
    data: call[2] as string,
    operation: Number(call[3]) === 0 ? 0 : 1,
    safeTxGas: String(call[4]),
    baseGas: String(call[5]),
    gasPrice: String(call[6]),
    gasToken: call[7] as string,
    refundReceiver: call[8] as string,
    nonce: account.nonce.toString(),
  };
  return safeTxHash(account.chainId, safe, safeTx) === plan.safeTxHash ? safeTx : null;
}
