import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parseConfig } from "../../src/keeper/config.ts";
import type { Observation } from "../../src/keeper/observe.ts";
import { startHeartbeat } from "../../src/keeper/ops/heartbeat.ts";
import { CannotListen, serveHttp } from "../../src/keeper/ops/http.ts";
import type { HttpEndpoint, HttpOptions } from "../../src/keeper/ops/http.ts";
import { createMetrics } from "../../src/keeper/ops/metrics.ts";
import { ERROR_CODES } from "../../src/keeper/tickErrors.ts";
import { rejection } from "../helpers/safeScene.ts";
import { outside } from "../support/ops/outside.ts";
import { startScriptedServer } from "../support/ops/scriptedServer.ts";
import type { ScriptedServer } from "../support/ops/scriptedServer.ts";
import { AT, SECRET, captureLog } from "../support/ops/capturedLog.ts";

describe("the keeper's log on standard error", () => {
  const LOGGER = `
    import { createLog } from ${JSON.stringify(new URL("../../src/keeper/ops/log.ts", import.meta.url).href)};
    const log = createLog({ form: "json", now: () => 0 });
    for (let i = 0; i < 3; i++) log.info("line", { i });
    setTimeout(() => process.stdout.write("alive"), 50);`;

  async function runLogger(stderr: "pipe" | number): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const cwd = fileURLToPath(new URL("../../", import.meta.url));
    const args = ["--import", "tsx", "--input-type=module", "-e", LOGGER];
    const child = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", stderr] });
    const output = { stdout: "", stderr: "" };
    child.stdout!.on("data", (part: Buffer) => (output.stdout += part.toString()));
    child.stderr?.on("data", (part: Buffer) => (output.stderr += part.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, ...output };
  }

  it("is written there, a line each", async () => {
    const { code, stderr } = await runLogger("pipe");
    expect(code).to.equal(0);
    expect(stderr.trim().split("\n")).to.have.length(3);
  });

  // Linux has a disk that is always full.
  if (existsSync("/dev/full")) {
    it("ends no keeper when the disk behind it is full", async () => {
      expect(await runLogger(openSync("/dev/full", "w"))).to.deep.include({ code: 0, stdout: "alive" });
    });
  }
});

const CONFIG = parseConfig(
  `chains: { main: { chainId: 1, rpc: ["https://rpc.example/${SECRET}", "https://u:${SECRET}@two.example"] } }
keys: { hot: { keystore: k.json } }
vaults:
  - { name: one, chain: main, deployment: d.json, out: o, key: hot, secondary: [{ name: other-source, of: base, feed: "0x${"1".repeat(40)}", maxAgeSeconds: 60, maxDisagreementBps: 50 }] }
`,
  "test.yaml",
  {},
);

