import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import {
  NotEnoughSignatures,
  ServiceInconsistent,
  ServiceRateLimited,
  ServiceRejected,
  ServiceUnauthorized,
  ServiceUnavailable,
} from "../../src/safe/errors.ts";
import { executeSafeTx } from "../../src/safe/execute.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { SafeService } from "../../src/safe/service.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { SAFE_VERSIONS, rejection, safeScene, transferPacket } from "../helpers/safeScene.ts";
import type { SafeScene } from "../helpers/safeScene.ts";
import { startTransactionService } from "../support/transactionService/server.ts";
import type { TransactionService } from "../support/transactionService/server.ts";

for (const version of SAFE_VERSIONS) {
  describe(`Proposing to a Safe ${version} through its transaction service`, () => {
    let scene: SafeScene;
    let server: TransactionService;
    let service: SafeService;
    beforeEach(async () => {
      scene = await safeScene(version);
      server = await startTransactionService({ provider: scene.chain.provider });
      service = new SafeService({ url: server.url, chainId: scene.chainId });
    });
    afterEach(() => server.close());

    it("a delegate proposes, members confirm, anyone executes", async () => {
      const { chain, safe } = scene;
      const packet = transferPacket(scene, 7n, Number(await service.nextNonce(safe)));
      await makeKeeperDelegate();
      expect(await service.delegates(safe)).to.deep.equal([chain.address("keeper")]);
      expect(await propose(packet)).to.deep.equal({ safeTxHash: packet.safeTxHash, created: true });

      const proposed = await service.transaction(packet.safeTxHash);
      expect(proposed).to.deep.include({
        safeTx: packet.safeTx,
        signatures: [],
        proposer: chain.address("owner1"),
        proposedByDelegate: chain.address("keeper"),
        executed: false,
      });
      const tooEarly = await rejection(execute(packet));
      expect(tooEarly).to.be.instanceOf(NotEnoughSignatures);

      for (const name of ["owner1", "owner3"] as const) await confirm(packet, name);
      expect((await service.pending(safe)).map(({ safeTxHash }) => safeTxHash)).to.deep.equal([packet.safeTxHash]);
      const execution = await execute(packet);
      const done = await service.transaction(packet.safeTxHash);
      const { transactionHash } = execution;
      expect(done).to.deep.include({ executed: true, successful: true, transactionHash });
      expect(await service.pending(safe)).to.deep.equal([]);
      expect(await service.nextNonce(safe)).to.equal(1n);
    });

    it("proposing the same transaction again sends nothing", async () => {
      const packet = transferPacket(scene, 7n);
      await makeKeeperDelegate();
      await propose(packet);
      await confirm(packet, "owner2");
      expect(await propose(packet)).to.deep.equal({ safeTxHash: packet.safeTxHash, created: false });
      expect(posts("/multisig-transactions")).to.equal(1);
      expect(await service.pending(scene.safe)).to.have.length(1);
      expect(await service.signatures(packet.safeTxHash)).to.have.length(1);

      await confirm(packet, "owner1");
      await execute(packet);
      expect((await propose(packet)).created).to.equal(false);
      expect(posts("/multisig-transactions")).to.equal(1);
    });

    it("joins the service's signatures with those in the packet", async () => {
      const { chain } = scene;
      const packet = transferPacket(scene, 7n);
      await makeKeeperDelegate();
      await propose(packet);
      await confirm(packet, "owner2");
      await execute(await signPacket(packet, chain.wallet("owner1"), { provider: chain.provider }));
      expect(await scene.token.getFunction("balanceOf")(chain.address("owner3"))).to.equal(7n);
    });

    it("finds the first free nonce, not the one after the last", async () => {
      const { safe } = scene;
      await makeKeeperDelegate();
      await propose(transferPacket(scene, 1n, 0));
      await propose(transferPacket(scene, 1n, 2));
      expect(await service.nextNonce(safe)).to.equal(1n);
      await propose(transferPacket(scene, 1n, 1));
      expect(await service.nextNonce(safe)).to.equal(3n);
    });

    it("reads all pages of the pending list, by nonce", async () => {
      const { safe } = scene;
      await makeKeeperDelegate();
      const nonces = Array.from({ length: 103 }, (_, index) => 102 - index);
      for (const nonce of nonces) await propose(transferPacket(scene, 1n, nonce));
      const pending = await service.pending(safe);
      expect(pending.map(({ safeTx }) => Number(safeTx.nonce))).to.deep.equal(nonces.toReversed());
    });

    it("refuses who is neither owner nor delegate, a false confirmation and an unknown transaction", async () => {
      const { chain } = scene;
      const packet = transferPacket(scene, 7n);
      const notDelegate = await rejection(propose(packet));
      expect(notDelegate).to.be.instanceOf(ServiceRejected);
      expect(notDelegate.message).to.include("422").and.to.include("is not an owner or delegate");

      const byStranger = service.addDelegate(scene.safe, chain.address("keeper"), chain.wallet("attacker"), "keeper");
      expect((await rejection(byStranger)).message).to.include("is not an owner");

      await makeKeeperDelegate();
      await propose(packet);
      const keeperSignature = chain.wallet("keeper").signingKey.sign(packet.safeTxHash).serialized;
      const notOwner = await rejection(service.confirm(packet.safeTxHash, keeperSignature));
      expect(notOwner).to.be.instanceOf(ServiceRejected);
      expect((notOwner as ServiceRejected).status).to.equal(422);

      const unknown = "0x" + "12".repeat(32);
      expect(await service.transaction(unknown)).to.equal(null);
      expect(await service.signatures(unknown)).to.deep.equal([]);
      expect((await rejection(service.confirm(unknown, keeperSignature))).message).to.include("404");
    });

    it("refuses a nonce that is used, and a second execution's confirmation", async () => {
      const packet = transferPacket(scene, 7n);
      await makeKeeperDelegate();
      await propose(packet);
      for (const name of ["owner1", "owner2"] as const) await confirm(packet, name);
      const late = (await signPacket(packet, scene.chain.wallet("owner3"), { provider: scene.chain.provider }))
        .signatures;
      await execute(packet);
      expect((await rejection(propose(transferPacket(scene, 8n, 0)))).message).to.include("already executed");
      const again = await rejection(service.confirm(packet.safeTxHash, late[0]!.signature));
      expect(again.message).to.include("already executed");
    });

    it("names each way the service can fail", async () => {
      const { chainId } = scene;
      for (const [status, named] of [
        [429, ServiceRateLimited],
        [401, ServiceUnauthorized],
        [503, ServiceUnavailable],
        [418, ServiceRejected],
      ] as const) {
        server.fail({ kind: "status", status });
        expect(await rejection(service.about()), String(status)).to.be.instanceOf(named);
      }
      server.fail(null);
      expect((await service.about()).name).to.include("Safe Transaction Service");
      await server.close();
      expect(await rejection(service.about())).to.be.instanceOf(ServiceUnavailable);

      const silent = createServer(() => undefined);
      await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
      const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/api`;
      const waiting = new SafeService({ url, chainId, timeoutMs: 100 });
      expect((await rejection(waiting.about())).message).to.include("no answer in 100 ms");
      silent.closeAllConnections();
      silent.close();
    });

    it("does not believe a service that answers with another transaction", async () => {
      const asked = transferPacket(scene, 1n).safeTxHash;
      const { safeTx, safeTxHash, safe } = transferPacket(scene, 999n);
      for (const claimed of [asked, safeTxHash]) {
        const liar = createServer((_, response) => {
          response.end(JSON.stringify({ ...safeTx, safe, safeTxHash: claimed, confirmations: [] }));
        });
        await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
        const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}/api`;
        const error = await rejection(new SafeService({ url, chainId: scene.chainId }).transaction(asked));
        expect(error).to.be.instanceOf(ServiceInconsistent);
        liar.closeAllConnections();
        liar.close();
      }
    });

    function makeKeeperDelegate(): Promise<void> {
      const { chain, safe } = scene;
      return service.addDelegate(safe, chain.address("keeper"), chain.wallet("owner1"), "keeper");
    }

    function propose(packet: Packet) {
      return service.propose({ safe: packet.safe, safeTx: packet.safeTx, signer: scene.chain.wallet("keeper") });
    }

    async function confirm(packet: Packet, name: AccountName): Promise<void> {
      const { provider } = scene.chain;
      const owner = scene.chain.address(name);
      const signed = await signPacket(packet, scene.chain.wallet(name), { provider });
      const signature = signed.signatures.find((each) => each.owner === owner)!;
      await service.confirm(packet.safeTxHash, signature.signature);
    }

    function execute(packet: Packet) {
      const { provider } = scene.chain;
      return executeSafeTx({ provider, signer: scene.chain.wallet("executor"), packet, service });
    }

    function posts(path: string): number {
      return server.requests.filter((line) => line.startsWith("POST") && line.replace(/\/$/, "").endsWith(path)).length;
    }
  });
}
