import { expect } from "chai";
import { ServiceRejected, ServiceUnauthorized, ServiceUnavailable } from "../../src/safe/errors.ts";
import { executeSafeTx } from "../../src/safe/execute.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { SafeService } from "../../src/safe/service.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { rejection, safeScene, transferPacket } from "../helpers/safeScene.ts";
import type { SafeScene } from "../helpers/safeScene.ts";
import { startTransactionService } from "../support/transactionService/server.ts";
import type { TransactionService } from "../support/transactionService/server.ts";

describe("Taking a proposal off the transaction service", () => {
  let scene: SafeScene;
  let server: TransactionService;
  let service: SafeService;
  let packet: Packet;
  let now: () => number;
  beforeEach(async () => {
    scene = await safeScene("1.4.1");
    now = Date.now;
    server = await startTransactionService({ provider: scene.chain.provider, now: () => now() });
    service = new SafeService({ url: server.url, chainId: scene.chainId });
    await service.addDelegate(scene.safe, scene.chain.address("keeper"), scene.chain.wallet("owner1"), "keeper");
    packet = transferPacket(scene, 7n);
    await service.propose({ safe: scene.safe, safeTx: packet.safeTx, signer: scene.chain.wallet("keeper") });
  });
  afterEach(() => server.close());

  const withdraw = (by: "keeper" | "owner1" | "owner2", hash = packet.safeTxHash): Promise<boolean> =>
    service.withdraw({ safe: scene.safe, hash, signer: scene.chain.wallet(by) });
  async function signed(by: "owner1" | "owner2"): Promise<string> {
    const { chain } = scene;
    const { signatures } = await signPacket(packet, chain.wallet(by), { provider: chain.provider });
    return signatures.find(({ owner }) => owner === chain.address(by))!.signature;
  }

  it("is for the delegate that proposed it, also when others have signed it, and may be repeated", async () => {
    await service.confirm(packet.safeTxHash, await signed("owner2"));
    expect(await withdraw("keeper")).to.equal(true);
    expect(await service.transaction(packet.safeTxHash)).to.equal(null);
    expect(await service.pending(scene.safe)).to.deep.equal([]);
    expect(await service.nextNonce(scene.safe), "its nonce is free again").to.equal(0n);
    expect(await withdraw("keeper"), "gone already").to.equal(false);
    const again = { safe: scene.safe, safeTx: packet.safeTx, signer: scene.chain.wallet("keeper") };
    expect((await service.propose(again)).created).to.equal(true);
    expect(await service.signatures(packet.safeTxHash), "without the signatures it had").to.deep.equal([]);
  });

  it("is for the owner it was proposed in the name of", async () => {
    expect(await withdraw("owner1")).to.equal(true);
  });

  it("is refused to anyone else, and to a delegate that is none any more", async () => {
    const error = await rejection(withdraw("owner2"));
    expect(error).to.be.instanceOf(ServiceRejected);
    expect(error.message).to.include("400").and.to.include("is not the proposer");
    server.revoke(scene.chain.address("keeper"));
    expect((await rejection(withdraw("keeper"))).message).to.include("is not the proposer");
    expect(await service.pending(scene.safe)).to.have.length(1);
  });

  it("is refused once it is executed", async () => {
    const { provider } = scene.chain;
    for (const owner of ["owner1", "owner2"] as const) {
      await service.confirm(packet.safeTxHash, await signed(owner));
    }
    await executeSafeTx({ provider, signer: scene.chain.wallet("executor"), packet, service });
    expect((await rejection(withdraw("keeper"))).message).to.include("Executed transactions cannot be deleted");
  });

  it("takes a signature of this hour and of the one before", async () => {
    now = () => Date.now() + 3 * 3_600_000;
    expect((await rejection(withdraw("keeper"))).message).to.include("is not the proposer");
    now = () => Date.now() + 3_600_000;
    expect(await withdraw("keeper")).to.equal(true);
  });

  it("names each way the service can fail", async () => {
    for (const [status, named] of [
      [401, ServiceUnauthorized],
      [503, ServiceUnavailable],
      [422, ServiceRejected],
    ] as const) {
      server.fail({ kind: "status", status });
      expect(await rejection(withdraw("keeper")), String(status)).to.be.instanceOf(named);
    }
    server.fail({ kind: "down" });
    expect(await rejection(withdraw("keeper"))).to.be.instanceOf(ServiceUnavailable);
    server.fail({ kind: "slow", milliseconds: 500 });
    const hasty = new SafeService({ url: server.url, chainId: scene.chainId, timeoutMs: 50 });
    const request = { safe: scene.safe, hash: packet.safeTxHash, signer: scene.chain.wallet("keeper") };
    expect((await rejection(hasty.withdraw(request))).message).to.include("no answer in 50 ms");
  });
});
