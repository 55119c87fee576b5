import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { PolicyParameters } from "../../deploy/parameters.ts";
import type { VaultName } from "./result.ts";

/** Share of the unhedged vault's liquidity that "hold less" provides: what the policy leaves unhedged in Calm. */
export const HOLD_LESS_WEIGHT = 1 - DEFAULT_POLICY.Calm.targets.hedgeRatioBps / 10_000;

const REGIMES = ["Calm", "Elevated", "Stress"] as const;

/** The three vaults of the demo: the policy as it ships, the same without its short, and the same with less liquidity. */
export const DEMO_POLICIES: Record<VaultName, PolicyParameters> = {
  hedged: DEFAULT_POLICY,
  unhedged: withoutHedge(1),
  holdLess: withoutHedge(HOLD_LESS_WEIGHT),
};

/** No short, liquidity scaled; the delta bands give way, since nothing holds the delta back. */
function withoutHedge(weight: number): PolicyParameters {
  const policy = { ...DEFAULT_POLICY };
  for (const regime of REGIMES) {
    const { bands, targets } = DEFAULT_POLICY[regime];
    policy[regime] = {
      bands: { ...bands, netDeltaMaxBps: 10_000 },
      targets: { ...targets, hedgeRatioBps: 0, liquidityBps: Math.round(targets.liquidityBps * weight) },
    };
  }
  return policy;
}
