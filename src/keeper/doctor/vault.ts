import { constants } from "node:fs";
import { access, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { formatEther, parseEther } from "ethers";
import type { JsonRpcApiProvider } from "ethers";
import { parseDeployment } from "../../plan/deployment.ts";
import type { Deployment } from "../../plan/deployment.ts";
import { REGIME_NAMES } from "../../regime/ruleMachine.ts";
import { readSafe } from "../../safe/account.ts";
import type { SafeAccount } from "../../safe/account.ts";
import { hasModuleGuard, readGuards } from "../../safe/guards.ts";
import { SafeService } from "../../safe/service.ts";
import {
  AccessManager__factory,
  IAggregatorV3__factory,
  PriceOracle__factory,
  Rebalancer__factory,
  RegimeOracle__factory,
  ReviewGuard__factory,
  VaultLens__factory,
} from "../../../typechain-types/index.js";
import type { IVaultLens } from "../../../typechain-types/contracts/lens/VaultLens.js";
import type { KeeperConfig, KeyConfig, SecondaryConfig, VaultConfig } from "../config.ts";
import { decodePriceError } from "../observe.ts";
import { duration, reviewGuardOf } from "../review.ts";
import { checksOf, guarded, reasonOf } from "./checks.ts";
import type { CheckMaker, DoctorCheck } from "./checks.ts";
import type { CheckedChain, Head } from "./rpc.ts";
import { hostOf } from "./rpc.ts";

/** A contract's code as it is at its address. */
export interface CodeFound {
  name: string;
  address: string;
  /** Null when it is what this checkout builds. */
  problem: string | null;
}

export interface VaultDoors {
  /** Opens a key and says whose it is: a keystore with its password, a remote signer by asking it. Throws when it cannot. */
  openSigner: (key: KeyConfig) => Promise<{ address: string }>;
  /** Compares the deployment's code with the build; null where there is no build to compare with. */
  compareCode: ((provider: JsonRpcApiProvider, deployment: Deployment) => Promise<CodeFound[]>) | null;
  /** Reads another source of a value; null where this cannot be done. */
  readSecondary:
    ((source: SecondaryConfig, provider: JsonRpcApiProvider) => Promise<{ value: string; updatedAt: number }>) | null;
  /** Bytes free where a folder is. */
  freeBytes: (folder: string) => Promise<number>;
  platform: NodeJS.Platform;
}

/** What packets, logs and an embedded database want for months. */
const MIN_FREE_BYTES = 200 * 1024 * 1024;
/**
 * Gas of a busy tick: a close taken in (85 000), a redemption settled with positions open (740 000, bench/gas.json), an
 * announcement.
 */
const TICK_GAS = 1_000_000n;
/** Longest time between two closes: a holiday beside a weekend. */
const LONGEST_GAP_SECONDS = 5 * 86_400;
/** No check of a vault asks more than some dozens of questions of one node. */
const TIMEOUT_FACTOR = 4;

/** A vault's checks, and the account it sends from: null without a key, or when it does not open. */
export interface CheckedVault {
  vault: VaultConfig;
  checks: DoctorCheck[];
  address: string | null;
}

/** Everything about one vault. */
export async function checkVault(
  vault: VaultConfig,
  config: KeeperConfig,
  chain: CheckedChain,
  doors: VaultDoors,
): Promise<CheckedVault> {
  const make = checksOf(vault.name);
  const settings = config.chains[vault.chain];
  const timeoutMs = (settings?.timeoutMs ?? 15_000) * TIMEOUT_FACTOR;
  const within = (
    name: string,
    work: () => Promise<DoctorCheck | DoctorCheck[]>,
    mend: string,
  ): Promise<DoctorCheck[]> => guarded(make, name, timeoutMs, work, mend);

  const [file, folder, key] = await Promise.all([
    readDeployment(vault, settings?.chainId ?? 0, make),
    within("output folder", () => checkFolder(vault.out, make, doors), `give another folder in the vault's "out"`),
    openKey(vault, config, make, doors),
  ]);
  const checks = [file.check, ...folder, ...key.checks];
  const { provider, head } = chain;
  if (file.deployment === null || provider === null || head === null) {
    const reason =
      provider === null ? `no RPC of chain ${vault.chain} can be used` : "there is no deployment file to go by";
    return { vault, checks: [...checks, ...ON_CHAIN.map((name) => make.skip(name, reason))], address: key.address };
  }
  const at: Bedside = { vault, config, make, doors, provider, head, deployment: file.deployment, address: key.address };
  const unforeseen = "run again; if it stays, ask the node for the same with another tool";
  const groups = await Promise.all([
    within("contracts", () => checkCode(at), unforeseen),
    within("wiring", () => checkSnapshot(at), WIRING_MEND),
    within("Safe", () => checkSafe(at), `check "safe" in ${vault.deployment} and the chain`),
    within("feeds", () => checkFeeds(at), `check the oracles' addresses in ${vault.deployment}`),
    within("balance", () => checkBalance(at), unforeseen),
    within("roles", () => checkRoles(at), `check "accessManager" and "rebalancer" in ${vault.deployment}`),
    within("transaction service", () => checkService(at), "check the service's URL, or propose with via: file"),
    within("secondary sources", () => checkSecondary(at), unforeseen),
  ]);
  return { vault, checks: [...checks, ...groups.flat()], address: key.address };
}

const ON_CHAIN = [
  "contracts",
  "wiring",
  "Safe",
  "feeds",
  "balance",
  "roles",
  "transaction service",
  "secondary sources",
];
const WIRING_MEND =
  "the lens does not answer: the deployment file's addresses are another chain's or another deployment's; use the file that was written when this vault was deployed";

/** What a vault's checks on chain go by. */
interface Bedside {
  vault: VaultConfig;
  config: KeeperConfig;
  make: CheckMaker;
  doors: VaultDoors;
  provider: JsonRpcApiProvider;
  head: Head;
  deployment: Deployment;
  /** The key's address; null without a key, or when it does not open. */
  address: string | null;
}

async function readDeployment(
  { deployment: path, chain }: VaultConfig,
  chainId: number,
  make: CheckMaker,
): Promise<{ check: DoctorCheck; deployment: Deployment | null }> {
  const name = "deployment file";
  let deployment: Deployment;
  try {
    deployment = parseDeployment(await readFile(path, "utf8"), path);
  } catch (error) {
    const mend = `give the file that "ballast deploy" or "ballast devnet" wrote in the vault's "deployment", readable by this user`;
    return { check: make.fail(name, reasonOf(error), mend), deployment: null };
  }
  if (deployment.chainId !== String(chainId)) {
    return {
      check: make.fail(
        name,
        `${path} is of chain ${deployment.chainId}, chain ${chain} of the configuration is ${chainId}`,
        `put the vault on its own chain with the vault's "chain", or give that chain's deployment file`,
      ),
      deployment: null,
    };
  }
  return { check: make.ok(name, `${path}: vault ${deployment.vault} on chain ${deployment.chainId}`), deployment };
}

async function openKey(
  { key: name }: VaultConfig,
  config: KeeperConfig,
  make: CheckMaker,
  doors: VaultDoors,
): Promise<{ checks: DoctorCheck[]; address: string | null }> {
  const key = name === undefined ? undefined : config.keys[name];
  if (name === undefined || key === undefined) {
    return {
      checks: [make.skip("key", "the vault has none: proposals go to files, and what needs gas is left to others")],
      address: null,
    };
  }
  const checks = "keystore" in key ? [await checkMode(key.keystore, make, doors)] : [];
  const place = "keystore" in key ? key.keystore : hostOf(key.web3signer);
  try {
    const { address } = await doors.openSigner(key);
    return { checks: [...checks, make.ok("key", `${name} (${place}) opens: ${address}`)], address };
  } catch (error) {
    const mend =
      "keystore" in key
        ? `check the path in keys.${name}.keystore, and that the environment has the right password in ${key.passwordEnv}`
        : `check that the signer at keys.${name}.web3signer runs and holds the key of ${key.address}`;
    return {
      checks: [...checks, make.fail("key", `${name} (${place}) does not open: ${reasonOf(error)}`, mend)],
      address: null,
    };
  }
}

async function checkMode(path: string, make: CheckMaker, { platform }: VaultDoors): Promise<DoctorCheck> {
  if (platform === "win32") return make.skip("keystore file", "Windows has no modes to look at");
  try {
    const { mode } = await stat(path);
    const others = mode & 0o077;
    return others === 0
      ? make.ok("keystore file", `${path} is for its owner alone`)
      : make.warn(
          "keystore file",
          `${path} is open to others (mode ${(mode & 0o777).toString(8)})`,
          `chmod 600 ${path}`,
        );
  } catch (error) {
    return make.fail(
      "keystore file",
      reasonOf(error),
      "give the path of an encrypted keystore that this user may read",
    );
  }
}

/** Whether packets can be written, tried in the folder itself or, while it is not there, in the one it will be made in. */
async function checkFolder(folder: string, make: CheckMaker, doors: VaultDoors): Promise<DoctorCheck[]> {
  const name = "output folder";
  const existing = await nearest(resolve(folder));
  const checks: DoctorCheck[] = [];
  try {
    if (!(await stat(existing)).isDirectory()) throw new NotAFolder(existing);
    const probe = await mkdtemp(join(existing, ".ballast-doctor-"));
    try {
      await writeFile(join(probe, "probe"), "packets go here\n");
    } finally {
      await rm(probe, { recursive: true, force: true });
    }
    const made = existing === resolve(folder) ? "" : ` (it will be made in ${existing})`;
    checks.push(make.ok(name, `${folder} can be written${made}`));
  } catch (error) {
    checks.push(
      make.fail(
        name,
        `nothing can be written to ${folder} (${reasonOf(error)})`,
        `mkdir -p ${folder} and give it to the user the keeper runs as (chown), or name another in the vault's "out"`,
      ),
    );
  }
  try {
    const free = await doors.freeBytes(existing);
    const told = `${Math.floor(free / 1024 / 1024)} MB free at ${existing}`;
    checks.push(
      free < MIN_FREE_BYTES
        ? make.fail(
            "disk",
            `${told}, less than ${MIN_FREE_BYTES / 1024 / 1024} MB`,
            "free some disk space, or move the folder to another disk",
          )
        : make.ok("disk", told),
    );
  } catch (error) {
    checks.push(make.skip("disk", reasonOf(error)));
  }
  return checks;
}

class NotAFolder extends Error {
  constructor(path: string) {
    super(`${path} is a file, not a folder`);
    this.name = "NotAFolder";
  }
}

/** The folder, or the nearest one above that exists. */
async function nearest(folder: string): Promise<string> {
  const exists = await access(folder, constants.F_OK).then(
    () => true,
    () => false,
  );
  return exists || dirname(folder) === folder ? folder : nearest(dirname(folder));
}

async function checkCode({ make, doors, provider, deployment: d }: Bedside): Promise<DoctorCheck> {
  const compared = doors.compareCode !== null;
  const found = doors.compareCode === null ? await presence(provider, d) : await doors.compareCode(provider, d);
  const wrong = found.filter(({ problem }) => problem !== null);
  if (wrong.length > 0) {
    return make.fail(
      "contracts",
      wrong.map(({ name, address, problem }) => `${name} at ${address}: ${problem}`).join("; "),
      wrong.some(({ problem }) => problem === NO_CODE)
        ? "nothing is at an address of the deployment file: use this chain's file, or a node that has synced past the deployment"
        : 'what runs there is not what this checkout builds: run the release the vault was deployed with, and "ballast audit" for the details',
    );
  }
  const names = `${found.length} contracts have ${compared ? "the code this checkout builds" : "code"}`;
  return make.ok("contracts", compared ? names : `${names}; there is no build here to compare it with`);
}

/** What a contract without code is called. */
export const NO_CODE = "no code";

async function presence(provider: JsonRpcApiProvider, d: Deployment): Promise<CodeFound[]> {
  const places = Object.entries(d).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && /^0x[0-9a-fA-F]{40}$/.test(entry[1]),
  );
  return Promise.all(
    places.map(async ([name, address]) => {
      const code = await provider.getCode(address);
      return { name, address, problem: code === "0x" ? NO_CODE : null };
    }),
  );
}

