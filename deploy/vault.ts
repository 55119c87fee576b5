import { BaseWallet, Contract, Transaction, ZeroAddress, getCreateAddress } from "ethers";
import type { ContractFactory, ContractTransaction, Interface, Provider, Signer } from "ethers";
import { CONTRACT_ERRORS } from "../src/keeper/contractErrors.ts";
import type { Deployment } from "../src/plan/deployment.ts";
import { readSafe } from "../src/safe/account.ts";
import { NotASafe } from "../src/safe/errors.ts";
import { hasModuleGuard, readModules, readSafeSetup } from "../src/safe/guards.ts";
import { explainRevert, revertDataOf } from "../src/safe/revert.ts";
import {
  AccessManager__factory,
  CurieAdapter__factory,
  HedgePolicy__factory,
  HedgeVault__factory,
  PriceOracle__factory,
  Rebalancer__factory,
  RedemptionQueue__factory,
  RegimeOracle__factory,
  ReviewGuard__factory,
  SharePrice__factory,
  UniswapV3Adapter__factory,
  VaultLens__factory,
  VenueList__factory,
} from "../typechain-types/index.js";
import type { Journal, JournalEntry } from "./journal.ts";
import type { DeployParameters } from "./parameters.ts";

/** AccessManager roles. The guardian may cancel what the roles with a delay have scheduled. */
export const ROLES = {
  rebalance: 1n,
  executor: 2n,
  parameters: 3n,
  calendar: 4n,
  keeper: 5n,
  guardian: 6n,
  proposer: 7n,
} as const;
/** AccessManager's own first role, of which everything is that nobody else was given. */
export const ADMIN_ROLE = 0n;
export type RoleName = keyof typeof ROLES | "admin";

/** Some `restricted` functions of one contract, and the role that may call them. */
export interface FunctionRole {
  contract: keyof typeof MANAGED;
  role: RoleName;
  functions: string[];
  /** The journal's name for giving them to that role. */
  step: string;
}

/** The contracts whose functions AccessManager guards: where the deployment has them, and their ABI. */
export const MANAGED = {
  Rebalancer: { key: "rebalancer", abi: Rebalancer__factory.createInterface() },
  UniswapV3Adapter: { key: "liquidityAdapter", abi: UniswapV3Adapter__factory.createInterface() },
  CurieAdapter: { key: "perpAdapter", abi: CurieAdapter__factory.createInterface() },
  HedgeVault: { key: "vault", abi: HedgeVault__factory.createInterface() },
  HedgePolicy: { key: "policy", abi: HedgePolicy__factory.createInterface() },
  RegimeOracle: { key: "regimeOracle", abi: RegimeOracle__factory.createInterface() },
  ReviewGuard: { key: "guard", abi: ReviewGuard__factory.createInterface() },
} as const satisfies Record<string, { key: keyof Deployment; abi: Interface }>;

/**
 * Who may call what: every function that asks AccessManager, so that `wire` and an audit of what was wired cannot differ.
 * A deployment has no AttestedFeed: one it reads is deployed by hand, and its `setReporters` stays with its administrator.
 */
export const FUNCTION_ROLES: readonly FunctionRole[] = [
  { contract: "Rebalancer", role: "rebalance", functions: ["execute"], step: "Rebalancer.execute" },
  { contract: "Rebalancer", role: "keeper", functions: ["deleverage"], step: "Rebalancer.deleverage" },
  {
    contract: "UniswapV3Adapter",
    role: "executor",
    functions: ["setLiquidity", "burnLiquidity"],
    step: "UniswapV3Adapter positions",
  },
  {
    contract: "CurieAdapter",
    role: "executor",
    functions: ["setPosition", "reducePosition"],
    step: "CurieAdapter positions",
  },
  {
    contract: "HedgeVault",
    role: "parameters",
    functions: ["setAdapter", "removeAdapter", "setLimits", "setReserve", "setRebalancer"],
    step: "HedgeVault parameters",
  },
  { contract: "HedgePolicy", role: "parameters", functions: ["setPolicy"], step: "HedgePolicy parameters" },
  { contract: "RegimeOracle", role: "calendar", functions: ["setClosures"], step: "RegimeOracle calendar" },
  { contract: "RegimeOracle", role: "admin", functions: ["seed"], step: "RegimeOracle seed" },
  { contract: "ReviewGuard", role: "proposer", functions: ["announce"], step: "ReviewGuard.announce" },
];

