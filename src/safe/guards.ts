import { Contract, ZeroAddress, dataSlice, getAddress, id } from "ethers";
import type { Provider } from "ethers";
import { readSafe } from "./account.ts";
import { SAFE_INTERFACE } from "./abi.ts";

/** Where a Safe since 1.3.0 keeps its transaction guard (safe-smart-account, contracts/base/GuardManager.sol). */
export const GUARD_SLOT = id("guard_manager.guard.address");
/** Where a Safe since 1.5.0 keeps its module guard (contracts/base/ModuleManager.sol). */
export const MODULE_GUARD_SLOT = id("module_manager.module_guard.address");

/** Where a Safe since 1.3.0 keeps who answers calls it has no function for (contracts/base/FallbackManager.sol). */
export const FALLBACK_HANDLER_SLOT = id("fallback_manager.handler.address");

/** The modules' linked list begins and ends here. */
export const SENTINEL = "0x0000000000000000000000000000000000000001";

/** A Safe's guards; null where none is set. */
export interface SafeGuards {
  guard: string | null;
  moduleGuard: string | null;
}

/** Reads the guards of a Safe from its storage: there is no getter for them. */
export async function readGuards(provider: Provider, safe: string): Promise<SafeGuards> {
  const [guard, moduleGuard] = await Promise.all(
    [GUARD_SLOT, MODULE_GUARD_SLOT].map(async (slot) => addressIn(await provider.getStorage(safe, slot))),
  );
  return { guard: guard ?? null, moduleGuard: moduleGuard ?? null };
}

/** Whether a Safe of this version takes a module guard: since 1.5.0. */
export function hasModuleGuard(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 1 || (major === 1 && minor >= 5);
}

/** A Safe's modules, ten at most: each can act without the owners. */
export async function readModules(provider: Provider, safe: string): Promise<string[]> {
  const modules = new Contract(safe, SAFE_INTERFACE, provider).getFunction("getModulesPaginated");
  const [list] = (await modules.staticCall(SENTINEL, 10)) as unknown as [string[]];
  return [...list];
}

/** Who can act for a Safe, and on whose word. */
export interface SafeSetup {
  version: string;
  owners: string[];
  threshold: number;
  modules: string[];
  fallbackHandler: string | null;
}

/** Reads a Safe's setup. Throws NotASafe. */
export async function readSafeSetup(provider: Provider, safe: string): Promise<SafeSetup> {
  const { version, owners, threshold } = await readSafe(provider, safe);
  const [modules, fallbackHandler] = await Promise.all([
    readModules(provider, safe),
    readFallbackHandler(provider, safe),
  ]);
  return { version, owners, threshold, modules, fallbackHandler };
}

/** Who answers the calls a Safe has no function for; null for nobody. */
export async function readFallbackHandler(provider: Provider, safe: string): Promise<string | null> {
  return addressIn(await provider.getStorage(safe, FALLBACK_HANDLER_SLOT));
}

function addressIn(word: string): string | null {
  const address = getAddress(dataSlice(word, 12));
  return address === ZeroAddress ? null : address;
}