/** What the lens shows: whether the vault is wired as in the file, and whether a decision could be made now. */
async function checkSnapshot({ vault, make, provider, deployment: d, head }: Bedside): Promise<DoctorCheck[]> {
  const snapshot = await VaultLens__factory.connect(d.lens, provider).snapshot();
  const checks = [checkWiring(snapshot, d, vault, make)];
  if (snapshot.unread.length > 0) {
    checks.push(
      make.fail(
        "venues",
        `no answer from ${snapshot.unread.join(", ")}: the venue behind it reverts`,
        "nothing is decided until it answers: look at the venue; docs/runbook.md says what members can do meanwhile",
      ),
    );
  } else checks.push(make.ok("venues", "every venue answers"));
  checks.push(
    snapshot.priced
      ? make.ok("price", `the price oracle answers at block ${snapshot.blockNumber}`)
      : make.fail(
          "price",
          `no price: ${decodePriceError(snapshot.priceError)}`,
          "nothing is decided without one: see the feeds' own lines, and wait for the feed or, on a layer two, its sequencer",
        ),
  );
  const regime = REGIME_NAMES[Number(snapshot.regime.regime)] ?? "Unknown";
  const staleAfter = Number(snapshot.regime.staleAfter);
  checks.push(
    regime === "Unknown"
      ? make.fail(
          "regime",
          `it is Unknown: ${snapshot.regime.sessionCount} sessions are in, the next was due by ${utc(staleAfter)}`,
          'take in the missing close ("ballast keeper once" with a key and gas does); a day the exchange was shut: the Safe adds it with setClosures',
        )
      : make.ok(
          "regime",
          `${regime}, good for another ${duration(Math.max(staleAfter - head.timestamp, 0))} without a new close`,
        ),
  );
  return checks;
}

