import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Interface, ZeroAddress, dataSlice, getAddress, keccak256, toBeHex } from "ethers";
import type { ContractTransaction } from "ethers";
import { audit } from "../../deploy/audit/audit.ts";
import type { Audit, AuditRequest } from "../../deploy/audit/audit.ts";
import { readBuild } from "../../deploy/audit/build.ts";
import type { ContractName } from "../../deploy/audit/build.ts";
import type { Row } from "../../deploy/audit/rows.ts";
import { safeAbi, safeArtifact } from "../../deploy/devnet/safe.ts";
import { localParameters } from "../../deploy/devnet/world.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import type { DeployParameters } from "../../deploy/parameters.ts";
import { FUNCTION_ROLES, MANAGED, ROLES, selectorOf } from "../../deploy/vault.ts";
import { WrongChain } from "../../src/keeper/observe.ts";
import { GUARD_SLOT } from "../../src/safe/guards.ts";
import { PROXY_HASHES } from "../../src/safe/published.ts";
import { AccessManager__factory, AttestedFeed__factory } from "../../typechain-types/index.js";
import { ballast, ballastJson } from "../helpers/ballast.ts";
import { SAFE_VERSIONS, rejection } from "../helpers/safeScene.ts";
import { serveChain } from "../helpers/serveChain.ts";
import { newRounds, sceneOf, vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const DAY = 86_400;
const SAFE = new Interface(safeAbi("1.5.0"));
/** A contract that burns all the gas it is given. */
const BURNING = "0xfe";
/** A contract that reverts without a word. */
const REVERTING = "0x5f5ffd";
/** A contract that answers every call with a word of ones. */
const NONSENSE = "0x5f195f5260205ff3";
/** One that answers every call with 255: as decimals, as a regime. */
const TOO_MUCH = "0x60ff5f5260205ff3";

describe("Auditing a deployment", () => {
  let scene: VaultScene;
  let parameters: DeployParameters;

  before(async () => {
    const vault = { policy: DEFAULT_POLICY, deposit: 1_000_000 };
    scene = await vaultScene([
      { ...vault, name: "guarded", guard: true },
      { ...vault, name: "second", guard: false },
    ]);
    parameters = await localParameters(scene.world, scene.safe, DEFAULT_POLICY, true);
  });
  afterEach(() => scene.reset());

  const audited = (more: Partial<AuditRequest> = {}): Promise<Audit> =>
    audit({ provider: scene.chain.provider, deployment: scene.deployment, parameters, ...more });

  /** The rows that do not match, by their names, and that each says what it means. */
  const wrong = async (more: Partial<AuditRequest> = {}): Promise<Record<string, Row>> => {
    const { ok, rows } = await audited(more);
    const found = rows.filter(({ state }) => state !== "match");
    expect(ok).to.equal(found.every(({ state }) => state === "attention" || state === "not compared"));
    for (const { name, meaning } of found) expect(meaning, name).to.be.a("string").and.to.have.length.above(10);
    return Object.fromEntries(found.map((row) => [row.name, row]));
  };

  /** These rows differ, and no others; with the days that changes take, the regime is known no more. */
  const expectDiffering = async (...names: string[]): Promise<Record<string, Row>> => {
    const { "regime now": _regime, ...found } = await wrong();
    expect(Object.entries(found).map(([name, { state }]) => `${name}: ${state}`)).to.have.members(
      names.map((name) => `${name}: differs`),
    );
    return found;
  };

  const codeOf = (address: string): Promise<string> => scene.chain.provider.getCode(address);
  const setCode = (address: string, code: string): Promise<unknown> =>
    scene.chain.request("hardhat_setCode", [address, code]);

  /** Changes one byte of a contract's code. */
  async function flip(address: string, at: number): Promise<void> {
    const code = await codeOf(address);
    const byte = toBeHex(Number(dataSlice(code, at, at + 1)) ^ 1, 1).slice(2);
    await setCode(address, code.slice(0, 2 + 2 * at) + byte + code.slice(4 + 2 * at));
  }

  /** Writes another value into all places of an immutable, or of a library's address. */
  async function rewrite(contract: ContractName, address: string, name: string, value: bigint): Promise<void> {
    const { immutables, libraries } = (await readBuild())[contract];
    let code = await codeOf(address);
    for (const { start, length } of immutables.get(name) ?? libraries.get(name) ?? []) {
      code = code.slice(0, 2 + 2 * start) + toBeHex(value, length).slice(2) + code.slice(2 + 2 * (start + length));
    }
    expect(code).not.to.equal(await codeOf(address));
    await setCode(address, code);
  }

  /** Sends as any account, a contract too. */
  async function as(address: string, call: ContractTransaction | { to: string; data: string }): Promise<void> {
    await scene.chain.request("hardhat_impersonateAccount", [address]);
    await scene.chain.request("hardhat_setBalance", [address, toBeHex(10n ** 21n)]);
    await scene.chain.send({ address }, call);
  }

  /** The Safe as administrator: scheduled, and executed when its delay is over. */
  async function asAdministrator(call: ContractTransaction | { to: string; data: string }): Promise<void> {
    const { manager } = scene.contracts;
    await as(scene.safe, await manager.schedule.populateTransaction(call.to, call.data, 0));
    await scene.chain.warpTo((await scene.chain.now()) + 3 * DAY);
    await newRounds(scene);
    await as(scene.safe, await manager.execute.populateTransaction(call.to, call.data));
  }

  const ofSafe = (name: string, args: unknown[]): Promise<void> =>
    as(scene.safe, { to: scene.safe, data: SAFE.encodeFunctionData(name, args) });

  it("finds nothing in one that nobody touched, with nothing left out", async () => {
    const { ok, rows } = await audited();
    expect(rows.filter(({ state }) => state !== "match")).to.deep.equal([]);
    expect(ok).to.equal(true);
    expect(new Set(rows.map(({ topic }) => topic)).size).to.equal(7);
    expect(new Set(rows.map(({ name }) => name)).size).to.equal(rows.length);
    const immutables = Object.values(await readBuild()).filter(({ name }) => name !== "AttestedFeed");
    for (const { name, immutables: values } of immutables) {
      for (const value of values.keys()) expect(rows.map((row) => row.name)).to.include(`${name}.${value}`);
    }
  });

  it("audits a vault beside it that follows the same oracle, and names another manager there", async () => {
    const second = sceneOf(scene, 1);
    const own = await localParameters(scene.world, second.safe, DEFAULT_POLICY);
    expect(await wrong({ deployment: second.deployment, parameters: own })).to.deep.equal({});
    const { regimeOracleAuthority: _shared, ...atDeployment } = second.deployment.atDeployment!;
    const alone = { ...second.deployment, atDeployment };
    expect(await wrong({ deployment: alone, parameters: own })).to.have.property("RegimeOracle.authority");
  });

  it("finds a deployment from its vault, and says what it cannot compare then", async () => {
    const found = await audited({ deployment: { vault: scene.deployment.vault } });
    const { atDeployment: _was, network: _network, ...contracts } = scene.deployment;
    expect(found.contracts).to.deep.include(contracts);
    const skipped = found.rows.filter(({ state }) => state !== "match");
    expect(skipped.map(({ name, state }) => `${name}: ${state}`)).to.deep.equal(
      ["version", "owners", "threshold"].map((name) => `${name}: not compared`),
    );
    expect(found.ok).to.equal(true);

    const deployment = { vault: sceneOf(scene, 1).deployment.vault };
    const bare = await audit({ provider: scene.chain.provider, deployment });
    const states = Object.fromEntries(bare.rows.map(({ name, state }) => [name, state]));
    expect(states).to.include({
      HedgeVault: "match",
      "HedgeVault.priceOracle": "match",
      VaultLens: "not compared",
      "UniswapV3Adapter: cap": "not compared",
      "PriceOracle.baseFeed": "not compared",
      "keeper: members": "not compared",
      "executor: members": "match",
      "parameters: members": "match",
      "parameters: delays": "not compared",
      "Rebalancer.execute": "match",
      modules: "match",
      owners: "not compared",
    });
    const error = await rejection(audited({ deployment: { vault: scene.deployment.policy } }));
    expect(error.name).to.equal("NotFoundFrom");
    expect(error.message).to.contain("priceOracle()").and.to.contain("--deployment");
  });

  describe("code", () => {
    it("finds one byte of the vault's", async () => {
      await flip(scene.deployment.vault, 9_000);
      const { HedgeVault: row } = await expectDiffering("HedgeVault");
      expect(row?.found).to.match(/^\d+ bytes, another from byte 9000 on$/);
    });

    it("finds one byte of every other contract's", async () => {
      const { deployment: d } = scene;
      const places: [string, string][] = [
        ["AccessManager", d.accessManager],
        ["RedemptionQueue", d.redemptionQueue!],
        ["SharePrice", d.sharePrice!],
        ["PriceOracle", d.priceOracle],
        ["Rebalancer", d.rebalancer],
        ["HedgePolicy", d.policy],
        ["RegimeOracle", d.regimeOracle],
        ["UniswapV3Adapter", d.liquidityAdapter],
        ["CurieAdapter", d.perpAdapter],
        ["VaultLens", d.lens],
        ["ReviewGuard", d.guard!],
      ];
      // The last bytes are the compiler's description of the sources: they change nothing that runs, only what was built.
      for (const [, address] of places) await flip(address, (await codeOf(address)).length / 2 - 20);
      await expectDiffering(...places.map(([name]) => name));
    });

    it("finds an immutable with another value, and one with two", async () => {
      const { sharePrice, vault } = scene.deployment;
      await rewrite("SharePrice", sharePrice!, "bandBps", 5_000n);
      const found = await expectDiffering("SharePrice.bandBps");
      expect(found["SharePrice.bandBps"]).to.include({ expected: "500", found: "5000", topic: "limits" });

      const [place] = (await readBuild()).HedgeVault.immutables.get("_asset")!;
      await flip(vault, place!.start + 31);
      const both = await wrong();
      expect(both["HedgeVault._asset"]).to.include({ state: "could not be read" });
      expect(both["HedgeVault._asset"]?.meaning).to.contain("different values");
    });

    it("finds a library that is another, by address and by code", async () => {
      const { vault, venueList, redemptionQueue } = scene.deployment;
      const copy = "0x00000000000000000000000000000000000c0de5";
      await setCode(copy, await codeOf(venueList!));
      await rewrite("HedgeVault", vault, "VenueList", BigInt(copy));
      const found = await expectDiffering("HedgeVault: VenueList");
      expect(found["HedgeVault: VenueList"]).to.include({ expected: venueList, found: getAddress(copy) });

      // Its own address in it is that of the one it was copied from.
      await setCode(redemptionQueue!, await codeOf(venueList!));
      const swapped = await wrong();
      expect(Object.keys(swapped)).to.have.members([
        "HedgeVault: VenueList",
        "RedemptionQueue",
        "RedemptionQueue: call protection",
      ]);
    });
  });

  describe("roles", () => {
    const { executor, parameters: ofParameters, keeper } = ROLES;

    it("finds a member too many, and an administrator who waits for nothing", async () => {
      const { manager } = scene.contracts;
      const attacker = scene.chain.address("attacker");
      await asAdministrator(await manager.grantRole.populateTransaction(executor, attacker, 0));
      const found = await expectDiffering("executor: members", "executor: delays");
      expect(found["executor: members"]?.found).to.contain(attacker).and.to.contain(scene.deployment.rebalancer);
      expect(found["executor: delays"]?.found).to.contain(`${attacker} at once`);
      await asAdministrator(await manager.grantRole.populateTransaction(0, attacker, 0));
      await expectDiffering(...["executor: members", "executor: delays", "admin: members", "admin: delays"]);
      // The deployment file alone says whose these roles are.
      const { ok, rows } = await audit({ provider: scene.chain.provider, deployment: scene.deployment });
      expect(ok).to.equal(false);
      expect(rows.filter(({ state }) => state === "differs").map(({ name }) => name)).to.include("executor: members");
    });

    it("finds a member too few", async () => {
      const { manager } = scene.contracts;
      await asAdministrator(await manager.revokeRole.populateTransaction(keeper, scene.chain.address("keeper")));
      const found = await expectDiffering("keeper: members", "keeper: delays");
      expect(found["keeper: members"]?.found).to.equal("nobody");
    });

    it("finds a delay that is lower, and one that will be", async () => {
      const { manager } = scene.contracts;
      await asAdministrator(await manager.grantRole.populateTransaction(ofParameters, scene.safe, 60));
      const found = await expectDiffering("parameters: delays");
      expect(found["parameters: delays"]?.found).to.match(
        new RegExp(`^${scene.safe} after 2 d, after 1 min from 2030-`),
      );
      await scene.chain.warpTo((await scene.chain.now()) + 3 * DAY);
      await newRounds(scene);
      const later = await expectDiffering("parameters: delays");
      expect(later["parameters: delays"]?.found).to.equal(`${scene.safe} after 1 min`);
    });

    it("finds a function that takes another role, and one that should take none", async () => {
      const { manager, vault, rebalancer } = scene.contracts;
      const setAdapter = vault.interface.getFunction("setAdapter").selector;
      const updateAuthority = manager.interface.getFunction("updateAuthority").selector;
      const set = manager.setTargetFunctionRole;
      await asAdministrator(await set.populateTransaction(scene.deployment.vault, [setAdapter], keeper));
      const found = await expectDiffering("HedgeVault.setAdapter");
      expect(found["HedgeVault.setAdapter"]).to.include({ expected: "parameters", found: "keeper" });
      const anyone = 2n ** 64n - 1n;
      await asAdministrator(await set.populateTransaction(await rebalancer.getAddress(), [updateAuthority], anyone));
      const both = await expectDiffering("HedgeVault.setAdapter", "anything else");
      expect(both["anything else"]?.found).to.contain(`anyone may call ${updateAuthority}`);
    });

    it("finds a closed target, another authority, and who else may give a role", async () => {
      const { manager } = scene.contracts;
      const { rebalancer, accessManager } = scene.deployment;
      await asAdministrator(await manager.setTargetClosed.populateTransaction(rebalancer, true));
      await expectDiffering("Rebalancer: open");
      await asAdministrator(await manager.setRoleAdmin.populateTransaction(executor, keeper));
      await expectDiffering("Rebalancer: open", "executor: keepers");
      const other = await scene.chain.deploy(AccessManager__factory, [scene.chain.address("attacker")]);
      await as(accessManager, await scene.contracts.policy.setAuthority.populateTransaction(await other.getAddress()));
      const found = await expectDiffering("Rebalancer: open", "executor: keepers", "HedgePolicy.authority");
      expect(found["HedgePolicy.authority"]?.found).to.equal(getAddress(await other.getAddress()));
    });

    it("lists what is scheduled, when it may run, and fails nothing for it", async () => {
      const { manager, vault } = scene.contracts;
      const call = await vault.setReserve.populateTransaction(1_000);
      await as(scene.safe, await manager.schedule.populateTransaction(call.to, call.data, 0));
      const at = new Date(((await scene.chain.now()) + 2 * DAY) * 1_000).toISOString().slice(0, 10);
      const found = Object.values(await wrong());
      expect(found).to.have.length(1);
      expect(found[0]).to.include({ topic: "pending", state: "attention" });
      expect(found[0]?.found).to.equal(`HedgeVault.setReserve(1000), by ${scene.safe}`);
      expect(found[0]?.meaning).to.contain(`from ${at}`);
      expect((await audited()).ok).to.equal(true);
      await as(scene.safe, await manager.cancel.populateTransaction(scene.safe, call.to, call.data));
      expect(await wrong()).to.deep.equal({});
    });

    it("says so when events from before are missing, and reads them in parts", async () => {
      const found = await wrong({ fromBlock: scene.deployment.atDeployment!.block + 5 });
      expect(found["executor: members"]).to.include({ state: "could not be read" });
      expect(found["executor: members"]?.meaning).to.contain("HistoryUnavailable").and.to.contain("--from-block");
      expect(found["schedules"]).to.include({ state: "could not be read" });
      expect(Object.keys(found)).not.to.include("Rebalancer.execute");
      // Without a block the manager's first is found; a node may grant a few blocks of logs at a time.
      const { atDeployment: _was, ...bare } = scene.deployment;
      const { provider } = scene.chain;
      const whole = provider.getLogs.bind(provider);
      let asked = 0;
      Object.assign(provider, {
        getLogs: async (filter: { fromBlock: number; toBlock: number }) => {
          asked += 1;
          if (filter.toBlock - filter.fromBlock >= 16)
            throw Object.assign(new Error("range"), { code: "SERVER_ERROR" });
          return whole(filter);
        },
      });
      try {
        const { rows } = await audited({ deployment: { ...bare, atDeployment: { block: 0 } } });
        const states = Object.fromEntries(rows.map(({ name, state }) => [name, state]));
        expect(states).to.include({ "executor: members": "match", "anything else": "match", schedules: "match" });
        expect(asked).to.be.above(10);
      } finally {
        Reflect.deleteProperty(provider, "getLogs");
      }
      expect(Object.keys(await wrong({ deployment: bare }))).to.have.members(["version", "owners", "threshold"]);
    });
  });

  describe("limits and feeds", () => {
    it("finds a cap that was raised, and a policy with another band", async () => {
      const { vault, policy } = scene.contracts;
      const { liquidityAdapter } = scene.deployment;
      const cap = await vault.setAdapter.populateTransaction(liquidityAdapter, parameters.uniswap.capAssets, 9_000);
      await asAdministrator(cap);
      const found = await expectDiffering("UniswapV3Adapter: cap");
      expect(found["UniswapV3Adapter: cap"]?.found).to.contain("bps 9000");
      const { bands, targets } = DEFAULT_POLICY.Calm;
      await asAdministrator(await policy.setPolicy.populateTransaction(0, { ...bands, lossMaxBps: 101 }, targets));
      const both = await expectDiffering("UniswapV3Adapter: cap", "HedgePolicy: Calm bands");
      expect(both["HedgePolicy: Calm bands"]?.found).to.contain("lossMaxBps 101");
    });

    it("shows a reserve the Safe has set, and fails nothing for it", async () => {
      await asAdministrator(await scene.contracts.vault.setReserve.populateTransaction(500));
      const found = await wrong();
      expect(found["HedgeVault.reserveBps"]).to.include({ state: "attention", found: "500" });
      expect((await audited()).ok).to.equal(true);
    });

    it("finds a price feed that is another", async () => {
      const { feeds } = scene.world;
      const other = BigInt(await feeds.vix.getAddress());
      await rewrite("PriceOracle", scene.deployment.priceOracle, "assetFeed", other);
      const found = await wrong();
      expect(found["PriceOracle.assetFeed"]).to.include({ state: "differs", topic: "feeds" });
      expect(found["PriceOracle.assetFeed"]?.expected).to.equal(getAddress(await feeds.usdcUsd.getAddress()));
    });

    it("audits a feed of its own reporters, and shows who they are", async () => {
      const { accessManager, regimeOracle } = scene.deployment;
      const reporter = scene.chain.address("keeper");
      const rules = { threshold: 1, closeDelay: 60, maxLag: 3_600, maxEaseBps: 2_000 };
      const range = { least: 500_000_000n, greatest: 50_000_000_000n };
      const feed = await scene.chain.deploy(AttestedFeed__factory, [
        accessManager,
        "VIX",
        8,
        true,
        range,
        [reporter],
        rules,
      ]);
      const vix = getAddress(await feed.getAddress());
      await rewrite("RegimeOracle", regimeOracle, "vixFeed", BigInt(vix));
      const own = { ...parameters, feeds: { ...parameters.feeds, vix } };
      const { rows, ok } = await audited({ parameters: own });
      const found = Object.fromEntries(rows.map((row) => [row.name, row]));
      expect(ok).to.equal(true);
      expect(found["vix feed: code"]).to.include({ state: "match" });
      expect(found["vix feed: reporters"]).to.include({ state: "not compared", found: reporter });
      expect(found["vix feed: setReporters"]).to.include({ state: "match", found: "admin" });
      await flip(vix, 1_000);
      expect(await wrong({ parameters: own })).to.have.nested.property("vix feed: code.state", "differs");
    });

    it("finds a feed that is stale, and a regime that is not known any more", async () => {
      await scene.chain.warpTo((await scene.chain.now()) + 30 * DAY);
      const found = await wrong();
      expect(Object.entries(found).map(([name, { state }]) => `${name}: ${state}`)).to.have.members([
        "base feed now: differs",
        "asset feed now: differs",
        "regime now: attention",
      ]);
    });
  });

  describe("the Safe", () => {
    it("finds an owner more, a lower threshold, and a module", async () => {
      const owners = await readOwners();
      await ofSafe("addOwnerWithThreshold", [scene.chain.address("attacker"), 2]);
      const found = await expectDiffering("owners");
      expect(found["owners"]?.found).to.contain(scene.chain.address("attacker")).and.to.contain(owners[0]);
      await ofSafe("changeThreshold", [1]);
      await ofSafe("enableModule", [scene.chain.address("attacker")]);
      const all = await expectDiffering("owners", "threshold", "modules");
      expect(all["threshold"]).to.include({ expected: "2", found: "1" });
    });

    it("finds guards that were removed, and another fallback handler", async () => {
      await ofSafe("setModuleGuard", [ZeroAddress]);
      const found = await expectDiffering("module guard");
      expect(found["module guard"]).to.include({ expected: scene.deployment.guard, found: "none" });
      await scene.chain.request("hardhat_setStorageAt", [scene.safe, GUARD_SLOT, toBeHex(0, 32)]);
      await expectDiffering("module guard", "guard");
      await ofSafe("setFallbackHandler", [scene.deployment.lens]);
      await expectDiffering("module guard", "guard", "fallback handler");
    });

    it("finds a singleton and a proxy nobody published", async () => {
      const singleton = getAddress(dataSlice(await scene.chain.provider.getStorage(scene.safe, 0), 12));
      await flip(singleton, (await codeOf(singleton)).length / 2 - 20);
      await expectDiffering("singleton code");
      await flip(scene.safe, (await codeOf(scene.safe)).length / 2 - 20);
      await expectDiffering("singleton code", "proxy code");
    });

    it("knows the proxies as they are published", () => {
      for (const version of SAFE_VERSIONS) {
        const { deployedBytecode } = safeArtifact(version, "proxies/SafeProxy.sol/SafeProxy") as unknown as {
          deployedBytecode: string;
        };
        expect(PROXY_HASHES[version]).to.equal(keccak256(deployedBytecode));
      }
    });

    async function readOwners(): Promise<string[]> {
      const data = SAFE.encodeFunctionData("getOwners");
      return [
        ...(SAFE.decodeFunctionResult(
          "getOwners",
          await scene.chain.provider.call({ to: scene.safe, data }),
        )[0] as string[]),
      ];
    }
  });

  it("takes nothing for a match that a contract does not answer, and goes on", async () => {
    const { deployment: d } = scene;
    for (const code of [BURNING, REVERTING, NONSENSE, TOO_MUCH, "0x"]) {
      const { asset, base, feeds } = parameters;
      const places = [d.vault, d.policy, d.guard!, d.accessManager, d.regimeOracle, asset, base, feeds.base.feed];
      for (const address of places) {
        await setCode(address, code);
      }
      const found = await wrong();
      expect(found["HedgeVault"]).to.include({ state: "differs" });
      expect(found["HedgeVault.priceOracle"]).to.include({ state: "could not be read" });
      for (const name of ["UniswapV3Adapter: cap", "HedgePolicy: Calm bands", "executor: members", "base feed now"]) {
        expect(found[name], `${name}, ${code}`).to.include({ state: "could not be read" });
        expect(found[name]?.meaning).to.contain("Unanswered: 0x");
      }
      expect(found["regime now"]?.state).to.be.oneOf(["could not be read", "differs"]);
      await scene.reset();
    }
  });

  it("reads the events of a manager whose labels nobody can read", async () => {
    const { manager } = scene.contracts;
    const call = await manager.labelRole.populateTransaction(ROLES.keeper, "?");
    await asAdministrator({ to: call.to, data: call.data.replace(/3f(0+)$/, "ff$1") });
    await expectDiffering();
  });

  it("asks another chain nothing", async () => {
    const error = await rejection(audited({ deployment: { ...scene.deployment, chainId: "10" } }));
    expect(error).to.be.instanceOf(WrongChain);
    const others = await rejection(audited({ parameters: { ...parameters, safe: scene.deployment.lens } }));
    expect(others.name).to.equal("ParametersOfAnother");
  });

  describe("as a command", () => {
    let folder: string;
    let url: string;
    let close: () => void;

    before(async () => {
      ({ url, close } = await serveChain(scene.chain));
      folder = await mkdtemp(join(tmpdir(), "ballast-audit-"));
      await writeFile(join(folder, "deployment.json"), JSON.stringify(scene.deployment));
      await writeFile(join(folder, "parameters.json"), JSON.stringify(parameters));
    });
    after(async () => {
      close();
      await rm(folder, { recursive: true, force: true });
    });

    it("ends with 0 when all matches, on one screen, and with 1 when something differs", async () => {
      const args = [
        ...["audit", scene.deployment.vault, "--deployment", join(folder, "deployment.json")],
        ...["--parameters", join(folder, "parameters.json"), "--rpc", url],
      ];
      const good = await ballast(args);
      expect(good.code, good.stdout + good.stderr).to.equal(0);
      expect(good.stdout).to.contain("\nMATCH: the chain is as");
      expect(good.stdout.split("\n")).to.have.length.below(40);
      expect((await ballast([...args, "--all"])).stdout).to.match(/^ {2}ok HedgeVault\.setAdapter +parameters$/m);

      await flip(scene.deployment.vault, 9_000);
      const bad = await ballast(args);
      expect(bad.code).to.equal(1);
      expect(bad.stdout).to.match(/^ {2}NO HedgeVault +\d+ bytes, another from byte 9000 on\n {7}expected \d+ bytes/m);
      expect(bad.stdout).to.contain("NO MATCH: 1 differ, 0 could not be read");
      const { code, json } = await ballastJson(args);
      expect(code).to.equal(1);
      expect(json).to.include({ ok: false, chainId: "31337" });
      expect(json["rows"]).to.be.an("array").with.length.above(100);
    });

    it("finds the rest from the vault's address, and says what was not compared", async () => {
      const found = await ballast(["audit", scene.deployment.vault, "--rpc", url]);
      expect(found.code, found.stdout + found.stderr).to.equal(0);
      expect(found.stdout).to.contain("MATCH, as far as it was compared");
    });

    it("ends with 2 on wrong usage, and names another chain or vault", async () => {
      const file = join(folder, "deployment.json");
      const usage: [args: string[], says: string][] = [
        [[], "the vault is missing"],
        [[file, "--deployment", file], "given twice"],
        [[scene.deployment.policy, "--deployment", file], `not of ${scene.deployment.policy}`],
        [[file, "--from-block", "x"], "no block number"],
      ];
      for (const [args, says] of usage) {
        const { code, stderr } = await ballast(["audit", ...args, "--rpc", url]);
        expect(code, stderr).to.equal(2);
        expect(stderr).to.contain(says);
      }
      await writeFile(join(folder, "other.json"), JSON.stringify({ ...scene.deployment, chainId: "10" }));
      const other = await ballast(["audit", join(folder, "other.json"), "--rpc", url]);
      expect(other.code).to.equal(1);
      expect(other.stderr).to.match(/^WrongChain: /);
    });
  });
});

describe("The table of roles", () => {
  it("has every function that asks the AccessManager, and no other", () => {
    const files = readdirSync("contracts", { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".sol"),
    );
    const asking = files.flatMap((file) => {
      const text = readFileSync(`contracts/${file}`, "utf8").replaceAll(/\/\/.*$/gm, "");
      const contract = /(\w+)\.sol$/.exec(file)![1]!;
      const restricted = [...text.matchAll(/function (\w+)\([^)]*\)([^{;]*)[{;]/g)]
        .filter(([, , modifiers]) => /\brestricted\b/.test(modifiers!))
        .map(([, name]) => `${contract}.${name!}`);
      // The guard asks whether the caller may call what it called, and lets owners pass without.
      const asked = text.includes("canCallWithDelay(") || text.includes(".canCall(") ? [`${contract}.announce`] : [];
      return [...restricted, ...asked];
    });
    const table = FUNCTION_ROLES.flatMap(({ contract, functions }) => functions.map((name) => `${contract}.${name}`));
    // Deployed by hand, beside a deployment: its administrator's alone.
    expect(asking).to.have.members([...table, "AttestedFeed.setReporters"]);
    expect(asking).to.include("ReviewGuard.announce").and.to.have.length.above(12);
  });

  it("gives each function one role", () => {
    const named = FUNCTION_ROLES.flatMap(({ contract, functions }) =>
      functions.map((name) => `${contract} ${selectorOf(MANAGED[contract].abi, name)}`),
    );
    expect(new Set(named).size).to.equal(named.length);
  });
});
