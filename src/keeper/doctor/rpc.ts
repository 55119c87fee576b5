import { JsonRpcProvider, FetchRequest, Network } from "ethers";
import type { JsonRpcApiProvider } from "ethers";
import { z } from "zod";
import type { ChainConfig } from "../config.ts";
import { withoutCredentials } from "../jsonRpc.ts";
import { duration } from "../review.ts";
import { checksOf, reasonOf, within } from "./checks.ts";
import type { DoctorCheck } from "./checks.ts";

/** Sends an HTTP request: `globalThis.fetch`, or what a test puts in its place. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface RpcDoors {
  /** Milliseconds since 1970-01-01: this machine's clock, which is what is checked. */
  now: () => number;
  fetch: Fetch;
}

/** A chain as its URLs show it. */
export interface CheckedChain {
  checks: DoctorCheck[];
  /** The first URL that serves the right chain; null when none does. Close it when done. */
  provider: JsonRpcApiProvider | null;
  /** The newest block there. */
  head: Head | null;
}

export interface Head {
  number: number;
  hash: string;
  /** Seconds since 1970-01-01. */
  timestamp: number;
}

/** One JSON-RPC URL, as far as it answered. */
interface Node {
  url: string;
  label: string;
  checks: DoctorCheck[];
  head: Head | null;
  /** How far this machine's clock is ahead of the server's, milliseconds; null when it sends no date. */
  aheadOfServerMs: number | null;
}

/** A skew beyond this makes ages wrong; beyond the greater one signatures and slots too. */
const SKEW_WARN_SECONDS = 30;
const SKEW_FAIL_SECONDS = 120;
/** Reorganisations are seldom deeper: nodes that are well differ no more at this depth. */
const AGREEMENT_DEPTH = 3;
/** How many blocks back state is asked for, from a block to a month or so of them. */
const DEPTHS = [1, 128, 10_000, 200_000];
const NOBODY = "0x0000000000000000000000000000000000000000";
/** Code that answers its storage's first word: sload(0), mstore, return. */
const ANSWER_FIRST_WORD = "0x60005460005260206000f3";
const WORD = `0x${"00".repeat(31)}2a`;
const FIRST_SLOT = `0x${"00".repeat(32)}`;
const PROBED = "0x00000000000000000000000000000000000b0a75";

/** The node answered something that is no JSON-RPC, or an error. */
class RpcRefused extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "RpcRefused";
  }
}

const quantity = z.string().regex(/^0x[0-9a-f]+$/i);
const blockShape = z.object({ number: quantity, hash: z.string().regex(/^0x[0-9a-f]{64}$/i), timestamp: quantity });

/** Everything about a chain's URLs, each for itself and against the others, and this machine's clock against them. */
export async function checkChain(name: string, chain: ChainConfig, doors: RpcDoors): Promise<CheckedChain> {
  const { ok, fail, skip } = checksOf(null);
  const nodes = await Promise.all(chain.rpc.map((url, index) => checkNode(name, index, url, chain, doors)));
  const alive = nodes.filter((node): node is Node & { head: Head } => node.head !== null);
  const checks = nodes.flatMap((node) => node.checks);

  const quorum = `chain ${name}: quorum`;
  if (alive.length < chain.quorum) {
    checks.push(
      fail(
        quorum,
        `${alive.length} of ${chain.rpc.length} URLs can be used, ${chain.quorum} must say the same of a block`,
        `mend the URLs above, add another to chains.${name}.rpc, or lower chains.${name}.quorum`,
      ),
    );
  } else checks.push(ok(quorum, `${alive.length} of ${chain.rpc.length} URLs can be used, ${chain.quorum} must agree`));

  const agreement = `chain ${name}: agreement`;
  if (alive.length < 2) checks.push(skip(agreement, "there are not two URLs to compare"));
  else checks.push(await checkAgreement(agreement, alive, chain, doors));
  checks.push(checkClock(name, alive, chain, doors));

  const [first] = alive;
  return { checks, head: first?.head ?? null, provider: first === undefined ? null : providerAt(first.url, chain) };
}

