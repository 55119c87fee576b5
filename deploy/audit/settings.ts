import { Interface, ZeroAddress } from "ethers";
import {
  HedgePolicy__factory,
  HedgeVault__factory,
  IAggregatorV3__factory,
  PriceOracle__factory,
  Rebalancer__factory,
  RegimeOracle__factory,
  ReviewGuard__factory,
} from "../../typechain-types/index.js";
import { REGIME_NAMES } from "../../src/regime/ruleMachine.ts";
import type { Answer } from "./chain.ts";
import { compare } from "./rows.ts";
import type { Row } from "./rows.ts";
import type { Subject } from "./subject.ts";
import { utc } from "./text.ts";

/** AggregatorV3's words for people, which no contract here asks for. */
const DESCRIBED = new Interface(["function description() view returns (string)"]);

const CHANGED =
  "it is not what the vault was deployed with: if the Safe changed it, as its event says, write it into the parameters file";

/** Caps, limits and bands, where they can change. */
export function limitRows({ chain, contracts: d, parameters: p }: Subject): Promise<Row>[] {
  const vault = HedgeVault__factory.createInterface();
  const policy = HedgePolicy__factory.createInterface();
  const limit = (
    name: string,
    address: string,
    abi: Interface,
    view: string,
    args: unknown[],
    expected: Answer | null,
  ) =>
    compare(
      "limits",
      name,
      expected === null ? null : listed(expected),
      async () => listed(await chain.ask(address, abi, view, args)),
      CHANGED,
    );
  const ofVault = (view: string, expected: Answer | null): Promise<Row> =>
    limit(`HedgeVault.${view}`, d.vault, vault, view, [], expected);
  const rows = [
    ofVault("name", p?.vault.name ?? null),
    ofVault("symbol", p?.vault.symbol ?? null),
    ofVault("maxSpreadBps", p?.vault.maxSpreadBps.toString() ?? null),
    ofVault("minRequest", p?.vault.minRequest ?? null),
    // No parameter says it: zero until the Safe sets it.
    ofVault("reserveBps", "0").then((row): Row =>
      row.state === "differs"
        ? {
            ...row,
            state: "attention",
            meaning: "the Safe set a reserve since the deployment: its ReserveSet events say when",
          }
        : row,
    ),
  ];
  for (const [name, adapter, caps] of [
    ["UniswapV3Adapter", d.liquidityAdapter, p?.uniswap],
    ["CurieAdapter", d.perpAdapter, p?.curie],
  ] as const) {
    const expected = caps === undefined ? null : { assets: caps.capAssets, bps: caps.capBps.toString() };
    rows.push(limit(`${name}: cap`, d.vault, vault, "capOf", [adapter], expected));
  }
  REGIME_NAMES.slice(0, 3).forEach((regime, index) => {
    const wanted = regime === "Unknown" ? undefined : p?.policy[regime];
    rows.push(
      limit(`HedgePolicy: ${regime} bands`, d.policy, policy, "bands", [index], texts(wanted?.bands)),
      limit(`HedgePolicy: ${regime} targets`, d.policy, policy, "targets", [index], texts(wanted?.targets)),
    );
  });
  const budgets = Rebalancer__factory.createInterface();
  const wanted =
    p === null ? null : { plans: texts(p.rebalancer.plans) ?? "", keeper: texts(p.rebalancer.keeper) ?? "" };
  rows.push(limit("Rebalancer: loss budgets", d.rebalancer, budgets, "budgets", [], wanted));
  if (d.guard !== undefined) {
    const { proposers: _proposers, ...rules } = p?.guard ?? { proposers: [] };
    const expected = p?.guard === undefined ? null : texts(rules);
    rows.push(limit("ReviewGuard: rules", d.guard, ReviewGuard__factory.createInterface(), "rules", [], expected));
  }
  return rows;
}

