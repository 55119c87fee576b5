import { JsonRpcApiProvider, Network, keccak256 } from "ethers";
import type { JsonRpcError, JsonRpcPayload, JsonRpcResult } from "ethers";
import { Endpoint, rpcCall } from "./endpoint.ts";
import type { EndpointEvent, EndpointHealth, EndpointTrouble, Header, RequestResult } from "./endpoint.ts";
import { NoAnswer, hostOf, judge, shortReason } from "./jsonRpc.ts";
import type { RpcAnswer, RpcCall, RpcErrorObject } from "./jsonRpc.ts";
import { RpcUnavailable, WrongChain } from "./observe.ts";

export type { EndpointEvent, EndpointHealth, EndpointState, EndpointTrouble } from "./endpoint.ts";

/** Blocks behind the one that enough URLs have reached from which on a URL is late, and not read from. */
const MAX_LAG_BLOCKS = 10;
/** Beyond what the clocks of honest machines differ by. */
const MAX_CLOCK_LEAD_SECONDS = 60;
const SEND = "eth_sendRawTransaction";
/** A node's words for a transaction that it has, or whose nonce something has used. */
const SENT_BEFORE =
  /already known|known transaction|already (imported|exists|in)|AlreadyKnown|nonce( is)? too low|OldNonce/i;

export interface EndpointsOptions {
  /** JSON-RPC URLs, the preferred one first. */
  urls: string[];
  chainId: number;
  /** How many URLs must say the same. */
  quorum: number;
  /** Blocks behind the newest one. */
  confirmations: number;
  maxBlockAgeSeconds: number;
  /** How far a block may be ahead of this clock; default 60. */
  maxClockLeadSeconds?: number;
  timeoutMs: number;
  /** Milliseconds since 1970-01-01 UTC. */
  now?: () => number;
  onEvent?: (event: EndpointEvent) => void;
  /** Each time a URL fails, or is late, of another chain, or contradicts the others. */
  onTrouble?: (trouble: EndpointTrouble) => void;
  /** After each HTTP request. */
  onRequest?: (host: string, result: RequestResult) => void;
}

/** A block that enough URLs agree on. */
export interface AgreedBlock {
  number: number;
  hash: string;
  /** Seconds since 1970-01-01 UTC. */
  timestamp: number;
  /** Indices of the URLs that said so. */
  by: number[];
}

/** The URLs contradict each other, and not enough of them agree. */
export class RpcsDisagree extends Error {
  constructor(about: string, said: string[]) {
    super(
      `the RPCs disagree on ${about}: ${said.join("; ")}; nothing is decided until enough of them agree: ` +
        "ask another provider which is right, and take the wrong one out",
    );
    this.name = "RpcsDisagree";
  }
}

/** The newest block is older than it may be. */
export class ChainStandsStill extends Error {
  constructor(number: number, timestamp: number, nowMs: number) {
    super(
      `the newest block, ${number}, is of ${iso(timestamp * 1000)} and this clock says ${iso(nowMs)}: node lags, chain ` +
        "halted, or this clock is wrong; check the node's sync and this machine's time",
    );
    this.name = "ChainStandsStill";
  }
}

/** A block is of a time that this machine has not reached. */
export class ClockBehind extends Error {
  constructor(number: number, timestamp: number, nowMs: number) {
    super(
      `block ${number} is of ${iso(timestamp * 1000)} and this clock says ${iso(nowMs)}: this clock is behind, or the node ` +
        "lies; set this machine's time (NTP) and compare with another node",
    );
    this.name = "ClockBehind";
  }
}

interface Said<T> {
  endpoint: Endpoint;
  value: T;
}

/** An error object that no URL could better, with what each of them said. */
interface Unanswered extends RpcErrorObject {
  reasons: string[];
  noState: boolean;
}

/** Opens JSON-RPC URLs of one chain as one; nothing is asked before the first use. */
export function openEndpoints(options: EndpointsOptions): Endpoints {
  return new Endpoints(options);
}

/**
 * Several JSON-RPC URLs of one chain. `provider` asks the first that works and goes on to the next when it does not;
 * `agreeOnBlock` asks all of them.
 */
export class Endpoints {
  /** Fails over. Throws RpcUnavailable naming each URL's host when none answers, WrongChain when all are of another chain. */
  readonly provider: JsonRpcApiProvider;
  /** HTTP requests so far. */
  roundTrips = 0;
  readonly quorum: number;
  readonly #options: EndpointsOptions;
  readonly #now: () => number;
  readonly #all: Endpoint[];
  readonly #singles: JsonRpcApiProvider[];

