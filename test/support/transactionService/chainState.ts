import { Contract, Interface, getAddress } from "ethers";
import type { Provider } from "ethers";

const SAFE = new Interface([
  "function VERSION() view returns (string)",
  "function nonce() view returns (uint256)",
  "function getThreshold() view returns (uint256)",
  "function getOwners() view returns (address[])",
  "function getTransactionHash(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,uint256) view returns (bytes32)",
  "function getStorageAt(uint256 offset, uint256 length) view returns (bytes)",
  "event ExecutionSuccess(bytes32 indexed txHash, uint256 payment)",
  "event ExecutionFailure(bytes32 indexed txHash, uint256 payment)",
]);

/** The fields of a Safe transaction as the service receives them. */
export interface WireTransaction {
  to: string;
  value: string;
  data: string | null;
  operation: number;
  safeTxGas: string;
  baseGas: string;
  gasPrice: string;
  gasToken: string;
  refundReceiver: string;
  nonce: number;
}

export interface SafeState {
  nonce: bigint;
  threshold: number;
  owners: string[];
  version: string;
  singleton: string;
}

export interface Executed {
  success: boolean;
  transactionHash: string;
  blockNumber: number;
  executor: string;
}

/** All the service knows of the chain, read from it at each request. */
export class ChainState {
  readonly #provider: Provider;

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  async chainId(): Promise<bigint> {
    return (await this.#provider.getNetwork()).chainId;
  }

  /** Null when the address holds no Safe. */
  async safe(address: string): Promise<SafeState | null> {
    if ((await this.#provider.getCode(address)) === "0x") return null;
    const safe = new Contract(address, SAFE, this.#provider);
    try {
      const [nonce, threshold, owners, version, slot0] = (await Promise.all([
        safe.getFunction("nonce")(),
        safe.getFunction("getThreshold")(),
        safe.getFunction("getOwners")(),
        safe.getFunction("VERSION")(),
        safe.getFunction("getStorageAt")(0, 1),
      ])) as [bigint, bigint, string[], string, string];
      const singleton = getAddress("0x" + slot0.slice(-40));
      return { nonce, threshold: Number(threshold), owners: [...owners], version, singleton };
    } catch {
      return null;
    }
  }

  /** The transaction's hash as the Safe itself computes it. */
  async transactionHash(safe: string, tx: WireTransaction): Promise<string> {
    const hash = new Contract(safe, SAFE, this.#provider).getFunction("getTransactionHash");
    const { to, value, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce } = tx;
    const data = tx.data ?? "0x";
    return (await hash(
      to,
      value,
      data,
      operation,
      safeTxGas,
      baseGas,
      gasPrice,
      gasToken,
      refundReceiver,
      nonce,
    )) as string;
  }

  /** How a transaction was executed, null while it was not. */
  async executed(safe: string, hash: string): Promise<Executed | null> {
    const success = SAFE.getEvent("ExecutionSuccess")!.topicHash;
    const failure = SAFE.getEvent("ExecutionFailure")!.topicHash;
    const logs = await this.#provider.getLogs({ address: safe, topics: [[success, failure], hash], fromBlock: 0 });
    const log = logs[0];
    if (!log) return null;
    const { from } = (await this.#provider.getTransaction(log.transactionHash))!;
    const { transactionHash, blockNumber } = log;
    return { success: log.topics[0] === success, transactionHash, blockNumber, executor: from };
  }
}
