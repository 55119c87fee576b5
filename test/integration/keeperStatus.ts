import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { encryptKeystoreJsonSync, Wallet } from "ethers";
import { doctorAction } from "../../src/cli/commands/doctor.ts";
import { explainAction, NoRecords, NoSuchTick } from "../../src/cli/commands/explain.ts";
import { statusAction } from "../../src/cli/commands/status.ts";
import { KEEPER_DOORS } from "../../src/cli/keeperDoors.ts";
import type { KeeperDoors } from "../../src/cli/keeperDoors.ts";
import { setJson, UsageError } from "../../src/cli/output.ts";
import { ConfigError, parseConfig } from "../../src/keeper/config.ts";
import { KeeperSilent, parseStatus, renderStatus, statusOf } from "../../src/keeper/status.ts";
import { SignerUnavailable } from "../../src/keeper/signers.ts";
import type { StatusJson, StatusRequest } from "../../src/keeper/status.ts";
import { canonicalJson } from "../../src/plan/canonicalJson.ts";
import { evidenceHash } from "../../src/plan/evidence.ts";
import { createPacket, packetText } from "../../src/safe/packet.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { proposalRow, recorded, tickRow } from "../helpers/keeperRecords.ts";
import type { Recorded } from "../helpers/keeperRecords.ts";
import { rejection } from "../helpers/safeScene.ts";

const NOW = new Date("2030-02-04T12:00:00Z");
const FRESH = (
  JSON.parse(await readFile(new URL("../vectors/evidence.json", import.meta.url), "utf8")) as { fresh: unknown }
).fresh;
const CONFIG = {
  chains: { local: { chainId: 31_337, rpc: ["http://127.0.0.1:1/"] } },
  vaults: [{ name: "main", chain: "local", deployment: "deployment.json", out: "out", schedule: "5 0 * * *" }],
};

