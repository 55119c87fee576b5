import { expect } from "chai";
import { Transaction, keccak256, parseUnits } from "ethers";
import { openEndpoints, ChainStandsStill, ClockBehind, RpcsDisagree } from "../../src/keeper/endpoints.ts";
import type { EndpointEvent, Endpoints, EndpointsOptions } from "../../src/keeper/endpoints.ts";
import { NoAnswer, callRpc, judge } from "../../src/keeper/jsonRpc.ts";
import { RpcUnavailable, VenueUnreadable, WrongChain, newObservationCache, observe } from "../../src/keeper/observe.ts";
import { observeAgreed } from "../../src/keeper/observeAgreed.ts";
import type { AgreedCache } from "../../src/keeper/observeAgreed.ts";
import { canonicalJson } from "../../src/plan/canonicalJson.ts";
import { isContractsAnswer, revertDataOf } from "../../src/safe/revert.ts";
import { VaultLens__factory } from "../../typechain-types/index.js";
import { rejection } from "../helpers/safeScene.ts";
import { closeNextSession, newRounds, vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";
import { startRpcProxy } from "../support/rpcProxy.ts";
import type { RpcProxy } from "../support/rpcProxy.ts";

const KEY = "/v2/s3cr3t-api-key";

describe("Endpoints", () => {
  let scene: VaultScene;
  let proxies: RpcProxy[];
  let events: EndpointEvent[];
  /** Seconds since 1970-01-01 UTC. */
  let clock: number;
  const opened: Endpoints[] = [];
  const open = (count: number, options: Partial<EndpointsOptions> = {}): Endpoints => {
    const endpoints = openEndpoints({
      urls: proxies.slice(0, count).map(({ url }) => url),
      chainId: 31_337,
      quorum: 1,
      confirmations: 0,
      maxBlockAgeSeconds: 300,
      timeoutMs: 2_000,
      now: () => clock * 1000,
      onEvent: (event) => events.push(event),
      ...options,
    });
    opened.push(endpoints);
    return endpoints;
  };
  const asked = (index: number): number => proxies[index]!.requests.length;
  const kinds = (): string[] => events.map(({ kind, index }) => `${kind} ${index}`);
  const mine = async (blocks: number): Promise<void> => {
    for (let i = 0; i < blocks; i++) await scene.chain.request("evm_mine");
    clock = await scene.chain.now();
  };

  before(async () => {
    scene = await vaultScene();
    await mine(60);
    await scene.keep();
    const request = ({ method, params }: { method: string; params?: unknown[] }) =>
      scene.chain.request(method, params ?? []);
    proxies = await Promise.all(Array.from({ length: 4 }, () => startRpcProxy({ request, path: KEY })));
  });
  beforeEach(async () => {
    events = [];
    clock = await scene.chain.now();
  });
  afterEach(async () => {
    for (const endpoints of opened.splice(0)) endpoints.destroy();
    for (const proxy of proxies) {
      proxy.fail(null);
      proxy.requests.length = 0;
    }
    await scene.reset();
  });
  after(() => Promise.all(proxies.map((proxy) => proxy.close())));

  describe("fails over", () => {
    for (const [name, fault, reason] of [
      ["a cut connection", { mode: "refuse" }, "connection failed"],
      ["no answer in time", { mode: "timeout" }, "no answer within 80 ms"],
      ["429", { mode: "status", status: 429 }, "HTTP 429"],
      ["500", { mode: "status", status: 500 }, "HTTP 500"],
      ["403", { mode: "status", status: 403 }, "HTTP 403"],
      ["a redirect", { mode: "status", status: 302 }, "another URL"],
      ["no JSON", { mode: "garbage" }, "not JSON"],
    ] as const) {
      it(`on ${name}, and lets the URL rest, then come back`, async () => {
        const endpoints = open(2, { timeoutMs: 80 });
        proxies[0]!.fail(fault);
        expect(await endpoints.provider.getBlockNumber()).to.equal(await scene.chain.provider.getBlockNumber());
        expect(endpoints.health()[0]).to.deep.include({ state: "resting", failures: 1, until: clock * 1000 + 1_000 });
        expect(endpoints.health()[0]!.reason).to.include(reason);
        await endpoints.provider.getBlockNumber();
        expect([asked(0), asked(1)], "rests").to.deep.equal([1, 2]);

        clock += 1;
        await endpoints.provider.getBlockNumber();
        expect([asked(0), asked(1)], "asked again").to.deep.equal([2, 3]);
        expect(endpoints.health()[0]).to.deep.include({ failures: 2, until: clock * 1000 + 2_000 });
        proxies[0]!.fail(null);
        clock += 2;
        await endpoints.provider.getBlockNumber();
        expect([asked(0), asked(1)], "back").to.deep.equal([3, 3]);
        expect(endpoints.health()[0]).to.deep.include({ state: "ok", failures: 0, until: null, reason: null });
        expect(kinds()).to.deep.equal(["failed 0", "failed 0", "recovered 0"]);
        expect(endpoints.roundTrips).to.equal(6);
      });
    }

    it("from a port where nobody listens; with none left it names each host and reason, and never a key", async () => {
      const free = await startRpcProxy({ request: async () => null, path: KEY });
      await free.close();
      proxies[0]!.fail({ mode: "status", status: 503 });
      const endpoints = open(1, { urls: [free.url, proxies[0]!.url.replace("//", "//user:s3cr3t-word@")] });
      const error = await rejection(endpoints.provider.getBlockNumber());
      expect(error).to.be.instanceOf(RpcUnavailable);
      const [dead, broken] = [free, proxies[0]!].map(({ url }) => new URL(url).host);
      expect(error.message)
        .to.include(`${dead}: the connection failed (ECONNREFUSED)`)
        .and.include(`${broken}: HTTP 503`);
      expect(JSON.stringify([error.message, error.stack, endpoints.health(), events])).to.not.match(/s3cr3t/);

      proxies[0]!.fail(null);
      expect(await endpoints.provider.getBlockNumber(), "what rests is asked when nothing else is left").to.be.a(
        "number",
      );
    });

    it("sends user and password of a URL as a header", async () => {
      const endpoints = open(1, { urls: [proxies[0]!.url.replace("//", "//user:word@")] });
      expect(await endpoints.provider.getBlockNumber()).to.be.a("number");
      expect(proxies[0]!.headers.at(-1)!.authorization).to.equal(`Basic ${btoa("user:word")}`);
    });

    it("keeps to Retry-After, and waits for it when there is nobody else", async () => {
      proxies[0]!.fail({ mode: "status", status: 429, retryAfter: "30", times: 1 });
      const two = open(2);
      await two.provider.getBlockNumber();
      expect(two.health()[0]!.until).to.equal((clock + 30) * 1000);
      clock += 29;
      await two.provider.getBlockNumber();
      expect(asked(0)).to.equal(1);

      const one = open(1, { timeoutMs: 1_500 });
      proxies[0]!.fail({ mode: "status", status: 429, retryAfter: "1", times: 1 });
      const start = performance.now();
      await one.provider.getBlockNumber();
      expect(performance.now() - start).to.be.within(950, 3_000);
      proxies[0]!.fail({ mode: "status", status: 429, retryAfter: "86400" });
      expect((await rejection(one.provider.getBlockNumber())).message).to.include("HTTP 429");
      expect(one.health()[0]!.until, "within reason").to.equal((clock + 300) * 1000);
    });

    it("not from a revert, whichever code the node gives it", async () => {
      const lens = VaultLens__factory.connect(scene.deployment.vault, open(2).provider);
      const error = await rejection(lens.snapshot());
      expect(revertDataOf(error)).to.equal("0x");
      const endpoints = open(2);
      for (const fault of [
        { code: 3, message: "execution reverted: header not found", data: "0x12345678" },
        { code: -32_603, message: "VM Exception", data: { data: "0x12345678" } },
        { code: -32_000, message: "execution reverted" },
        { code: -32_015, message: "VM execution error.", data: "Reverted 0x12345678" },
        { code: -32_000, message: "insufficient funds for transfer" },
      ]) {
        proxies[0]!.fail({ mode: "error", methods: ["eth_call"], ...fault });
        const refused = await rejection(endpoints.provider.call({ to: scene.safe, data: "0x" }));
        expect(refused).to.not.be.instanceOf(RpcUnavailable);
        const isOfContract = !fault.message.startsWith("insufficient");
        expect(isContractsAnswer(refused), fault.message).to.equal(isOfContract);
        expect(asked(1), fault.message).to.equal(0);
      }
    });

    it("call by call where a node cannot do one of a batch", async () => {
      const endpoints = open(2);
      for (const fault of [
        { code: -32_601, message: "the method eth_getBalance does not exist" },
        { code: -32_000, message: "header not found" },
        { code: -32_000, message: "missing trie node 1f2e (path )" },
        { code: -32_603, message: "Internal error" },
        { code: -32_005, message: "daily request count exceeded" },
      ]) {
        proxies[0]!.fail({ mode: "error", methods: ["eth_getBalance"], ...fault });
        proxies.forEach(({ requests }) => (requests.length = 0));
        const { provider } = endpoints;
        clock += 2;
        const [number, balance] = await Promise.all([provider.getBlockNumber(), provider.getBalance(scene.safe)]);
        expect([number > 0, balance]).to.deep.equal([true, 0n]);
        expect(proxies[0]!.requests[0]).to.include.members(["eth_blockNumber", "eth_getBalance"]);
        expect(proxies[1]!.requests[0]!.filter((method) => method !== "eth_chainId")).to.deep.equal(["eth_getBalance"]);
      }
      proxies[1]!.fail({ mode: "error", code: -32_000, message: "header not found", methods: ["eth_getBalance"] });
      const { provider } = endpoints;
      const both = await Promise.allSettled([provider.getBlockNumber(), provider.getBalance(scene.safe)]);
      expect(both[0].status).to.equal("fulfilled");
      expect((both[1] as PromiseRejectedResult).reason).to.be.instanceOf(RpcUnavailable);
    });

    it("tells state that no node has from nodes that are broken", async () => {
      const { provider } = open(1);
      const call = () => rejection(provider.call({ to: scene.deployment.lens, data: "0x" }));
      proxies[0]!.fail({ mode: "error", code: -32_000, message: "missing trie node", methods: ["eth_call"] });
      expect(await call()).to.deep.include({ name: "RpcUnavailable", answered: true });
      proxies[0]!.fail({ mode: "error", code: -32_603, message: "Internal error", methods: ["eth_call"] });
      expect(await call()).to.deep.include({ name: "RpcUnavailable", answered: false });
    });

    it("batches: what is asked together is one HTTP request", async () => {
      const endpoints = open(1);
      const { provider } = endpoints;
      await Promise.all([provider.getBlockNumber(), provider.getBalance(scene.safe), provider.getCode(scene.safe)]);
      expect(proxies[0]!.requests).to.deep.equal([["eth_chainId", "eth_blockNumber", "eth_getBalance", "eth_getCode"]]);
      await Promise.all([provider.getBlockNumber(), provider.getBalance(scene.safe)]);
      expect(endpoints.roundTrips).to.equal(2);
    });

    it("refuses a batch of which an answer is missing", async () => {
      proxies[0]!.fail({ mode: "alter", methods: ["eth_blockNumber"], alter: () => undefined });
      const endpoints = open(2);
      expect(await endpoints.provider.getBlockNumber()).to.be.a("number");
      expect(endpoints.health()[0]!.reason).to.include("no answer to eth_blockNumber");
    });
  });

  describe("sends a transaction once", () => {
    const signed = async (nonce?: number): Promise<string> => {
      const wallet = scene.chain.wallet("executor");
      return wallet.signTransaction({
        to: wallet.address,
        value: nonce === undefined ? 1n : 2n,
        nonce: nonce ?? (await wallet.getNonce()),
        gasLimit: 21_000,
        maxFeePerGas: parseUnits("100", "gwei"),
        maxPriorityFeePerGas: 1n,
        chainId: 31_337,
        type: 2,
      });
    };

    it("though the first answer was lost", async () => {
      const raw = await signed();
      proxies[0]!.fail({ mode: "loseAnswer", methods: ["eth_sendRawTransaction"] });
      const sent = await open(2).provider.broadcastTransaction(raw);
      expect(sent.hash).to.equal(keccak256(raw));
      expect((await scene.chain.provider.getTransactionReceipt(sent.hash))!.status).to.equal(1);
      expect(asked(1) > 0).to.equal(true);
    });

    it("in another's place it is an error", async () => {
      const first = await signed();
      await open(1).provider.broadcastTransaction(first);
      const other = await signed(Transaction.from(first).nonce);
      const error = await rejection(open(2).provider.broadcastTransaction(other));
      expect(error.message.toLowerCase()).to.include("nonce");
      expect(error).to.not.be.instanceOf(RpcUnavailable);
    });

    it("and nothing to another chain", async () => {
      proxies[0]!.fail({ mode: "wrongChain", chainId: 10 });
      await open(2).provider.broadcastTransaction(await signed());
      expect(proxies[0]!.requests.flat()).to.not.include("eth_sendRawTransaction");
    });
  });

  describe("stays on its chain", () => {
    it("puts a URL of another chain out; with no other left it throws WrongChain", async () => {
      proxies[0]!.fail({ mode: "wrongChain", chainId: 10 });
      const endpoints = open(2);
      await endpoints.provider.getBlockNumber();
      expect(endpoints.health()[0]).to.deep.include({
        state: "wrongChain",
        reason: "WrongChain: it serves chain 10, not 31337",
      });
      expect(kinds()).to.deep.equal(["wrongChain 0"]);
      expect((await endpoints.agreeOnBlock()).by).to.deep.equal([1]);
      proxies[1]!.fail({ mode: "wrongChain", chainId: 11 });
      expect(await rejection(endpoints.agreeOnBlock())).to.be.instanceOf(WrongChain);
      expect(await rejection(endpoints.provider.getBlockNumber())).to.be.instanceOf(WrongChain);
      proxies[0]!.fail(null);
      expect((await endpoints.agreeOnBlock()).by, "mended").to.deep.equal([0]);
    });

    it("asks again after a failure", async () => {
      const endpoints = open(1);
      await endpoints.provider.getBlockNumber();
      proxies[0]!.fail({ mode: "refuse", times: 1 }, { mode: "wrongChain", chainId: 10 });
      expect(await rejection(endpoints.provider.getBlockNumber())).to.be.instanceOf(RpcUnavailable);
      expect(await rejection(endpoints.provider.getBlockNumber())).to.be.instanceOf(WrongChain);
    });
  });

  describe("agrees on a block", () => {
    const latest = async () => {
      const { number, hash, timestamp } = (await scene.chain.provider.getBlock("latest"))!;
      return { number, hash, timestamp };
    };

    it("with one URL in one round trip, which asks for the chain id as well", async () => {
      const endpoints = open(1);
      expect(await endpoints.agreeOnBlock()).to.deep.equal({ ...(await latest()), by: [0] });
      await endpoints.agreeOnBlock();
      expect(proxies[0]!.requests).to.deep.equal(Array(2).fill(["eth_chainId", "eth_getBlockByNumber"]));
    });

    it("some confirmations behind the newest that enough URLs have reached", async () => {
      const { number } = await latest();
      proxies[1]!.fail({ mode: "lag", blocks: 3 });
      const two = await open(2, { quorum: 2, confirmations: 2 }).agreeOnBlock();
      expect([two.number, two.by]).to.deep.equal([number - 5, [0, 1]]);
      const one = await open(2, { confirmations: 2 }).agreeOnBlock();
      expect([one.number, one.by]).to.deep.equal([number - 2, [0]]);
      expect(one.hash).to.equal((await scene.chain.provider.getBlock(number - 2))!.hash);
    });

    it("reports a late URL once, reads nothing from it, and takes it back when it has caught up", async () => {
      proxies[0]!.fail({ mode: "lag", blocks: 11 });
      const endpoints = open(2);
      await endpoints.agreeOnBlock();
      await endpoints.agreeOnBlock();
      expect(kinds()).to.deep.equal(["lagging 0"]);
      expect(endpoints.health()[0]).to.deep.include({ state: "lagging", until: null });
      expect(endpoints.health()[0]!.reason).to.include("11 blocks behind");
      const before = asked(0);
      await endpoints.provider.getBlockNumber();
      expect(asked(0)).to.equal(before);
      proxies[0]!.fail({ mode: "lag", blocks: 10 });
      await endpoints.agreeOnBlock();
      expect(kinds()).to.deep.equal(["lagging 0", "recovered 0"]);
    });

    it("moved by no number or time that one URL makes up", async () => {
      const ahead = (answer: unknown): unknown => ({
        ...(answer as object),
        number: "0xffffff",
        timestamp: "0xffffffff",
      });
      proxies[0]!.fail({ mode: "alter", methods: ["eth_getBlockByNumber"], alter: ahead });
      const agreed = await open(3, { quorum: 2 }).agreeOnBlock();
      expect(agreed).to.deep.equal({ ...(await latest()), by: [1, 2] });
    });

    it("of three with one fork, the fork is put out, reported and left out", async () => {
      const endpoints = open(3, { quorum: 2 });
      proxies[1]!.fail({ mode: "fork" });
      expect(await endpoints.agreeOnBlock()).to.deep.equal({ ...(await latest()), by: [0, 2] });
      expect(kinds()).to.deep.equal(["disagrees 1"]);
      expect(endpoints.health()[1]).to.deep.include({ state: "disagrees", until: (clock + 60) * 1000 });
      expect((await endpoints.agreeOnBlock()).by).to.deep.equal([0, 2]);
      expect(asked(1)).to.equal(1);

      await mine(1);
      clock += 61;
      proxies[1]!.fail(null);
      expect((await endpoints.agreeOnBlock()).by, "back").to.deep.equal([0, 1, 2]);
    });

    it("a true hash with a made-up time is no agreement either", async () => {
      const later = (answer: unknown): unknown => {
        const block = answer as { timestamp: string };
        return { ...block, timestamp: `0x${(Number(block.timestamp) + 30).toString(16)}` };
      };
      proxies[1]!.fail({ mode: "alter", methods: ["eth_getBlockByNumber"], alter: later });
      expect(await rejection(open(2, { quorum: 2 }).agreeOnBlock())).to.be.instanceOf(RpcsDisagree);
    });

    it("of two with one fork there is no agreement, whatever the quorum", async () => {
      proxies[1]!.fail({ mode: "fork" });
      for (const quorum of [1, 2]) {
        const error = await rejection(open(2, { quorum }).agreeOnBlock());
        expect(error).to.be.instanceOf(RpcsDisagree);
        const { hash } = await latest();
        expect(error.message).to.include(hash).and.include(keccak256(hash!)).and.include(new URL(proxies[1]!.url).host);
        expect(error.message).to.not.include(KEY);
      }
      proxies[2]!.fail({ mode: "fork" });
      expect(await rejection(open(4, { quorum: 2 }).agreeOnBlock()), "two against two").to.be.instanceOf(RpcsDisagree);
      expect(kinds()).to.deep.equal([]);
    });

    it("too few that answer", async () => {
      proxies[1]!.fail({ mode: "garbage" });
      const endpoints = open(2, { quorum: 2 });
      const error = await rejection(endpoints.agreeOnBlock());
      expect(error).to.be.instanceOf(RpcUnavailable);
      expect(error.message).to.include("1 of the 2 URLs needed").and.include("not JSON");
      proxies[1]!.fail(null);
      expect((await endpoints.agreeOnBlock()).by, "what rests is asked where it is needed").to.deep.equal([0, 1]);
    });

    it("a URL whose calls failed is in use again after a header, and reported well when it answers calls, or an hour on", async () => {
      const endpoints = open(2, { maxBlockAgeSeconds: 100_000 });
      for (const isAsked of [true, false]) {
        events = [];
        proxies[0]!.fail({ mode: "error", code: -32_005, message: "rate limit exceeded", methods: ["eth_getBalance"] });
        await endpoints.provider.getBalance(scene.safe);
        clock += 2;
        await endpoints.agreeOnBlock();
        expect(endpoints.health()[0]).to.deep.include({ state: "ok", failures: 0 });
        expect(kinds()).to.deep.equal(["failed 0"]);
        proxies[0]!.fail(null);
        if (isAsked) await endpoints.provider.getBalance(scene.safe);
        else {
          clock += 3_597;
          await endpoints.agreeOnBlock();
          expect(kinds()).to.deep.equal(["failed 0"]);
          clock += 1;
          await endpoints.agreeOnBlock();
        }
        expect(kinds()).to.deep.equal(["failed 0", "recovered 0"]);
      }
    });

    it("nonsense in place of a block is a failure", async () => {
      const endpoints = open(2);
      for (const nonsense of [7, {}, { number: "0x1", hash: "0x1", timestamp: "0x1" }, null]) {
        proxies[0]!.fail({ mode: "alter", methods: ["eth_getBlockByNumber"], alter: () => nonsense });
        expect((await endpoints.agreeOnBlock()).by).to.deep.equal([1]);
        expect(endpoints.health()[0]!.state).to.equal("resting");
        clock += 10;
      }
    });

    it("a chain that stands still, and a clock that is behind", async () => {
      const { timestamp } = await latest();
      clock = timestamp + 300;
      await open(1).agreeOnBlock();
      clock++;
      const still = await rejection(open(1).agreeOnBlock());
      expect(still).to.be.instanceOf(ChainStandsStill);
      expect(still.message).to.include(new Date(timestamp * 1000).toISOString());
      expect(still.message).to.include(new Date(clock * 1000).toISOString());
      clock = timestamp - 60;
      await open(1).agreeOnBlock();
      clock--;
      expect(await rejection(open(1).agreeOnBlock())).to.be.instanceOf(ClockBehind);
    });

    it("sees a re-org", async () => {
      const endpoints = open(3, { quorum: 2 });
      const block = await endpoints.agreeOnBlock();
      expect(await endpoints.stillCanonical(block)).to.equal(true);
      proxies[2]!.fail({ mode: "lag", blocks: 1 });
      expect(await endpoints.stillCanonical(block), "one is late").to.equal(true);
      proxies[0]!.fail({ mode: "fork" });
      expect(await rejection(endpoints.stillCanonical(block))).to.be.instanceOf(RpcsDisagree);
      proxies[1]!.fail({ mode: "fork" });
      expect(await endpoints.stillCanonical(block)).to.equal(false);
      for (const proxy of proxies) proxy.fail({ mode: "lag", blocks: 1 });
      expect(await endpoints.stillCanonical(block), "shorter").to.equal(false);
    });
  });

  describe("observes", () => {
    it("in two round trips at an agreed block once it knows the deployment: three with the block", async () => {
      const endpoints = open(1);
      const cache: AgreedCache = new Map();
      const first = await observeAgreed(endpoints, scene.deployment, cache);
      const before = endpoints.roundTrips;
      const again = await observeAgreed(endpoints, scene.deployment, cache);
      expect(endpoints.roundTrips - before).to.equal(3);
      expect(canonicalJson(again.evidence)).to.equal(canonicalJson(first.evidence));
      const { evidence } = await observe(scene.chain.provider, scene.deployment);
      expect(canonicalJson(again.evidence)).to.equal(canonicalJson(evidence));
      expect(again.by).to.deep.equal([0]);
    });

    it("in three round trips without a pinned block, also over new sessions, with the bytes of a fresh look", async () => {
      const endpoints = open(1);
      const cache = newObservationCache();
      await observe(endpoints.provider, scene.deployment, { cache });
      for (let session = 0; session < 3; session++) {
        await closeNextSession(scene, 14 + session, 16);
        // A round of the next day: the close is no longer the feed's newest.
        if (session > 0) await scene.chain.send("market", await pushVix(2_000n + BigInt(session)));
        const before = endpoints.roundTrips;
        const { evidence } = await observe(endpoints.provider, scene.deployment, { cache });
        expect(endpoints.roundTrips - before).to.equal(3);
        const fresh = await observe(scene.chain.provider, scene.deployment);
        expect(canonicalJson(evidence)).to.equal(canonicalJson(fresh.evidence));
      }
    });

    it("believes no hint of an earlier tick: after a re-org the close is what the chain says", async () => {
      const cache = newObservationCache();
      await observe(scene.chain.provider, scene.deployment, { cache });
      const { evidence } = await observe(scene.chain.provider, scene.deployment);
      for (const wrong of [-1n, 1n, -2n, 1_000n, 5n - BigInt(evidence.feeds.vix.round)]) {
        cache.closes.set(evidence.feeds.vix.address, BigInt(evidence.feeds.vix.round) + wrong);
        const seen = await observe(scene.chain.provider, scene.deployment, { cache });
        expect(canonicalJson(seen.evidence)).to.equal(canonicalJson(evidence));
      }
    });

    it("does not mix deployments in one cache", async () => {
      const cache = newObservationCache();
      await observe(scene.chain.provider, scene.deployment, { cache });
      const elsewhere = { ...scene.deployment, perpAdapter: scene.deployment.liquidityAdapter };
      const error = await rejection(observe(scene.chain.provider, elsewhere, { cache }));
      expect(error.name).to.equal("AdaptersDiffer");
      expect(cache.fixed.size).to.equal(2);
    });

    it("of three URLs with one liar, what two show; the liar is put out with the first path that differs", async () => {
      for (const liar of [0, 2]) {
        const endpoints = open(3, { quorum: 2 });
        const cache: AgreedCache = new Map();
        proxies[liar]!.fail(cashLie(1n));
        const honest = [0, 1, 2].filter((index) => index !== liar);
        const observed = await observeAgreed(endpoints, scene.deployment, cache);
        const { evidence } = await observe(scene.chain.provider, scene.deployment);
        expect(canonicalJson(observed.evidence)).to.equal(canonicalJson(evidence));
        expect(observed.by).to.deep.equal(liar === 0 ? honest : [0, 1]);
        if (liar === 2) continue;
        expect(endpoints.health()[0]!.state).to.equal("disagrees");
        expect(endpoints.health()[0]!.reason).to.include("evidence.vault.cash");
        expect(cache.has(0), "nothing of the liar's is kept").to.equal(false);
        proxies[liar]!.fail(null);
      }
    });

    it("of two URLs nothing when one lies", async () => {
      proxies[1]!.fail(cashLie(1n));
      const error = await rejection(observeAgreed(open(2, { quorum: 2 }), scene.deployment, new Map()));
      expect(error).to.be.instanceOf(RpcsDisagree);
      expect(error.message).to.include("evidence.vault.cash: ");
    });

    it("nothing by two that lie alike against two that do not", async () => {
      proxies[0]!.fail(cashLie(1n));
      proxies[1]!.fail(cashLie(1n));
      const lied = await observeAgreed(open(2, { quorum: 2 }), scene.deployment, new Map());
      expect(lied.by, "a quorum of liars is believed: so says the word quorum").to.deep.equal([0, 1]);
      proxies[1]!.fail(null);
      proxies[2]!.fail(cashLie(1n));
      const error = await rejection(observeAgreed(open(4, { quorum: 2 }), scene.deployment, new Map()));
      expect(error).to.be.instanceOf(RpcsDisagree);
    });

    it("not what one URL says of a venue that cannot be read", async () => {
      const unread = (answer: string): string => {
        const lens = VaultLens__factory.createInterface();
        const [snapshot] = lens.decodeFunctionResult("snapshot", answer) as unknown as [
          Record<string, unknown> & { toObject(): Record<string, unknown> },
        ];
        return lens.encodeFunctionResult("snapshot", [
          { ...snapshot.toObject(), unread: [scene.deployment.perpAdapter] },
        ]);
      };
      proxies[0]!.fail({ mode: "lie", to: scene.deployment.lens, alter: unread });
      expect(await rejection(observeAgreed(open(1), scene.deployment, new Map()))).to.be.instanceOf(VenueUnreadable);
      const endpoints = open(3, { quorum: 2 });
      expect((await observeAgreed(endpoints, scene.deployment, new Map())).by).to.deep.equal([1, 2]);
      expect(endpoints.health()[0]!.reason).to.include("VenueUnreadable");
    });

    it("from the next URL when one dies in between", async () => {
      proxies[0]!.fail({ mode: "refuse", methods: ["eth_call"] });
      expect((await observeAgreed(open(2), scene.deployment, new Map())).by).to.deep.equal([1]);
      expect((await observeAgreed(open(3, { quorum: 2 }), scene.deployment, new Map())).by).to.deep.equal([1, 2]);
      const error = await rejection(observeAgreed(open(2, { quorum: 2 }), scene.deployment, new Map()));
      expect(error).to.be.instanceOf(RpcUnavailable);
      expect(error.message).to.include("1 of the 2 URLs needed");
      expect(await rejection(observeAgreed(open(1), scene.deployment, new Map()))).to.be.instanceOf(RpcUnavailable);
    });

    /** The lens shows this much more cash than there is. */
    function cashLie(more: bigint) {
      const lens = VaultLens__factory.createInterface();
      const alter = (answer: string): string => {
        const [snapshot] = lens.decodeFunctionResult("snapshot", answer) as unknown as [
          { cash: bigint; toObject(): Record<string, unknown> },
        ];
        return lens.encodeFunctionResult("snapshot", [{ ...snapshot.toObject(), cash: snapshot.cash + more }]);
      };
      return { mode: "lie", to: scene.deployment.lens, alter } as const;
    }

    async function pushVix(answer: bigint) {
      const feed = scene.world.feeds.vix;
      await newRounds(scene);
      return feed.getFunction("push").populateTransaction(answer * 10n ** 6n);
    }
  });

  describe("judges error objects", () => {
    it("as their nodes mean them", () => {
      const verdicts = [
        ["eth_call", 3, "execution reverted", "answer"],
        ["eth_call", -32_000, "header not found", "noState"],
        ["eth_call", -32_000, "block 0x10 not found", "noState"],
        ["eth_call", -32_000, "historical state 0x12 is not available", "noState"],
        ["eth_call", -32_602, "invalid argument 0: hex string has length 3", "answer"],
        ["eth_call", -32_000, "execution reverted: block not found", "answer"],
        ["eth_call", -32_002, "resource unavailable", "cannot"],
        ["eth_call", -32_016, "over rate limit", "limited"],
        ["eth_sendRawTransaction", -32_000, "already known", "answer"],
        ["eth_sendRawTransaction", -32_001, "Nonce too low", "answer"],
        ["eth_sendRawTransaction", -32_000, "insufficient funds", "answer"],
        ["eth_sendRawTransaction", -32_603, "internal error", "cannot"],
        ["eth_sendRawTransaction", -32_005, "Transaction gas limit exceeds block gas limit", "answer"],
      ] as const;
      for (const [method, code, message, verdict] of verdicts)
        expect(judge(method, { code, message }), message).to.equal(verdict);
    });

    it("and a batch refused as a whole is no answer", async () => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32_600, message: "batch too large" } });
      const call = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] } as const;
      for (const status of [200, 400]) {
        proxies[0]!.fail({ mode: "status", status, body });
        const error = await rejection(callRpc(proxies[0]!.url, [call, { ...call, id: 2 }], 1_000));
        expect(error).to.be.instanceOf(NoAnswer);
        expect(error.message).to.include("batch too large");
      }
    });
  });
});
