import { isAddress } from "ethers";
import { parseDocument } from "yaml";
import { z } from "zod";
import { nextSlot } from "./schedule.ts";

/*
 * The keeper's configuration: one file for many vaults on many chains. It names keys and never holds one; what is secret in a
 * URL comes from the environment, by `${NAME}` in any text.
 */

/** The configuration cannot be used; the message names the file, the key and how to mend it. */
export class ConfigError extends Error {
  constructor(file: string, key: string, detail: string) {
    super(`${file}: ${key === "" ? "" : `${key}: `}${detail}; see docs/keepers.md for every key`);
    this.name = "ConfigError";
  }
}

const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a name of lower-case letters, digits and hyphens");
const address = z.string().refine((text) => isAddress(text), "an address");
const url = z.url({ protocol: /^https?$/, error: "an http or https URL" });
/** Ten years: what is longer overflows dates and timers, and then is no time at all. */
const seconds = z.number().int().positive().max(315_360_000);
/** What a timer waits for. */
const timeoutMs = z.number().int().positive().max(600_000, "at most 600000, ten minutes").default(15_000);
const cron = z.string().superRefine((text, context) => {
  try {
    if (text.trim().split(/\s+/).length !== 5) throw new SyntaxError("it has not five fields");
    // The parser draws another minute for it each time it is asked.
    if (/\bH\b/i.test(text)) throw new SyntaxError("H is a random time");
    nextSlot(text, new Date());
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    context.addIssue({ code: "custom", message: `a cron expression of five fields, in UTC (${detail})` });
  }
});

const chain = z.strictObject({
  chainId: z.number().int().positive(),
  /** JSON-RPC URLs, the preferred one first. */
  rpc: z.array(url).min(1, "at least one JSON-RPC URL"),
  /** How many of them must say the same of a block before a decision is made from it. */
  quorum: z.number().int().positive().default(1),
  /** Blocks behind the newest one that decisions are made at. */
  confirmations: z.number().int().nonnegative().default(0),
  /** A newest block older than this is a node, or a chain, that stands still. */
  maxBlockAgeSeconds: z.number().int().positive().default(300),
  /** A block further ahead of this machine's clock is a wrong clock, or a lie; a local chain of made-up days needs much. */
  maxClockLeadSeconds: z.number().int().positive().default(60),
  timeoutMs,
  /** What anyone may do waits while the base fee is above this; an emergency does not. */
  maxFeeGwei: z.number().min(0.001).max(1_000_000).default(300),
});

const key = z.union([
  z.strictObject({
    /** Encrypted JSON keystore. */
    keystore: z.string().min(1),
    /** The environment variable with its password. */
    passwordEnv: z.string().default("BALLAST_PASSWORD"),
  }),
  z.strictObject({
    /** A signer that speaks web3signer's JSON-RPC (eth_signTransaction, eth_signTypedData). */
    web3signer: url,
    address,
  }),
]);

const SIGNALS = ["base", "asset", "vix", "vix3m"] as const;

/** Another source for a value the vault's own feeds give: only compared, never decided from. */
const secondary = z.union([
  z.strictObject({
    name,
    of: z.enum(SIGNALS),
    /** An AggregatorV3 feed on the vault's chain. */
    feed: address,
    maxAgeSeconds: seconds,
    maxDisagreementBps: z.number().int().positive(),
  }),
  z.strictObject({
    name,
    of: z.enum(SIGNALS),
    /** A JSON document over HTTP. */
    url,
    /** JSON pointer (RFC 6901) to the value, a number or a decimal text. */
    pointer: z.string().startsWith("/", "a JSON pointer, such as /data/price"),
    /** JSON pointer to the value's time: seconds or milliseconds since 1970-01-01, or ISO 8601. */
    timePointer: z.string().startsWith("/", "a JSON pointer, such as /data/time"),
    maxAgeSeconds: seconds,
    maxDisagreementBps: z.number().int().positive(),
  }),
]);

