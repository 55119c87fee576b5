import { createRequire } from "node:module";
import { getSingletonFactoryInfo } from "@safe-global/safe-singleton-factory";
import { concat, getAddress, getCreate2Address, Interface, keccak256, ZeroAddress, ZeroHash } from "ethers";
import type { InterfaceAbi } from "ethers";
import { npmArtifact } from "./chain.ts";
import type { Artifact, LocalChain } from "./chain.ts";

const require = createRequire(import.meta.url);

export type SafeVersion = "1.5.0" | "1.4.1";

/** The Safe contracts of one version, by protocol-kit's names for them. */
export interface SafeContracts {
  safeSingletonAddress: string;
  safeProxyFactoryAddress: string;
  fallbackHandlerAddress: string;
  multiSendAddress: string;
  multiSendCallOnlyAddress: string;
  signMessageLibAddress: string;
  createCallAddress: string;
  simulateTxAccessorAddress: string;
}

/** A Safe on the local chain; `contractNetworks` goes to protocol-kit as it is. */
export interface SafeDeployment {
  safe: string;
  version: SafeVersion;
  owners: string[];
  threshold: number;
  /** By decimal chain id. */
  contractNetworks: Record<string, SafeContracts>;
  addresses: SafeContracts;
}

export interface SafeOptions {
  version?: SafeVersion;
  /** Default: owner1, owner2 and owner3. */
  owners?: string[];
  threshold?: number;
  /** Same owners, threshold, version and salt: same address, on every run. */
  saltNonce?: bigint;
}

export class SafeFactoryMissing extends Error {
  constructor(chainId: bigint) {
    super(
      `no signed singleton factory transaction is published for chain ${chainId}: ` +
        `use chain id 31337 or 1337 for the local chain`,
    );
    this.name = "SafeFactoryMissing";
  }
}

const PACKAGES: Record<SafeVersion, string> = {
  "1.5.0": "@safe-global/safe-smart-account",
  "1.4.1": "@safe-global/safe-contracts",
};

/** SafeL2 rather than Safe: its events carry the whole transaction, which the transaction service reads. */
const CONTRACTS: Record<keyof SafeContracts, string> = {
  safeSingletonAddress: "SafeL2.sol/SafeL2",
  safeProxyFactoryAddress: "proxies/SafeProxyFactory.sol/SafeProxyFactory",
  fallbackHandlerAddress: "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler",
  multiSendAddress: "libraries/MultiSend.sol/MultiSend",
  multiSendCallOnlyAddress: "libraries/MultiSendCallOnly.sol/MultiSendCallOnly",
  signMessageLibAddress: "libraries/SignMessageLib.sol/SignMessageLib",
  createCallAddress: "libraries/CreateCall.sol/CreateCall",
  simulateTxAccessorAddress: "accessors/SimulateTxAccessor.sol/SimulateTxAccessor",
};

/** The published artifact of a Safe contract, by its path under the package's `contracts` folder. */
export function safeArtifact(version: SafeVersion, path: string): Artifact {
  return npmArtifact(require.resolve(`${PACKAGES[version]}/build/artifacts/contracts/${path}.json`));
}

/** The ABI of SafeL2 as published. */
export function safeAbi(version: SafeVersion = "1.5.0"): InterfaceAbi {
  return safeArtifact(version, CONTRACTS.safeSingletonAddress).abi;
}

/**
 * Puts the Safe contracts at their canonical addresses (those of every public chain) and creates one Safe.
 * Contracts that are already there are kept, so it may be called again for a second Safe.
 */
export async function deploySafe(chain: LocalChain, options: SafeOptions = {}): Promise<SafeDeployment> {
  const version = options.version ?? "1.5.0";
  const owners = options.owners ?? [chain.address("owner1"), chain.address("owner2"), chain.address("owner3")];
  const threshold = options.threshold ?? 2;
  const chainId = BigInt(await chain.request<string>("eth_chainId"));

  const addresses = await deploySafeContracts(chain, chainId, version);
  const initializer = new Interface(safeAbi(version)).encodeFunctionData("setup", [
    owners,
    threshold,
    ZeroAddress,
    "0x",
    addresses.fallbackHandlerAddress,
    ZeroAddress,
    0,
    ZeroAddress,
  ]);
  const factory = new Interface(safeArtifact(version, CONTRACTS.safeProxyFactoryAddress).abi);
  const create = {
    to: addresses.safeProxyFactoryAddress,
    data: factory.encodeFunctionData("createProxyWithNonce", [
      addresses.safeSingletonAddress,
      initializer,
      options.saltNonce ?? 1n,
    ]),
  };
  const created = await chain.request<string>("eth_call", [{ from: chain.address("deployer"), ...create }, "latest"]);
  await chain.send("deployer", create);
  return {
    safe: getAddress("0x" + created.slice(-40)),
    version,
    owners,
    threshold,
    contractNetworks: { [chainId.toString()]: addresses },
    addresses,
  };
}

async function deploySafeContracts(chain: LocalChain, chainId: bigint, version: SafeVersion): Promise<SafeContracts> {
  const factory = await singletonFactory(chain, chainId);
  const entries = await Promise.all(
    Object.entries(CONTRACTS).map(async ([name, path]) => {
      const { bytecode } = safeArtifact(version, path);
      const address = getCreate2Address(factory, ZeroHash, keccak256(bytecode));
      if ((await codeAt(chain, address)) === "0x") {
        await chain.send("deployer", { to: factory, data: concat([ZeroHash, bytecode]) });
      }
      return [name, address] as const;
    }),
  );
  return Object.fromEntries(entries) as unknown as SafeContracts;
}

/** The CREATE2 factory, by its pre-signed transaction: its address depends on nothing but the signer's first nonce. */
async function singletonFactory(chain: LocalChain, chainId: bigint): Promise<string> {
  const factory = getSingletonFactoryInfo(Number(chainId));
  if (!factory) throw new SafeFactoryMissing(chainId);
  if ((await codeAt(chain, factory.address)) === "0x") {
    await chain.send("deployer", {
      to: factory.signerAddress,
      value: BigInt(factory.gasPrice) * BigInt(factory.gasLimit),
    });
    await chain.request("eth_sendRawTransaction", [factory.transaction]);
  }
  return factory.address;
}

function codeAt(chain: LocalChain, address: string): Promise<string> {
  return chain.request<string>("eth_getCode", [address, "latest"]);
}
