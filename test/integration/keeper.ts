import { mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { BrowserProvider, JsonRpcProvider, Network, keccak256, toUtf8Bytes } from "ethers";
import type { Eip1193Provider } from "ethers";
import { movePool } from "../../deploy/devnet/poolTrader.ts";
import { openRpc } from "../../src/keeper/openRpc.ts";
import { executePacket, reviewAndSign } from "../../src/demo/members.ts";
import { advanceRegime } from "../../src/keeper/advance.ts";
import { CONTRACT_ERRORS } from "../../src/keeper/contractErrors.ts";
import { RpcUnavailable, WrongChain } from "../../src/keeper/observe.ts";
import { FolderUnreadable, approvalsOutlet, fileOutlet, serviceOutlet } from "../../src/keeper/outlets.ts";
import type { Outlet } from "../../src/keeper/outlets.ts";
import { PinFailed } from "../../src/keeper/pin.ts";
import { tick } from "../../src/keeper/tick.ts";
import type { TickOutcome, TickRequest } from "../../src/keeper/tick.ts";
import { canonicalJson } from "../../src/plan/canonicalJson.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { approveHashCall } from "../../src/safe/approvals.ts";
import { executeSafeTx } from "../../src/safe/execute.ts";
import { createPacket, packetText } from "../../src/safe/packet.ts";
import { readPacket, writePacket } from "../../src/safe/packetFile.ts";
import { SafeService } from "../../src/safe/service.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { rejection } from "../helpers/safeScene.ts";
import {
  closeNextSession,
  execute,
  marketAt,
  midPrice,
  newRounds,
  planNow,
  vaultScene,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";
import { startTransactionService } from "../support/transactionService/server.ts";

describe("Keeper", () => {
  let scene: VaultScene;
  let folder: string;
  const run = (request: Partial<TickRequest> = {}): Promise<TickOutcome> =>
    tick({ provider: scene.chain.provider, deployment: scene.deployment, outlet: fileOutlet(folder), ...request });

  before(async () => {
    scene = await vaultScene();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-keeper-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
    await scene.reset();
  });

  describe("proposes", () => {
    it("proposes nothing when it cannot see what is already out", async () => {
      const file = join(folder, "a-file");
      await writeFile(file, "");
      const error = await fileOutlet(file)
        .found(scene.safe)
        .then(
          () => null,
          (thrown: unknown) => thrown,
        );
      expect(error).to.be.instanceOf(FolderUnreadable);
      expect(await fileOutlet(join(folder, "not-there-yet")).found(scene.safe)).to.deep.equal([]);
    });

    it("once a slot: a second tick adds nothing and changes no byte", async () => {
      const first = await run();
      expect(first.code, first.sentence).to.equal("PROPOSED");
      expect(first.where.map((path) => path.split(".").slice(1).join("."))).to.deep.equal([
        "packet.json",
        "transaction-builder.json",
      ]);
      const written = await contents();

      const second = await run();
      expect(second.code).to.equal("ALREADY_PROPOSED");
      expect(second.where).to.deep.equal([first.where[0]]);
      await newRounds(scene, 2_830);
      expect((await run()).code, "later in the slot").to.equal("ALREADY_PROPOSED");
      expect(await contents()).to.deep.equal(written);
    });

    it("reads a packet of its folder once, and again when its file changes", async () => {
      const outlet = fileOutlet(folder);
      const [path = ""] = (await run({ outlet })).where;
      const found = await outlet.found(scene.safe);
      const { atime, mtime } = await stat(path);
      const text = await readFile(path, "utf8");
      await utimes(path, atime, new Date(1_000_000));
      expect(await outlet.found(scene.safe)).to.deep.equal(found);
      await writeFile(path, " ".repeat(text.length));
      await utimes(path, atime, new Date(1_000_000));
      expect(await outlet.found(scene.safe), "not read again").to.deep.equal(found);
      await utimes(path, atime, mtime);
      expect(await rejection(outlet.found(scene.safe))).to.have.property("name", "PacketError");
    });

    it("the same bytes from the same block, whoever asks, also at the same time", async () => {
      const outcomes = await Promise.all([run(), run(), run({ dryRun: true })]);
      const packets = outcomes.map(({ packet }) => packet).filter((packet) => packet !== null);
      expect(packets.length > 0).to.equal(true);
      expect(new Set(packets.map(packetText)).size).to.equal(1);
      expect(await readdir(folder)).to.have.length(3);
    });

    it("its evidence beside the packet, under its own hash, with exactly the bytes that hash to it", async () => {
      const stored = new Map<string, string>();
      const pin = { pin: async (hash: string, text: string) => (stored.set(hash, text), `memory:${hash}`) };
      const { packet, where } = await run({ outlet: fileOutlet(folder, pin) });
      const { evidence, evidenceHash } = packet!;
      const text = await readFile(join(folder, `${evidenceHash}.evidence.json`), "utf8");
      expect(text).to.equal(canonicalJson(evidence));
      expect(keccak256(toUtf8Bytes(text)))
        .to.equal(evidenceHash)
        .and.to.equal((packet!.plan as Plan).evidence);
      expect([...stored]).to.deep.equal([[evidenceHash, text]]);
      expect(where.at(-1)).to.equal(`memory:${evidenceHash}`);
    });

    it("nothing when the store does not take the evidence: a proposal nobody can check must not appear", async () => {
      const pin = { pin: () => Promise.reject(new PinFailed("memory", "full")) };
      expect(await rejection(run({ outlet: fileOutlet(folder, pin) }))).to.be.instanceOf(PinFailed);
      expect((await readdir(folder)).filter((name) => !name.endsWith(".evidence.json"))).to.deep.equal([]);
      expect((await run()).code).to.equal("PROPOSED");
    });

    it("nothing in a dry run, but shows what it would", async () => {
      const outcome = await run({ dryRun: true });
      expect(outcome.code).to.equal("DRY_RUN");
      expect(outcome.packet).to.not.equal(null);
      expect(outcome.after!.measures.liquidityBps > 0n).to.equal(true);
      expect(outcome.before!.measures.liquidityBps).to.equal(0n);
      expect(await readdir(folder)).to.deep.equal([]);
    });

    it("exactly what its simulation showed", async () => {
      const outcome = await run();
      await execute(scene, outcome.packet!.plan as Plan);
      const { measures, navMid, cash } = await scene.contracts.lens.snapshot();
      const { after } = outcome;
      expect([...after!.measures, after!.navMid, after!.cash]).to.deep.equal([...measures, navMid, cash]);
    });

    it("nothing when all is inside the band, and says so", async () => {
      await execute(scene, (await run()).packet!.plan as Plan);
      const outcome = await run();
      expect(outcome.code).to.equal("INSIDE_BAND");
      expect(outcome.sentence).to.include("within");
    });

    it("nothing more in a slot whose plan was executed, whatever the market does", async () => {
      await execute(scene, await planNow(scene));
      await marketAt(scene, 2_250);
      expect((await run()).code).to.equal("ALREADY_EXECUTED");
      expect(await readdir(folder)).to.deep.equal([]);
    });

    it("nothing beside an open proposal that still holds; a broken one is replaced at its own nonce", async () => {
      const first = await run();
      await closeNextSession(scene, 13, 15);
      await newRounds(scene, 2_860);
      const next = await run();
      expect([next.code, next.where]).to.deep.equal(["PROPOSAL_OPEN", [first.where[0]]]);

      await closeNextSession(scene, 13, 15);
      await marketAt(scene, 2_600);
      const replacement = await run();
      expect(replacement.code, replacement.sentence).to.equal("PROPOSED");
      expect(replacement.packet!.safeTx.nonce).to.equal(first.packet!.safeTx.nonce);
      expect(replacement.packet!.safeTxHash).to.not.equal(first.packet!.safeTxHash);
      await execute(scene, replacement.packet!.plan as Plan);
    });

    it("beside packets of the Safe that are no plans", async () => {
      const { deployment, safe } = scene;
      const safeTx = plainCall(deployment.vault, "0x12345678", 0);
      const other = createPacket({ chainId: deployment.chainId, safe, safeTx, plan: {}, evidence: {} });
      await writePacket(join(folder, "other.packet.json"), other);
      expect((await run()).code).to.equal("PROPOSED");
      expect((await run()).code).to.equal("ALREADY_PROPOSED");
    });
  });

  describe("holds, and says why,", () => {
    it("when a feed is stale or answers nonsense", async () => {
      await scene.chain.warpTo((await scene.chain.now()) + 27 * 3_600);
      const stale = await run();
      expect(stale.code).to.equal("FEEDS_UNUSABLE");
      expect(stale.sentence).to.include("StaleFeed");
      await newRounds(scene, 0);
      expect((await run()).sentence).to.include("InvalidAnswer");
    });

    it("when a session is missing", async () => {
      await scene.chain.warpTo(Number(await scene.contracts.regime.staleAfter()) + 1);
      await newRounds(scene, 2_812);
      expect((await run()).code).to.equal("REGIME_UNKNOWN");
    });

    it("when the Safe's execution would fail", async () => {
      await movePool(scene.chain, scene.market.trader, ((await midPrice(scene)) * 105n) / 100n);
      const outcome = await run();
      expect(outcome.code).to.equal("SIMULATION_FAILED");
      expect(outcome.sentence).to.include("PoolPriceOutsideGate");
      expect(await readdir(folder)).to.deep.equal([]);
    });
  });

  describe("fails by name", () => {
    it("when nobody answers at the URL", async () => {
      const error = await rejection(openRpc("http://127.0.0.1:1"));
      expect(error).to.be.instanceOf(RpcUnavailable);
      expect(error.message).to.include("127.0.0.1:1");
      const dead = new JsonRpcProvider("http://127.0.0.1:1");
      expect(await rejection(run({ provider: dead }))).to.be.instanceOf(RpcUnavailable);
      dead.destroy();
    });

    it("when the node dies half-way, at whichever request, and proposes nothing", async () => {
      const network = Network.from(31_337);
      let requests = 0;
      await run({ provider: behind(() => (requests++, null), network), dryRun: true });
      expect(requests > 30).to.equal(true);
      for (let last = 0; last < requests; last++) {
        let answered = 0;
        const provider = behind(() => {
          if (answered++ >= last) throw new ConnectionLost();
          return null;
        }, network);
        const error = await rejection(run({ provider }));
        expect(error, `after ${last} of ${requests} answers: ${error.message}`).to.be.instanceOf(RpcUnavailable);
        expect(await readdir(folder)).to.deep.equal([]);
      }
      expect((await run()).code, "and is whole again").to.equal("PROPOSED");
    });

    it("when the RPC serves another chain, with or without anything at these addresses", async () => {
      const elsewhere = { ...scene.deployment, chainId: "10" };
      expect(await rejection(run({ deployment: elsewhere }))).to.be.instanceOf(WrongChain);
      const mainnet = behind(({ method }) =>
        method === "eth_chainId" ? "0x1" : method === "eth_call" || method === "eth_getCode" ? "0x" : null,
      );
      const error = await rejection(run({ provider: mainnet }));
      expect(error).to.be.instanceOf(WrongChain);
      expect(error.message).to.include("chain 1").and.to.include("31337");
    });
  });

  describe("keeps the regime up to date", () => {
    it("takes in every session that is over, in order, once", async () => {
      const { chain, contracts, deployment } = scene;
      const keeper = await chain.signer("keeper");
      const advance = () => advanceRegime(chain.provider, deployment.regimeOracle, keeper);
      expect(await advance(), "not over yet").to.deep.equal([]);
      const first = Number(await contracts.regime.nextSessionDay());
      for (const [day, vix] of [
        [first, 17],
        [first + 1, 30],
      ] as const) {
        await chain.warpTo(day * 86_400 + 76_500);
        for (const [feed, value] of [
          [scene.world.feeds.vix, vix],
          [scene.world.feeds.vix3m, vix + 1],
        ] as const) {
          await chain.send("market", await feed.getFunction("push").populateTransaction(BigInt(value) * 10n ** 8n));
        }
      }
      await chain.warpTo((first + 2) * 86_400);
      expect(await advance()).to.deep.equal([first, first + 1]);
      expect(await contracts.regime.regime(), "Stress").to.equal(2n);
      expect(await advance()).to.deep.equal([]);
      await chain.warpTo((first + 3) * 86_400);
      expect(await advance(), "no close on the feeds").to.deep.equal([]);
    });
  });

  describe("reaches the members in three ways, with the same transaction:", () => {
    let expected: string;
    beforeEach(async () => {
      await newRounds(scene, 2_812);
      expected = canonicalJson((await run({ dryRun: true })).packet!.safeTx);
    });

    it("a file that they sign and anyone executes", async () => {
      const outcome = await propose(fileOutlet(folder));
      const { chain, deployment } = scene;
      const members = [chain.wallet("owner1"), chain.wallet("owner3")];
      const review = await reviewAndSign(chain.provider, deployment, outcome.where[0]!, members);
      expect(review.verdict.ok, review.verdict.cause?.detail).to.equal(true);
      await executePacket(chain.provider, outcome.where[0]!, await chain.signer("executor"), outcome.gasUsed);
      await expectExecuted(outcome);
    });

    it("the Safe transaction service, with the keeper as a delegate", async () => {
      const { chain, safe } = scene;
      const { provider } = chain;
      const server = await startTransactionService({ provider });
      try {
        const service = new SafeService({ url: server.url, chainId: scene.deployment.chainId });
        await service.addDelegate(safe, chain.address("keeper"), chain.wallet("owner1"), "keeper");
        const outlet = serviceOutlet(service, chain.wallet("keeper"), folder);
        const outcome = await propose(outlet);
        expect((await service.pending(safe)).map(({ safeTxHash }) => safeTxHash)).to.deep.equal([
          outcome.packet!.safeTxHash,
        ]);
        expect((await run({ outlet })).code).to.equal("ALREADY_PROPOSED");

        // The evidence is in the file, the transaction in both.
        let packet = await readPacket(outcome.where[0]!);
        for (const owner of ["owner2", "owner3"] as const) {
          packet = await signPacket(await readPacket(outcome.where[0]!), chain.wallet(owner), { provider });
          await service.confirm(packet.safeTxHash, packet.signatures[0]!.signature);
        }
        await executeSafeTx({
          provider,
          signer: await chain.signer("executor"),
          packet: outcome.packet!,
          interfaces: CONTRACT_ERRORS,
          service,
        });
        await expectExecuted(outcome);
        expect(await service.pending(safe)).to.deep.equal([]);
      } finally {
        await server.close();
      }
    });

    it("approvals on chain, a keeper who is an owner approving at once", async () => {
      const { chain, safe } = scene;
      const outcome = await propose(approvalsOutlet(await chain.signer("owner2"), folder));
      expect(outcome.where[2]).to.include("approved on chain");
      const { safeTxHash } = outcome.packet!;
      await chain.send("owner3", approveHashCall(safe, safeTxHash));
      await executePacket(chain.provider, outcome.where[0]!, await chain.signer("executor"), outcome.gasUsed);
      await expectExecuted(outcome);
    });

    it("approvals on chain, by a keeper who is none", async () => {
      const outcome = await propose(approvalsOutlet(await scene.chain.signer("keeper"), folder));
      expect(outcome.where).to.have.length(2);
    });

    async function propose(outlet: Outlet): Promise<TickOutcome> {
      const outcome = await run({ outlet });
      expect(outcome.code, outcome.sentence).to.equal("PROPOSED");
      expect(canonicalJson(outcome.packet!.safeTx)).to.equal(expected);
      expect(packetText(await readPacket(outcome.where[0]!))).to.equal(packetText(outcome.packet!));
      return outcome;
    }

    async function expectExecuted({ packet }: TickOutcome): Promise<void> {
      expect(await scene.contracts.rebalancer.used((packet!.plan as Plan).nonce)).to.equal(true);
      expect((await run()).code).to.equal("INSIDE_BAND");
    }
  });

  async function contents(): Promise<Record<string, string>> {
    const names = (await readdir(folder)).sort();
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    return Object.fromEntries(names.map((name, i) => [name, texts[i]!]));
  }

  /** The chain behind a node of one's own making: null lets a request through. The chain id is asked for once, or known. */
  function behind(answer: (request: { method: string }) => unknown, network?: Network): BrowserProvider {
    const { eip1193 } = scene.chain;
    const node: Eip1193Provider = {
      async request(request) {
        return answer(request) ?? ((await eip1193.request(request)) as unknown);
      },
    };
    return new BrowserProvider(node, network, { cacheTimeout: -1, staticNetwork: network ?? null });
  }
});

class ConnectionLost extends Error {
  constructor() {
    super("connection lost: the test cuts it here");
    this.name = "ConnectionLost";
  }
}
