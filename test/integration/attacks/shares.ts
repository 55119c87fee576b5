import { expect } from "chai";
import { MaxUint256, parseUnits } from "ethers";
import type { ContractTransaction } from "ethers";
import type { AccountName, Mined } from "../../../deploy/devnet/chain.ts";
import { movePool } from "../../../deploy/devnet/poolTrader.ts";
import { DEFAULT_VAULT } from "../../../deploy/devnet/world.ts";
import type { HedgeVault } from "../../../typechain-types/index.js";
import { best, dollars, record } from "../../helpers/attackTable.ts";
import { takings } from "../../helpers/takings.ts";
import { undone } from "../../helpers/undone.ts";
import {
  deposit,
  fund,
  marketAt,
  midPrice,
  newRounds,
  openPositions,
  requestRedeem,
  revertName,
  sameSecond,
  settle,
  shares,
  usdc,
  vaultScene,
} from "../../helpers/vaultScene.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import { vaultWithout, withoutCheck } from "../../helpers/withoutCheck.ts";
import type { Edit } from "../../helpers/withoutCheck.ts";

const OPEN = 2_812;
const QUEUE = "contracts/vault/RedemptionQueue.sol";
const UNISWAP = "contracts/venues/uniswap-v3/UniswapV3Adapter.sol";
const CURIE = "contracts/venues/curie/CurieAdapter.sol";
/** Whole USDC an attacker comes with: from a fiftieth of the vault to forty times as much. */
const SIZES = [100_000, 1_000_000, 5_000_000, 20_000_000, 200_000_000];
/** Whole USDC of a holder who was there before. */
const HELD = 2_000_000;
/** Whole USDC that someone else gives away. */
const GIFT = 200_000;

const JUMPS = [0.0025, 0.005, 0.01, 0.02, 0.03];
const GAPS = [0.05, 0.1];

/** Entry and exit at the mid price. */
const ONE_SIDED: Edit[] = [
  {
    text: "(uint256 adapterLow, uint256 adapterHigh) = IVenueAdapter(_venues.adapters[i]).valuation(price);",
    becomes:
      "uint256 adapterLow = IVenueAdapter(_venues.adapters[i]).valueAt(price.mid); uint256 adapterHigh = adapterLow;",
  },
];
/** Shares may leave in the block they came in. */
const NO_AGE: Edit[] = [{ text: "_requireSeen(owner, shares, newestRound);", becomes: "" }];
/** What the pool holds is worth what the pool says. */
const AT_POOL_PRICE: Edit[] = [
  {
    text: "low = _own(_value(held, price.low, unwindCostBps), Math.Rounding.Floor);",
    becomes:
      "uint256 spot = LiquidityMath.toPrice(pool.slot0().sqrtPriceX96, _pair()); price; low = _own(_value(held, spot, 0), Math.Rounding.Floor);",
  },
  {
    text: "high = _own(_value(held, price.high, 0), Math.Rounding.Ceil);",
    becomes: "high = _own(_value(held, spot, 0), Math.Rounding.Ceil);",
  },
];

/** What was sent to the vault is cash at once. */
const CASH_IS_BALANCE: Edit[] = [
  {
    text: "if (block.timestamp >= books.vestedAt) return books.cash;",
    becomes: "return IERC20(asset()).balanceOf(address(this)) - _queue.claimsOutstanding;",
  },
];
const NO_VESTING: Edit[] = [{ text: "VESTING = 7 days;", becomes: "VESTING = 1;" }];
const NO_VIRTUAL_SHARES: Edit[] = [
  { text: "return totalSupply() + VIRTUAL_SHARES;", becomes: "return totalSupply() == 0 ? 1 : totalSupply();" },
];
/** What Curie holds for the account is the account's. */
const GIFTS_COUNT: Edit[] = [
  {
    text: "bookedBalance.min(collateralVault.getBalance(address(this)))",
    becomes: "collateralVault.getBalance(address(this))",
  },
];
const GIFTS_IN_NFT_COUNT: Edit[] = [
  { text: "held.liquidity = _liquidity;", becomes: "held.liquidity = positionManager.positions(_tokenId).liquidity;" },
];
const BASE_IS_BALANCE: Edit[] = [
  { text: "held.base = _idleBase;", becomes: "held.base = base.balanceOf(address(this));" },
];

const NO_PARTS_NO_MINIMUM: Edit[] = [
  { text: "Math.min(terms.maxRequests, queue.requests.length - head)", becomes: "queue.requests.length - head" },
  { text: "(shares < minimum && shares != free)", becomes: "minimum > type(uint256).max - 1" },
];

