import { expect } from "chai";
import { parseUnits } from "ethers";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import { deployUniswap } from "../../deploy/devnet/uniswap.ts";
import { sqrtPriceX96ToPrice } from "../../src/hedge/liquidity.ts";
import { deployTokens } from "../helpers/tokens.ts";

describe("Uniswap v3 on the local chain", () => {
  for (const baseFirst of [true, false]) {
    it(`opens a deep pool at the price (base token ${baseFirst ? "first" : "second"})`, async () => {
      const chain = await startLocalChain(1_600_000_000);
      const tokens = await deployTokens(chain, baseFirst);
      const uniswap = await deployUniswap(chain, { ...tokens, price: 1834.56 });

      expect(uniswap.pair.baseIsToken0).to.equal(baseFirst);
      const [sqrtPriceX96] = (await uniswap.pool.getFunction("slot0")()) as [bigint];
      const price = sqrtPriceX96ToPrice(sqrtPriceX96, uniswap.pair);
      expect(price).to.be.closeTo(parseUnits("1834.56", 18), 10n ** 12n);

      const pool = await uniswap.pool.getAddress();
      const asset = (await tokens.asset.getFunction("balanceOf")(pool)) as bigint;
      const base = (await tokens.base.getFunction("balanceOf")(pool)) as bigint;
      const value = asset + (base * price) / 10n ** 30n;
      expect(value).to.be.closeTo(parseUnits("200000000", 6), 1_000_000n);
      expect(uniswap.makerPositions).to.have.length(4);
    });
  }
});
