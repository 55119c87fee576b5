import { expect } from "chai";
import type { Contract, Provider } from "ethers";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import type { LocalChain } from "../../deploy/devnet/chain.ts";
import { FEED_OWNER } from "../../deploy/devnet/feeds.ts";
import { readSecondary } from "../../src/keeper/feeds.ts";
import type { SecondaryReading, SecondaryState } from "../../src/keeper/feeds.ts";
import type { SecondaryConfig } from "../../src/keeper/config.ts";
import type { Patience } from "../../src/keeper/ops/request.ts";
import type { Keeper } from "../../src/keeper/service.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import { freePort } from "../helpers/ballast.ts";
import { vaultScene } from "../helpers/vaultScene.ts";
import { openStage, Rig, VAULT } from "../support/faults/rig.ts";
import type { Stage } from "../support/faults/rig.ts";
import { startScriptedServer } from "../support/ops/scriptedServer.ts";
import type { ScriptedServer } from "../support/ops/scriptedServer.ts";
import { ReplayFeed__factory } from "../../typechain-types/index.js";

const DAY = 86_400;
/** A Wednesday, 00:00 UTC. */
const TODAY = Date.UTC(2026, 2, 4) / 1_000;
const CLOSE = (21 * 60 + 15) * 60;
/** An hour after the close. */
const NOW = TODAY + CLOSE + 3_600;
const PATIENCE: Patience = { retries: 1, firstWaitMs: 1, timeoutMs: 10_000, longestPauseMs: 1_000 };

/** The evidence's part that is compared with: ETH at 3,000, a VIX close of 20 on the day. */
function evidence(changes: { block?: number; closedAt?: number; base?: string } = {}): Evidence {
  const round = (answer: string, updatedAt: number, decimals = 8) => ({ answer, updatedAt, decimals });
  return {
    block: { number: changes.block ?? 1, timestamp: NOW },
    feeds: {
      base: round(changes.base ?? "300000000000", NOW - 60),
      asset: round("1000000000000000000", NOW - 60, 18),
      vix: round("2000000000", changes.closedAt ?? TODAY + CLOSE),
      vix3m: round("2100000000", changes.closedAt ?? TODAY + CLOSE),
    },
  } as unknown as Evidence;
}

