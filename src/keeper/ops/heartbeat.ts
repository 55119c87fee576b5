import type { Log } from "./log.ts";
import { OUTSIDE, requestOnce } from "./request.ts";
import type { Outside, Patience } from "./request.ts";
import { failureText } from "./sinks.ts";

export interface HeartbeatOptions {
  /** Who is told that the keeper lives, and raises the alarm when it no longer hears so. */
  url: string;
  everySeconds: number;
  /** Whether the keeper can really do its work; a rejection is a no. */
  isHealthy: () => Promise<boolean>;
  log: Log;
  timers?: Timers;
  outside?: Outside;
}

export interface Timers {
  set(action: () => void, milliseconds: number): unknown;
  clear(timer: unknown): void;
}

const TIMERS: Timers = {
  set: (action, milliseconds) => setTimeout(action, milliseconds),
  clear: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

const PATIENCE: Patience = { retries: 0, firstWaitMs: 0, timeoutMs: 10_000, longestPauseMs: 0 };
const MAX_ANSWER_BYTES = 64 * 1_024;

/**
 * A dead man's switch: pings at once and then every so often, only while the keeper is healthy. Silence is the message: it
 * says the same whether the keeper, its machine or its network is gone. Never throws; the next ping starts when the last one
 * has ended.
 */
export function startHeartbeat(options: HeartbeatOptions): { stop(): void } {
  const { everySeconds, log, timers = TIMERS } = options;
  let isStopped = false;
  let timer: unknown;
  let was: Beat | null = null;

  const beat = async (): Promise<void> => {
    const { state, detail } = await beatOnce(options);
    // Only changes are worth a line.
    if (state !== was) log[state === "sent" ? "info" : "warn"](`heartbeat_${state}`, {}, detail);
    was = state;
    if (!isStopped) timer = timers.set(() => void beat(), everySeconds * 1_000);
  };
  void beat();
  return {
    stop() {
      isStopped = true;
      timers.clear(timer);
    },
  };
}

/** One ping, of a keeper that does not stay: its log has a line either way. Never throws. */
export async function sendHeartbeat(
  options: Pick<HeartbeatOptions, "url" | "isHealthy" | "log" | "outside">,
): Promise<void> {
  const { state, detail } = await beatOnce(options);
  options.log[state === "sent" ? "info" : "warn"](`heartbeat_${state}`, {}, detail);
}

type Beat = "sent" | "held_back" | "failed";

async function beatOnce({
  url,
  isHealthy,
  outside = OUTSIDE,
}: Pick<HeartbeatOptions, "url" | "isHealthy" | "outside">): Promise<{ state: Beat; detail: string }> {
  try {
    if (!(await isHealthy())) return { state: "held_back", detail: "the keeper is not ready: no ping" };
  } catch (error) {
    return { state: "held_back", detail: `the keeper's health cannot be told: ${failureText(error)}` };
  }
  try {
    await requestOnce({ url, maxBytes: MAX_ANSWER_BYTES }, PATIENCE, outside);
    return { state: "sent", detail: "the keeper is ready" };
  } catch (error) {
    return { state: "failed", detail: failureText(error) };
  }
}