  constructor(options: EndpointsOptions) {
    this.#options = options;
    this.quorum = options.quorum;
    this.#now = options.now ?? Date.now;
    const hosts = options.urls.map(hostOf);
    const context = {
      chainId: options.chainId,
      timeoutMs: options.timeoutMs,
      now: this.#now,
      onEvent: options.onEvent ?? ((): void => undefined),
      onTrouble: options.onTrouble ?? ((): void => undefined),
      onRequest: (host: string, result: RequestResult): void => {
        this.roundTrips++;
        options.onRequest?.(host, result);
      },
    };
    this.#all = options.urls.map((url, index) => {
      const host = hostOf(url);
      const shared = hosts.filter((other) => other === host).length > 1;
      return new Endpoint(url, index, shared ? `${host} (#${index + 1})` : host, context);
    });
    const network = Network.from(options.chainId);
    this.provider = new ManyUrlsProvider(network, (calls) => this.#failOver(calls, this.#all, false));
    this.#singles = this.#all.map(
      (endpoint) => new ManyUrlsProvider(network, (calls) => this.#failOver(calls, [endpoint], true)),
    );
  }

  /** One URL alone, by its index, however it stands. */
  at(index: number): JsonRpcApiProvider {
    const single = this.#singles[index];
    if (single === undefined) throw new RangeError(`there is no URL ${index}, only ${this.#singles.length}`);
    return single;
  }

  health(): EndpointHealth[] {
    return this.#all.map((endpoint) => endpoint.health());
  }

  /** A URL as messages name it: its host. */
  label(index: number): string {
    return this.#all[index]!.label;
  }

  /** Leaves a URL out for a while because of what it said, and reports it. */
  putOut(index: number, detail: string): void {
    this.#all[index]!.putOut("disagrees", detail);
  }

  destroy(): void {
    for (const provider of [this.provider, ...this.#singles]) provider.destroy();
  }

  /**
   * The block to decide at: the newest one that `quorum` URLs have reached, less `confirmations`, as `quorum` of them have it.
   * A number or a time that fewer URLs claim moves nothing. Throws RpcUnavailable, WrongChain, RpcsDisagree, ChainStandsStill,
   * ClockBehind.
   */
  async agreeOnBlock(): Promise<AgreedBlock> {
    const { quorum, confirmations } = this.#options;
    const heads = await this.#poll(this.#voters(), async (endpoint) => {
      const header = await endpoint.header("latest");
      if (header === null) throw endpoint.fail("it has no newest block");
      return header;
    });
    const reached = nthLargest(heads, quorum, ({ number }) => number);
    const usable = heads.filter(({ endpoint, value: { number } }) =>
      endpoint.keepUp(number, reached - number, MAX_LAG_BLOCKS),
    );
    const target = Math.max(reached - confirmations, 0);
    const headOf = new Map(usable.map(({ endpoint, value }) => [endpoint, value]));
    const there = [...headOf.keys()].filter((endpoint) => headOf.get(endpoint)!.number >= target);
    const headers = await this.#poll(there, async (endpoint) => {
      const head = headOf.get(endpoint)!;
      if (head.number === target) return head;
      const header = await endpoint.header(target);
      if (header === null) throw endpoint.fail(`it has block ${head.number} and not block ${target}`);
      return header;
    });
    const { value, by } = this.#majority(
      `block ${target}`,
      headers,
      ({ hash, timestamp }) => `${hash} of ${timestamp}`,
    );
    this.#checkClock(
      value,
      reached,
      nthLargest(usable, quorum, ({ timestamp }) => timestamp),
    );
    return { ...value, by };
  }

  /**
   * Whether a block is still part of the chain. Throws RpcUnavailable, WrongChain, RpcsDisagree where `quorum` URLs do not say so
   * or otherwise.
   */
  async stillCanonical(block: { number: number; hash: string }): Promise<boolean> {
    const voters = this.#voters().filter(({ state }) => state !== "lagging");
    const said = await this.#poll(voters, (endpoint) => endpoint.header(block.number));
    // A node that has no such block may be late, or the chain may have become shorter.
    const there = said.filter((one): one is Said<Header> => one.value !== null);
    if (there.length === 0) return false;
    return this.#majority(`block ${block.number}`, there, ({ hash }) => hash).value.hash === block.hash.toLowerCase();
  }

  /** Times, as the number, count only when `quorum` URLs have them. */
  #checkClock(agreed: Header, newestNumber: number, newestTimestamp: number): void {
    const now = this.#now();
    const latest = Math.max(newestTimestamp, agreed.timestamp);
    const lead = this.#options.maxClockLeadSeconds ?? MAX_CLOCK_LEAD_SECONDS;
    if (latest * 1000 > now + lead * 1000) throw new ClockBehind(newestNumber, latest, now);
    if (newestTimestamp * 1000 < now - this.#options.maxBlockAgeSeconds * 1000) {
      throw new ChainStandsStill(newestNumber, newestTimestamp, now);
    }
  }

  /** Whom to ask for a vote: all in use, late ones and those of another chain again, resting ones where too few are left. */
  #voters(): Endpoint[] {
    const asked = this.#all.filter(({ ready, state }) => ready || state === "lagging" || state === "wrongChain");
    if (asked.filter(({ state }) => state !== "wrongChain").length >= this.quorum) return asked;
    return this.#all.filter(({ state, mandated }) => state !== "disagrees" && !mandated);
  }

  /** Asks URLs at the same time; those that fail are left out. Throws when fewer than `quorum` are left. */
  async #poll<T>(endpoints: Endpoint[], ask: (endpoint: Endpoint) => Promise<T>): Promise<Said<T>[]> {
    const answers = await Promise.all(
      endpoints.map((endpoint) =>
        ask(endpoint).then(
          (value): Said<T> => ({ endpoint, value }),
          (error: unknown) => {
            if (error instanceof NoAnswer || error instanceof WrongChain) return null;
            throw error;
          },
        ),
      ),
    );
    const said = answers.filter((answer) => answer !== null);
    this.#requireQuorum(
      said.map(({ endpoint }) => endpoint),
      "answered",
    );
    return said;
  }

  #requireQuorum(by: Endpoint[], what: string): void {
    if (by.length >= this.quorum) return;
    this.#requireOurChain();
    const others = this.#all.filter((endpoint) => !by.includes(endpoint));
    const reasons = others.map(({ label, reason }) => `${label}: ${reason ?? "not so"}`);
    throw new RpcUnavailable(`${by.length} of the ${this.quorum} URLs needed ${what}; ${reasons.join("; ")}`);
  }

  /** Throws WrongChain when every URL is of another chain. */
  #requireOurChain(): void {
    if (!this.#all.every(({ state }) => state === "wrongChain")) return;
    throw new WrongChain(String(this.#options.chainId), this.#all[0]!.foreignChain ?? "unknown");
  }

  /** What `quorum` URLs say, and more of them than all others together; those others are put out. */
  #majority<T>(about: string, said: Said<T>[], show: (value: T) => string): { value: T; by: number[] } {
    const groups = new Map<string, Said<T>[]>();
    for (const one of said) groups.set(show(one.value), [...(groups.get(show(one.value)) ?? []), one]);
    const [most = [], ...rest] = [...groups.values()].sort((a, b) => b.length - a.length);
    const against = rest.flat();
    const wins = most.length >= this.quorum && most.length > against.length;
    if (!wins && against.length > 0) {
      throw new RpcsDisagree(
        about,
        said.map(({ endpoint, value }) => `${endpoint.label} says ${show(value)}`),
      );
    }
    const by = most.map(({ endpoint }) => endpoint);
    this.#requireQuorum(by, `have ${about}`);
    const { value } = most[0]!;
    for (const { endpoint, value: other } of against) {
      endpoint.putOut("disagrees", `it says ${about} is ${show(other)}, the others say ${show(value)}`);
    }
    for (const endpoint of by) endpoint.agreed();
    return { value, by: by.map(({ index }) => index) };
  }

  /** Puts calls to URLs in turn until each has its answer; what a URL cannot do is asked of the next. */
  async #failOver(calls: RpcCall[], endpoints: Endpoint[], always: boolean): Promise<RpcAnswer[]> {
    const answers = new Map<number, RpcAnswer>();
    /** The last error object of each call that is no answer, and what each URL said of it. */
    const refusals = new Map<number, Unanswered>();
    const silent: string[] = [];
    let open = calls;
    for await (const endpoint of this.#turns(endpoints, always)) {
      const said = await this.#answersOf(endpoint, open);
      if (said === null) silent.push(`${endpoint.label}: ${endpoint.reason}`);
      let limit: string | null = null;
      for (const { call, answer } of said ?? []) {
        const verdict = "error" in answer ? judge(call.method, answer.error) : "answer";
        if (verdict === "limited") limit = shortReason(refusalOf(answer));
        if (verdict === "answer") answers.set(call.id, answer);
        else if ("error" in answer) {
          const earlier = refusals.get(call.id)?.reasons ?? [];
          const reasons = [...earlier, `${endpoint.label}: ${shortReason(answer.error.message)}`];
          refusals.set(call.id, { ...answer.error, reasons, noState: verdict === "noState" });
        }
      }
      // Once for all calls of a batch: they were one request.
      if (limit !== null) endpoint.fail(limit);
      if (limit === null && said !== null) endpoint.works();
      else endpoint.failsAtCalls();
      open = open.filter(({ id }) => !answers.has(id));
      if (open.length === 0) break;
    }
    if (open.some(({ id }) => !refusals.has(id))) throw this.#unavailable(endpoints, silent);
    return calls.map(({ id }) => {
      const refusal = refusals.get(id);
      return (
        answers.get(id) ??
        ({ id, error: { ...refusal, reasons: [...(refusal?.reasons ?? []), ...silent] } } as RpcAnswer)
      );
    });
  }

  /**
   * Whom to ask, one after the other: those in use by preference, then those that rest, last those whose server asked for a
   * pause that is short enough to be waited for.
   */
  async *#turns(endpoints: Endpoint[], always: boolean): AsyncGenerator<Endpoint> {
    const tried = new Set(endpoints.filter(({ ready }) => always || ready));
    yield* tried;
    for (const endpoint of endpoints) {
      if (endpoint.state === "resting" && !endpoint.mandated && !tried.has(endpoint)) yield endpoint;
    }
    for (const endpoint of endpoints) {
      const pause = endpoint.until - this.#now();
      if (endpoint.state !== "resting" || !endpoint.mandated || pause > this.#options.timeoutMs) continue;
      await new Promise((resolve) => setTimeout(resolve, Math.max(pause, 0)));
      yield endpoint;
    }
  }

  /** What one URL says, null when it does not answer. */
  async #answersOf(endpoint: Endpoint, calls: RpcCall[]): Promise<{ call: RpcCall; answer: RpcAnswer }[] | null> {
    try {
      const answers = await endpoint.ask(calls);
      return await Promise.all(
        calls.map(async (call, index) => ({ call, answer: await this.#sentBefore(call, answers[index]!, endpoint) })),
      );
    } catch (error) {
      if (error instanceof NoAnswer || error instanceof WrongChain) return null;
      throw error;
    }
  }

  /** A transaction that a node refuses because it has it was sent: by a URL whose answer was lost, or before a crash. */
  async #sentBefore(call: RpcCall, answer: RpcAnswer, endpoint: Endpoint): Promise<RpcAnswer> {
    if (call.method !== SEND || !("error" in answer) || !SENT_BEFORE.test(answer.error.message)) return answer;
    const hash = keccak256((call.params as [string])[0]);
    const [found] = await endpoint.ask([rpcCall(1, "eth_getTransactionByHash", [hash])]);
    const there = found !== undefined && "result" in found && found.result !== null;
    return there ? { id: call.id, result: hash } : answer;
  }

  #unavailable(endpoints: Endpoint[], silent: string[]): Error {
    if (endpoints.every(({ state }) => state === "wrongChain")) {
      return new WrongChain(String(this.#options.chainId), endpoints[0]!.foreignChain ?? "unknown");
    }
    const named = new Set(silent);
    for (const { label, reason, state } of endpoints) if (state !== "ok") named.add(`${label}: ${reason}`);
    return new RpcUnavailable([...named].join("; "));
  }
}

/** Batches like any provider of ethers, one HTTP request a batch, and leaves where they go to a function. */
class ManyUrlsProvider extends JsonRpcApiProvider {
  readonly #put: (calls: RpcCall[]) => Promise<RpcAnswer[]>;

  constructor(network: Network, put: (calls: RpcCall[]) => Promise<RpcAnswer[]>) {
    // Filters live in one node: behind several URLs, only polling finds events.
    super(network, { staticNetwork: network, cacheTimeout: -1, polling: true });
    this.#put = put;
    this._start();
  }

  override async _send(payload: JsonRpcPayload | JsonRpcPayload[]): Promise<(JsonRpcResult | JsonRpcError)[]> {
    return await this.#put(Array.isArray(payload) ? payload : [payload]);
  }

  override getRpcError(payload: JsonRpcPayload, answer: JsonRpcError): Error {
    const { reasons, noState } = answer.error as Partial<Unanswered>;
    if (reasons === undefined) return super.getRpcError(payload, answer);
    // The cause tells a block that is gone from a node that is broken.
    const cause = noState === true ? super.getRpcError(payload, answer) : undefined;
    return new RpcUnavailable(`${payload.method}: ${reasons.join("; ")}`, cause);
  }
}

function refusalOf(answer: RpcAnswer): string {
  return "error" in answer ? answer.error.message : "";
}

/** The largest value that `n` of them reach. */
function nthLargest(said: Said<Header>[], n: number, of: (header: Header) => number): number {
  const values = said.map(({ value }) => of(value)).sort((a, b) => b - a);
  return values[n - 1] ?? 0;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
