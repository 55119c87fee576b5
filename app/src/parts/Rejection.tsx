import type { Packet } from "../../../src/safe/packet.ts";
import type { Vault } from "../state/connection.ts";
import { shortHash } from "../model/format.ts";
import { isRejection, sameNonce } from "../model/rejection.ts";
import { usePage } from "../state/page.ts";
import { Note } from "./basics.tsx";
import { Digests } from "./Digests.tsx";
import { VotePanel } from "./VotePanel.tsx";

/** A transaction that does nothing but use up its nonce: nothing to recompute, only to recognise. */
export function Rejection({ vault, packet }: { vault: Vault; packet: Packet }) {
  const { load, loaded, visit } = usePage();
  const against = sameNonce(visit, packet).find((other) => !isRejection(other));
  const own = packet.safe === vault.deployment.safe && packet.chainId === vault.chainId;
  return (
    <>
      <Note kind={own ? "info" : "bad"} title={`A rejection of nonce ${packet.safeTx.nonce}`}>
        <p>
          {own
            ? "The Safe calls itself with nothing. Once it ran, no other transaction at this nonce can."
            : "It is for another Safe or chain than yours: do not sign it."}
        </p>
        {loaded?.told === undefined ? null : <p>{loaded.told}</p>}
        {against === undefined ? null : (
          <p className="buttons">
            It stands against <code>{shortHash(against.safeTxHash)}</code>.
            <button type="button" className="plain" onClick={() => load({ packet: against, from: "this visit" })}>
              Back to that proposal
            </button>
          </p>
        )}
      </Note>
      <Digests packet={packet} />
      {own ? (
        <VotePanel
          vault={vault}
          packet={packet}
          verdict={null}
          isCurrent
          recheck={() => Promise.resolve()}
          onChain={() => undefined}
        />
      ) : null}
    </>
  );
}