describe("Attacks by shares", () => {
  let scene: VaultScene;

  before(async () => {
    // The second vault is new: its one holder has put in a millionth of a dollar.
    scene = await vaultScene([DEFAULT_VAULT, { ...DEFAULT_VAULT, name: "young", deposit: 0.000001 }]);
    await marketAt(scene, OPEN, 1_800);
    await openPositions(scene);
    await scene.keep();
  });
  afterEach(() => scene.reset());

  const at = (who: AccountName): string => scene.chain.address(who);
  const send = async (tx: ContractTransaction): Promise<Mined> => scene.chain.send("attacker", tx);

  /** Asks out with everything, waits for the next rounds, and settles; what the attacker then has. */
  async function leave(price: number): Promise<bigint> {
    const { vault } = scene.contracts;
    const attacker = scene.chain.address("attacker");
    await requestRedeem(scene, "attacker", await vault.balanceOf(attacker));
    await newRounds(scene, price);
    await settle(scene);
    expect(await vault.balanceOf(attacker), "all is settled").to.equal(0n);
    return vault.maxWithdraw(attacker);
  }

  describe("a deposit before a favourable round, the request after it", () => {
    const search = async (jump: number) => {
      const tries = [];
      for (const size of SIZES) {
        const enterAndLeave = async (): Promise<bigint> => {
          await deposit(scene, "attacker", usdc(size));
          await newRounds(scene, OPEN * (1 + jump));
          return (await leave(OPEN * (1 + jump))) - usdc(size);
        };
        tries.push({ size, profit: await undone(scene.chain, enterAndLeave) });
      }
      return best(tries);
    };

    it("loses for every round up to three per cent, six times the feed's threshold, and pays at mid prices", async () => {
      const withIt = await inTurn(JUMPS, search);
      const gap = await inTurn(GAPS, search);
      await vaultWithout(scene.chain, scene.deployment, ONE_SIDED);
      const without = await inTurn(JUMPS, search);
      record({
        attack: "deposit before a favourable round, request after (3 %)",
        check: "two-sided net asset value",
        without: said(without.at(-1)!),
        with: said(withIt.at(-1)!),
      });
      record({
        attack: "the same before a gap of 5 and 10 %",
        check: "nothing: a limit",
        without: "",
        with: gap.map(said).join("; "),
      });
      for (const { profit } of without) expect(profit > 0n).to.equal(true);
      for (const { profit } of withIt) expect(profit <= 0n).to.equal(true);
      // Beyond that a gap pays: what is left of the net delta times the gap, less the spread, whatever is put in.
      expect(gap[1]!.profit < usdc(30_000), dollars(gap[1]!.profit)).to.equal(true);
    });
  });

  describe("a holder of long standing who leaves at once before an unfavourable round", () => {
    const DROPS = [...JUMPS.slice(0, 4), ...GAPS].map((jump) => -jump);
    /** What is paid now, less what the same shares are worth at the mid price of the round to come. */
    const search = async (jump: number) => {
      const { vault } = scene.contracts;
      const attacker = scene.chain.address("attacker");
      const mid = parseUnits(String(OPEN * (1 + jump)), 18);
      const tries = [];
      for (const size of [100_000, 500_000, 1_100_000]) {
        const flee = async (): Promise<bigint> => {
          const part = ((await vault.balanceOf(attacker)) * BigInt(size)) / BigInt(HELD);
          const stayed = ((await vault.navAt(mid)) * part) / (await vault.totalSupply());
          const before = await scene.asset.balanceOf(attacker);
          await sameSecond(scene);
          await send(await vault.redeemInstantly.populateTransaction(part, 0, attacker, attacker));
          return (await scene.asset.balanceOf(attacker)) - before - stayed;
        };
        tries.push({ size, profit: await undone(scene.chain, flee) });
      }
      return best(tries);
    };

    it("loses for every round down to minus two per cent, and gains at mid prices", async () => {
      await deposit(scene, "attacker", usdc(HELD));
      await newRounds(scene);
      const withIt = await inTurn(DROPS, search);
      await vaultWithout(scene.chain, scene.deployment, ONE_SIDED);
      const without = await inTurn(DROPS, search);
      record({
        attack: "leave at once before an unfavourable round (−2 %)",
        check: "two-sided net asset value",
        without: said(without[3]!),
        with: said(withIt[3]!),
      });
      record({
        attack: "the same before a gap of −5 and −10 %",
        check: "nothing: a limit",
        without: without.slice(4).map(said).join("; "),
        with: withIt.slice(4).map(said).join("; "),
      });
      for (const { profit } of without) expect(profit > 0n).to.equal(true);
      for (const { profit } of withIt.slice(0, 4)) expect(profit <= 0n).to.equal(true);
      expect(withIt.at(-1)!.profit < usdc(20_000), dollars(withIt.at(-1)!.profit)).to.equal(true);
    });
  });

  describe("a flash-loaned deposit, with the pool pushed down for it and back before leaving", () => {
    const search = async () => {
      const tries = [];
      for (const pushBps of [500n, 1_000n, 2_000n]) {
        for (const size of SIZES.slice(2))
          tries.push({ size, ...(await undone(scene.chain, () => flash(pushBps, size))) });
      }
      return { stops: new Set(tries.map(({ stopped }) => stopped)), ...best(tries) };
    };

    /** All of it or nothing: a loan that cannot be paid back in its transaction was never made. */
    async function flash(pushBps: bigint, size: number): Promise<{ profit: bigint; stopped: string }> {
      const { vault } = scene.contracts;
      const attacker = scene.chain.address("attacker");
      const price = await midPrice(scene);
      await fund(scene, "attacker", usdc(size));
      try {
        let profit = await push((price * (10_000n - pushBps)) / 10_000n);
        await sameSecond(scene);
        await send(await vault.deposit.populateTransaction(usdc(size), attacker));
        profit += await push(price);
        const bought = await vault.balanceOf(attacker);
        await sameSecond(scene);
        await send(await vault.redeemInstantly.populateTransaction(bought, 0, attacker, attacker));
        return { profit: profit + (await scene.asset.balanceOf(attacker)) - usdc(size), stopped: "" };
      } catch (error) {
        return { profit: 0n, stopped: revertName(error) };
      }
    }

    async function push(target: bigint): Promise<bigint> {
      await sameSecond(scene);
      return takings(scene.market, await movePool(scene.chain, scene.market.trader, target), OPEN);
    }

    it("cannot leave; could it, it would lose; and it pays were the pool believed as well", async () => {
      const withIt = await search();
      await vaultWithout(scene.chain, scene.deployment, NO_AGE);
      const young = await search();
      await withoutCheck(scene.chain, scene.deployment.liquidityAdapter, UNISWAP, AT_POOL_PRICE);
      const without = await search();
      record({
        attack: "flash-loaned deposit",
        check: "value at the oracle's price, and the age of shares",
        without: said(without),
        with: `SharesTooFresh; with the oracle's price alone ${said(young)}`,
      });
      expect(without.profit > 0n).to.equal(true);
      expect([...withIt.stops]).to.deep.equal(["SharesTooFresh"]);
      expect(young.profit < 0n).to.equal(true);
    });
  });

  describe("someone else's donation, with a deposit before it and a request after it", () => {
    const search = async (give: () => Promise<void>) => {
      const tries = [];
      for (const size of SIZES) {
        const catchIt = async (): Promise<bigint> => {
          await deposit(scene, "attacker", usdc(size));
          await sameSecond(scene);
          await give();
          return (await leave(OPEN)) - usdc(size);
        };
        tries.push({ size, profit: await undone(scene.chain, catchIt) });
      }
      return best(tries);
    };

    const forms: { form: string; check: string; remove: () => Promise<void>; give: () => Promise<void> }[] = [
      {
        form: "to the vault",
        check: "book-kept cash",
        remove: () => vaultWithout(scene.chain, scene.deployment, CASH_IS_BALANCE),
        give: async () => donate(scene.deployment.vault),
      },
      {
        form: "to the vault, with vest called at once",
        check: "a week's vesting",
        remove: () => vaultWithout(scene.chain, scene.deployment, NO_VESTING),
        give: async () => {
          await donate(scene.deployment.vault);
          await send(await scene.contracts.vault.vest.populateTransaction());
        },
      },
      {
        form: "depositFor at Curie",
        check: "book-kept collateral",
        remove: () => withoutCheck(scene.chain, scene.deployment.perpAdapter, CURIE, GIFTS_COUNT),
        give: async () => {
          const { vault } = scene.world.curie;
          await scene.chain.send("maker", await scene.asset.mint.populateTransaction(at("maker"), usdc(GIFT)));
          await scene.chain.send(
            "maker",
            await scene.asset.approve.populateTransaction(await vault.getAddress(), usdc(GIFT)),
          );
          const gift = [scene.deployment.perpAdapter, await scene.asset.getAddress(), usdc(GIFT)];
          await scene.chain.send("maker", await vault.getFunction("depositFor").populateTransaction(...gift));
        },
      },
      {
        form: "increaseLiquidity on the NFT",
        check: "book-kept liquidity",
        remove: () => withoutCheck(scene.chain, scene.deployment.liquidityAdapter, UNISWAP, GIFTS_IN_NFT_COUNT),
        give: increaseNft,
      },
      {
        form: "base tokens to the adapter",
        check: "book-kept idle base",
        remove: () => withoutCheck(scene.chain, scene.deployment.liquidityAdapter, UNISWAP, BASE_IS_BALANCE),
        give: async () => {
          const amount = (usdc(GIFT) * 10n ** 12n) / BigInt(OPEN);
          const { base } = scene.world;
          const mint = base.getFunction("mint");
          await scene.chain.send("maker", await mint.populateTransaction(scene.deployment.liquidityAdapter, amount));
        },
      },
    ];
    for (const { form, check, remove, give } of forms) {
      it(`${form}: is not there to be caught`, async () => {
        const withIt = await search(give);
        await remove();
        const without = await search(give);
        record({ attack: `donation ${form}`, check, without: said(without), with: said(withIt) });
        expect(without.profit > 0n, dollars(without.profit)).to.equal(true);
        expect(withIt.profit < 0n, dollars(withIt.profit)).to.equal(true);
      });
    }

    it("to the vault, and stay for the vesting: a share of it by the day, as for everyone who is there", async () => {
      const tries = [];
      for (const days of [0, 1, 2, 4, 7]) {
        for (const size of SIZES) {
          const stay = async (): Promise<bigint> => {
            await deposit(scene, "attacker", usdc(size));
            await donate(scene.deployment.vault);
            await send(await scene.contracts.vault.vest.populateTransaction());
            await scene.chain.warpTo((await scene.chain.now()) + days * 86_400);
            await newRounds(scene, OPEN);
            return (await leave(OPEN)) - usdc(size);
          };
          const profit = await undone(scene.chain, stay);
          tries.push({ days, size, profit });
          // A tenth more than the share of what vests meanwhile would be a leak.
          const share = (usdc(GIFT) * BigInt(days) * usdc(size)) / (7n * (usdc(size) + usdc(5_000_000)));
          expect(profit <= (share * 11n) / 10n, `${days} days, ${size}: ${dollars(profit)}`).to.equal(true);
        }
      }
      const found = best(tries);
      record({
        attack: "donation to the vault, vesting, and stay",
        check: "nothing: a week of the market's risk",
        without: "",
        with: `${said(found)} for ${found.days} days`,
      });
    });

    async function donate(to: string): Promise<void> {
      await scene.chain.send("maker", await scene.asset.mint.populateTransaction(to, usdc(GIFT)));
    }

    async function increaseNft(): Promise<void> {
      const { chain, contracts, world, asset } = scene;
      const { positionManager, pair } = world.uniswap;
      const { tokenId } = await contracts.liquidity.position();
      const manager = await positionManager.getAddress();
      const half = usdc(GIFT) / 2n;
      const base = (half * 10n ** 12n) / BigInt(OPEN);
      await chain.send("maker", await asset.mint.populateTransaction(at("maker"), half));
      await chain.send("maker", await asset.approve.populateTransaction(manager, MaxUint256));
      await chain.send("maker", await world.base.getFunction("mint").populateTransaction(at("maker"), base));
      await chain.send("maker", await world.base.getFunction("approve").populateTransaction(manager, MaxUint256));
      const [amount0Desired, amount1Desired] = pair.baseIsToken0 ? [base, half] : [half, base];
      const gift = { tokenId, amount0Desired, amount1Desired, amount0Min: 0n, amount1Min: 0n, deadline: MaxUint256 };
      await chain.send("maker", await positionManager.getFunction("increaseLiquidity").populateTransaction(gift));
    }
  });

  describe("a donation by the first depositor, to round the second one's shares away", () => {
    const search = async () => {
      const tries = [];
      for (const size of [1_000, 5_001, 10_000, 20_000])
        tries.push({ size, profit: await undone(scene.chain, () => inflate(size)) });
      return best(tries);
    };

    /** The first holder comes with a millionth of a dollar, gives `size`, and is followed by a victim with ten thousand. */
    async function inflate(size: number): Promise<bigint> {
      const { chain, asset, world } = scene;
      const young = scene.contracts.vault.attach(world.vaults[1]!.deployment.vault) as HedgeVault;
      const first = at("depositor");
      for (const who of ["depositor", "keeper"] as const) {
        await chain.send(who, await asset.mint.populateTransaction(at(who), usdc(30_000)));
        await chain.send(who, await asset.approve.populateTransaction(young.target, usdc(30_000)));
      }
      const before = await asset.balanceOf(first);
      await chain.send("depositor", await young.deposit.populateTransaction(1n, first));
      await chain.send("depositor", await asset.transfer.populateTransaction(young.target, usdc(size)));
      const victim = await young.deposit.populateTransaction(usdc(10_000), at("keeper"));
      const refused = await chain.send("keeper", victim).then(() => null, revertName);
      if (refused !== null) expect(refused).to.equal("InvalidParameter");
      // What its share is worth: what was given can be claimed only by whoever settles next.
      const worth = await young.convertToAssets(await young.balanceOf(first));
      return (await asset.balanceOf(first)) + worth - before;
    }

    async function leaveYoung(): Promise<void> {
      const young = scene.contracts.vault.attach(scene.world.vaults[1]!.deployment.vault) as HedgeVault;
      const [first, all] = [at("depositor"), await young.balanceOf(at("depositor"))];
      await scene.chain.send("depositor", await young.redeemInstantly.populateTransaction(all, 0, first, first));
    }

    it("costs what is given, and pays without virtual shares and booked cash", async () => {
      // Out, to be the first under the rules of each search.
      await leaveYoung();
      const withIt = await search();
      await vaultWithout(scene.chain, scene.world.vaults[1]!.deployment, [...CASH_IS_BALANCE, ...NO_VIRTUAL_SHARES]);
      const without = await search();
      record({
        attack: "donation by the first depositor",
        check: "virtual shares and book-kept cash",
        without: said(without),
        with: said(withIt),
      });
      expect(without.profit > 0n, dollars(without.profit)).to.equal(true);
      expect(withIt.profit < 0n, dollars(withIt.profit)).to.equal(true);
    });
  });

  describe("dust requests, ahead of a victim's", () => {
    /** So many smallest requests, then a victim's; then settlements until the victim is paid, or none goes any further. */
    const flood = async (size: number, smallest: bigint) => {
      const { vault } = scene.contracts;
      await deposit(scene, "attacker", usdc(3_000));
      const locked = (await vault.convertToAssets(smallest)) * BigInt(size);
      let spent = 0n;
      const dust = await vault.requestRedeem.populateTransaction(smallest, at("attacker"), at("attacker"));
      for (let i = 0; i < size; ++i) spent += (await send(dust)).gasUsed;
      await requestRedeem(scene, "depositor", shares(100_000));
      await newRounds(scene);
      let [settled, settlements] = [0n, 0];
      while ((await vault.maxRedeem(at("depositor"))) === 0n) {
        const mined = await settle(scene, 100).catch(() => null);
        if (mined === null) return { size, locked, spent, settled, settlements, paid: false };
        settled += mined.gasUsed;
        settlements += 1;
      }
      return { size, locked, spent, settled, settlements, paid: true };
    };

    it("delay it by settlements that anyone sends and that cost less than the dust did; all in one they block the queue", async () => {
      const { vault } = scene.contracts;
      const tries = [];
      for (const size of [100, 400])
        tries.push(await undone(scene.chain, async () => flood(size, await vault.minRequest())));
      await withoutCheck(scene.chain, scene.deployment.redemptionQueue!, QUEUE, NO_PARTS_NO_MINIMUM);
      const jammed = [];
      for (const size of [100, 400]) jammed.push(await undone(scene.chain, () => flood(size, 1n)));
      const [worst, jam] = [tries.at(-1)!, jammed.at(-1)!];
      record({
        attack: `dust requests (${worst.size})`,
        check: "smallest request, settlement in parts",
        without: `the queue stands still for ${dollars(jam.locked)} and ${mega(jam.spent)} gas`,
        with: `${worst.settlements} settlements, ${mega(worst.settled)} gas, for ${dollars(worst.locked)} locked and ${mega(worst.spent)} gas`,
      });
      expect(jam.paid, "without it the victim is never paid").to.equal(false);
      for (const { paid, spent, settled, size, locked } of tries) {
        expect(paid && settled < spent, `${size}: ${settled} of ${spent} gas`).to.equal(true);
        expect(locked >= usdc(size) - usdc(size) / 100n, dollars(locked)).to.equal(true);
      }
    });
  });

  async function inTurn<T>(jumps: readonly number[], search: (jump: number) => Promise<T>): Promise<T[]> {
    const found = [];
    for (const jump of jumps) found.push(await search(jump));
    return found;
  }
});

const mega = (gas: bigint): string => `${(Number(gas) / 1e6).toFixed(1)} M`;

function said({ size, profit }: { size: number; profit: bigint }): string {
  return `${dollars(profit)} with ${size.toLocaleString("en-US")}`;
}