/** Who holds a role in every deployment, and which of the parameters' delays its calls wait; null for none. */
export const STANDING_HOLDERS = {
  admin: { holder: "safe", delay: "adminDelay" },
  rebalance: { holder: "safe", delay: null },
  executor: { holder: "rebalancer", delay: null },
  parameters: { holder: "safe", delay: "parameterDelay" },
  calendar: { holder: "safe", delay: "parameterDelay" },
} as const satisfies Partial<
  Record<RoleName, { holder: "safe" | "rebalancer"; delay: keyof DeployParameters["access"] | null }>
>;

/** The roles whose scheduled calls the guardian may cancel; all others' only the administrator. */
export const GUARDED_ROLES = ["parameters", "calendar"] as const satisfies RoleName[];

/** Who holds the roles a deployment's parameters name somebody for; none of them waits. */
export function namedHolders({ access, guard }: DeployParameters): {
  guardian: string[];
  keeper: string[];
  proposer: string[];
} {
  return {
    guardian: access.guardian === null ? [] : [access.guardian],
    keeper: access.keeper === null ? [] : [access.keeper],
    proposer: guard?.proposers ?? [],
  };
}

/** Past sessions and closed days for the regime oracle: days since 1970-01-01, points × 1e8. */
export interface RegimeSeed {
  closures: number[];
  closes: { day: number; vix: bigint; vix3m: bigint }[];
}

/** The seed or the network does not fit the parameters. */
export class DeployError extends Error {
  constructor(detail: string) {
    super(`cannot deploy: ${detail}`);
    this.name = "DeployError";
  }
}

export interface DeployContext {
  signer: Signer;
  journal: Journal;
  /** One line a step. */
  report?: (line: string) => void;
}

/** Sessions per transaction while seeding: about 8 M gas, below every chain's cap for one transaction. */
const SEED_BATCH = 125;
const CLOSURE_BATCH = 100;

/**
 * Deploys one vault with all its contracts, wires the roles, and hands the administration to the Safe. Every step is
 * journalled, signed, before it is sent: run again after a cut, it goes on where it stopped, and sends what is missing as
 * it was signed, so that no step can happen twice. `sharedRegimeOracle` lets several vaults of one DAO follow one oracle.
 */
export async function deployVault(
  context: DeployContext,
  parameters: DeployParameters,
  seed: RegimeSeed | { sharedRegimeOracle: string },
): Promise<Deployment> {
  const steps = new Steps(context);
  const deployer = await context.signer.getAddress();
  await requireNetwork(context, parameters);

  const manager = await steps.deploy("AccessManager", new AccessManager__factory(), [deployer]);
  const block = await steps.blockOf("AccessManager");
  const { base, asset } = parameters.feeds;
  const priceOracle = await steps.deploy("PriceOracle", new PriceOracle__factory(), [
    { feed: base.feed, maxAge: base.maxAge, deviationBps: base.deviationBps },
    { feed: asset.feed, maxAge: asset.maxAge, deviationBps: asset.deviationBps },
    parameters.feeds.sequencer ?? ZeroAddress,
    parameters.feeds.sequencerGrace,
  ]);
  const regimeOracle =
    "sharedRegimeOracle" in seed ? seed.sharedRegimeOracle : await deployRegimeOracle(steps, manager, parameters, seed);
  const { sharePrice: terms } = parameters;
  const sharePrice = await steps.deploy("SharePrice", new SharePrice__factory(), [
    terms.bandBps,
    terms.bpsPerHour,
    terms.recipient ?? ZeroAddress,
    terms.feeBps,
    terms.hurdleBpsPerYear,
  ]);
  const redemptionQueue = await steps.deploy("RedemptionQueue", new RedemptionQueue__factory(), []);
  const venueList = await steps.deploy("VenueList", new VenueList__factory(), []);
  const libraries = {
    "project/contracts/vault/RedemptionQueue.sol:RedemptionQueue": redemptionQueue,
    "project/contracts/vault/VenueList.sol:VenueList": venueList,
  };
  const vault = await steps.deploy("HedgeVault", new HedgeVault__factory(libraries), [
    manager,
    parameters.asset,
    priceOracle,
    sharePrice,
    parameters.vault.name,
    parameters.vault.symbol,
    parameters.vault.maxSpreadBps,
    parameters.vault.minRequest,
  ]);
  const regimes = [parameters.policy.Calm, parameters.policy.Elevated, parameters.policy.Stress];
  const policy = await steps.deploy("HedgePolicy", new HedgePolicy__factory(), [
    manager,
    parameters.policy.minStepBps,
    regimes.map((regime) => regime.bands),
    regimes.map((regime) => regime.targets),
  ]);
  const rebalancer = await steps.deploy("Rebalancer", new Rebalancer__factory(), [
    manager,
    vault,
    policy,
    regimeOracle,
    parameters.rebalancer.plans,
    parameters.rebalancer.keeper,
    parameters.rebalancer.nearLiquidationBps,
    await decimalsOf(context.signer, parameters.base),
    await decimalsOf(context.signer, parameters.asset),
  ]);
  const { uniswap, curie } = parameters;
  const liquidityAdapter = await steps.deploy("UniswapV3Adapter", new UniswapV3Adapter__factory(), [
    manager,
    vault,
    parameters.base,
    uniswap.positionManager,
    uniswap.fee,
    uniswap.gateBps,
    uniswap.unwindCostBps,
  ]);
  const perpAdapter = await steps.deploy("CurieAdapter", new CurieAdapter__factory(), [
    manager,
    vault,
    curie.clearingHouse,
    curie.baseToken,
    curie.gateBps,
    curie.unwindCostBps,
  ]);
  const lens = await steps.deploy("VaultLens", new VaultLens__factory(), [rebalancer]);
  const guard =
    parameters.guard === undefined
      ? {}
      : {
          guard: await steps.deploy("ReviewGuard", new ReviewGuard__factory(), [
            manager,
            parameters.safe,
            rebalancer,
            lens,
            parameters.guard,
          ]),
        };

  const deployment: Deployment = {
    format: "ballast-deployment/1",
    network: parameters.network,
    chainId: parameters.chainId,
    safe: parameters.safe,
    accessManager: manager,
    priceOracle,
    regimeOracle,
    vault,
    sharePrice,
    redemptionQueue,
    venueList,
    policy,
    rebalancer,
    liquidityAdapter,
    perpAdapter,
    lens,
    ...guard,
  };
  await wire(steps, deployment, parameters, "sharedRegimeOracle" in seed);
  await handOver(steps, deployment, parameters, deployer);
  const found = await foundAtDeployment(context, deployment, "sharedRegimeOracle" in seed);
  return { ...deployment, atDeployment: { block, ...found } };
}

