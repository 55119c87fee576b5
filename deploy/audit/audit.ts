import { getAddress } from "ethers";
import type { Provider } from "ethers";
import { RpcUnavailable, WrongChain, rpc } from "../../src/keeper/observe.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import type { DeployParameters } from "../parameters.ts";
import { pendingRows, readHistory, roleRows } from "./access.ts";
import { attestedRows } from "./attested.ts";
import { readBuild } from "./build.ts";
import { ChainAt } from "./chain.ts";
import { codeRows } from "./codeRows.ts";
import { findDeployment } from "./find.ts";
import type { Row } from "./rows.ts";
import { TOPICS } from "./rows.ts";
import { safeRows } from "./safe.ts";
import { feedRows, limitRows } from "./settings.ts";
import type { Contracts } from "./subject.ts";
import { wiringRows } from "./wiring.ts";

export interface AuditRequest {
  provider: Provider;
  /** What was deployed, or its vault's address, from which the rest is found. */
  deployment: Deployment | { vault: string };
  /** What it was deployed with, and changed to since. */
  parameters?: DeployParameters;
  /** Where to begin reading the AccessManager's events; default: where the deployment file says, or its code began. */
  fromBlock?: number;
}

export interface Audit {
  /** Nothing differs, and everything could be read. */
  ok: boolean;
  chainId: string;
  block: { number: number; timestamp: number };
  contracts: Contracts;
  rows: Row[];
}

/** The parameters are for another deployment than the one that is audited. */
export class ParametersOfAnother extends Error {
  constructor(what: string, expected: string, actual: string) {
    super(`the parameters' ${what} is ${expected}, the deployment's ${actual}: give the parameters of this deployment`);
    this.name = "ParametersOfAnother";
  }
}

/**
 * Compares a live deployment, at one block, with this checkout and with what it was deployed with. Never throws for what a
 * contract answers or refuses: that becomes a row. Throws RpcUnavailable, WrongChain, NotFoundFrom, ParametersOfAnother,
 * BuildUnusable.
 */
export async function audit({ provider, deployment, parameters, fromBlock }: AuditRequest): Promise<Audit> {
  const { chainId } = await rpc(provider.getNetwork());
  const expected = "chainId" in deployment ? deployment.chainId : parameters?.chainId;
  if (expected !== undefined && expected !== chainId.toString()) throw new WrongChain(expected, chainId.toString());
  const block = await rpc(provider.getBlock("latest"));
  if (block === null) throw new RpcUnavailable("it has no latest block");
  const chain = new ChainAt(provider, block);
  const build = await readBuild();
  const from = fromBlock ?? ("chainId" in deployment ? (deployment.atDeployment?.block ?? null) : null);
  const contracts: Contracts =
    "chainId" in deployment ? deployment : await findDeployment(chain, build, deployment.vault, from);
  requireSame(contracts, parameters);

  const subject = { chain, contracts, parameters: parameters ?? null, build };
  const history = await readHistory(chain, contracts.accessManager, from);
  const groups = await Promise.all([
    codeRows(subject),
    Promise.all(wiringRows(subject)),
    roleRows(subject, history),
    Promise.all(limitRows(subject)),
    Promise.all(feedRows(subject)),
    attestedRows(subject),
    Promise.all(safeRows(subject)),
    pendingRows(subject, history),
  ]);
  const rows = [...groups.flat(), ...unnamed(contracts)];
  rows.sort((left, right) => TOPICS.indexOf(left.topic) - TOPICS.indexOf(right.topic));
  return {
    ok: rows.every(({ state }) => state !== "differs" && state !== "could not be read"),
    chainId: chainId.toString(),
    block: { number: block.number, timestamp: block.timestamp },
    contracts,
    rows,
  };
}

function requireSame(contracts: Contracts, parameters: DeployParameters | undefined): void {
  if (parameters === undefined) return;
  if (parameters.chainId !== contracts.chainId) {
    throw new ParametersOfAnother("chain", parameters.chainId, contracts.chainId);
  }
  if (getAddress(parameters.safe) !== getAddress(contracts.safe)) {
    throw new ParametersOfAnother("Safe", parameters.safe, contracts.safe);
  }
}

/** The contracts nothing led to: that they were not looked at must not pass for a match. */
function unnamed({ lens, sharePrice, redemptionQueue, venueList }: Contracts): Row[] {
  const wanted = { VaultLens: lens, SharePrice: sharePrice, RedemptionQueue: redemptionQueue, VenueList: venueList };
  return Object.entries(wanted).flatMap(([name, address]): Row[] =>
    address !== undefined
      ? []
      : [
          {
            topic: "code",
            name,
            state: "not compared",
            expected: null,
            found: null,
            meaning: "its address is not known: give a deployment file that names it",
          },
        ],
  );
}
