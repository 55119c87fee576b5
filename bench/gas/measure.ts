import type { ContractTransaction } from "ethers";
import type { AccountName, Mined } from "../../deploy/devnet/chain.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import {
  closeNextSession,
  deposit,
  fund,
  marketAt,
  newRounds,
  openPositions,
  planNow,
  requestRedeem,
  sameSecond,
  settle,
  shares,
  usdc,
  vaultScene,
  viaSafe,
} from "../../test/helpers/vaultScene.ts";
import type { VaultScene } from "../../test/helpers/vaultScene.ts";
import { CallReplay__factory, PlainVault__factory } from "../../typechain-types/index.js";
import { outsideCalls, replay } from "./replay.ts";
import type { Boundary, OutsideCall } from "./replay.ts";

/** Gas by action. */
export type Figures = Record<string, number>;

/** What one plan cost through the Safe, and what it is made of. */
export interface PlanCost {
  /** The whole transaction: 2 of 3 owners' signatures checked, the plan executed and judged. */
  throughSafe: number;
  /** The same Safe sending the same bytes to an account without code. */
  safeAlone: number;
  /** The calls to the venues that change something, made by an ordinary contract with positions of its own. */
  venueCalls: number;
  /** With the reads of prices and positions between them: what they add. */
  valuationReads: number;
  /** What is left over what these three come to, in per cent of them. */
  overheadPercent: number;
}

/** A deposit, beside OpenZeppelin's ERC-4626 with votes, and what valuing the positions reads meanwhile. */
export interface DepositCost {
  ours: number;
  plain: number;
  reads: number;
}

type Place = "empty" | "open";

export interface Measured {
  actions: Figures;
  /** A holder's deposit with nothing at the venues and with positions open. */
  deposit: Record<Place, DepositCost>;
  plans: Record<string, PlanCost>;
}

const DAY = 86_400;
const OPEN_USD = 2_812;
const TWICE = [1, 2] as const;

/** Everything, on a fresh local chain with the real venues. Deterministic: the same contracts give the same figures. */
export async function measure(): Promise<Measured> {
  const scene = await vaultScene();
  const plain = await plainDeposit(scene);
  const actions = { ...(await userActions(scene)), ...(await keeperActions(scene)) };
  const { reads, plans } = await compareCalls(scene);
  const empty = { ours: actions["deposit"]!, plain, reads: reads.empty };
  const open = { ours: actions["deposit, with positions open"]!, plain, reads: reads.open };
  return { actions, deposit: { empty, open }, plans };
}

/** Sends, and answers what it cost. */
async function cost(scene: VaultScene, who: AccountName, call: ContractTransaction): Promise<number> {
  return Number((await scene.chain.send(who, call)).gasUsed);
}

/** OpenZeppelin's vault, with votes in use as they are in ours, in the hands of one who holds shares already. */
async function plainDeposit(scene: VaultScene): Promise<number> {
  const { chain, asset } = scene;
  const artifact = { abi: PlainVault__factory.abi, bytecode: PlainVault__factory.bytecode };
  const deployed = await chain.deploy(artifact, [await asset.getAddress()]);
  const plain = PlainVault__factory.connect(await deployed.getAddress(), chain.provider);
  const own = chain.address("maker");
  await fund(scene, "maker", usdc(3_000));
  await chain.send("maker", await asset.approve.populateTransaction(await plain.getAddress(), usdc(3_000)));
  await chain.send("maker", await plain.delegate.populateTransaction(own));
  await chain.send("maker", await plain.deposit.populateTransaction(usdc(1_000), own));
  const gas = await cost(scene, "maker", await plain.deposit.populateTransaction(usdc(1_000), own));
  await scene.reset();
  return gas;
}