function checkWiring(
  s: IVaultLens.SnapshotStructOutput,
  d: Deployment,
  vault: VaultConfig,
  make: CheckMaker,
): DoctorCheck {
  const pairs: [string, string, string][] = [
    ["vault", d.vault, s.vault],
    ["rebalancer", d.rebalancer, s.rebalancer],
    ["policy", d.policy, s.policy],
    ["regimeOracle", d.regimeOracle, s.regimeOracle],
    ["priceOracle", d.priceOracle, s.priceOracle],
  ];
  const known = [...s.liquidity, ...s.perps].map(({ adapter }) => adapter).concat(s.unread);
  const wrong = [
    ...pairs
      .filter(([, file, chain]) => !same(file, chain))
      .map(([name, file, chain]) => `${name} is ${chain}, the file says ${file}`),
    ...[d.liquidityAdapter, d.perpAdapter]
      .filter((adapter) => !known.some((other) => same(other, adapter)))
      .map((adapter) => `the vault has no adapter ${adapter}`),
  ];
  return wrong.length === 0
    ? make.ok("wiring", "vault, rebalancer, policy, oracles and adapters are those of the file")
    : make.fail(
        "wiring",
        wrong.join("; "),
        `${vault.deployment} is not of this vault as it is now: "ballast audit" shows what changed; use the right file or update it`,
      );
}

