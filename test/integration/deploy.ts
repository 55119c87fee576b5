import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Interface, ZeroAddress } from "ethers";
import type { FunctionFragment, Provider, Signer } from "ethers";
import { sessionClosures } from "../../deploy/devnet/feeds.ts";
import { localGuard, setGuards } from "../../deploy/devnet/guard.ts";
import { deploySafe, safeAbi } from "../../deploy/devnet/safe.ts";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { bringUp, localParameters } from "../../deploy/devnet/world.ts";
import type { World } from "../../deploy/devnet/world.ts";
import { guardPackets } from "../../deploy/guardPackets.ts";
import { fileJournal, JournalError, memoryJournal } from "../../deploy/journal.ts";
import type { Journal } from "../../deploy/journal.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { DeployParameters } from "../../deploy/parameters.ts";
import { regimeSeed } from "../../deploy/regimeSeed.ts";
import { DeployError, deployVault, ROLES } from "../../deploy/vault.ts";
import type { RegimeSeed } from "../../deploy/vault.ts";
import { dateOfDay, dayNumber, startOfDay } from "../../src/market/calendar.ts";
import { syntheticHistory } from "../../src/market/synthetic.ts";
import { toFeedUnits } from "../../src/market/units.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { verify } from "../../src/keeper/verify.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import { createPacket } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { readGuards } from "../../src/safe/guards.ts";
import {
  AccessManager__factory,
  HedgePolicy__factory,
  HedgeVault__factory,
  Rebalancer__factory,
  RegimeOracle__factory,
  ReviewGuard__factory,
} from "../../typechain-types/index.js";
import { ballastJson, ballastProcess, startDevnet } from "../helpers/ballast.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { rejection } from "../helpers/safeScene.ts";
import { expectRevert } from "../helpers/vaultScene.ts";

const history = syntheticHistory(1);
const seed: RegimeSeed = {
  closures: sessionClosures(history),
  closes: history.seedSessions.map(({ date, vix, vix3m }) => ({
    day: dayNumber(date),
    vix: toFeedUnits(vix),
    vix3m: toFeedUnits(vix3m),
  })),
};

