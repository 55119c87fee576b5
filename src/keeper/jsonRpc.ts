/*
 * JSON-RPC over HTTP, one exchange at a time: what came back, or in words why nothing did. URLs hold API keys in their path,
 * query or user part, so that no more of one than its host is ever put into a message.
 */

import { textUpTo } from "../safe/textUpTo.ts";

/** More than any answer a keeper asks for: a server that sends on without end is cut off there. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_REASON_LENGTH = 160;

/** A request as it goes over the wire. */
export interface RpcCall {
  jsonrpc: "2.0";
  id: number;
  method: string;
  params: unknown;
}

/** A server's own error object. */
export interface RpcErrorObject {
  code: number;
  message: string;
  data?: unknown;
}

export type RpcAnswer = { id: number; result: unknown } | { id: number; error: RpcErrorObject };

/** Nobody answered as a JSON-RPC server does. */
export class NoAnswer extends Error {
  readonly reason: string;
  /** The server's Retry-After header, as it was. */
  readonly retryAfter: string | null;

  constructor(host: string, reason: string, retryAfter: string | null = null) {
    super(`${host}: ${reason}; check that the server runs and that its URL, with the key in it, is right`);
    this.name = "NoAnswer";
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}

/** All of a URL that may be shown. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "a URL that is none";
}

/** A reason that others wrote, fit for a message: one short line, without anything that looks like a URL. */
export function shortReason(text: string): string {
  return (text.split("\n")[0] ?? "").replace(/\w+:\/\/\S+/g, "(a URL)").slice(0, MAX_REASON_LENGTH);
}

/**
 * Puts calls to a JSON-RPC server in one HTTP request, a batch when there are several. Every call has its answer, a result or
 * the server's error object; anything less throws NoAnswer, as do 429 and 5xx.
 */
export async function callRpc(url: string, calls: readonly RpcCall[], timeoutMs: number): Promise<RpcAnswer[]> {
  const host = hostOf(url);
  const { status, value, retryAfter } = await postJson(url, calls.length === 1 ? calls[0] : calls, timeoutMs);
  if (status === 429) throw new NoAnswer(host, "HTTP 429: it asks for fewer requests", retryAfter);
  if (status >= 500) throw new NoAnswer(host, `HTTP ${status}`, retryAfter);
  if (value === undefined) {
    throw new NoAnswer(host, status === 200 ? "it does not speak JSON-RPC: its answer is not JSON" : `HTTP ${status}`);
  }
  const answers = Array.isArray(value) ? (value as unknown[]) : [value];
  return calls.map((call) => {
    const answer = answers.find((one) => (one as { id?: unknown } | null)?.id === call.id);
    const read = readAnswer(call.id, answer);
    if (read !== null) return read;
    // A batch refused as a whole is answered by one error without an id.
    const refusal = readAnswer(call.id, answers.length === 1 ? answers[0] : undefined);
    const detail = refusal !== null && "error" in refusal ? refusal.error.message : `no answer to ${call.method}`;
    throw new NoAnswer(host, status === 200 ? shortReason(detail) : `HTTP ${status}: ${shortReason(detail)}`);
  });
}

function readAnswer(id: number, answer: unknown): RpcAnswer | null {
  if (typeof answer !== "object" || answer === null) return null;
  const { error } = answer as { error?: unknown };
  if (error !== undefined && error !== null) {
    const { code, message, data } = error as { code?: unknown; message?: unknown; data?: unknown };
    return {
      id,
      error: {
        code: typeof code === "number" ? code : -32_603,
        message: typeof message === "string" ? message : "an error without a message",
        ...(data === undefined ? {} : { data }),
      },
    };
  }
  return "result" in answer ? { id, result: answer.result } : null;
}

/** Sends JSON and reads JSON, whatever the status; `value` is undefined when the body is not JSON. Throws NoAnswer. */
export async function postJson(
  url: string,
  body: unknown,
  timeoutMs: number,
): Promise<{ status: number; value: unknown; retryAfter: string | null }> {
  const host = hostOf(url);
  if (!URL.canParse(url)) throw new NoAnswer(host, "it cannot be read");
  const { target, headers } = withoutCredentials(new URL(url));
  let response: Response;
  let text: string | null;
  try {
    response = await fetch(target, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", ...headers },
      body: JSON.stringify(body),
      // Whoever is redirected to would get the requests, and perhaps the key.
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    text = await textUpTo(response, MAX_ANSWER_BYTES);
  } catch (error) {
    throw new NoAnswer(host, brokenBy(error, timeoutMs));
  }
  const { status } = response;
  if (text === null) throw new NoAnswer(host, `its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
  if (status >= 300 && status < 400) throw new NoAnswer(host, `HTTP ${status}: it points to another URL`);
  return { status, value: parsed(text), retryAfter: response.headers.get("retry-after") };
}

/** `fetch` refuses a URL with a user and password, and shows both in its message. */
export function withoutCredentials(url: URL): { target: URL; headers: Record<string, string> } {
  if (url.username === "" && url.password === "") return { target: url, headers: {} };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const target = new URL(url);
  target.username = "";
  target.password = "";
  // As UTF-8 bytes, of which each is one character to btoa.
  const bytes = String.fromCharCode(...new TextEncoder().encode(credentials));
  return { target, headers: { authorization: `Basic ${btoa(bytes)}` } };
}

/** Never the error's own message: it may hold the URL. */
export function brokenBy(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } };
  if (name === "TimeoutError") return `no answer within ${timeoutMs} ms`;
  const code = cause?.code;
  return typeof code === "string" && /^[A-Z0-9_]+$/.test(code)
    ? `the connection failed (${code})`
    : "the connection broke";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What an error object says: the node's answer, or only that this node cannot give one. */
export type Verdict =
  /** The answer, the same from every node. */
  | "answer"
  /** This node lacks the block or its state. */
  | "noState"
  /** This node wants fewer requests. */
  | "limited"
  /** This node cannot do that at all, or is broken. */
  | "cannot";

const REVERTED = /revert|VM Exception|invalid opcode|out of gas|stack (under|over)flow/i;
const LIMITED = /rate.?limit|too many requests|exceeded .*(quota|capacity|limit per)|request limit|compute units/i;
const NO_STATE =
  /header not found|missing trie node|(unknown|missing) block|block\b.*\b(not found|not available|unavailable|out of range)|invalid block tag|(historical|world)? ?state\b.*\b(not available|unavailable|pruned|missing)|no state available|has been pruned/i;
/** EIP-1474: resource not found or unavailable, method not supported. Other servers use them otherwise for sent transactions. */
const CANNOT_CODES = [-32_001, -32_002, -32_004];
const METHOD_NOT_FOUND = -32_601;
const INTERNAL_ERROR = -32_603;
const LIMIT_EXCEEDED = -32_005;
/** The code geth gives a revert. */
const REVERT = 3;

/** Judges an error object by what servers are known to say. What is not known to be a node's trouble is its answer. */
export function judge(method: string, error: RpcErrorObject): Verdict {
  const sends = method === "eth_sendRawTransaction";
  const { code, message } = error;
  // A revert first: some servers give it the code of an internal error, and contracts choose its words.
  if (code === REVERT || holdsRevertData(error.data)) return "answer";
  if (!sends && REVERTED.test(message)) return "answer";
  if (LIMITED.test(message) || (code === LIMIT_EXCEEDED && !sends)) return "limited";
  if (NO_STATE.test(message)) return "noState";
  if (code === METHOD_NOT_FOUND || code === INTERNAL_ERROR || (CANNOT_CODES.includes(code) && !sends)) return "cannot";
  return "answer";
}

/** Revert data, at whatever depth a server puts it. */
function holdsRevertData(data: unknown): boolean {
  if (typeof data === "string") return /^(Reverted )?0x([0-9a-f]{2})*$/i.test(data);
  if (typeof data !== "object" || data === null) return false;
  return holdsRevertData((data as { data?: unknown }).data);
}