const vault = z.strictObject({
  name,
  /** One of `chains`. */
  chain: name,
  /** The vault's deployment file. */
  deployment: z.string().min(1),
  /** When it ticks: five cron fields, always UTC. */
  schedule: cron.default("*/15 * * * *"),
  via: z.enum(["file", "service", "approvals"]).default("file"),
  /** With `via: service`. */
  service: z
    .strictObject({
      url,
      apiKey: z.string().min(1).optional(),
      timeoutMs,
    })
    .optional(),
  /** Folder for packets. */
  out: z.string().min(1),
  /** Where evidence is stored besides: by PUT at this URL, under its hash. What is not taken there is not proposed. */
  pin: z.strictObject({ url, authorization: z.string().min(1).optional() }).optional(),
  /** One of `keys`; without one the keeper proposes to files and leaves what needs gas to others. */
  key: name.optional(),
  /** Announce what was proposed, where the Safe has a review guard; the key needs its proposer role. */
  announce: z.boolean().default(false),
  /** Reduce risk within the keeper's role in Stress when the perpetual position nears liquidation. */
  emergency: z
    .strictObject({
      enabled: z.boolean().default(true),
      /** Acts when leverage at the venue is within this share of the contracts' own limit, in basis points. */
      bufferBps: z.number().int().min(0).max(5_000).default(1_000),
    })
    .prefault({}),
  secondary: z.array(secondary).default([]),
});

const severity = z.enum(["info", "warning", "critical"]);
const minSeverity = severity.default("warning");
const sink = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("webhook"), url, minSeverity }),
  z.strictObject({ kind: z.literal("slack"), url, minSeverity }),
  z.strictObject({ kind: z.literal("discord"), url, minSeverity }),
  z.strictObject({
    kind: z.literal("telegram"),
    token: z.string().min(1),
    chatId: z.union([z.string().min(1), z.number().int()]),
    /** Another server that speaks Telegram's bot API. */
    url: url.default("https://api.telegram.org"),
    minSeverity,
  }),
]);

const alerts = z.strictObject({
  sinks: z.array(sink).default([]),
  /** What still stands is said again after this long. */
  repeatAfterSeconds: seconds.default(21_600),
  /** Below this balance of the chain's coin a key is low on gas. */
  minBalance: z
    .string()
    .regex(/^\d+(\.\d{1,18})?$/, 'an amount of the chain\'s coin, as a text such as "0.05"')
    .default("0.02"),
  /** An open proposal is told of again after this long. */
  proposalWaitingSeconds: seconds.default(43_200),
});

const schema = z.strictObject({
  /** Where state is kept: DATABASE_URL (Postgres) overrides it; without both, embedded in `folder`. */
  database: z.strictObject({ folder: z.string().min(1).default("out/keeper/database") }).prefault({}),
  /** Metrics and health; null for none. */
  http: z
    .strictObject({ host: z.string().default("127.0.0.1"), port: z.number().int().min(0).max(65_535).default(9464) })
    .nullable()
    .prefault({}),
  /** Told every so often that the keeper lives: whoever is there alerts when it falls silent. */
  heartbeat: z.strictObject({ url, everySeconds: seconds.max(86_400, "at most 86400, a day").default(300) }).optional(),
  chains: z.record(name, chain),
  keys: z.record(name, key).default({}),
  vaults: z.array(vault).min(1, "at least one vault"),
  alerts: alerts.prefault({}),
});

export type KeeperConfig = z.infer<typeof schema>;
export type ChainConfig = KeeperConfig["chains"][string];
export type KeyConfig = KeeperConfig["keys"][string];
export type VaultConfig = KeeperConfig["vaults"][number];
export type SecondaryConfig = VaultConfig["secondary"][number];
export type SinkConfig = KeeperConfig["alerts"]["sinks"][number];
export type Severity = z.infer<typeof severity>;

/**
 * Reads a configuration's text (YAML, of which JSON is a part). `environment` fills in `${NAME}`. Throws ConfigError naming the
 * first key at fault.
 */
export function parseConfig(text: string, file: string, environment: Record<string, string | undefined>): KeeperConfig {
  const document = parseDocument(text, { uniqueKeys: true });
  const broken = document.errors[0];
  if (broken !== undefined) throw new ConfigError(file, "", broken.message.split("\n")[0] ?? broken.message);
  const filled = fillIn(document.toJS() as unknown, "", file, environment);
  const parsed = schema.safeParse(filled ?? {});
  if (!parsed.success) {
    const issue = deepest(parsed.error.issues[0]!);
    const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const path = [...issue.path, ...(unknown === undefined ? [] : [unknown])].map(String).join(".");
    throw new ConfigError(file, path, unknown === undefined ? issue.message : "there is no such key");
  }
  checkReferences(parsed.data, file);
  return parsed.data;
}