async function checkSafe({ vault, make, provider, deployment: d }: Bedside): Promise<DoctorCheck[]> {
  const account = await readSafe(provider, d.safe);
  const { owners, threshold, version } = account;
  const checks = [
    make.ok(
      "Safe",
      `${d.safe}, version ${version}: ${threshold} of ${owners.length} owners, next nonce ${account.nonce}`,
    ),
  ];
  const [{ guard, moduleGuard }, review] = await Promise.all([
    readGuards(provider, d.safe),
    reviewGuardOf(provider, d.safe),
  ]);
  const name = "review guard";
  if (guard === null) {
    if (vault.announce) {
      checks.push(
        make.fail(
          name,
          "the Safe has no guard, and the configuration wants to announce to one",
          `set announce: false, or have the owners set the guard (docs/deployment.md)`,
        ),
      );
    } else if (d.guard !== undefined) {
      checks.push(
        make.warn(
          name,
          `the deployment has ${d.guard}, the Safe has not set it: nothing waits and nobody can veto`,
          "the owners sign and execute the packets of docs/deployment.md",
        ),
      );
    } else checks.push(make.ok(name, "none, and the deployment has none"));
  } else if (review === null || (d.guard !== undefined && !same(guard, d.guard))) {
    checks.push(
      make.warn(
        name,
        `the Safe's guard ${guard} is not this deployment's review guard`,
        "ask the owners who set it: it can stop or let through what it likes",
      ),
    );
  } else if (!vault.announce) {
    checks.push(
      make.warn(
        name,
        `${guard} is set and announce is off: somebody else must announce each proposal`,
        'set announce: true with a key that may, or run "ballast announce" for each',
      ),
    );
  } else checks.push(make.ok(name, `${guard}, and the keeper announces to it`));
  if (guard !== null && hasModuleGuard(version) && moduleGuard === null) {
    checks.push(
      make.warn(
        "module guard",
        "none is set: modules walk past the review",
        "the owners sign and execute 1-module-guard.packet.json (docs/deployment.md)",
      ),
    );
  }
  return checks;
}