/** What an audit compares with later, and what neither the parameters nor the contracts' code say. */
async function foundAtDeployment(
  { signer }: DeployContext,
  { safe, regimeOracle }: Deployment,
  regimeOracleShared: boolean,
): Promise<Omit<NonNullable<Deployment["atDeployment"]>, "block">> {
  const provider = signer.provider!;
  const setup = await readSafeSetup(provider, safe).catch((error: unknown) => {
    // Whatever else administers a vault has no owners to write down.
    if (error instanceof NotASafe) return undefined;
    throw error;
  });
  return {
    ...(setup === undefined ? {} : { safe: setup }),
    ...(regimeOracleShared
      ? { regimeOracleAuthority: await RegimeOracle__factory.connect(regimeOracle, provider).authority() }
      : {}),
  };
}

async function deployRegimeOracle(
  steps: Steps,
  manager: string,
  parameters: DeployParameters,
  seed: RegimeSeed,
): Promise<string> {
  if (seed.closes.length < 250) {
    throw new DeployError(`the regime needs 250 past sessions, the data folder gives ${seed.closes.length}`);
  }
  const oracle = await steps.deploy("RegimeOracle", new RegimeOracle__factory(), [
    manager,
    parameters.feeds.vix,
    parameters.feeds.vix3m,
    parameters.feeds.base.feed,
    parameters.regime.graceSeconds,
    parameters.regime.liftBps,
  ]);
  const regime = RegimeOracle__factory.createInterface();
  for (let from = 0; from < seed.closures.length; from += CLOSURE_BATCH) {
    const days = seed.closures.slice(from, from + CLOSURE_BATCH);
    await steps.call(`closures from ${from}`, oracle, regime.encodeFunctionData("setClosures", [days, true]));
  }
  for (let from = 0; from < seed.closes.length; from += SEED_BATCH) {
    const closes = seed.closes.slice(from, from + SEED_BATCH);
    await steps.call(`seed from ${from}`, oracle, regime.encodeFunctionData("seed", [closes]));
  }
  return oracle;
}

