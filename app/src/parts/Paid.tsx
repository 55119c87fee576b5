import type { Evidence } from "../../../src/plan/evidence.ts";
import { pairOf } from "../../../src/plan/state.ts";
import { readPaid } from "../chain/paid.ts";
import { grouped, when } from "../model/format.ts";
import type { Vault } from "../state/connection.ts";
import { useRead } from "../state/useRead.ts";
import { Panel, Table } from "./basics.tsx";

const ROWS = [
  ["lpFees", "Fees earned by liquidity"],
  ["arbitrageLoss", "Taken by arbitrage (loss versus rebalancing)"],
  ["lpPrice", "Price moves of what liquidity held"],
  ["hedgePrice", "Price moves of the short"],
  ["funding", "Funding of the short"],
  ["swapCosts", "Costs of liquidity changes"],
  ["perpCosts", "Costs of trades in the short"],
] as const;

/** How liquidity and hedge have paid as far back as the node keeps state, told apart by the same measure as the demo's report. */
export function Paid({ vault, evidence }: { vault: Vault; evidence: Evidence }) {
  const { provider, deployment, head } = vault;
  const pair = pairOf(evidence);
  const paid = useRead(
    () => readPaid(provider, deployment, pair, head.number),
    [provider, deployment],
    deployment.vault,
  );
  const found = paid.value;
  const amount = (units: bigint): string => `${units > 0n ? "+" : ""}${grouped(Number(units) / 1e6)} USDC`;
  return (
    <Panel title="How it has paid">
      {paid.problem === null ? null : <p className="quiet">It cannot be told apart: {paid.problem}</p>}
      {found === null && paid.busy ? <p className="quiet">Telling it apart…</p> : null}
      {found === null && !paid.busy && paid.problem === null ? (
        <p className="quiet">This node keeps no state of old blocks, so gains cannot be told apart here.</p>
      ) : null}
      {found === null ? null : (
        <>
          <Table caption="Where gains and losses came from" head={["Source", `Since ${when(found.since)}`]}>
            {ROWS.map(([key, name]) => (
              <tr key={key}>
                <th scope="row">{name}</th>
                <td className="number">{amount(found.parts[key])}</td>
              </tr>
            ))}
            <tr className="total">
              <th scope="row">Together</th>
              <td className="number">{amount(Object.values(found.parts).reduce((sum, part) => sum + part, 0n))}</td>
            </tr>
          </Table>
          <p className="hint">
            Each part from its own source, at {found.marks} moments. Deposits and redemptions are not in it. Coarser
            moments would count less as arbitrage and more as price.
          </p>
        </>
      )}
    </Panel>
  );
}
