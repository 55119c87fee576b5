import { expect } from "chai";
import { concat } from "ethers";
import { readHistory } from "../../app/src/chain/history.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import { createPacket } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { approvedHashSignature } from "../../src/safe/signatures.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { decideNow, forge } from "../helpers/forge.ts";
import { vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

describe("The review page's history", () => {
  let scene: VaultScene;
  let packet: Packet;

  before(async () => {
    scene = await vaultScene();
    packet = await forge(scene, {}, await decideNow(scene));
    const { to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver } = packet.safeTx;
    // Whoever executes may append what looks like a third owner's approval: the Safe does not look so far.
    const signatures = concat([
      ...packet.signatures.map(({ signature }) => signature),
      approvedHashSignature(scene.chain.address("owner2")).signature,
    ]);
    await scene.chain.send("attacker", {
      to: scene.safe,
      data: SAFE_INTERFACE.encodeFunctionData("execTransaction", [
        ...[to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, signatures],
      ]),
    });
  });

  const history = async (packets: readonly Packet[]) =>
    readHistory(scene.chain.provider, scene.deployment, packets, await scene.chain.now());

  it("names those who signed, and nobody whom the executor added", async () => {
    const { executed, complete } = await history([packet]);
    expect(complete).to.equal(true);
    expect(executed.map(({ signers }) => [...signers].sort())).to.deep.equal([
      [scene.chain.address("owner1"), scene.chain.address("owner3")].sort(),
    ]);
    expect(executed[0]!.packet).to.equal(packet);
    expect(executed[0]!.safeTxHash).to.equal(packet.safeTxHash);
  });

  it("takes the packet that ran, and none with the same evidence and another transaction", async () => {
    const { chainId, safe, plan, evidence } = packet;
    const other = createPacket({ chainId, safe, safeTx: plainCall(safe, "0x", 0n), plan, evidence });
    expect(other.evidenceHash).to.equal(packet.evidenceHash);
    const { executed } = await history([other]);
    expect(executed.map((one) => [one.packet, one.aimedDeltaBps])).to.deep.equal([[null, null]]);
  });
});
