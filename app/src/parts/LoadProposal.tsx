import { useState } from "react";
import { parsePacket } from "../../../src/safe/packet.ts";
import { readSafe } from "../../../src/safe/account.ts";
import type { Vault } from "../state/connection.ts";
import { usePage } from "../state/page.ts";
import { proposalByHash } from "../state/proposals.ts";
import { useAction } from "../state/useAction.ts";
import { useThere } from "../state/useThere.ts";
import { nameOf, textOf } from "../state/files.ts";
import { Field, Outcome, Panel } from "./basics.tsx";
import { PendingList } from "./PendingList.tsx";

/** The ways to get a proposal in front of you. All of them are only ways: each packet is verified the same. */
export function LoadProposal({ vault }: { vault: Vault }) {
  const { load, settings, serviceKey } = usePage();
  const [hash, setHash] = useState("");
  const [over, setOver] = useState(false);
  const action = useAction();
  const isThere = useThere();
  const request = { settings, serviceKey, deployment: vault.deployment, provider: vault.provider };
  const open = (file: File): void =>
    action.run(`Reading ${nameOf(file)}`, async () => {
      const packet = parsePacket(await textOf(file));
      if (isThere.current) load({ packet, from: `the file ${nameOf(file)}` });
      return "Read.";
    });
  return (
    <>
      <PendingList vault={vault} />
      <Panel title="Open a packet">
        <div
          className={over ? "drop drop-over" : "drop"}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={(event) => {
            event.preventDefault();
            setOver(false);
            const file = event.dataTransfer.files[0];
            if (file !== undefined) open(file);
          }}
        >
          <label htmlFor="packet-file">Packet file (…packet.json), chosen or dropped here</label>
          <input
            id="packet-file"
            type="file"
            accept=".json,application/json"
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file !== undefined) open(file);
              event.target.value = "";
            }}
          />
        </div>
        <form
          className="inline"
          onSubmit={(event) => {
            event.preventDefault();
            action.run("Asking for it", async () => {
              const { owners } = await readSafe(vault.provider, vault.deployment.safe);
              const packet = await proposalByHash(hash.trim().toLowerCase(), { ...request, owners });
              // Whoever opened another meanwhile must not find it swapped.
              if (isThere.current) load({ packet, from: "its hash" });
              return "Found.";
            });
          }}
        >
          <Field
            label="Or its safeTxHash"
            value={hash}
            onChange={setHash}
            hint="Asked of the transaction service, and of the keeper for its evidence."
          />
          <button type="submit" className="plain" disabled={!/^0x[0-9a-fA-F]{64}$/.test(hash.trim())}>
            Find
          </button>
        </form>
        <Outcome action={action} />
      </Panel>
    </>
  );
}
