import { expect } from "chai";
import { Contract, Interface, ZeroAddress, zeroPadValue } from "ethers";
import type { ContractTransaction } from "ethers";
import type { AccountName, Mined } from "../../deploy/devnet/chain.ts";
import { safeAbi } from "../../deploy/devnet/safe.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import { execTransactionData, plainCall } from "../../src/safe/transaction.ts";
import type { SafeTx } from "../../src/safe/transaction.ts";
import { ReviewGuard__factory } from "../../typechain-types/index.js";
import {
  closeNextSession,
  deposit,
  expectRevert,
  newRounds,
  planNow,
  settle,
  shares,
  usdc,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
const RULES = {
  deriskWindow: 15 * MINUTE,
  planWindow: 6 * HOUR,
  otherWindow: 3 * DAY,
  exitDelay: 21 * DAY,
  expiry: 5 * DAY,
  planVetoBps: 2_000,
  otherVetoBps: 1_000,
  secondVetoBps: 4_000,
};
const SAFE = new Interface(safeAbi());

const guardArgs = ({ deployment: d }: VaultScene): string[] => [d.accessManager, d.safe, d.rebalancer, d.lens];

describe("ReviewGuard", () => {
  let scene: VaultScene;
  let guard: ReturnType<typeof ReviewGuard__factory.connect>;

  before(async () => {
    scene = await vaultScene();
    const { chain } = scene;
    const deployed = await chain.deploy(ReviewGuard__factory, [...guardArgs(scene), RULES]);
    guard = ReviewGuard__factory.connect(await deployed.getAddress(), chain.provider);
    // Votes count as they stood a day before: the shareholders are there first. The depositor has five million.
    await deposit(scene, "maker", usdc(600_000));
    const own600k = await deposit(scene, "owner2", usdc(600_000));
    await chain.send("owner2", await scene.contracts.vault.transfer.populateTransaction(scene.safe, own600k));
    for (const vix of [16, 16, 16]) await closeNextSession(scene, vix, 18);
    // A module before there is a guard: any account can be one.
    await viaSafe(scene, own("enableModule", [chain.address("market")]));
    // The module guard first: once the guard is there, setting anything waits.
    await viaSafe(scene, own("setModuleGuard", [await guard.getAddress()]));
    await viaSafe(scene, own("setGuard", [await guard.getAddress()]));
    await scene.keep();
  });
  afterEach(() => scene.reset());

  /** A call of the Safe to itself. */
  function own(name: string, args: unknown[]): ContractTransaction {
    return { to: scene.safe, data: SAFE.encodeFunctionData(name, args) };
  }

  /** Some call of class Other: raising the threshold. */
  const other = (threshold = 3): ContractTransaction => own("changeThreshold", [threshold]);

  async function announce(call: ContractTransaction, who: AccountName = "owner1"): Promise<string> {
    await scene.chain.send(who, await guard.announce.populateTransaction(call.to, 0, call.data));
    return guard.keyOf(call.to, 0, call.data);
  }

  const later = async (seconds: number): Promise<void> => scene.chain.warpTo((await scene.chain.now()) + seconds);

  async function veto(key: string, who: AccountName): Promise<Mined> {
    return scene.chain.send(who, await guard.veto.populateTransaction(key));
  }

  async function viaModule(call: ContractTransaction, operation = 0): Promise<Mined> {
    const data = SAFE.encodeFunctionData("execTransactionFromModule", [call.to, 0, call.data, operation]);
    return scene.chain.send("market", { to: scene.safe, data });
  }

  /** As viaSafe, with the transaction's other fields changed. */
  async function viaSafeWith(changes: Partial<SafeTx>, call: ContractTransaction): Promise<Mined> {
    const { chain, safe } = scene;
    const nonce = (await new Contract(safe, SAFE, chain.provider).getFunction("nonce")()) as bigint;
    const safeTx = { ...plainCall(call.to, call.data, nonce), ...changes };
    const fields = [safeTx.to, safeTx.value, safeTx.data, safeTx.operation, safeTx.safeTxGas, safeTx.baseGas];
    const refunds = [safeTx.gasPrice, safeTx.gasToken, safeTx.refundReceiver, nonce];
    const { provider } = chain;
    const hash = (await new Contract(safe, SAFE, provider).getFunction("getTransactionHash")(
      ...fields,
      ...refunds,
    )) as string;
    const signatures = (["owner1", "owner3"] as const)
      .map((owner) => chain.wallet(owner))
      .sort((a, b) => (BigInt(a.address) < BigInt(b.address) ? -1 : 1))
      .map((wallet) => wallet.signingKey.sign(hash).serialized.slice(2));
    const data = execTransactionData(safeTx, `0x${signatures.join("")}`);
    return chain.send("executor", { to: safe, data });
  }

  describe("lets nothing run that did not wait", () => {
    it("a plan not announced is refused", async () => {
      const call = { to: scene.deployment.rebalancer, data: encodePlan(await planNow(scene)) };
      await expectRevert(viaSafe(scene, call), "NotAnnounced");
    });

    it("a plan waits its hours, then runs, and only once", async () => {
      const validUntil = (await scene.chain.now()) + 3 * DAY;
      const call = {
        to: scene.deployment.rebalancer,
        data: encodePlan(await planNow(scene, { validUntil, toleranceBps: 1_000 })),
      };
      const key = await announce(call);
      expect((await guard.announcement(key)).class).to.equal(1n);
      await expectRevert(viaSafe(scene, call), "WindowOpen", key);
      await later(RULES.planWindow);
      await newRounds(scene);
      await viaSafe(scene, call);
      await expectRevert(viaSafe(scene, call), "NotAnnounced", key);
    });

    it("a derisk plan waits minutes; any other call, whatever it looks like, days", async () => {
      const plan = await planNow(scene, { derisk: true });
      const derisk = await announce({ to: scene.deployment.rebalancer, data: encodePlan(plan) });
      expect((await guard.announcement(derisk)).class).to.equal(0n);
      // The same bytes to anyone else are no plan.
      const elsewhere = await announce({ to: scene.deployment.vault, data: encodePlan(plan) });
      expect((await guard.announcement(elsewhere)).class).to.equal(2n);
      const key = await announce(other());
      await later(RULES.otherWindow - MINUTE);
      await expectRevert(viaSafe(scene, other()), "WindowOpen", key);
      await later(MINUTE);
      await viaSafe(scene, other());
    });

    it("an announcement expires, and may be made again", async () => {
      const key = await announce(other());
      await expectRevert(announce(other()), "AlreadyAnnounced", key);
      await later(RULES.otherWindow + RULES.expiry + MINUTE);
      await expectRevert(viaSafe(scene, other()), "NotAnnounced", key);
      await announce(other());
    });

    it("a window outlasts the Safe's nonce: other calls pass meanwhile, and signing again keeps it", async () => {
      const key = await announce(other());
      await later(RULES.otherWindow);
      await viaSafe(scene, { to: scene.safe, data: "0x" });
      expect((await guard.announcement(key)).readyAt).to.be.greaterThan(0n);
      await viaSafe(scene, other());
    });

    it("announcements are emitted whole, a plan's with the state it was made in", async () => {
      const call = { to: scene.deployment.rebalancer, data: encodePlan(await planNow(scene)) };
      const mined = await scene.chain.send("owner1", await guard.announce.populateTransaction(call.to, 0, call.data));
      const logs = mined.logs.map((log) => guard.interface.parseLog(log));
      const announced = logs.find((log) => log?.name === "Announced");
      expect(announced?.args["data"]).to.equal(call.data);
      const state = logs.find((log) => log?.name === "Snapshot")?.args["state"] as string;
      const { lens } = scene.contracts;
      const [snapshot] = lens.interface.decodeFunctionResult("snapshot", state);
      expect((snapshot as { vault: string }).vault).to.equal(scene.deployment.vault);
    });

    it("a scheduled call and its execution are announced together and fit each other's times", async () => {
      const { manager, vault } = scene.contracts;
      const change = vault.interface.encodeFunctionData("setLimits", [200, shares(1)]);
      const schedule = await manager.schedule.populateTransaction(scene.deployment.vault, change, 0);
      const execution = await manager.execute.populateTransaction(scene.deployment.vault, change);
      await announce(schedule);
      await announce(execution);
      await later(RULES.otherWindow);
      await viaSafe(scene, schedule);
      // AccessManager's own delay is two days, within the announcement's five.
      await expectRevert(viaSafe(scene, execution), "AccessManagerNotReady");
      await later(2 * DAY);
      await viaSafe(scene, execution);
      expect(await vault.maxSpreadBps()).to.equal(200n);
    });

    it("a module's call waits as well, and a failed one does not use up its announcement", async () => {
      const { vault } = scene.contracts;
      const nothing = { to: scene.safe, data: "0x" };
      await viaModule(nothing);
      await expectRevert(viaModule(other()), "NotAnnounced");
      await expectRevert(viaModule(other(), 1), "DelegateCallForbidden");
      await announce(other());
      const bad = await vault.transfer.populateTransaction(scene.chain.address("attacker"), shares(10 ** 9));
      const key = await announce(bad);
      await later(RULES.otherWindow);
      await viaModule(other());
      await expectRevert(viaModule(other()), "NotAnnounced");
      await expectRevert(viaModule(bad), "ModuleCallFailed");
      expect((await guard.announcement(key)).announcedAt).to.be.greaterThan(0n);
    });

    it("an announcement must carry the vault's state: it cannot be starved of the gas to read it", async () => {
      const call = { to: scene.deployment.rebalancer, data: encodePlan(await planNow(scene)) };
      const announcing = await guard.announce.populateTransaction(call.to, 0, call.data);
      await expectRevert(scene.chain.send("owner1", { ...announcing, gasLimit: 2_000_000n }), "NotEnoughGas");
      const { logs } = await scene.chain.send("owner1", { ...announcing, gasLimit: 6_000_000n });
      const state = logs.map((log) => guard.interface.parseLog(log)).find((log) => log?.name === "Snapshot");
      expect(state?.args["state"]).to.have.length.greaterThan(2);
    });

    it("a lens that fails keeps nobody from announcing", async () => {
      const { accessManager, safe, rebalancer, vault } = scene.deployment;
      const broken = await scene.chain.deploy(ReviewGuard__factory, [accessManager, safe, rebalancer, vault, RULES]);
      const data = encodePlan(await planNow(scene));
      const announcing = await guard.announce.populateTransaction(rebalancer, 0, data);
      const { logs } = await scene.chain.send("owner1", { ...announcing, to: await broken.getAddress() });
      const state = logs.map((log) => guard.interface.parseLog(log)).find((log) => log?.name === "Snapshot");
      expect(state?.args["state"]).to.equal("0x");
    });

    it("only owners and the proposer announce", async () => {
      await expectRevert(announce(other(), "attacker"), "NotAProposer", scene.chain.address("attacker"));
    });
  });

  describe("forbids what hides in a transaction", () => {
    it("delegatecalls", async () => {
      await announce(other());
      await later(RULES.otherWindow);
      await expectRevert(viaSafeWith({ operation: 1 }, other()), "DelegateCallForbidden");
    });

    for (const field of ["safeTxGas", "baseGas", "gasPrice"] as const) {
      it(`refunds by ${field}`, async () => {
        await expectRevert(viaSafeWith({ [field]: "1" }, { to: scene.safe, data: "0x" }), "RefundForbidden");
      });
    }
    for (const field of ["gasToken", "refundReceiver"] as const) {
      it(`refunds by ${field}`, async () => {
        const changed = { [field]: scene.chain.address("attacker") };
        await expectRevert(viaSafeWith(changed, { to: scene.safe, data: "0x" }), "RefundForbidden");
      });
    }

    it("calls to its own checks by anyone but the Safe", async () => {
      const call = guard.interface.encodeFunctionData("checkModuleTransaction", [ZeroAddress, 0, "0x", 0, ZeroAddress]);
      const data = { to: await guard.getAddress(), data: call };
      await expectRevert(scene.chain.send("attacker", data), "NotTheSafe");
    });
  });

  describe("never holds back", () => {
    it("the Safe's cancel: to itself, no value, no data", async () => {
      await viaSafe(scene, { to: scene.safe, data: "0x" });
    });

    it("the Safe's own redemption, from request to claim", async () => {
      const { vault } = scene.contracts;
      const amount = shares(1_000);
      await viaSafe(scene, await vault.requestRedeem.populateTransaction(amount, scene.safe, scene.safe));
      const id = (await vault.queueBounds()).tail - 1n;
      await viaSafe(scene, await vault.cancelRedeemRequest.populateTransaction(id, scene.safe));
      await viaSafe(scene, await vault.requestRedeem.populateTransaction(amount, scene.safe, scene.safe));
      await newRounds(scene);
      await settle(scene);
      await viaSafe(scene, await vault.redeem.populateTransaction(amount / 2n, scene.safe, scene.safe));
      await viaSafe(
        scene,
        await vault.withdraw.populateTransaction(await vault.maxWithdraw(scene.safe), scene.safe, scene.safe),
      );
    });

    it("the Safe's forced exit: force, unwind, claim in kind", async () => {
      const { vault } = scene.contracts;
      const { safe, deployment } = scene;
      await viaSafe(scene, await vault.requestRedeem.populateTransaction(shares(1_000), safe, safe));
      const id = (await vault.queueBounds()).tail - 1n;
      // Each reaches the vault, which has its own say.
      await expectRevert(viaSafe(scene, await vault.force.populateTransaction(id)), "NotOverdue");
      const unwind = await vault.unwindSlice.populateTransaction(safe, deployment.perpAdapter, 1n);
      await expectRevert(viaSafe(scene, unwind), "ClaimTooLarge");
      await later(14 * DAY + MINUTE);
      await viaSafe(scene, await vault.force.populateTransaction(id));
      const claim = await vault.redeem.populateTransaction(shares(1_000), safe, safe);
      await viaSafe(scene, claim);
      const token = await scene.world.base.getAddress();
      const inKind = await vault.claimInKind.populateTransaction(token, safe, safe);
      await expectRevert(viaSafe(scene, inKind), "ClaimTooLarge", safe, 1, 0);
      const thief = scene.chain.address("attacker");
      for (const call of [
        await vault.claimInKind.populateTransaction(token, thief, safe),
        await vault.unwindSlice.populateTransaction(thief, deployment.perpAdapter, 1n),
        { to: deployment.vault, data: `${(await vault.force.populateTransaction(id)).data}00` },
      ]) {
        await expectRevert(viaSafe(scene, call), "NotAnnounced");
      }
    });

    it("but a redemption to anyone else waits", async () => {
      const { vault } = scene.contracts;
      const thief = scene.chain.address("attacker");
      for (const call of [
        await vault.requestRedeem.populateTransaction(1n, thief, scene.safe),
        await vault.redeem.populateTransaction(1n, thief, scene.safe),
        await vault.withdraw.populateTransaction(1n, thief, scene.safe),
        await vault.transfer.populateTransaction(thief, 1n),
      ]) {
        await expectRevert(viaSafe(scene, call), "NotAnnounced");
      }
    });
  });

  describe("can be stopped by shareholders", () => {
    it("a plan, by a fifth of the votes that count, and it may come back once", async () => {
      const validUntil = (await scene.chain.now()) + 3 * DAY;
      const call = { to: scene.deployment.rebalancer, data: encodePlan(await planNow(scene, { validUntil })) };
      const key = await announce(call);
      const { vault } = scene.contracts;
      const counted = (await vault.totalSupply()) - (await vault.balanceOf(scene.safe));
      expect(await guard.vetoThreshold(key), "the Safe's own shares do not count").to.equal((counted + 4n) / 5n);
      await veto(key, "maker");
      expect((await guard.announcement(key)).vetoed, "a tenth is too little").to.equal(false);
      await veto(key, "depositor");
      expect((await guard.announcement(key)).vetoed).to.equal(true);
      await expectRevert(announce(call), "WindowOpen", key);
      await later(RULES.planWindow);
      await expectRevert(viaSafe(scene, call), "CallVetoed", key);

      await announce(call);
      expect(await guard.vetoThreshold(key), "now it takes two fifths").to.equal((counted * 2n + 4n) / 5n);
      await veto(key, "depositor");
      expect((await guard.announcement(key)).vetoes).to.equal(2n);
      await expectRevert(announce(call), "VetoedForGood", key);
    });

    it("anything else, by a tenth", async () => {
      const key = await announce(other());
      await veto(key, "maker");
      await later(RULES.otherWindow);
      await expectRevert(viaSafe(scene, other()), "CallVetoed", key);
    });

    it("each vote once, and in the window only", async () => {
      const key = await announce(other());
      const call = { to: scene.deployment.rebalancer, data: encodePlan(await planNow(scene)) };
      const plan = await announce(call);
      await veto(plan, "maker");
      await expectRevert(veto(plan, "maker"), "CannotVote", plan);
      await later(RULES.otherWindow);
      await expectRevert(veto(key, "depositor"), "NoVeto", key);
    });

    it("no vote by the Safe, by a stranger, or for what was bought within a day", async () => {
      await deposit(scene, "attacker", usdc(5_000_000));
      const key = await announce(other());
      await expectRevert(veto(key, "attacker"), "CannotVote", key);
      await expectRevert(veto(key, "executor"), "CannotVote", key);
    });

    it("not a derisk plan", async () => {
      const plan = await planNow(scene, { derisk: true });
      const key = await announce({ to: scene.deployment.rebalancer, data: encodePlan(plan) });
      await expectRevert(veto(key, "depositor"), "NoVeto", key);
    });
  });

  describe("can be left", () => {
    const removal = (): ContractTransaction => own("setGuard", [ZeroAddress]);

    const announceExit = async (): Promise<Mined> => viaSafe(scene, await guard.announceExit.populateTransaction());

    it("by its removal after the exit delay, which no vote touches", async () => {
      await expectRevert(viaSafe(scene, removal()), "ExitNotReady");
      await announceExit();
      await later(RULES.exitDelay - MINUTE);
      await expectRevert(viaSafe(scene, removal()), "ExitNotReady");
      await later(MINUTE);
      await viaSafe(scene, removal());
      await viaSafe(scene, own("setModuleGuard", [ZeroAddress]));
      await viaSafe(scene, other());
    });

    it("only when the Safe's threshold says so", async () => {
      const exit = await guard.announceExit.populateTransaction();
      await expectRevert(scene.chain.send("owner1", exit), "NotTheSafe", scene.chain.address("owner1"));
      await expectRevert(viaSafe(scene, { ...exit, data: `${exit.data}00` }), "NotAnnounced");
    });

    it("announcing it again does not push it back; it lapses", async () => {
      await announceExit();
      await later(RULES.exitDelay / 2);
      await expectRevert(announceExit(), "ExitNotReady");
      await later(RULES.exitDelay / 2 + RULES.expiry + MINUTE);
      await expectRevert(viaSafe(scene, removal()), "ExitNotReady");
      await announceExit();
    });

    it("another guard in its place waits and can be stopped as anything else", async () => {
      const replace = own("setGuard", [scene.deployment.lens]);
      await announceExit();
      await later(RULES.exitDelay);
      await expectRevert(viaSafe(scene, replace), "NotAnnounced");
      // A removal with a byte more is none either.
      const padded = { to: scene.safe, data: `${removal().data}00` };
      await expectRevert(viaSafe(scene, padded), "NotAnnounced");
    });
  });

  describe("keeps the Safe's votes out of the count", () => {
    it("they cannot be delegated away, only taken back", async () => {
      const { vault } = scene.contracts;
      const puppet = scene.chain.address("attacker");
      const give = await vault.delegate.populateTransaction(puppet);
      await expectRevert(viaSafe(scene, give), "SafeVotesElsewhere", puppet);
      await expectRevert(viaSafe(scene, { ...give, data: `${give.data}00` }), "SafeVotesElsewhere", puppet);
      await viaSafe(scene, await vault.delegate.populateTransaction(scene.safe));
    });

    it("were they away before the guard was set, nothing can be announced until they are back", async () => {
      const { vault } = scene.contracts;
      const { chain, safe } = scene;
      await chain.request("hardhat_impersonateAccount", [safe]);
      await chain.request("hardhat_setBalance", [safe, "0xde0b6b3a7640000"]);
      const puppet = chain.address("attacker");
      await chain.send({ address: safe }, await vault.delegate.populateTransaction(puppet));
      await expectRevert(announce(other()), "SafeVotesElsewhere", puppet);
      await expectRevert(
        chain.deploy(ReviewGuard__factory, [...guardArgs(scene), RULES]),
        "SafeVotesElsewhere",
        puppet,
      );
      await viaSafe(scene, await vault.delegate.populateTransaction(safe));
      await announce(other());
    });
  });

  describe("attacks", () => {
    it("owners who stop their own call, so that it comes back under the higher threshold, win no time", async () => {
      const start = await scene.chain.now();
      const key = await announce(other());
      await veto(key, "maker");
      // Without the wait it would now come back at once, and a tenth of the votes could no longer stop it.
      await expectRevert(announce(other()), "WindowOpen", key);
      await later(RULES.otherWindow);
      await announce(other());
      await later(RULES.otherWindow);
      await viaSafe(scene, other());
      const seconds = (await scene.chain.now()) - start;
      console.log(`        attacker: ${seconds / DAY} days in the open instead of ${RULES.otherWindow / DAY}`);
      expect(seconds).to.be.at.least(2 * RULES.otherWindow);
    });
  });

  it("is taken for a guard by the Safe: what it says it implements is what Safe asks for", async () => {
    for (const id of ["0xe6d7a83a", "0x58401ed8", "0x01ffc9a7"])
      expect(await guard.supportsInterface(id)).to.equal(true);
    expect(await guard.supportsInterface("0xffffffff")).to.equal(false);
    const slot = "0x4a204f620c8c5ccdca3fd54d003badd85ba500436a431f0cbda4f558c93c34c8";
    const stored = await scene.chain.provider.getStorage(scene.safe, slot);
    expect(stored).to.equal(zeroPadValue(await guard.getAddress(), 32).toLowerCase());
  });

  it("refuses rules that hold no window", async () => {
    const { chain } = scene;
    for (const [name, value] of [
      ["deriskWindow", 0],
      ["planWindow", 1],
      ["otherWindow", 7 * DAY],
      ["exitDelay", 3 * DAY],
      ["exitDelay", 16 * DAY - 1],
      ["exitDelay", 90 * DAY + 1],
      ["expiry", HOUR],
      ["expiry", 14 * DAY + 1],
      ["planVetoBps", 0],
      ["otherVetoBps", 10_001],
      ["secondVetoBps", 1_999],
    ] as const) {
      const rules = { ...RULES, [name]: value };
      await expectRevert(chain.deploy(ReviewGuard__factory, [...guardArgs(scene), rules]), "InvalidRule");
    }
  });
});
