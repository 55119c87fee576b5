import { setTimeout as wait } from "node:timers/promises";
import type { Severity } from "../config.ts";
import type { Alert, AlertCode, AlertState } from "./alert.ts";
import { RANK, alertMemory } from "./alertMemory.ts";
import type { Log } from "./log.ts";
import { failureText } from "./sinks.ts";
import type { Message, Sink } from "./sinks.ts";
import { speakable } from "./text.ts";

/** Told each time they come back, however soon. */
const URGENT: ReadonlySet<AlertCode> = new Set(["EMERGENCY", "NEAR_LIQUIDATION"]);

/** No method rejects, or waits for a sink: a tick goes on whatever becomes of its alerts. */
export interface Alerts {
  /**
   * A fault stands. Told when it is new, worse, or due to be repeated; one that comes and goes, once in half an hour; one
   * that is back and stays, after a minute where it is critical, else after ten.
   */
  raise(alert: Alert): Promise<void>;
  /** A fault stands that may well pass by itself: shown, and told only where it has stood for a minute. */
  note(alert: Alert): Promise<void>;
  /** It stands no longer: told when it had been. */
  clear(key: string): Promise<void>;
  /** Something happened that neither stands nor ends. Told once. */
  tell(alert: Alert): void;
  /**
   * Waits until all is told or has failed, at most this long; answers whether nothing is left. What is left counts as untold,
   * so that whoever raises it next tells it.
   */
  settled(withinMs: number): Promise<boolean>;
}

export interface AlertsOptions {
  state: AlertState;
  sinks: readonly Sink[];
  log: Log;
  repeatAfterSeconds: number;
  /** Milliseconds since 1970-01-01. */
  now: () => number;
  /** After this long the state counts as out of reach. */
  stateTimeoutMs?: number;
  /** Hears of each attempt to tell, for metrics. */
  onSent?: (sink: string, result: SendResult) => void;
}

export type SendResult = "ok" | "failed" | "dropped";

const STATE_TIMEOUT_MS = 10_000;
/**
 * What ended and is back is not told again sooner: a fault that comes and goes would fill every sink. Two ticks of the usual
 * schedule, so that what fails at every other one is told of a few times a day and not at each.
 */
const QUIET_SECONDS = 1_800;
/** What may pass is told of when it has stood for so long: a node that starts again, a service that limits us, take less. */
const PASSING_SECONDS = 60;
/**
 * What is back and has stood for so long is told of before that half hour is over: it does not come and go, and the last word
 * people have is that it ended. Where it is critical, as soon as it cannot be what passes.
 */
const LASTING_SECONDS: Record<Severity, number> = { info: 600, warning: 600, critical: PASSING_SECONDS };
/** Messages that may wait for one sink: more, and the sink is not being read anyway. */
const MAX_WAITING = 100;
/** Faults remembered here while the state is out of reach. */
const MAX_REMEMBERED = 1_000;
const LEVEL = { info: "info", warning: "warn", critical: "error" } as const satisfies Record<Severity, string>;

/** Alerts to people, each sink in its own order and at its own pace. */
export function createAlerts(options: AlertsOptions): Alerts {
  const { state, log, repeatAfterSeconds, now } = options;
  const courier = createCourier(options);
  // A database that is away must not silence the alert that says so: meanwhile this process alone decides.
  const alone = alertMemory(MAX_REMEMBERED);

  async function asked<T>(what: string, question: () => Promise<T>): Promise<{ answer: T } | null> {
    try {
      return { answer: await within(question, options.stateTimeoutMs ?? STATE_TIMEOUT_MS) };
    } catch (error) {
      log.error("alert_state_failed", { code: "DATABASE", what }, failureText(error));
      return null;
    }
  }

  async function stands(raised: Alert, afterSeconds: number): Promise<void> {
    // Kept and served as it is told: no secret of a URL, no second line.
    const alert = { ...raised, text: speakable(raised.text) };
    const quietSeconds = URGENT.has(alert.code) ? 0 : Math.min(QUIET_SECONDS, repeatAfterSeconds);
    const lastingSeconds = LASTING_SECONDS[alert.severity];
    const raiseIn = (kept: AlertState): Promise<boolean> =>
      kept.raise(alert, new Date(now()), repeatAfterSeconds, { quietSeconds, lastingSeconds, afterSeconds });
    const question = await asked("raise", () => raiseIn(state));
    const isDue = question === null ? await raiseIn(alone) : question.answer;
    // What the state knows, it also knows the end of.
    if (question !== null) await alone.clear(alert.key, new Date(now()));
    if (isDue) told(alert, "standing", null);
  }

  function told(alert: Alert, as: Message["state"], since: Date | null): void {
    const { key, vault, code, severity, text } = alert;
    log[as === "resolved" ? "info" : LEVEL[severity]](`alert_${as}`, { code, vault, severity, key }, text);
    courier.send({ state: as, key, vault, code, severity, text, at: new Date(now()), since }, async () => {
      if (as !== "standing") return;
      await alone.untold(key);
      await asked("untold", () => state.untold(key));
    });
  }

  return {
    raise: (alert) => stands(alert, 0),
    note: (alert) => stands(alert, PASSING_SECONDS),

    async clear(key) {
      const at = new Date(now());
      const question = await asked("clear", () => state.clear(key, at));
      const here = await alone.clear(key, at);
      const was = question?.answer ?? here;
      if (was !== null) told({ ...was, key, code: was.code as AlertCode }, "resolved", was.since);
    },

    tell: (alert) => told(alert, "event", null),
    settled: (withinMs) => courier.settled(withinMs),
  };
}

