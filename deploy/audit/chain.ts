import { dataSlice, getAddress, isHexString } from "ethers";
import type { Block, Interface, LogDescription, ParamType, Provider, Result } from "ethers";
import { explainRevert, revertDataOf } from "../../src/safe/revert.ts";
import { CONTRACT_ERRORS } from "../../src/keeper/contractErrors.ts";
import { RpcUnavailable, rpc } from "../../src/keeper/observe.ts";

/** A contract reverts where it should answer, or answers what cannot be read. */
export class Unanswered extends Error {
  constructor(address: string, call: string, how: string) {
    super(`${address} does not answer ${call}: ${how}; look at what is there, and whether the address is right`);
    this.name = "Unanswered";
  }
}

/** The node has no state or no logs as old as the deployment. */
export class HistoryUnavailable extends Error {
  constructor(detail: string) {
    super(`${detail}: give --from-block with the block of the AccessManager's deployment, or ask an archive node`);
    this.name = "HistoryUnavailable";
  }
}

/** What ABI decoding gives, read to the last part, so that nonsense shows at once and not when it is used. */
export type Answer = string | bigint | boolean | Answer[] | { [key: string]: Answer };

/** An event of a contract, and where it stands. */
export interface ReadEvent {
  blockNumber: number;
  event: LogDescription;
}

/** Most blocks asked for at once: what public nodes grant. They are halved where one grants less. */
const LOG_BLOCKS = 10_000;

/** The chain at one block, so that everything compared was true at the same time. */
export class ChainAt {
  readonly provider: Provider;
  readonly block: Block;

  constructor(provider: Provider, block: Block) {
    this.provider = provider;
    this.block = block;
  }

  /** Asks a view. Throws Unanswered, RpcUnavailable. */
  async ask<T extends Answer>(address: string, abi: Interface, name: string, args: unknown[] = []): Promise<T> {
    const call = `${name}(${args.map(String).join(", ")})`;
    const data = abi.encodeFunctionData(name, args);
    const answer = await this.provider
      .call({ to: address, data, blockTag: this.block.number })
      .catch((error: unknown) => {
        // Without revert data it may be the node's trouble as well as the contract's: either way nothing is known.
        if ((error as { code?: unknown }).code !== "CALL_EXCEPTION") return rpc(Promise.reject(asError(error)));
        throw new Unanswered(address, call, explainRevert(revertDataOf(error) ?? "0x", CONTRACT_ERRORS).text);
      });
    if (answer === "0x") throw new Unanswered(address, call, "no such function or no contract is there");
    try {
      const { outputs } = abi.getFunction(name)!;
      const values = abi.decodeFunctionResult(name, answer);
      return (outputs.length === 1 ? plain(values[0], outputs[0]!) : plainAll(values, outputs)) as T;
    } catch {
      throw new Unanswered(address, call, `${answer.slice(0, 74)} is not of the answer's type`);
    }
  }

  async code(address: string): Promise<string> {
    return rpc(this.provider.getCode(address, this.block.number));
  }

  async storage(address: string, slot: bigint | string): Promise<string> {
    const word = await rpc(this.provider.getStorage(address, slot, this.block.number));
    if (!isHexString(word, 32)) throw new RpcUnavailable(`${word} is no word of storage`);
    return word;
  }

  async storedAddress(address: string, slot: bigint | string): Promise<string> {
    return getAddress(dataSlice(await this.storage(address, slot), 12));
  }

  /** All events of a contract that its ABI knows, in order. Throws HistoryUnavailable. */
  async events(address: string, abi: Interface, fromBlock: number): Promise<ReadEvent[]> {
    const found: ReadEvent[] = [];
    let size = LOG_BLOCKS;
    for (let from = fromBlock; from <= this.block.number;) {
      const to = Math.min(from + size - 1, this.block.number);
      try {
        for (const log of await rpc(this.provider.getLogs({ address, fromBlock: from, toBlock: to }))) {
          const event = abi.parseLog(log);
          // Read to the last part: what cannot be decoded throws here.
          event?.args.toArray();
          if (event !== null) found.push({ blockNumber: log.blockNumber, event });
        }
        from = to + 1;
      } catch (error) {
        if (size === 1)
          throw new HistoryUnavailable(`the node gives no logs of block ${from} (${(error as Error).message})`);
        size = Math.ceil(size / 2);
      }
    }
    return found;
  }

  /** The first block that has code at an address, by bisection. Throws HistoryUnavailable. */
  async firstBlockOf(address: string): Promise<number> {
    let [before, there] = [-1, this.block.number];
    while (there - before > 1) {
      const middle = Math.floor((before + there) / 2);
      const code = await rpc(this.provider.getCode(address, middle)).catch(() => {
        throw new HistoryUnavailable(`the node has no state of block ${middle}`);
      });
      if (code === "0x") before = middle;
      else there = middle;
    }
    return there;
  }
}

/** The values of a struct, or of all a function returns, under their names; in a list when not all have one. */
function plainAll(values: Result, types: readonly ParamType[]): Answer {
  const parts = values.toArray().map((value, index) => plain(value, types[index]!));
  if (types.some(({ name }) => name === "")) return parts;
  return Object.fromEntries(types.map(({ name }, index) => [name, parts[index]!]));
}

function plain(value: unknown, type: ParamType): Answer {
  if (type.isArray()) return (value as Result).toArray().map((part) => plain(part, type.arrayChildren));
  if (type.isTuple()) return plainAll(value as Result, type.components);
  return value as Answer;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new RpcUnavailable(String(error));
}
