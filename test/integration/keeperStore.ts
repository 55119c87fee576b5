import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { keccak256, toUtf8Bytes } from "ethers";
import { openDatabase } from "../../src/keeper/store/database.ts";
import type { Database, DatabasePlace } from "../../src/keeper/store/database.ts";
import { databaseError } from "../../src/keeper/store/databaseError.ts";
import {
  AskedOutsideTransaction,
  DatabaseBroken,
  DatabaseFull,
  DatabaseInUse,
  DatabaseUnavailable,
  EvidenceMismatch,
  SchemaTooNew,
} from "../../src/keeper/store/errors.ts";
import { lockFolder } from "../../src/keeper/store/folderLock.ts";
import { MIGRATIONS, migrate } from "../../src/keeper/store/schema.ts";
import { Store } from "../../src/keeper/store/store.ts";
import type { Alert, Intent } from "../../src/keeper/store/store.ts";
import { BACKENDS, emptyDatabase, postgres, scratch } from "../helpers/databases.ts";
import { rejection } from "../helpers/safeScene.ts";

const at = (seconds: number): Date => new Date(Date.UTC(2026, 10, 27) + seconds * 1000);
const SLOT = "2026-11-27T00:05Z";
const END = { code: "INSIDE_BAND", sentence: "nothing to do" };

