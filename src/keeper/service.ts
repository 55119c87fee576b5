import type { Provider, Signer } from "ethers";
import { formatEther, parseUnits } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { SafeService } from "../safe/service.ts";
import type { ChainConfig, KeeperConfig, VaultConfig } from "./config.ts";
import { openEndpoints } from "./endpoints.ts";
import type { AgreedBlock, Endpoints } from "./endpoints.ts";
import { agreed } from "./agreed.ts";
import type { AgreedRead } from "./agreed.ts";
import { readSecondary } from "./feeds.ts";
import { Rebalancer__factory } from "../../typechain-types/index.js";
import { rpc } from "./observe.ts";
import { observeAgreed } from "./observeAgreed.ts";
import type { AgreedCache } from "./observeAgreed.ts";
import { createAlerts } from "./ops/alerts.ts";
import { sendHeartbeat } from "./ops/heartbeat.ts";
import type { Alert } from "./ops/alert.ts";
import type { Alerts } from "./ops/alerts.ts";
import type { Log } from "./ops/log.ts";
import { createMetrics } from "./ops/metrics.ts";
import type { Metrics } from "./ops/metrics.ts";
import { createSinks } from "./ops/sinks.ts";
import { speakable } from "./ops/text.ts";
import { approvalsOutlet, fileOutlet, serviceOutlet } from "./outlets.ts";
import type { Outlet } from "./outlets.ts";
import { httpPin } from "./pin.ts";
import { runTick } from "./pipeline.ts";
import type { ChainReader, Seen, TickEnd, VaultKeeper } from "./pipeline.ts";
import { slotOf } from "./schedule.ts";
import { openSigner } from "./signers.ts";
import { openDatabase } from "./store/database.ts";
import type { Database, DatabasePlace } from "./store/database.ts";
import { Store } from "./store/store.ts";
import { tick } from "./tick.ts";
import type { TickOutcome } from "./tick.ts";
import { ERROR_CODES, codeOf, isPassing } from "./tickErrors.ts";

export interface KeeperOptions {
  config: KeeperConfig;
  environment: Record<string, string | undefined>;
  /** Names this process among those that share the database. */
  worker: string;
  readDeployment: (path: string) => Promise<Deployment>;
  log: Log;
  version: string;
  /** Milliseconds since 1970-01-01. */
  now?: () => number;
}

/** Everything a keeper has open. */
export interface Keeper {
  options: KeeperOptions;
  database: Database;
  store: Store;
  alerts: Alerts;
  metrics: Metrics;
  chains: ReadonlyMap<string, Endpoints>;
  vaults: ReadonlyMap<string, VaultKeeper>;
  close(): Promise<void>;
}

/** The deployment file is of another chain than the configuration says. */
export class DeploymentOnOtherChain extends Error {
  constructor(vault: string, file: string, expected: number, actual: string) {
    super(
      `vault ${vault}: ${file} is of chain ${actual}, the configuration puts it on ${expected}: name the right chain or file`,
    );
    this.name = "DeploymentOnOtherChain";
  }
}

/** Two vaults of one chain send from one account, whatever their keys are called. */
export class KeyShared extends Error {
  constructor(vault: string, other: string, address: string, chainId: number) {
    super(
      `vaults ${other} and ${vault} send from ${address} on chain ${chainId}, and each would replace the other's ` +
        "transactions: give each vault a key of its own",
    );
    this.name = "KeyShared";
  }
}

/** Where state is kept: DATABASE_URL where it is set, else the configured folder. */
export function databasePlace(config: KeeperConfig, environment: Record<string, string | undefined>): DatabasePlace {
  const url = environment["DATABASE_URL"];
  return url === undefined || url === "" ? { folder: config.database.folder } : { url };
}