/** The feeds the vault prices and steps its regime by. */
async function checkFeeds({ make, provider, deployment: d, head }: Bedside): Promise<DoctorCheck[]> {
  const prices = PriceOracle__factory.connect(d.priceOracle, provider);
  const regimes = RegimeOracle__factory.connect(d.regimeOracle, provider);
  const [base, asset, baseMaxAge, assetMaxAge, vix, vix3m] = await Promise.all([
    prices.baseFeed(),
    prices.assetFeed(),
    prices.baseMaxAge(),
    prices.assetMaxAge(),
    regimes.vixFeed(),
    regimes.vix3mFeed(),
  ]);
  const feed = async (side: string, address: string, limit: number, isLimitOnChain: boolean): Promise<DoctorCheck> => {
    const name = `feed ${side}`;
    try {
      const aggregator = IAggregatorV3__factory.connect(address, provider);
      const { answer, updatedAt, roundId } = await aggregator.latestRoundData();
      const age = head.timestamp - Number(updatedAt);
      const told = `${address}: round ${roundId}, ${duration(Math.max(age, 0))} old`;
      if (answer <= 0n)
        return make.fail(
          name,
          `${told}, answers ${answer}`,
          "the feed is broken: ask its operator; nothing is decided meanwhile",
        );
      if (age <= limit) return make.ok(name, `${told}, allowed ${duration(limit)}`);
      return isLimitOnChain
        ? make.fail(
            name,
            `${told}, older than the ${duration(limit)} the oracle allows`,
            `ask the ${side} feed's operator; entry and settlement are closed until a new round comes`,
          )
        : make.warn(
            name,
            `${told}, longer than closes are apart`,
            `check the ${side} feed's reporters (docs/reporters.md): without the next close the regime turns Unknown`,
          );
    } catch (error) {
      return make.fail(
        name,
        `${address} does not answer: ${reasonOf(error)}`,
        'the oracle\'s feed address has no AggregatorV3 behind it on this chain: see "ballast audit"',
      );
    }
  };
  return Promise.all([
    feed("base", base, Number(baseMaxAge), true),
    feed("asset", asset, Number(assetMaxAge), true),
    feed("vix", vix, LONGEST_GAP_SECONDS, false),
    feed("vix3m", vix3m, LONGEST_GAP_SECONDS, false),
  ]);
}

