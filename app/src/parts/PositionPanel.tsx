import { lpPositionOf } from "../../../src/hedge/liquidityValue.ts";
import { liquidatingRise } from "../../../src/hedge/margin.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import { pairOf } from "../../../src/plan/state.ts";
import type { Snapshot } from "../chain/overview.ts";
import { bpsPercent, ether, grouped, percent, signedPercent, times, usdc, wholeUsdc } from "../model/format.ts";
import { Facts, Panel } from "./basics.tsx";

/** Where the liquidity lies against the price, and how the short stands. */
export function PositionPanel({ snapshot, evidence }: { snapshot: Snapshot; evidence: Evidence }) {
  return (
    <div className="columns">
      {snapshot.liquidity.map((account) => (
        <Panel key={account.adapter} title="Liquidity">
          {account.position.liquidity === 0n ? (
            <p className="quiet">No liquidity position is open.</p>
          ) : (
            <Range account={account} snapshot={snapshot} evidence={evidence} />
          )}
          <Facts
            rows={[
              ["Value", wholeUsdc(account.valueMid)],
              ["Uncollected fees", `${ether(account.position.feesBase, 4)}, ${usdc(account.position.feesAsset)}`],
              ["Cap", `${wholeUsdc(account.terms.capAssets)}, ${bpsPercent(account.terms.capBps)} of NAV`],
            ]}
          />
        </Panel>
      ))}
      {snapshot.perps.map((account) => (
        <Panel key={account.adapter} title="Perpetual">
          <Health account={account} snapshot={snapshot} />
        </Panel>
      ))}
    </div>
  );
}

function Range({
  account,
  snapshot,
  evidence,
}: {
  account: Snapshot["liquidity"][number];
  snapshot: Snapshot;
  evidence: Evidence;
}) {
  const { position } = account;
  const shape = {
    tickLower: Number(position.tickLower),
    tickUpper: Number(position.tickUpper),
    liquidity: position.liquidity,
  };
  const { lower, upper } = lpPositionOf(shape, pairOf(evidence));
  const price = Number(snapshot.reading.price.mid) / 1e18;
  const inside = price >= lower && price < upper;
  const [low, high] = [Math.min(lower, price) * 0.96, Math.max(upper, price) * 1.04];
  const at = (value: number): number => ((value - low) / (high - low)) * 100;
  return (
    <>
      <p>
        {inside
          ? `The price is inside the range: ${percent(price / lower - 1)} above its lower end, ${percent(1 - price / upper)} below its upper one.`
          : "The price is outside the range: no fees are earned until it is back."}
      </p>
      <div className="range" aria-hidden="true">
        <span className="range-band" style={{ left: `${at(lower)}%`, width: `${at(upper) - at(lower)}%` }} />
        <span className="range-price" style={{ left: `${at(price)}%` }} />
      </div>
      <Facts
        rows={[
          ["Range", `${grouped(lower, 2)} to ${grouped(upper, 2)} USDC per ETH`],
          ["Price", `${grouped(price, 2)} USDC per ETH`],
        ]}
      />
    </>
  );
}

function Health({ account, snapshot }: { account: Snapshot["perps"][number]; snapshot: Snapshot }) {
  const { position } = account;
  const price = Number(snapshot.reading.price.mid) / 1e18;
  const notional = (Math.abs(Number(position.size)) / 1e18) * price;
  const equity = Number(account.valueMid) / 1e6;
  const basis =
    position.indexPrice === 0n ? 0 : Number(position.markPrice - position.indexPrice) / Number(position.indexPrice);
  if (position.size === 0n) {
    return (
      <Facts
        rows={[
          ["Position", "none"],
          ["Account", usdc(account.valueMid)],
        ]}
      />
    );
  }
  return (
    <Facts
      rows={[
        ["Position", `${ether(-position.size)} short`],
        ["Size in USDC", `${grouped(notional)} USDC`],
        ["Equity", wholeUsdc(account.valueMid)],
        ["Leverage", times((notional / equity) * 10_000)],
        ["Rise of ETH that would liquidate it", signedPercent(liquidatingRise(equity, notional), 0)],
        ["Perpetual’s price over ETH’s", signedPercent(basis, 3)],
        ["Funding owed", usdc(position.pendingFunding)],
        ["Free collateral", wholeUsdc(position.freeCollateral)],
      ]}
    />
  );
}