describe("another source over HTTP, beside the vault's own feed", () => {
  let server: ScriptedServer;
  before(async () => (server = await startScriptedServer()));
  after(() => server.close());

  const source = (changes: Partial<SecondaryConfig> = {}): SecondaryConfig => ({
    name: "exchange",
    of: "base",
    url: `${server.url}/price?key=S3CRET`,
    pointer: "/data/price",
    timePointer: "/data/time",
    maxAgeSeconds: 120,
    maxDisagreementBps: 50,
    ...changes,
  });

  async function read(
    config: SecondaryConfig,
    at: Evidence = evidence(),
    patience = PATIENCE,
  ): Promise<SecondaryReading> {
    const readings = await readSecondary({
      provider: {} as Provider,
      evidence: at,
      secondary: [config],
      patience,
      outside: { fetch: (...args) => fetch(...args), now: () => NOW * 1_000 + 500, sleep: async () => undefined },
    });
    expect(readings).to.have.length(1);
    return readings[0]!;
  }

  const says = (price: string, time: number | string = NOW - 10): void => {
    server.script({ status: 200, body: `{"data":{"price":${price},"time":${JSON.stringify(time)}}}` });
  };

  it("agrees within its limit, as a number and as a text", async () => {
    for (const price of ["3015", '"3015.000"', "3.015e3", "2985"]) {
      says(price);
      const reading = await read(source());
      expect(reading, price).to.deep.include({ name: "exchange", of: "base", state: "agrees", disagreementBps: 50 });
      expect(reading.ageSeconds).to.equal(10);
    }
    expect((await read(source())).sentence).to.equal(
      "exchange (base) says 2,985.0000, the vault's feed 3,000.0000: 50 bps apart, 50 allowed",
    );
  });

  it("disagrees beyond it, by however little", async () => {
    for (const price of ["3015.000000000000000001", "2984.999999999999999999"]) {
      says(price);
      expect(await read(source()), price).to.deep.include({ state: "disagrees", disagreementBps: 51 });
    }
    says("1.000000000000000000");
    expect(await read(source({ of: "asset" }))).to.deep.include({
      state: "agrees",
      disagreementBps: 0,
      value: 10n ** 18n,
    });
  });

  it("is stale when its time is older than it may be, whatever it says", async () => {
    says("3000", NOW - 120);
    expect((await read(source())).state).to.equal("agrees");
    says("9999", NOW - 121);
    expect(await read(source())).to.deep.include({ state: "stale", disagreementBps: null, ageSeconds: 121 });
  });

  it("reads its time in seconds, milliseconds and ISO 8601", async () => {
    for (const time of [NOW - 30, (NOW - 30) * 1_000, String(NOW - 30), new Date((NOW - 30) * 1_000).toISOString()]) {
      says("3000", time);
      expect(await read(source()), String(time)).to.deep.include({ state: "agrees", ageSeconds: 30, at: NOW - 30 });
    }
  });

  it("is unreadable with a time in the future, which would look fresh for ever", async () => {
    says("3000", NOW + 300);
    expect(await read(source())).to.deep.include({ state: "agrees", ageSeconds: 0 });
    says("3000", NOW + 301);
    const reading = await read(source());
    expect(reading).to.deep.include({ state: "unreadable", value: null, disagreementBps: null });
    expect(reading.sentence).to.include("in the future");
  });

  it("is unreadable when it says nothing that could be compared", async () => {
    const bodies = [
      "",
      "<html>",
      "[]",
      '{"data":{"price":null,"time":1}}',
      `{"data":{"price":0,"time":${NOW}}}`,
      `{"data":{"price":-1,"time":${NOW}}}`,
      `{"data":{"price":"NaN","time":${NOW}}}`,
      `{"data":{"price":{"x":1},"time":${NOW}}}`,
      '{"data":{"price":3000}}',
      '{"data":{"price":3000,"time":"soon"}}',
      `{"data":{"price":3000,"time":"${"9".repeat(200_000)}"}}`,
    ];
    for (const body of bodies) {
      server.script({ status: 200, body });
      expect((await read(source())).state, body.slice(0, 60)).to.equal("unreadable");
    }
  });

  it("is unreadable when it does not answer, and nothing of its URL but the host is told", async () => {
    const endless = { status: 200, body: "x".repeat(1_024 * 1_024 + 1) };
    for (const answer of [{ status: 404 }, { status: 302, headers: { location: "/" } }, { status: 500 }, endless]) {
      server.script(answer);
      const reading = await read(source());
      expect(reading.state).to.equal("unreadable");
      expect(reading.sentence).to.include(server.host).and.not.include("S3CRET");
    }
    server.script(() => undefined);
    expect((await read(source(), evidence(), { ...PATIENCE, retries: 0, timeoutMs: 50 })).sentence).to.include(
      "no answer",
    );
    const nobody = `http://127.0.0.1:${await freePort()}/S3CRET`;
    const reading = await read(source({ url: nobody }));
    expect(reading.sentence).to.include("ECONNREFUSED").and.not.include("S3CRET");
  });

  it("is asked again after a fault that passes", async () => {
    server.script({ status: 503 }, { status: 200, body: `{"data":{"price":3000,"time":${NOW}}}` });
    expect((await read(source())).state).to.equal("agrees");
  });

  it("has nothing to be compared with when the vault's own value is not positive", async () => {
    says("3000");
    expect(await read(source(), evidence({ base: "0" }))).to.deep.include({
      state: "unreadable",
      disagreementBps: null,
    });
  });

  describe("of a session's close", () => {
    const vix = (): SecondaryConfig => source({ of: "vix", maxAgeSeconds: 5 * DAY });

    it("is compared when it is of that day's close, also days later", async () => {
      says("20.05", TODAY + CLOSE - 900);
      expect(await read(vix())).to.deep.include({ state: "agrees", disagreementBps: 25 });
      const friday = evidence({ closedAt: TODAY - 3 * DAY + CLOSE });
      says("30", TODAY - 3 * DAY + CLOSE);
      expect(await read(vix(), friday)).to.deep.include({ state: "disagrees", disagreementBps: 5_000 });
    });

    it("stamped with its date alone, is that day's", async () => {
      for (const time of ["2026-03-04", TODAY, TODAY * 1_000]) {
        says("20", time);
        expect((await read(vix())).state, String(time)).to.equal("agrees");
      }
    });

    it("is not compared when it is of another day", async () => {
      for (const time of [TODAY - 1, TODAY - DAY + CLOSE]) {
        says("35", time);
        const reading = await read(vix());
        expect(reading).to.deep.include({ state: "stale", disagreementBps: null });
        expect(reading.sentence).to.include("of another day (2026-03-03) than the vault's close (2026-03-04)");
      }
      says("35", NOW);
      const yesterday = evidence({ closedAt: TODAY - DAY + CLOSE });
      expect((await read(vix(), yesterday)).sentence).to.include("of another day (2026-03-04)");
    });

    it("is not compared when no session can have closed yet at its time", async () => {
      says("35", TODAY + 17 * 3_600 - 1);
      const reading = await read(vix());
      expect(reading.state).to.equal("stale");
      expect(reading.sentence).to.include("before any session closes");
      says("35", TODAY + 17 * 3_600);
      expect((await read(vix())).state).to.equal("disagrees");
    });

    it("is stale by its own age first", async () => {
      says("20", TODAY + CLOSE);
      expect(await read(source({ of: "vix3m", maxAgeSeconds: 3_599 }))).to.deep.include({
        state: "stale",
        ageSeconds: 3_600,
      });
    });
  });
});

