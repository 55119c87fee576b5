import { readFile } from "node:fs/promises";
import { parseDocument, visit } from "yaml";
import { ConfigError, parseConfig } from "./config.ts";
import type { KeeperConfig } from "./config.ts";
import { checksOf, guarded, reasonOf } from "./doctor/checks.ts";
import type { DoctorCheck } from "./doctor/checks.ts";
import { checkChain } from "./doctor/rpc.ts";
import type { CheckedChain, RpcDoors } from "./doctor/rpc.ts";
import { checkVault } from "./doctor/vault.ts";
import type { CheckedVault, VaultDoors } from "./doctor/vault.ts";

export type { DoctorCheck } from "./doctor/checks.ts";

/** The rim: all that a check reaches out through. */
export interface DoctorDoors extends RpcDoors, VaultDoors {
  environment: Record<string, string | undefined>;
  /** Opens the keeper's state, creating what is not there yet; null where that is not possible. */
  openStore: ((config: KeeperConfig) => Promise<{ close: () => Promise<void> }>) | null;
  /** Whether openStore was refused because a keeper runs on that folder. */
  isStoreInUse: (error: unknown) => boolean;
  /** Such as 24.3.0. */
  nodeVersion: string;
}

export interface DoctorReport {
  /** Nothing failed; there may be warnings. */
  ok: boolean;
  checks: DoctorCheck[];
}

/** As in package.json. */
const LEAST_NODE = 20;
/** Opening an embedded database for the first time takes some seconds. */
const STORE_TIMEOUT_MS = 60_000;

/**
 * Looks at all a keeper needs before its first run, and says of what fails how to mend it. Never throws for what it looks at:
 * one check's failure is its own line, and what rests on it is told to be not checked. Nothing is sent to a chain.
 * @param vault Only this vault and its chain; all when undefined
 */
export async function examine(file: string, doors: DoctorDoors, vault?: string): Promise<DoctorReport> {
  const checks = [checkNode(doors)];
  const read = await readConfig(file, doors);
  checks.push(...read.checks);
  if (read.config !== null) checks.push(...(await examineConfig(read.config, doors, vault)));
  const cleaned = checks.map((check) => redact(check, read.secrets));
  return { ok: cleaned.every(({ outcome }) => outcome !== "fail"), checks: cleaned };
}

async function examineConfig(
  config: KeeperConfig,
  doors: DoctorDoors,
  only: string | undefined,
): Promise<DoctorCheck[]> {
  const vaults = config.vaults.filter(({ name }) => only === undefined || name === only);
  if (vaults.length === 0) {
    const there = config.vaults.map(({ name }) => name).join(", ");
    return [checksOf(null).fail("vault", `"${only ?? ""}" is none of vaults`, `give one of ${there}`)];
  }
  const chains = new Map<string, Promise<CheckedChain>>();
  for (const { chain } of vaults) {
    const settings = config.chains[chain];
    if (settings !== undefined && !chains.has(chain)) chains.set(chain, checkChain(chain, settings, doors));
  }
  const [store, ofVaults, ofChains] = await Promise.all([
    checkStore(config, doors),
    Promise.all(
      vaults.map(async (vault) => checkVault(vault, config, (await chains.get(vault.chain)) ?? NO_CHAIN, doors)),
    ),
    Promise.all(chains.values()),
  ]);
  for (const { provider } of ofChains) provider?.destroy();
  return [
    ...store,
    ...checkAlerts(config),
    ...ofChains.flatMap(({ checks }) => checks),
    ...ofVaults.flatMap(({ checks }) => checks),
    ...checkAccounts(config, ofVaults),
  ];
}

/** Two names of keys may open the same account; the keeper would not start then. */
function checkAccounts(config: KeeperConfig, vaults: readonly CheckedVault[]): DoctorCheck[] {
  const first = new Map<string, string>();
  return vaults.flatMap(({ vault: { name, chain }, address }): DoctorCheck[] => {
    if (address === null) return [];
    const account = `${config.chains[chain]?.chainId ?? chain}:${address.toLowerCase()}`;
    const other = first.get(account);
    if (other === undefined) {
      first.set(account, name);
      return [];
    }
    const mend = "give each vault of a chain a key of its own: one's transactions would replace the other's";
    return [checksOf(name).fail("own account", `vault ${other} sends from ${address} too`, mend)];
  });
}

