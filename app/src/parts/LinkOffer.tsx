import { offerOf } from "../model/offer.ts";
import type { Settings } from "../state/settings.ts";
import { Note, Table } from "./basics.tsx";

/**
 * A link wants to set what this page trusts. Whoever made it could point to a chain and a vault of their own, on which
 * everything matches: so the member is asked, always, and shown what would be used.
 */
export function LinkOffer({
  offered,
  settings,
  onTake,
  onLeave,
}: {
  offered: Partial<Settings>;
  settings: Settings;
  onTake: () => void;
  onLeave: () => void;
}) {
  const fresh = settings.rpc === "" && settings.deployment === "";
  const { rows, problems } = offerOf(offered, settings);
  return (
    <Note kind="warn" title={fresh ? "This link brings settings" : "This link wants to change your settings"}>
      <p>
        Take them only from somebody you trust: with another RPC or deployment file, a foreign vault’s proposal can look
        right.
      </p>
      {rows.length === 0 ? (
        <p>Nothing in it differs from what is set.</p>
      ) : (
        <Table caption="What the link would change" head={["Setting", "Now", "The link's"]}>
          {rows.map(({ name, now, offered: next }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                <code className="address">{now ?? "not set"}</code>
              </td>
              <td>
                <code className="address">{next}</code>
              </td>
            </tr>
          ))}
        </Table>
      )}
      {problems.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
      <p className="buttons">
        <button type="button" disabled={problems.length > 0 || rows.length === 0} onClick={onTake}>
          Use these settings
        </button>
        <button type="button" className="plain" onClick={onLeave}>
          {fresh ? "Do not use them" : "Keep mine"}
        </button>
      </p>
    </Note>
  );
}
