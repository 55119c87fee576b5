import { expect } from "chai";
import { AbstractSigner } from "ethers";
import type { Signer, TransactionRequest, TransactionResponse } from "ethers";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { approveHashCall, readApprovals } from "../../src/safe/approvals.ts";
import {
  NonceAhead,
  NonceTaken,
  NotAnOwner,
  NotEnoughSignatures,
  SafeExecutionFailed,
  SafeReverted,
  WrongChain,
} from "../../src/safe/errors.ts";
import { executeSafeTx, findExecution } from "../../src/safe/execute.ts";
import { createPacket, withSignatures } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { approvedHashSignature, recoverSignature } from "../../src/safe/signatures.ts";
import type { SafeSignature } from "../../src/safe/signatures.ts";
import {
  FEED,
  SAFE_VERSIONS,
  TOKEN,
  rejection,
  revertingPacket,
  safeScene,
  transferPacket,
} from "../helpers/safeScene.ts";
import type { SafeScene } from "../helpers/safeScene.ts";

for (const version of SAFE_VERSIONS) {
  describe(`Executing through a Safe ${version}`, () => {
    let scene: SafeScene;
    beforeEach(async () => {
      scene = await safeScene(version);
    });

    it("two owners sign, somebody else executes", async () => {
      const packet = await signed(scene, transferPacket(scene, 7n), "owner3", "owner1");
      const execution = await execute(scene, packet);
      expect(execution.signers).to.have.members([scene.chain.address("owner1"), scene.chain.address("owner3")]);
      expect(execution.gasUsed > 50_000n && execution.gasUsed < 150_000n, `${execution.gasUsed} gas`).to.equal(true);
      expect(await balance(scene, "owner3")).to.equal(7n);
      expect(await findExecution(scene.chain.provider, scene.safe, packet.safeTxHash, 0)).to.deep.equal({
        success: true,
        transactionHash: execution.transactionHash,
        blockNumber: execution.blockNumber,
      });
    });

    it("takes the signature of a wallet that answers v as 0 or 1", async () => {
      const plain = new Set<string>();
      const owner = scene.chain.wallet("owner1");
      const sign = owner.signTypedData.bind(owner);
      owner.signTypedData = async (...parts) => {
        const signature = await sign(...parts);
        const v = signature.endsWith("1b") ? "00" : "01";
        plain.add(v);
        return signature.slice(0, -2) + v;
      };
      try {
        for (let amount = 1n; plain.size < 2; amount++) {
          const packet = await signPacket(transferPacket(scene, amount), owner, { provider: scene.chain.provider });
          expect(packet.signatures.map(({ owner: one, kind }) => [one, kind])).to.deep.equal([
            [owner.address, "eip712"],
          ]);
          expect(packet.signatures[0]!.signature.slice(-2)).to.be.oneOf(["1b", "1c"]);
        }
      } finally {
        owner.signTypedData = sign;
      }
    });

    it("takes approvals on chain, alone and beside signatures", async () => {
      const { chain, safe } = scene;
      const packet = transferPacket(scene, 1n);
      await approve(scene, packet, "owner2");
      await approve(scene, packet, "owner1");
      const owners = (["owner1", "owner2", "owner3"] as const).map((name) => chain.address(name));
      const approvals = await readApprovals(chain.provider, safe, owners, packet.safeTxHash);
      expect(approvals.map(({ owner }) => owner)).to.deep.equal(owners.slice(0, 2));
      await execute(scene, packet);

      const second = await signed(scene, transferPacket(scene, 2n, 1), "owner3");
      await approve(scene, second, "owner1");
      await execute(scene, second);
      expect(await balance(scene, "owner3")).to.equal(3n);
    });

    it("takes a hash signed as a personal message", async () => {
      const packet = await signed(scene, transferPacket(scene, 1n), "owner1");
      const flat = await scene.chain.wallet("owner2").signMessage(Buffer.from(packet.safeTxHash.slice(2), "hex"));
      const v = (Number.parseInt(flat.slice(-2), 16) + 4).toString(16);
      const signature = recoverSignature(packet.safeTxHash, flat.slice(0, -2) + v);
      expect(signature.owner).to.equal(scene.chain.address("owner2"));
      await execute(scene, withSignatures(packet, [signature]));
      expect(await balance(scene, "owner3")).to.equal(1n);
    });

    it("names who is missing, and leaves out approvals that are not on chain", async () => {
      const { chain } = scene;
      const packet = await signed(scene, transferPacket(scene, 1n), "owner1");
      const claimed = withSignatures(packet, [approvedHashSignature(chain.address("owner2"))]);
      const error = await rejection(execute(scene, claimed));
      expect(error).to.be.instanceOf(NotEnoughSignatures);
      const { missing, ignored } = error as NotEnoughSignatures;
      expect(missing).to.deep.equal([chain.address("owner2"), chain.address("owner3")]);
      expect(ignored).to.deep.equal([{ owner: chain.address("owner2"), reason: "its approval is not on chain" }]);
    });

    it("lets only owners sign, and does not count who is no owner", async () => {
      const { chain } = scene;
      const packet = await signed(scene, transferPacket(scene, 1n), "owner1");
      expect(await rejection(signed(scene, packet, "attacker"))).to.be.instanceOf(NotAnOwner);
      const stranger = strangersSignature(scene, packet);
      expect(stranger.owner).to.equal(chain.address("attacker"));
      const error = await rejection(execute(scene, withSignatures(packet, [stranger])));
      expect(error).to.be.instanceOf(NotEnoughSignatures);
      expect((error as NotEnoughSignatures).ignored).to.deep.equal([
        { owner: chain.address("attacker"), reason: "not an owner now" },
      ]);
    });

    it("refuses to execute a packet twice, or out of turn", async () => {
      const packet = await signed(scene, transferPacket(scene, 1n), "owner1", "owner2");
      const later = await signed(scene, transferPacket(scene, 1n, 2), "owner1", "owner2");
      await execute(scene, packet);
      expect(await rejection(execute(scene, packet))).to.be.instanceOf(NonceTaken);
      expect(await rejection(signed(scene, transferPacket(scene, 9n), "owner1"))).to.be.instanceOf(NonceTaken);
      expect(await rejection(execute(scene, later))).to.be.instanceOf(NonceAhead);
      expect(await balance(scene, "owner3")).to.equal(1n);
    });

    it("refuses a packet for another chain", async () => {
      const { safe } = scene;
      const { safeTx, plan, evidence } = transferPacket(scene, 1n);
      const foreign = createPacket({ chainId: 10, safe, safeTx, plan, evidence });
      expect(await rejection(signed(scene, foreign, "owner1"))).to.be.instanceOf(WrongChain);
      expect(await rejection(execute(scene, foreign))).to.be.instanceOf(WrongChain);
    });

    it("sends nothing when the inner call would revert, and says why", async () => {
      const packet = await signed(scene, revertingPacket(scene), "owner1", "owner2");
      const block = await scene.chain.provider.getBlockNumber();
      const error = await rejection(execute(scene, packet));
      expect(error).to.be.instanceOf(SafeReverted);
      expect((error as SafeReverted).revert).to.include({ name: "NotOwner", text: `NotOwner(${scene.safe})` });
      expect(await scene.chain.provider.getBlockNumber()).to.equal(block);
    });

    it("sends nothing either when the Safe would swallow the inner failure", async () => {
      const packet = await signed(scene, withGas(revertingPacket(scene)), "owner1", "owner2");
      const block = await scene.chain.provider.getBlockNumber();
      const error = await rejection(execute(scene, packet));
      expect((error as SafeReverted).revert.name).to.equal("NotOwner");
      expect(await scene.chain.provider.getBlockNumber()).to.equal(block);
    });

    it("executes from a node's unlocked account too", async () => {
      const packet = await signed(scene, transferPacket(scene, 7n), "owner1", "owner2");
      const { provider } = scene.chain;
      await executeSafeTx({ provider, signer: await scene.chain.signer("executor"), packet });
      expect(await balance(scene, "owner3")).to.equal(7n);
    });

    it("tells a mined failure from success when the state moves in between", async () => {
      const packet = await signed(scene, withGas(transferPacket(scene, 1000n)), "owner1", "owner2");
      const { chain, safe, tokenAddress } = scene;
      const moving = new ActsFirst(chain.wallet("executor"), async () => {
        await chain.request("hardhat_impersonateAccount", [safe]);
        await chain.request("hardhat_setBalance", [safe, "0x56bc75e2d63100000"]);
        const data = TOKEN.encodeFunctionData("transfer", [chain.address("market"), 1n]);
        await chain.send({ address: safe }, { to: tokenAddress, data });
      });
      const error = await rejection(executeSafeTx({ provider: chain.provider, signer: moving, packet }));
      expect(error).to.be.instanceOf(SafeExecutionFailed);
      expect((await findExecution(chain.provider, safe, packet.safeTxHash, 0))?.success).to.equal(false);
      expect(await rejection(execute(scene, packet))).to.be.instanceOf(NonceTaken);
    });
  });
}