const NO_CHAIN: CheckedChain = { checks: [], provider: null, head: null };

function checkNode({ nodeVersion }: DoctorDoors): DoctorCheck {
  const { ok, fail } = checksOf(null);
  return Number(nodeVersion.split(".")[0]) >= LEAST_NODE
    ? ok("Node.js", nodeVersion)
    : fail("Node.js", `${nodeVersion} is too old`, `install Node.js ${LEAST_NODE} or later`);
}

/** The configuration, or what is wrong with it; and what of it must not be printed. */
async function readConfig(
  file: string,
  { environment }: DoctorDoors,
): Promise<{ checks: DoctorCheck[]; config: KeeperConfig | null; secrets: string[] }> {
  const { ok, fail, skip } = checksOf(null);
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const mend = "give the configuration's path with --config; docs/keepers.md has every key";
    return {
      checks: [fail("configuration", `${file} cannot be read (${reasonOf(error)})`, mend)],
      config: null,
      secrets: [],
    };
  }
  const variables = variablesIn(text);
  const missing = variables.filter((name) => (environment[name] ?? "") === "");
  const secrets = [
    ...variables.flatMap((name) => environment[name] ?? []),
    ...credentialsOf(environment["DATABASE_URL"]),
  ];
  const first =
    variables.length === 0
      ? skip("environment", "the configuration names no variables")
      : missing.length === 0
        ? ok("environment", `${variables.join(", ")}: set`)
        : fail(
            "environment",
            `not set: ${missing.join(", ")}`,
            "set them where the keeper is started: a service's EnvironmentFile, or the shell",
          );
  // What is only missing in the environment is said once, above; the rest of the configuration is looked at all the same.
  const filled = { ...environment, ...Object.fromEntries(missing.map((name) => [name, "missing"])) };
  try {
    const config = parseConfig(text, file, filled);
    const usable = missing.length === 0;
    return {
      checks: [first, ok("configuration", `${file}: ${config.vaults.map(({ name }) => name).join(", ")}`)],
      config: usable ? config : null,
      secrets: [...secrets, ...secretsOf(config)],
    };
  } catch (error) {
    // A text with a variable in it can be right only once the variable is there.
    const unclear = missing.length > 0 && error instanceof ConfigError;
    const check = unclear
      ? skip("configuration", "it can be read only when the environment is complete")
      : fail("configuration", reasonOf(error), `correct ${file} where it says`);
    return { checks: [first, check], config: null, secrets };
  }
}

/** The names of `${NAME}` in the configuration's texts, comments left out. */
function variablesIn(text: string): string[] {
  const names = new Set<string>();
  visit(parseDocument(text), {
    Scalar(_key, { value }) {
      if (typeof value !== "string") return;
      for (const [, name] of value.matchAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g)) names.add(name ?? "");
    },
  });
  return [...names];
}

async function checkStore(config: KeeperConfig, doors: DoctorDoors): Promise<DoctorCheck[]> {
  const make = checksOf(null);
  const name = "database";
  const url = doors.environment["DATABASE_URL"] ?? "";
  const place = url === "" ? `embedded in ${config.database.folder}` : "the server of DATABASE_URL";
  const { openStore } = doors;
  if (openStore === null) return [make.skip(name, `${place}; it cannot be opened here`)];
  const open = async (): Promise<DoctorCheck> => {
    try {
      const store = await openStore(config);
      await store.close();
      return make.ok(name, `${place} opens and can be written`);
    } catch (error) {
      if (doors.isStoreInUse(error)) return make.ok(name, `${place}; a keeper runs on it`);
      return make.fail(
        name,
        `${place}: ${reasonOf(error)}`,
        url === ""
          ? `give the keeper's user a folder it may write in database.folder, with space on its disk`
          : "check DATABASE_URL, that the server runs and takes connections from here, and that the user may create tables",
      );
    }
  };
  return guarded(
    make,
    name,
    STORE_TIMEOUT_MS,
    open,
    "the database does not answer: check that it runs and is reachable from here",
  );
}

