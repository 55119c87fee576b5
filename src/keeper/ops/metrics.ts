import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { formatUnits } from "ethers";
import { abs } from "../../plan/fixedPoint.ts";
import type { KeeperConfig } from "../config.ts";
import type { Observation } from "../observe.ts";
import { REGIME_NAMES } from "../../regime/ruleMachine.ts";
import { TICK_STEPS } from "../rows.ts";
import type { TickStep } from "../rows.ts";
import type { TickCode } from "../tick.ts";
import { ERROR_CODES } from "../tickErrors.ts";
import type { ErrorCode } from "../tickErrors.ts";
import { ALERT_SEVERITY } from "./alert.ts";
import type { AlertCode } from "./alert.ts";
import type { SendResult } from "./alerts.ts";
import { endpointHost } from "./text.ts";

/*
 * What the keeper shows to Prometheus. Every label's values come from the configuration or from a list in the code: what is
 * neither counts as "other", so that nothing from outside can make series without end. What is not known has no sample:
 * never NaN, and never an old value that looks new.
 */

export const RPC_RESULTS = ["ok", "error", "timeout", "rate_limited", "wrong_chain"] as const;
export type RpcResult = (typeof RPC_RESULTS)[number];

/** A tick that threw, or was left out, has no code of its own. */
export type CountedCode = TickCode | ErrorCode | "MISSED";

/** A vault's state at one block, as gauges show it. */
export interface VaultFigures {
  /** 0 Calm, 1 Elevated, 2 Stress, 3 Unknown. */
  regime: number;
  navUsd: number;
  netDeltaBps: number;
  leverageBps: number;
  feedAges: Record<Feed, number>;
}

export interface Metrics {
  contentType: string;
  text(): Promise<string>;
  /** Names of all metrics, for whoever builds on them. */
  names(): string[];
  /** A tick ended; `at` in seconds since 1970-01-01. */
  tick(vault: string, code: CountedCode, seconds: number, at: number): void;
  step(vault: string, step: TickStep, seconds: number): void;
  proposal(vault: string, at: number): void;
  openProposals(vault: string, count: number): void;
  /** What a tick saw; null when nothing could be read or valued. */
  observed(vault: string, observation: Observation | null): void;
  /** In the chain's coin. */
  keyBalance(key: string, chain: string, coin: number | null): void;
  /** `url` may hold a key: only its host becomes a label. */
  rpcRequest(chain: string, url: string, result: RpcResult): void;
  rpcUp(chain: string, url: string, isUp: boolean): void;
  /** Null when nothing could be compared. */
  feedDisagreement(vault: string, feed: Feed, source: string, bps: number | null): void;
  alertsStanding(counts: Partial<Record<AlertCode, number>>): void;
  alertSent(sink: string, result: SendResult): void;
  queueDepth(jobs: number | null): void;
}

const FEEDS = ["base", "asset", "vix", "vix3m"] as const;
export type Feed = (typeof FEEDS)[number];
const SEND_RESULTS = ["ok", "failed", "dropped"] as const satisfies readonly SendResult[];

/** A code that is missing here would not compile. */
const CODES = Object.keys({
  PROPOSED: 0,
  DRY_RUN: 0,
  INSIDE_BAND: 0,
  ALREADY_PROPOSED: 0,
  ALREADY_EXECUTED: 0,
  PROPOSAL_OPEN: 0,
  TURNED_DOWN: 0,
  SIMULATION_FAILED: 0,
  FEEDS_UNUSABLE: 0,
  VENUE_UNREADABLE: 0,
  REGIME_UNKNOWN: 0,
  REGIME_DISAGREES: 0,
  NO_ASSETS: 0,
  MISSED: 0,
} satisfies Record<Exclude<CountedCode, ErrorCode>, 0>);
const COUNTED_CODES: readonly string[] = [...CODES, ...ERROR_CODES];

/** A tick is a few batches of reads, and up to nine transactions that are waited for. */
const TICK_BUCKETS = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];
const STEP_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300];

const OTHER = "other";

