import { join } from "node:path";
import {
  SETTLE_SECONDS,
  FEE_TO_LVR,
  beatAssetFeed,
  closeSession,
  moveMarket,
  openMarket,
  tradeNoise,
} from "../../deploy/devnet/market.ts";
import type { Market } from "../../deploy/devnet/market.ts";
import { CLOSE_SECONDS } from "../../deploy/devnet/feeds.ts";
import { DEFAULT_DEPOSIT, bringUp } from "../../deploy/devnet/world.ts";
import type { World } from "../../deploy/devnet/world.ts";
import { maxDrawdown, totalReturn } from "../backtest/metrics.ts";
import { blend, cdarMatchedWeight, exPostWeight } from "../backtest/holdLess.ts";
import { simpleReturns } from "../backtest/metrics.ts";
import { doChores } from "../keeper/chores.ts";
import type { TickOutcome } from "../keeper/tick.ts";
import { startOfDay } from "../market/calendar.ts";
import type { History, MarketDay } from "../market/history.ts";
import { totalOf } from "../keeper/attribution.ts";
import type { Parts, Sources } from "../keeper/attribution.ts";
import { DEMO_POLICIES, HOLD_LESS_WEIGHT } from "./policies.ts";
import { pricePath } from "./pricePath.ts";
import { COUNTED_REGIMES, VAULTS } from "./result.ts";
import type {
  Attribution,
  BlendSummary,
  CountedRegime,
  DayRow,
  DemoResult,
  PathSummary,
  RegimeName,
  VaultName,
} from "./result.ts";
import { VaultRun, netDelta } from "./vaultRun.ts";
import type { Executed, People } from "./vaultRun.ts";

/** Seconds after midnight at which the keeper ticks. */
const TICK_SECOND = 300;
/** The parts must add up to the chain's NAV change within 0.01 % of the start NAV. */
const MAX_DIFFERENCE_BPS = 1;
/** Confidence of the drawdown measure "hold less" is matched on. */
const CDAR_ALPHA = 0.95;

export interface DemoRequest {
  history: History;
  /** Folder for packets and the report. */
  out: string;
  /** One call a day. */
  progress?: (done: number, of: number, line: string) => void;
  /** Wall clock in milliseconds, for the duration only. */
  now: () => number;
}

/** The attribution does not explain the chain's NAV: the demo's numbers cannot be trusted. */
export class AttributionBroken extends Error {
  constructor(vault: string, differenceBps: number) {
    super(
      `the parts of ${vault}'s profit and loss differ from the chain's NAV change by ${differenceBps} bps ` +
        `(at most ${MAX_DIFFERENCE_BPS}): a cash flow is not measured; do not use this run`,
    );
    this.name = "AttributionBroken";
  }
}

/**
 * Replays a window day by day on the local chain: the market moves, sessions close, the keeper decides at 00:05 UTC,
 * members verify and sign, and the Safe executes an hour later at a price nobody knew when deciding.
 */
export async function runDemo(request: DemoRequest): Promise<DemoResult> {
  const started = request.now();
  const { history } = request;
  const world = await bringUp({
    history,
    vaults: VAULTS.map((name) => ({ name, policy: DEMO_POLICIES[name], deposit: DEFAULT_DEPOSIT })),
  });
  const market = await openMarket(world);
  const runs = await vaultRuns(world, request.out);
  const rows: DayRow[] = [];
  const regimeDays: Record<CountedRegime, number> = { Calm: 0, Elevated: 0, Stress: 0 };

  // Before the first move: the first decision, on the sessions known so far.
  const opening = (await world.chain.now()) + SETTLE_SECONDS;
  await moveMarket(market, opening, history.days[0]?.eth.open ?? 0, 0);
  await readNavs(runs);
  let evening = await decideAll(market, runs, opening + SETTLE_SECONDS);

  for (const [index, day] of history.days.entries()) {
    if (evening.regime !== "Unknown") regimeDays[evening.regime] += 1;
    const executed = await liveThrough(market, runs, day);
    await readNavs(runs);
    rows.push(rowOf(day, runs, evening, executed));
    request.progress?.(index + 1, history.days.length, progressLine(rows));
    // On the last evening nothing is decided: there is no later price to execute at.
    if (index + 1 < history.days.length) {
      evening = await decideAll(market, runs, startOfDay(day.date) + 86_400 + TICK_SECOND);
    }
  }
  return summarise(request, runs, rows, regimeDays, started);
}