/** Who may call what. Everything not named here stays with the administrator. */
async function wire(
  steps: Steps,
  d: Deployment,
  parameters: DeployParameters,
  regimeOracleShared: boolean,
): Promise<void> {
  const manager = AccessManager__factory.createInterface();
  const vault = HedgeVault__factory.createInterface();
  // While the deployer is still the administrator, adapters are added at once; later it takes the parameters role's delay.
  for (const [adapter, caps] of [
    [d.liquidityAdapter, parameters.uniswap],
    [d.perpAdapter, parameters.curie],
  ] as const) {
    const data = vault.encodeFunctionData("setAdapter", [adapter, caps.capAssets, caps.capBps]);
    await steps.call(`adapter ${adapter}`, d.vault, data);
  }
  await steps.call("whose plans run", d.vault, vault.encodeFunctionData("setRebalancer", [d.rebalancer]));
  for (const { contract, role, functions, step } of FUNCTION_ROLES) {
    const { key, abi } = MANAGED[contract];
    const target = d[key];
    // A shared oracle is administered where it was deployed.
    if (role === "admin" || target === undefined || (key === "regimeOracle" && regimeOracleShared)) continue;
    const selectors = functions.map((name) => selectorOf(abi, name));
    const data = manager.encodeFunctionData("setTargetFunctionRole", [target, selectors, ROLES[role]]);
    await steps.call(`role ${step}`, d.accessManager, data);
  }
  for (const [name, id] of Object.entries(ROLES)) {
    await steps.call(`label ${name}`, d.accessManager, manager.encodeFunctionData("labelRole", [id, name]));
  }
  const grant = (name: string, id: bigint, to: string, delay: number): Promise<void> =>
    steps.call(`grant ${name}`, d.accessManager, manager.encodeFunctionData("grantRole", [id, to, delay]));
  for (const role of ["rebalance", "executor", "parameters", "calendar"] as const) {
    const { holder, delay } = STANDING_HOLDERS[role];
    const step = `${role} to the ${holder === "safe" ? "Safe" : "Rebalancer"}`;
    await grant(step, ROLES[role], d[holder], delay === null ? 0 : parameters.access[delay]);
  }
  for (const role of GUARDED_ROLES) {
    const data = manager.encodeFunctionData("setRoleGuardian", [ROLES[role], ROLES.guardian]);
    await steps.call(`guardian of ${role}`, d.accessManager, data);
  }
  const { guardian, keeper, proposer } = namedHolders(parameters);
  for (const holder of guardian) await grant("guardian", ROLES.guardian, holder, 0);
  for (const holder of keeper) await grant("keeper", ROLES.keeper, holder, 0);
  for (const holder of proposer) await grant(`proposer to ${holder}`, ROLES.proposer, holder, 0);
}

/** The selector of a contract's function. */
export function selectorOf(abi: Interface, name: string): string {
  const found = abi.getFunction(name);
  if (found === null) throw new DeployError(`there is no function ${name}`);
  return found.selector;
}

/** The Safe becomes the administrator, then the deployer stops being one. */
async function handOver(steps: Steps, d: Deployment, parameters: DeployParameters, deployer: string): Promise<void> {
  const manager = AccessManager__factory.createInterface();
  await steps.call(
    "administration to the Safe",
    d.accessManager,
    manager.encodeFunctionData("grantRole", [ADMIN_ROLE, d.safe, parameters.access[STANDING_HOLDERS.admin.delay]]),
  );
  await steps.call(
    "the deployer renounces",
    d.accessManager,
    manager.encodeFunctionData("renounceRole", [ADMIN_ROLE, deployer]),
  );
}

async function decimalsOf(signer: Signer, token: string): Promise<bigint> {
  const contract = new Contract(token, ["function decimals() view returns (uint8)"], signer);
  return (await contract.getFunction("decimals").staticCall()) as bigint;
}

async function requireNetwork(context: DeployContext, parameters: DeployParameters): Promise<void> {
  const { signer } = context;
  const network = await signer.provider?.getNetwork();
  if (network?.chainId.toString() !== parameters.chainId) {
    throw new DeployError(
      `the RPC serves chain ${network?.chainId ?? "none"}, the parameters are for chain ${parameters.chainId}`,
    );
  }
  for (const [name, address] of [
    ["safe", parameters.safe],
    ["asset", parameters.asset],
    ["base", parameters.base],
    ["uniswap.positionManager", parameters.uniswap.positionManager],
    ["curie.clearingHouse", parameters.curie.clearingHouse],
  ] as const) {
    if ((await signer.provider?.getCode(address)) === "0x") {
      throw new DeployError(`${name} ${address} has no code on chain ${parameters.chainId}`);
    }
  }
  if (parameters.guard !== undefined) await requireGuardable(context, parameters.safe);
}