describe("the keeper's metrics", () => {
  const observation = (changes: { navMid?: bigint; regime?: string } = {}): Observation =>
    ({
      evidence: {
        block: { timestamp: 1_000_000 },
        regime: { regime: changes.regime ?? "Elevated" },
        vault: { assetDecimals: 6 },
        feeds: {
          base: { updatedAt: 999_940 },
          asset: { updatedAt: 999_000, answer: "99000000", decimals: 8 },
          vix: { updatedAt: 900_000 },
          vix3m: { updatedAt: 1_000_010 },
        },
      },
      snapshot: {
        navMid: changes.navMid ?? 2_000_000_000_000n,
        measures: { netDeltaMinBps: -700n, netDeltaMaxBps: 300n, leverageBps: 25_000n },
      },
    }) as unknown as Observation;

  it("show a vault's state in the gauges' units", async () => {
    const metrics = createMetrics(CONFIG, "1.2.3", ["slack@hooks.example"]);
    metrics.observed("one", observation());
    metrics.tick("one", "INSIDE_BAND", 3, 1_000_060);
    metrics.step("one", "observe", 0.2);
    metrics.proposal("one", 999_000);
    metrics.openProposals("one", 2);
    metrics.keyBalance("hot", "main", 0.5);
    metrics.rpcRequest("main", CONFIG.chains["main"]!.rpc[0]!, "ok");
    metrics.rpcUp("main", CONFIG.chains["main"]!.rpc[1]!, false);
    metrics.feedDisagreement("one", "base", "other-source", 12);
    metrics.alertsStanding({ LOW_GAS: 1 });
    metrics.alertSent("slack@hooks.example", "failed");
    metrics.queueDepth(4);
    const text = await metrics.text();
    for (const line of [
      'ballast_regime{vault="one"} 1',
      'ballast_nav_usd{vault="one"} 1980000',
      'ballast_net_delta_bps{vault="one"} -700',
      'ballast_leverage_bps{vault="one"} 25000',
      'ballast_feed_age_seconds{vault="one",feed="base"} 60',
      'ballast_feed_age_seconds{vault="one",feed="vix"} 100000',
      'ballast_feed_age_seconds{vault="one",feed="vix3m"} 0',
      'ballast_ticks_total{vault="one",code="INSIDE_BAND"} 1',
      'ballast_tick_seconds_sum{vault="one"} 3',
      'ballast_step_seconds_count{vault="one",step="observe"} 1',
      'ballast_last_tick_timestamp_seconds{vault="one"} 1000060',
      'ballast_last_proposal_timestamp_seconds{vault="one"} 999000',
      'ballast_open_proposals{vault="one"} 2',
      'ballast_key_balance{key="hot",chain="main"} 0.5',
      'ballast_rpc_requests_total{chain="main",host="rpc.example",result="ok"} 1',
      'ballast_rpc_up{chain="main",host="two.example"} 0',
      'ballast_feed_disagreement_bps{vault="one",feed="base",source="other-source"} 12',
      'ballast_alerts_standing{code="LOW_GAS"} 1',
      'ballast_alerts_standing{code="DATABASE"} 0',
      'ballast_alerts_sent_total{sink="slack@hooks.example",result="failed"} 1',
      "ballast_queue_depth 4",
      'ballast_build_info{version="1.2.3"} 1',
    ]) {
      expect(text.split("\n"), line).to.include(line);
    }
    expect(text).to.include("process_resident_memory_bytes").and.not.include(SECRET);
  });

  it("show no old value for what is not known any more, and never NaN", async () => {
    const metrics = createMetrics(CONFIG, "1");
    metrics.observed("one", observation());
    metrics.keyBalance("hot", "main", 1);
    metrics.queueDepth(1);
    metrics.feedDisagreement("one", "base", "other-source", 1);
    metrics.observed("one", null);
    metrics.keyBalance("hot", "main", NaN);
    metrics.queueDepth(null);
    metrics.feedDisagreement("one", "base", "other-source", null);
    metrics.tick("one", "TICK_FAILED", NaN, Infinity);
    await metrics.text();
    const text = await metrics.text();
    expect(text)
      .not.to.match(/nan$/im)
      .and.not.match(/inf(inity)?$/im);
    for (const name of [
      "regime",
      "nav_usd",
      "feed_age_seconds",
      "key_balance",
      "queue_depth",
      "feed_disagreement_bps",
    ]) {
      expect(text, name).not.to.match(new RegExp(`^ballast_${name}[{ ]`, "m"));
    }
    expect(text).to.include('ballast_ticks_total{vault="one",code="TICK_FAILED"} 1');
  });

  it("take no label from outside their lists", async () => {
    const metrics = createMetrics(CONFIG, "1");
    for (let i = 0; i < 50; i++) {
      metrics.tick(`vault-${i}`, `CODE_${i}` as "PROPOSED", 1, 1);
      metrics.rpcRequest(`chain-${i}`, `https://host-${i}.example/${SECRET}`, "ok");
      metrics.feedDisagreement("one", "base", `source-${i}`, i);
    }
    const lines = (await metrics.text()).split("\n");
    expect(lines).to.include('ballast_ticks_total{vault="other",code="other"} 50');
    expect(lines).to.include('ballast_rpc_requests_total{chain="other",host="other",result="ok"} 50');
    expect(lines.filter((line) => line.startsWith("ballast_feed_disagreement_bps{"))).to.have.length(1);
  });

  it("count from 0, so that the first failure is an increase", async () => {
    const text = await createMetrics(CONFIG, "1", ["slack@hooks.example"]).text();
    for (const code of ["INSIDE_BAND", "MISSED", ...ERROR_CODES]) {
      expect(text.split("\n"), code).to.include(`ballast_ticks_total{vault="one",code="${code}"} 0`);
    }
    expect(text).to.include('ballast_alerts_sent_total{sink="slack@hooks.example",result="dropped"} 0');
  });

  it("of two keepers in one process are apart", async () => {
    const [one, two] = [createMetrics(CONFIG, "1"), createMetrics(CONFIG, "2")];
    one.queueDepth(1);
    expect(await two.text()).not.to.match(/^ballast_queue_depth /m);
  });
});

