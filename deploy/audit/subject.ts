import type { Deployment } from "../../src/plan/deployment.ts";
import type { DeployParameters } from "../parameters.ts";
import type { Built, ContractName } from "./build.ts";
import type { ChainAt } from "./chain.ts";

/** Where a deployment's contracts are. Of one found through its vault alone the lens may be unknown. */
export type Contracts = Omit<Deployment, "lens"> & { lens?: string };

/** What is audited, and against what. */
export interface Subject {
  chain: ChainAt;
  contracts: Contracts;
  /** Null when no parameters were given: what only they say is not compared. */
  parameters: DeployParameters | null;
  build: Record<ContractName, Built>;
}

/** The address of each contract of the deployment that there is. */
export function placesOf(d: Contracts): [ContractName, string][] {
  const places: [ContractName, string | undefined][] = [
    ["AccessManager", d.accessManager],
    ["HedgeVault", d.vault],
    ["RedemptionQueue", d.redemptionQueue],
    ["VenueList", d.venueList],
    ["SharePrice", d.sharePrice],
    ["PriceOracle", d.priceOracle],
    ["Rebalancer", d.rebalancer],
    ["HedgePolicy", d.policy],
    ["RegimeOracle", d.regimeOracle],
    ["UniswapV3Adapter", d.liquidityAdapter],
    ["CurieAdapter", d.perpAdapter],
    ["VaultLens", d.lens],
    ["ReviewGuard", d.guard],
  ];
  return places.flatMap(([name, address]) => (address === undefined ? [] : [[name, address]]));
}
