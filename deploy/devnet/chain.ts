import { createRequire } from "node:module";
import { BrowserProvider, Contract, ContractFactory, HDNodeWallet, Mnemonic, Network } from "ethers";
import type { ContractTransaction, Eip1193Provider, InterfaceAbi, Signer } from "ethers";

const require = createRequire(import.meta.url);

/** The public mnemonic of Hardhat's development accounts: worthless keys, known to everyone. */
export const DEV_MNEMONIC = "test test test test test test test test test test test junk";

/** Hardhat's chain id, for which the Safe's factory is pre-signed. */
export const LOCAL_CHAIN_ID = 31_337;

/** Who is who among the development accounts, by index. */
export const ACCOUNTS = {
  deployer: 0,
  keeper: 1,
  owner1: 2,
  owner2: 3,
  owner3: 4,
  depositor: 5,
  market: 6,
  maker: 7,
  attacker: 8,
  executor: 9,
} as const;

export type AccountName = keyof typeof ACCOUNTS;

export interface Artifact {
  abi: InterfaceAbi;
  bytecode: string;
}

/** What a mined transaction came to. */
export interface Mined {
  hash: string;
  gasUsed: bigint;
  blockNumber: number;
  contractAddress: string | null;
  logs: { address: string; topics: string[]; data: string; logIndex: string }[];
}

export class LocalTransactionReverted extends Error {
  constructor(hash: string) {
    super(`transaction ${hash} reverted on the local chain`);
    this.name = "LocalTransactionReverted";
  }
}

/**
 * A local development chain behind any EIP-1193 provider: Hardhat's in-process one or its JSON-RPC node. Every block is
 * mined at once, so sending is a request and a receipt, without polling.
 */
export class LocalChain {
  readonly eip1193: Eip1193Provider;
  readonly provider: BrowserProvider;
  /** Deriving a key takes milliseconds; each is derived once. */
  readonly #wallets = new Map<AccountName, HDNodeWallet>();

  constructor(eip1193: Eip1193Provider) {
    this.eip1193 = eip1193;
    // Reads after a mined block must see it: ethers' own 250 ms cache is switched off.
    // The chain id never changes here, so it is not asked for again with every call.
    const network = Network.from(LOCAL_CHAIN_ID);
    this.provider = new BrowserProvider(eip1193, network, { cacheTimeout: -1, staticNetwork: network });
    this.provider.pollingInterval = 10;
  }

  request<T = unknown>(method: string, params: unknown[] = []): Promise<T> {
    return this.eip1193.request({ method, params }) as Promise<T>;
  }

  wallet(name: AccountName): HDNodeWallet {
    const known = this.#wallets.get(name);
    if (known !== undefined) return known;
    const path = `m/44'/60'/0'/0/${ACCOUNTS[name]}`;
    const wallet = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC), path).connect(this.provider);
    this.#wallets.set(name, wallet);
    return wallet;
  }

  address(name: AccountName): string {
    return this.wallet(name).address;
  }

  /** A signer backed by the node's unlocked account, for libraries that want one. */
  signer(name: AccountName): Promise<Signer> {
    return this.provider.getSigner(this.address(name));
  }

  /** Sends from an unlocked account and returns the receipt; throws when the call reverts (with the node's reason). */
  async send(
    from: AccountName | { address: string },
    tx: ContractTransaction | { to?: string; data?: string; value?: bigint; gasLimit?: bigint },
  ): Promise<Mined> {
    const sender = typeof from === "string" ? this.address(from) : from.address;
    const hash = await this.request<string>("eth_sendTransaction", [
      {
        from: sender,
        ...(tx.to ? { to: tx.to } : {}),
        data: tx.data ?? "0x",
        value: "0x" + (tx.value ?? 0n).toString(16),
        gas: "0x" + (tx.gasLimit ?? 16_000_000n).toString(16),
      },
    ]);
    const receipt = await this.request<{
      status: string;
      gasUsed: string;
      blockNumber: string;
      contractAddress: string | null;
      logs: Mined["logs"];
    }>("eth_getTransactionReceipt", [hash]);
    if (receipt.status !== "0x1") throw new LocalTransactionReverted(hash);
    return {
      hash,
      gasUsed: BigInt(receipt.gasUsed),
      blockNumber: Number(receipt.blockNumber),
      contractAddress: receipt.contractAddress,
      logs: receipt.logs,
    };
  }

  /** Deploys an artifact from the deployer account (or another) and returns the contract, connected to the provider. */
  async deploy(artifact: Artifact, args: unknown[] = [], from: AccountName = "deployer"): Promise<Contract> {
    const tx = await new ContractFactory(artifact.abi, artifact.bytecode).getDeployTransaction(...args);
    const mined = await this.send(from, { data: tx.data });
    return new Contract(mined.contractAddress!, artifact.abi, this.provider);
  }

  async now(): Promise<number> {
    const block = await this.request<{ timestamp: string }>("eth_getBlockByNumber", ["latest", false]);
    return Number(block.timestamp);
  }

  /** Makes the next block carry this time (seconds since 1970-01-01) and mines it. */
  async warpTo(timestamp: number): Promise<void> {
    await this.request("evm_setNextBlockTimestamp", [timestamp]);
    await this.request("evm_mine", []);
  }
}

/** Reads a contract artifact out of an npm package. */
export function npmArtifact(path: string): Artifact {
  return require(path) as Artifact;
}

/** Starts a fresh in-process chain whose first block has the given time (seconds since 1970-01-01). */
export async function startLocalChain(startTime: number): Promise<LocalChain> {
  const { network } = await import("hardhat");
  const connection = await network.create({
    network: "devnet",
    override: { initialDate: new Date(startTime * 1000) },
  });
  return new LocalChain(steadyClock(connection.provider));
}

/**
 * A chain whose time depends on nothing but what is asked of it: each transaction's block is a second after the one
 * before, where Hardhat's own clock would run on with the machine's. The same run gives the same blocks.
 */
function steadyClock(eip1193: Eip1193Provider): Eip1193Provider {
  let next: number | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  const forward = (method: string, params: unknown): Promise<unknown> =>
    eip1193.request({ method, params: (params ?? []) as unknown[] }) as Promise<unknown>;
  const mine = async (method: string, params: unknown): Promise<unknown> => {
    if (next === null) {
      const block = (await forward("eth_getBlockByNumber", ["latest", false])) as { timestamp: string };
      await forward("evm_setNextBlockTimestamp", [Number(block.timestamp) + 1]);
    }
    next = null;
    return forward(method, params);
  };
  const request = ({ method, params }: { method: string; params?: unknown }): Promise<unknown> => {
    if (method === "evm_setNextBlockTimestamp") next = Number((params as unknown[])[0]);
    if (!["eth_sendTransaction", "eth_sendRawTransaction", "evm_mine"].includes(method)) return forward(method, params);
    // One block after another, also when several are asked for at once: their times would race otherwise.
    const mined = queue.then(() => mine(method, params));
    queue = mined.catch(() => undefined);
    return mined;
  };
  return { request };
}
