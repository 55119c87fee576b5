import { expect } from "chai";
import { Contract, Interface } from "ethers";
import type { ContractTransaction } from "ethers";
import type { AccountName, Mined } from "../../../deploy/devnet/chain.ts";
import { safeAbi } from "../../../deploy/devnet/safe.ts";
import { DEFAULT_VAULT } from "../../../deploy/devnet/world.ts";
import { execTransactionData, plainCall } from "../../../src/safe/transaction.ts";
import { ReviewGuard__factory } from "../../../typechain-types/index.js";
import type { ReviewGuard } from "../../../typechain-types/index.js";
import { best, dollars, record } from "../../helpers/attackTable.ts";
import { undone } from "../../helpers/undone.ts";
import {
  closeNextSession,
  deposit,
  expectRevert,
  newRounds,
  requestRedeem,
  revertName,
  settle,
  usdc,
  vaultScene,
  viaSafe,
} from "../../helpers/vaultScene.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import { withoutCheck } from "../../helpers/withoutCheck.ts";
import type { Edit } from "../../helpers/withoutCheck.ts";

const DAY = 86_400;
const SAFE = new Interface(safeAbi());
const GUARD = "contracts/governance/ReviewGuard.sol";

/** Votes count as they stand when they are cast. */
const VOTES_OF_NOW: Edit[] = [
  { text: "IVotes(vault).getPastVotes(msg.sender, entry.snapshot)", becomes: "IVotes(vault).getVotes(msg.sender)" },
];
const NO_DAILY_LIMIT: Edit[] = [{ text: "DAILY_ANNOUNCEMENTS = 12;", becomes: "DAILY_ANNOUNCEMENTS = 1_000_000;" }];