/** A signer before whose every transaction something else happens. */
class ActsFirst extends AbstractSigner {
  readonly #inner: Signer;
  readonly #before: () => Promise<void>;

  constructor(inner: Signer, before: () => Promise<void>) {
    super(inner.provider);
    this.#inner = inner;
    this.#before = before;
  }

  override connect(): Signer {
    return this;
  }

  override getAddress(): Promise<string> {
    return this.#inner.getAddress();
  }

  override async sendTransaction(request: TransactionRequest): Promise<TransactionResponse> {
    await this.#before();
    return this.#inner.sendTransaction(request);
  }

  override signTransaction(request: TransactionRequest): Promise<string> {
    return this.#inner.signTransaction(request);
  }

  override signMessage(message: string | Uint8Array): Promise<string> {
    return this.#inner.signMessage(message);
  }

  override signTypedData(...typed: Parameters<Signer["signTypedData"]>): Promise<string> {
    return this.#inner.signTypedData(...typed);
  }
}

async function signed(scene: SafeScene, packet: Packet, ...names: AccountName[]): Promise<Packet> {
  let result = packet;
  for (const name of names) {
    result = await signPacket(result, scene.chain.wallet(name), { provider: scene.chain.provider });
  }
  return result;
}

function strangersSignature(scene: SafeScene, packet: Packet): SafeSignature {
  const wallet = scene.chain.wallet("attacker");
  return recoverSignature(packet.safeTxHash, wallet.signingKey.sign(packet.safeTxHash).serialized);
}

function execute(scene: SafeScene, packet: Packet) {
  const { provider } = scene.chain;
  return executeSafeTx({ provider, signer: scene.chain.wallet("executor"), packet, interfaces: [FEED, TOKEN] });
}

async function approve(scene: SafeScene, packet: Packet, name: AccountName): Promise<void> {
  await scene.chain.send(name, approveHashCall(packet.safe, packet.safeTxHash));
}

function withGas(packet: Packet): Packet {
  return createPacket({ ...packet, safeTx: { ...packet.safeTx, safeTxGas: "200000" } });
}

function balance(scene: SafeScene, name: AccountName): Promise<bigint> {
  return scene.token.getFunction("balanceOf")(scene.chain.address(name)) as Promise<bigint>;
}