/** Before 1.5.0 a Safe has no module guard: a module would walk past the review. */
async function requireGuardable({ signer, report }: DeployContext, safe: string): Promise<void> {
  const provider = signer.provider!;
  const { version } = await readSafe(provider, safe);
  if (hasModuleGuard(version)) return;
  report?.(`Safe ${safe} is version ${version}: it has no module guard, so give it no module while the guard is set`);
  const modules = await readModules(provider, safe);
  if (modules.length > 0) {
    throw new DeployError(
      `Safe ${safe} is version ${version}, which has no module guard, and its modules (${modules.join(", ")}) would ` +
        `pass the review guard by: disable them, or upgrade the Safe to 1.5.0`,
    );
  }
}

/** Does each step once. What was signed is sent and waited for when the deployment is run again. */
class Steps {
  readonly #context: DeployContext;

  constructor(context: DeployContext) {
    this.#context = context;
  }

  async deploy(name: string, factory: ContractFactory, args: unknown[]): Promise<string> {
    const entry = await this.#once(`deploy ${name}`, await factory.getDeployTransaction(...args));
    if (entry.address === undefined) throw new DeployError(`the journal has no address for ${name}`);
    return entry.address;
  }

  /** The block a contract of this deployment came in. */
  async blockOf(name: string): Promise<number> {
    const entry = this.#context.journal.get(`deploy ${name}`);
    const receipt = await this.#context.signer.provider?.getTransactionReceipt(entry?.txHash ?? "");
    if (receipt == null) throw new DeployError(`the node has no receipt of "deploy ${name}"`);
    return receipt.blockNumber;
  }

  async call(name: string, to: string, data: string): Promise<void> {
    await this.#once(name, { to, data });
  }

  async #once(step: string, tx: Partial<ContractTransaction>): Promise<JournalEntry> {
    const { signer, journal, report } = this.#context;
    const { provider } = signer;
    if (provider === null) throw new DeployError("the signer is connected to no chain");
    const known = journal.get(step);
    const entry = known ?? (await this.#start(step, tx).catch((error: unknown) => refused(step, error)));
    if (entry.signed !== undefined && (known === undefined || (await provider.getTransaction(entry.txHash)) === null)) {
      await this.#send(step, entry.signed, provider);
    }
    if (known === undefined) report?.(`${step}${entry.address === undefined ? "" : ` at ${entry.address}`}`);
    const receipt = await provider.waitForTransaction(entry.txHash);
    if (receipt?.status !== 1) {
      throw new DeployError(
        `step "${step}" failed in transaction ${entry.txHash}; remove it from the journal to try it again`,
      );
    }
    return entry;
  }

  /** Signs a step and journals it, unsent. A node's own account cannot sign without sending: there it is sent first. */
  async #start(step: string, tx: Partial<ContractTransaction>): Promise<JournalEntry> {
    const { signer, journal } = this.#context;
    let entry: JournalEntry;
    let at: { from: string; nonce: number };
    if (signer instanceof BaseWallet) {
      const { from: _from, ...filled } = await signer.populateTransaction(tx);
      const signed = Transaction.from(await signer.signTransaction(filled));
      entry = { txHash: signed.hash ?? "", signed: signed.serialized };
      at = { from: signer.address, nonce: signed.nonce };
    } else {
      const sent = await signer.sendTransaction(tx);
      entry = { txHash: sent.hash };
      at = sent;
    }
    if (tx.to === undefined) entry.address = getCreateAddress(at);
    journal.set(step, entry);
    return entry;
  }

  async #send(step: string, signed: string, provider: Provider): Promise<void> {
    try {
      await provider.broadcastTransaction(signed);
    } catch (error) {
      if ((error as { code?: string }).code !== "NONCE_EXPIRED") throw error;
      const { from, nonce } = Transaction.from(signed);
      throw new DeployError(
        `step "${step}" was not mined, and another transaction took nonce ${nonce} of ${from}; ` +
          "remove the step from the journal to sign it again",
      );
    }
  }
}

/** What a contract refuses is said in its own words; every other error stays as it is. */
function refused(step: string, error: unknown): never {
  const data = revertDataOf(error);
  if (data === null) throw error;
  throw new DeployError(`step "${step}" would revert: ${explainRevert(data, CONTRACT_ERRORS).text}`);
}
