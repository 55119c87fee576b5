import { createPacket } from "../../../src/safe/packet.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import type { Visit } from "../state/visit.ts";
import { isPlainCall, plainCall } from "../../../src/safe/transaction.ts";

/** The Safe calling itself with nothing at a proposal's nonce: once it ran, the proposal never can. */
export function rejectionOf({ chainId, safe, safeTx, safeTxHash }: Packet): Packet {
  const empty = plainCall(safe, "0x", safeTx.nonce);
  return createPacket({ chainId, safe, safeTx: empty, plan: { rejects: safeTxHash }, evidence: {} });
}

/** Whether a packet's transaction does nothing but use up its nonce. */
export function isRejection({ safe, safeTx }: Packet): boolean {
  return safeTx.to === safe && safeTx.data === "0x" && isPlainCall(safeTx);
}

/** What else was opened or signed in this visit for a packet's Safe and nonce: of these only one can ever run. */
export function sameNonce({ entries }: Visit, packet: Packet): Packet[] {
  return entries
    .map((entry) => entry.packet)
    .filter(
      ({ safe, chainId, safeTx, safeTxHash }) =>
        safeTxHash !== packet.safeTxHash &&
        safe === packet.safe &&
        chainId === packet.chainId &&
        safeTx.nonce === packet.safeTx.nonce,
    );
}
