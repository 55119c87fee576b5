import type { Severity, SinkConfig } from "../config.ts";
import { EndpointFailed, OUTSIDE, requestPatiently } from "./request.ts";
import type { Outside, Patience, Request } from "./request.ts";
import { endpointHost, fitEscaped, speakable } from "./text.ts";

/*
 * Where alerts are told. A text may come from a chain or a service, whoever wrote it there: no sink lets it mention anybody,
 * mark itself up or break its line.
 */

/** What a sink is given. */
export interface Message {
  /** `event` is said once and neither stands nor ends. */
  state: "standing" | "resolved" | "event" | "test";
  /** One fault, the same over all workers from `standing` to `resolved`. */
  key: string;
  vault: string | null;
  code: string;
  severity: Severity;
  text: string;
  at: Date;
  /** Since when it stood, of what is resolved. */
  since: Date | null;
}

export interface Sink {
  /** For logs and metrics: kind and host. */
  name: string;
  minSeverity: Severity;
  /** Throws EndpointFailed. */
  send(message: Message): Promise<void>;
}

/** Reasoned: a rate limit of a chat lasts seconds; what takes longer is told again by the next tick. */
export const SINK_PATIENCE: Patience = { retries: 4, firstWaitMs: 1_000, timeoutMs: 10_000, longestPauseMs: 30_000 };

/** Answers are acknowledgements. */
const MAX_ANSWER_BYTES = 64 * 1_024;
/** Slack asks for at most this many characters a message; from 40,000 on it cuts by itself. */
const SLACK_LIMIT = 4_000;
/** Discord refuses longer content. */
const DISCORD_LIMIT = 2_000;
/** Telegram refuses longer text. */
const TELEGRAM_LIMIT = 4_096;
/** A webhook's own text; nobody reads further. */
const WEBHOOK_LIMIT = 8_000;
/** Discord's message flag that shows no previews of links. */
const SUPPRESS_EMBEDS = 4;

type Kind = SinkConfig["kind"];
type ConfigOf<K extends Kind> = SinkConfig & { kind: K };
const FORMS: { [K in Kind]: (config: ConfigOf<K>, message: Message) => Pick<Request, "url" | "body" | "pauseIn"> } = {
  webhook: ({ url }, message) => ({ url, body: webhookBody(message) }),

  // Slack reads `<!channel>`, `<@U…>` and `<url|text>` as markup; escaped as its documentation says, none of them is left.
  slack: ({ url }, message) => ({
    url,
    body: {
      text: fitEscaped(told(message), SLACK_LIMIT, (c) => SLACK_ESCAPES[c] ?? c),
      mrkdwn: false,
      parse: "none",
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    },
  }),

  discord: ({ url }, message) => ({
    // Without `wait` Discord answers before it has kept the message.
    url: withQuery(url, "wait", "true"),
    body: {
      content: fitEscaped(told(message), DISCORD_LIMIT, escapeDiscord),
      allowed_mentions: { parse: [] },
      flags: SUPPRESS_EMBEDS,
    },
    pauseIn: (body) => secondsAt(body, ["retry_after"]),
  }),

  // No parse_mode: plain text, in which nothing is markup. Names are linked all the same, so that no text may hold one.
  telegram: ({ url, token, chatId }, message) => ({
    url: `${url.replace(/\/+$/, "")}/bot${encodeURIComponent(token).replace("%3A", ":")}/sendMessage`,
    body: {
      chat_id: chatId,
      text: fitEscaped(told(message), TELEGRAM_LIMIT, breakMention),
      link_preview_options: { is_disabled: true },
    },
    pauseIn: (body) => secondsAt(body, ["parameters", "retry_after"]),
  }),
};

/** The sinks of a configuration. */
export function createSinks(
  configs: readonly SinkConfig[],
  patience: Patience = SINK_PATIENCE,
  outside: Outside = OUTSIDE,
): Sink[] {
  return configs.map((config) => ({
    name: `${config.kind}@${endpointHost(config.url)}`,
    minSeverity: config.minSeverity,
    async send(message) {
      const form = FORMS[config.kind] as (config: SinkConfig, message: Message) => ReturnType<(typeof FORMS)[Kind]>;
      const request: Request = { method: "POST", maxBytes: MAX_ANSWER_BYTES, ...form(config, message) };
      const answer = await requestPatiently(request, patience, outside);
      if (config.kind === "telegram" && valueAt(answer, ["ok"]) !== true) {
        throw new EndpointFailed(endpointHost(config.url), "its answer is not Telegram's", { passing: false });
      }
    },
  }));
}

export interface TestResult {
  sink: string;
  ok: boolean;
  /** For people: what went wrong, or that it was told. */
  detail: string;
}

/** Sends a test message to every sink, whatever severity it wants. Never rejects. */
export function sendTest(sinks: readonly Sink[], at: Date): Promise<TestResult[]> {
  const text = "Test of the keeper's alerts. Nothing is wrong, and nothing has to be done.";
  const about = { key: "test", vault: null, code: "TEST", severity: "info", text, at, since: null } as const;
  return Promise.all(
    sinks.map(async (sink) => {
      try {
        await sink.send({ state: "test", ...about });
        return { sink: sink.name, ok: true, detail: "told" };
      } catch (error) {
        return { sink: sink.name, ok: false, detail: failureText(error) };
      }
    }),
  );
}

/** A sink's failure in words that hold no secret. */
export function failureText(error: unknown): string {
  if (error instanceof EndpointFailed) return error.message;
  return speakable(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

/**
 * The webhook's JSON. `text` is plain: one line, no control characters; whoever shows it as HTML escapes it there. Times are
 * ISO 8601 in UTC. `key` is the same from `standing` to `resolved`.
 */
function webhookBody({ state, key, vault, code, severity, text, at, since }: Message): Record<string, unknown> {
  return {
    format: "ballast-alert/1",
    state,
    key,
    vault,
    code,
    severity,
    text: fitEscaped(speakable(text), WEBHOOK_LIMIT),
    at: at.toISOString(),
    since: since?.toISOString() ?? null,
  };
}

/** For people: one line of what it is, one of what it says. */
function told({ state, vault, code, severity, text, since }: Message): string {
  const what = state === "resolved" || state === "test" ? state : severity;
  const stood = since === null ? "" : `(since ${since.toISOString()})`;
  const head = [what.toUpperCase(), code, vault ?? "", stood].filter((part) => part !== "").join(" ");
  return `${speakable(head)}\n${speakable(text)}`;
}

const SLACK_ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function escapeDiscord(character: string): string {
  if (/[\\*_~`|>#[\]()<-]/.test(character)) return `\\${character}`;
  return breakMention(character);
}

/** A word joiner, which is not seen, keeps `@name` from being anybody's name. */
function breakMention(character: string): string {
  return character === "@" ? "@\u2060" : character;
}

function withQuery(url: string, name: string, value: string): string {
  const parsed = new URL(url);
  parsed.searchParams.set(name, value);
  return parsed.href;
}

function valueAt(body: string, path: readonly string[]): unknown {
  try {
    return path.reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | null | undefined)?.[key],
      JSON.parse(body),
    );
  } catch {
    return undefined;
  }
}

/** Seconds a service says in its answer, in milliseconds; 0 when it says none. */
function secondsAt(body: string, path: readonly string[]): number {
  const seconds = valueAt(body, path);
  return typeof seconds === "number" && Number.isFinite(seconds) ? Math.max(0, seconds * 1_000) : 0;
}