/** Opens database, keys, chains and vaults of a configuration. Nothing is asked of a chain yet. */
export async function openKeeper(options: KeeperOptions): Promise<Keeper> {
  const { config, environment, log, version } = options;
  const now = options.now ?? Date.now;
  const database = await openDatabase(databasePlace(config, environment));
  try {
    const store = await Store.open(database);
    const sinks = createSinks(config.alerts.sinks);
    const metrics = createMetrics(
      config,
      version,
      sinks.map(({ name }) => name),
    );
    const alerts = createAlerts({
      state: store,
      sinks,
      log,
      repeatAfterSeconds: config.alerts.repeatAfterSeconds,
      now,
      onSent: (sink, result) => metrics.alertSent(sink, result),
    });
    const chains = new Map(
      Object.entries(config.chains).map(([name, chain]) => [
        name,
        openChain(name, chain, { now, log, metrics, alerts }),
      ]),
    );
    const signers = new Map<string, Signer>();
    const warn = (text: string): void => log.warn("key_file", {}, text);
    for (const [name, key] of Object.entries(config.keys)) {
      signers.set(name, await openSigner(key, environment, { warn }));
    }
    await requireOwnAccounts(config, signers);
    const shared = { options, now, store, alerts, metrics, chains, signers };
    const vaults = new Map<string, VaultKeeper>();
    for (const vault of config.vaults) vaults.set(vault.name, await openVault(vault, shared));
    return {
      options,
      database,
      store,
      alerts,
      metrics,
      chains,
      vaults,
      async close() {
        await alerts.settled(10_000);
        for (const endpoints of chains.values()) endpoints.destroy();
        await database.close();
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Throws KeyShared. */
async function requireOwnAccounts(config: KeeperConfig, signers: ReadonlyMap<string, Signer>): Promise<void> {
  const owners = new Map<string, string>();
  for (const { name, chain, key } of config.vaults) {
    if (key === undefined) continue;
    const { chainId } = config.chains[chain]!;
    const address = await signers.get(key)!.getAddress();
    const account = `${chainId}:${address}`;
    const other = owners.get(account);
    if (other !== undefined) throw new KeyShared(name, other, address, chainId);
    owners.set(account, name);
  }
}

interface Rim {
  now: () => number;
  log: Log;
  metrics: Metrics;
  alerts: Alerts;
}

/** A node that fails now and then is every day's, and another answers: so many times in a row is not. */
const LASTING_TIMES = 3;

function openChain(name: string, chain: ChainConfig, { now, log, metrics, alerts }: Rim): Endpoints {
  for (const url of chain.rpc) metrics.rpcUp(name, url, true);
  const keyOf = (host: string): string => `rpc:${name}:${host}`;
  const heard = new Set<string>();
  // In order: an end must not overtake the beginning that came after it.
  let told = Promise.resolve();
  const tell = (news: () => Promise<void>): void => {
    told = told.then(news);
  };
  return openEndpoints({
    urls: chain.rpc,
    chainId: chain.chainId,
    quorum: chain.quorum,
    confirmations: chain.confirmations,
    maxBlockAgeSeconds: chain.maxBlockAgeSeconds,
    maxClockLeadSeconds: chain.maxClockLeadSeconds,
    onRequest: (host, result) => {
      metrics.rpcRequest(name, host, result);
      if (result !== "ok" || heard.has(host)) return;
      heard.add(host);
      // What stood when a keeper ended: this one never saw it fail, and would not see it recover.
      tell(() => alerts.clear(keyOf(host)));
    },
    timeoutMs: chain.timeoutMs,
    now,
    onEvent: ({ kind, host, detail }) => {
      const isUp = kind === "recovered";
      log[isUp ? "info" : "warn"](`rpc_${kind}`, { chain: name, host }, detail);
      metrics.rpcUp(name, host, isUp);
      if (isUp) tell(() => alerts.clear(keyOf(host)));
    },
    onTrouble: ({ kind, host, detail, times }) => {
      const disagrees = kind === "disagrees";
      const alert: Alert = {
        key: keyOf(host),
        vault: null,
        code: disagrees ? "RPCS_DISAGREE" : "RPC_TROUBLE",
        severity: disagrees ? "critical" : "warning",
        text: `${host} of ${name}: ${detail}`,
      };
      const mayPass = (kind === "failed" || kind === "lagging") && times < LASTING_TIMES;
      tell(() => (mayPass ? alerts.note(alert) : alerts.raise(alert)));
    },
  });
}

interface Shared {
  options: KeeperOptions;
  now: () => number;
  store: Store;
  alerts: Alerts;
  metrics: Metrics;
  chains: ReadonlyMap<string, Endpoints>;
  signers: ReadonlyMap<string, Signer>;
}

async function openVault(config: VaultConfig, shared: Shared): Promise<VaultKeeper> {
  const { options, now, store, alerts, metrics } = shared;
  const chainConfig = options.config.chains[config.chain]!;
  const endpoints = shared.chains.get(config.chain)!;
  const deployment = await options.readDeployment(config.deployment);
  if (deployment.chainId !== String(chainConfig.chainId)) {
    throw new DeploymentOnOtherChain(config.name, config.deployment, chainConfig.chainId, deployment.chainId);
  }
  const signer = config.key === undefined ? null : shared.signers.get(config.key)!.connect(endpoints.provider);
  const service = serviceOf(config, deployment);
  return {
    config,
    deployment,
    chain: readerOf(endpoints),
    outlet: outletOf(config, service, signer),
    service,
    signer,
    send: { maxFeePerGas: parseUnits(String(chainConfig.maxFeeGwei), "gwei") },
    store,
    alerts,
    compareFeeds: (evidence, provider: Provider) => readSecondary({ secondary: config.secondary, evidence, provider }),
    minBalance: options.config.alerts.minBalance,
    proposalWaitingSeconds: options.config.alerts.proposalWaitingSeconds,
    now: () => new Date(now()),
    seen: (seen) => count(metrics, config, seen),
  };
}

function readerOf(endpoints: Endpoints): ChainReader {
  const cache: AgreedCache = new Map();
  const limits = new Map<string, bigint>();
  const agreeOn = async <T>({ by }: AgreedBlock, { about, ask, show }: AgreedRead<T>): Promise<T> => {
    // Where one is enough, any may answer.
    if (endpoints.quorum === 1) return ask(endpoints.provider);
    return (await agreed(endpoints, { about: ` of ${about}`, by, ask, show })).value;
  };
  return {
    provider: endpoints.provider,
    agree: () => endpoints.agreeOnBlock(),
    observe: (deployment, block) => observeAgreed(endpoints, deployment, cache, { block }),
    agreeOn,
    async nearLiquidationBps(rebalancer, block) {
      const limit =
        limits.get(rebalancer) ??
        (await agreeOn(block, {
          about: "the limit near liquidation",
          ask: (provider) => rpc(Rebalancer__factory.connect(rebalancer, provider).nearLiquidationBps()),
          show: String,
        }));
      limits.set(rebalancer, limit);
      return limit;
    },
    stillCanonical: (block) => endpoints.stillCanonical(block),
  };
}

function serviceOf({ via, service }: VaultConfig, { chainId }: Deployment): SafeService | null {
  if (via !== "service" || service === undefined) return null;
  const { url, apiKey, timeoutMs } = service;
  return new SafeService({ url, chainId, timeoutMs, ...(apiKey === undefined ? {} : { apiKey }) });
}

function outletOf(config: VaultConfig, service: SafeService | null, signer: Signer | null): Outlet {
  const pin = config.pin === undefined ? null : httpPin({ base: config.pin.url, ...authorizationOf(config.pin) });
  if (service !== null && signer !== null) return serviceOutlet(service, signer, config.out, pin);
  return config.via === "approvals" ? approvalsOutlet(signer, config.out, pin) : fileOutlet(config.out, pin);
}

function authorizationOf({ authorization }: { authorization?: string | undefined }): { authorization?: string } {
  return authorization === undefined ? {} : { authorization };
}

function count(metrics: Metrics, { name, chain, key }: VaultConfig, seen: Seen): void {
  if (seen.step !== undefined) metrics.step(name, seen.step.name, seen.step.ms / 1_000);
  if (seen.observation !== undefined) metrics.observed(name, seen.observation);
  if (seen.balance !== undefined && key !== undefined)
    metrics.keyBalance(key, chain, Number(formatEther(seen.balance)));
  for (const { of, name: source, disagreementBps } of seen.readings ?? []) {
    metrics.feedDisagreement(name, of, source, disagreementBps);
  }
  if (seen.openProposals !== undefined) metrics.openProposals(name, seen.openProposals);
}

/** Nothing that a tick waits for takes as long. */
const HUNG_MS = 900_000;

/**
 * Runs one slot of one vault to its end, unless it is done or another worker has it. Answers how it ended, or null. Throws
 * what may pass, for the queue to try again.
 */
export async function runSlot(
  keeper: Keeper,
  name: string,
  slot: string,
  leaseSeconds: number,
  hungMs = HUNG_MS,
): Promise<TickEnd | null> {
  const { store, alerts, metrics, options } = keeper;
  const { worker, log } = options;
  const vault = keeper.vaults.get(name);
  if (vault === undefined) return null;
  const lease = (): Date => new Date(vault.now().getTime() + leaseSeconds * 1_000);
  const row = await store.begin(name, slot, worker, vault.now(), lease());
  if (row === null) return null;
  const began = vault.now().getTime();
  const started = performance.now();
  let telling = Promise.resolve();
  const hold = setInterval(
    () => {
      store.hold(name, slot, worker, lease()).catch(() => undefined);
      if (performance.now() - started > hungMs) {
        const text = `the tick of slot ${slot} hangs at ${worker}: look at its log, then restart it`;
        const alert = { key: `tick:${name}`, vault: name, code: "TICK_FAILED", severity: "critical", text } as const;
        telling = telling.then(() => alerts.raise(alert));
      }
    },
    (leaseSeconds * 1_000) / 3,
  );
  try {
    const end = await runTick(vault, slot);
    return await finish(end);
  } catch (error) {
    const sentence = sentenceOf(error);
    const code = codeOf(error);
    // What was seen before must not look like what is there now.
    metrics.observed(name, null);
    log.error("tick_broke", { vault: name, slot, code, attempt: row.attempts }, sentence);
    const alert = brokenAlert(name, error);
    // The second try is half a minute away, and most that passes has passed by then.
    await (isPassing(error) && row.attempts === 1 ? alerts.note(alert) : alerts.raise(alert));
    if (isPassing(error)) throw error;
    return await finish({ code, sentence, safeTxHash: null, evidenceHash: null, failed: true }, false);
  } finally {
    clearInterval(hold);
  }

  async function finish(ended: TickEnd, well = true): Promise<TickEnd | null> {
    // Kept, served at /status and printed: a node's or a contract's words may hold anything.
    const end = { ...ended, sentence: speakable(ended.sentence) };
    clearInterval(hold);
    await telling;
    const at = vault!.now();
    const mine = await store.finish(name, slot, worker, at, end);
    if (!mine) {
      log.warn("lease_lost", { vault: name, slot, code: end.code }, "another worker took the slot over");
      return null;
    }
    if (well) await alerts.clear(`tick:${name}`);
    if (end.evidenceHash === null) metrics.observed(name, null);
    const seconds = (at.getTime() - began) / 1_000;
    metrics.tick(name, end.code, seconds, at.getTime() / 1_000);
    if (end.code === "PROPOSED") metrics.proposal(name, at.getTime() / 1_000);
    log[end.failed ? "warn" : "info"](
      "tick",
      { vault: name, slot, code: end.code, seconds, safeTxHash: end.safeTxHash },
      end.sentence,
    );
    return end;
  }
}

/** Cron keeps no loop that forgets. */
const KEPT_MS = 30 * 86_400_000;

/**
 * One tick of each vault (or of one), now: what cron runs. What breaks one vault's tick keeps no other from its own.
 * Where all did their work, the dead man's switch hears of it.
 */
export async function runOnce(keeper: Keeper, only?: string): Promise<Map<string, TickEnd | null>> {
  const { now = Date.now } = keeper.options;
  const ends = new Map<string, TickEnd | null>();
  for (const [name, vault] of keeper.vaults) {
    if (only !== undefined && only !== name) continue;
    const slot = slotOf(vault.now());
    await keeper.store.due(name, slot, vault.now());
    ends.set(
      name,
      await runSlot(keeper, name, slot, 600).catch((error: unknown) => brokenTick(keeper, name, slot, error)),
    );
  }
  await keeper.store.prune(new Date(now() - KEPT_MS));
  const { heartbeat } = keeper.options.config;
  // Of one vault alone nothing follows for the others, nor of a minute that another worker has.
  if (heartbeat !== undefined && ends.size === keeper.vaults.size) {
    const worked = [...ends.values()].every((end) => end !== null && !isErrorCode(end.code));
    await sendHeartbeat({ ...heartbeat, isHealthy: () => Promise.resolve(worked), log: keeper.options.log });
  }
  return ends;
}

function isErrorCode(code: string): boolean {
  return ERROR_CODES.some((one) => one === code);
}

function brokenAlert(vault: string, error: unknown): Alert {
  const severity = isPassing(error) ? "warning" : "critical";
  return { key: `tick:${vault}`, vault, code: "TICK_FAILED", severity, text: `${codeOf(error)}: ${sentenceOf(error)}` };
}

function sentenceOf(error: unknown): string {
  return speakable(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

/** A tick that nobody tries again: the next one is cron's. */
async function brokenTick(keeper: Keeper, name: string, slot: string, error: unknown): Promise<TickEnd> {
  const sentence = sentenceOf(error);
  const { worker } = keeper.options;
  await keeper.alerts.raise(brokenAlert(name, error));
  await keeper.store.giveUp(name, slot, worker, keeper.vaults.get(name)!.now(), sentence);
  return { code: codeOf(error), sentence, safeTxHash: null, evidenceHash: null, failed: true };
}

/** What each vault's tick would do now. Opens no database and no key; writes, proposes and sends nothing. */
export async function dryRuns(options: KeeperOptions, only?: string): Promise<[string, TickOutcome][]> {
  const { config, readDeployment, now = Date.now } = options;
  const outcomes: [string, TickOutcome][] = [];
  for (const vault of config.vaults.filter(({ name }) => only === undefined || only === name)) {
    const chain = config.chains[vault.chain]!;
    const endpoints = openEndpoints({ ...chain, urls: chain.rpc, now });
    try {
      const deployment = await readDeployment(vault.deployment);
      const reader = readerOf(endpoints);
      const outcome = await tick({
        provider: endpoints.provider,
        deployment,
        outlet: fileOutlet(vault.out),
        dryRun: true,
        observeNow: async () => reader.observe(deployment, await reader.agree()),
      });
      outcomes.push([vault.name, outcome]);
    } finally {
      endpoints.destroy();
    }
  }
  return outcomes;
}
