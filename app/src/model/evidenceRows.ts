import type { Evidence, FeedRound } from "../../../src/plan/evidence.ts";
import { grouped } from "../../../src/report/format.ts";
import { dayText, ether, points, shares, usdc, when } from "./format.ts";

/** One input of a decision: what it says, and where on chain anyone reads it again. */
export interface EvidenceRow {
  input: string;
  value: string;
  source: string;
  /** Contract it is read from; empty for the block. */
  address: string;
  /** Round, block or session it is of. */
  at: string;
  /** When it was so, seconds since 1970-01-01; null for a state, which is the block's. */
  time: number | null;
}

/** Every input of a decision, in the order the rules use them. */
export function evidenceRows(evidence: Evidence): EvidenceRow[] {
  const { feeds, regime, contracts, vault, liquidity, perp, block } = evidence;
  const atBlock = `block ${grouped(block.number)}`;
  const state = (input: string, value: string, address: string): EvidenceRow => ({
    ...{ input, value, source: "chain", address, at: atBlock, time: null },
  });
  const round = (input: string, feed: FeedRound): EvidenceRow => ({
    input,
    value: grouped(Number(feed.answer) / 10 ** feed.decimals, 2),
    source: "chain: feed round",
    address: feed.address,
    at: `round ${feed.round}`,
    time: feed.updatedAt,
  });
  const last = regime.sessions.at(-1);
  return [
    {
      input: "Block of the decision",
      value: block.hash,
      source: "chain",
      address: "",
      at: atBlock,
      time: block.timestamp,
    },
    round("ETH / USD", feeds.base),
    round("USDC / USD", feeds.asset),
    round("VIX, last close", feeds.vix),
    round("VIX3M, last close", feeds.vix3m),
    state(
      "Session closes",
      last === undefined
        ? "none"
        : `${grouped(regime.sessions.length)} closes, the last of ${dayText(last[0])}: VIX ${points(last[1])}, VIX3M ${points(last[2])}`,
      contracts.regimeOracle,
    ),
    state("Regime", `${regime.regime}, Unknown after ${when(regime.staleAfter)}`, contracts.regimeOracle),
    state("Idle cash", usdc(BigInt(vault.cash)), contracts.vault),
    state("Shares", shares(BigInt(vault.totalSupply)), contracts.vault),
    state("Shares waiting to leave", shares(BigInt(vault.pendingShares)), contracts.vault),
    state(
      "Liquidity position",
      BigInt(liquidity.liquidity) === 0n
        ? "none"
        : `liquidity ${liquidity.liquidity}, ticks ${liquidity.tickLower} to ${liquidity.tickUpper}`,
      liquidity.adapter,
    ),
    state(
      "Fees and idle base",
      `${ether(BigInt(liquidity.feesBase) + BigInt(liquidity.idleBase), 4)}, ${usdc(BigInt(liquidity.feesAsset))}`,
      liquidity.adapter,
    ),
    state("Perpetual position", ether(BigInt(perp.size), 4), perp.adapter),
    state(
      "Perpetual account",
      `collateral ${usdc(BigInt(perp.collateral))}, open notional ${usdc(BigInt(perp.openNotional))}, funding owed ${usdc(BigInt(perp.pendingFunding))}`,
      perp.adapter,
    ),
    state("Bands and targets", "all three regimes", contracts.policy),
  ];
}
