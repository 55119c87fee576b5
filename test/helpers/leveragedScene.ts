import { parseUnits } from "ethers";
import { execute, HISTORY, marketAt, midPrice, newRounds, openPositions } from "./vaultScene.ts";
import type { VaultScene } from "./vaultScene.ts";

const HOUR = 3_600;
/** As far back as Curie's mark looks, and more. */
const MARK_LOOKS_BACK = 2_400;
const OPEN = HISTORY.days[0]!.eth.open;

/** Opens positions, with the short at 3.9 ×: just inside Calm's band, where the rules would have it at 0.83 ×. */
export async function leveraged(scene: VaultScene): Promise<void> {
  await openPositions(scene);
  const size = await perpSize(scene);
  const price = await midPrice(scene);
  const notional = (-size * price) / parseUnits("1", 30);
  const equity = (notional * 10n) / 39n;
  await execute(scene, {
    nonce: "1",
    validAfter: 0,
    validUntil: (await scene.chain.now()) + HOUR,
    regime: "Calm",
    derisk: false,
    fromPrice: String(price),
    toleranceBps: 600,
    cashReserve: "0",
    evidence: `0x${"11".repeat(32)}`,
    liquidity: [],
    perps: [
      { adapter: scene.deployment.perpAdapter, size: String(size), equity: String(equity), fromSize: String(size) },
    ],
  });
}

/** The price rises to these multiples of where it opened, an hour each, and the venue's mark has followed. */
export async function risen(scene: VaultScene, ...factors: number[]): Promise<void> {
  for (const factor of factors) await marketAt(scene, OPEN * factor, HOUR);
  await scene.chain.warpTo((await scene.chain.now()) + MARK_LOOKS_BACK);
  await newRounds(scene);
}

/** The vault's position at the perpetual venue, negative when short. */
export async function perpSize({ contracts }: VaultScene): Promise<bigint> {
  return (await contracts.perp.position()).size;
}
