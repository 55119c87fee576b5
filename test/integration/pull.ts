import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { strToU8, zipSync } from "fflate";
import { addDays, dayNumber } from "../../src/market/calendar.ts";
import { DATA_FILE_NAMES, SERIES_SOURCES } from "../../src/market/catalogue.ts";
import { readDataset } from "../../src/market/files.ts";
import { MANIFEST_FILE, pull } from "../../src/market/pull.ts";
import type { PulledFile, PullOptions, PullProgress } from "../../src/market/pull.ts";
import { BROUGHT_FILES, PULL_SOURCES, SOURCE_URLS } from "../../src/market/sources.ts";
import type { SourceName } from "../../src/market/sources.ts";

const PATIENCE = { retries: 3, firstWaitMs: 5, timeoutMs: 400 };
const sha256 = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex");
const seconds = (text: string): number => Date.parse(text) / 1_000;

type Answer = string | Uint8Array | ((response: ServerResponse) => void);
/** What the server answers to an address: one answer for ever, or one a request, the last for ever. */
type Routes = Record<string, Answer | readonly Answer[]>;

/** A server in the place of all sources; the first part of the path is the source's name. */
class Sources {
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #counts = new Map<string, number>();
  routes: Routes = {};

  private constructor() {
    this.#server = createServer((request, response) => {
      const address = request.url!;
      this.asked.push(address);
      const path = address in this.routes ? address : address.split("?")[0]!;
      const route = this.routes[path];
      const count = this.#counts.get(path) ?? 0;
      this.#counts.set(path, count + 1);
      const answer = Array.isArray(route) ? (route as Answer[])[Math.min(count, route.length - 1)] : (route as Answer);
      if (answer === undefined) response.writeHead(404).end();
      else if (typeof answer === "function") answer(response);
      else response.end(answer);
    });
  }

  static async open(): Promise<Sources> {
    const sources = new Sources();
    await new Promise<void>((resolve) => sources.#server.listen(0, "127.0.0.1", resolve));
    return sources;
  }

  get urls(): Record<SourceName, string> {
    const { port } = this.#server.address() as AddressInfo;
    const names = Object.keys(SOURCE_URLS) as SourceName[];
    return Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${port}/${name}`])) as Record<
      SourceName,
      string
    >;
  }

  /** The addresses asked since the last call. */
  asks(): string[] {
    return this.asked.splice(0);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end("not now");
const hang: Answer = () => undefined;
/** Says it sends more than it does. */
const cut =
  (body: string): Answer =>
  (response) => {
    response.writeHead(200, { "content-length": body.length });
    response.write(body.slice(0, body.length / 2));
    setTimeout(() => response.destroy(), 20);
  };

const CBOE = "/cboe/api/global/us_indices/daily_prices";
const VIX = `${CBOE}/VIX_History.csv`;
const vixFile = (...rows: [string, number][]): string =>
  `DATE,OPEN,HIGH,LOW,CLOSE\r\n${rows.map(([date, v]) => `${date},${v},${v + 1},${v - 1},${v}.500000\r\n`).join("")}`;

describe("pull", () => {
  let dir: string;
  let sources: Sources;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "ballast-pull-"));
    sources = await Sources.open();
  });
  afterEach(async () => {
    await sources.close();
    await rm(dir, { recursive: true });
  });

  const run = async (options: Partial<PullOptions> & { now: number }): Promise<PulledFile[]> => {
    const { files } = await pull({ dir, urls: sources.urls, patience: PATIENCE, ...options });
    return [...files];
  };
  const one = async (file: string, now: string, more: Partial<PullOptions> = {}): Promise<PulledFile> => {
    const [pulled] = await run({ now: seconds(now), only: [file], ...more });
    return pulled!;
  };
  const text = (file: string): Promise<string> => readFile(join(dir, file), "utf8");

  it("knows every file of the data folder, as pulled or as brought, with the columns that are read", () => {
    const files = [...PULL_SOURCES, ...BROUGHT_FILES].map(({ file }) => file);
    expect([...files].sort()).to.deep.equal([...DATA_FILE_NAMES].sort());
    const columnsOf = new Map([...PULL_SOURCES, ...BROUGHT_FILES].map(({ file, columns }) => [file, columns]));
    for (const { file, column } of SERIES_SOURCES) expect(columnsOf.get(file), file).to.include(column);
  });

  describe("reads each source's layout", () => {
    const layouts: [file: string, path: string, answer: Answer, expected: string][] = [
      [
        "vix.csv",
        VIX,
        vixFile(["01/02/2020", 12], ["01/03/2020", 14]),
        "date,open,high,low,close\n2020-01-02,12,13,11,12.5\n2020-01-03,14,15,13,14.5\n",
      ],
      ["vix3m.csv", `${CBOE}/VIX3M_History.csv`, vixFile(["01/02/2020", 12]), "date,close\n2020-01-02,12.5\n"],
      ["vvix.csv", `${CBOE}/VVIX_History.csv`, "DATE,VVIX\n1/2/2020,80.25\n", "date,close\n2020-01-02,80.25\n"],
      [
        "gdp.csv",
        "/fred/graph/fredgraph.csv",
        "observation_date,GDP\n2019-07-01,100.5\n2019-10-01,.\n",
        "date,value\n2019-07-01,100.5\n",
      ],
      [
        "spx.csv",
        "/stooq/q/d/l/",
        "Date,Open,High,Low,Close,Volume\n1789-05-01,0.5,0.5,0.5,0.5,\n2020-01-02,9,9,9,10,7\n",
        "date,close\n2020-01-02,10\n",
      ],
      [
        "reer_us.csv",
        "/bis/api/v1/data/WS_EER/M.R.B.US",
        "FREQ,REF_AREA,TIME_PERIOD,OBS_VALUE\nM,US,2019-11,101\nM,US,2019-10,100\n",
        "date,value\n2019-10-01,100\n2019-11-01,101\n",
      ],
      [
        "btc_close_2014.csv",
        "/coinmetrics/v4/timeseries/asset-metrics",
        JSON.stringify({ data: [{ asset: "btc", time: "2020-01-02T00:00:00.000000000Z", PriceUSD: "7000.25" }] }),
        "date,close\n2020-01-02,7000.25\n",
      ],
    ];
    for (const [file, path, answer, expected] of layouts) {
      it(file, async () => {
        sources.routes = { [path]: answer };
        expect(await one(file, "2020-01-10T12:00:00Z")).to.include({ status: "updated", error: null });
        expect(await text(file)).to.equal(expected);
      });
    }
  });

  it("makes a folder that the reader takes, with a manifest of what is in it", async () => {
    sources.routes = {
      [VIX]: vixFile(["01/02/2020", 12]),
      "/fred/graph/fredgraph.csv": "observation_date,X\n2020-01-02,5\n",
    };
    await writeFile(join(dir, "put_call.csv"), "date,total,index,equity\n2020-01-02,1,1,1\n");
    const { bring } = await pull({
      ...{ dir, urls: sources.urls, patience: PATIENCE, now: seconds("2020-01-10T12:00:00Z") },
      only: ["vix.csv", "treasury_2y.csv"],
    });
    expect([...(await readDataset(dir)).series.keys()]).to.have.members([
      ...["vix", "treasury2y", "putCallTotal", "putCallIndex", "putCallEquity"],
    ]);
    const { files } = JSON.parse(await text(MANIFEST_FILE)) as { files: Record<string, Record<string, unknown>> };
    expect(files["vix.csv"]).to.deep.include({ sha256: sha256(await text("vix.csv")), rows: 1, from: "2020-01-02" });
    expect(files["vix.csv"]!["source"]).to.contain("/cboe/api/");
    expect(files["put_call.csv"]).to.deep.equal({ sha256: sha256(await text("put_call.csv")), brought: true });
    expect(bring.find(({ file }) => file === "put_call.csv")!.present).to.equal(true);
    expect(bring.find(({ file }) => file === "events.csv")!.present).to.equal(false);
  });

  it("drops the bar of a day that is not over, and takes it when it is", async () => {
    sources.routes = { [VIX]: vixFile(["01/02/2020", 12], ["01/03/2020", 14]) };
    const early = await one("vix.csv", "2020-01-03T20:59:00Z"); // an hour before the close
    expect(early).to.include({ status: "updated", to: "2020-01-02" });
    expect(early.notes).to.deep.equal(["not final yet, left out: 2020-01-03"]);
    expect(await one("vix.csv", "2020-01-03T22:00:00Z")).to.include({ added: 1, to: "2020-01-03" });
    const bar = (date: string): unknown[] => [seconds(date) * 1_000, "1", "1", "1", "1", "1", 0];
    sources.routes = { "/binance-spot/api/v3/klines": JSON.stringify([bar("2020-01-01"), bar("2020-01-02")]) };
    const bars = { from: "2020-01-01" };
    expect(await one("btc.csv", "2020-01-02T23:59:59Z", bars)).to.include({ rows: 1, to: "2020-01-01" });
    expect(await one("btc.csv", "2020-01-03T00:00:00Z", bars)).to.include({ added: 1, to: "2020-01-02" });
  });

  describe("is patient", () => {
    const body = vixFile(["01/02/2020", 12]);
    const patient: [string, Answer[]][] = [
      ["a server that is busy", [status(503), status(500), body]],
      ["a limit with a pause to keep", [status(429, { "retry-after": "1" }), body]],
      ["a server that does not answer", [hang, body]],
      ["a body that ends too soon", [cut(body), body]],
    ];
    for (const [what, answers] of patient) {
      it(`with ${what}`, async () => {
        sources.routes = { [VIX]: answers };
        const began = performance.now();
        expect(await one("vix.csv", "2020-01-10T12:00:00Z")).to.include({ status: "updated", rows: 1 });
        expect(sources.asked).to.have.length(answers.length);
        if (what.includes("pause")) expect(performance.now() - began).to.be.greaterThan(990);
      });
    }

    const hopeless: [string, Answer, number, string][] = [
      ["what is not there", status(404), 1, "it answered 404"],
      ["what is forbidden", status(403), 1, "it answered 403"],
      ["a server that is down for good", status(502), 4, "it answered 502"],
      ["a pause of an hour", status(429, { "retry-after": "3600" }), 1, "come back in 60 minutes"],
      [
        "a page for people",
        "<!doctype html><html>Exceeded the daily hits limit</html>",
        1,
        "not what it used to answer",
      ],
      ["no rows", "DATE,OPEN,HIGH,LOW,CLOSE\n", 1, "the source answered nothing only"],
      ["a word for a number", "DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2020,1,1,1,n/a\n", 1, "'n/a' is not a number"],
      ["a day twice", vixFile(["01/02/2020", 12], ["01/02/2020", 13]), 1, "2020-01-02 is there twice"],
      ["a line cut in two", "DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2020,1,1,1,1\n01/03/20", 1, "not what it used to answer"],
    ];
    for (const [what, answer, asks, problem] of hopeless) {
      it(`but not with ${what}`, async () => {
        sources.routes = { [VIX]: answer };
        const pulled = await one("vix.csv", "2020-01-10T12:00:00Z");
        expect(pulled).to.include({ status: "failed", rows: 0 });
        expect(pulled.error).to.contain(problem).and.to.match(/vix/i);
        expect(sources.asked).to.have.length(asks);
        expect(await readdir(dir)).to.deep.equal([MANIFEST_FILE]);
      });
    }
  });

  it("names what failed and keeps the rest", async () => {
    sources.routes = { [VIX]: status(404), [`${CBOE}/VIX9D_History.csv`]: vixFile(["01/02/2020", 12]) };
    const files = await run({ now: seconds("2020-01-10T12:00:00Z"), only: ["vix.csv", "vix9d.csv"] });
    expect(files.map(({ file, status: how }) => [file, how])).to.deep.equal([
      ["vix.csv", "failed"],
      ["vix9d.csv", "updated"],
    ]);
  });

  it("asks another source when the first has nothing, and says so", async () => {
    sources.routes = { "/fred/graph/fredgraph.csv": "DATE,SP500\n2020-01-02,10\n" };
    const pulled = await one("spx.csv", "2020-01-10T12:00:00Z");
    expect(pulled).to.include({ status: "updated", rows: 1 });
    expect(pulled.notes[0]).to.match(/^stooq failed, fred was asked instead: .*404/);
  });

  describe("of what is stored", () => {
    const week = ["01/02/2020", "01/03/2020", "01/06/2020"] as const;
    const stored = "date,open,high,low,close\n2020-01-02,12,13,11,12.5\n2020-01-03,14,15,13,14.5\n";
    beforeEach(() => writeFile(join(dir, "vix.csv"), stored));

    it("keeps rows that the source now gives otherwise, and names the first", async () => {
      sources.routes = { [VIX]: vixFile([week[0], 12], [week[1], 99], [week[2], 13]) };
      const pulled = await one("vix.csv", "2020-01-10T12:00:00Z");
      expect(pulled).to.include({ status: "updated", added: 1 });
      expect(pulled.notes).to.deep.equal([
        "1 stored rows disagree with the source and are kept (first 2020-01-03: stored 14 15 13 14.5, source 99 100 98 99.5)",
      ]);
      expect(await text("vix.csv")).to.equal(`${stored}2020-01-06,13,14,12,13.5\n`);
    });

    it("leaves the file alone when there is nothing new", async () => {
      sources.routes = { [VIX]: vixFile([week[0], 12], [week[1], 14]) };
      expect(await one("vix.csv", "2020-01-10T12:00:00Z")).to.include({ status: "unchanged", added: 0, rows: 2 });
      expect(await text("vix.csv")).to.equal(stored);
    });

    it("fills a gap, asked to begin before it", async () => {
      await writeFile(join(dir, "vix.csv"), `${stored}2020-02-03,12,13,11,12.5\n`);
      const all = vixFile([week[0], 12], [week[1], 14], [week[2], 13], ["02/03/2020", 12]);
      sources.routes = { [VIX]: all };
      expect(await one("vix.csv", "2020-02-10T12:00:00Z"), "only from a week before the end").to.include({ added: 0 });
      expect(await one("vix.csv", "2020-02-10T12:00:00Z", { from: "2020-01-01" })).to.include({ added: 1 });
      expect(await text("vix.csv")).to.contain("\n2020-01-06,13,14,12,13.5\n2020-02-03");
    });

    const refused: [string, Answer, string][] = [
      [
        "a file cut at the end of a line",
        vixFile([week[0], 12]),
        "stored is 2020-01-02 to 2020-01-03, the source answered 2020-01-02 to 2020-01-02",
      ],
      ["a cut body", cut(vixFile([week[0], 12], [week[1], 14])), "again later"],
      ["an error page", "<html>", "not what it used to answer"],
    ];
    for (const [what, answer, problem] of refused) {
      it(`does not lose a byte to ${what}`, async () => {
        sources.routes = { [VIX]: answer };
        const pulled = await one("vix.csv", "2020-01-10T12:00:00Z");
        expect(pulled).to.include({ status: "failed", rows: 2 });
        expect(pulled.error).to.contain(problem);
        expect(await text("vix.csv")).to.equal(stored);
      });
    }

    it("goes on past what an interrupted pull left behind", async () => {
      await writeFile(join(dir, ".vix.csv.part"), "date,open,hi");
      sources.routes = { [VIX]: vixFile([week[0], 12], [week[1], 14], [week[2], 13]) };
      expect(await one("vix.csv", "2020-01-10T12:00:00Z")).to.include({ added: 1 });
      expect(await readdir(dir)).to.have.members(["vix.csv", MANIFEST_FILE]);
    });

    it("says when a file was changed by hand since", async () => {
      sources.routes = { [VIX]: vixFile([week[0], 12], [week[1], 14], [week[2], 13]) };
      await one("vix.csv", "2020-01-10T12:00:00Z");
      await writeFile(join(dir, "vix.csv"), stored);
      expect((await one("vix.csv", "2020-01-10T12:00:00Z")).notes).to.deep.equal([
        "changed by hand since the last pull",
      ]);
    });

    it("refuses a file or a manifest of another shape", async () => {
      await writeFile(join(dir, "vix.csv"), "date,close\n2020-01-02,12.5\n");
      expect((await one("vix.csv", "2020-01-10T12:00:00Z")).error).to.contain("its header is 'date,close'");
      await writeFile(join(dir, MANIFEST_FILE), "{}");
      let thrown: unknown;
      await one("vix.csv", "2020-01-10T12:00:00Z").catch((error: unknown) => (thrown = error));
      expect(thrown).to.have.property("name", "StoredFileError");
    });
  });

  it("takes a revised series as a whole, says what was revised, and refuses a shorter one", async () => {
    const fred = (...values: string[]): Routes => ({
      "/fred/graph/fredgraph.csv": `observation_date,CPI\n${values.map((v, i) => `2020-0${i + 1}-01,${v}\n`).join("")}`,
    });
    sources.routes = fred("100", "101");
    await one("cpi.csv", "2020-03-20T00:00:00Z");
    sources.routes = fred("100.5", "101", "102");
    const pulled = await one("cpi.csv", "2020-04-20T00:00:00Z");
    expect(pulled).to.include({ status: "updated", added: 1, rows: 3 });
    expect(pulled.notes).to.deep.equal(["1 older values were revised (first 2020-01-01: stored 100, source 100.5)"]);
    const now = await text("cpi.csv");
    expect(now).to.equal("date,value\n2020-01-01,100.5\n2020-02-01,101\n2020-03-01,102\n");
    sources.routes = fred("100.5", "101");
    expect((await one("cpi.csv", "2020-05-20T00:00:00Z")).error).to.contain("2020-01-01 to 2020-03-01");
    expect(await text("cpi.csv")).to.equal(now);
  });

  describe("of Binance", () => {
    const bar = (date: string, unit: number): (string | number)[] => {
      const close = 100 + (dayNumber(date) % 50);
      return [seconds(date) * unit, `${close}.10000000`, `${close + 1}`, `${close - 1}`, String(close), "5.5", 0, "0"];
    };
    const days = (from: string, count: number): string[] => Array.from({ length: count }, (_, i) => addDays(from, i));
    const archive = (month: string, csv: string): Routes => {
      const path = `/binance-archive/data/spot/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-${month}.zip`;
      const zip = zipSync({ [`BTCUSDT-1d-${month}.csv`]: strToU8(csv) });
      return { [path]: zip, [`${path}.CHECKSUM`]: `${sha256(zip)}  BTCUSDT-1d-${month}.zip\n` };
    };
    const month = (from: string, count: number, unit: number, header = ""): Routes =>
      archive(
        from.slice(0, 7),
        header +
          days(from, count)
            .map((date) => `${bar(date, unit).join(",")}\n`)
            .join(""),
      );
    const recent = (from: string, count: number): Routes => ({
      "/binance-spot/api/v3/klines": JSON.stringify(days(from, count).map((date) => bar(date, 1_000))),
    });
    const archives = {
      ...month("2024-11-01", 30, 1_000),
      ...month("2024-12-01", 31, 1_000, "open_time,open,high,low,close,volume,close_time,quote_volume\n"),
      ...month("2025-01-01", 31, 1_000_000), // microseconds from 2025 on
    };
    const now = "2025-02-05T12:00:00Z";
    const from = "2024-11-01";

    it("reads the archive of finished months, and the rest from the server", async () => {
      sources.routes = { ...archives, ...recent("2025-02-01", 5) };
      const seen: PullProgress[] = [];
      const pulled = await one("btc.csv", now, { from, onProgress: (progress) => seen.push(progress) });
      expect(pulled).to.include({ status: "updated", rows: 30 + 31 + 31 + 4, to: "2025-02-04", error: null });
      expect(pulled.notes).to.deep.equal(["not final yet, left out: 2025-02-05"]);
      const lines = (await text("btc.csv")).trimEnd().split("\n");
      expect(lines[0]).to.equal("date,open,high,low,close,volume");
      expect(lines.slice(1).map((line) => line.slice(0, 10))).to.deep.equal(days(from, 96));
      expect(lines[1]).to.equal("2024-11-01,128.1,129,127,128,5.5");
      expect(seen.map(({ done, of }) => `${done}/${of}`)).to.deep.equal(["1/3", "2/3", "3/3", "4/4"]);
      const asked = sources.asks().filter((path) => path.includes("klines?"));
      expect(asked, "from the end of the archive on").to.have.length(1);
      expect(asked[0]).to.contain(`startTime=${seconds("2025-01-31") * 1_000 + 1}&limit=1000`);
    });

    it("asks only for what is missing since the last row, and a week to compare", async () => {
      sources.routes = { ...archives, ...recent("2025-02-01", 5) };
      await one("btc.csv", now, { from });
      sources.asks();
      sources.routes = recent("2025-02-03", 20);
      const pulled = await one("btc.csv", "2025-02-20T12:00:00Z");
      expect(pulled.notes[0], "the week before reaches into January, whose archive is gone").to.match(/404|not final/);
      expect(pulled).to.include({ added: 15, to: "2025-02-19" });
      const asked = sources.asks();
      expect(asked).to.have.length(2);
      expect(asked[0]).to.contain("BTCUSDT-1d-2025-01.zip");
      expect(asked[1]).to.contain(`startTime=${seconds("2025-01-28") * 1_000}`);
    });

    it("believes no archive that is not what was published, keeps what came before, and goes on from there", async () => {
      const december = "/binance-archive/data/spot/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2024-12.zip";
      sources.routes = {
        ...archives,
        ...recent("2025-02-01", 5),
        [`${december}.CHECKSUM`]: `${"0".repeat(64)}  x.zip`,
      };
      const pulled = await one("btc.csv", now, { from });
      expect(pulled).to.include({ status: "partial", rows: 30, to: "2024-11-30" });
      expect(pulled.error)
        .to.contain("BTCUSDT-1d-2024-12.zip: its SHA-256 is")
        .and.to.contain(`published is ${"0".repeat(64)}`);
      expect(
        sources.asks().filter((path) => path === december),
        "tried again",
      ).to.have.length(4);

      sources.routes = { ...archives, ...recent("2025-02-01", 5) };
      expect(await one("btc.csv", now)).to.include({ status: "updated", added: 66, to: "2025-02-04" });
      expect(sources.asks()[0], "November was there").to.contain("2024-11.zip");
      expect((await text("btc.csv")).split("\n")).to.have.length(98);
    });

    it("finds a damaged archive by its sum, and reads it when it comes whole", async () => {
      const january = "/binance-archive/data/spot/monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2025-01.zip";
      const whole = archives[january] as Uint8Array;
      sources.routes = { ...archives, ...recent("2025-02-01", 4), [january]: [whole.slice(0, 200), whole] };
      expect(await one("btc.csv", now, { from: "2025-01-01" })).to.include({ status: "updated", rows: 35 });
    });

    it("waits for the archive of the month just over, which the server has", async () => {
      sources.routes = { ...month("2024-12-01", 31, 1_000), ...recent("2025-01-01", 35) };
      const pulled = await one("btc.csv", now, { from: "2024-12-01" });
      expect(pulled).to.include({ status: "updated", rows: 31 + 35, error: null });
    });

    it("pages through settlements when the archive is down, each once, to the minute", async () => {
      const from = seconds("2023-01-01T00:00:00Z") * 1_000;
      const all = Array.from({ length: 1_500 }, (_, i) => ({
        ...{ symbol: "BTCUSDT", fundingTime: from + i * 8 * 3_600_000 + (i % 7), fundingRate: `0.0001${i % 10}000` },
        markPrice: "",
      }));
      const path = "/binance-futures/fapi/v1/fundingRate";
      sources.routes = {
        [path]: (response) => {
          const query = new URL(sources.asked.at(-1)!, "http://x").searchParams;
          const page = all.filter(({ fundingTime }) => fundingTime >= Number(query.get("startTime")));
          response.end(JSON.stringify(page.slice(0, Number(query.get("limit")))));
        },
      };
      const pulled = await one("funding_btc_8h.csv", "2024-05-14T16:00:00Z", { from: "2023-01-01" });
      expect(pulled).to.include({ status: "updated", rows: 1_500, to: "2024-05-14T16:00:00Z", error: null });
      expect(pulled.notes[0]).to.match(/^binance-archive failed, binance-futures was asked instead/);
      expect(sources.asks().filter((asked) => asked.startsWith(path))).to.have.length(2);
      const lines = (await text("funding_btc_8h.csv")).trimEnd().split("\n");
      expect(lines.slice(0, 3)).to.deep.equal([
        "time,rate",
        "2023-01-01T00:00:00Z,0.0001",
        "2023-01-01T08:00:00Z,0.00011",
      ]);
      expect(new Set(lines).size).to.equal(1_501);
    });

    it("reads the archive of settlements", async () => {
      const path = "/binance-archive/data/futures/um/monthly/fundingRate/ETHUSDT/ETHUSDT-fundingRate-2023-01.zip";
      const at = (text: string): number => seconds(text) * 1_000;
      const csv = `calc_time,funding_interval_hours,last_funding_rate\n${at("2023-01-01T00:00:00Z")},8,0.0001\n${at("2023-01-01T08:00:00Z") + 4},8,-0.00002\n`;
      const zip = zipSync({ "a.csv": strToU8(csv) });
      sources.routes = {
        [path]: zip,
        [`${path}.CHECKSUM`]: sha256(zip),
        "/binance-futures/fapi/v1/fundingRate": "[]",
      };
      const pulled = await one("funding_eth_8h.csv", "2023-02-01T00:00:00Z", { from: "2023-01-01" });
      expect(pulled).to.include({ status: "updated", rows: 2 });
      expect(await text("funding_eth_8h.csv")).to.equal(
        "time,rate\n2023-01-01T00:00:00Z,0.0001\n2023-01-01T08:00:00Z,-0.00002\n",
      );
    });

    it("does not go round for ever with a server that answers one page whatever it is asked", async () => {
      const page = JSON.stringify(days("2024-01-01", 1_000).map((date) => bar(date, 1_000)));
      sources.routes = { "/binance-spot/api/v3/klines": page };
      await one("btc.csv", "2027-01-01T00:00:00Z", { from: "2024-01-01" });
      expect(sources.asked.filter((path) => path.includes("klines?"))).to.have.length(2);
    });
  });

  it("asks and writes nothing in a dry run", async () => {
    const away = join(dir, "not-there");
    const { files } = await pull({ dir: away, urls: sources.urls, now: seconds("2020-01-10T12:00:00Z"), dryRun: true });
    expect(files.map(({ file }) => file)).to.deep.equal(PULL_SOURCES.map(({ file }) => file));
    for (const { status: how, requests } of files) {
      expect(how).to.equal("planned");
      expect(requests[0])
        .to.match(/^http:\/\/127\.0\.0\.1:\d+\/[a-z-]+\/\S+$/)
        .and.not.match(/[{}]/);
    }
    expect(sources.asked).to.deep.equal([]);
    expect(existsSync(away)).to.equal(false);
  });

  describe("on the command line", () => {
    const BALLAST = fileURLToPath(new URL("../../scripts/ballast.mjs", import.meta.url));
    const ballast = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
      const child = spawn(process.execPath, [BALLAST, "pull", "--data", dir, ...args]);
      const out = { stdout: "", stderr: "" };
      child.stdout.on("data", (chunk) => (out.stdout += String(chunk)));
      child.stderr.on("data", (chunk) => (out.stderr += String(chunk)));
      const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
      return { code, ...out };
    };

    it("exits 0 with lines for people, 1 when a file failed, 2 for wrong usage", async () => {
      sources.routes = { [VIX]: vixFile(["01/02/2020", 12]), [`${CBOE}/SKEW_History.csv`]: status(404) };
      const { cboe } = sources.urls;
      const good = await ballast("--only", "vix", "--source-url", `cboe=${cboe}`);
      expect(good.code, good.stderr).to.equal(0);
      expect(good.stdout).to.match(/^vix\.csv +updated +1 new, 1 rows to 2020-01-02\n/);
      expect(good.stdout).to.contain("Bring your own").and.to.contain("columns date,m1,m2");
      expect(good.stderr, "no bar where nobody watches").to.contain("pulling vix.csv …").and.not.contain("[");
      const bad = await ballast("--only", "vix", "skew.csv", "--json", "--source-url", `cboe=${cboe}`);
      expect(bad.code).to.equal(1);
      const { files } = JSON.parse(bad.stdout) as { files: PulledFile[] };
      expect(files.map(({ status: how }) => how)).to.deep.equal(["unchanged", "failed"]);
      for (const wrong of [
        ["--only", "put_call"],
        ["--only", "nonsense"],
        ["--source-url", "cboe"],
        ["--from", "soon"],
      ]) {
        const { code, stderr } = await ballast(...wrong);
        expect(code, wrong.join(" ")).to.equal(2);
        expect(stderr).to.match(/^UsageError: --/m);
      }
    });

    it("leaves the stored file whole when it is killed in the middle", async () => {
      const stored = "date,open,high,low,close\n2020-01-02,12,13,11,12.5\n";
      await writeFile(join(dir, "vix.csv"), stored);
      const child = spawn(process.execPath, [
        ...[BALLAST, "pull", "--data", dir, "--only", "vix", "--source-url", `cboe=${sources.urls.cboe}`],
      ]);
      const asked = new Promise<void>((resolve) => {
        sources.routes = { [VIX]: () => resolve() };
      });
      await asked;
      child.kill("SIGKILL");
      await new Promise((resolve) => child.on("close", resolve));
      expect(await text("vix.csv")).to.equal(stored);
    });
  });
});