/** Whether a URL can be used now, in words. */
export interface RpcHealth {
  chain: string;
  host: string;
  ok: boolean;
  detail: string;
}

/** Of each of a chain's URLs whether it serves the chain and is up to date: two questions, where `checkChain` puts a dozen. */
export async function rpcHealth(name: string, chain: ChainConfig, doors: RpcDoors): Promise<RpcHealth[]> {
  return Promise.all(
    chain.rpc.map(async (url) => {
      const told = (ok: boolean, detail: string): RpcHealth => ({ chain: name, host: hostOf(url), ok, detail });
      const ask = async (id: number, method: string, params: unknown[]): Promise<unknown> =>
        resultOf((await post(url, { jsonrpc: "2.0", id, method, params }, chain, doors)).json);
      try {
        const served = BigInt(quantity.parse(await ask(1, "eth_chainId", [])));
        if (served !== BigInt(chain.chainId)) return told(false, `it serves chain ${served}`);
        const block = blockShape.parse(await ask(2, "eth_getBlockByNumber", ["latest", false]));
        const age = Math.max(Math.floor(doors.now() / 1000) - Number(block.timestamp), 0);
        return told(age <= chain.maxBlockAgeSeconds, `block ${Number(block.number)}, ${duration(age)} old`);
      } catch (error) {
        return told(false, whyNot(error));
      }
    }),
  );
}

async function checkNode(
  chainName: string,
  index: number,
  url: string,
  chain: ChainConfig,
  doors: RpcDoors,
): Promise<Node> {
  const label = `chain ${chainName}: RPC ${index + 1} (${hostOf(url)})`;
  const { ok, warn, fail } = checksOf(null);
  const node: Node = { url, label, checks: [], head: null, aheadOfServerMs: null };
  const ask = (method: string, params: unknown[]): Promise<unknown> =>
    post(url, { jsonrpc: "2.0", id: 1, method, params }, chain, doors).then(({ json }) => resultOf(json));

  try {
    const { json, serverDate, at } = await post(
      url,
      { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] },
      chain,
      doors,
    );
    const served = BigInt(quantity.parse(resultOf(json)));
    if (serverDate !== null) node.aheadOfServerMs = at - serverDate;
    if (served !== BigInt(chain.chainId)) {
      node.checks.push(
        fail(
          `${label}: chain`,
          `it serves chain ${served}, the configuration says ${chain.chainId}`,
          `give a URL of chain ${chain.chainId} in chains.${chainName}.rpc, or mend chains.${chainName}.chainId`,
        ),
      );
      return node;
    }
    node.checks.push(ok(`${label}: chain`, `chain ${served}`));
  } catch (error) {
    node.checks.push(
      fail(
        `${label}: reachable`,
        whyNot(error),
        `check the URL in chains.${chainName}.rpc, the network and the node; keepers should have two URLs or more`,
      ),
    );
    return node;
  }
  try {
    const block = blockShape.parse(await ask("eth_getBlockByNumber", ["latest", false]));
    node.head = { number: Number(block.number), hash: block.hash.toLowerCase(), timestamp: Number(block.timestamp) };
  } catch (error) {
    node.checks.push(
      fail(
        `${label}: newest block`,
        whyNot(error),
        "the node does not give its newest block: let it sync, or use another",
      ),
    );
    return node;
  }
  const age = Math.floor(doors.now() / 1000) - node.head.timestamp;
  node.checks.push(
    age > chain.maxBlockAgeSeconds
      ? fail(
          `${label}: newest block`,
          `block ${node.head.number} is ${duration(age)} old, more than ${duration(chain.maxBlockAgeSeconds)}`,
          `the node or the chain stands still, or this machine's clock is ahead: use another node, or raise chains.${chainName}.maxBlockAgeSeconds where blocks are rarer`,
        )
      : ok(`${label}: newest block`, `block ${node.head.number}, ${duration(Math.max(age, 0))} old`),
  );

  const [overrides, depth, batch] = await Promise.all([
    takesOverrides(ask).then(
      (taken) => taken,
      (error: unknown) => whyNot(error),
    ),
    stateDepth(ask, node.head.number),
    takesBatches(url, chain, doors),
  ]);
  node.checks.push(
    overrides === true
      ? ok(`${label}: state overrides`, "eth_call takes code and storage to assume")
      : fail(
          `${label}: state overrides`,
          `eth_call does not take them${overrides === false ? "" : ` (${overrides})`}, and no plan can be simulated without`,
          "use a node that does: geth, reth, erigon and anvil do",
        ),
  );
  node.checks.push(
    depth === null
      ? fail(
          `${label}: past state`,
          "it has no state of the block before the newest",
          "what is decided is read at one block while others come: use a node that keeps the state of recent blocks",
        )
      : ok(`${label}: past state`, depth),
  );
  node.checks.push(
    batch === null
      ? ok(`${label}: batches`, "several requests in one are answered")
      : warn(
          `${label}: batches`,
          `several requests in one are not answered (${batch})`,
          "a tick then takes a hundred round trips: use a node or a plan that takes JSON-RPC batches",
        ),
  );
  return node;
}

