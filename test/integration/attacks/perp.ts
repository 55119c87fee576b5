import { expect } from "chai";
import { MaxUint256 } from "ethers";
import type { AccountName, Mined } from "../../../deploy/devnet/chain.ts";
import { replayPerpStep } from "../../../deploy/devnet/perpArbitrage.ts";
import { REGIME_NAMES } from "../../../src/regime/ruleMachine.ts";
import { best, dollars, record } from "../../helpers/attackTable.ts";
import { undone } from "../../helpers/undone.ts";
import {
  closeNextSession,
  deposit,
  marketAt,
  newRounds,
  openPositions,
  requestRedeem,
  revertName,
  sameSecond,
  settle,
  usdc,
  vaultScene,
} from "../../helpers/vaultScene.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import { vaultWithout, withoutCheck } from "../../helpers/withoutCheck.ts";
import type { Edit } from "../../helpers/withoutCheck.ts";

const OPEN = 2_812;
const CURIE = "contracts/venues/curie/CurieAdapter.sol";

/** The short is worth what the mark says, on both sides. */
const MARK_ALONE: Edit[] = [
  { text: "Math.max(price.high, mark)", becomes: "mark" },
  { text: "Math.min(price.low, mark)", becomes: "mark" },
];

const NO_WIDEST_SPREAD: Edit[] = [
  {
    text: "if (!_spreadOk(low, high)) revert SpreadTooWide(low, high, maxSpreadBps);",
    becomes: "_spreadOk(low, high);",
  },
];
const NO_KEEPER_BUCKET: Edit[] = [
  { text: "_spend(_keeperBucket, near, Regime.Stress, _lossOf(navBefore, navAfter), navBefore);", becomes: "" },
];