/** Metrics of one process, in a registry of their own. `sinks` are the names of the alerts' sinks. */
export function createMetrics(config: KeeperConfig, version: string, sinks: readonly string[] = []): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const within = bounds(config, sinks);
  const gauge = (name: string, help: string, labelNames: string[] = []): SafeGauge => {
    const made = new Gauge({ name, help, labelNames, registers: [registry] });
    // A gauge without labels starts at 0, which nobody measured.
    if (labelNames.length === 0) made.remove({});
    return safeGauge(made, within);
  };
  const counter = (name: string, help: string, labelNames: string[]) => {
    const made = new Counter({ name, help, labelNames, registers: [registry] });
    return (labels: Labels, by = 1) => made.inc(within(labels), by);
  };
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) => {
    const made = new Histogram({ name, help, labelNames, buckets, registers: [registry] });
    return (labels: Labels, seconds: number) => {
      if (Number.isFinite(seconds)) made.observe(within(labels), Math.max(0, seconds));
    };
  };

  const ticks = counter("ballast_ticks_total", "Ticks by the code they ended with.", ["vault", "code"]);
  const tickSeconds = histogram("ballast_tick_seconds", "How long a tick took.", ["vault"], TICK_BUCKETS);
  const stepSeconds = histogram(
    "ballast_step_seconds",
    "How long a part of a tick took.",
    ["vault", "step"],
    STEP_BUCKETS,
  );
  const lastTick = gauge("ballast_last_tick_timestamp_seconds", "When the last tick ended.", ["vault"]);
  const lastProposal = gauge("ballast_last_proposal_timestamp_seconds", "When the last proposal went out.", ["vault"]);
  const openProposals = gauge("ballast_open_proposals", "Proposals that could still be executed.", ["vault"]);
  const regime = gauge("ballast_regime", "The chain's regime: 0 Calm, 1 Elevated, 2 Stress, 3 Unknown.", ["vault"]);
  const nav = gauge("ballast_nav_usd", "Net asset value, mid, in US dollars.", ["vault"]);
  const delta = gauge(
    "ballast_net_delta_bps",
    "Net delta, in basis points of NAV: of both ends, the one further from zero.",
    ["vault"],
  );
  const leverage = gauge("ballast_leverage_bps", "Leverage at the perpetual venue, in basis points.", ["vault"]);
  const balance = gauge("ballast_key_balance", "A key's balance, in the chain's coin.", ["key", "chain"]);
  const rpcRequests = counter("ballast_rpc_requests_total", "JSON-RPC requests.", ["chain", "host", "result"]);
  const rpcUp = gauge("ballast_rpc_up", "1 when the endpoint serves its chain's newest blocks.", ["chain", "host"]);
  const feedAge = gauge("ballast_feed_age_seconds", "Age of a feed's round at the last tick.", ["vault", "feed"]);
  const disagreement = gauge("ballast_feed_disagreement_bps", "How far another source is from a feed.", [
    "vault",
    "feed",
    "source",
  ]);
  const standing = gauge("ballast_alerts_standing", "Alerts that stand, by code.", ["code"]);
  const alertsSent = counter("ballast_alerts_sent_total", "Attempts to tell an alert.", ["sink", "result"]);
  const queue = gauge("ballast_queue_depth", "Jobs that wait in the queue.");
  // From 0 on: Prometheus counts no increase in a series' first sample, which would be the first failure.
  for (const { name: vault } of config.vaults) for (const code of COUNTED_CODES) ticks({ vault, code }, 0);
  for (const sink of sinks) for (const result of SEND_RESULTS) alertsSent({ sink, result }, 0);
  gauge("ballast_build_info", "Always 1; the version is a label.", ["version"]).set({ version }, 1);

  return {
    contentType: registry.contentType,
    // Node's own histogram of the event loop has no mean right after a scrape: no sample is better than NaN.
    text: async () => (await registry.metrics()).replace(/^[^#\n].* nan\n/gim, ""),
    names: () => registry.getMetricsAsArray().map(({ name }) => name),
    tick(vault, code, seconds, at) {
      ticks({ vault, code });
      tickSeconds({ vault }, seconds);
      lastTick.set({ vault }, at);
    },
    step: (vault, step, seconds) => stepSeconds({ vault, step }, seconds),
    proposal: (vault, at) => lastProposal.set({ vault }, at),
    openProposals: (vault, count) => openProposals.set({ vault }, count),
    observed(vault, observation) {
      const figures = observation === null ? null : figuresOf(observation);
      regime.set({ vault }, figures?.regime ?? null);
      nav.set({ vault }, figures?.navUsd ?? null);
      delta.set({ vault }, figures?.netDeltaBps ?? null);
      leverage.set({ vault }, figures?.leverageBps ?? null);
      for (const feed of FEEDS) feedAge.set({ vault, feed }, figures?.feedAges[feed] ?? null);
    },
    keyBalance: (key, chain, coin) => balance.set({ key, chain }, coin),
    rpcRequest: (chain, url, result) => rpcRequests({ chain, host: endpointHost(url), result }),
    rpcUp: (chain, url, isUp) => rpcUp.set({ chain, host: endpointHost(url) }, isUp ? 1 : 0),
    feedDisagreement: (vault, feed, source, bps) => disagreement.set({ vault, feed, source }, bps),
    alertsStanding(counts) {
      for (const code of Object.keys(ALERT_SEVERITY) as AlertCode[]) standing.set({ code }, counts[code] ?? 0);
    },
    alertSent: (sink, result) => alertsSent({ sink, result }),
    queueDepth: (jobs) => queue.set({}, jobs),
  };
}

/** An observation in the units of the gauges: here, and only here, amounts become floating-point numbers. */
export function figuresOf({ evidence, snapshot }: Observation): VaultFigures {
  const { feeds, block, vault, regime } = evidence;
  const { netDeltaMinBps, netDeltaMaxBps, leverageBps } = snapshot.measures;
  const assetUsd = Number(formatUnits(feeds.asset.answer, feeds.asset.decimals));
  const ageOf = (feed: Feed): number => Math.max(0, block.timestamp - feeds[feed].updatedAt);
  return {
    regime: REGIME_NAMES.indexOf(regime.regime),
    navUsd: Number(formatUnits(snapshot.navMid, vault.assetDecimals)) * assetUsd,
    netDeltaBps: Number(abs(netDeltaMinBps) > abs(netDeltaMaxBps) ? netDeltaMinBps : netDeltaMaxBps),
    leverageBps: Number(leverageBps),
    feedAges: { base: ageOf("base"), asset: ageOf("asset"), vix: ageOf("vix"), vix3m: ageOf("vix3m") },
  };
}

type Labels = Record<string, string>;

interface SafeGauge {
  /** Null, and what is no number, takes the sample away. */
  set(labels: Labels, value: number | null): void;
}

function safeGauge(gauge: Gauge, within: (labels: Labels) => Labels): SafeGauge {
  return {
    set(labels, value) {
      const bounded = within(labels);
      if (value === null || !Number.isFinite(value)) gauge.remove(bounded);
      else gauge.set(bounded, value);
    },
  };
}

/** Lets through the values a label may have and calls all others "other". */
function bounds(config: KeeperConfig, sinks: readonly string[]): (labels: Labels) => Labels {
  const alertCodes = Object.keys(ALERT_SEVERITY);
  const allowed: Record<string, ReadonlySet<string> | undefined> = {
    vault: new Set(config.vaults.map(({ name }) => name)),
    code: new Set([...COUNTED_CODES, ...alertCodes]),
    step: new Set(TICK_STEPS),
    key: new Set(Object.keys(config.keys)),
    chain: new Set(Object.keys(config.chains)),
    host: new Set(Object.values(config.chains).flatMap(({ rpc }) => rpc.map(endpointHost))),
    result: new Set([...RPC_RESULTS, ...SEND_RESULTS]),
    feed: new Set(FEEDS),
    source: new Set(config.vaults.flatMap(({ secondary }) => secondary.map(({ name }) => name))),
    sink: new Set(sinks),
  };
  return (labels) =>
    Object.fromEntries(
      Object.entries(labels).map(([name, value]) => {
        const values = allowed[name];
        return [name, values === undefined || values.has(value) ? value : OTHER];
      }),
    );
}
