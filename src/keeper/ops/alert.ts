import type { Severity } from "../config.ts";

/** How bad each fault is, unless whoever raises it knows better. */
export const ALERT_SEVERITY = {
  LOW_GAS: "warning",
  STALE_FEED: "warning",
  FEEDS_DISAGREE: "warning",
  NEAR_LIQUIDATION: "critical",
  PROPOSAL_WAITING: "warning",
  VETO_UNDER_WAY: "warning",
  TICK_SKIPPED: "warning",
  TICK_FAILED: "critical",
  RPC_TROUBLE: "warning",
  RPCS_DISAGREE: "critical",
  PROPOSAL_CLOSED: "info",
  EMERGENCY: "critical",
  DATABASE: "critical",
  KEEPER_STARTED: "info",
} as const satisfies Record<string, Severity>;

export type AlertCode = keyof typeof ALERT_SEVERITY;

export interface Alert {
  /** One fault: the same key is one alert, over all workers, from when it is raised until it is cleared. */
  key: string;
  vault: string | null;
  code: AlertCode;
  severity: Severity;
  /** For people, in one line. */
  text: string;
}

/** What stands, shared by all workers. */
export interface AlertState {
  /**
   * True when it has to be told now: new, worse than it was, or due to be repeated; where it ended and is back, told
   * `quietSeconds` ago or standing for `lastingSeconds`. Never before it has stood for `afterSeconds`. Only one worker is
   * told so.
   */
  raise(
    alert: Alert,
    now: Date,
    repeatAfterSeconds: number,
    options: { quietSeconds: number; lastingSeconds: number; afterSeconds: number },
  ): Promise<boolean>;
  /**
   * Ends it; what it was when it had been told since it stood, else null. As severe as it was told last, not as it ended: who
   * heard that it stands has to hear its end.
   */
  clear(
    key: string,
    now: Date,
  ): Promise<{ code: string; text: string; since: Date; severity: Severity; vault: string | null } | null>;
  /** It could not be told: the next `raise` answers true again. */
  untold(key: string): Promise<void>;
}