interface Courier {
  /** `failed` runs when there were sinks to tell and none could be told. */
  send(message: Message, failed: () => Promise<void>): void;
  settled(withinMs: number): Promise<boolean>;
}

/** What waits for a sink. */
interface Waiting {
  message: Message;
  /** Tells whether it was sent. */
  done: (isSent: boolean) => void;
}

/** Brings each message to every sink that wants it, one after another at each. */
function createCourier({ sinks, log, onSent }: AlertsOptions): Courier {
  const lines = new Map(sinks.map((sink) => [sink, { waiting: [] as Waiting[], isBusy: false }]));
  /** Under way, and what to do when it does not arrive. */
  const under = new Map<Promise<void>, () => Promise<void>>();

  async function deliver(sink: Sink, message: Message): Promise<boolean> {
    try {
      await sink.send(message);
      onSent?.(sink.name, "ok");
      return true;
    } catch (error) {
      onSent?.(sink.name, "failed");
      log.error("alert_not_sent", { code: message.code, key: message.key, sink: sink.name }, failureText(error));
      return false;
    }
  }

  async function work(sink: Sink): Promise<void> {
    const line = lines.get(sink)!;
    if (line.isBusy) return;
    line.isBusy = true;
    for (let next = line.waiting.shift(); next !== undefined; next = line.waiting.shift()) {
      next.done(await deliver(sink, next.message));
    }
    line.isBusy = false;
  }

  function drop(sink: Sink, { message, done }: Waiting): void {
    onSent?.(sink.name, "dropped");
    log.error("alert_dropped", { code: message.code, key: message.key, sink: sink.name }, "too many wait already");
    done(false);
  }

  function enqueue(sink: Sink, message: Message): Promise<boolean> {
    const { waiting, isBusy } = lines.get(sink)!;
    return new Promise((done) => {
      waiting.push({ message, done });
      // Of the least severe the newest: a critical message takes a lesser one's place.
      if (waiting.length + (isBusy ? 1 : 0) > MAX_WAITING) drop(sink, waiting.splice(leastOf(waiting), 1)[0]!);
      void work(sink);
    });
  }

  return {
    send(message, failed) {
      const wanting = sinks.filter(({ minSeverity }) => RANK[message.severity] >= RANK[minSeverity]);
      if (wanting.length === 0) return;
      const done = Promise.all(wanting.map((sink) => enqueue(sink, message))).then(async (sent) => {
        if (!sent.includes(true)) await failed();
      });
      under.set(done, failed);
      void done.finally(() => under.delete(done));
    },
    async settled(withinMs) {
      await within(async () => {
        while (under.size > 0) await Promise.all(under.keys());
      }, withinMs).catch(() => undefined);
      const isDone = under.size === 0;
      await Promise.all([...under.values()].map((failed) => failed()));
      return isDone;
    },
  };
}

/** Where the newest of the least severe messages waits. */
function leastOf(waiting: readonly Waiting[]): number {
  const ranks = waiting.map(({ message }) => RANK[message.severity]);
  return ranks.lastIndexOf(Math.min(...ranks));
}

/** Something took longer than it may. */
class TookTooLong extends Error {
  constructor(milliseconds: number) {
    super(`no answer in ${milliseconds / 1_000} s: look at the database and the network to it`);
    this.name = "TookTooLong";
  }
}

/** The question's answer, unless it takes too long. A question that throws at once rejects as well. */
async function within<T>(question: () => Promise<T>, milliseconds: number): Promise<T> {
  const answered = new AbortController();
  try {
    return await Promise.race([
      question(),
      wait(milliseconds, undefined, { signal: answered.signal }).then(() => {
        throw new TookTooLong(milliseconds);
      }),
    ]);
  } finally {
    answered.abort();
  }
}
