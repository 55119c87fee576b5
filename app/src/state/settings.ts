import { parseDeployment } from "../../../src/plan/deployment.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";

/** What a member tells the page once. Nothing in it is a secret but, perhaps, a key inside the RPC's URL. */
export interface Settings {
  /** JSON-RPC URL; empty when not set. */
  rpc: string;
  /** Text of the deployment file; empty when not set. */
  deployment: string;
  /** Up to and including `/api`; empty for none. */
  service: string;
  /** Where a keeper serves its packets; empty for none. */
  keeper: string;
  /** A block explorer that addresses are linked to, as `<url>/address/0x…`; empty for none. */
  explorer: string;
}

export const NO_SETTINGS: Settings = { rpc: "", deployment: "", service: "", keeper: "", explorer: "" };
export const SETTING_NAMES = ["rpc", "deployment", "service", "keeper", "explorer"] as const;

const STORAGE_KEY = "ballast.settings";

/** Settings that were saved here before. Storage that is shut, as in a private window, holds none. */
export function savedSettings(storage: Pick<Storage, "getItem"> | null): Settings {
  try {
    const value = JSON.parse(storage?.getItem(STORAGE_KEY) ?? "{}") as Partial<Record<string, unknown>>;
    return fromEntries(SETTING_NAMES.map((name) => [name, value[name]]));
  } catch {
    return NO_SETTINGS;
  }
}

/** Keeps settings for the next visit; false when this browser does not let us. */
export function saveSettings(storage: Pick<Storage, "setItem"> | null, settings: Settings): boolean {
  try {
    storage?.setItem(STORAGE_KEY, JSON.stringify(settings));
    return storage !== null;
  } catch {
    return false;
  }
}

/** The settings a link carries after its route; null when it carries none. */
export function settingsInHash(hash: string): Partial<Settings> | null {
  const query = hash.split("?")[1];
  if (query === undefined) return null;
  const entries = [...new URLSearchParams(query)].filter(([name]) => SETTING_NAMES.some((known) => known === name));
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

/**
 * A link's part after "#" that brings others these settings. An RPC URL that may hold a key (in its path, query or user) is
 * left out: a link is for passing on.
 */
export function hashWithSettings(route: string, settings: Settings): string {
  const shared = SETTING_NAMES.filter((name) => settings[name] !== "" && (name !== "rpc" || !mayHoldKey(settings.rpc)));
  const query = new URLSearchParams(shared.map((name): [string, string] => [name, settings[name]])).toString();
  return query === "" ? `#/${route}` : `#/${route}?${query}`;
}

/** Whether something in a URL besides its host could be somebody's key. */
export function mayHoldKey(url: string): boolean {
  try {
    const { username, password, pathname, search, hash } = new URL(url);
    return [username, password, search, hash].some((part) => part !== "") || pathname.length > 1;
  } catch {
    return true;
  }
}

/** The deployment in the settings; null for none, an error's message for one that cannot be used. */
export function deploymentOf({ deployment }: Settings): Deployment | null | { problem: string } {
  if (deployment.trim() === "") return null;
  try {
    return parseDeployment(deployment, "the deployment file");
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Where an explorer shows something of a chain; null without an explorer, or when its URL is no web address. */
export function explorerLink(
  { explorer }: Settings,
  kind: "address" | "block" | "tx",
  value: string | number,
): string | null {
  // Only these two: anything else in a link could run in this page.
  if (!/^https?:\/\/[^\s"'<>]+$/.test(explorer)) return null;
  return `${explorer.replace(/\/+$/, "")}/${kind}/${value}`;
}

function fromEntries(entries: readonly (readonly [keyof Settings, unknown])[]): Settings {
  const texts = entries.map(([name, value]) => [name, typeof value === "string" ? value : ""] as const);
  return Object.fromEntries(texts) as unknown as Settings;
}
