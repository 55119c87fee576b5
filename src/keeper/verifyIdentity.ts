import { keccak256 } from "ethers";
import type { JsonRpcApiProvider } from "ethers";
import type { Evidence } from "../plan/evidence.ts";
import type { SafeAccount } from "../safe/account.ts";
import { hasModuleGuard, readFallbackHandler, readGuards, readModules } from "../safe/guards.ts";
import { PROXY_HASHES, SINGLETON_SLOT, handlerHashes, singletonHashes } from "../safe/published.ts";
import { AccessManager__factory, Rebalancer__factory, VaultLens__factory } from "../../typechain-types/index.js";
import { isSame, unlessNoSuchContract } from "./verifyRun.ts";
import type { VerifyRun } from "./verifyRun.ts";

const CHANGED = "if the owners did that, write it into your deployment file; if not, the Safe is no longer yours";

/**
 * Whose Safe it is and whose code it runs: proxy and singleton as its makers published them, and owners, threshold,
 * modules, guards and fallback handler as the deployment file has them. False when its code is another: then nothing it
 * answers means anything.
 */
export async function checkSafe(run: VerifyRun, account: SafeAccount): Promise<boolean> {
  const { provider, packet, deployment } = run.request;
  if (!(await checkSafeCode(run, account))) return false;
  const own = deployment !== undefined && isSame(deployment.safe, packet.safe);
  const was = own ? deployment.atDeployment?.safe : undefined;
  const owners = `${account.threshold} of ${account.owners.length} (${account.owners.join(", ")})`;
  const unknown = deployment === undefined ? "no --deployment given" : "your deployment file does not say whose it was";
  if (was === undefined) {
    run.skip("safe owners", `${unknown}: ${owners}`);
  } else {
    const same = was.threshold === account.threshold && listOf(was.owners) === listOf(account.owners);
    run.note(
      "safe owners",
      same ? null : `${owners}, at deployment ${was.threshold} of ${was.owners.join(", ")}: ${CHANGED}`,
      owners,
    );
  }
  const modules = await readModules(provider, packet.safe);
  const expected = was?.modules ?? [];
  run.note(
    "safe modules",
    listOf(modules) === listOf(expected)
      ? null
      : `${modules.join(", ") || "none"}, expected ${expected.join(", ") || "none"}: a module acts without the owners`,
    expected.length === 0 ? "none" : expected.join(", "),
  );
  await checkGuards(run, account);
  await checkHandler(run, account, was === undefined ? undefined : was.fallbackHandler);
  return true;
}

async function checkSafeCode(run: VerifyRun, { version, address }: SafeAccount): Promise<boolean> {
  const { provider } = run.request;
  const [proxy, slot] = await Promise.all([provider.getCode(address), provider.getStorage(address, SINGLETON_SLOT)]);
  const singleton = `0x${slot.slice(-40)}`;
  const code = await provider.getCode(singleton);
  const problem = !Object.values(PROXY_HASHES).includes(keccak256(proxy))
    ? `the code at ${address} is no Safe proxy as published with ${Object.keys(PROXY_HASHES).join(" or ")}`
    : singletonHashes(version).includes(keccak256(code))
      ? null
      : `it runs the code at ${singleton}, which is no Safe ${version} as published`;
  return run.note("safe code", problem, `Safe ${version} as published, singleton ${singleton}`);
}

async function checkGuards(run: VerifyRun, { version }: SafeAccount): Promise<void> {
  const { provider, packet, deployment } = run.request;
  const { guard, moduleGuard } = await readGuards(provider, packet.safe);
  const told = `guard ${guard ?? "none"}, module guard ${moduleGuard ?? "none"}`;
  const yours = deployment?.guard;
  if (deployment === undefined) {
    if (guard === null && moduleGuard === null) run.note("safe guards", null, "none");
    else run.skip("safe guards", `no --deployment given: ${told}`);
    return;
  }
  if (yours === undefined) {
    const none = guard === null && moduleGuard === null;
    run.note("safe guards", none ? null : `${told}, your deployment file names none: ${CHANGED}`, "none");
    return;
  }
  if (guard === null) {
    run.skip("safe guards", `your review guard ${yours} is not set: ${told}`);
    return;
  }
  const wanted = hasModuleGuard(version) ? yours : null;
  const problem = !isSame(guard, yours)
    ? `${told}, yours is ${yours}`
    : isSame(moduleGuard, wanted)
      ? null
      : `${told}: modules walk past the review`;
  run.note("safe guards", problem, told);
}