async function userActions(scene: VaultScene): Promise<Figures> {
  const { chain, contracts } = scene;
  const { vault } = contracts;
  const own = chain.address("maker");
  const other = chain.address("market");
  const by = (call: ContractTransaction): Promise<number> => cost(scene, "maker", call);
  const figures: Figures = {};
  for (const [place, open] of [
    ["", () => Promise.resolve()],
    [", with positions open", () => openPositions(scene)],
  ] as const) {
    await open();
    await deposit(scene, "maker", usdc(10_000));
    await fund(scene, "maker", usdc(100_000));
    figures[`deposit${place}`] = await by(await vault.deposit.populateTransaction(usdc(1_000), own));
    figures[`mint${place}`] = await by(await vault.mint.populateTransaction(shares(1_000), own));
    if (place === "") {
      figures["transfer to a holder without votes"] = await by(await vault.transfer.populateTransaction(other, 1n));
      figures["transfer"] = await by(await vault.transfer.populateTransaction(other, 1n));
      figures["delegate"] = await by(await vault.delegate.populateTransaction(other));
      figures["setOperator"] = await by(await vault.setOperator.populateTransaction(other, true));
    }
    figures[`requestRedeem${place}`] = await by(await vault.requestRedeem.populateTransaction(shares(100), own, own));
    const { tail } = await vault.queueBounds();
    figures[`cancelRedeemRequest${place}`] = await by(
      await vault.cancelRedeemRequest.populateTransaction(tail - 1n, own),
    );
    await newRounds(scene);
    await settleQuietly(scene);
    for (const count of [1, 10]) {
      for (let i = 0; i < count; i++) await requestRedeem(scene, "maker", shares(100));
      await newRounds(scene);
      const mined = await settle(scene, count);
      figures[`settle ${count === 1 ? "one request" : `${count} requests`}${place}`] = Number(mined.gasUsed);
    }
    figures[`redeem, in part${place}`] = await by(await vault.redeem.populateTransaction(shares(50), own, own));
    const left = await vault.maxWithdraw(own);
    figures[`withdraw the rest${place}`] = await by(await vault.withdraw.populateTransaction(left, own, own));
  }
  await scene.reset();
  return figures;
}

/** A cancelled request at the head is skipped by whoever settles next; here that is not what is measured. */
async function settleQuietly(scene: VaultScene): Promise<void> {
  const { head, tail } = await scene.contracts.vault.queueBounds();
  if (head < tail) await settle(scene, Number(tail - head));
}

async function keeperActions(scene: VaultScene): Promise<Figures> {
  const figures: Figures = {};
  // The second one writes nothing for the first time.
  for (const _ of TWICE) {
    await closeNextSession(scene, 14, 16);
    const { gasUsed } = await lastTransaction(scene);
    figures["RegimeOracle.advance"] = Number(gasUsed);
  }
  await scene.reset();
  return figures;
}

async function lastTransaction({ chain }: VaultScene): Promise<{ gasUsed: bigint }> {
  const { transactions } = await chain.request<{ transactions: string[] }>("eth_getBlockByNumber", ["latest", false]);
  const receipt = await chain.request<{ gasUsed: string }>("eth_getTransactionReceipt", [transactions[0]]);
  return { gasUsed: BigInt(receipt.gasUsed) };
}

/** One transaction of the compared story: what comes before it, and itself. */
interface Step {
  name: string;
  before?: () => Promise<void>;
  run: () => Promise<Mined>;
}

/** One transaction of ours, and what an ordinary contract spent on the same calls from the same state. */
interface Compared {
  ours: bigint;
  calls: bigint;
  /** Those of the calls that change something, made without the reads between them. */
  writes: bigint;
}

/**
 * Deposits, an opening and two rebalances; then, from the same state at the same seconds, what these asked of venues and
 * feeds, asked by an ordinary contract with positions of its own.
 */
