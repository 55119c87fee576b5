import type { Provider, Signer } from "ethers";
import { deleveragePlans, mustDeleverage, perpLeverageBps } from "../plan/deleverage.ts";
import type { Deleverage, DeleverageTerms } from "../plan/deleverage.ts";
import type { Deployment } from "../plan/deployment.ts";
import type { Evidence } from "../plan/evidence.ts";
import { encodeDeleverage } from "../plan/plan.ts";
import { vaultState } from "../plan/state.ts";
import { explainRevert, revertDataOf } from "../safe/revert.ts";
import { Rebalancer__factory } from "../../typechain-types/index.js";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { shortReason } from "./jsonRpc.ts";
import { rpc } from "./observe.ts";
import { CallRefused, sendCall } from "./sendCall.ts";

/** What the keeper did, or could not do, to get away from liquidation. */
export type Emergency =
  | { kind: "calm"; leverageBps: bigint | null; limitBps: bigint }
  | { kind: "deleveraged"; sentence: string; transactionHash: string; plan: Deleverage["plan"] }
  /** Nothing was reduced, or it is not known whether something was: people have to. */
  | { kind: "helpless"; sentence: string };

export interface EmergencyRequest {
  provider: Provider;
  deployment: Deployment;
  evidence: Evidence;
  /** Null: the keeper has no key, and can only tell. */
  signer: Signer | null;
  bufferBps: number;
  /** The Rebalancer's own, where it was read before: it cannot change. */
  nearLiquidationBps?: bigint;
  /** Written down before anything is sent. */
  beforeSending?: (way: Deleverage) => Promise<void>;
}

/**
 * In Stress, when the perpetual account is close to liquidation: reduces risk by the keeper's role, with the first of the plans
 * that the chain would take. Gas is not asked for here: nothing the keeper sends matters more.
 * Never throws for a refusal, or for what cannot be sent; throws when the chain cannot be read.
 */
export async function actInEmergency(request: EmergencyRequest): Promise<Emergency> {
  const { provider, deployment, evidence, signer } = request;
  const rebalancer = Rebalancer__factory.connect(deployment.rebalancer, provider);
  const terms: DeleverageTerms = {
    nearLiquidationBps: request.nearLiquidationBps ?? (await rpc(rebalancer.nearLiquidationBps())),
    bufferBps: request.bufferBps,
  };
  if (!mustDeleverage(evidence, terms)) {
    const leverageBps = perpLeverageBps(vaultState(evidence), evidence);
    return { kind: "calm", leverageBps, limitBps: terms.nearLiquidationBps };
  }
  if (signer === null)
    return { kind: "helpless", sentence: "the keeper has no key: members must sign what it proposes" };
  const from = await signer.getAddress();
  const refusals = new Set<string>();
  for (const way of deleveragePlans(evidence, terms)) {
    const call = { from, to: deployment.rebalancer, data: encodeDeleverage(way.plan) };
    const refusal = await refusalOf(provider, call);
    if (refusal !== null) {
      refusals.add(refusal);
      continue;
    }
    await request.beforeSending?.(way);
    try {
      const receipt = await sendCall(
        "deleveraging",
        provider,
        signer,
        { to: call.to, data: call.data },
        { urgent: true },
      );
      return { kind: "deleveraged", sentence: way.sentence, transactionHash: receipt.hash, plan: way.plan };
    } catch (error) {
      // Without gas, a signer or a block in time members must still hear of it, and get a proposal: that is no reason to end.
      if (!(error instanceof CallRefused)) {
        const reason = error instanceof Error ? `${error.name}: ${shortReason(error.message)}` : String(error);
        return { kind: "helpless", sentence: `it could not be sent, or was not mined in time (${reason})` };
      }
      // Refused since it was tried a moment ago: the next way may still pass.
      refusals.add(error.revert.text);
    }
  }
  const why = refusals.size === 0 ? "there is nothing it may reduce" : [...refusals].join("; ");
  return { kind: "helpless", sentence: `the contracts refuse every reduction (${why}): members must sign one` };
}

async function refusalOf(provider: Provider, call: { from: string; to: string; data: string }): Promise<string | null> {
  try {
    await provider.call(call);
    return null;
  } catch (error) {
    const data = revertDataOf(error);
    if (data === null) return rpc(Promise.reject(error as Error));
    return explainRevert(data, CONTRACT_ERRORS).text;
  }
}