describe("Attacks on the Safe and its guard", () => {
  let scene: VaultScene;
  let guard: ReviewGuard;

  before(async () => {
    scene = await vaultScene([{ ...DEFAULT_VAULT, guard: true }]);
    guard = ReviewGuard__factory.connect(scene.deployment.guard!, scene.chain.provider);
    // Votes count as they stood a day before: the shareholders are there first. The depositor has five million.
    await deposit(scene, "maker", usdc(600_000));
    const ownersGift = await deposit(scene, "owner2", usdc(600_000));
    const { vault } = scene.contracts;
    await scene.chain.send("owner2", await vault.transfer.populateTransaction(scene.safe, ownersGift));
    for (const vix of [16, 16]) await closeNextSession(scene, vix, 18);
    await scene.keep();
  });
  afterEach(() => scene.reset());

  const at = (who: AccountName): string => scene.chain.address(who);

  /** Some call of class Other: raising the threshold. */
  const other = (threshold: number): ContractTransaction => ({
    to: scene.safe,
    data: SAFE.encodeFunctionData("changeThreshold", [threshold]),
  });

  async function announce(
    call: ContractTransaction,
    who: AccountName = "owner1",
  ): Promise<{ key: string; gas: bigint }> {
    const { gasUsed } = await scene.chain.send(who, await guard.announce.populateTransaction(call.to, 0, call.data));
    return { key: await guard.keyOf(call.to, 0, call.data), gas: gasUsed };
  }

  async function veto(key: string, who: AccountName): Promise<Mined> {
    return scene.chain.send(who, await guard.veto.populateTransaction(key));
  }

  async function waitForWindow(key: string): Promise<void> {
    await scene.chain.warpTo(Number((await guard.announcement(key)).readyAt));
  }

  describe("a veto bought by a deposit", () => {
    const search = async () => {
      const tries = [];
      for (const size of [100_000, 500_000, 1_000_000, 5_000_000, 50_000_000])
        tries.push(await undone(scene.chain, () => buy(size)));
      return tries;
    };

    async function buy(size: number): Promise<{ size: number; stopped: boolean; refused: string; cost: bigint }> {
      const { vault } = scene.contracts;
      const { key } = await announce(other(3));
      await deposit(scene, "attacker", usdc(size));
      const refused = await veto(key, "attacker").then(() => "", revertName);
      const { vetoed: stopped } = await guard.announcement(key);
      await requestRedeem(scene, "attacker", await vault.balanceOf(at("attacker")));
      await newRounds(scene);
      await settle(scene);
      return { size, stopped, refused, cost: usdc(size) - (await vault.maxWithdraw(at("attacker"))) };
    }

    it("stops nothing, whatever its size: the votes of a day before count", async () => {
      const withIt = await search();
      await withoutCheck(scene.chain, scene.deployment.guard!, GUARD, VOTES_OF_NOW);
      const without = await search();
      const least = without.find(({ stopped }) => stopped)!;
      record({
        attack: "a veto bought by a deposit",
        check: "votes of a day before",
        without: `stops a call with ${least.size.toLocaleString("en-US")} for some minutes, at ${dollars(least.cost)}`,
        with: `CannotVote up to ${withIt.at(-1)!.size.toLocaleString("en-US")}`,
      });
      for (const { stopped, refused, cost } of withIt) {
        expect([stopped, refused]).to.deep.equal([false, "CannotVote"]);
        expect(cost >= 0n).to.equal(true);
      }
    });
  });

  describe("announcement spam by one phished owner", () => {
    /** Calls to look at that one owner makes in a day, up to `size`, with the gas of making one and of stopping one. */
    async function spam(size: number): Promise<{ calls: number; making: bigint; stopping: bigint; refused: string }> {
      const day = Math.floor((await scene.chain.now()) / DAY) + 1;
      await scene.chain.warpTo(day * DAY);
      let [calls, making, refused] = [0, 0n, ""];
      let last = "";
      for (; calls < size; ++calls) {
        const drain = await scene.asset.transfer.populateTransaction(at("attacker"), calls);
        const made = await announce(drain).catch((error: unknown) => error as Error);
        if (made instanceof Error) {
          refused = revertName(made);
          break;
        }
        making += made.gas;
        last = made.key;
      }
      const { gasUsed: stopping } = await veto(last, "depositor");
      // The others are not kept from announcing, and the next day begins again.
      await announce(other(3), "owner2");
      await scene.chain.warpTo((day + 1) * DAY);
      await announce(other(1));
      return { calls, making: making / BigInt(calls), stopping, refused };
    }

    it("twelve calls a day to look at, whatever it pays, and stopping one costs a vote", async () => {
      const withIt = await undone(scene.chain, () => spam(100));
      await withoutCheck(scene.chain, scene.deployment.guard!, GUARD, NO_DAILY_LIMIT);
      const without = await undone(scene.chain, () => spam(100));
      const say = ({ calls, making, stopping }: typeof withIt, andMore: string): string =>
        `${calls}${andMore} calls a day; ${making} gas to make one, ${stopping} to stop it`;
      record({
        attack: "announcement spam",
        check: "twelve a day",
        without: say(without, " and more"),
        with: say(withIt, ""),
      });
      expect([without.calls, without.refused]).to.deep.equal([100, ""]);
      expect([withIt.calls, withIt.refused]).to.deep.equal([12, "TooManyAnnouncements"]);
      // Dearer than making one, by what reading past votes takes: hence the limit.
      expect(2n * withIt.stopping < 3n * withIt.making, `${withIt.stopping} of ${withIt.making}`).to.equal(true);
    });
  });

  describe("one phished owner", () => {
    /** Takes the Safe's shares by a call it announced and signed alone. */
    async function take(size: number): Promise<{ size: number; profit: bigint; stopped: string }> {
      const { vault } = scene.contracts;
      const amount = BigInt(size) * 10n ** 18n;
      const call = await vault.transfer.populateTransaction(at("attacker"), amount);
      const stopped = await takeAlone(call).then(() => "", revertName);
      return { size, profit: await vault.convertToAssets(await vault.balanceOf(at("attacker"))), stopped };
    }

    async function takeAlone(call: ContractTransaction, stoppedBy?: AccountName): Promise<void> {
      const { key } = await announce(call);
      if (stoppedBy !== undefined) await veto(key, stoppedBy);
      await waitForWindow(key);
      await runAlone(call);
    }

    async function runAlone(call: ContractTransaction): Promise<Mined> {
      const nonce = (await new Contract(scene.safe, SAFE, scene.chain.provider).getFunction("nonce")()) as bigint;
      const tx = plainCall(call.to, call.data, nonce);
      const fields = [tx.to, tx.value, tx.data, tx.operation, tx.safeTxGas, tx.baseGas];
      const hash = (await new Contract(scene.safe, SAFE, scene.chain.provider).getFunction("getTransactionHash")(
        ...fields,
        ...[tx.gasPrice, tx.gasToken, tx.refundReceiver, nonce],
      )) as string;
      const signature = scene.chain.wallet("owner1").signingKey.sign(hash).serialized;
      return scene.chain.send("attacker", { to: scene.safe, data: execTransactionData(tx, signature) });
    }

    const search = async () => {
      const tries = [];
      for (const size of [1_000, 100_000, 600_000]) tries.push(await undone(scene.chain, () => take(size)));
      return best(tries);
    };

    it("starts windows, and nothing runs; with a threshold of one it takes all, unless shareholders stop it", async () => {
      const withIt = await search();
      // What the Safe checks: its threshold.
      const lower = other(1);
      const { key } = await announce(lower);
      await waitForWindow(key);
      await viaSafe(scene, lower);
      const without = await search();
      record({
        attack: "one phished owner",
        check: "the Safe's threshold",
        without: `${dollars(without.profit)} after the window, or CallVetoed`,
        with: `${dollars(withIt.profit)} (${withIt.stopped})`,
      });
      expect(without.profit).to.equal(usdc(600_000));
      expect([withIt.profit, withIt.stopped]).to.deep.equal([0n, "GS020"]);
      const call = await scene.contracts.vault.transfer.populateTransaction(at("attacker"), 1n);
      await expectRevert(takeAlone(call, "maker"), "CallVetoed");
    });
  });
});