async function compareCalls(scene: VaultScene): Promise<{ reads: Record<Place, number>; plans: Measured["plans"] }> {
  const { chain, deployment, contracts } = scene;
  await fund(scene, "maker", usdc(3_000));
  const put = async (): Promise<Mined> =>
    chain.send("maker", await contracts.vault.deposit.populateTransaction(usdc(1_000), chain.address("maker")));
  const plans: Plan[] = [];
  const propose = async (): Promise<Mined> => {
    const plan = await planNow(scene, { nonce: String(plans.length + 1) });
    plans.push(plan);
    await sameSecond(scene);
    return viaSafe(scene, { to: deployment.rebalancer, data: encodePlan(plan) });
  };
  await put();
  const opening = { name: "open: mint, short", run: propose };
  const steps: Step[] = [
    { name: "empty", run: put },
    opening,
    { name: "open", run: put },
    {
      name: "full: decrease, collect, mint, adjust the short",
      before: () => marketAt(scene, OPEN_USD * 0.8, DAY / 4),
      run: propose,
    },
    { name: "adjust the short", before: () => marketAt(scene, OPEN_USD * 0.75, DAY / 4), run: propose },
  ];
  const compared = await againstReplay(scene, steps);
  const planSteps = steps.filter(({ run }) => run === propose);
  const costs: [string, PlanCost][] = [];
  for (const [index, { name }] of planSteps.entries()) {
    const { ours, calls, writes } = compared.get(name)!;
    const nobody = chain.address("market");
    const { gasUsed: safe } = await viaSafe(scene, { to: nobody, data: encodePlan(plans[index]!) });
    const apart = safe + calls;
    const overheadPercent = round((Number(ours - apart) / Number(apart)) * 100, 1);
    costs.push([
      name,
      {
        throughSafe: Number(ours),
        safeAlone: Number(safe),
        venueCalls: Number(writes),
        valuationReads: Number(calls - writes),
        overheadPercent,
      },
    ]);
  }
  await scene.reset();
  const reads = { empty: Number(compared.get("empty")!.calls), open: Number(compared.get("open")!.calls) };
  return { reads, plans: Object.fromEntries(costs) };
}

async function againstReplay(scene: VaultScene, steps: Step[]): Promise<Map<string, Compared>> {
  const { chain, deployment } = scene;
  const replayer = await fundedReplayer(scene);
  const boundary: Boundary = {
    callers: [deployment.liquidityAdapter, deployment.perpAdapter, deployment.priceOracle],
    ours: Object.values(deployment).flatMap((value) =>
      typeof value === "string" && value.startsWith("0x") ? [value] : [],
    ),
    replayer: await replayer.getAddress(),
  };
  await scene.keep();
  const recorded: { mined: Mined; calls: OutsideCall[] }[] = [];
  for (const { before, run } of steps) {
    await before?.();
    const mined = await run();
    recorded.push({ mined, calls: await outsideCalls(chain, mined.hash, boundary) });
  }
  const replayed = async (choose: (call: OutsideCall) => boolean): Promise<bigint[]> => {
    await scene.reset();
    const spent: bigint[] = [];
    for (const [index, { before, run: _run }] of steps.entries()) {
      await before?.();
      await sameSecond(scene);
      spent.push(await replay(chain, replayer, recorded[index]!.calls.filter(choose)));
    }
    return spent;
  };
  const calls = await replayed(() => true);
  const writes = await replayed(({ reads }) => !reads);
  await scene.reset();
  return new Map(
    steps.map(({ name }, index) => {
      const ours = recorded[index]!.mined.gasUsed;
      return [name, { ours, calls: calls[index]!, writes: writes[index]! }];
    }),
  );
}

/** An ordinary contract with money, which the position manager may take from it. */
async function fundedReplayer(scene: VaultScene): Promise<ReturnType<typeof CallReplay__factory.connect>> {
  const { chain, world } = scene;
  const tokens = [world.asset, world.base];
  const addresses = await Promise.all(tokens.map((token) => token.getAddress()));
  const sorted = [...addresses].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  const artifact = { abi: CallReplay__factory.abi, bytecode: CallReplay__factory.bytecode };
  const deployed = await chain.deploy(artifact, sorted);
  const replayer = CallReplay__factory.connect(await deployed.getAddress(), chain.provider);
  const manager = await world.uniswap.positionManager.getAddress();
  for (const token of tokens) {
    const to = await replayer.getAddress();
    await chain.send("deployer", await token.getFunction("mint").populateTransaction(to, 10n ** 24n));
    await chain.send("deployer", await replayer.approve.populateTransaction(await token.getAddress(), manager));
  }
  return replayer;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