async function checkBalance({ make, provider, address, config }: Bedside): Promise<DoctorCheck> {
  const name = "balance";
  if (address === null) return make.skip(name, "there is no key");
  const [balance, { gasPrice, maxFeePerGas }] = await Promise.all([
    provider.getBalance(address),
    provider.getFeeData(),
  ]);
  const price = maxFeePerGas ?? gasPrice ?? 0n;
  const perTick = price * TICK_GAS;
  const ticks = perTick === 0n ? null : balance / perTick;
  const pays = ticks === null ? "" : `, enough for about ${ticks} busy ticks of ${TICK_GAS} gas at today's price`;
  const least = parseEther(config.alerts.minBalance);
  const told = `${address} has ${formatEther(balance)} of the chain's coin${pays}`;
  if (balance === 0n || (ticks !== null && ticks < 1n)) {
    return make.fail(
      name,
      told,
      `send ${address} at least ${config.alerts.minBalance} of the chain's coin, and nothing else`,
    );
  }
  return balance < least
    ? make.warn(
        name,
        `${told}; alerts.minBalance is ${config.alerts.minBalance}`,
        `top up ${address} to more than ${config.alerts.minBalance}, or lower alerts.minBalance`,
      )
    : make.ok(name, told);
}

/** What the key may do on chain: deleverage in an emergency, announce. */
async function checkRoles(at: Bedside): Promise<DoctorCheck[]> {
  const { vault, make, provider, deployment: d, address } = at;
  const keeper = "keeper role";
  const checks: DoctorCheck[] = [];
  if (!vault.emergency.enabled) checks.push(make.skip(keeper, "emergency is off"));
  else if (address === null) {
    checks.push(
      make.warn(
        keeper,
        "emergency is on and there is no key that could act",
        "give the vault a key with the keeper role, or set emergency.enabled: false",
      ),
    );
  } else {
    const selector = Rebalancer__factory.createInterface().getFunction("deleverage").selector;
    checks.push(
      await roleCheck(at, keeper, "Rebalancer.deleverage", d.rebalancer, selector, "set emergency.enabled: false"),
    );
  }
  const proposer = "proposer role";
  if (!vault.announce) checks.push(make.skip(proposer, "announce is off"));
  else if (address === null) checks.push(make.skip(proposer, "there is no key"));
  else {
    const guard = await reviewGuardOf(provider, d.safe);
    const { owners } = await readSafe(provider, d.safe);
    if (guard === null) checks.push(make.skip(proposer, "the Safe has no review guard"));
    else if (owners.some((owner) => same(owner, address)))
      checks.push(make.ok(proposer, `${address} is an owner: it may announce`));
    else {
      const selector = ReviewGuard__factory.createInterface().getFunction("announce").selector;
      checks.push(
        await roleCheck(
          at,
          proposer,
          "ReviewGuard.announce",
          await guard.getAddress(),
          selector,
          "set announce: false",
        ),
      );
    }
  }
  return checks;
}

async function roleCheck(
  { make, provider, deployment: d, address }: Bedside,
  name: string,
  what: string,
  target: string,
  selector: string,
  otherwise: string,
): Promise<DoctorCheck> {
  const manager = AccessManager__factory.connect(d.accessManager, provider);
  const account = address ?? "";
  const [{ immediate, delay }, role] = await Promise.all([
    manager.canCall(account, target, selector),
    manager.getTargetFunctionRole(target, selector),
  ]);
  if (immediate) return make.ok(name, `${account} may call ${what}`);
  return delay > 0n
    ? make.fail(
        name,
        `${account} may call ${what} only ${duration(Number(delay))} after scheduling it`,
        `the Safe grants it without a delay: AccessManager.grantRole(${role}, ${account}, 0); or ${otherwise}`,
      )
    : make.fail(
        name,
        `${account} may not call ${what}`,
        `the Safe schedules and executes AccessManager.grantRole(${role}, ${account}, 0) at ${d.accessManager}; or ${otherwise}`,
      );
}

