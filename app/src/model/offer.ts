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

/** What verdicts rest on, by the names of the deployment file. */
const CONTRACTS = {
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
} as const satisfies Partial<Record<keyof Deployment, string>>;

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
      else rows.push(...contractRows(now, next));
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

function contractRows(now: Deployment | null, next: Deployment): OfferRow[] {
  return (Object.keys(CONTRACTS) as (keyof typeof CONTRACTS)[]).flatMap((key) => {
    const [before, after] = [now?.[key] ?? null, next[key] ?? null];
    return before === after ? [] : [{ name: CONTRACTS[key], now: before, offered: after ?? "none" }];
  });
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
