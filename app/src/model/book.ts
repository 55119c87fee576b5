import type { PairShape } from "../../../src/hedge/liquidity.ts";
import type { Book } from "../../../src/hedge/scenarios.ts";
import type { IVaultLens } from "../../../typechain-types/contracts/lens/VaultLens.js";

/** A lens snapshot as the scenarios take it. */
export function bookOf(snapshot: IVaultLens.SnapshotStructOutput, pair: PairShape): Book {
  return {
    price: snapshot.reading.price.mid,
    pair,
    cash: snapshot.cash,
    liquidity: snapshot.liquidity.map(({ position }) => ({
      position: {
        tickLower: Number(position.tickLower),
        tickUpper: Number(position.tickUpper),
        liquidity: position.liquidity,
      },
      looseBase: position.feesBase + position.idleBase,
      looseAsset: position.feesAsset,
    })),
    perps: snapshot.perps.map(({ position }) => ({
      size: position.size,
      openNotional: position.openNotional,
      collateral: position.collateral,
      pendingFunding: position.pendingFunding,
      fundingPerDay:
        position.indexPrice === 0n ? 0 : Number(position.markPrice - position.indexPrice) / Number(position.indexPrice),
    })),
  };
}
