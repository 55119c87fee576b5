import { expect } from "chai";
import { HISTORY, marketAt, openPositions, vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

describe("VaultLens", () => {
  let scene: VaultScene;

  before(async () => {
    scene = await vaultScene();
    await marketAt(scene, HISTORY.days[0]!.eth.open);
  });

  it("adds up to the vault's own net asset value, without positions and with them", async () => {
    for (const open of [false, true]) {
      if (open) await openPositions(scene);
      const snapshot = await scene.contracts.lens.snapshot();
      const [low, high] = await scene.contracts.vault.nav();
      expect([snapshot.navLow, snapshot.navHigh]).to.deep.equal([low, high]);
      expect(snapshot.navMid).to.equal(await scene.contracts.vault.navAt(snapshot.reading.price.mid));
      expect(snapshot.liquidity[0]!.valueMid > 0n).to.equal(open);
      expect(snapshot.perps[0]!.valueMid > 0n).to.equal(open);
    }
  });

  it("still shows positions when a feed is stale, and why there is no price", async () => {
    await scene.chain.warpTo((await scene.chain.now()) + 3 * 86_400);
    const snapshot = await scene.contracts.lens.snapshot();
    expect(snapshot.priced).to.equal(false);
    expect(scene.contracts.prices.interface.parseError(snapshot.priceError)?.name).to.equal("StaleFeed");
    expect(snapshot.navMid).to.equal(0n);
    expect(snapshot.perps[0]!.position.size < 0n).to.equal(true);
    expect(snapshot.liquidity[0]!.position.liquidity > 0n).to.equal(true);
  });
});