/** The feeds behind prices and regime: what they are, and whether they answer now. */
export function feedRows({ chain, contracts: d }: Subject): Promise<Row>[] {
  const feed = IAggregatorV3__factory.createInterface();
  const prices = PriceOracle__factory.createInterface();
  const regimes = RegimeOracle__factory.createInterface();
  const { timestamp } = chain.block;
  const price = async (side: "base" | "asset"): Promise<Row> => {
    let expected = "a positive answer, no older than its maximum age";
    const read = async (): Promise<string> => {
      const [address, maxAge] = await Promise.all([
        chain.ask<string>(d.priceOracle, prices, `${side}Feed`),
        chain.ask<bigint>(d.priceOracle, prices, `${side}MaxAge`),
      ]);
      const [description, decimals, round] = await Promise.all([
        chain.ask<string>(address, DESCRIBED, "description"),
        chain.ask<bigint>(address, feed, "decimals"),
        chain.ask<{ answer: bigint; updatedAt: bigint }>(address, feed, "latestRoundData"),
      ]);
      const { answer, updatedAt } = round;
      const age = BigInt(timestamp) - updatedAt;
      const found = `${JSON.stringify(description)}, ${decimals} decimals: ${answer} at ${utc(updatedAt)}`;
      if (answer > 0n && age >= 0n && age <= maxAge) expected = found;
      return found;
    };
    const found = await compare("feeds", `${side} feed now`, null, read, "");
    if (found.found === null) return found;
    const meaning = "there is no price: entry and settlement are closed until this feed answers again";
    return compare("feeds", `${side} feed now`, expected, async () => found.found ?? "", meaning);
  };
  const session = async (side: "vix" | "vix3m"): Promise<Row> => {
    const read = async (): Promise<string> => {
      const address = await chain.ask<string>(d.regimeOracle, regimes, `${side}Feed`);
      return `${await chain.ask<bigint>(address, feed, "decimals")} decimals`;
    };
    return compare(
      "feeds",
      `${side} feed`,
      "8 decimals",
      read,
      "the regime reads it as points of 8 decimals: it is misread",
    );
  };
  return [price("base"), price("asset"), sequencerRow(), session("vix"), session("vix3m"), regimeRow()];

  async function sequencerRow(): Promise<Row> {
    const none = "no feed";
    let expected = "up, for longer than its grace";
    const read = async (): Promise<string> => {
      const [address, grace] = await Promise.all([
        chain.ask<string>(d.priceOracle, prices, "sequencerFeed"),
        chain.ask<bigint>(d.priceOracle, prices, "sequencerGrace"),
      ]);
      if (address === ZeroAddress) return (expected = none);
      const { answer, startedAt } = await chain.ask<Record<string, bigint>>(address, feed, "latestRoundData");
      const found = `${answer === 0n ? "up" : "down"} since ${utc(startedAt!)}`;
      if (answer === 0n && startedAt !== 0n && BigInt(timestamp) >= startedAt! + grace) expected = found;
      return found;
    };
    const row = await compare("feeds", "sequencer now", null, read, "");
    if (row.found === null) return row;
    const { found } = row;
    const meaning = "there is no price until the chain's sequencer was up for its grace";
    return compare("feeds", "sequencer now", expected, async () => found, meaning);
  }

  async function regimeRow(): Promise<Row> {
    const name = "regime now";
    const read = await compare(
      "feeds",
      name,
      null,
      async () => {
        const regime = await chain.ask<bigint>(d.regimeOracle, regimes, "regime");
        return REGIME_NAMES[Number(regime)] ?? `a regime ${regime}, which there is not`;
      },
      "",
    );
    if (read.found === null) return read;
    const expected = "Calm, Elevated or Stress";
    if (read.found.startsWith("a regime")) {
      return { ...read, state: "differs", expected, meaning: "the regime oracle is not this checkout's: see its code" };
    }
    if (read.found !== "Unknown") return { ...read, state: "match", expected: read.found, meaning: null };
    const meaning =
      "a session's close is missing: only risk is reduced until someone takes it in (ballast keeper once), or setClosures " +
      "says the exchange was closed";
    return { ...read, state: "attention", expected, meaning };
  }
}

function texts(values: Record<string, number> | undefined): Record<string, string> | null {
  if (values === undefined) return null;
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value.toString()]));
}

/** An answer in one line, numbers as they are; struct by struct, names with their values. */
export function listed(value: Answer): string {
  if (Array.isArray(value)) return value.map(listed).join("; ");
  if (typeof value !== "object") return value.toString();
  return Object.entries(value)
    .map(([name, part]) => `${name} ${listed(part)}`)
    .join(", ");
}
