import { parseDeployment } from "../../../src/plan/deployment.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { SETTING_NAMES } from "../state/settings.ts";
import type { Settings } from "../state/settings.ts";

const URL_NAMES = {
  rpc: "RPC",
  service: "Transaction service",
  keeper: "Keeper",
  explorer: "Block explorer",
} as const;

/** What verdicts rest on, by the names of the deployment file; what is not here is shown by its name there. */
const DEPLOYMENT_NAMES: Readonly<Record<string, string>> = {
  chainId: "Chain",
  safe: "Safe",
  vault: "Vault",
  rebalancer: "Rebalancer",
  policy: "Policy",
  regimeOracle: "Regime oracle",
  priceOracle: "Price oracle",
  accessManager: "Access manager",
  liquidityAdapter: "Liquidity adapter",
  perpAdapter: "Perp adapter",
  lens: "Lens",
  guard: "Review guard",
  "atDeployment.block": "Deployed in block",
  "atDeployment.safe.version": "The Safe’s version",
  "atDeployment.safe.owners": "The Safe’s owners",
  "atDeployment.safe.threshold": "Signatures needed",
  "atDeployment.safe.modules": "The Safe’s modules",
  "atDeployment.safe.fallbackHandler": "The Safe’s fallback handler",
};

/** One thing a link would change. */
export interface OfferRow {
  name: string;
  /** Null where nothing is set. */
  now: string | null;
  offered: string;
}

/** What a link would change, and why it cannot be taken. */
export interface Offer {
  rows: OfferRow[];
  problems: string[];
}

/**
 * What a link's settings are, from what the page would use of them and never from a look at their text: a URL can be made to
 * read like a vault, and a JSON key may stand in a text twice.
 */
export function offerOf(offered: Partial<Settings>, inForce: Settings): Offer {
  const rows: OfferRow[] = [];
  const problems: string[] = [];
  for (const name of SETTING_NAMES) {
    const value = offered[name];
    if (value === undefined || value === inForce[name]) continue;
    if (name === "deployment") {
      const [now, next] = [read(inForce.deployment), read(value)];
      if (next === null) problems.push("Its deployment file is none: nothing could be verified by it.");
      else rows.push(...deploymentRows(now, next));
      continue;
    }
    const next = value === "" ? "none" : placeOf(value);
    if (next === null) problems.push(`Its ${URL_NAMES[name]} is no plain http or https address.`);
    else {
      const now = inForce[name] === "" ? null : placeOf(inForce[name]);
      // Another path of one host can be another node, or another's keeper.
      rows.push({ name: URL_NAMES[name], now, offered: next === now ? `${next}, another than yours` : next });
    }
  }
  return { rows, problems };
}

/** Every difference: a verdict rests on whose the Safe was, and from which block on, as much as on addresses. */
function deploymentRows(now: Deployment | null, next: Deployment): OfferRow[] {
  const [before, after] = [now === null ? new Map<string, string>() : flat(now), flat(next)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [was, becomes] = [before.get(key) ?? null, after.get(key) ?? null];
    return was === becomes ? [] : [{ name: DEPLOYMENT_NAMES[key] ?? key, now: was, offered: becomes ?? "none" }];
  });
}

/** A deployment's values by the path of their keys. */
function flat(value: object, path = ""): Map<string, string> {
  return new Map(
    Object.entries(value).flatMap(([key, inner]: [string, unknown]): [string, string][] => {
      const name = `${path}${key}`;
      if (inner === undefined) return [];
      if (Array.isArray(inner)) return [[name, inner.length === 0 ? "none" : inner.join(", ")]];
      if (typeof inner === "object" && inner !== null) return [...flat(inner, `${name}.`)];
      return [[name, typeof inner === "string" ? inner : inner === null ? "none" : JSON.stringify(inner)]];
    }),
  );
}

/** Scheme and host, which say who answers; null for what is no web address, or carries a user that reads like a host. */
function placeOf(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, pathname, search, username, password } = new URL(text);
  if (!/^https?:$/.test(protocol) || username !== "" || password !== "") return null;
  return `${protocol}//${host}${pathname.length > 1 || search !== "" ? ", with a path" : ""}`;
}

function read(text: string): Deployment | null {
  try {
    return parseDeployment(text, "");
  } catch {
    return null;
  }
}
