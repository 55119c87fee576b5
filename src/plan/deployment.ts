import { getAddress, isAddress } from "ethers";
import { z } from "zod";

/** In any case of letters, given back with its checksum: contracts' answers are compared with it. A wrong checksum is a typo. */
const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, "an address")
  .refine((text) => isAddress(text), "an address whose checksum is right")
  .transform((text) => getAddress(text));
const whole = z.number().int().nonnegative();

const deploymentSchema = z.object({
  format: z.literal("ballast-deployment/1"),
  network: z.string(),
  chainId: z.string().regex(/^\d+$/, "a chain id as a decimal string"),
  safe: address,
  accessManager: address,
  priceOracle: address,
  regimeOracle: address,
  vault: address,
  /** What no plan is made from: the share price's limits and fee, and the libraries whose code runs in the vault. */
  sharePrice: address.optional(),
  redemptionQueue: address.optional(),
  venueList: address.optional(),
  policy: address,
  rebalancer: address,
  liquidityAdapter: address,
  perpAdapter: address,
  lens: address,
  /** The review guard, where the vault was deployed with one. Whether the Safe has set it, only the Safe knows. */
  guard: address.optional(),
  /** What an audit begins with: no plan is made from it. */
  atDeployment: z
    .object({
      /** The block the first contract came in. */
      block: whole,
      /** The Safe as it was. */
      safe: z
        .object({
          version: z.string(),
          owners: z.array(address),
          threshold: whole,
          modules: z.array(address),
          fallbackHandler: address.nullable(),
        })
        .optional(),
      /** The AccessManager of a regime oracle that several vaults follow; without it the deployment's own. */
      regimeOracleAuthority: address.optional(),
    })
    .optional(),
});

/** Where one vault's contracts are: the file a deployment leaves, and the one every command starts from. */
export type Deployment = z.infer<typeof deploymentSchema>;

/** A deployment file that cannot be used. */
export class DeploymentError extends Error {
  constructor(where: string, detail: string) {
    super(`${where}: ${detail}; a deployment file is written by "ballast devnet" or "ballast deploy"`);
    this.name = "DeploymentError";
  }
}

/** Reads a deployment file's text. Throws DeploymentError naming the key. */
export function parseDeployment(text: string, where: string): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DeploymentError(where, "not JSON");
  }
  const parsed = deploymentSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new DeploymentError(where, `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong shape"}`);
}
