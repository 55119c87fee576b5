import type { Evidence } from "../../../src/plan/evidence.ts";
import { when } from "../model/format.ts";
import { evidenceRows } from "../model/evidenceRows.ts";
import { DEVNET_CHAIN } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { explorerLink } from "../state/settings.ts";
import { Linked, Panel, Table } from "./basics.tsx";

/** Each input of the decision, where it is read again, and a link to there. */
export function EvidenceTable({ evidence }: { evidence: Evidence }) {
  const { settings } = usePage();
  const block = explorerLink(settings, "block", evidence.block.number);
  return (
    <Panel title="Evidence">
      <p className="quiet">
        Every input the decision was made from. The checks above have read each of them again from the chain.{" "}
        {block !== null
          ? "Links go to the block explorer of your settings: to look, not to trust."
          : evidence.chainId === DEVNET_CHAIN
            ? "Nothing is linked: a local chain has no block explorer. Addresses are given whole when copied."
            : "Nothing is linked: set a block explorer in Settings. Addresses are given whole when copied."}
      </p>
      <Table caption="Evidence of the decision" head={["Input", "Value", "Source", "Read at", "Time", "Contract"]}>
        {evidenceRows(evidence).map((row) => (
          <tr key={row.input}>
            <th scope="row">{row.input}</th>
            <td className={row.value.startsWith("0x") ? "hash" : ""}>{row.value}</td>
            <td>{row.source}</td>
            <td>
              {block === null || row.address !== "" ? (
                row.at
              ) : (
                <a href={block} target="_blank" rel="noopener noreferrer">
                  {row.at}
                </a>
              )}
            </td>
            <td>{row.time === null ? "as of the block" : when(row.time)}</td>
            <td>{row.address === "" ? "" : <Linked kind="address" value={row.address} />}</td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}
