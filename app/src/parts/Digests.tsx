import type { Packet } from "../../../src/safe/packet.ts";
import { decodePlan } from "../../../src/plan/plan.ts";
import { guardCallOf } from "../../../src/keeper/guardChecks.ts";
import { domainHash, messageHash, safeTxHash } from "../../../src/safe/transaction.ts";
import { callText } from "../model/calls.ts";
import { inGroups } from "../model/format.ts";
import { Panel } from "./basics.tsx";

/** What a hardware wallet shows before it signs, worked out here from the transaction alone. */
export function Digests({ packet }: { packet: Packet }) {
  const { chainId, safe, safeTx } = packet;
  const digests = [
    ["Domain hash", domainHash(chainId, safe)],
    ["Message hash", messageHash(safeTx)],
    ["Safe transaction hash", safeTxHash(chainId, safe, safeTx)],
  ] as const;
  return (
    <Panel title="What your wallet must show">
      <p className="quiet">
        Computed here from the transaction alone. Compare every group with your device: one that differs is another
        transaction.
      </p>
      <dl className="digests">
        {digests.map(([name, hash]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <code className="groups">
                <span className="unseen">{hash}</span>
                <span aria-hidden="true">0x</span>
                {inGroups(hash).map((group, index) => (
                  <span key={index} aria-hidden="true">
                    {group}
                  </span>
                ))}
              </code>
            </dd>
          </div>
        ))}
      </dl>
      <details>
        <summary>The call itself</summary>
        <dl className="facts">
          <div>
            <dt>To</dt>
            <dd>
              <code className="address">{safeTx.to}</code>
            </dd>
          </div>
          <div>
            <dt>Nonce of the Safe</dt>
            <dd>{safeTx.nonce}</dd>
          </div>
          <div>
            <dt>Operation, value</dt>
            <dd>
              {safeTx.operation === 0 ? "CALL" : "DELEGATECALL"}, {safeTx.value} wei
            </dd>
          </div>
        </dl>
        <h3>Decoded</h3>
        <pre tabIndex={0} aria-label="The plan in the call">
          {decodedText(packet)}
        </pre>
        <h3>Data</h3>
        <pre className="wrap" tabIndex={0} aria-label="The call's data">
          {safeTx.data}
        </pre>
      </details>
    </Panel>
  );
}

/** The bytes that would run, decoded here: what the packet says they are is its own word only. */
function decodedText(packet: Packet): string {
  const { data } = packet.safeTx;
  const guardCall = guardCallOf(packet);
  if (guardCall !== null) return `${guardCall.name}(${guardCall.guard})`;
  try {
    return JSON.stringify(decodePlan(data), null, 2);
  } catch {
    return callText(packet.safeTx, packet.safe);
  }
}