async function checkHandler(run: VerifyRun, { version }: SafeAccount, was: string | null | undefined): Promise<void> {
  const { provider, packet } = run.request;
  const handler = await readFallbackHandler(provider, packet.safe);
  const published = handler === null || handlerHashes(version).includes(keccak256(await provider.getCode(handler)));
  const problem =
    was !== undefined
      ? isSame(handler, was)
        ? null
        : `it is ${handler ?? "none"}, at deployment ${was ?? "none"}: another contract answers in the Safe's name`
      : published
        ? null
        : `${handler} is no handler published with Safe ${version}: it answers in the Safe's name, signatures included`;
  run.note("safe fallback handler", problem, handler ?? "none");
}

function listOf(addresses: readonly string[]): string {
  return addresses
    .map((address) => address.toLowerCase())
    .sort()
    .join(" ");
}

/** The Safe, the Rebalancer and the vault belong together, and are the member's own when a deployment is given. */
export async function checkContracts(run: VerifyRun, evidence: Evidence): Promise<boolean> {
  const { provider, packet, deployment } = run.request;
  const { contracts } = evidence;
  const rebalancer = Rebalancer__factory.connect(contracts.rebalancer, provider);
  const selector = rebalancer.interface.getFunction("execute").selector;
  const problems: string[] = [];
  if (packet.safe !== contracts.safe) problems.push(`the evidence is for Safe ${contracts.safe}, not ${packet.safe}`);
  if (packet.safeTx.to !== contracts.rebalancer) {
    problems.push(`the call goes to ${packet.safeTx.to}, the evidence's Rebalancer is ${contracts.rebalancer}`);
  }
  const callable = await Promise.all([
    rebalancer.vault(),
    rebalancer.policy(),
    rebalancer.regimeOracle(),
    rebalancer.authority(),
  ]).catch((error: unknown) => unlessNoSuchContract(error));
  if (callable === null) {
    problems.push(`there is no Rebalancer at ${contracts.rebalancer}`);
  } else {
    const [vault, policy, oracle, authority] = callable;
    const permission = await AccessManager__factory.connect(authority, provider)
      .canCall(packet.safe, contracts.rebalancer, selector)
      .catch((error: unknown) => unlessNoSuchContract(error));
    if (vault !== contracts.vault) problems.push(`the Rebalancer serves vault ${vault}, not ${contracts.vault}`);
    if (policy !== contracts.policy) problems.push(`the Rebalancer's policy is ${policy}, not ${contracts.policy}`);
    if (oracle !== contracts.regimeOracle)
      problems.push(`its regime oracle is ${oracle}, not ${contracts.regimeOracle}`);
    if (permission?.immediate !== true) problems.push(`the Safe ${packet.safe} may not call execute there`);
  }
  const together = run.note(
    "contracts",
    problems[0] ?? null,
    "Safe, Rebalancer, vault, policy and oracle belong together",
  );
  if (deployment === undefined) {
    run.skip("your vault", "no --deployment given: check that the Safe and vault above are yours");
    return (await checkLens(run, provider, evidence)) && together;
  }
  const adapters = { liquidityAdapter: evidence.liquidity.adapter, perpAdapter: evidence.perp.adapter };
  const named = { ...contracts, ...adapters };
  const difference = (Object.keys(named) as (keyof typeof named)[]).find((name) => deployment[name] !== named[name]);
  const own = run.note(
    "your vault",
    difference === undefined ? null : `${difference} is ${named[difference]}, yours is ${deployment[difference]}`,
    `vault ${contracts.vault}`,
  );
  return own && together;
}

/**
 * Everything is read through the lens: one that nobody vouches for must be, byte for byte, what this software would put
 * there for that Rebalancer, or it could say anything.
 */
async function checkLens(run: VerifyRun, provider: JsonRpcApiProvider, { contracts }: Evidence): Promise<boolean> {
  const { data } = await new VaultLens__factory().getDeployTransaction(contracts.rebalancer);
  const [code, expected] = await Promise.all([
    provider.getCode(contracts.lens),
    provider.call({ data }).catch((error: unknown) => unlessNoSuchContract(error)),
  ]);
  return run.note(
    "lens",
    code === expected ? null : `the contract at ${contracts.lens} is not this software's lens: name your --deployment`,
    "this software's own code",
  );
}
