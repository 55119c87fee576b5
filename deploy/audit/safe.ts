import { ZeroAddress, getAddress, keccak256 } from "ethers";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import {
  FALLBACK_HANDLER_SLOT,
  GUARD_SLOT,
  MODULE_GUARD_SLOT,
  SENTINEL,
  hasModuleGuard,
} from "../../src/safe/guards.ts";
import { PROXY_HASHES, SINGLETON_SLOT, handlerHashes, singletonHashes } from "../../src/safe/published.ts";
import { compare } from "./rows.ts";
import type { Expected, Row } from "./rows.ts";
import type { Subject } from "./subject.ts";
import { listOf } from "./wiring.ts";

/** Modules listed at most: a Safe with more is a matter for itself. */
const MOST_MODULES = 50;

const CHANGED =
  "if the owners did it, write it into the deployment file; if they did not, the Safe is somebody else's: leave";

/** Who can act for the Safe, whose code it runs, and whether the review guard holds it. */
export function safeRows({ chain, contracts: d }: Subject): Promise<Row>[] {
  const { safe } = d;
  const was = d.atDeployment?.safe;
  const ask = (view: string): Promise<string> => chain.ask(safe, SAFE_INTERFACE, view);
  const safeRow = (name: string, expected: Expected, read: () => Promise<string>, meaning = CHANGED): Promise<Row> =>
    compare("Safe", name, expected, read, meaning);
  const guard = d.guard === undefined ? "none" : getAddress(d.guard);
  const stored = async (slot: string): Promise<string> => orNone(await chain.storedAddress(safe, slot));
  const rows = [
    safeRow("version", was?.version ?? null, () => ask("VERSION")),
    safeRow(
      "proxy code",
      "a Safe proxy as published",
      async () => {
        const hash = keccak256(await chain.code(safe));
        return Object.values(PROXY_HASHES).includes(hash) ? "a Safe proxy as published" : `code of hash ${hash}`;
      },
      "what is at the Safe's address is no Safe proxy of 1.4.1 or 1.5.0: nothing below may be true",
    ),
    safeRow(
      "singleton code",
      async () => `a Safe ${await ask("VERSION")} as published`,
      async () => {
        const version = await ask("VERSION");
        const singleton = await chain.storedAddress(safe, SINGLETON_SLOT);
        const hash = keccak256(await chain.code(singleton));
        return singletonHashes(version).includes(hash)
          ? `a Safe ${version} as published`
          : `${singleton}, code of hash ${hash}`;
      },
      "the Safe runs code its makers did not publish: nothing below may be true",
    ),
    safeRow("owners", was === undefined ? null : listOf(was.owners), async () =>
      listOf(await chain.ask<string[]>(safe, SAFE_INTERFACE, "getOwners")),
    ),
    safeRow("threshold", was?.threshold.toString() ?? null, async () =>
      (await chain.ask<bigint>(safe, SAFE_INTERFACE, "getThreshold")).toString(),
    ),
    safeRow(
      "modules",
      was === undefined ? "none" : listOf(was.modules),
      async () => {
        const [modules, next] = await chain
          .ask<{ array: string[]; next: string }>(safe, SAFE_INTERFACE, "getModulesPaginated", [SENTINEL, MOST_MODULES])
          .then(({ array, next }) => [array, next] as const);
        return listOf(modules) + (next === SENTINEL || next === ZeroAddress ? "" : " and more");
      },
      "a module acts for the Safe without its owners: disableModule, unless they want it",
    ),
    safeRow(
      "guard",
      guard,
      () => stored(GUARD_SLOT),
      d.guard === undefined
        ? "a guard this deployment did not bring can stop or let through what it likes: ask who set it"
        : "nothing waits and nobody can veto: the owners sign and execute 2-guard.packet.json",
    ),
    safeRow(
      "module guard",
      async () => (hasModuleGuard(await ask("VERSION")) ? guard : "none"),
      () => stored(MODULE_GUARD_SLOT),
      d.guard === undefined
        ? "a guard this deployment did not bring can stop or let through what it likes: ask who set it"
        : "modules walk past the review: the owners sign and execute 1-module-guard.packet.json",
    ),
    safeRow(
      "fallback handler",
      async () => (was === undefined ? handlerName(await ask("VERSION")) : orNone(was.fallbackHandler ?? ZeroAddress)),
      async () => {
        const handler = await chain.storedAddress(safe, FALLBACK_HANDLER_SLOT);
        if (was !== undefined || handler === ZeroAddress) return orNone(handler);
        const version = await ask("VERSION");
        return handlerHashes(version).includes(keccak256(await chain.code(handler))) ? handlerName(version) : handler;
      },
      "another contract answers in the Safe's name, signatures included (ERC-1271): setFallbackHandler, unless the owners want it",
    ),
  ];
  return rows;
}

function handlerName(version: string): string {
  return `the handler published with ${version}`;
}

function orNone(address: string): string {
  return address === ZeroAddress ? "none" : getAddress(address);
}
