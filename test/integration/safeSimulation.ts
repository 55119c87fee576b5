import { expect } from "chai";
import { Contract, Interface } from "ethers";
import { safeAbi, safeArtifact } from "../../deploy/devnet/safe.ts";
import { NonceTaken } from "../../src/safe/errors.ts";
import { executeSafeTx } from "../../src/safe/execute.ts";
import { createPacket } from "../../src/safe/packet.ts";
import { SENTINEL } from "../../src/safe/guards.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { SimulationReadFailed, simulateSafeTx } from "../../src/safe/simulate.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import type { SafeTx } from "../../src/safe/transaction.ts";
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
  describe(`Simulating an unsigned proposal of a Safe ${version}`, () => {
    let scene: SafeScene;
    beforeEach(async () => {
      scene = await safeScene(version);
    });

    it("shows the state before and after, and changes nothing", async () => {
      const { safeTx } = transferPacket(scene, 7n);
      const simulation = await simulate(scene, { safeTx, read: balanceOf(scene, "owner3") });
      expect(simulation.ok).to.equal(true);
      if (!simulation.ok || !simulation.read) return expect.fail("nothing was read");
      expect([BigInt(await simulation.read.before()), BigInt(simulation.read.after)]).to.deep.equal([0n, 7n]);
      expect(await scene.token.getFunction("balanceOf")(scene.chain.address("owner3"))).to.equal(0n);
    });

    it("finds what of the Safe itself would change, and nothing for a transfer", async () => {
      const { chain } = scene;
      const own = new Interface(safeAbi(version));
      const [owner] = (await new Contract(scene.safe, own, chain.provider).getFunction("getOwners")()) as [string];
      const stranger = chain.address("attacker");
      const guard = await (await chain.deploy(safeArtifact("1.5.0", ONLY_OWNERS_GUARD), [])).getAddress();
      const writesOf = async (safeTx: SafeTx, more: Partial<Request> = {}): Promise<string[] | null> => {
        const simulation = await simulate(scene, { safeTx, watchSafe: true, ...more });
        return simulation.ok ? simulation.ownWrites : expect.fail(simulation.revert.text);
      };
      expect(await writesOf(transferPacket(scene, 7n).safeTx)).to.deep.equal([]);
      const both = await simulate(scene, {
        safeTx: transferPacket(scene, 7n).safeTx,
        watchSafe: true,
        read: balanceOf(scene, "owner3"),
      });
      expect(both).to.deep.include({ ok: true, ownWrites: [] });
      expect(both.ok && BigInt(both.read!.after)).to.equal(7n);
      const cases: [name: string, args: unknown[], writes: string[]][] = [
        ["changeThreshold", [1n], ["threshold"]],
        ["swapOwner", [SENTINEL, owner, stranger], ["owners"]],
        ["addOwnerWithThreshold", [stranger, 2n], ["owner count", "owners"]],
        ["enableModule", [stranger], ["modules"]],
        ["setFallbackHandler", [guard], ["fallback handler"]],
        ["setGuard", [guard], ["guard"]],
      ];
      for (const [name, args, writes] of cases) {
        const safeTx = plainCall(scene.safe, own.encodeFunctionData(name, args), 0);
        expect(await writesOf(safeTx), name).to.deep.equal(writes);
        expect(await writesOf(safeTx, { ignoreGuard: true }), `${name}, guard left out`).to.deep.equal(writes);
      }
      expect((await simulate(scene, { safeTx: transferPacket(scene, 7n).safeTx })).ok).to.equal(true);
    });

    it("comes close to the gas that the execution takes", async () => {
      const packet = transferPacket(scene, 7n);
      const simulation = await simulate(scene, { safeTx: packet.safeTx });
      const { provider } = scene.chain;
      const first = await signPacket(packet, scene.chain.wallet("owner1"), { provider });
      const ready = await signPacket(first, scene.chain.wallet("owner2"), { provider });
      const { gasUsed } = await executeSafeTx({ provider, signer: scene.chain.wallet("executor"), packet: ready });
      // The execution adds the transaction's 21 000 and its calldata, and recovers signatures instead of reading approvals.
      const difference = gasUsed - simulation.gasUsed;
      expect(difference > 15_000n && difference < 45_000n, `${gasUsed} against ${simulation.gasUsed}`).to.equal(true);
    });

    it("decodes the custom error of the inner call", async () => {
      const simulation = await simulate(scene, { safeTx: revertingPacket(scene).safeTx });
      if (simulation.ok) return expect.fail("the simulation succeeded");
      expect(simulation.revert).to.include({ name: "NotOwner", text: `NotOwner(${scene.safe})` });
      expect(simulation.revert.args).to.deep.equal([scene.safe]);
    });

    it("fails for a call that the Safe would swallow", async () => {
      const { safeTx } = revertingPacket(scene);
      const simulation = await simulate(scene, { safeTx: { ...safeTx, safeTxGas: "100000" } });
      if (simulation.ok) return expect.fail("the simulation succeeded");
      expect(simulation.revert.name).to.equal("NotOwner");
    });

    it("takes a nonce that is not yet next, and refuses one that is used", async () => {
      const later = await simulate(scene, { safeTx: transferPacket(scene, 7n, 5).safeTx });
      expect(later.ok).to.equal(true);
      await execute(scene, transferPacket(scene, 1n));
      const error = await rejection(simulate(scene, { safeTx: transferPacket(scene, 7n, 0).safeTx }));
      expect(error).to.be.instanceOf(NonceTaken);
    });

    it("says so when the question after the execution cannot be answered", async () => {
      const { safeTx } = transferPacket(scene, 7n);
      const data = FEED.encodeFunctionData("getRoundData", [9]);
      const error = await rejection(simulate(scene, { safeTx, read: { to: scene.feedAddress, data } }));
      expect(error).to.be.instanceOf(SimulationReadFailed);
      expect(error.message).to.include("NoDataPresent(9)");
    });

    it("leaves the guard on, shows it the real executor, and leaves it out when told to", async () => {
      const { chain } = scene;
      const [keeper, executor] = [chain.address("keeper"), chain.address("executor")];
      const guard = await chain.deploy(safeArtifact("1.5.0", ONLY_OWNERS_GUARD), []);
      const safe = new Interface(safeAbi(version));
      const setGuard = safe.encodeFunctionData("setGuard", [await guard.getAddress()]);
      const { chainId } = scene;
      await execute(
        scene,
        createPacket({ chainId, safe: scene.safe, safeTx: plainCall(scene.safe, setGuard, 0), plan: {}, evidence: {} }),
      );
      const { safeTx } = transferPacket(scene, 7n, 1);

      const byKeeper = await simulate(scene, { safeTx, executor: keeper });
      if (byKeeper.ok) return expect.fail("the guard let a stranger through");
      expect(byKeeper.revert.text).to.include("msg sender is not allowed to exec");
      expect((await simulate(scene, { safeTx, executor: chain.address("owner2") })).ok).to.equal(true);
      expect((await simulate(scene, { safeTx, executor, ignoreGuard: true })).ok).to.equal(true);

      const code = await chain.provider.getCode(executor);
      expect(code).to.equal("0x");
      expect(await new Contract(scene.safe, safe, chain.provider).getFunction("nonce")()).to.equal(1n);
    });
  });
}

const ONLY_OWNERS_GUARD = "examples/guards/OnlyOwnersGuard.sol/OnlyOwnersGuard";

type Request = Omit<Parameters<typeof simulateSafeTx>[0], "provider" | "safe" | "interfaces">;

function simulate(scene: SafeScene, request: Request) {
  const { provider } = scene.chain;
  return simulateSafeTx({ provider, safe: scene.safe, interfaces: [FEED, TOKEN], ...request });
}

function balanceOf(scene: SafeScene, name: "owner3") {
  return { to: scene.tokenAddress, data: TOKEN.encodeFunctionData("balanceOf", [scene.chain.address(name)]) };
}

async function execute(scene: SafeScene, packet: ReturnType<typeof transferPacket>): Promise<void> {
  const { chain } = scene;
  let ready = packet;
  for (const name of ["owner1", "owner2"] as const) {
    ready = await signPacket(ready, chain.wallet(name), { provider: chain.provider });
  }
  await executeSafeTx({ provider: chain.provider, signer: chain.wallet("executor"), packet: ready });
}