describe("Attacks at the perp venue", () => {
  let scene: VaultScene;

  before(async () => {
    scene = await vaultScene();
    await marketAt(scene, OPEN, 1_800);
    await openPositions(scene);
    await thin(200n);
    await scene.keep();
  });
  afterEach(() => scene.reset());

  /** Makers take away all but one part in `parts` of the market's depth: the thinner it is, the cheaper its mark is to move. */
  async function thin(parts: bigint): Promise<void> {
    const { clearingHouse, orderBook, pool, baseToken } = scene.world.curie;
    const liquidity = (await pool.getFunction("liquidity")()) as bigint;
    const [id] = (await orderBook.getFunction("getOpenOrderIds")(at("maker"), baseToken.target)) as string[];
    const order = (await orderBook.getFunction("getOpenOrderById")(id)) as { lowerTick: bigint; upperTick: bigint };
    const { lowerTick, upperTick } = order;
    const removal = {
      ...{ baseToken: baseToken.target, lowerTick, upperTick, liquidity: liquidity - liquidity / parts },
      ...{ minBase: 0n, minQuote: 0n, deadline: MaxUint256 },
    };
    await scene.chain.send("maker", await clearingHouse.getFunction("removeLiquidity").populateTransaction(removal));
  }

  const at = (who: AccountName): string => scene.chain.address(who);

  /** What the one who moves the mark has gained at Curie so far, in asset units. */
  async function gained(): Promise<bigint> {
    const { clearingHouse, vault } = scene.world.curie;
    const who = scene.market.perps.arbitrageur.target;
    const value = (await clearingHouse.getFunction("getAccountValue")(who)) as bigint;
    return value / 10n ** 12n - ((await vault.getFunction("getBalance")(who)) as bigint);
  }

  const moveMark = (premium: number): Promise<unknown> =>
    replayPerpStep(scene.chain, { ...scene.market.perps, last: null }, premium);

  const wait = async (seconds: number): Promise<void> => scene.chain.warpTo((await scene.chain.now()) + seconds);

  describe("the mark pushed up, so that a short looks poor, for a deposit", () => {
    const search = async () => {
      const tries = [];
      for (const premium of [0.05, 0.09, 0.18]) {
        for (const size of [1_000_000, 3_000_000, 5_000_000, 10_000_000]) {
          const buyCheap = async (): Promise<bigint> => {
            const before = await gained();
            await moveMark(premium);
            await wait(900);
            await deposit(scene, "attacker", usdc(size));
            await moveMark(0);
            await wait(1_800);
            await newRounds(scene, OPEN);
            await requestRedeem(scene, "attacker", await scene.contracts.vault.balanceOf(at("attacker")));
            await newRounds(scene, OPEN);
            await settle(scene);
            return (await gained()) - before + (await scene.contracts.vault.maxWithdraw(at("attacker"))) - usdc(size);
          };
          tries.push({ premium, size, profit: await undone(scene.chain, buyCheap) });
        }
      }
      return best(tries);
    };

    it("buys nothing cheap, as the better of mark and index is charged; by the mark alone it pays", async () => {
      const withIt = await search();
      await withoutCheck(scene.chain, scene.deployment.perpAdapter, CURIE, MARK_ALONE);
      const without = await search();
      record({
        attack: "manipulated perp mark",
        check: "mark and index, the worse for who trades",
        without: said(without),
        with: said(withIt),
      });
      expect(without.profit > 0n, dollars(without.profit)).to.equal(true);
      expect(withIt.profit < 0n, dollars(withIt.profit)).to.equal(true);
    });
  });

  describe("a settlement timed at the widest spread, which a holder who stays makes by pushing the mark", () => {
    const search = async () => {
      const tries = [];
      for (const premium of [0.03, 0.05, 0.06, 0.07, 0.09, 0.12, 0.18, 0.195]) {
        for (const size of [2_000_000, 3_000_000, 4_000_000]) {
          const outcome = await undone(scene.chain, async () => {
            // Of five million the attacker has so much, and all the others leave.
            const { vault } = scene.contracts;
            const part = ((await vault.balanceOf(at("depositor"))) * BigInt(size)) / 5_000_000n;
            await scene.chain.send("depositor", await vault.transfer.populateTransaction(at("attacker"), part));
            await requestRedeem(scene, "depositor", await vault.balanceOf(at("depositor")));
            const honest = await undone(scene.chain, () => stayersWorth(0));
            const before = await gained();
            const timed = await stayersWorth(premium);
            return { profit: timed - honest + (await gained()) - before };
          }).catch(async (error: unknown) => {
            // Nothing settles: what moving the mark cost is lost, and not counted here.
            expect(revertName(error)).to.equal("SpreadTooWide");
            return { profit: 0n };
          });
          tries.push({ premium, size, ...outcome });
        }
      }
      return best(tries);
    };

    /** What the attacker's shares are worth after a settlement with the mark at a premium. */
    async function stayersWorth(premium: number): Promise<bigint> {
      const { vault } = scene.contracts;
      if (premium !== 0) await moveMark(premium);
      await wait(900);
      await newRounds(scene, OPEN);
      await settle(scene);
      await moveMark(0);
      await wait(1_800);
      const nav = await vault.navAt(10n ** 18n * BigInt(OPEN));
      return (nav * (await vault.balanceOf(at("attacker")))) / (await vault.totalSupply());
    }

    it("takes from who leaves no more than the widest spread allowed", async () => {
      const { vault } = scene.contracts;
      const withIt = await search();
      await vaultWithout(scene.chain, scene.deployment, NO_WIDEST_SPREAD);
      const without = await search();
      record({
        attack: "settlement timed at the widest spread",
        check: `a spread of ${await vault.maxSpreadBps()} bps at most`,
        without: said(without),
        with: said(withIt),
      });
      expect(without.profit > withIt.profit, dollars(without.profit)).to.equal(true);
      // It does pay: five million's worth less what stays, at half the spread, is more than was ever taken.
      const leaving = usdc(5_000_000 - withIt.size);
      const bound = (leaving * (await vault.maxSpreadBps())) / 10_000n;
      expect(withIt.profit < bound, `${dollars(withIt.profit)} of ${dollars(bound)}`).to.equal(true);
    });
  });

  describe("a stolen keeper key, for a week of Stress", () => {
    /** Each session the thief pushes the mark up, has the vault buy back as much as it lets it, and brings the mark down. */
    const week = async (premium: number) => {
      const { rebalancer } = scene.contracts;
      const [start, before] = [await scene.chain.now(), await gained()];
      let [lostBps, executed] = [0, 0];
      const stops = new Set<string>();
      for (let session = 0; session < 7; ++session) {
        await moveMark(premium);
        // The worst that still passes: from all of it down.
        for (const parts of [0n, 80n]) {
          const outcome = await reduceTo(parts).catch(async (error: unknown) => {
            stops.add(revertName(error));
            return null;
          });
          if (outcome === null) continue;
          const logs = outcome.logs.map((log) => rebalancer.interface.parseLog(log));
          const done = logs.find((log) => log?.name === "Deleveraged");
          const { navBefore, navAfter } = done!.args as unknown as { navBefore: bigint; navAfter: bigint };
          lostBps += (Number(navBefore - navAfter) / Number(navBefore)) * 10_000;
          executed += 1;
        }
        await moveMark(0);
        if ((await scene.contracts.perp.position()).size === 0n) break;
        await closeNextSession(scene, 28, 27);
      }
      const days = Math.ceil(((await scene.chain.now()) - start) / 86_400);
      return { premium, profit: (await gained()) - before, lostBps, executed, stops, days };
    };

    async function reduceTo(parts: bigint): Promise<Mined> {
      const { contracts, chain } = scene;
      const { liquidity, perps, measures } = await contracts.lens.snapshot();
      const [pool, short] = [liquidity[0]!, perps[0]!];
      const plan = {
        nonce: BigInt(++nonce),
        validAfter: 0,
        validUntil: (await chain.now()) + 3_600,
        regime: REGIME_NAMES.indexOf("Stress"),
        derisk: false,
        fromPrice: (await contracts.prices.read()).price.mid,
        toleranceBps: 10_000,
        cashReserve: 0,
        evidence: `0x${"11".repeat(32)}`,
        liquidity: [
          {
            adapter: pool.adapter,
            tickLower: pool.position.tickLower,
            tickUpper: pool.position.tickUpper,
            shareBps: (measures.liquidityBps * parts) / 100n,
            fromLiquidity: pool.position.liquidity,
          },
        ],
        perps: [
          {
            adapter: short.adapter,
            size: (short.position.size * parts) / 100n,
            equity: short.valueMid,
            fromSize: short.position.size,
          },
        ],
      };
      await sameSecond(scene);
      return chain.send("keeper", await contracts.rebalancer.deleverage.populateTransaction(plan));
    }
    let nonce = 0;

    it("earns no more than the open part of the keeper's bucket and what drains from it", async () => {
      await closeNextSession(scene, 28, 27);
      const { rebalancer, vault } = scene.contracts;
      const { keeper } = await rebalancer.budgets();
      const [, high] = await vault.nav();
      const search = async () => {
        const tries = [];
        for (const premium of [0.09, 0.18])
          tries.push({ size: 5_000_000, ...(await undone(scene.chain, () => week(premium))) });
        return best(tries);
      };
      const withIt = await search();
      await withoutCheck(
        scene.chain,
        scene.deployment.rebalancer,
        "contracts/rebalance/Rebalancer.sol",
        NO_KEEPER_BUCKET,
      );
      const without = await search();
      const bps = (found: { lostBps: number }): string => `(${found.lostBps.toFixed(0)} bps lost)`;
      record({
        attack: "stolen keeper key, seven sessions",
        check: "the keeper's loss limit and bucket",
        without: `${said(without)} ${bps(without)}`,
        with: `${said(withIt)} ${bps(withIt)}`,
      });
      const open = keeper.capacityBps - keeper.reserveBps + keeper.drainBpsPerDay * BigInt(withIt.days);
      const bound = (high * open) / 10_000n;
      expect(without.profit > withIt.profit, dollars(without.profit)).to.equal(true);
      expect(withIt.executed > 0 && withIt.profit < bound, `${dollars(withIt.profit)} of ${dollars(bound)}`).to.equal(
        true,
      );
      expect(withIt.lostBps <= Number(open), `${withIt.lostBps} of ${open}`).to.equal(true);
      expect([...withIt.stops]).to.include("LossBudgetExceeded");
    });
  });
});

function said({ size, premium, profit }: { size: number; premium: number; profit: bigint }): string {
  return `${dollars(profit)} with ${size.toLocaleString("en-US")} at ${Math.round(premium * 100)} %`;
}