type Issue = z.core.$ZodIssue;

/**
 * Of a union's issues, those of the alternative that came furthest; of a record's bad name, what is wrong with it: "none of
 * these" and "invalid key" help nobody.
 */
function deepest(issue: Issue): Issue {
  const inner = innerOf(issue);
  return inner === undefined ? issue : deepest({ ...inner, path: [...issue.path, ...inner.path] });
}

function innerOf(issue: Issue): Issue | undefined {
  if (issue.code === "invalid_union") return [...issue.errors].sort((a, b) => a.length - b.length)[0]?.[0];
  return issue.code === "invalid_key" ? issue.issues[0] : undefined;
}

function checkReferences(config: KeeperConfig, file: string): void {
  for (const [chainName, { rpc, quorum }] of Object.entries(config.chains)) {
    const twice = rpc.findIndex((one, index) => rpc.indexOf(one) < index);
    // One node that is asked twice always agrees with itself.
    if (twice >= 0) throw new ConfigError(file, `chains.${chainName}.rpc.${twice}`, "this URL is there twice");
    if (quorum > rpc.length) {
      throw new ConfigError(file, `chains.${chainName}.quorum`, `${quorum} of ${rpc.length} URLs can never agree`);
    }
  }
  const seen = new Set<string>();
  config.vaults.forEach((entry, index) => {
    const at = (part: string): string => `vaults.${index}.${part}`;
    if (seen.has(entry.name)) throw new ConfigError(file, at("name"), `"${entry.name}" is there twice`);
    seen.add(entry.name);
    const same = config.vaults.findIndex(
      ({ chain, deployment }) => chain === entry.chain && deployment === entry.deployment,
    );
    if (same < index) {
      throw new ConfigError(
        file,
        at("deployment"),
        `vault "${config.vaults[same]!.name}" has the same: both would propose`,
      );
    }
    if (!Object.hasOwn(config.chains, entry.chain)) {
      throw new ConfigError(file, at("chain"), `"${entry.chain}" is none of chains: ${list(config.chains)}`);
    }
    if (entry.key !== undefined && !Object.hasOwn(config.keys, entry.key)) {
      throw new ConfigError(file, at("key"), `"${entry.key}" is none of keys: ${list(config.keys)}`);
    }
    const chainIdOf = ({ chain }: VaultConfig): number => config.chains[chain]!.chainId;
    const other = config.vaults.findIndex(
      (one, earlier) => earlier < index && one.key === entry.key && chainIdOf(one) === chainIdOf(entry),
    );
    // One account has one nonce at a time: a vault's call would replace the other's, be it the one that keeps it safe.
    if (entry.key !== undefined && other >= 0) {
      const detail = `vault "${config.vaults[other]!.name}" has the same on this chain, and each would replace the other's transactions`;
      throw new ConfigError(file, at("key"), `${detail}: give "${entry.name}" a key of its own`);
    }
    if (entry.via === "service" && entry.service === undefined) {
      throw new ConfigError(file, at("service"), "via: service needs the service's URL");
    }
    if (entry.via === "service" && entry.key === undefined) {
      throw new ConfigError(file, at("key"), "via: service needs a delegate's key");
    }
    if (entry.announce && entry.key === undefined) {
      throw new ConfigError(file, at("key"), "announcing needs a key that may announce");
    }
  });
}

function list(record: Record<string, unknown>): string {
  return Object.keys(record).join(", ") || "there are none";
}

/** Replaces `${NAME}` in every text by the environment's value. */
function fillIn(value: unknown, path: string, file: string, environment: Record<string, string | undefined>): unknown {
  const inside = (key: string | number): string => (path === "" ? String(key) : `${path}.${key}`);
  if (Array.isArray(value)) return value.map((part, index) => fillIn(part, inside(index), file, environment));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, fillIn(part, inside(key), file, environment)]),
    );
  }
  if (typeof value !== "string") return value;
  return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_match, variable: string) => {
    const found = environment[variable];
    if (found === undefined || found === "") {
      throw new ConfigError(file, path, `the environment variable ${variable} is not set`);
    }
    return found;
  });
}
