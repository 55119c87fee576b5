import { expect } from "chai";
import type { Deployment } from "../../src/plan/deployment.ts";
import { parseConfig } from "../../src/keeper/config.ts";
import type { SinkConfig } from "../../src/keeper/config.ts";
import { RpcUnavailable, WrongChain } from "../../src/keeper/observe.ts";
import { alertMemory } from "../../src/keeper/ops/alertMemory.ts";
import { createAlerts } from "../../src/keeper/ops/alerts.ts";
import type { Alert, AlertState } from "../../src/keeper/ops/alert.ts";
import type { Patience } from "../../src/keeper/ops/request.ts";
import { createSinks, sendTest } from "../../src/keeper/ops/sinks.ts";
import type { Message, Sink } from "../../src/keeper/ops/sinks.ts";
import { openKeeper, runOnce, runSlot } from "../../src/keeper/service.ts";
import type { Keeper } from "../../src/keeper/service.ts";
import { openDatabase } from "../../src/keeper/store/database.ts";
import { Store } from "../../src/keeper/store/store.ts";
import { freePort } from "../helpers/ballast.ts";
import { BACKENDS, emptyDatabase } from "../helpers/databases.ts";
import { rejection } from "../helpers/safeScene.ts";
import { startRpcProxy } from "../support/rpcProxy.ts";
import type { RpcProxy } from "../support/rpcProxy.ts";
import { outside } from "../support/ops/outside.ts";
import { startScriptedServer } from "../support/ops/scriptedServer.ts";
import type { ScriptedServer } from "../support/ops/scriptedServer.ts";
import { AT, SECRET, captureLog } from "../support/ops/capturedLog.ts";

const PATIENCE: Patience = { retries: 2, firstWaitMs: 1, timeoutMs: 10_000, longestPauseMs: 30_000 };
const IMPATIENCE: Patience = { ...PATIENCE, retries: 0, timeoutMs: 100 };

function message(changes: Partial<Message> = {}): Message {
  return {
    state: "standing",
    key: "main/LOW_GAS",
    vault: "main",
    code: "LOW_GAS",
    severity: "warning",
    text: "The key has 0.01 ETH left.",
    at: AT,
    since: null,
    ...changes,
  };
}