/** What the hedged vault's keeper said in the evening. */
interface Evening {
  regime: RegimeName;
  outcome: TickOutcome;
}

async function vaultRuns(world: World, out: string): Promise<VaultRun[]> {
  const { chain, uniswap, curie } = world;
  const people: People = {
    provider: chain.provider,
    members: [chain.wallet("owner1"), chain.wallet("owner2")],
    executor: chain.wallet("executor"),
  };
  const [positionManager, clearingHouse, exchange] = await Promise.all(
    [uniswap.positionManager, curie.clearingHouse, curie.exchange].map((contract) => contract.getAddress()),
  );
  return world.vaults.map((vault) => {
    const sources: Sources = {
      pair: uniswap.pair,
      liquidityAdapter: vault.deployment.liquidityAdapter,
      perpAdapter: vault.deployment.perpAdapter,
      positionManager: positionManager ?? "",
      clearingHouse: clearingHouse ?? "",
      exchange: exchange ?? "",
    };
    return new VaultRun(vault.name as VaultName, vault, people, sources, join(out, "packets", vault.name));
  });
}

async function decideAll(market: Market, runs: readonly VaultRun[], time: number): Promise<Evening> {
  const { chain, vaults } = market.world;
  await chain.warpTo(time);
  const keeper = chain.wallet("keeper");
  for (const { deployment } of vaults) {
    const { failed } = await doChores(chain.provider, deployment, keeper);
    if (failed.length > 0) throw new ChoreFailed(failed);
  }
  // Deciding, verifying and signing only read the chain: while the node answers one vault, the others work.
  const [first] = await Promise.all(runs.map((run) => run.decide()));
  if (first === undefined) throw new NoVaults();
  return { regime: first.regime as RegimeName, outcome: first };
}

async function readNavs(runs: readonly VaultRun[]): Promise<void> {
  await Promise.all(runs.map(async (run) => run.navs.push(usd((await run.observeMarket()).nav))));
}

/** A day: the market's first move, the executions, the rest of the moves, the session's close. */
async function liveThrough(market: Market, runs: readonly VaultRun[], day: MarketDay): Promise<(Executed | null)[]> {
  const midnight = startOfDay(day.date);
  const path = pricePath(day.eth);
  let executed: (Executed | null)[] = runs.map(() => null);
  let closed = day.session === null;
  for (const [step, { secondOfDay, price }] of path.entries()) {
    if (!closed && day.session !== null && secondOfDay > CLOSE_SECONDS) {
      await closeSession(market, midnight + CLOSE_SECONDS, day.session);
      closed = true;
    }
    await moveMarket(market, midnight + secondOfDay, price, day.fundingRate);
    if (step === 0) {
      await beatAssetFeed(market);
      executed = [];
      for (const run of runs) executed.push(await run.execute(day.date));
    }
    if (step === path.length >> 1) await tradeNoise(market, day, price);
  }
  return executed;
}