for (const backend of BACKENDS) {
  describe(`Keeper's store, ${backend}`, () => {
    let place: DatabasePlace;
    let database: Database;
    let store: Store;
    let vault: string;
    let vaults = 0;

    before(async () => {
      place = await emptyDatabase(backend);
      database = await openDatabase(place);
      store = await Store.open(database);
    });
    beforeEach(() => {
      vaults += 1;
      vault = `vault-${vaults}`;
    });
    after(() => database.close());

    describe("schema", () => {
      it("is made once, however many open it at the same time", async () => {
        const fresh = await openDatabase(await emptyDatabase(backend));
        const stores = await Promise.all(Array.from({ length: 5 }, () => Store.open(fresh)));
        expect(await stores[4]!.due("a", SLOT, at(0))).to.equal(true);
        const versions = await fresh.query("SELECT version FROM ballast.migrations");
        expect(versions).to.deep.equal(MIGRATIONS.map((_, index) => ({ version: index + 1 })));
        await fresh.close();
      });

      it("goes on from where it is, all of a version or nothing", async () => {
        const fresh = await openDatabase(await emptyDatabase(backend));
        await migrate(fresh, [["CREATE TABLE ballast.one (x integer)"]]);
        const broken = [[], ["CREATE TABLE ballast.two (x integer)", "CREATE TABLE ballast.one (x integer)"]];
        await rejection(migrate(fresh, broken));
        const tables = "SELECT to_regclass('ballast.one') IS NOT NULL AS one, to_regclass('ballast.two') IS NULL AS no";
        expect(await fresh.query(tables)).to.deep.equal([{ one: true, no: true }]);
        await migrate(fresh, [[], ["CREATE TABLE ballast.two (x integer)"]]);
        expect(await fresh.query("SELECT * FROM ballast.two")).to.deep.equal([]);
        await fresh.close();
      });

      it("of a newer program is refused", async () => {
        const fresh = await openDatabase(await emptyDatabase(backend));
        await Store.open(fresh);
        await fresh.query("INSERT INTO ballast.migrations VALUES (1000, now())");
        const error = await rejection(Store.open(fresh));
        expect(error).to.be.instanceOf(SchemaTooNew);
        expect(error.message).to.contain("1000").and.contain(`knows ${MIGRATIONS.length}`);
        await fresh.close();
      });
    });

    describe("transactions", () => {
      it("roll back as a whole, and leave the connection usable", async () => {
        const failure = new RangeError("in the middle");
        const error = await rejection(
          database.transaction(async (tx) => {
            expect(await store.due(vault, SLOT, at(0), tx)).to.equal(true);
            throw failure;
          }),
        );
        expect(error).to.equal(failure);
        expect(await store.tick(vault, SLOT)).to.equal(null);

        const wrong = await rejection(
          database.transaction(async (tx) => {
            await store.due(vault, SLOT, at(0), tx);
            await tx.query("SELECT 1 / 0");
          }),
        );
        expect((wrong as { code?: string }).code).to.equal("22012");
        expect(await store.due(vault, SLOT, at(0))).to.equal(true);
      });

      if (backend === "embedded") {
        it("refuse to be waited for by what they wait for", async () => {
          const asked = rejection(database.transaction(() => database.query("SELECT 1")));
          expect(await asked).to.be.instanceOf(AskedOutsideTransaction);
          let later: Promise<unknown> = Promise.resolve();
          await database.transaction(async () => {
            later = delay(20).then(() => database.query("SELECT 1 AS x"));
          });
          expect(await later).to.deep.equal([{ x: 1 }]);
        });
      }

      it("keep no timer from firing while queries follow on each other", async () => {
        const timer = new AbortController();
        setTimeout(() => timer.abort(), 1);
        for (let count = 0; count < 200 && !timer.signal.aborted; count++) await database.query("SELECT 1");
        expect(timer.signal.aborted).to.equal(true);
      });
    });

    describe("ticks", () => {
      it("are due once", async () => {
        expect(await store.lastSlot(vault)).to.equal(null);
        expect(await store.due(vault, SLOT, at(0))).to.equal(true);
        expect(await store.due(vault, SLOT, at(60))).to.equal(false);
        expect(await store.due(vault, "2026-11-26T00:05Z", at(60))).to.equal(true);
        expect(await store.lastSlot(vault)).to.equal(SLOT);
        const tick = await store.tick(vault, SLOT);
        expect(tick).to.deep.include({ status: "due", attempts: 0, worker: null, dueAt: at(0), steps: [], code: null });
        expect(await rejection(store.due(vault, "tomorrow", at(0)))).to.be.instanceOf(Error);
      });

      it("go from due by running to done, with what each step gave", async () => {
        await store.due(vault, SLOT, at(0));
        const begun = await store.begin(vault, SLOT, "a", at(1), at(61));
        expect(begun).to.deep.include({ status: "running", worker: "a", attempts: 1, startedAt: at(1) });
        expect(begun!.leaseUntil).to.deep.equal(at(61));
        await store.note(vault, SLOT, "observe", at(2), 12.5, { block: 5n, said: "\0 \ud800", nothing: undefined });
        await store.note(vault, SLOT, "assess", at(3), 1, undefined);
        await store.note(vault, SLOT, "observe", at(4), 2, [1]);
        const evidenceHash = `0x${"AB".repeat(32)}`;
        const outcome = { code: "PROPOSED", sentence: "out\0", safeTxHash: "0x01", evidenceHash };
        expect(await store.finish(vault, SLOT, "a", at(5), outcome)).to.equal(true);
        expect(await store.tick(vault, SLOT)).to.deep.equal({
          vault,
          slot: SLOT,
          status: "done",
          code: "PROPOSED",
          sentence: "out\ufffd",
          attempts: 1,
          worker: "a",
          leaseUntil: null,
          dueAt: at(0),
          startedAt: at(1),
          finishedAt: at(5),
          safeTxHash: "0x01",
          evidenceHash: evidenceHash.toLowerCase(),
          steps: [
            { step: "assess", at: at(3), ms: 1, value: null },
            { step: "observe", at: at(4), ms: 2, value: [1] },
          ],
        });
        expect(await store.begin(vault, SLOT, "a", at(6), at(66))).to.equal(null);
        expect(await store.finish(vault, SLOT, "a", at(6), END)).to.equal(false);
        expect(await store.hold(vault, SLOT, "a", at(99))).to.equal(false);
      });

      it("keep what a step gave whatever is in it", async () => {
        await store.due(vault, SLOT, at(0));
        const value = { said: "\0 \ud800 \u2028 'quoted' \\", amount: 2n ** 200n };
        await store.note(vault, SLOT, "observe", at(2), 1, value);
        const kept = (await store.tick(vault, SLOT))!.steps[0]!.value;
        expect(kept).to.deep.equal({ said: value.said, amount: (2n ** 200n).toString() });
      });

      it("are nobody else's while the lease runs, and anybody's when it ran out", async () => {
        await store.due(vault, SLOT, at(0));
        await store.begin(vault, SLOT, "a", at(0), at(60));
        expect(await store.begin(vault, SLOT, "b", at(59), at(119))).to.equal(null);
        expect((await store.begin(vault, SLOT, "a", at(59), at(60)))!.attempts).to.equal(2);
        expect(await store.hold(vault, SLOT, "a", at(90))).to.equal(true);
        expect(await store.begin(vault, SLOT, "b", at(89), at(149))).to.equal(null);

        const taken = await store.begin(vault, SLOT, "b", at(90), at(150));
        expect(taken).to.deep.include({ worker: "b", attempts: 3, startedAt: at(0) });
        expect(await store.hold(vault, SLOT, "a", at(200))).to.equal(false);
        expect(await store.letGo(vault, SLOT, "a")).to.equal(false);
        expect(await store.finish(vault, SLOT, "a", at(91), END)).to.equal(false);
        expect((await store.tick(vault, SLOT))!.leaseUntil).to.deep.equal(at(150));
        expect(await store.finish(vault, SLOT, "b", at(92), END)).to.equal(true);
      });

      it("are finished by who held them last, even late", async () => {
        await store.due(vault, SLOT, at(0));
        await store.begin(vault, SLOT, "a", at(0), at(60));
        expect(await store.finish(vault, SLOT, "a", at(300), END)).to.equal(true);
      });

      it("are begun by one of many", async () => {
        await store.due(vault, SLOT, at(0));
        const begun = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.begin(vault, SLOT, `w${index}`, at(1), at(60))),
        );
        expect(begun.filter((row) => row !== null)).to.have.length(1);
      });

      it("that are let go are free at once", async () => {
        await store.due(vault, SLOT, at(0));
        await store.begin(vault, SLOT, "a", at(0), at(60));
        expect(await store.letGo(vault, SLOT, "a")).to.equal(true);
        expect((await store.begin(vault, SLOT, "b", at(1), at(61)))!.attempts).to.equal(2);
      });

      it("are given up only by who may", async () => {
        await store.due(vault, SLOT, at(0));
        await store.begin(vault, SLOT, "a", at(0), at(60));
        expect(await store.giveUp(vault, SLOT, "b", at(59), "no use")).to.equal(false);
        expect(await store.giveUp(vault, SLOT, "b", at(60), "no use")).to.equal(true);
        expect(await store.tick(vault, SLOT)).to.deep.include({
          status: "done",
          code: "TICK_FAILED",
          sentence: "no use",
        });
        expect(await store.giveUp(vault, SLOT, "b", at(61), "again")).to.equal(false);
      });

      it("are missed only while nobody began them", async () => {
        await store.due(vault, SLOT, at(0));
        await store.miss(vault, SLOT, at(9), "the keeper was off");
        const missed = { status: "missed", code: "MISSED", sentence: "the keeper was off", finishedAt: at(9) };
        expect(await store.tick(vault, SLOT)).to.deep.include(missed);
        expect(await store.begin(vault, SLOT, "a", at(10), at(70))).to.equal(null);

        const later = "2026-11-28T00:05Z";
        await store.due(vault, later, at(0));
        await store.begin(vault, later, "a", at(0), at(60));
        await store.miss(vault, later, at(9), "too late");
        expect((await store.tick(vault, later))!.status).to.equal("running");
      });

      it("are listed newest first, in pages, by vault", async () => {
        const slots = ["2026-11-25T00:05Z", "2026-11-26T00:05Z", "2026-11-27T00:05Z"];
        for (const slot of slots) await store.due(vault, slot, at(0));
        await store.miss(vault, slots[0]!, at(0), "off");
        await store.due(`${vault}-other`, SLOT, at(0));
        const list = async (filter: { limit: number; before?: string }): Promise<string[]> =>
          (await store.ticks({ vault, ...filter })).map(({ slot }) => slot);
        expect(await list({ limit: 9 })).to.deep.equal([...slots].reverse());
        expect(await list({ limit: 1 })).to.deep.equal([slots[2]]);
        expect(await list({ limit: 9, before: slots[2]! })).to.deep.equal([slots[1], slots[0]]);
        const unfinished = (await store.unfinished()).filter((row) => row.vault.startsWith(vault));
        expect(unfinished.map((row) => [row.vault, row.slot])).to.deep.equal([
          [vault, slots[2]],
          [`${vault}-other`, SLOT],
          [vault, slots[1]],
        ]);
      });
    });

    describe("proposals", () => {
      const intent = (index: number, planNonce = "7"): Intent => ({
        vault,
        planNonce,
        safeTxHash: keccak256(toUtf8Bytes(`${vault} ${index}`)),
        safeNonce: "3",
        slot: SLOT,
        packet: `{"index":${index}}`,
        evidenceHash: keccak256(toUtf8Bytes("evidence")),
      });

      it("go from intended by open to closed", async () => {
        const row = intent(0);
        const intended = await store.intend(row, at(0));
        expect(intended).to.deep.equal({
          ...row,
          status: "intended",
          detail: null,
          where: [],
          announcedKey: null,
          intendedAt: at(0),
          handedOutAt: null,
          closedAt: null,
          transactionHash: null,
        });
        await store.handedOut(vault, row.safeTxHash, ["a.json", "b.json"], at(1));
        await store.announced(vault, row.safeTxHash, "0xkey");
        const open = { status: "open", where: ["a.json", "b.json"], handedOutAt: at(1), announcedKey: "0xkey" };
        expect(await store.proposal(row.safeTxHash)).to.deep.include(open);
        expect(await store.close(vault, row.safeTxHash, "executed", "in block 5", at(2), "0xtx")).to.equal(true);
        const closed = { status: "executed", detail: "in block 5", closedAt: at(2), transactionHash: "0xtx" };
        expect(await store.proposal(row.safeTxHash)).to.deep.include(closed);
        expect(await store.close(vault, row.safeTxHash, "vetoed", "late", at(3))).to.equal(false);
        await store.handedOut(vault, row.safeTxHash, [], at(3));
        expect(await store.proposal(row.safeTxHash)).to.deep.include(closed);
        expect(await store.proposal(`0x${"00".repeat(32)}`)).to.equal(null);
      });

      it("one stands for a plan nonce, however many intend it at once", async () => {
        const answers = await Promise.all(
          Array.from({ length: 8 }, (_, index) => store.intend(intent(index), at(index))),
        );
        expect(new Set(answers.map(({ safeTxHash }) => safeTxHash)).size).to.equal(1);
        const standing = answers[0]!;
        expect(await store.intend(intent(9), at(9))).to.deep.equal(standing);
        await store.handedOut(vault, standing.safeTxHash, ["x"], at(9));
        expect((await store.intend(intent(9), at(9))).status).to.equal("open");
        expect((await store.intend(intent(9, "8"), at(9))).safeTxHash).to.equal(intent(9).safeTxHash);
        expect(await store.proposals({ vault, open: true })).to.have.length(2);
      });

      it("that were abandoned may come again; those that ended otherwise do not", async () => {
        const row = intent(0);
        await store.intend(row, at(0));
        await store.close(vault, row.safeTxHash, "abandoned", "the outlet refused it", at(1));
        const again = await store.intend({ ...row, slot: "2026-11-28T00:05Z" }, at(2));
        expect(again).to.deep.include({ status: "intended", detail: null, closedAt: null, intendedAt: at(2) });
        expect(again.slot).to.equal("2026-11-28T00:05Z");
        await store.close(vault, row.safeTxHash, "rejected", "by the members", at(3));
        const ended = await store.intend(row, at(4));
        expect(ended).to.deep.include({ status: "rejected", detail: "by the members", closedAt: at(3) });
        // Another plan for that nonce may still stand.
        expect((await store.intend(intent(1), at(5))).status).to.equal("intended");
      });

      it("are closed with the intention of what takes their place, or not at all", async () => {
        const [older, other, newer] = [intent(0), intent(1, "8"), intent(2)];
        await store.intend(older, at(0));
        await store.intend(other, at(0));
        const inPlaceOf = { hashes: [older.safeTxHash], detail: "another takes its place" };
        const dying = await Store.open({
          ...database,
          transaction: (work) =>
            database.transaction((tx) =>
              work({
                query: (text, values) =>
                  text.includes("INSERT INTO ballast.proposals")
                    ? Promise.reject(new RangeError("killed"))
                    : tx.query(text, values),
              }),
            ),
        });
        expect(await rejection(dying.intend(newer, at(1), inPlaceOf))).to.be.instanceOf(RangeError);
        expect(await store.proposal(older.safeTxHash)).to.deep.include({ status: "intended", detail: null });

        expect((await store.intend(newer, at(2), inPlaceOf)).safeTxHash).to.equal(newer.safeTxHash);
        const superseded = { status: "superseded", detail: inPlaceOf.detail, closedAt: at(2) };
        expect(await store.proposal(older.safeTxHash)).to.deep.include(superseded);
        expect(await store.proposal(other.safeTxHash), "no other").to.deep.include({ status: "intended" });
        await store.intend(newer, at(3), inPlaceOf);
        expect(await store.proposal(older.safeTxHash), "once").to.deep.include(superseded);
      });

      it("are listed newest first", async () => {
        for (const index of [0, 1, 2]) await store.intend(intent(index, String(index)), at(index));
        await store.close(vault, intent(1).safeTxHash, "expired", "", at(5));
        const list = async (filter: { open?: true; status?: "expired"; limit?: number }): Promise<string[]> =>
          (await store.proposals({ vault, ...filter })).map(({ planNonce }) => planNonce);
        expect(await list({})).to.deep.equal(["2", "1", "0"]);
        expect(await list({ open: true })).to.deep.equal(["2", "0"]);
        expect(await list({ status: "expired" })).to.deep.equal(["1"]);
        expect(await list({ limit: 1 })).to.deep.equal(["2"]);
      });
    });

    describe("evidence", () => {
      it("is kept under its hash, and only there", async () => {
        const text = `{"evidence":"of ${vault}"}`;
        const hash = keccak256(toUtf8Bytes(text));
        expect(await store.evidence(hash)).to.equal(null);
        expect(await rejection(store.putEvidence(hash, `${text} `, at(0)))).to.be.instanceOf(EvidenceMismatch);
        expect(await store.evidence(hash)).to.equal(null);
        await store.putEvidence(hash, text, at(0));
        await store.putEvidence(hash, text, at(1));
        expect(await store.evidence(hash.toUpperCase().replace("0X", "0x"))).to.equal(text);
      });
    });

    describe("alerts", () => {
      const alert = (severity: Alert["severity"] = "warning"): Alert => ({
        key: `${vault}/feed`,
        vault,
        code: "FEED_STALE",
        severity,
        text: "stale\0",
      });
      const REPEAT = 3600;

      it("are told when new, worse, or not told of for long", async () => {
        expect(await store.raise(alert(), at(0), REPEAT)).to.equal(true);
        expect(await store.raise(alert(), at(REPEAT - 1), REPEAT)).to.equal(false);
        expect(await store.raise(alert("critical"), at(REPEAT - 1), REPEAT)).to.equal(true);
        expect(await store.raise(alert("info"), at(REPEAT), REPEAT)).to.equal(false);
        expect(await store.raise(alert("critical"), at(REPEAT + 1), REPEAT)).to.equal(false);
        expect(await store.raise(alert(), at(2 * REPEAT - 1), REPEAT)).to.equal(true);
        const standing = (await store.alerts()).find(({ key }) => key === alert().key);
        expect(standing).to.deep.equal({
          ...alert(),
          text: "stale\ufffd",
          since: at(0),
          seenAt: at(2 * REPEAT - 1),
          toldAt: at(2 * REPEAT - 1),
        });
      });

      it("are told by one of many that raise them at once", async () => {
        const told = await Promise.all(Array.from({ length: 20 }, () => store.raise(alert(), at(0), REPEAT)));
        expect(told.filter(Boolean)).to.have.length(1);
        const later = await Promise.all(Array.from({ length: 20 }, () => store.raise(alert(), at(REPEAT), REPEAT)));
        expect(later.filter(Boolean)).to.have.length(1);
      });

      it("are over once", async () => {
        await store.raise(alert(), at(0), REPEAT);
        const cleared = await Promise.all([store.clear(alert().key, at(1)), store.clear(alert().key, at(1))]);
        expect(cleared.filter((row) => row !== null)).to.deep.equal([
          { code: "FEED_STALE", text: "stale\ufffd", since: at(0), severity: "warning", vault: alert().vault },
        ]);
        expect(await store.raise(alert(), at(2), REPEAT)).to.equal(true);
      });

      it("that nobody could be told are told again at once, and their end to nobody", async () => {
        await store.raise(alert(), at(0), REPEAT);
        await store.untold(alert().key);
        expect(await store.raise(alert(), at(1), REPEAT)).to.equal(true);
        await store.untold(alert().key);
        await store.untold(alert().key);
        expect(await store.clear(alert().key, at(2))).to.equal(null);

        await store.raise(alert(), at(3), REPEAT);
        expect(await store.raise(alert(), at(3 + REPEAT), REPEAT)).to.equal(true);
        await store.untold(alert().key);
        expect((await store.clear(alert().key, at(9999)))?.code).to.equal("FEED_STALE");
      });

      it("told by a clock that was far ahead are told again", async () => {
        await store.raise(alert(), at(REPEAT * 10), REPEAT);
        expect(await store.raise(alert(), at(0), REPEAT)).to.equal(true);
        expect(await store.raise(alert(), at(1), REPEAT)).to.equal(false);
      });
    });

    it("counts and prunes, and keeps what is needed", async () => {
      const fresh = await openDatabase(await emptyDatabase(backend));
      const kept = await Store.open(fresh);
      const evidence = (name: string): [string, string] => [keccak256(toUtf8Bytes(name)), name];
      for (const name of ["open", "closed", "ticked", "loose"]) await kept.putEvidence(...evidence(name), at(0));
      const intent = (name: string): Intent => ({
        vault,
        planNonce: name,
        safeTxHash: keccak256(toUtf8Bytes(`tx ${name}`)),
        safeNonce: "1",
        slot: SLOT,
        packet: "{}",
        evidenceHash: evidence(name)[0],
      });
      // Of a vault that is kept no more: due, killed, and held by somebody.
      for (const [name, lease] of [
        ["23", null],
        ["24", 99],
        ["25", 9_999],
      ] as const) {
        const slot = `2026-11-${name}T00:05Z`;
        await kept.due("left", slot, at(0));
        if (lease !== null) await kept.begin("left", slot, "a", at(0), at(lease));
      }
      await kept.intend(intent("open"), at(0));
      await kept.intend(intent("closed"), at(0));
      await kept.close(vault, intent("closed").safeTxHash, "expired", "", at(1));
      for (const [day, name] of ["25", "26", "27"].entries()) {
        const slot = `2026-11-${name}T00:05Z`;
        await kept.due(vault, slot, at(day));
        await kept.begin(vault, slot, "a", at(day), at(99));
        await kept.note(vault, slot, "observe", at(day), 1, 1);
        if (day !== 1) await kept.finish(vault, slot, "a", at(2), { ...END, evidenceHash: evidence("ticked")[0] });
      }
      const alert = { key: "old", vault: null, code: "LOW_GAS", severity: "info", text: "" } as const;
      await kept.raise(alert, at(0), 1);
      const counts = {
        ticks: { INSIDE_BAND: 2 },
        due: 1,
        running: 3,
        proposals: { intended: 1, expired: 1 },
        alerts: { info: 1, warning: 0, critical: 0 },
      };
      expect(await kept.counts(at(10))).to.deep.equal(counts);
      expect((await kept.counts(at(90_000))).ticks).to.deep.equal({});

      expect(await kept.prune(at(0))).to.deep.equal({ ticks: 0, proposals: 0, evidence: 0, alerts: 0 });
      expect(await kept.prune(at(3600))).to.deep.equal({ ticks: 4, proposals: 1, evidence: 2, alerts: 1 });
      const slots = async (of: string): Promise<string[]> =>
        (await kept.ticks({ vault: of, limit: 9 })).map(({ slot }) => slot);
      expect(await slots(vault)).to.deep.equal([SLOT]);
      expect(await slots("left")).to.deep.equal(["2026-11-25T00:05Z"]);
      expect((await kept.proposals({})).map(({ planNonce }) => planNonce)).to.deep.equal(["open"]);
      for (const [name, left] of Object.entries({ open: true, closed: false, ticked: true, loose: false })) {
        expect(await kept.evidence(evidence(name)[0]), name).to.equal(left ? name : null);
      }
      await fresh.close();
    });
  });
}