describe("ballast status", () => {
  let records: Recorded;
  beforeEach(() => {
    records = recorded();
  });

  it("says all is well of a vault that ticked, with what is open and comes next", async () => {
    const assess = { step: "assess" as const, at: NOW, ms: 1, value: { regime: "Calm" } };
    records.rows.ticks.push(tickRow("2030-02-03T00:05Z"), tickRow("2030-02-04T00:05Z", { steps: [assess] }));
    records.rows.proposals.push(proposalRow(), proposalRow({ status: "executed" }));
    const status = await read({ signaturesOf: () => Promise.resolve({ have: 1, threshold: 2 }) });
    expect(status.needs).to.deep.equal([]);
    const [vault] = status.vaults;
    expect(vault).to.deep.include({ nextSlot: "2030-02-05T00:05Z", regime: "Calm", late: false, missed: [] });
    expect(vault!.last).to.deep.include({
      slot: "2030-02-04T00:05Z",
      code: "INSIDE_BAND",
      ageSeconds: 11 * 3_600 + 3_300,
    });
    expect(vault!.proposals).to.have.length(1);
    const text = renderStatus(status);
    expect(text).to.include("of 2030-02-04T00:05Z, 11 h 55 min ago, 1 of 2 signatures").and.include("All is well at");
  });

  it("asks for somebody when the last tick failed, was missed, ended without a code or with one nobody knows", async () => {
    for (const code of ["SIMULATION_FAILED", "TICK_FAILED", "RpcUnavailable", null]) {
      records.rows.ticks = [tickRow("2030-02-03T00:05Z"), tickRow("2030-02-04T00:05Z", { code })];
      expect((await read()).needs, String(code)).to.have.length(1);
    }
    records.rows.ticks = [
      tickRow("2030-02-04T00:05Z", { status: "missed", code: "MISSED", startedAt: null, finishedAt: null }),
    ];
    const missed = await read();
    expect(missed.needs[0]).to.include("ended with MISSED");
    expect(missed.vaults[0]!.missed).to.deep.equal(["2030-02-04T00:05Z"]);
    expect(renderStatus(missed)).to.include("1 in the last week: 2030-02-04T00:05Z").and.include("Needs somebody:");
  });

  it("calls a tick late an interval and ten minutes after the last one's slot, and not before", async () => {
    records.rows.ticks.push(tickRow("2030-02-03T00:05Z"));
    const lateAt = async (now: string): Promise<boolean> => (await read({ now: new Date(now) })).vaults[0]!.late;
    expect(await lateAt("2030-02-04T00:15:00Z")).to.equal(false);
    expect(await lateAt("2030-02-04T00:15:01Z")).to.equal(true);
    // One that runs and does not end is late as well; it is shown.
    records.rows.ticks.push(tickRow("2030-02-04T00:05Z", { status: "running", code: null, finishedAt: null }));
    const stuck = await read({ now: new Date("2030-02-04T03:00:00Z") });
    expect(stuck.needs[0]).to.include("is the keeper running?");
    expect(renderStatus(stuck)).to.match(/running\s+2030-02-04T00:05Z by worker-1, since 2 h 55 min ago/);
    // A schedule of weekdays is not late on a Sunday.
    const weekdays = { vaults: [{ ...CONFIG.vaults[0], schedule: "5 0 * * 1-5" }] };
    records.rows.ticks = [tickRow("2030-02-01T00:05Z")];
    expect((await read({ now: new Date("2030-02-03T12:00:00Z"), config: weekdays })).needs).to.deep.equal([]);
    expect((await read({ now: new Date("2030-02-04T00:16:00Z"), config: weekdays })).needs).to.have.length(1);
  });

  it("of a keeper that never ticked claims nothing, until its first slot is overdue", async () => {
    expect((await read()).needs).to.deep.equal([]);
    expect(renderStatus(await read())).to.include("no tick has ended yet");
    records.rows.ticks.push(
      tickRow("2030-02-01T00:05Z", { status: "due", code: null, startedAt: null, finishedAt: null }),
    );
    expect((await read()).needs[0]).to.include("since the first was due");
  });

  it("counts missed slots of the last week alone, over more ticks than one page", async () => {
    const minute = (count: number): string => `${new Date(NOW.getTime() - count * 60_000).toISOString().slice(0, 16)}Z`;
    for (let count = 1; count <= 1_200; count++) records.rows.ticks.push(tickRow(minute(count)));
    const old = tickRow("2030-01-20T00:05Z", { status: "missed" });
    records.rows.ticks.push(tickRow(minute(1_300), { status: "missed" }), old);
    const status = await read({ config: { vaults: [{ ...CONFIG.vaults[0], schedule: "* * * * *" }] } });
    expect(status.vaults[0]!.missed).to.deep.equal([minute(1_300)]);
  });

  it("asks for somebody for critical alerts and for too few RPCs, and shows the others", async () => {
    records.rows.ticks.push(tickRow("2030-02-04T00:05Z"));
    const alert = { key: "a", vault: "main", code: "GAS_LOW", severity: "warning", text: "low on gas", since: NOW };
    records.rows.alerts.push(alert);
    const rpc = [{ chain: "local", host: "one", ok: true, detail: "block 7" }];
    const warned = await read({ rpc });
    expect(warned.needs).to.deep.equal([]);
    expect(renderStatus(warned)).to.include("warning since 2030-02-04T12:00:00.000Z: main: low on gas");
    records.rows.alerts.push({ ...alert, key: "b", severity: "critical", text: "near liquidation" });
    expect((await read({ rpc })).needs).to.deep.equal(["main: near liquidation"]);
    const down = await read({ rpc: [{ ...rpc[0]!, ok: false }] });
    expect(down.needs).to.include("chain local: 0 of 1 RPCs answer well, 1 must agree");
  });

  it("says that signatures are not known where they cannot be counted", async () => {
    records.rows.ticks.push(tickRow("2030-02-04T00:05Z"));
    records.rows.proposals.push(proposalRow());
    for (const signaturesOf of [null, () => Promise.reject(new Error("no node")), () => Promise.resolve(null)]) {
      expect(renderStatus(await read({ signaturesOf }))).to.include("signatures unknown");
    }
  });

  it("reads back what it writes, and nothing else", async () => {
    records.rows.ticks.push(tickRow("2030-02-04T00:05Z"));
    records.rows.proposals.push(proposalRow());
    const status = await read({ rpc: [{ chain: "local", host: "one", ok: true, detail: "block 7" }] });
    expect(parseStatus(JSON.stringify(status), "here")).to.deep.equal(status);
    expect(() => parseStatus("<html>", "here")).to.throw(KeeperSilent, "no JSON");
    expect(() => parseStatus('{"vaults":[]}', "here")).to.throw(KeeperSilent, "no status");
  });

  function read(changes: Partial<Omit<StatusRequest, "config">> & { config?: object } = {}): Promise<StatusJson> {
    const { config, ...rest } = changes;
    return statusOf(records, {
      config: parseConfig(JSON.stringify({ ...CONFIG, ...config }), "keeper.yaml", {}),
      now: NOW,
      database: "in memory",
      rpc: [],
      signaturesOf: null,
      ...rest,
    });
  }
});