type Ask = (method: string, params: unknown[]) => Promise<unknown>;

/** Whether eth_call assumes code and storage that are not there, as a simulation needs it to. */
async function takesOverrides(ask: Ask): Promise<boolean> {
  const assumed = { [PROBED]: { code: ANSWER_FIRST_WORD, stateDiff: { [FIRST_SLOT]: WORD } } };
  return (await ask("eth_call", [{ to: PROBED, data: "0x" }, "latest", assumed])) === WORD;
}

/** How far back the node has state, in words; null when not even of the block before. */
async function stateDepth(ask: Ask, head: number): Promise<string | null> {
  const blocks = [...DEPTHS.map((depth) => head - depth).filter((block) => block > 0), 0];
  const answers = await Promise.all(
    blocks.map((block) =>
      ask("eth_getBalance", [NOBODY, `0x${block.toString(16)}`]).then(
        (balance) => quantity.safeParse(balance).success,
        () => false,
      ),
    ),
  );
  if (answers.at(-1) === true) return "it keeps all state (an archive node)";
  const deepest = blocks.filter((_, index) => answers[index] === true).at(-1);
  if (deepest === undefined) return null;
  return `it keeps the state of ${head - deepest} blocks or more, not all (no archive node): "ballast verify" of older proposals needs another`;
}

/** Null when two requests in one are answered, else what came. */
async function takesBatches(url: string, chain: ChainConfig, doors: RpcDoors): Promise<string | null> {
  const requests = [1, 2].map((id) => ({ jsonrpc: "2.0", id, method: "eth_chainId", params: [] }));
  try {
    const { json } = await post(url, requests, chain, doors);
    return Array.isArray(json) && json.length === 2 ? null : "the answer is no list of two";
  } catch (error) {
    return whyNot(error);
  }
}

/** Whether the URLs say the same of a block that all of them have. */
async function checkAgreement(
  name: string,
  nodes: (Node & { head: Head })[],
  chain: ChainConfig,
  doors: RpcDoors,
): Promise<DoctorCheck> {
  const { ok, fail } = checksOf(null);
  const depth = Math.max(chain.confirmations, AGREEMENT_DEPTH);
  const block = Math.max(Math.min(...nodes.map(({ head }) => head.number)) - depth, 0);
  const hashes = await Promise.all(
    nodes.map(({ url }) =>
      post(
        url,
        { jsonrpc: "2.0", id: 1, method: "eth_getBlockByNumber", params: [`0x${block.toString(16)}`, false] },
        chain,
        doors,
      ).then(
        ({ json }) => blockShape.parse(resultOf(json)).hash.toLowerCase(),
        (error: unknown) => whyNot(error),
      ),
    ),
  );
  if (new Set(hashes).size === 1) return ok(name, `${nodes.length} URLs give block ${block} the hash ${hashes[0]}`);
  const told = nodes.map(({ url }, index) => `${hostOf(url)}: ${hashes[index]}`).join("; ");
  return fail(
    name,
    `they disagree on block ${block}: ${told}`,
    "compare the block with an explorer and remove the URL that is wrong or on a fork; decide nothing until they agree",
  );
}

