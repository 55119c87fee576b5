import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { evidenceFrom } from "../../src/keeper/evidenceStore.ts";
import { PinFailed, httpPin } from "../../src/keeper/pin.ts";
import { canonicalJson } from "../../src/plan/canonicalJson.ts";
import { evidenceHash } from "../../src/plan/evidence.ts";
import { rejection } from "../helpers/safeScene.ts";

const EVIDENCE = { format: "ballast-evidence/2", amount: "12" };
const TEXT = canonicalJson(EVIDENCE);
const HASH = evidenceHash(EVIDENCE);

describe("Evidence under its own hash", () => {
  let folder: string;
  let server: Server;
  let base: string;
  /** By path; a number is a status to answer with. */
  let stored: Map<string, string | number>;
  let seen: { method: string | undefined; path: string | undefined; authorization: string | undefined }[];

  before(async () => {
    server = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ipfs/folder`;
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-evidence-"));
    [stored, seen] = [new Map(), []];
  });
  afterEach(() => rm(folder, { recursive: true }));
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url: path = "", headers } = request;
    seen.push({ method, path, authorization: headers.authorization });
    let body = "";
    for await (const part of request) body += String(part);
    const held = stored.get(path);
    if (typeof held === "number") response.writeHead(held).end();
    else if (method === "PUT") {
      stored.set(path, body);
      response.writeHead(201).end();
    } else if (held === "hang") return;
    else if (held === undefined) response.writeHead(404).end();
    else response.end(held);
  }

  it("is stored by PUT at an address that follows from it, and found there again", async () => {
    const pin = httpPin({ base: `${base}/`, authorization: "Bearer key" });
    expect(await pin.pin(HASH, TEXT)).to.equal(`${base}/${HASH}.json`);
    expect(seen).to.deep.equal([{ method: "PUT", path: `/ipfs/folder/${HASH}.json`, authorization: "Bearer key" }]);
    expect(stored.get(`/ipfs/folder/${HASH}.json`)).to.equal(TEXT);
    expect(await pin.pin(HASH, TEXT), "again").to.equal(`${base}/${HASH}.json`);
    expect(await evidenceFrom(base, HASH)).to.deep.equal({ evidence: EVIDENCE });
  });

  it("is as good as stored where the store says that it has it, and has it", async () => {
    for (const status of [409, 412]) {
      const refusing =
        (held: string | null): typeof fetch =>
        async (_address, options) =>
          options?.method === "PUT" || held === null ? new Response("", { status }) : new Response(held);
      expect(await httpPin({ base, fetch: refusing(TEXT) }).pin(HASH, TEXT)).to.include(HASH);
      // WebDAV's word for a folder that is not there.
      for (const held of [null, "", `${TEXT}\n`]) {
        const error = await rejection(httpPin({ base, fetch: refusing(held) }).pin(HASH, TEXT));
        expect(error, String(held)).to.be.instanceOf(PinFailed);
        expect(error.message).to.include(`status ${status}`);
      }
    }
  });

  it("is sent with the base's user, password and query, of which nothing is shown", async () => {
    const secret = base.replace("http://", "http://user:geheim@") + "?token=geheim";
    expect(await httpPin({ base: secret }).pin(HASH, TEXT)).to.equal(`${base}/${HASH}.json`);
    const authorization = `Basic ${Buffer.from("user:geheim").toString("base64")}`;
    expect(seen).to.deep.equal([{ method: "PUT", path: `/ipfs/folder/${HASH}.json?token=geheim`, authorization }]);
    const gone = await rejection(httpPin({ base: "http://user:geheim@127.0.0.1:1/?token=geheim" }).pin(HASH, TEXT));
    expect(gone).to.be.instanceOf(PinFailed);
    expect(gone.message).to.include("the connection").and.to.not.include("geheim");
  });

  it("is not stored where the store refuses, is not there, or does not answer", async () => {
    stored.set(`/ipfs/folder/${HASH}.json`, 507);
    const full = await rejection(httpPin({ base }).pin(HASH, TEXT));
    expect(full).to.be.instanceOf(PinFailed);
    expect(full.message).to.include("status 507").and.to.include(base);
    expect(await rejection(httpPin({ base: "http://127.0.0.1:1" }).pin(HASH, TEXT))).to.be.instanceOf(PinFailed);
    const slow: typeof fetch = (_address, options) =>
      new Promise((_, reject) =>
        options?.signal?.addEventListener("abort", () => reject(options.signal?.reason as Error)),
      );
    expect((await rejection(httpPin({ base, fetch: slow, timeoutMs: 10 }).pin(HASH, TEXT))).message).to.match(
      /no answer within 10 ms/,
    );
  });

  it("is found in a file, and in a folder under either name", async () => {
    for (const name of ["any.json", `${HASH}.json`, `${HASH}.evidence.json`]) {
      await writeFile(join(folder, name), TEXT);
      const place = name === "any.json" ? join(folder, name) : folder;
      expect(await evidenceFrom(place, HASH), name).to.deep.equal({ evidence: EVIDENCE });
      await rm(join(folder, name));
    }
    stored.set(`/ipfs/folder/${HASH}.evidence.json`, TEXT);
    expect(await evidenceFrom(base, HASH)).to.deep.equal({ evidence: EVIDENCE });
  });

  it("is not what a place passes off under its name, by one byte too", async () => {
    const other = canonicalJson({ ...EVIDENCE, amount: "13" });
    for (const text of [other, `${TEXT}\n`, "", "<html>"]) {
      await writeFile(join(folder, `${HASH}.json`), text);
      stored.set(`/ipfs/folder/${HASH}.json`, text);
      for (const place of [folder, base]) {
        const found = await evidenceFrom(place, HASH);
        expect(found).to.have.property("reason").that.includes("holds bytes that hash to 0x");
      }
    }
  });

  it("is missing for a reason that is said", async () => {
    for (const [place, says, options] of [
      [folder, "ENOENT", {}],
      [join(folder, "none.json"), "ENOENT", {}],
      [base, "status 404", {}],
      ["http://127.0.0.1:1", "127.0.0.1:1", {}],
      [`${base}/slow`, "timeout", { timeoutMs: 20 }],
    ] as const) {
      if (says === "timeout") {
        for (const end of [".json", ".evidence.json"]) stored.set(`/ipfs/folder/slow/${HASH}${end}`, "hang");
      }
      expect(await evidenceFrom(place, HASH, options))
        .to.have.property("reason")
        .that.includes(says);
    }
  });

  it("is not waited for without end: a server that sends too much is cut off", async () => {
    const endless: typeof fetch = async () => {
      const part = new Uint8Array(1_000_000);
      return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(part) }));
    };
    expect(await evidenceFrom(base, HASH, { fetch: endless }))
      .to.have.property("reason")
      .that.includes("more than 4000000 bytes");
  });
});
