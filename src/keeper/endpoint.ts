import { NoAnswer, callRpc, hostOf, shortReason } from "./jsonRpc.ts";
import type { RpcAnswer, RpcCall } from "./jsonRpc.ts";
import { WrongChain } from "./observe.ts";

/** A URL that failed rests this long, then twice as long, and so on. */
const FIRST_REST_MS = 1_000;
const LONGEST_REST_MS = 5 * 60_000;
/** A URL that contradicted the others is left out this long, then twice as long, and so on. */
const FIRST_EXPULSION_MS = 60_000;
const LONGEST_EXPULSION_MS = 60 * 60_000;
/**
 * Headers do not end a failure at calls sooner; longer than the usual schedule's ticks are apart, each of which asks for
 * both. Later they do: it may be one that nobody asks for calls, because another is preferred.
 */
const CALLS_FAIL_MS = 60 * 60_000;

/** Ids of ethers begin at 1. */
const CHAIN_ID_CALL = rpcCall(0, "eth_chainId", []);

/** How a URL stands: in use, resting after a failure, behind the others, or put out for what it said. */
export type EndpointState = "ok" | "resting" | "lagging" | "wrongChain" | "disagrees";

export interface EndpointHealth {
  index: number;
  /** Host and port: never the path or query, where keys are. */
  host: string;
  state: EndpointState;
  /** Why it is not in use, or null; begins with WrongChain for another chain. */
  reason: string | null;
  /** When it is tried again (milliseconds since 1970-01-01 UTC); null when it is in use, or waits for a newer block. */
  until: number | null;
  /** Failures in a row. */
  failures: number;
  /** The newest block it told of, null before it did. */
  head: number | null;
}

/** Something changed at a URL that an operator may want to know. */
export interface EndpointEvent {
  kind: "failed" | "recovered" | "lagging" | "wrongChain" | "disagrees";
  index: number;
  host: string;
  detail: string;
}

/** A URL is found in trouble: told each time, not only when something changed. */
export interface EndpointTrouble extends EndpointEvent {
  kind: Exclude<EndpointEvent["kind"], "recovered">;
  /** How often it was found so without being in order in between. */
  times: number;
}

export interface Header {
  number: number;
  hash: string;
  /** Seconds since 1970-01-01 UTC. */
  timestamp: number;
}

/** What a URL needs to know of those it belongs to. */
export interface EndpointContext {
  chainId: number;
  timeoutMs: number;
  /** Milliseconds since 1970-01-01 UTC. */
  now: () => number;
  onEvent: (event: EndpointEvent) => void;
  onTrouble: (trouble: EndpointTrouble) => void;
  /** After each HTTP request. */
  onRequest: (host: string, result: RequestResult) => void;
}

/** How an HTTP request ended: answered, not answered, or answered with a demand to wait. */
export type RequestResult = "ok" | "error" | "rate_limited";

/** One JSON-RPC URL and how it stands. */
export class Endpoint {
  readonly index: number;
  /** The host; with a number where several URLs share it. */
  readonly label: string;
  state: EndpointState = "ok";
  reason: string | null = null;
  /** Milliseconds since 1970-01-01 UTC. */
  until = 0;
  /** Whether the server itself asked for the rest. */
  mandated = false;
  /** The chain it serves when it is the wrong one. */
  foreignChain: string | null = null;
  head: number | null = null;
  readonly #url: string;
  readonly #context: EndpointContext;
  #failures = 0;
  #expulsions = 0;
  #chainChecked = false;
  #timesInTrouble = 0;
  /** When it failed last at something else than a header, without answering such a call since. */
  #callsFailedAt: number | null = null;

  constructor(url: string, index: number, label: string, context: EndpointContext) {
    this.#url = url;
    this.index = index;
    this.label = label;
    this.#context = context;
  }

