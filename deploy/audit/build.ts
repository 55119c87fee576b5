import { readFile } from "node:fs/promises";
import { z } from "zod";

/** The contracts of a deployment, and where their sources lie. */
const SOURCES = {
  AccessManager: "@openzeppelin/contracts/access/manager/AccessManager.sol",
  HedgeVault: "contracts/vault/HedgeVault.sol",
  RedemptionQueue: "contracts/vault/RedemptionQueue.sol",
  VenueList: "contracts/vault/VenueList.sol",
  SharePrice: "contracts/vault/SharePrice.sol",
  PriceOracle: "contracts/vault/PriceOracle.sol",
  Rebalancer: "contracts/rebalance/Rebalancer.sol",
  HedgePolicy: "contracts/rebalance/HedgePolicy.sol",
  RegimeOracle: "contracts/regime/RegimeOracle.sol",
  AttestedFeed: "contracts/regime/AttestedFeed.sol",
  UniswapV3Adapter: "contracts/venues/uniswap-v3/UniswapV3Adapter.sol",
  CurieAdapter: "contracts/venues/curie/CurieAdapter.sol",
  VaultLens: "contracts/lens/VaultLens.sol",
  ReviewGuard: "contracts/governance/ReviewGuard.sol",
} as const;

export type ContractName = keyof typeof SOURCES;

/** So many bytes of runtime code, from one on. */
export interface Range {
  start: number;
  length: number;
}

/** A contract as this checkout builds it: what a chain should have at its address. */
export interface Built {
  name: ContractName;
  /** Runtime code; immutables are zeros, places of libraries placeholders. */
  code: string;
  immutables: Map<string, Range[]>;
  libraries: Map<string, Range[]>;
}

const ranges = z.array(z.object({ start: z.number(), length: z.number() }));
const artifactSchema = z.object({
  deployedBytecode: z.string(),
  immutableReferences: z.record(z.string(), ranges),
  deployedLinkReferences: z.record(z.string(), z.record(z.string(), ranges)),
  buildInfoId: z.string(),
});

/** The checkout is not built, or by another version of the build tool. */
export class BuildUnusable extends Error {
  constructor(file: string, detail: string) {
    super(`${file}: ${detail}; run "npm run build"`);
    this.name = "BuildUnusable";
  }
}

/** Reads every contract of the build. Throws BuildUnusable. */
export async function readBuild(): Promise<Record<ContractName, Built>> {
  const artifacts = await Promise.all(
    Object.entries(SOURCES).map(async ([name, source]) => {
      const file = `artifacts/${source}/${name}.json`;
      const parsed = artifactSchema.safeParse(JSON.parse(await readText(file)));
      if (!parsed.success) throw new BuildUnusable(file, "no artifact as Hardhat 3 writes it");
      return [name as ContractName, parsed.data] as const;
    }),
  );
  const built = [];
  for (const [name, artifact] of artifacts) {
    const named = await immutableNames(artifact.buildInfoId);
    const immutables = Object.entries(artifact.immutableReferences).map(([id, places]) => {
      const known = named.get(id);
      if (known === undefined) throw new BuildUnusable(`artifact of ${name}`, `immutable ${id} has no name`);
      return [known, places] as const;
    });
    const libraries = Object.values(artifact.deployedLinkReferences).flatMap((file) => Object.entries(file));
    const { deployedBytecode: code } = artifact;
    built.push([name, { name, code, immutables: new Map(immutables), libraries: new Map(libraries) }] as const);
  }
  return Object.fromEntries(built) as Record<ContractName, Built>;
}

/** By the build's id, which is a hash of what it is of: read once. */
const NAMES = new Map<string, Map<string, string>>();

/**
 * Artifacts know immutables by the ids of their declarations; their names are in the compiler's syntax tree, a hundred
 * megabytes of JSON. Its keys are in alphabetical order, so that the few bytes wanted are found without parsing the rest.
 */
async function immutableNames(buildInfoId: string): Promise<Map<string, string>> {
  const known = NAMES.get(buildInfoId);
  if (known !== undefined) return known;
  const text = await readText(`artifacts/build-info/${buildInfoId}.output.json`);
  const declarations = text.matchAll(/"id":(\d+),"mutability":"immutable","name":"(\w+)"/g);
  const names = new Map([...declarations].map(([, id, name]) => [id!, name!]));
  NAMES.set(buildInfoId, names);
  return names;
}

async function readText(file: string): Promise<string> {
  return readFile(new URL(`../../${file}`, import.meta.url), "utf8").catch(() => {
    throw new BuildUnusable(file, "cannot be read");
  });
}