describe("another source on the chain, beside the vault's own feed", () => {
  let chain: LocalChain;
  let spot: Contract;
  let vix: Contract;
  let block: number;

  before(async () => {
    chain = await startLocalChain(TODAY + DAY);
    const deploy = async (decimals: number, answers: bigint[], times: number[]): Promise<Contract> => {
      const artifact = { abi: ReplayFeed__factory.abi, bytecode: ReplayFeed__factory.bytecode };
      const feed = await chain.deploy(artifact, ["other", decimals], FEED_OWNER);
      await chain.send(FEED_OWNER, await feed.getFunction("seed").populateTransaction(answers, times));
      return feed;
    };
    spot = await deploy(18, [2_000n * 10n ** 18n, 3_003n * 10n ** 18n], [NOW - 900, NOW - 30]);
    const closes = [TODAY - DAY + CLOSE, TODAY + 15 * 3_600, TODAY + CLOSE, TODAY + DAY];
    vix = await deploy(
      8,
      [18n, 35n, 20n, 40n].map((points) => points * 10n ** 8n),
      closes,
    );
    block = await chain.provider.getBlockNumber();
    // Later than the evidence: must not be seen.
    await chain.send(FEED_OWNER, await spot.getFunction("push").populateTransaction(9n * 10n ** 18n));
  });

  async function read(feed: string | Contract, changes: Partial<SecondaryConfig>, at = evidence({ block })) {
    const address = typeof feed === "string" ? feed : await feed.getAddress();
    const common = { name: "other-feed", of: "base", maxAgeSeconds: 5 * DAY, maxDisagreementBps: 50 } as const;
    const secondary = [{ ...common, feed: address, ...changes } as SecondaryConfig];
    return (await readSecondary({ provider: chain.provider, evidence: at, secondary }))[0]!;
  }

  it("is read at the evidence's block, at its own decimals", async () => {
    expect(await read(spot, {})).to.deep.include({
      state: "agrees",
      value: 3_003n * 10n ** 18n,
      at: NOW - 30,
      ageSeconds: 30,
      disagreementBps: 10,
    });
    expect((await read(spot, { maxDisagreementBps: 9 })).state).to.equal("disagrees");
    expect((await read(spot, { maxAgeSeconds: 29 })).state).to.equal("stale");
  });

  it("of a session's close says what it said on that day, though it is ahead by now", async () => {
    const laterBlock = await chain.provider.getBlockNumber();
    expect(await read(vix, { of: "vix" }, evidence({ block: laterBlock }))).to.deep.include({
      state: "agrees",
      at: TODAY + CLOSE,
      disagreementBps: 0,
    });
    const before = evidence({ block, closedAt: TODAY - DAY + CLOSE });
    expect(await read(vix, { of: "vix" }, before)).to.deep.include({ state: "disagrees", at: TODAY - DAY + CLOSE });
    const between = evidence({ block, closedAt: TODAY - 2 * DAY + CLOSE });
    expect(await read(vix, { of: "vix" }, between)).to.deep.include({ state: "unreadable" });
  });

  it("is unreadable where no feed is, and when its answer is not positive", async () => {
    const none = await read(chain.address("attacker"), {});
    expect(none).to.deep.include({ state: "unreadable", value: null });
    expect(none.sentence).to.include("no AggregatorV3 feed answers");
    const artifact = { abi: ReplayFeed__factory.abi, bytecode: ReplayFeed__factory.bytecode };
    const zero = await chain.deploy(artifact, ["zero", 8], FEED_OWNER);
    const block = evidence({ block: await chain.provider.getBlockNumber() });
    expect((await read(zero, {}, block)).state, "no round yet").to.equal("unreadable");
    await chain.send(FEED_OWNER, await zero.getFunction("seed").populateTransaction([0], [NOW]));
    const later = evidence({ block: await chain.provider.getBlockNumber() });
    expect((await read(zero, {}, later)).sentence).to.include("not positive");
  });

  it("that fails leaves the others as they are", async () => {
    const common = { of: "base", maxAgeSeconds: 5 * DAY, maxDisagreementBps: 50 } as const;
    const secondary: SecondaryConfig[] = [
      { ...common, name: "broken", feed: chain.address("attacker") },
      { ...common, name: "works", feed: await spot.getAddress() },
    ];
    const readings = await readSecondary({ provider: chain.provider, evidence: evidence({ block }), secondary });
    expect(readings.map(({ name, state }) => `${name} ${state}`)).to.deep.equal(["broken unreadable", "works agrees"]);
  });
});

