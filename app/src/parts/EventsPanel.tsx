import { duration } from "../../../src/keeper/review.ts";
import type { Overview } from "../chain/overview.ts";
import { nextEvents, sessionDispute } from "../model/events.ts";
import { when } from "../model/format.ts";
import type { Vault } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { keeperSchedule } from "../state/proposals.ts";
import { useRead } from "../state/useRead.ts";
import { Note, Panel, Table } from "./basics.tsx";

/** What comes next and by when, by the chain's clock. */
export function EventsPanel({ vault, overview }: { vault: Vault; overview: Overview }) {
  const { settings } = usePage();
  const { deployment, head } = vault;
  const slot = useRead(
    settings.keeper === "" ? null : () => keeperSchedule(settings.keeper, deployment.vault),
    [settings.keeper, deployment.vault, Math.floor(head.timestamp / 60)],
    `${settings.keeper} ${deployment.vault}`,
  );
  const dispute = sessionDispute(overview);
  return (
    <Panel title="Next">
      {dispute === null ? null : (
        <Note kind="warn" title="Oracle and calendar differ">
          <p>{dispute}</p>
        </Note>
      )}
      <Table caption="What comes next" head={["What", "In", "When", "By"]}>
        {nextEvents(overview, head.timestamp, slot.value).map((event) => (
          <tr key={`${event.at} ${event.what}`}>
            <th scope="row">{event.what}</th>
            <td className="number">
              {event.due ? <span className="outside">due</span> : duration(event.at - head.timestamp)}
            </td>
            <td className="number">{when(event.at)}</td>
            <td>{event.source}</td>
          </tr>
        ))}
      </Table>
      <p className="hint">
        By the chain’s clock, {when(head.timestamp)}.{" "}
        {slot.value === null ? "No keeper tells when it looks next. " : ""}Early closes in New York change nothing here:
        a close counts from the end of its day, UTC.
      </p>
    </Panel>
  );
}