function checkAlerts({ alerts, heartbeat }: KeeperConfig): DoctorCheck[] {
  const { ok, warn } = checksOf(null);
  return [
    alerts.sinks.length === 0
      ? warn(
          "alerts",
          "they go nowhere: what is wrong is seen only in the log",
          "add a webhook, Slack, Discord or Telegram to alerts.sinks",
        )
      : ok(
          "alerts",
          `they go to ${alerts.sinks.map(({ kind, minSeverity }) => `${kind} (${minSeverity} and worse)`).join(", ")}`,
        ),
    heartbeat === undefined
      ? warn(
          "heartbeat",
          "there is none: nobody notices when the keeper itself stops",
          "add heartbeat.url, of a service that alerts when it falls silent",
        )
      : ok("heartbeat", `every ${heartbeat.everySeconds} s`),
  ];
}

/** A URL, and the password in it, which a driver may say alone. */
function credentialsOf(url: string | undefined): string[] {
  if (url === undefined) return [];
  return URL.canParse(url) ? [url, new URL(url).password] : [url];
}

/** What must not be printed: whole URLs, whose paths carry keys, and tokens. */
function secretsOf(config: KeeperConfig): string[] {
  const urls = [
    ...Object.values(config.chains).flatMap(({ rpc }) => rpc),
    ...config.vaults.flatMap(({ service, secondary }) => [
      service?.url,
      service?.apiKey,
      ...secondary.map((source) => ("url" in source ? source.url : undefined)),
    ]),
    ...config.alerts.sinks.flatMap((sink) => [sink.url, sink.kind === "telegram" ? sink.token : undefined]),
    ...Object.values(config.keys).map((key) => ("web3signer" in key ? key.web3signer : undefined)),
    config.heartbeat?.url,
  ];
  return urls.filter((url) => url !== undefined);
}

function redact(check: DoctorCheck, secrets: string[]): DoctorCheck {
  const hide = (text: string): string =>
    // The longest first, so that no part of one is left over from another.
    [...secrets]
      .sort((left, right) => right.length - left.length)
      .reduce((shown, secret) => (secret.length < 4 ? shown : shown.replaceAll(secret, shownOf(secret))), text);
  return { ...check, detail: hide(check.detail), mend: check.mend === null ? null : hide(check.mend) };
}

function shownOf(secret: string): string {
  try {
    return `${new URL(secret).origin}/…`;
  } catch {
    return "…";
  }
}

const MARKS = { ok: "ok ", warn: "!! ", fail: "NO ", "not checked": "-- " } as const;

/** A report on a screen: a line a check, how to mend what is wrong below it, and a summary. */
export function renderReport({ checks }: DoctorReport): string {
  const width = Math.min(Math.max(...checks.map((check) => title(check).length)), 44);
  const lines = checks.flatMap((check) => [
    `${MARKS[check.outcome]}${title(check).padEnd(width)}  ${check.detail}`,
    ...(check.mend === null ? [] : [`     mend: ${check.mend}`]),
  ]);
  const count = (outcome: DoctorCheck["outcome"]): number => checks.filter((check) => check.outcome === outcome).length;
  const [failed, warned, skipped] = [count("fail"), count("warn"), count("not checked")];
  const summary =
    failed > 0
      ? `NOT READY: ${failed} failed, ${warned} to look at, ${skipped} not checked, of ${checks.length}.`
      : `READY: nothing failed; ${warned} to look at, ${skipped} not checked, of ${checks.length}.`;
  return [...lines, "", summary].join("\n");
}

function title({ vault, name }: DoctorCheck): string {
  return vault === null ? name : `${vault}: ${name}`;
}