describe("Keeper's database in a folder", () => {
  it("is refused to a second process while the first lives, and given when that was killed", async () => {
    const { folder } = (await emptyDatabase("embedded")) as { folder: string };
    const script = `
      import { openDatabase } from ${JSON.stringify(new URL("../../src/keeper/store/database.ts", import.meta.url))};
      const database = await openDatabase({ folder: process.argv[1] });
      await database.query("CREATE TABLE kept (x integer)");
      await database.query("INSERT INTO kept VALUES (1)");
      console.log("open");
      setInterval(() => undefined, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const error = await rejection(openDatabase({ folder }));
    expect(error).to.be.instanceOf(DatabaseInUse);
    expect(error.message).to.contain(folder).and.contain(`process ${child.pid!}`);
    child.kill("SIGKILL");
    await once(child, "exit");

    const database = await openDatabase({ folder });
    expect(await rejection(openDatabase({ folder }))).to.be.instanceOf(DatabaseInUse);
    expect(await database.query("SELECT x FROM kept")).to.deep.equal([{ x: 1 }]);
    await database.close();
    lockFolder(folder).release();
  });

  it("keeps its log and its tables from growing with every change", async () => {
    const { folder } = (await emptyDatabase("embedded")) as { folder: string };
    const database = await openDatabase({ folder });
    await database.query("CREATE TABLE changed (id integer, text text STORAGE EXTERNAL)");
    await database.query("INSERT INTO changed VALUES (1, '')");
    const megabytes = async (): Promise<number> => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => stat(join(entry.parentPath, entry.name)));
      return (await Promise.all(files)).reduce((sum, { size }) => sum + size, 0) / 2 ** 20;
    };
    const before = await megabytes();
    for (let count = 0; count < 600; count++) {
      await database.query("UPDATE changed SET text = repeat('x', 300000) || $1::text", [count]);
    }
    // 180 MB were written, each to the log and to a table.
    expect((await megabytes()) - before).to.be.lessThan(180);
    await database.close();
  });

  it("that is damaged, or no folder, is named so, and free again", async () => {
    const { folder } = (await emptyDatabase("embedded")) as { folder: string };
    const damaged = `${folder}-damaged`;
    await cp(folder, damaged, { recursive: true });
    await truncate(join(damaged, "global", "pg_control"), 10);
    const error = await rejection(openDatabase({ folder: damaged }));
    expect(error).to.be.instanceOf(DatabaseBroken);
    expect(error.message).to.contain(damaged).and.contain("backup");
    lockFolder(damaged).release();
    const file = join(await scratch(), "a-file");
    await writeFile(file, "");
    expect(await rejection(openDatabase({ folder: file }))).to.be.instanceOf(DatabaseBroken);
  });
});

describe("Keeper's database on a server", () => {
  it("that is not there, or does not want us, is named without the password", async () => {
    const { url } = await postgres();
    const nobody = createServer().listen(0, "127.0.0.1");
    await once(nobody, "listening");
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, "close");
    const cases: [string, RegExp][] = [
      [
        `postgres://ballast:hush-hush@127.0.0.1:${port}/keeper`,
        new RegExp(`"keeper" at 127.0.0.1:${port}.*ECONNREFUSED`),
      ],
      [url.replace("open%20sesame", "hush-hush"), /password authentication failed/],
      [url.replace(/\/postgres$/, "/nowhere"), /"nowhere".*does not exist/],
      [url.replace(":open%20sesame", ""), /SASL/],
      ["postgres://ballast:hush-hush@[not-a-host/keeper", /URL/],
    ];
    for (const [wrong, message] of cases) {
      const error = await rejection(openDatabase({ url: wrong }));
      expect(error, wrong).to.be.instanceOf(DatabaseUnavailable);
      expect(error.message).to.match(message);
      const said = `${error.message} ${error.stack ?? ""} ${JSON.stringify(error.cause)}`;
      expect(said).not.to.contain("hush-hush").and.not.contain("open sesame");
    }
  });

  it("that is restarted fails what is under way as unavailable, and answers again", async () => {
    const server = await postgres();
    const database = await openDatabase(await emptyDatabase("postgres"));
    const store = await Store.open(database);
    const sleeping = rejection(database.query("SELECT pg_sleep(60)"));
    const inside = rejection(
      database.transaction(async (tx) => {
        await store.due("lost", SLOT, at(0), tx);
        await tx.query("SELECT pg_sleep(60)");
      }),
    );
    await database.query("SELECT 1");
    const restarted = server.restart(300);
    expect(await sleeping).to.be.instanceOf(DatabaseUnavailable);
    expect(await inside).to.be.instanceOf(DatabaseUnavailable);
    expect(await rejection(store.alerts())).to.be.instanceOf(DatabaseUnavailable);
    expect(await rejection(database.transaction(async () => undefined))).to.be.instanceOf(DatabaseUnavailable);
    await restarted;
    expect(await store.tick("lost", SLOT)).to.equal(null);
    expect(await store.due("kept", SLOT, at(0))).to.equal(true);
    await database.close();
  });

  it("gives errors that say what to do", () => {
    const coded = (code: string, message = "said"): Error => Object.assign(new Error(message), { code });
    const unavailable = [
      ...["08006", "08001", "57P01", "57P03", "53300", "28P01", "ECONNREFUSED", "ECONNRESET", "ENOTFOUND"].map((code) =>
        coded(code),
      ),
      new Error("Connection terminated unexpectedly"),
      new Error("timeout exceeded when trying to connect"),
      new Error("Query read timeout"),
      new AggregateError([coded("ECONNREFUSED", "connect ECONNREFUSED ::1:5432")], ""),
    ];
    Object.assign(unavailable.at(-1)!, { code: "ECONNREFUSED" });
    for (const error of unavailable) {
      const named = databaseError(error, '"keeper" at host:1', "said");
      expect(named, error.message).to.be.instanceOf(DatabaseUnavailable);
      expect((named as Error).message)
        .to.contain('"keeper" at host:1')
        .and.not.contain("said");
      expect(databaseError(named, "elsewhere")).to.equal(named);
    }
    for (const error of [
      coded("53100"),
      coded("ENOSPC"),
      new Error("could not extend: No space left on device"),
      new Error("database or disk is full"),
    ]) {
      expect(databaseError(error, "here"), error.message).to.be.instanceOf(DatabaseFull);
    }
    for (const error of [coded("23505"), coded("42601", "terminated"), "text"]) {
      expect(databaseError(error, "here")).to.equal(error);
    }
  });
});
