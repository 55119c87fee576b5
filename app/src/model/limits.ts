import type { PolicyBands } from "../../../src/plan/evidence.ts";
import type { IVaultLens } from "../../../typechain-types/contracts/lens/VaultLens.js";
import { bpsPercent, times } from "./format.ts";

type Measures = IVaultLens.SnapshotStructOutput["measures"];

/** One of the policy's limits, and how far from it the vault would be. Basis points. */
export interface Limit {
  name: string;
  value: number;
  /** Null on a side without a limit. */
  least: number | null;
  most: number | null;
  /** Distance to the nearer limit; negative outside. */
  margin: number;
  text: (bps: number) => string;
}

/** A vault's measures against a regime's bands, in the order the policy judges them. */
export function limitsOf(measures: Measures, bands: PolicyBands): Limit[] {
  const share = (bps: number): string => bpsPercent(bps);
  const limit = (
    name: string,
    value: bigint,
    least: number | null,
    most: number | null,
    text: (bps: number) => string = share,
  ): Limit => {
    const size = Number(value);
    const margin = Math.min(least === null ? Infinity : size - least, most === null ? Infinity : most - size);
    return { name, value: size, least, most, margin, text };
  };
  return [
    limit("ETH exposure, lowest", measures.netDeltaMinBps, bands.netDeltaMinBps, null),
    limit("ETH exposure, highest", measures.netDeltaMaxBps, null, bands.netDeltaMaxBps),
    limit("Long and short together", measures.grossBps, null, bands.grossMaxBps),
    limit("Leverage at the perpetual", measures.leverageBps, null, bands.leverageMaxBps, times),
    limit("Liquidity share", measures.liquidityBps, null, bands.liquidityMaxBps),
    limit("Largest venue", measures.concentrationBps, null, bands.concentrationMaxBps),
    limit("Idle cash", measures.cashBps, bands.cashMinBps, null),
  ];
}