describe("where the keeper's alerts are told", () => {
  let server: ScriptedServer;
  let world: ReturnType<typeof outside>;
  beforeEach(async () => {
    server = await startScriptedServer();
    world = outside();
  });
  afterEach(() => server.close());

  const CONFIGS = {
    webhook: (url: string): SinkConfig => ({ kind: "webhook", url: `${url}/in/${SECRET}`, minSeverity: "warning" }),
    slack: (url: string): SinkConfig => ({ kind: "slack", url: `${url}/services/${SECRET}`, minSeverity: "warning" }),
    discord: (url: string): SinkConfig => ({
      kind: "discord",
      url: `${url}/api/webhooks/1/${SECRET}`,
      minSeverity: "warning",
    }),
    telegram: (url: string): SinkConfig => ({
      kind: "telegram",
      url,
      token: `1:${SECRET}`,
      chatId: -100,
      minSeverity: "warning",
    }),
  };
  type Kind = keyof typeof CONFIGS;
  const KINDS = Object.keys(CONFIGS) as Kind[];
  const OK = { status: 200, body: '{"ok":true}' };

  const sink = (kind: Kind, patience = PATIENCE): Sink => createSinks([CONFIGS[kind](server.url)], patience, world)[0]!;
  /** What a sink's service receives for a text: the one string people read. */
  const received = async (kind: Kind, text: string): Promise<string> => {
    server.script(OK);
    await sink(kind).send(message({ text }));
    const body = server.bodies().at(-1)!;
    return String(body["text"] ?? body["content"]);
  };

  it("a webhook: the documented JSON", async () => {
    await sink("webhook").send(message());
    const since = new Date("2026-01-01T00:00:00Z");
    await sink("webhook").send(message({ state: "resolved", vault: null, since }));
    expect(server.received[0]).to.deep.include({ method: "POST", path: `/in/${SECRET}` });
    expect(server.received[0]!.headers["content-type"]).to.equal("application/json");
    expect(server.bodies()).to.deep.equal([
      {
        format: "ballast-alert/1",
        state: "standing",
        key: "main/LOW_GAS",
        vault: "main",
        code: "LOW_GAS",
        severity: "warning",
        text: "The key has 0.01 ETH left.",
        at: "2026-01-02T03:04:05.000Z",
        since: null,
      },
      {
        format: "ballast-alert/1",
        state: "resolved",
        key: "main/LOW_GAS",
        vault: null,
        code: "LOW_GAS",
        severity: "warning",
        text: "The key has 0.01 ETH left.",
        at: "2026-01-02T03:04:05.000Z",
        since: "2026-01-01T00:00:00.000Z",
      },
    ]);
  });

  it("Slack: plain text, in which nothing is a link, a mention or a format", async () => {
    await sink("slack").send(message());
    expect(server.received[0]!.path).to.equal(`/services/${SECRET}`);
    expect(server.bodies()[0]).to.deep.equal({
      text: "WARNING LOW_GAS main\nThe key has 0.01 ETH left.",
      mrkdwn: false,
      parse: "none",
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    });
  });

  it("Discord: waits until it is kept, and mentions nobody", async () => {
    await sink("discord").send(message());
    expect(server.received[0]!.path).to.equal(`/api/webhooks/1/${SECRET}?wait=true`);
    expect(server.bodies()[0]).to.deep.equal({
      content: "WARNING LOW\\_GAS main\nThe key has 0.01 ETH left.",
      allowed_mentions: { parse: [] },
      flags: 4,
    });
  });

  it("Telegram: plain text to the chat, and its own word that it was sent", async () => {
    server.script(OK);
    await sink("telegram").send(message());
    expect(server.received[0]!.path).to.equal(`/bot1:${SECRET}/sendMessage`);
    expect(server.bodies()[0]).to.deep.equal({
      chat_id: -100,
      text: "WARNING LOW_GAS main\nThe key has 0.01 ETH left.",
      link_preview_options: { is_disabled: true },
    });
    for (const body of ['{"ok":false}', "<html>captive portal</html>"]) {
      server.script({ status: 200, body });
      const error = await rejection(sink("telegram").send(message()));
      expect(String(error)).to.include("not Telegram's");
    }
  });

  it("no text mentions anybody or marks itself up", async () => {
    const text = "@everyone <!channel> <@U1> <https://evil.example|ok> *b* _i_ `c` ~s~ ||sp|| [l](x) # > @admin";
    expect(await received("slack", text))
      .not.to.match(/[<>]/)
      .and.not.include("https://");
    const discord = await received("discord", text);
    expect(discord).not.to.match(/(^|[^\\])[*_`~|[\]()<>#]/);
    for (const told of [discord, await received("telegram", text)]) {
      expect(told)
        .to.include("@\u2060everyone")
        .and.not.match(/@[a-z]/i);
    }
  });

  it("no text breaks its line, hides, turns around, or brings a URL's secret along", async () => {
    const text = `a\nCRITICAL forged\u0000\u202egnp\u200b https://rpc.example/${SECRET} end\ud800`;
    for (const kind of KINDS) {
      const told = await received(kind, text);
      expect(told.split("\n"), kind).to.have.length(kind === "webhook" ? 1 : 2);
      expect(told, kind).to.include("a CRITICAL forged gnp rpc.example end");
      expect(server.received.at(-1)!.body, kind).not.to.include(SECRET);
    }
  });

  it("no text is longer than its service takes, escapes whole", async () => {
    const limits: Record<Kind, number> = { webhook: 8_000, slack: 4_000, discord: 2_000, telegram: 4_096 };
    for (const kind of KINDS) {
      for (const text of ["x".repeat(50_000), "<".repeat(50_000), "🙂@_".repeat(20_000)]) {
        const told = await received(kind, text);
        expect(told.length, kind).to.be.within(limits[kind] - 10, limits[kind]);
        expect(told, kind).to.match(/(x|<|&lt;|\\<|\\_|_|🙂|@|@\u2060)…$/u);
      }
    }
  });

  it("faults that pass are tried again; those that do not are not", async () => {
    for (const status of [408, 425, 429, 500, 503]) {
      server.received.length = 0;
      server.script({ status }, OK);
      await sink("telegram").send(message());
      expect(server.received, String(status)).to.have.length(2);
    }
    for (const status of [301, 307, 400, 401, 403, 404, 410]) {
      server.received.length = 0;
      server.script({ status, headers: { location: "/elsewhere" } }, OK);
      const error = await rejection(sink("telegram").send(message()));
      expect(String(error)).to.include(`it answered ${status}`);
      expect(server.received, String(status)).to.have.length(1);
    }
  });

  it("gives up after its retries", async () => {
    server.script({ status: 500 });
    await rejection(sink("slack").send(message()));
    expect(server.received).to.have.length(3);
  });

  it("waits as long as it is asked to, by header or in the service's own way, and not for ever", async () => {
    const asked: [Kind, number, { headers?: Record<string, string>; body?: string }][] = [
      ["slack", 7, { headers: { "retry-after": "7" } }],
      ["webhook", 9, { headers: { "retry-after": new Date(AT.getTime() + 9_000).toUTCString() } }],
      ["discord", 2.5, { body: '{"retry_after":2.5}' }],
      ["telegram", 11, { body: '{"ok":false,"parameters":{"retry_after":11}}' }],
    ];
    for (const [kind, seconds, answer] of asked) {
      world.pauses.length = 0;
      server.script({ status: 429, ...answer }, OK);
      await sink(kind).send(message());
      expect(world.pauses, kind).to.have.length(1);
      expect(world.pauses[0], kind).to.be.closeTo(seconds * 1_000, 5);
    }
    server.received.length = 0;
    server.script({ status: 429, headers: { "retry-after": "3600" } }, OK);
    const error = await rejection(sink("slack").send(message()));
    expect(String(error)).to.include("a pause of 3600 s");
    expect(server.received).to.have.length(1);
  });

  it("survives services that hang, break off, or answer without an end", async () => {
    server.script(() => undefined);
    expect(String(await rejection(sink("slack", IMPATIENCE).send(message())))).to.include("no answer in 0.1 s");
    server.script((response) => response.destroy());
    expect(String(await rejection(sink("slack").send(message())))).to.include("no connection");
    server.script((response) => {
      response.writeHead(200);
      const flood = setInterval(() => response.write("x".repeat(64_000)), 1);
      response.once("close", () => clearInterval(flood));
    });
    expect(String(await rejection(sink("slack").send(message())))).to.include("longer than");
  });

  it("sends a user and password of the URL as such, not in the URL", async () => {
    const url = server.url.replace("://", "://keeper:p%40ss@");
    await createSinks([{ kind: "webhook", url, minSeverity: "info" }], PATIENCE, world)[0]!.send(message());
    const authorization = server.received[0]!.headers.authorization!;
    expect(Buffer.from(authorization.replace("Basic ", ""), "base64").toString()).to.equal("keeper:p@ss");
  });

  it("no failure shows more of a URL than its host", async () => {
    const { host } = server;
    const hang = (): void => undefined;
    for (const kind of KINDS) {
      for (const answer of [{ status: 404 }, { status: 500, body: SECRET }, hang]) {
        server.script(answer);
        const error = await rejection(sink(kind, IMPATIENCE).send(message()));
        expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`, kind).not.to.include(SECRET);
        expect(error.message, kind).to.include(host);
      }
      expect(sink(kind).name).to.equal(`${kind}@${host}`);
    }
    await server.close();
    for (const kind of KINDS) {
      const error = await rejection(sink(kind).send(message()));
      expect(error.message, kind).to.include(host).and.include("ECONNREFUSED").and.not.include(SECRET);
    }
  });

  it("a test goes to every sink, whatever its severity, and says of each how it went", async () => {
    const quiet: SinkConfig = { ...CONFIGS.webhook(server.url), minSeverity: "critical" };
    const gone: SinkConfig = {
      kind: "slack",
      url: `http://127.0.0.1:${await freePort()}/${SECRET}`,
      minSeverity: "info",
    };
    const results = await sendTest(createSinks([quiet, gone], PATIENCE, world), AT);
    expect(results.map(({ ok }) => ok)).to.deep.equal([true, false]);
    expect(results[1]!.detail).to.include("ECONNREFUSED").and.not.include(SECRET);
    expect(server.bodies()[0]).to.include({ state: "test", code: "TEST" });
    expect(server.bodies()[0]!["text"]).to.match(/nothing is wrong/i);
  });
});

describe("the keeper's alerts", () => {
  const REPEAT_SECONDS = 3_600;
  const ALERT: Alert = { key: "main/LOW_GAS", vault: "main", code: "LOW_GAS", severity: "warning", text: "Low." };

  /** Alerts to sinks that note what they are told, or fail. */
  function scene(state: AlertState = alertMemory(1_000), names: readonly string[] = ["a", "b"], stateTimeoutMs = 50) {
    const clock = { now: AT.getTime() };
    const told: string[] = [];
    const failing = new Set<string>();
    const sent: string[] = [];
    const { lines, log } = captureLog();
    const sinks = names.map((name): Sink => ({
      name,
      minSeverity: name === "critical" ? "critical" : "warning",
      async send({ state: as, severity, text, since }) {
        if (failing.has(name)) throw new Error(`https://${name}.example/${SECRET} is down`);
        told.push([name, as, severity, text, ...(since === null ? [] : [since.toISOString()])].join(" "));
      },
    }));
    const alerts = createAlerts({
      state,
      sinks,
      log,
      repeatAfterSeconds: REPEAT_SECONDS,
      now: () => clock.now,
      stateTimeoutMs,
      onSent: (sink, result) => sent.push(`${sink} ${result}`),
    });
    const settled = async (): Promise<string[]> => {
      expect(await alerts.settled(5_000)).to.equal(true);
      return told.splice(0);
    };
    return { alerts, clock, failing, sent, lines, settled };
  }

  it("are told once while they stand, again when worse or due, and when they end", async () => {
    const { alerts, clock, settled } = scene();
    await alerts.raise(ALERT);
    expect(await settled()).to.deep.equal(["a standing warning Low.", "b standing warning Low."]);
    await alerts.raise(ALERT);
    expect(await settled()).to.deep.equal([]);
    await alerts.raise({ ...ALERT, severity: "critical", text: "Empty." });
    expect(await settled()).to.deep.equal(["a standing critical Empty.", "b standing critical Empty."]);
    clock.now += REPEAT_SECONDS * 1_000;
    await alerts.raise(ALERT);
    expect(await settled()).to.have.length(2);
    await alerts.clear(ALERT.key);
    expect(await settled()).to.deep.equal([
      "a resolved warning Low. 2026-01-02T03:04:05.000Z",
      "b resolved warning Low. 2026-01-02T03:04:05.000Z",
    ]);
    await alerts.clear(ALERT.key);
    expect(await settled()).to.deep.equal([]);
  });

  it("that nobody was told of end without a word", async () => {
    const { alerts, failing, settled } = scene();
    failing.add("a").add("b");
    await alerts.raise(ALERT);
    expect(await settled()).to.deep.equal([]);
    failing.clear();
    await alerts.clear(ALERT.key);
    expect(await settled()).to.deep.equal([]);
  });

  it("go to the sinks that want their severity; what ends, to the same", async () => {
    const { alerts, settled } = scene(alertMemory(1_000), ["a", "critical"]);
    await alerts.raise(ALERT);
    await alerts.raise({ ...ALERT, key: "2", code: "NEAR_LIQUIDATION", severity: "critical", text: "Near." });
    expect(await settled()).to.have.members([
      "a standing warning Low.",
      "a standing critical Near.",
      "critical standing critical Near.",
    ]);
    await alerts.clear(ALERT.key);
    await alerts.clear("2");
    expect((await settled()).map((line) => line.split(" ").slice(0, 3).join(" "))).to.have.members([
      "a resolved warning",
      "a resolved critical",
      "critical resolved critical",
    ]);
  });

  it("below every sink's severity are in the log, and need no telling again", async () => {
    const { alerts, lines, settled } = scene();
    await alerts.raise({ ...ALERT, severity: "info" });
    await alerts.raise({ ...ALERT, severity: "info" });
    expect(await settled()).to.deep.equal([]);
    expect(lines.filter(({ event }) => event === "alert_standing")).to.have.length(1);
  });

  it("reach the other sinks when one fails, and are told again when all fail", async () => {
    const { alerts, failing, sent, lines, settled } = scene();
    failing.add("a");
    await alerts.raise(ALERT);
    expect(await settled()).to.deep.equal(["b standing warning Low."]);
    expect(sent).to.have.members(["a failed", "b ok"]);
    await alerts.raise(ALERT);
    expect(await settled(), "b was told: nothing to repeat").to.deep.equal([]);

    failing.add("b");
    const other = { ...ALERT, key: "other" };
    await alerts.raise(other);
    expect(await settled()).to.deep.equal([]);
    failing.clear();
    await alerts.raise(other);
    expect(await settled()).to.have.length(2);
    expect(lines.filter(({ event }) => event === "alert_not_sent")).to.have.length(3);
    expect(JSON.stringify(lines)).not.to.include(SECRET);
  });

  it("keep no tick waiting for a slow sink, and keep their order at it", async () => {
    const told: string[] = [];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow: Sink = {
      name: "slow",
      minSeverity: "info",
      async send(given) {
        if (told.length === 0) await gate;
        told.push(given.state);
      },
    };
    const { log } = captureLog();
    const state = alertMemory(1_000);
    const now = (): number => AT.getTime();
    const alerts = createAlerts({ state, sinks: [slow], log, repeatAfterSeconds: REPEAT_SECONDS, now });
    await alerts.raise(ALERT);
    await alerts.clear(ALERT.key);
    alerts.tell({ ...ALERT, code: "KEEPER_STARTED", severity: "info" });
    expect(told).to.deep.equal([]);
    release();
    expect(await alerts.settled(5_000)).to.equal(true);
    expect(told).to.deep.equal(["standing", "resolved", "event"]);
  });

  it("that a stop leaves untold count as untold", async () => {
    const hung: Sink = { name: "hung", minSeverity: "info", send: () => new Promise(() => undefined) };
    const { log } = captureLog();
    const state = alertMemory(1_000);
    const now = (): number => AT.getTime();
    const alerts = createAlerts({ state, sinks: [hung], log, repeatAfterSeconds: REPEAT_SECONDS, now });
    await alerts.raise(ALERT);
    expect(await alerts.settled(20)).to.equal(false);
    const paces = { quietSeconds: REPEAT_SECONDS, lastingSeconds: REPEAT_SECONDS, afterSeconds: 0 };
    const again = await state.raise(ALERT, AT, REPEAT_SECONDS, paces);
    expect(again).to.equal(true);
  });

  it("do not pile up without end before a sink that hangs", async () => {
    const dropped: string[] = [];
    const hung: Sink = { name: "hung", minSeverity: "info", send: () => new Promise(() => undefined) };
    const { log } = captureLog();
    const alerts = createAlerts({
      state: alertMemory(1_000),
      sinks: [hung],
      log,
      repeatAfterSeconds: REPEAT_SECONDS,
      now: () => AT.getTime(),
      onSent: (_sink, result) => dropped.push(result),
    });
    for (let i = 0; i < 105; i++) alerts.tell({ ...ALERT, key: String(i) });
    expect(dropped).to.deep.equal(Array.from({ length: 5 }, () => "dropped"));
  });

  it("that are critical take the place of lesser ones before a sink that is full", async () => {
    const told: string[] = [];
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow: Sink = {
      name: "slow",
      minSeverity: "info",
      async send({ key }) {
        await gate;
        told.push(key);
      },
    };
    const state = alertMemory(1_000);
    const { lines, log } = captureLog();
    const alerts = createAlerts({
      state,
      sinks: [slow],
      log,
      repeatAfterSeconds: REPEAT_SECONDS,
      now: () => AT.getTime(),
    });
    for (let i = 0; i < 99; i++) alerts.tell({ ...ALERT, key: String(i) });
    await alerts.raise({ ...ALERT, key: "displaced" });
    for (const key of ["one", "two"]) {
      await alerts.raise({ ...ALERT, key, code: "EMERGENCY", severity: "critical" });
    }
    release();
    expect(await alerts.settled(5_000)).to.equal(true);
    expect(told).to.have.length(100);
    expect(told.slice(-2)).to.deep.equal(["one", "two"]);
    const dropped = lines.filter(({ event }) => event === "alert_dropped").map(({ key }) => key);
    expect(dropped, "the newest of the least").to.deep.equal(["displaced", "98"]);
    await alerts.raise({ ...ALERT, key: "displaced" });
    await alerts.settled(5_000);
    expect(told.at(-1), "was not told").to.equal("displaced");
  });

  const STATES: [what: string, open: () => Promise<{ state: AlertState; close: () => Promise<void> }>][] = [
    ["this process", () => Promise.resolve({ state: alertMemory(1_000), close: () => Promise.resolve() })],
    ...BACKENDS.map((backend): (typeof STATES)[number] => [
      `the store, ${backend}`,
      async () => {
        const database = await openDatabase(await emptyDatabase(backend));
        return { state: await Store.open(database), close: () => database.close() };
      },
    ]),
  ];
  for (const [what, open] of STATES) {
    describe(`kept in ${what}`, () => {
      const QUIET_SECONDS = 1_800;
      let opened: Awaited<ReturnType<typeof open>>;
      before(async () => (opened = await open()));
      after(() => opened.close());
      let alert: Alert;
      let count = 0;
      beforeEach(() => (alert = { ...ALERT, key: `key-${count++}` }));

      it("that come and go are told of once, and their end once, in half an hour", async () => {
        const { alerts, clock, settled } = scene(opened.state, ["a"], 10_000);
        for (let second = 0; second < 2 * QUIET_SECONDS; second += 25) {
          clock.now = AT.getTime() + second * 1_000;
          await (second % 50 === 0 ? alerts.raise(alert) : alerts.clear(alert.key));
        }
        expect(await settled()).to.deep.equal([
          "a standing warning Low.",
          "a resolved warning Low. 2026-01-02T03:04:05.000Z",
          "a standing warning Low.",
          "a resolved warning Low. 2026-01-02T03:34:05.000Z",
        ]);
      });

      it("that are back and stay are told of when half an hour has passed, then at the usual pace", async () => {
        const { alerts, clock, settled } = scene(opened.state, ["a"], 10_000);
        await alerts.raise(alert);
        await alerts.clear(alert.key);
        await settled();
        clock.now += 1_000 * (QUIET_SECONDS - 1);
        await alerts.raise(alert);
        expect(await settled()).to.deep.equal([]);
        clock.now += 1_000;
        await alerts.raise(alert);
        expect(await settled()).to.deep.equal(["a standing warning Low."]);
        clock.now += 1_000 * (REPEAT_SECONDS - 1);
        await alerts.raise(alert);
        expect(await settled()).to.deep.equal([]);
        clock.now += 1_000;
        await alerts.raise(alert);
        expect(await settled()).to.deep.equal(["a standing warning Low."]);
        await alerts.clear(alert.key);
        expect(await settled()).to.deep.equal(["a resolved warning Low. 2026-01-02T03:34:04.000Z"]);
      });

      for (const [severity, seconds] of [
        ["critical", 60],
        ["warning", 600],
      ] as const) {
        it(`that are ${severity}, back and stay are told of after ${seconds} s, once, then at the usual pace`, async () => {
          const { alerts, clock, settled } = scene(opened.state, ["a"], 10_000);
          const raise = (): Promise<void> => alerts.raise({ ...alert, severity });
          const after = async (from: number, to: number): Promise<string[]> => {
            for (let second = from; second <= to; second += 5) {
              clock.now = AT.getTime() + second * 1_000;
              await raise();
            }
            return settled();
          };
          await raise();
          await alerts.clear(alert.key);
          await settled();
          const back = 120;
          expect(await after(back, back + seconds - 5)).to.deep.equal([]);
          expect(await after(back + seconds, back + seconds + 300)).to.deep.equal([`a standing ${severity} Low.`]);
          clock.now = AT.getTime() + (back + seconds + REPEAT_SECONDS) * 1_000;
          await raise();
          expect(await settled()).to.deep.equal([`a standing ${severity} Low.`]);
          await alerts.clear(alert.key);
          expect(await settled()).to.deep.equal([`a resolved ${severity} Low. 2026-01-02T03:06:05.000Z`]);
        });
      }

      it("that are critical, and back and gone within a minute each time, are told of once in half an hour", async () => {
        const { alerts, clock, settled } = scene(opened.state, ["a"], 10_000);
        for (let second = 0; second < QUIET_SECONDS; second += 5) {
          clock.now = AT.getTime() + second * 1_000;
          // A minute there, the last five seconds of it gone.
          await (second % 60 < 55 ? alerts.raise({ ...alert, severity: "critical" }) : alerts.clear(alert.key));
        }
        expect(await settled()).to.deep.equal([
          "a standing critical Low.",
          "a resolved critical Low. 2026-01-02T03:04:05.000Z",
        ]);
      });

      it("that are back and worse, or urgent, are told of at once", async () => {
        const { alerts, clock, settled } = scene(opened.state, ["a"], 10_000);
        const urgent = { ...alert, key: `${alert.key}/urgent`, code: "EMERGENCY", severity: "critical" } as const;
        for (const { key } of [alert, urgent]) {
          await alerts.raise(key === alert.key ? alert : urgent);
          await alerts.clear(key);
        }
        expect(await settled()).to.have.length(4);
        clock.now += 1_000;
        await alerts.raise({ ...alert, severity: "critical" });
        await alerts.raise(urgent);
        expect(await settled()).to.deep.equal(["a standing critical Low.", "a standing critical Low."]);
      });

      it("that were told as critical and end as less are over for those who want only what is critical", async () => {
        const { alerts, settled } = scene(opened.state, ["a", "critical"], 10_000);
        await alerts.raise({ ...alert, severity: "critical", text: "Empty." });
        await alerts.raise(alert);
        expect(await settled()).to.have.length(2);
        await alerts.clear(alert.key);
        expect(await settled()).to.have.members([
          "a resolved critical Low. 2026-01-02T03:04:05.000Z",
          "critical resolved critical Low. 2026-01-02T03:04:05.000Z",
        ]);
      });

      it("that may pass are told when they have stood for a minute, or are known not to pass", async () => {
        const { alerts, clock, settled } = scene(opened.state, ["a"], 10_000);
        await alerts.note(alert);
        await alerts.clear(alert.key);
        await alerts.note(alert);
        expect(await settled()).to.deep.equal([]);
        await alerts.raise(alert);
        expect(await settled()).to.deep.equal(["a standing warning Low."]);
        await alerts.note({ ...alert, severity: "critical" });
        expect(await settled()).to.deep.equal([]);
        const lasting = { ...alert, key: `${alert.key}/lasting` };
        await alerts.note(lasting);
        clock.now += 59_000;
        await alerts.note(lasting);
        expect(await settled()).to.deep.equal([]);
        clock.now += 1_000;
        await alerts.note(lasting);
        expect(await settled()).to.deep.equal(["a standing warning Low."]);
        clock.now += 1_000;
        await alerts.clear(lasting.key);
        await alerts.note(lasting);
        expect(await settled()).to.deep.equal(["a resolved warning Low. 2026-01-02T03:04:05.000Z"]);
      });

      it("that nobody could be told before they ended are told at once when they are back", async () => {
        const { alerts, failing, settled } = scene(opened.state, ["a"], 10_000);
        failing.add("a");
        await alerts.raise(alert);
        await settled();
        await alerts.clear(alert.key);
        failing.clear();
        await alerts.raise(alert);
        expect(await settled()).to.deep.equal(["a standing warning Low."]);
      });
    });
  }

  it("of a state that comes and goes are told once, and their end once, in half an hour", async () => {
    const memory = alertMemory(1_000);
    let isBroken = true;
    const state: AlertState = {
      raise: (...args) => (isBroken ? Promise.reject(new Error("down")) : memory.raise(...args)),
      clear: (...args) => (isBroken ? Promise.reject(new Error("down")) : memory.clear(...args)),
      untold: (...args) => memory.untold(...args),
    };
    const { alerts, settled } = scene(state, ["a"]);
    const down: Alert = { key: "database", vault: null, code: "DATABASE", severity: "critical", text: "Down." };
    for (let i = 0; i < 10; i++) {
      isBroken = i % 2 === 0;
      await (isBroken ? alerts.raise(down) : alerts.clear(down.key));
    }
    expect(await settled()).to.deep.equal([
      "a standing critical Down.",
      "a resolved critical Down. 2026-01-02T03:04:05.000Z",
    ]);
  });

  for (const [how, broken] of [
    ["fails", () => Promise.reject(new Error(`postgres://keeper:${SECRET}@db/ballast: connection refused`))],
    ["hangs", () => new Promise<never>(() => undefined)],
  ] as const) {
    it(`are told by this process alone while their state ${how}, at the same pace`, async () => {
      const memory = alertMemory(1_000);
      let isBroken = true;
      const state: AlertState = {
        raise: (...args) => (isBroken ? broken() : memory.raise(...args)),
        clear: (...args) => (isBroken ? broken() : memory.clear(...args)),
        untold: (...args) => (isBroken ? broken() : memory.untold(...args)),
      };
      const { alerts, clock, failing, lines, settled } = scene(state, ["a"]);
      const down: Alert = { key: "DATABASE", vault: null, code: "DATABASE", severity: "warning", text: "Down." };
      failing.add("a");
      await alerts.raise(down);
      await settled();
      failing.clear();
      await alerts.raise(down);
      expect(await settled(), "the first was not told").to.deep.equal(["a standing warning Down."]);
      await alerts.raise(down);
      expect(await settled()).to.deep.equal([]);
      await alerts.raise({ ...down, severity: "critical" });
      expect(await settled(), "worse").to.deep.equal(["a standing critical Down."]);
      clock.now += REPEAT_SECONDS * 1_000;
      await alerts.raise({ ...down, severity: "critical" });
      expect(await settled(), "due").to.deep.equal(["a standing critical Down."]);
      isBroken = false;
      await alerts.clear(down.key);
      expect(await settled(), "over").to.deep.equal(["a resolved critical Down. 2026-01-02T03:04:05.000Z"]);
      await alerts.clear(down.key);
      expect(await settled()).to.deep.equal([]);
      expect(JSON.stringify(lines)).to.include("alert_state_failed").and.not.include(SECRET);
    });
  }
});

describe("a keeper's alerts of its nodes and ticks", () => {
  let proxies: RpcProxy[];
  let keeper: Keeper;
  let clock: { now: number };
  let lines: Record<string, unknown>[];

  before(async () => {
    const request = ({ method }: { method: string }): Promise<unknown> => {
      const timestamp = `0x${Math.floor(clock.now / 1_000).toString(16)}`;
      if (method === "eth_getBlockByNumber")
        return Promise.resolve({ number: "0x10", hash: `0x${"1".repeat(64)}`, timestamp });
      return Promise.resolve(method === "eth_chainId" ? "0x1" : "0x10");
    };
    proxies = await Promise.all([startRpcProxy({ request }), startRpcProxy({ request })]);
  });
  beforeEach(async () => {
    clock = { now: AT.getTime() };
    const captured = captureLog();
    ({ lines } = captured);
    const place = await emptyDatabase("embedded");
    const config = parseConfig(
      JSON.stringify({
        database: place,
        chains: { main: { chainId: 1, rpc: proxies.map(({ url }) => url) } },
        vaults: [{ name: "one", chain: "main", deployment: "d.json", out: "o" }],
      }),
      "test.yaml",
      {},
    );
    keeper = await openKeeper({
      config,
      environment: {},
      worker: "w",
      readDeployment: () => Promise.resolve({ chainId: "1" } as Deployment),
      log: captured.log,
      version: "1",
      now: () => clock.now,
    });
  });
  afterEach(async () => {
    for (const proxy of proxies) proxy.fail(null);
    await keeper.close();
  });
  after(() => Promise.all(proxies.map((proxy) => proxy.close())));

  /** What was told of, in order. */
  const told = (): string[] =>
    lines
      .filter(({ event }) => /^alert_/.test(String(event)))
      .map(({ event, code }) => `${String(event)} ${String(code)}`);
  const TROUBLE = "alert_standing RPC_TROUBLE";
  const OVER = "alert_resolved RPC_TROUBLE";
  /** Asks the chain when the first node's rest is over; the second answers where it does not. */
  async function ask(seconds = 1): Promise<void> {
    clock.now += seconds * 1_000;
    await keeper.chains.get("main")!.provider.send("eth_blockNumber", []);
  }
  /** Alerts of nodes are told beside what goes on. */
  async function toldAre(expected: string[]): Promise<void> {
    for (let tries = 0; tries < 200 && told().length < expected.length; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(told()).to.deep.equal(expected);
  }

  it("a node that fails now and then: none; that fails three times in a row: one, and one when it works", async () => {
    const down = { mode: "status", status: 503 } as const;
    for (let i = 0; i < 10; i++) {
      proxies[0]!.fail(down);
      await ask();
      proxies[0]!.fail(null);
      await ask();
    }
    proxies[0]!.fail(down);
    for (const seconds of [1, 1, 2]) await ask(seconds);
    await toldAre([TROUBLE]);
    expect((await keeper.store.alerts())[0]!.toldAt).to.deep.equal(new Date(clock.now));
    proxies[0]!.fail(null);
    await ask(4);
    await toldAre([TROUBLE, OVER]);
  });

  it("a node that is asked but seldom and fails: one, a minute later", async () => {
    proxies[0]!.fail({ mode: "status", status: 503 });
    await ask();
    await ask(60);
    await toldAre([TROUBLE]);
  });

  it("a node whose every answer is that it wants fewer requests: one, and no end in between", async () => {
    proxies[0]!.fail({ mode: "error", code: -32_005, message: "rate limit exceeded", methods: ["eth_blockNumber"] });
    for (let i = 0; i < 6; i++) await ask(2 ** i);
    proxies[0]!.fail(null);
    await ask(64);
    await toldAre([TROUBLE, OVER]);
  });

  for (const [how, fault] of [
    ["limits calls", { mode: "error", code: -32_005, message: "rate limit exceeded" }],
    ["does not answer calls", { mode: "refuse" }],
  ] as const) {
    it(`a node that answers for headers and ${how}: one, and one when it answers calls`, async () => {
      const tick = async (): Promise<void> => {
        clock.now += 900_000;
        await keeper.chains.get("main")!.agreeOnBlock();
        await ask();
      };
      const { provider } = keeper.chains.get("main")!;
      expect(await provider.send("eth_blockNumber", [])).to.equal("0x10");
      proxies[0]!.fail({ ...fault, methods: ["eth_blockNumber"] });
      for (let i = 0; i < 4; i++) await tick();
      await toldAre([TROUBLE]);
      expect(await keeper.store.alerts()).to.have.length(1);
      proxies[0]!.fail(null);
      await tick();
      await toldAre([TROUBLE, OVER]);
      expect(keeper.chains.get("main")!.health()[0]).to.deep.include({ state: "ok", failures: 0 });
    });
  }

  it("a batch that a node limits counts once, however many calls are in it", async () => {
    proxies[0]!.fail({ mode: "error", code: -32_005, message: "rate limit exceeded", methods: ["eth_blockNumber"] });
    await ask();
    const { provider } = keeper.chains.get("main")!;
    clock.now += 1_000;
    await Promise.all(Array.from({ length: 5 }, () => provider.send("eth_blockNumber", [])));
    expect(keeper.chains.get("main")!.health()[0]!.failures).to.equal(2);
  });

  async function run(error: Error): Promise<void> {
    const vault = keeper.vaults.get("one")!;
    vault.chain = { ...vault.chain, agree: () => Promise.reject(error) };
    await keeper.store.due("one", "2026-01-02T03:00Z", new Date(clock.now));
    await runSlot(keeper, "one", "2026-01-02T03:00Z", 60).catch(() => undefined);
  }

  it("a tick that may pass: shown at its first failure, told at its second", async () => {
    await run(new RpcUnavailable("it rests"));
    expect(told()).to.deep.equal([]);
    expect(await keeper.store.alerts()).to.have.length(1);
    clock.now += 25_000;
    await run(new RpcUnavailable("it rests"));
    expect(told()).to.deep.equal(["alert_standing TICK_FAILED"]);
  });

  it("a tick that nothing but a person mends: told at once", async () => {
    await run(new WrongChain("1", "2"));
    expect(told()).to.deep.equal(["alert_standing TICK_FAILED"]);
  });

  it("a tick of cron's, which nobody tries again: told at once", async () => {
    const vault = keeper.vaults.get("one")!;
    vault.chain = { ...vault.chain, agree: () => Promise.reject(new RpcUnavailable("it rests")) };
    await runOnce(keeper);
    expect(told()).to.deep.equal(["alert_standing TICK_FAILED"]);
  });
});
