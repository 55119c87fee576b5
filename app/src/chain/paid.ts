import { zeroPadValue } from "ethers";
import type { Provider } from "ethers";
import { addParts, executionParts, markOf, marketParts, noParts } from "../../../src/keeper/attribution.ts";
import type { Mark, Parts, Sources } from "../../../src/keeper/attribution.ts";
import type { PairShape } from "../../../src/hedge/liquidity.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import {
  CurieAdapter__factory,
  Rebalancer__factory,
  UniswapV3Adapter__factory,
  VaultLens__factory,
} from "../../../typechain-types/index.js";
import { logsSince } from "./logs.ts";

/** Moments the vault is looked at between plans: arbitrage is told from price moves no finer than this. */
const SAMPLES = 40;
/** Of fewer moments nothing can be told. */
const LEAST_MARKS = 4;

/** Where gains and losses came from, in asset units. Deposits and redemptions are none. */
export interface PaidParts {
  parts: Parts;
  /** Moments looked at. */
  marks: number;
  /** The first of them, seconds since 1970-01-01. */
  since: number;
}

/** Null where the node keeps no state of old blocks: then nothing can be told apart. */
export async function readPaid(
  provider: Provider,
  deployment: Deployment,
  pair: PairShape,
  head: number,
): Promise<PaidParts | null> {
  const from = deployment.atDeployment?.block ?? 0;
  const sources = await sourcesOf(provider, deployment, pair);
  const events = Rebalancer__factory.createInterface();
  const topics = [[events.getEvent("PlanExecuted").topicHash, events.getEvent("Deleveraged").topicHash]];
  const { logs: plans } = await logsSince(provider, { address: deployment.rebalancer, topics }, from);
  const { logs: perps } = await logsSince(
    provider,
    { address: [sources.clearingHouse, sources.exchange], topics: [null, zeroPadValue(sources.perpAdapter, 32)] },
    from,
  );
  const executions = new Map(plans.map(({ blockNumber, transactionHash }) => [blockNumber, transactionHash]));
  const sampled = Array.from({ length: SAMPLES }, (_, i) => from + Math.round(((i + 1) * (head - from)) / SAMPLES));
  const around = [...executions.keys()].flatMap((block) => [block - 1, block]);
  const blocks = [...new Set([...sampled, ...around])].sort((a, b) => a - b);
  const lens = VaultLens__factory.connect(deployment.lens, provider);
  const snapshots = await Promise.all(blocks.map(async (blockTag) => lens.snapshot({ blockTag }).catch(() => null)));
  const receipts = new Map(
    await Promise.all(
      [...executions].map(async ([block, hash]) => [block, await provider.getTransactionReceipt(hash)] as const),
    ),
  );
  let parts = noParts();
  let last: { block: number; mark: Mark } | null = null;
  let marks = 0;
  let since = 0;
  for (const [index, block] of blocks.entries()) {
    const snapshot = snapshots[index] ?? null;
    if (snapshot === null || !snapshot.priced || snapshot.totalSupply === 0n || snapshot.unread.length > 0) continue;
    const mark = markOf(snapshot, pair);
    if (last === null) {
      since = Number(snapshot.timestamp);
    } else {
      const before = last.block;
      const receipt = before === block - 1 ? receipts.get(block) : undefined;
      const between = perps.filter(({ blockNumber }) => blockNumber > before && blockNumber <= block);
      const added =
        receipt == null
          ? marketParts(last.mark, mark, between.map(raw), sources)
          : executionParts(last.mark, mark, receipt.logs.map(raw), sources);
      parts = addParts(parts, added);
    }
    last = { block, mark };
    marks += 1;
  }
  return marks < LEAST_MARKS ? null : { parts, marks, since };
}

async function sourcesOf(provider: Provider, deployment: Deployment, pair: PairShape): Promise<Sources> {
  const { liquidityAdapter, perpAdapter } = deployment;
  const perp = CurieAdapter__factory.connect(perpAdapter, provider);
  const [positionManager, clearingHouse, exchange] = await Promise.all([
    UniswapV3Adapter__factory.connect(liquidityAdapter, provider).positionManager(),
    perp.clearingHouse(),
    perp.exchange(),
  ]);
  return { pair, liquidityAdapter, perpAdapter, positionManager, clearingHouse, exchange };
}

function raw({ address, topics, data }: { address: string; topics: readonly string[]; data: string }) {
  return { address, topics, data };
}