describe("the keeper's health over HTTP", () => {
  const clock = { now: AT.getTime() };
  const state = { reasons: [] as string[], beat: AT.getTime(), asked: 0 };
  let endpoint: HttpEndpoint;
  let base: string;
  let unready: HttpOptions["unready"];

  before(async () => {
    endpoint = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      metrics: createMetrics(CONFIG, "1"),
      unready: () => (state.asked++, unready()),
      lastBeat: () => state.beat,
      maxBeatAgeSeconds: 60,
      now: () => clock.now,
      answerTimeoutMs: 100,
    });
    base = `http://127.0.0.1:${endpoint.port}`;
  });
  beforeEach(() => {
    Object.assign(state, { reasons: [], beat: AT.getTime(), asked: 0 });
    unready = () => Promise.resolve(state.reasons);
  });
  after(() => endpoint.close());

  it("/metrics is what Prometheus reads", async () => {
    const answer = await fetch(`${base}/metrics?x=1`);
    expect(answer.status).to.equal(200);
    expect(answer.headers.get("content-type")).to.include("text/plain").and.include("version=0.0.4");
    expect(await answer.text()).to.include("ballast_build_info");
  });

  it("/healthz is 200 while the loop turns, whatever else is wrong, and 503 when it stands", async () => {
    state.reasons = ["no database"];
    const healthz = async (): Promise<number> => (await fetch(`${base}/healthz`)).status;
    expect(await healthz()).to.equal(200);
    state.beat = AT.getTime() - 60_000;
    expect(await healthz()).to.equal(200);
    state.beat -= 1;
    expect(await healthz()).to.equal(503);
    state.beat = AT.getTime() + 3_600_000;
    expect(await healthz(), "a clock set back").to.equal(200);
  });

  it("/readyz is 200 when nothing is missing, else 503 with what is", async () => {
    const readyz = async () => {
      const answer = await fetch(`${base}/readyz`);
      return { status: answer.status, body: await answer.json() };
    };
    expect(await readyz()).to.deep.equal({ status: 200, body: { ready: true, reasons: [] } });
    state.reasons = ["database: none", `main: no RPC of https://rpc.example/${SECRET}`];
    expect(await readyz()).to.deep.equal({
      status: 503,
      body: { ready: false, reasons: ["database: none", "main: no RPC of rpc.example"] },
    });
  });

  it("/readyz is 503 when the check fails or hangs, and says nothing of why", async () => {
    for (const broken of [() => Promise.reject(new Error(SECRET)), () => new Promise<never>(() => undefined)]) {
      unready = broken;
      const answer = await fetch(`${base}/readyz`);
      expect(answer.status).to.equal(503);
      expect(await answer.text()).not.to.include(SECRET);
    }
    unready = () => Promise.resolve([]);
    expect((await fetch(`${base}/readyz`)).status, "a check that hung is asked again").to.equal(200);
  });

  it("/status that takes long is worked out once, however often it is asked for", async () => {
    let [asked, release] = [0, (): void => undefined];
    const slow = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      metrics: createMetrics(CONFIG, "1"),
      unready: () => Promise.resolve([]),
      lastBeat: () => state.beat,
      maxBeatAgeSeconds: 60,
      now: () => clock.now,
      answerTimeoutMs: 40,
      status: () => {
        asked++;
        return new Promise((resolve) => (release = () => resolve({ as: "it stands" })));
      },
    });
    try {
      const ask = (): Promise<Response> => fetch(`http://127.0.0.1:${slow.port}/status`);
      for (let times = 0; times < 3; times++) expect((await ask()).status).to.equal(503);
      expect(asked).to.equal(1);
      release();
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect((await ask()).status).to.equal(503);
      expect(asked, "anew once it was answered").to.equal(2);
    } finally {
      release();
      await slow.close();
    }
  });

  it("asks once for many who ask at the same time", async () => {
    unready = async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [];
    };
    const ask = async (): Promise<number> => (await fetch(`${base}/readyz`)).status;
    expect(await Promise.all(Array.from({ length: 20 }, ask))).to.deep.equal(Array.from({ length: 20 }, () => 200));
    expect(state.asked).to.equal(1);
    expect(await ask()).to.equal(200);
    expect(state.asked).to.equal(2);
  });

  it("has nothing else, takes nothing else, and reads no bodies", async () => {
    for (const path of ["/", "/metrics/", "/__proto__", "/constructor", "//metrics"]) {
      expect((await fetch(`${base}${path}`)).status, path).to.equal(404);
    }
    const posted = await fetch(`${base}/metrics`, { method: "POST", body: "x" });
    expect(posted.status).to.equal(405);
    expect(posted.headers.get("allow")).to.equal("GET, HEAD");
    const head = await fetch(`${base}/healthz`, { method: "HEAD" });
    expect(head.status).to.equal(200);
    expect(await head.text()).to.equal("");
    expect(await raw("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")).to.match(
      /^HTTP\/1\.1 413 /,
    );
    expect(await raw(`GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`)).to.match(
      /^HTTP\/1\.1 431 /,
    );
  });

  /** What the server sends back for these bytes until it closes. */
  async function raw(text: string): Promise<string> {
    const socket = connect(endpoint.port, "127.0.0.1");
    let back = "";
    socket.setEncoding("utf8").on("data", (part: string) => (back += part));
    socket.on("error", () => undefined);
    socket.write(text);
    await once(socket, "close");
    return back;
  }

  it("says how to mend a port that is taken", async () => {
    const { port } = endpoint;
    const options = { host: "127.0.0.1", port, metrics: createMetrics(CONFIG, "1"), unready, lastBeat: () => 0 };
    const error = await rejection(serveHttp({ ...options, maxBeatAgeSeconds: 1, now: () => 0 }));
    expect(error).to.be.instanceOf(CannotListen);
    expect(String(error)).to.include(`127.0.0.1:${port} (EADDRINUSE)`).and.include("http.port");
  });

  it("closes: answers what is under way, drops idle connections, takes no more", async () => {
    let finish = (): void => undefined;
    const apart = await serveHttp({
      host: "127.0.0.1",
      port: 0,
      metrics: createMetrics(CONFIG, "1"),
      unready: () => new Promise((resolve) => (finish = () => resolve([]))),
      lastBeat: () => state.beat,
      maxBeatAgeSeconds: 60,
      now: () => clock.now,
      closeGraceMs: 200,
    });
    const idle = connect(apart.port, "127.0.0.1");
    await once(idle, "connect");
    const underWay = fetch(`http://127.0.0.1:${apart.port}/readyz`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const closing = apart.close();
    finish();
    expect((await underWay).status).to.equal(200);
    await closing;
    expect(await rejection(fetch(`http://127.0.0.1:${apart.port}/healthz`))).to.be.instanceOf(TypeError);
    idle.destroy();
  });
});

