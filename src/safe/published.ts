import {
  getCompatibilityFallbackHandlerDeployments,
  getExtensibleFallbackHandlerDeployments,
  getSafeL2SingletonDeployments,
  getSafeSingletonDeployments,
} from "@safe-global/safe-deployments";
import type { SingletonDeploymentV2 } from "@safe-global/safe-deployments";

/** Where a Safe's proxy keeps the contract whose code it runs. */
export const SINGLETON_SLOT = 0n;

/** keccak256 of the proxy's runtime code, as published with each version (test/integration/audit.ts compares). */
export const PROXY_HASHES: Record<string, string> = {
  "1.4.1": "0xd7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c",
  "1.5.0": "0x4e381985ca68b3e5d27b4425fa581c19cf33146d3f887a3cfca96f55528ea46f",
};

/** The code hashes the Safe's makers publish for a version's singleton, with and without L2 events. */
export function singletonHashes(version: string): string[] {
  return hashesOf([getSafeL2SingletonDeployments, getSafeSingletonDeployments], version);
}

/** The same for the fallback handlers. */
export function handlerHashes(version: string): string[] {
  return hashesOf([getCompatibilityFallbackHandlerDeployments, getExtensibleFallbackHandlerDeployments], version);
}

/** None for a version they do not know. */
function hashesOf(
  published: ((filter: { version: string }) => SingletonDeploymentV2 | undefined)[],
  version: string,
): string[] {
  return published.flatMap((of) => Object.values(of({ version })?.deployments ?? {}).map(({ codeHash }) => codeHash));
}