/** This machine's clock against the servers' and the chain's. */
function checkClock(
  chainName: string,
  nodes: (Node & { head: Head })[],
  { maxClockLeadSeconds }: ChainConfig,
  { now }: RpcDoors,
): DoctorCheck {
  const { ok, warn, fail, skip } = checksOf(null);
  const name = `chain ${chainName}: clock`;
  const [first] = nodes;
  if (first === undefined) return skip(name, "no URL of the chain can be used");
  const skews = nodes.flatMap(({ aheadOfServerMs }) => (aheadOfServerMs === null ? [] : [aheadOfServerMs]));
  skews.sort((left, right) => left - right);
  const median = skews[skews.length >> 1];
  // A block cannot come from the future; one of the past says nothing, since blocks are as old as they are.
  const newest = Math.max(...nodes.map(({ head }) => head.timestamp));
  const behindChain = newest - now() / 1000;
  // A local chain of made-up days may be configured to be far ahead.
  const isAllowed = maxClockLeadSeconds > SKEW_FAIL_SECONDS && behindChain <= maxClockLeadSeconds;
  const seconds = Math.round(Math.max(Math.abs(median ?? 0) / 1000, isAllowed ? 0 : behindChain));
  const server =
    median === undefined
      ? "no server sends its date"
      : Math.abs(median) < 1_000
        ? "with the servers' date"
        : `${duration(Math.round(Math.abs(median) / 1000))} ${median > 0 ? "ahead of" : "behind"} the servers' date`;
  const block = behindChain > 0 ? `, ${duration(Math.ceil(behindChain))} behind the newest block` : "";
  const detail = `this machine's clock is ${server}${block}`;
  const mend = "set the clock and keep it set: timedatectl set-ntp true, or chrony";
  if (seconds > SKEW_FAIL_SECONDS) return fail(name, detail, mend);
  if (seconds > SKEW_WARN_SECONDS) return warn(name, detail, mend);
  return median === undefined && behindChain <= 0
    ? ok(name, "this machine's clock is not behind the newest block; no server sends its date")
    : ok(name, detail);
}

interface Posted {
  json: unknown;
  /** The server's date, milliseconds since 1970-01-01; null when it sends none. */
  serverDate: number | null;
  /** This machine's time halfway between question and answer. */
  at: number;
}

async function post(url: string, body: unknown, chain: ChainConfig, { fetch, now }: RpcDoors): Promise<Posted> {
  const sent = now();
  const { target, headers } = withoutCredentials(new URL(url));
  const response = await within(
    chain.timeoutMs,
    fetch(target.href, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(chain.timeoutMs),
    }),
  );
  const at = (sent + now()) / 2;
  const date = Date.parse(response.headers.get("date") ?? "");
  const text = await within(chain.timeoutMs, response.text());
  // Headers carry whole seconds, cut off: half a second later is as likely as not.
  const serverDate = Number.isNaN(date) ? null : date + 500;
  try {
    return { json: JSON.parse(text) as unknown, serverDate, at };
  } catch {
    throw new RpcRefused(`status ${response.status}, and no JSON`);
  }
}

function resultOf(json: unknown): unknown {
  const { result, error } = (json ?? {}) as { result?: unknown; error?: { message?: unknown } };
  if (error !== undefined)
    throw new RpcRefused(typeof error.message === "string" ? error.message : JSON.stringify(error));
  if (result === undefined || result === null) throw new RpcRefused("it answers nothing");
  return result;
}

function whyNot(error: unknown): string {
  return error instanceof z.ZodError ? "it does not answer as a node does" : reasonOf(error);
}

function providerAt(url: string, { chainId, timeoutMs }: ChainConfig): JsonRpcApiProvider {
  const request = new FetchRequest(url);
  request.timeout = timeoutMs;
  const network = Network.from(BigInt(chainId));
  return new JsonRpcProvider(request, network, { staticNetwork: network, cacheTimeout: -1 });
}

/** A URL without what may be secret in it: paths and queries carry API keys. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "no URL";
  }
}