describe("the keeper's heartbeat", () => {
  let server: ScriptedServer;
  beforeEach(async () => (server = await startScriptedServer()));
  afterEach(() => server.close());

  /** A heartbeat whose timer fires when told to. */
  function scene(isHealthy: () => Promise<boolean>, path = `/${SECRET}`) {
    let due: (() => void) | null = null;
    const waits: number[] = [];
    const { lines, log } = captureLog();
    const heart = startHeartbeat({
      url: `${server.url}${path}`,
      everySeconds: 300,
      isHealthy,
      log,
      outside: outside(),
      timers: {
        set(action, milliseconds) {
          waits.push(milliseconds);
          due = action;
          return action;
        },
        clear: (timer) => {
          if (due === timer) due = null;
        },
      },
    });
    const rested = async (): Promise<void> => {
      while (due === null) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    return {
      heart,
      lines,
      waits,
      rested,
      isArmed: () => due !== null,
      next: async (): Promise<void> => {
        await rested();
        const fire = due!;
        due = null;
        fire();
        await rested();
      },
    };
  }

  it("pings at once and every so often", async () => {
    const { next, rested, waits, heart } = scene(() => Promise.resolve(true));
    await rested();
    expect(server.received.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([`GET /${SECRET}`]);
    await next();
    expect(server.received).to.have.length(2);
    expect(waits).to.deep.equal([300_000, 300_000]);
    heart.stop();
  });

  it("falls silent while the keeper is not healthy or does not know, and comes back", async () => {
    const answers: (() => Promise<boolean>)[] = [
      () => Promise.resolve(false),
      () => Promise.reject(new Error("no database")),
      () => Promise.resolve(true),
    ];
    const { next, rested, lines, heart } = scene(() => answers.shift()!());
    await rested();
    await next();
    expect(server.received).to.have.length(0);
    await next();
    expect(server.received).to.have.length(1);
    expect(lines.map(({ event }) => event)).to.deep.equal(["heartbeat_held_back", "heartbeat_sent"]);
    heart.stop();
  });

  it("survives an endpoint that fails, and logs no more of its URL than the host", async () => {
    server.script({ status: 500 }, (response) => response.destroy(), { status: 200 });
    const { next, rested, lines, heart } = scene(() => Promise.resolve(true));
    await rested();
    await next();
    await next();
    expect(server.received).to.have.length(3);
    expect(lines.map(({ event }) => event)).to.deep.equal(["heartbeat_failed", "heartbeat_sent"]);
    expect(JSON.stringify(lines)).to.include(server.host).and.not.include(SECRET);
    heart.stop();
  });

  it("stops, also in the middle of a ping", async () => {
    let release = (_isHealthy: boolean): void => undefined;
    const { heart, isArmed } = scene(() => new Promise((resolve) => (release = resolve)));
    heart.stop();
    release(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(isArmed()).to.equal(false);
  });
});