/** The way out: a service that knows the Safe and takes the key's word, or nothing to check. */
async function checkService({ vault, make, provider, deployment: d, address }: Bedside): Promise<DoctorCheck[]> {
  const name = "transaction service";
  const { service: settings } = vault;
  if (vault.via !== "service" || settings === undefined) return [make.skip(name, `proposals go out via ${vault.via}`)];
  const service = new SafeService({
    url: settings.url,
    chainId: d.chainId,
    ...(settings.apiKey === undefined ? {} : { apiKey: settings.apiKey }),
  });
  const host = hostOf(settings.url);
  const checks: DoctorCheck[] = [];
  let account: SafeAccount;
  try {
    const { name: called, version } = await service.about();
    account = await readSafe(provider, d.safe);
    const next = await service.nextNonce(d.safe);
    checks.push(
      next < account.nonce
        ? make.fail(
            name,
            `${host} has the Safe's next nonce as ${next}, the chain as ${account.nonce}`,
            "the service indexes another chain or lags behind: check its URL, or wait until it has caught up",
          )
        : make.ok(name, `${host}, ${called} ${version}: it knows the Safe, next free nonce ${next}`),
    );
  } catch (error) {
    const unknown = (error as { status?: unknown }).status === 404;
    return [
      make.fail(
        name,
        unknown ? `${host} does not know Safe ${d.safe}` : reasonOf(error),
        unknown
          ? `give the URL of the service that indexes chain ${d.chainId}, up to and including /api`
          : "check service.url (up to and including /api) and service.apiKey, or propose with via: file until it is back",
      ),
    ];
  }
  const rights = "delegate rights";
  if (address === null) return [...checks, make.skip(rights, "there is no key")];
  if (account.owners.some((owner) => same(owner, address)))
    return [...checks, make.ok(rights, `${address} is an owner of the Safe`)];
  const delegates = await service.delegates(d.safe);
  return [
    ...checks,
    delegates.some((delegate) => same(delegate, address))
      ? make.ok(rights, `${address} is a delegate`)
      : make.fail(
          rights,
          `${address} is neither a delegate nor an owner: the service will refuse its proposals`,
          `an owner registers ${address} as a delegate of the Safe with the service, or use via: file`,
        ),
  ];
}

async function checkSecondary({ vault, make, doors, provider, head }: Bedside): Promise<DoctorCheck[]> {
  const name = "secondary sources";
  if (vault.secondary.length === 0) return [make.skip(name, "there are none: nothing compares the feeds")];
  const read = doors.readSecondary;
  if (read === null) return [make.skip(name, "they cannot be read here")];
  return Promise.all(
    vault.secondary.map(async (source) => {
      const own = `secondary ${source.name} (${source.of})`;
      try {
        const { value, updatedAt } = await read(source, provider);
        const age = head.timestamp - updatedAt;
        const told = `${value}, ${duration(Math.max(age, 0))} old`;
        return age > source.maxAgeSeconds
          ? make.warn(
              own,
              `${told}, more than ${duration(source.maxAgeSeconds)}`,
              `check ${source.name}, or raise its maxAgeSeconds: while it is old it compares nothing`,
            )
          : make.ok(own, told);
      } catch (error) {
        return make.fail(
          own,
          reasonOf(error),
          `check what "secondary" says of ${source.name}: address or URL, pointer and timePointer`,
        );
      }
    }),
  );
}

function same(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function utc(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