describe("another source, as the keeper tells of it", () => {
  const MAX_AGE = 3_600;
  let stage: Stage;
  let rig: Rig;
  let keeper: Keeper;
  before(async () => (stage = await openStage(await vaultScene())));
  after(() => stage.close());

  const common = { url: "https://exchange.example", pointer: "/price", timePointer: "/time", maxDisagreementBps: 50 };
  beforeEach(async () => {
    const sources = ["base", "vix"].map((of) => ({ ...common, name: of, of, maxAgeSeconds: MAX_AGE }));
    rig = await Rig.open(stage, { vault: { secondary: sources, via: "file", service: undefined } });
    keeper = await rig.keeper();
  });
  afterEach(async () => {
    await rig.close();
    await stage.scene.reset();
  });

  /** What stands after a tick in which the source was found so: code and severity of each. */
  async function told(
    state: SecondaryState,
    age: number | null = null,
    of: "base" | "vix" = "base",
  ): Promise<string[]> {
    const reading = {
      name: of,
      of,
      value: null,
      at: null,
      ageSeconds: age,
      state,
      disagreementBps: null,
      sentence: state,
    };
    keeper.vaults.get(VAULT)!.compareFeeds = () => Promise.resolve([reading]);
    const { error } = await rig.tick(keeper);
    expect(error).to.equal(null);
    const alerts = await keeper.store.alerts();
    return alerts.filter(({ key }) => key.endsWith(`:${of}`)).map(({ code, severity }) => `${code} ${severity}`);
  }

  it("keeps a disagreement when the source falls silent, until it agrees", async () => {
    expect(await told("disagrees", 0)).to.deep.equal(["FEEDS_DISAGREE critical"]);
    for (const [state, age] of [
      ["stale", MAX_AGE + 1],
      ["unreadable", null],
    ] as const) {
      expect(await told(state, age), state).to.deep.equal(["FEEDS_DISAGREE critical", "STALE_FEED warning"]);
    }
    expect(await told("disagrees", 0)).to.deep.equal(["FEEDS_DISAGREE critical"]);
    expect(await told("agrees", 0)).to.deep.equal([]);
  });

  it("warns at once of one that is too old, and not of a close of another session", async () => {
    expect(await told("stale", MAX_AGE + 1)).to.deep.equal(["STALE_FEED warning"]);
    expect(await told("agrees", 0)).to.deep.equal([]);
    expect(await told("stale", 60, "vix")).to.deep.equal([]);
    expect(await told("stale", MAX_AGE + 1, "vix")).to.deep.equal(["STALE_FEED warning"]);
    expect(await told("stale", 60, "vix")).to.deep.equal([]);
  });

  it("warns of one that could not be read for longer than its value may be old, and not of a moment", async () => {
    expect(await told("unreadable")).to.deep.equal(["STALE_FEED info"]);
    expect(await told("agrees", 0)).to.deep.equal([]);
    expect(await told("unreadable")).to.deep.equal(["STALE_FEED info"]);
    rig.clockOffMs = MAX_AGE * 1_000;
    expect(await told("unreadable")).to.deep.equal(["STALE_FEED info"]);
    rig.clockOffMs += 1_000;
    expect(await told("unreadable")).to.deep.equal(["STALE_FEED warning"]);
  });
});