function rowOf(day: MarketDay, runs: readonly VaultRun[], evening: Evening, executed: (Executed | null)[]): DayRow {
  const [hedged, unhedged, holdLess] = runs as [VaultRun, VaultRun, VaultRun];
  const done = executed[0] ?? null;
  const mark = hedged.mark;
  const dollars = (key: keyof VaultRun["parts"]): number => usd(hedged.parts[key]);
  return {
    date: day.date,
    vix: day.session?.vix ?? null,
    vix3m: day.session?.vix3m ?? null,
    session: day.session !== null,
    regime: evening.regime,
    price: day.eth.close,
    nav: { hedged: last(hedged.navs), unhedged: last(unhedged.navs), holdLess: last(holdLess.navs) },
    deltaBefore: netDelta(done?.before ?? mark),
    deltaAfter: netDelta(done?.after ?? mark),
    short: Number(-mark.size) / 1e18,
    liquidityShare: Number(mark.snapshot.measures.liquidityBps) / 10_000,
    costUsd: done?.costUsd ?? 0,
    action: done === null ? evening.outcome.code : done.execution === null ? "NOT_EXECUTED" : "REBALANCED",
    text:
      done !== null && done.execution === null
        ? `Not executed, nothing lost: ${done.reverted}`
        : evening.outcome.sentence,
    cumulative: {
      lpFees: dollars("lpFees"),
      arbitrageLoss: dollars("arbitrageLoss"),
      lpPrice: dollars("lpPrice"),
      funding: dollars("funding"),
      hedgePrice: dollars("hedgePrice"),
      costs: dollars("swapCosts") + dollars("perpCosts"),
    },
  };
}

function progressLine(rows: readonly DayRow[]): string {
  const row = rows.at(-1);
  return row === undefined ? "" : `${row.date} ${row.regime} ${row.action}`;
}

function summarise(
  request: DemoRequest,
  runs: readonly VaultRun[],
  rows: DayRow[],
  regimeDays: Record<CountedRegime, number>,
  started: number,
): DemoResult {
  const { history } = request;
  const [hedged, unhedged, holdLess] = runs as [VaultRun, VaultRun, VaultRun];
  const attribution = {
    hedged: attributionOf(hedged.parts, hedged.startNav, hedged.mark.nav),
    unhedged: attributionOf(unhedged.parts, unhedged.startNav, unhedged.mark.nav),
  };
  for (const [name, { differenceBps }] of Object.entries(attribution)) {
    if (Math.abs(differenceBps) > MAX_DIFFERENCE_BPS) throw new AttributionBroken(name, differenceBps);
  }
  const executions = runs.flatMap((run) => run.executions).sort((a, b) => a.date.localeCompare(b.date));
  const dates = [history.from, ...history.days.map((day) => day.date)];
  const gas = runs.flatMap((run) => run.gas.map(Number));
  const regimes = Object.fromEntries(
    COUNTED_REGIMES.map((regime) => {
      const own = hedged.executions.filter((execution) => execution.regime === regime);
      return [
        regime,
        {
          days: regimeDays[regime],
          executed: own.length,
          verified: own.filter((execution) => execution.verified).length,
        },
      ];
    }),
  ) as DemoResult["regimes"];
  return {
    source: history.label,
    kind: history.kind,
    window: { from: history.from, to: history.to },
    days: rows.length,
    proposals: runs.reduce((sum, run) => sum + run.proposals, 0),
    executed: executions.length,
    summary: {
      hedged: pathSummary(hedged.navs, dates),
      unhedged: pathSummary(unhedged.navs, dates),
      holdLess: {
        ...pathSummary(holdLess.navs, dates),
        weight: HOLD_LESS_WEIGHT,
        weightKind: "ex ante: 1 − the policy's hedge ratio in Calm",
        exPost: blendSummary(
          unhedged.navs,
          exPostWeight(
            simpleReturns(hedged.navs),
            simpleReturns(unhedged.navs),
            hedged.navs.slice(1).map(() => 0),
          ),
        ),
        cdarMatched: blendSummary(unhedged.navs, cdarMatchedWeight(hedged.navs, unhedged.navs, CDAR_ALPHA)),
      },
    },
    attribution: {
      ...attribution,
      checkBps: Math.max(Math.abs(attribution.hedged.differenceBps), Math.abs(attribution.unhedged.differenceBps)),
    },
    gas: {
      rebalance: { mean: Math.round(mean(gas)), max: Math.max(0, ...gas) },
      total: gas.reduce((sum, used) => sum + used, 0),
      byAction: gasByVault(runs),
    },
    regimes,
    notes: [
      ...history.notes,
      "USDC/USD is held at 1: no history of it is used.",
      `Noise traders bring fee income to ${FEE_TO_LVR} × loss-versus-rebalancing at median volatility: an assumption, not history.`,
      "Outside liquidity at the pool is 1.6 billion USDC in wide ranges that stand still: an assumption, raised after a thinner pool stopped rebalances at the price gate in the replay of October 2020 to April 2021.",
      "The policy's targets and the width of its no-trade band were set by hand with windows like this one in view: nothing here is out of sample.",
      "Inside a day the price runs open, low, high, close when it rose and open, high, low, close when it fell, in moves of at most 5 %.",
      "Arbitrageurs bring the pool to within its fee of the index, and the perpetual's mark to the index plus the day's funding rate.",
      "Decisions are made at 00:05 UTC and executed an hour later, at a price not known when deciding. Gas is not charged to the vaults.",
      "Cash earns nothing; the window is one sample and proves nothing about another.",
    ],
    rows,
    executions,
    report: "",
    seconds: (request.now() - started) / 1000,
  };
}

