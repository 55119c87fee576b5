import { Interface, getAddress } from "ethers";
import { HedgeVault__factory } from "../../typechain-types/index.js";
import { MANAGED } from "../vault.ts";
import { compare } from "./rows.ts";
import type { Row } from "./rows.ts";
import type { Subject } from "./subject.ts";

const MANAGED_ABI = new Interface(["function authority() view returns (address)"]);

/** Who points at whom, where it can change; what cannot is read from the code. */
export function wiringRows({ chain, contracts: d }: Subject): Promise<Row>[] {
  const vault = HedgeVault__factory.createInterface();
  const rows = [
    compare(
      "wiring",
      "HedgeVault.rebalancer",
      getAddress(d.rebalancer),
      () => chain.ask(d.vault, vault, "rebalancer"),
      "another contract runs plans and exits: if the Safe replaced it (RebalancerSet), update the deployment file",
    ),
    compare(
      "wiring",
      "HedgeVault.adapters",
      listOf([d.liquidityAdapter, d.perpAdapter]),
      async () => listOf(await chain.ask<string[]>(d.vault, vault, "adapters")),
      "the vault has other venues than it was deployed with, and an adapter may draw cash: read its AdapterSet events, and " +
        "audit what the deployment file does not name",
    ),
  ];
  for (const [name, { key }] of Object.entries(MANAGED)) {
    const address = d[key];
    if (address === undefined) continue;
    const shared = key === "regimeOracle" ? d.atDeployment?.regimeOracleAuthority : undefined;
    rows.push(
      compare(
        "wiring",
        `${name}.authority`,
        getAddress(shared ?? d.accessManager),
        () => chain.ask(address, MANAGED_ABI, "authority"),
        "another manager decides who may call it: every role below says nothing about this contract",
      ),
    );
  }
  return rows;
}

/** Addresses in one text, in one order. */
export function listOf(addresses: readonly string[]): string {
  if (addresses.length === 0) return "none";
  return addresses
    .map((address) => getAddress(address))
    .sort()
    .join(", ");
}