describe("Deploying a vault", () => {
  let world: World;
  let provider: Provider;
  let signer: Signer;
  let parameters: DeployParameters;
  let snapshot: string;

  before(async () => {
    world = await bringUp({ history, vaults: [] });
    ({ provider } = world.chain);
    // An account that has sent nothing yet: its nonce counts the deployment's transactions.
    signer = world.chain.wallet("attacker");
    const { safe } = await deploySafe(world.chain);
    parameters = await localParameters(world, safe, DEFAULT_POLICY);
  });
  beforeEach(async () => {
    snapshot = await world.chain.request<string>("evm_snapshot");
  });
  afterEach(async () => {
    Reflect.deleteProperty(provider, "broadcastTransaction");
    await world.chain.request("evm_revert", [snapshot]);
  });

  it("goes on where it stopped, whichever step it is cut off at, and does no step twice", async () => {
    const whole = counted();
    const wanted = await deployVault({ signer, journal: whole.journal }, parameters, seed);
    const steps = whole.steps();
    expect(steps).to.have.length.above(30);
    expect(await sent()).to.equal(steps.length);
    await world.chain.request("evm_revert", [snapshot]);
    snapshot = await world.chain.request<string>("evm_snapshot");

    // Every attempt but the last gets one transaction out at most: lost on its way, or arrived with its answer lost.
    const { journal, steps: cutSteps } = counted();
    let deployment: Deployment | null = null;
    let attempts = 0;
    while (deployment === null) {
      cutOff(attempts % 2 === 0 ? "before sending" : "after sending");
      attempts += 1;
      deployment = await deployVault({ signer, journal }, parameters, seed).catch((error: unknown) => {
        if (error instanceof CutOff) return null;
        throw error;
      });
    }
    expect(attempts).to.be.above(steps.length);
    expect(cutSteps()).to.deep.equal(steps);
    expect(await sent()).to.equal(steps.length);
    expect(deployment).to.deep.equal(wanted);
  });

  it("keeps its journal in a file that survives, and does nothing when all is done", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ballast-deploy-"));
    try {
      const path = join(folder, "deep", "journal.json");
      const deployment = await deployVault({ signer, journal: fileJournal(path) }, parameters, seed);
      const before = {
        nonce: await sent(),
        text: await readFile(path, "utf8"),
        block: await provider.getBlockNumber(),
      };
      const lines: string[] = [];
      const report = (line: string): void => void lines.push(line);
      const again = await deployVault({ signer, journal: fileJournal(path), report }, parameters, seed);
      expect(again).to.deep.equal(deployment);
      expect(lines).to.deep.equal([]);
      const after = { nonce: await sent(), text: await readFile(path, "utf8"), block: await provider.getBlockNumber() };
      expect(after).to.deep.equal(before);

      await writeFile(path, before.text.slice(0, 100));
      expect(() => fileJournal(path)).to.throw(JournalError, path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("leaves the deployer nothing, and the Safe everything with a delay", async () => {
    const d = await deployVault({ signer, journal: memoryJournal() }, parameters, seed);
    const manager = AccessManager__factory.connect(d.accessManager, provider);
    const deployer = await signer.getAddress();
    const admin = await manager.ADMIN_ROLE();
    const { parameterDelay, adminDelay } = parameters.access;
    const keeper = parameters.access.keeper!;
    const holders = [deployer, d.safe, d.rebalancer, keeper];
    const held: Record<string, [string, bigint][]> = {};
    for (const [name, id] of Object.entries({ ...ROLES, admin })) {
      held[name] = [];
      for (const holder of holders) {
        const [isMember, delay] = await manager.hasRole(id, holder);
        if (isMember) held[name].push([holder, delay]);
      }
    }
    expect(held).to.deep.equal({
      rebalance: [[d.safe, 0n]],
      executor: [[d.rebalancer, 0n]],
      parameters: [[d.safe, BigInt(parameterDelay)]],
      calendar: [[d.safe, BigInt(parameterDelay)]],
      keeper: [[keeper, 0n]],
      guardian: [],
      proposer: [],
      admin: [[d.safe, BigInt(adminDelay)]],
    });

    // What the Safe may call at once, what after a delay, and what the deployer may not call any more.
    const oracle = RegimeOracle__factory.createInterface();
    const rebalancer = Rebalancer__factory.createInterface();
    const cases: [target: string, call: FunctionFragment, delay: number][] = [
      [d.rebalancer, rebalancer.getFunction("execute"), 0],
      [d.regimeOracle, oracle.getFunction("setClosures"), parameterDelay],
      [d.policy, HedgePolicy__factory.createInterface().getFunction("setPolicy"), parameterDelay],
      [d.vault, HedgeVault__factory.createInterface().getFunction("setAdapter"), parameterDelay],
      [d.regimeOracle, oracle.getFunction("seed"), adminDelay],
    ];
    for (const [target, { name, selector }, delay] of cases) {
      const [atOnce, wait] = await manager.canCall(d.safe, target, selector);
      expect([atOnce, Number(wait)], name).to.deep.equal([delay === 0, delay]);
      expect(await manager.canCall(deployer, target, selector), name).to.deep.equal([false, 0n]);
    }
  });

  describe("with a review guard", () => {
    const guarded = (): DeployParameters => ({ ...parameters, guard: localGuard(world.chain) });

    it("the Safe sets it in two transactions, the module guard first, and again nothing when it is set", async () => {
      const d = await deployVault({ signer, journal: memoryJournal() }, guarded(), seed);
      const packets = await guardPackets(provider, d);
      expect(packets.map(({ file }) => file)).to.deep.equal(["1-module-guard.packet.json", "2-guard.packet.json"]);
      expect(packets.map(({ packet }) => packet.safeTx.nonce)).to.deep.equal(["0", "1"]);
      await setGuards(world.chain, d);
      const { guard, moduleGuard } = await readGuards(provider, d.safe);
      expect([guard, moduleGuard]).to.deep.equal([d.guard, d.guard]);
      expect(await guardPackets(provider, d)).to.deep.equal([]);
      expect(await guardPackets(provider, { ...d, guard: undefined })).to.deep.equal([]);
    });

    it("what the Safe signs to set it is verified: the guard's code, whose it is, and the order", async () => {
      const d = await deployVault({ signer, journal: memoryJournal() }, guarded(), seed);
      const packets = (await guardPackets(provider, d)).map(({ packet }) => packet);
      const says = async (packet: Packet, deployment?: Deployment): Promise<string> => {
        const request = { provider: world.chain.provider, packet };
        const { ok, cause } = await verify(deployment === undefined ? request : { ...request, deployment });
        return ok ? "match" : `${cause?.name}: ${cause?.detail}`;
      };
      const [moduleGuard, guard] = [packets[0]!, packets[1]!];
      for (const packet of [moduleGuard, guard]) expect(await says(packet, d)).to.equal("match");
      const setting = (name: string, args: unknown[], nonce = 0, tail = ""): Packet => {
        const data = SAFE_INTERFACE.encodeFunctionData(name, args) + tail;
        const safeTx = plainCall(d.safe, data, nonce);
        return createPacket({ chainId: d.chainId, safe: d.safe, safeTx, plan: {}, evidence: {} });
      };
      expect(await says(setting("setGuard", [d.guard]), d)).to.match(/^order: the module guard is not set/);
      expect(await says(setting("setModuleGuard", [d.lens]))).to.match(/^guard: there is no review guard/);
      expect(await says(setting("setModuleGuard", [d.guard], 0, "00"))).to.match(/^call: /);
      expect(await says(setting("setModuleGuard", [ZeroAddress]))).to.match(/^guard removed: the Safe would have none/);

      const other = await deployVault({ signer, journal: memoryJournal() }, guarded(), seed);
      expect(await says(setting("setModuleGuard", [other.guard]))).to.equal("match");
      expect(await says(setting("setModuleGuard", [other.guard]), d)).to.match(/^your vault: the guard's guard is/);
      const { safe } = await deploySafe(world.chain, { saltNonce: 77n });
      const anothers = await deployVault({ signer, journal: memoryJournal() }, { ...guarded(), safe }, seed);
      expect(await says(setting("setModuleGuard", [anothers.guard]))).to.match(/^guard: it was made for Safe/);
      await setGuards(world.chain, d);
      expect(await says(moduleGuard, d)).to.match(/^freshness: /);
    });

    it("proposers may announce; a closed target stops them, never an owner", async () => {
      const access = { parameterDelay: 0, adminDelay: 0, keeper: null, guardian: null };
      const d = await deployVault({ signer, journal: memoryJournal() }, { ...guarded(), access }, seed);
      const guard = ReviewGuard__factory.connect(d.guard!, provider);
      const announce = async (who: AccountName, data: string): Promise<unknown> =>
        world.chain.send(who, await guard.announce.populateTransaction(d.safe, 0, data));
      await announce("keeper", "0x01");
      await expectRevert(announce("attacker", "0x02"), "NotAProposer");
      const manager = AccessManager__factory.connect(d.accessManager, provider);
      await asSafe(d.safe, await manager.setTargetClosed.populateTransaction(guard, true));
      await expectRevert(announce("keeper", "0x03"), "NotAProposer");
      await announce("owner2", "0x03");
    });

    it("refuses a Safe of 1.4.1 with modules, and warns of one without", async () => {
      const { safe } = await deploySafe(world.chain, { version: "1.4.1" });
      const lines: string[] = [];
      const context = { signer, journal: memoryJournal(), report: (line: string) => void lines.push(line) };
      const d = await deployVault(context, { ...guarded(), safe }, seed);
      expect(lines[0]).to.contain("1.4.1").and.to.contain("no module guard");
      expect((await guardPackets(provider, d)).map(({ file }) => file)).to.deep.equal(["2-guard.packet.json"]);

      const data = new Interface(safeAbi("1.4.1")).encodeFunctionData("enableModule", [d.lens]);
      await asSafe(safe, { to: safe, data });
      const error = await rejection(deployVault({ signer, journal: memoryJournal() }, { ...guarded(), safe }, seed));
      expect(error).to.be.instanceOf(DeployError);
      expect(error.message).to.contain(d.lens).and.to.contain("1.4.1");
    });

    async function asSafe(safe: string, call: { to: string; data: string }): Promise<void> {
      await world.chain.request("hardhat_impersonateAccount", [safe]);
      await world.chain.request("hardhat_setBalance", [safe, "0xde0b6b3a7640000"]);
      await world.chain.send({ address: safe }, call);
    }
  });

  it("sends nothing when the chain, a contract or the seed is not what the parameters need", async () => {
    const cases: [says: string, parameters: DeployParameters, seed: RegimeSeed][] = [
      ["serves chain 31337, the parameters are for chain 10", { ...parameters, chainId: "10" }, seed],
      [
        "safe 0x00000000000000000000000000000000000b0a75 has no code",
        { ...parameters, safe: "0x00000000000000000000000000000000000b0a75" },
        seed,
      ],
    ];
    for (const [says, wrong, with_] of cases) {
      const error = await rejection(deployVault({ signer, journal: memoryJournal() }, wrong, with_));
      expect(error).to.be.instanceOf(DeployError);
      expect(error.message).to.contain(says);
    }
    expect(await sent()).to.equal(0);
    const short = { ...seed, closes: seed.closes.slice(1) };
    const tooShort = await rejection(deployVault({ signer, journal: memoryJournal() }, parameters, short));
    expect(tooShort).to.be.instanceOf(DeployError);
    expect(tooShort.message).to.contain("250 past sessions").and.to.contain("249");
  });

  it("says in the contract's words why a step would revert", async () => {
    const swapped = { ...seed, closes: [...seed.closes] };
    [swapped.closes[3], swapped.closes[4]] = [swapped.closes[4]!, swapped.closes[3]!];
    const { journal, steps } = counted();
    const error = await rejection(deployVault({ signer, journal }, parameters, swapped));
    expect(error).to.be.instanceOf(DeployError);
    expect(error.message).to.match(/step "seed from 0" would revert: \w+\(\d+/);
    expect(steps()).not.to.contain("seed from 0");
    // With the data mended it goes on.
    await deployVault({ signer, journal }, parameters, seed);
  });

  it("names a step whose place another transaction took", async () => {
    cutOff("before sending");
    const journal = memoryJournal();
    await rejection(deployVault({ signer, journal }, parameters, seed));
    Reflect.deleteProperty(provider, "broadcastTransaction");
    await (await signer.sendTransaction({ to: await signer.getAddress() })).wait();
    const error = await rejection(deployVault({ signer, journal }, parameters, seed));
    expect(error).to.be.instanceOf(DeployError);
    expect(error.message).to.contain('step "deploy AccessManager"').and.to.contain("took nonce 0");
  });

  it("seeds from market data: 250 sessions before the day, closures to two years after", async function () {
    if (dataMissing("the regime seed from market data")) return;
    const real = await regimeSeed(DATA_DIR, startOfDay("2020-02-03") + 3_600);
    expect(real.closes).to.have.length(250);
    expect(dateOfDay(real.closes.at(-1)!.day)).to.equal("2020-01-31");
    expect(real.closes.at(-1)).to.deep.include({ vix: 1_884_000_000n });
    const days = real.closes.map(({ day }) => day);
    expect(days).to.deep.equal([...new Set(days)].sort((a, b) => a - b));
    expect(real.closures).to.include(dayNumber("2021-12-24")).and.to.include(dayNumber("2020-04-10"));
    expect(dateOfDay(real.closures.at(-1)!) <= "2022-02-02").to.equal(true);
    expect(days.filter((day) => real.closures.includes(day))).to.deep.equal([]);
  });

  it("deploys through the command line to a node, once, and the keeper starts from what it wrote", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ballast-deploy-"));
    const devnet = await startDevnet(folder);
    try {
      const rows = [
        ...history.seedSessions,
        ...history.days.flatMap((day) => (day.session === null ? [] : [{ date: day.date, ...day.session }])),
      ];
      for (const name of ["vix", "vix3m"] as const) {
        const lines = rows.map((row) => `${row.date},${row[name]}`);
        await writeFile(join(folder, `${name}.csv`), `date,close\n${lines.join("\n")}\n`);
      }
      const args = [
        ...["deploy", "--params", join(folder, "parameters.json"), "--rpc", devnet.url, "--data", folder],
        ...["--key-file", join(folder, "executor.key"), "--out", join(folder, "deployments")],
      ];
      const deployed = await ballastProcess([...args, "--json"]);
      expect(deployed.code, deployed.stderr).to.equal(0);
      const { file, ...deployment } = JSON.parse(deployed.stdout) as Deployment & { file: string };
      expect(JSON.parse(await readFile(file, "utf8"))).to.deep.equal(deployment);
      const { address } = world.chain.wallet("executor");
      const nonce = await devnet.provider.getTransactionCount(address);
      expect(deployed.stderr.trim().split("\n")).to.have.length(nonce);

      const again = await ballastJson(args);
      expect(again.json).to.deep.equal({ ...deployment, file });
      expect(again.stderr).to.equal("");
      expect(await devnet.provider.getTransactionCount(address)).to.equal(nonce);

      const once = await ballastJson(["keeper", "once", "--rpc", devnet.url, "--deployment", file, "--out", folder]);
      expect(once.code, once.stderr).to.equal(0);
      expect(once.json).to.include({ regime: "Calm", navBefore: "0" });
      expect(await devnet.stop("SIGINT")).to.equal(0);
    } finally {
      await devnet.stop("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    }
  });

  /** From the next transaction but one on, the connection is lost: before it is sent, or before its answer. */
  function cutOff(when: "before sending" | "after sending"): void {
    Reflect.deleteProperty(provider, "broadcastTransaction");
    const send = provider.broadcastTransaction.bind(provider);
    Object.assign(provider, {
      broadcastTransaction: async (signed: string) => {
        if (when === "after sending") await send(signed);
        throw new CutOff();
      },
    });
  }

  async function sent(): Promise<number> {
    return provider.getTransactionCount(await signer.getAddress());
  }
});

/** A journal, and the steps entered in it, in order. */
function counted(): { journal: Journal; steps: () => string[] } {
  const memory = memoryJournal();
  const entered: string[] = [];
  return {
    journal: {
      get: (step) => memory.get(step),
      set(step, entry) {
        entered.push(step);
        memory.set(step, entry);
      },
    },
    steps: () => entered,
  };
}

class CutOff extends Error {
  constructor() {
    super("the connection is lost");
    this.name = "CutOff";
  }
}