describe("ballast doctor, status and explain, the commands", () => {
  let folder: string;
  let file: string;
  let records: Recorded;
  let closed: number;
  let keeper: Server | null;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-operator-"));
    file = join(folder, "keeper.yaml");
    records = recorded();
    closed = 0;
    keeper = null;
    await configure({});
  });
  afterEach(async () => {
    keeper?.close();
    await rm(folder, { recursive: true });
  });

  it("doctor prints a line a check and answers no, or the same in JSON", async () => {
    const text = await printed(() => doctorAction({ config: file }, doors()));
    expect(text.code).to.equal(1);
    expect(text.out)
      .to.match(/^ok Node\.js/)
      .and.match(/NOT READY: \d+ failed, .+\n$/);
    expect(text.out).to.match(/\nok database +embedded in .+ opens and can be written\n/);
    expect(closed).to.equal(1);
    const json = await printed(() => doctorAction({ config: file, vault: "main" }, doors()), true);
    const report = JSON.parse(json.out) as { ok: boolean; checks: { name: string; outcome: string }[] };
    expect(report.ok).to.equal(false);
    expect(report.checks.find(({ name }) => name === "disk")?.outcome).to.equal("ok");
    const without = await printed(() => doctorAction({ config: file }, { ...doors(), openRecords: null }));
    expect(without.out).to.match(/-- database/);
  });

  it("status reads the store and closes it, also when that fails", async () => {
    const slot = `${new Date().toISOString().slice(0, 16)}Z`;
    records.rows.ticks.push(tickRow(slot));
    const told = await printed(() => statusAction({ config: file }, doors()), true);
    const status = JSON.parse(told.out) as StatusJson;
    expect(status.vaults[0]!.last!.slot).to.equal(slot);
    expect(status.rpc[0]).to.deep.include({ chain: "local", host: "127.0.0.1:1", ok: false });
    expect(status.needs).to.deep.equal(["chain local: 0 of 1 RPCs answer well, 1 must agree"]);
    expect(told.code, "a chain nobody answers for").to.equal(1);
    records.alerts = () => Promise.reject(new Error("gone"));
    expect((await rejection(statusAction({ config: file }, doors()))).message).to.equal("gone");
    expect(closed).to.equal(2);
  });

  it("status asks the keeper that runs on the embedded database", async () => {
    const served: StatusJson = { at: "2030", needs: [], vaults: [], alerts: [], database: "embedded", rpc: [] };
    let answer = { status: 200, body: JSON.stringify(served) };
    keeper = createServer((request, response) => {
      response.writeHead(request.url === "/status" ? answer.status : 404).end(answer.body);
    });
    await new Promise<void>((resolve) => keeper?.listen(0, "127.0.0.1", resolve));
    const { port } = keeper.address() as AddressInfo;
    await configure({ http: { host: "0.0.0.0", port } });
    const busy: KeeperDoors = { ...doors(), openRecords: () => Promise.reject(named("DatabaseInUse")) };
    const told = await printed(() => statusAction({ config: file }, busy), true);
    expect(told.code).to.equal(0);
    expect(JSON.parse(told.out)).to.deep.equal(served);

    answer = { status: 503, body: "" };
    expect(await rejection(statusAction({ config: file }, busy))).to.be.instanceOf(KeeperSilent);
    await configure({ http: { host: "127.0.0.1", port: 1 } });
    expect((await rejection(statusAction({ config: file }, busy))).message).to.include("http://127.0.0.1:1/status");
    await configure({ http: null });
    expect((await rejection(statusAction({ config: file }, busy))).message).to.include("http is null");
    const broken: KeeperDoors = { ...doors(), openRecords: () => Promise.reject(named("DatabaseBroken")) };
    expect((await rejection(statusAction({ config: file }, broken))).name).to.equal("DatabaseBroken");
  });

  it("explain finds the newest tick, a slot's and a day's last, with its evidence", async () => {
    const hash = evidenceHash(FRESH);
    records.rows.evidence.set(hash, canonicalJson(FRESH));
    records.rows.ticks.push(
      tickRow("2030-02-04T00:05Z", { evidenceHash: hash, code: "PROPOSED", safeTxHash: proposalRow().safeTxHash }),
      tickRow("2030-02-04T12:05Z"),
      tickRow("2030-02-05T00:05Z", { code: "PROPOSAL_OPEN" }),
    );
    records.rows.proposals.push(proposalRow({ evidenceHash: hash, status: "executed" }));
    const told = async (slot: string): Promise<string> =>
      (await printed(() => explainAction(slot, { config: file }, doors()))).out;
    expect(await told("latest")).to.include("slot 2030-02-05T00:05Z: PROPOSAL_OPEN");
    expect(await told("2030-02-04")).to.include("slot 2030-02-04T12:05Z");
    const story = await told("2030-02-04T00:05Z");
    expect(story).to.include("Hence a plan: The regime is Calm").and.include("it was executed");
    expect(closed).to.equal(3);
    const json = await printed(() => explainAction("2030-02-04T00:05Z", { config: file }, doors()), true);
    expect(JSON.parse(json.out)).to.deep.include({ slot: "2030-02-04T00:05Z", code: "PROPOSED", evidenceHash: hash });
    records.rows.evidence.set(hash, "{");
    expect(await told("2030-02-04T00:05Z")).to.include("cannot be used");
    for (const slot of ["2030-02-03", "2030-02-04T00:06Z"]) {
      const error = await rejection(explainAction(slot, { config: file }, doors()));
      expect(error).to.be.instanceOf(NoSuchTick);
      expect(error.message).to.include("its newest is 2030-02-05T00:05Z");
    }
    records.rows.ticks = [];
    expect((await rejection(explainAction("latest", { config: file }, doors()))).message).to.include(
      "no tick of vault main yet",
    );
  });

  it("explain tells of a packet without any keeper, and lets nothing in it move the cursor", async () => {
    const packet = createPacket({
      chainId: 31_337n,
      safe: "0x1111111111111111111111111111111111111111",
      safeTx: plainCall("0x2222222222222222222222222222222222222222", "0x12345678", 0n),
      plan: {},
      evidence: { "\u001b[2J": 1 },
    });
    const path = join(folder, "a.packet.json");
    await writeFile(path, packetText(packet));
    const { out } = await printed(() => explainAction("latest", { packet: path }, doors()));
    expect(out).to.include(`Safe transaction ${packet.safeTxHash}, nonce 0`);
    expect(out).to.match(/^[^\u0000-\u0009\u000b-\u001f]+$/);
    expect(closed).to.equal(0);
  });

  it("explain refuses what cannot be meant", async () => {
    await configure({ vaults: [...CONFIG.vaults, { ...CONFIG.vaults[0], name: "other", deployment: "other.json" }] });
    const cases: [says: string, slot: string, options: Parameters<typeof explainAction>[1]][] = [
      ["--config or --packet is missing", "latest", {}],
      ["--packet goes without", "2030-02-04", { packet: "a.packet.json" }],
      ["--packet goes without", "latest", { packet: "a.packet.json", config: file }],
      ['"yesterday" is no slot', "yesterday", { config: file }],
      ["--vault is missing: one of main, other", "latest", { config: file }],
      ["--vault nobody: one of main, other", "latest", { config: file, vault: "nobody" }],
    ];
    for (const [says, slot, options] of cases) {
      const error = await rejection(explainAction(slot, options, doors()));
      expect(error, says).to.be.instanceOf(UsageError);
      expect(error.message).to.include(says);
    }
    const nothing = { ...doors(), openRecords: null };
    expect(await rejection(explainAction("latest", { config: file, vault: "main" }, nothing))).to.be.instanceOf(
      NoRecords,
    );
    const none = { config: join(folder, "none.yaml") };
    expect(await rejection(explainAction("latest", none, doors()))).to.be.instanceOf(ConfigError);
  });

  it("opens keys: a keystore by its password, a remote signer by the accounts it has", async () => {
    const { openSigner } = KEEPER_DOORS;
    const wallet = Wallet.createRandom();
    const { address, privateKey } = wallet;
    const keystore = join(folder, "ops.json");
    // As few rounds as the format takes: what is tried here is not how long guessing lasts.
    await writeFile(
      keystore,
      encryptKeystoreJsonSync({ address, privateKey }, "right", { scrypt: { N: 2, r: 1, p: 1 } }),
    );
    process.env["BALLAST_TEST_PASSWORD"] = "right";
    expect(await openSigner({ keystore, passwordEnv: "BALLAST_TEST_PASSWORD" })).to.deep.equal({
      address: wallet.address,
    });
    process.env["BALLAST_TEST_PASSWORD"] = "wrong";
    expect(await rejection(openSigner({ keystore, passwordEnv: "BALLAST_TEST_PASSWORD" }))).to.be.instanceOf(
      SignerUnavailable,
    );
    delete process.env["BALLAST_TEST_PASSWORD"];
    const unset = await rejection(openSigner({ keystore, passwordEnv: "BALLAST_TEST_PASSWORD" }));
    expect(unset.message).to.include("BALLAST_TEST_PASSWORD").and.include("is set");

    keeper = createServer((_request, response) => {
      response.end(JSON.stringify({ jsonrpc: "2.0", id: 1, result: [wallet.address.toLowerCase()] }));
    });
    await new Promise<void>((resolve) => keeper?.listen(0, "127.0.0.1", resolve));
    const web3signer = `http://127.0.0.1:${(keeper.address() as AddressInfo).port}/`;
    expect(await openSigner({ web3signer, address: wallet.address })).to.deep.equal({ address: wallet.address });
    const other = Wallet.createRandom().address;
    expect((await rejection(openSigner({ web3signer, address: other }))).message).to.include(
      "is none of the 1 accounts it holds",
    );
  });

  function doors(): KeeperDoors {
    return {
      ...KEEPER_DOORS,
      openRecords: () =>
        Promise.resolve({
          records,
          close: async () => {
            closed++;
          },
        }),
    };
  }

  async function configure(changes: object): Promise<void> {
    const config = { database: { folder: join(folder, "database") }, ...CONFIG, ...changes };
    const vaults = config.vaults.map((vault) => ({ ...vault, out: join(folder, "out") }));
    await writeFile(file, JSON.stringify({ ...config, vaults }));
  }
});

function named(name: string): Error {
  return Object.assign(new Error("held"), { name });
}

/** What a command prints, and its exit code, taken from this process and given back. */
async function printed(command: () => Promise<void>, json = false): Promise<{ out: string; code: number }> {
  let out = "";
  setJson(json);
  Object.assign(process.stdout, { write: (chunk: unknown) => ((out += String(chunk)), true) });
  try {
    await command();
    return { out, code: Number(process.exitCode ?? 0) };
  } finally {
    Reflect.deleteProperty(process.stdout, "write");
    process.exitCode = undefined;
    setJson(false);
  }
}