  /** Whether it may be asked: in use, or its rest is over. */
  get ready(): boolean {
    if (this.state === "ok" || this.state === "lagging") return this.state === "ok";
    const left = this.until - this.#context.now();
    // Longer than any rest: it was set by a clock that was ahead.
    return left <= 0 || left > LONGEST_EXPULSION_MS;
  }

  health(): EndpointHealth {
    const { index, state, reason, head } = this;
    const until = state === "ok" || state === "lagging" ? null : this.until;
    return { index, host: hostOf(this.#url), state, reason, until, failures: this.#failures, head };
  }

  /**
   * One HTTP request. The chain id goes with it on first use and after each failure, before it when something is sent: nothing
   * is sent to another chain, and no answer of one is used. Throws NoAnswer (it rests), WrongChain (it is put out).
   */
  async ask(calls: readonly RpcCall[]): Promise<RpcAnswer[]> {
    if (this.#chainChecked) return this.#exchange(calls);
    if (calls.some(({ method }) => method === "eth_sendRawTransaction")) {
      await this.#exchange([CHAIN_ID_CALL]);
      return this.#exchange(calls);
    }
    return (await this.#exchange([CHAIN_ID_CALL, ...calls])).slice(1);
  }

  /** A block's header, null when it has none; the chain id is asked for beside it every time. Throws as `ask`. */
  async header(block: number | "latest"): Promise<Header | null> {
    this.#chainChecked = false;
    const tag = block === "latest" ? block : `0x${block.toString(16)}`;
    const [answer] = await this.ask([rpcCall(1, "eth_getBlockByNumber", [tag, false])]);
    if (answer === undefined || "error" in answer) throw this.fail(shortReason(answer?.error.message ?? "no answer"));
    if (answer.result === null) return null;
    const header = readHeader(answer.result);
    if (header === null || (block !== "latest" && header.number !== block)) throw this.fail("its answer is no block");
    this.#answered();
    return header;
  }

  /**
   * What it answered calls was of use: only that ends its failures at them. A server that always answers "too many requests"
   * would else fail and recover at each question.
   */
  works(): void {
    this.#callsFailedAt = null;
    this.#answered();
  }

  /**
   * What it did not answer were calls. Many a server that limits them still answers for headers, and would else fail and
   * recover at each tick.
   */
  failsAtCalls(): void {
    this.#callsFailedAt = this.#context.now();
  }

  /** Lets it rest, longer after each failure in a row; a server's own Retry-After is kept to. Returns what to throw. */
  fail(reason: string, retryAfter: string | null = null): NoAnswer {
    const now = this.#context.now();
    const pause = pauseOf(retryAfter, now);
    this.#chainChecked = false;
    this.#failures++;
    // What was put out stays out: failing is no way to come back sooner.
    if (this.state !== "disagrees" || this.until <= now) {
      const rest = Math.min(FIRST_REST_MS * 2 ** (this.#failures - 1), LONGEST_REST_MS);
      this.#stand("resting", reason, now + Math.max(rest, Math.min(pause ?? 0, LONGEST_REST_MS)));
      this.mandated = pause !== null;
    }
    this.#report("failed", reason);
    return new NoAnswer(this.label, reason, retryAfter);
  }

  /** Leaves it out for a while because of what it said. */
  putOut(state: "wrongChain" | "disagrees", reason: string): void {
    const left = Math.min(FIRST_EXPULSION_MS * 2 ** this.#expulsions, LONGEST_EXPULSION_MS);
    this.#expulsions++;
    this.#chainChecked = false;
    this.#stand(state, reason, this.#context.now() + left);
    this.#report(state, reason);
  }

  /** It said what the others say: an earlier contradiction counts no more. */
  agreed(): void {
    this.#expulsions = 0;
  }

  /** Notes its newest block, and how far that is behind; late ones are not read from until they have caught up. */
  keepUp(head: number, behind: number, mostBehind: number): boolean {
    this.head = head;
    if (behind <= mostBehind) {
      if (this.state === "lagging") this.#recover();
      return true;
    }
    const reason = `${behind} blocks behind, at block ${head}`;
    const known = this.state === "lagging";
    this.#stand("lagging", reason, 0);
    if (known) this.#reportTrouble("lagging", reason);
    else this.#report("lagging", reason);
    return false;
  }

  async #exchange(calls: readonly RpcCall[]): Promise<RpcAnswer[]> {
    const host = hostOf(this.#url);
    let answers: RpcAnswer[];
    try {
      answers = await callRpc(this.#url, calls, this.#context.timeoutMs);
      this.#context.onRequest(host, "ok");
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#context.onRequest(host, error.retryAfter === null ? "error" : "rate_limited");
      throw this.fail(error.reason, error.retryAfter);
    }
    if (calls[0] === CHAIN_ID_CALL) this.#checkChain(answers[0]);
    return answers;
  }

  #checkChain(answer: RpcAnswer | undefined): void {
    const said = answer !== undefined && "result" in answer ? answer.result : null;
    if (typeof said !== "string" || !/^0x[0-9a-f]+$/i.test(said))
      throw this.fail("it does not say which chain it serves");
    const [expected, actual] = [String(this.#context.chainId), BigInt(said).toString()];
    if (actual !== expected) {
      this.foreignChain = actual;
      const wrong = new WrongChain(expected, actual);
      this.putOut("wrongChain", `WrongChain: it serves chain ${actual}, not ${expected}`);
      throw wrong;
    }
    this.foreignChain = null;
    this.#chainChecked = true;
  }

  #answered(): void {
    this.#failures = 0;
    const isOver = this.state === "disagrees" && this.until <= this.#context.now();
    // In use again since a header, which did not count as the end of its trouble.
    const isOwed = this.state === "ok" && this.#timesInTrouble > 0;
    if (this.state === "resting" || this.state === "wrongChain" || isOver || isOwed) this.#recover();
  }

  #recover(): void {
    this.#stand("ok", null, 0);
    const failedAt = this.#callsFailedAt;
    if (failedAt === null || this.#context.now() - failedAt >= CALLS_FAIL_MS)
      this.#report("recovered", "it answers again");
  }

  #stand(state: EndpointState, reason: string | null, until: number): void {
    this.state = state;
    this.reason = reason;
    this.until = until;
    this.mandated = false;
  }

  #report(kind: EndpointEvent["kind"], detail: string): void {
    this.#context.onEvent({ kind, index: this.index, host: hostOf(this.#url), detail });
    if (kind === "recovered") this.#timesInTrouble = 0;
    else this.#reportTrouble(kind, detail);
  }

  #reportTrouble(kind: EndpointTrouble["kind"], detail: string): void {
    const times = ++this.#timesInTrouble;
    this.#context.onTrouble({ kind, index: this.index, host: hostOf(this.#url), detail, times });
  }
}

export function rpcCall(id: number, method: string, params: unknown[]): RpcCall {
  return { jsonrpc: "2.0", id, method, params };
}

function readHeader(value: unknown): Header | null {
  const { number, hash, timestamp } = value as { number?: unknown; hash?: unknown; timestamp?: unknown };
  const quantity = (text: unknown): text is string => typeof text === "string" && /^0x[0-9a-f]{1,10}$/i.test(text);
  if (!quantity(number) || !quantity(timestamp)) return null;
  if (typeof hash !== "string" || !/^0x[0-9a-f]{64}$/i.test(hash)) return null;
  return { number: Number(number), hash: hash.toLowerCase(), timestamp: Number(timestamp) };
}

/** Retry-After in milliseconds: seconds, or a date. */
function pauseOf(retryAfter: string | null, nowMs: number): number | null {
  if (retryAfter === null) return null;
  const pause = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - nowMs;
  return Number.isFinite(pause) ? Math.max(pause, 0) : null;
}
