import { parseUnits } from "ethers";
import type { Mined } from "../../deploy/devnet/chain.ts";
import type { Market } from "../../deploy/devnet/market.ts";

/** What whoever pushed the pool took by it, in asset units, with the base at `price` in whole dollars. */
export function takings({ trader }: Market, { logs }: Mined, price: number): bigint {
  const wad = parseUnits(String(price), 18);
  let taken = 0n;
  for (const log of logs) {
    const moved = trader.interface.parseLog(log);
    if (moved?.name !== "Moved") continue;
    const { base, asset } = moved.args as unknown as { base: bigint; asset: bigint };
    taken += asset + (base * wad) / 10n ** 30n;
  }
  return taken;
}