/** Parts in USD with their sum, the chain's NAV change, and by how much they differ. */
function attributionOf(parts: Parts, startNav: bigint, endNav: bigint): Attribution {
  const total = totalOf(parts);
  return {
    lpPrice: usd(parts.lpPrice),
    arbitrageLoss: usd(parts.arbitrageLoss),
    lpFees: usd(parts.lpFees),
    funding: usd(parts.funding),
    hedgePrice: usd(parts.hedgePrice),
    swapCosts: usd(parts.swapCosts),
    perpCosts: usd(parts.perpCosts),
    total: usd(total),
    navChange: usd(endNav - startNav),
    differenceBps: Number(((total - (endNav - startNav)) * 100_000_000n) / startNav) / 10_000,
  };
}

function gasByVault(runs: readonly VaultRun[]): DemoResult["gas"]["byAction"] {
  return Object.fromEntries(
    runs.map((run) => [
      `rebalance ${run.name}`,
      { count: run.gas.length, mean: Math.round(mean(run.gas.map(Number))) },
    ]),
  );
}

function pathSummary(navs: readonly number[], dates: readonly string[]): PathSummary {
  const worst = maxDrawdown(navs);
  return {
    return: totalReturn(navs),
    maxDrawdown: worst.value,
    maxDrawdownFrom: dates[worst.from] ?? "",
    maxDrawdownTo: dates[worst.to] ?? "",
    finalNav: last(navs),
  };
}

function blendSummary(
  navs: readonly number[],
  { weight, reason }: { weight: number | null; reason: string },
): BlendSummary {
  if (weight === null) return { weight, reason, return: null, maxDrawdown: null, finalNav: null };
  const path = blend(navs, weight);
  return { weight, reason, return: totalReturn(path), maxDrawdown: maxDrawdown(path).value, finalNav: last(path) };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function last(values: readonly number[]): number {
  return values.at(-1) ?? 0;
}

function usd(amount: bigint): number {
  return Number(amount) / 1e6;
}

/** On a chain of our own every chore can be done. */
export class ChoreFailed extends Error {
  constructor(failed: string[]) {
    super(`the demo's keeper could not do its chores: ${failed.join("; ")}; report it as a defect`);
    this.name = "ChoreFailed";
  }
}

/** The demo was set up without a vault. */
export class NoVaults extends Error {
  constructor() {
    super("the demo needs its three vaults: bringUp was called without them");
    this.name = "NoVaults";
  }
}
