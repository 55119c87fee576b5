import { useCallback } from "react";
import { LoadProposal } from "../parts/LoadProposal.tsx";
import { WhenReady } from "../parts/NotReady.tsx";
import { Rejection } from "../parts/Rejection.tsx";
import { Review } from "../parts/Review.tsx";
import { packetText } from "../../../src/safe/packet.ts";
import { shortHash } from "../model/format.ts";
import { isRejection } from "../model/rejection.ts";
import { saveText } from "../state/files.ts";
import { Linked } from "../parts/basics.tsx";
import { usePage } from "../state/page.ts";

/** One proposal: where to get it, or what it is. */
export function ProposalView() {
  const { loaded, load, settings } = usePage();
  const save = useCallback(() => {
    if (loaded === null) return;
    saveText(`${loaded.packet.safeTxHash.slice(2, 10)}.packet.json`, packetText(loaded.packet));
  }, [loaded]);
  return (
    <WhenReady>
      {(vault) =>
        loaded === null ? (
          <LoadProposal vault={vault} />
        ) : (
          <>
            <div className="strip">
              <p>
                Proposal <code>{shortHash(loaded.packet.safeTxHash)}</code> from {loaded.from}
                <span className="beneath">
                  {loaded.packet.safe === vault.deployment.safe
                    ? "Checked for your Safe"
                    : "It is for a Safe that is not yours:"}{" "}
                  <Linked kind="address" value={loaded.packet.safe} /> on chain {vault.chainId}, read through{" "}
                  {new URL(settings.rpc).host}
                </span>
              </p>
              <p className="buttons">
                <button type="button" className="plain" onClick={save}>
                  Save the packet
                </button>
                <button type="button" className="plain" onClick={() => load(null)}>
                  Review another
                </button>
              </p>
            </div>
            {isRejection(loaded.packet) ? (
              <Rejection vault={vault} packet={loaded.packet} />
            ) : (
              <Review key={loaded.packet.safeTxHash} vault={vault} packet={loaded.packet} />
            )}
          </>
        )
      }
    </WhenReady>
  );
}
