import { Interface, ZeroAddress, getAddress } from "ethers";
import { GUARD_SLOT } from "../../src/safe/guards.ts";
import { HedgeVault__factory, Rebalancer__factory, ReviewGuard__factory } from "../../typechain-types/index.js";
import { administratorsOf, readHistory } from "./access.ts";
import type { Built, ContractName } from "./build.ts";
import { compareCode } from "./code.ts";
import { Unanswered } from "./chain.ts";
import type { ChainAt } from "./chain.ts";
import type { Contracts } from "./subject.ts";

/** An address alone does not lead to a whole deployment. */
export class NotFoundFrom extends Error {
  constructor(vault: string, detail: string) {
    super(`from ${vault} no deployment is found: ${detail}; give its deployment file with --deployment`);
    this.name = "NotFoundFrom";
  }
}

const AUTHORITY = new Interface(["function authority() view returns (address)"]);

/**
 * Finds a deployment's contracts from its vault. They are then compared with each other and with the build; that they are
 * the ones of one's own DAO, only its deployment file says. Throws NotFoundFrom, HistoryUnavailable, RpcUnavailable.
 */
export async function findDeployment(
  chain: ChainAt,
  build: Record<ContractName, Built>,
  vault: string,
  fromBlock: number | null,
): Promise<Contracts> {
  try {
    return await walk(chain, build, vault, fromBlock);
  } catch (error) {
    if (error instanceof Unanswered) throw new NotFoundFrom(vault, error.message);
    throw error;
  }
}

async function walk(
  chain: ChainAt,
  build: Record<ContractName, Built>,
  vault: string,
  fromBlock: number | null,
): Promise<Contracts> {
  const abi = HedgeVault__factory.createInterface();
  const of = (view: string): Promise<string> => chain.ask(vault, abi, view);
  const [accessManager, priceOracle, sharePrice, rebalancer, adapters] = await Promise.all([
    chain.ask<string>(vault, AUTHORITY, "authority"),
    of("priceOracle"),
    of("sharePrice"),
    of("rebalancer"),
    chain.ask<string[]>(vault, abi, "adapters"),
  ]);
  const { libraries } = compareCode(build.HedgeVault, await chain.code(vault));
  const plans = Rebalancer__factory.createInterface();
  const [policy, regimeOracle] = await Promise.all([
    chain.ask<string>(rebalancer, plans, "policy"),
    chain.ask<string>(rebalancer, plans, "regimeOracle"),
  ]);
  const is = async (name: ContractName, address: string): Promise<boolean> =>
    compareCode(build[name], await chain.code(address)).firstDifference === null;
  const find = async (name: ContractName): Promise<string> => {
    for (const adapter of adapters) if (await is(name, adapter)) return adapter;
    throw new NotFoundFrom(vault, `none of its adapters is this checkout's ${name}`);
  };
  const history = await readHistory(chain, accessManager, fromBlock);
  if ("error" in history) throw history.error;
  const [safe, ...others] = await administratorsOf(chain, accessManager, history.events);
  if (safe === undefined || others.length > 0) {
    throw new NotFoundFrom(
      vault,
      `its AccessManager ${accessManager} has ${others.length + (safe === undefined ? 0 : 1)} administrators`,
    );
  }
  const guard = await chain.storedAddress(safe, GUARD_SLOT);
  const reviewed = guard !== ZeroAddress && (await is("ReviewGuard", guard));
  const { chainId } = await chain.provider.getNetwork();
  const [redemptionQueue, venueList] = [libraries.get("RedemptionQueue"), libraries.get("VenueList")];
  return {
    format: "ballast-deployment/1",
    network: `chain ${chainId}`,
    chainId: chainId.toString(),
    safe,
    accessManager,
    priceOracle,
    regimeOracle,
    vault: getAddress(vault),
    sharePrice,
    ...(typeof redemptionQueue === "string" ? { redemptionQueue } : {}),
    ...(typeof venueList === "string" ? { venueList } : {}),
    policy,
    rebalancer,
    liquidityAdapter: await find("UniswapV3Adapter"),
    perpAdapter: await find("CurieAdapter"),
    ...(reviewed
      ? { guard, lens: await chain.ask<string>(guard, ReviewGuard__factory.createInterface(), "lens") }
      : {}),
  };
}
