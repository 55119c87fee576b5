import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { compareBuild } from "../../src/cli/buildCode.ts";
import { rpcHealth } from "../../src/keeper/doctor/rpc.ts";
import { explainPacket } from "../../src/keeper/explain.ts";
import { observe } from "../../src/keeper/observe.ts";
import { signaturesSoFar } from "../../src/keeper/signaturesSoFar.ts";
import { decide } from "../../src/plan/decide.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import { approveHashCall } from "../../src/safe/approvals.ts";
import { createPacket, packetText } from "../../src/safe/packet.ts";
import { addSignatures, readPacket, writePacket } from "../../src/safe/packetFile.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { approvedHashSignature } from "../../src/safe/signatures.ts";
import { plainCall } from "../../src/safe/transaction.ts";
import { proposalRow } from "../helpers/keeperRecords.ts";
import { examine, renderReport } from "../../src/keeper/doctor.ts";
import type { DoctorCheck, DoctorDoors, DoctorReport } from "../../src/keeper/doctor.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { SafeService } from "../../src/safe/service.ts";
import { AccessManager__factory, Rebalancer__factory } from "../../typechain-types/index.js";
import { serveChain } from "../helpers/rpcServer.ts";
import type { Manners, RpcServer } from "../helpers/rpcServer.ts";
import { newRounds, sceneOf, vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";
import { DEFAULT_VAULT } from "../../deploy/devnet/world.ts";
import { startTransactionService } from "../support/transactionService/server.ts";
import type { TransactionService } from "../support/transactionService/server.ts";

const SOURCE = {
  name: "exchange",
  of: "base",
  url: "https://exchange.example/",
  pointer: "/price",
  timePointer: "/time",
  maxAgeSeconds: 600,
  maxDisagreementBps: 100,
};

describe("ballast doctor", () => {
  let scene: VaultScene;
  let folder: string;
  let first: RpcServer;
  let second: RpcServer;
  let service: TransactionService;
  let chainTime: number;

  before(async () => {
    scene = await vaultScene([DEFAULT_VAULT, { ...DEFAULT_VAULT, name: "guarded", guard: true }]);
    [first, second] = await Promise.all([serveChain(scene.chain, "/key-of-first"), serveChain(scene.chain, "/other")]);
    service = await startTransactionService({ provider: scene.chain.provider });
    const { chain, safe } = scene;
    const client = new SafeService({ url: service.url, chainId: scene.deployment.chainId });
    await client.addDelegate(safe, chain.address("keeper"), chain.wallet("owner1"), "keeper");
  });
  after(async () => {
    await Promise.all([first.close(), second.close(), service.close()]);
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-doctor-"));
    chainTime = await scene.chain.now();
    wellMannered();
  });
  afterEach(async () => {
    service.fail(null);
    await rm(folder, { recursive: true, force: true });
    await scene.reset();
  });

  describe("of a keeper that is ready", () => {
    it("finds nothing wrong, says so in one line, and leaves no trace", async () => {
      const report = await doctor({ doors: { compareCode: compareBuild } });
      expect(wrong(report)).to.deep.equal([]);
      expect(report.ok).to.equal(true);
      const named = (name: string): DoctorCheck => one(report, name);
      expect(named("main: contracts").detail).to.match(/^12 contracts have the code this checkout builds$/);
      expect(named("main: Safe").detail).to.include("2 of 3 owners");
      expect(named("main: keeper role").detail).to.include("may call Rebalancer.deleverage");
      expect(named("main: delegate rights").detail).to.include("is a delegate");
      expect(named("main: balance").detail).to.match(/enough for about \d+ busy ticks/);
      expect(named("main: feed base").detail).to.include("allowed 6 h");
      expect(named("main: regime").detail).to.match(/^Calm, good for another /);
      expect(named("chain local: agreement").detail).to.include("2 URLs give block");
      expect(named("chain local: clock").outcome).to.equal("ok");
      expect(report.checks.some(({ name }) => name.endsWith("past state"))).to.equal(true);
      const text = renderReport(report);
      expect(text.split("\n").at(-1)).to.match(/^READY: nothing failed; 0 to look at, \d+ not checked, of \d+\.$/);
      expect(text).not.to.include("mend:");
      expect(await readdir(folder)).to.have.members(["keeper.yaml", "deployment.json", "guarded.json", "out"]);
      expect(await readdir(join(folder, "out"))).to.deep.equal([]);
    });

    it("of a vault with a review guard, whose proposer the key is", async () => {
      const report = await doctor({
        vault: { name: "guarded", via: "file", deployment: "guarded.json", announce: true },
      });
      expect(wrong(report)).to.deep.equal([]);
      expect(one(report, "guarded: proposer role").detail).to.include("may call ReviewGuard.announce");
      expect(one(report, "guarded: review guard").detail).to.include("the keeper announces to it");
    });

    it("without a key, warns that nobody acts in an emergency, and fails nothing", async () => {
      const report = await doctor({ vault: { key: undefined, via: "file" } });
      expect(wrong(report)).to.deep.equal(["warn main: keeper role"]);
      expect(report.ok).to.equal(true);
    });

    it("says that a keeper runs on the database, which is no fault", async () => {
      const busy = Object.assign(new Error("held by process 7"), { inUse: true });
      const report = await doctor({ doors: { openStore: () => Promise.reject(busy) } });
      expect(one(report, "database")).to.deep.include({ outcome: "ok" });
      expect(one(report, "database").detail).to.include("a keeper runs on it");
    });

    it("shows no secret of the configuration, whatever fails", async () => {
      const environment = { SECRET: "s3cret-token", DATABASE_URL: "postgres://u:p4ssword@localhost/none" };
      first.manners = { answer: () => fails(`cannot serve ${first.url}`) };
      const report = await doctor({
        config: { heartbeat: { url: "https://hc.example/ping/${SECRET}" } },
        doors: {
          environment,
          openStore: () => Promise.reject(new Error(`no answer from ${environment.DATABASE_URL}`)),
        },
      });
      const text = renderReport(report) + JSON.stringify(report);
      expect(report.ok).to.equal(false);
      for (const secret of ["key-of-first", "s3cret-token", "p4ssword"]) expect(text).not.to.include(secret);
    });
  });

  /** A fault, what names it, and what its mend must say. Each mend is another. */
  interface Fault {
    what: string;
    check: string;
    says: string;
    mend: string;
    outcome?: DoctorCheck["outcome"];
    change: Change | (() => Change | Promise<Change>);
  }

  const FAULTS: Fault[] = [
    {
      what: "Node.js is too old",
      check: "Node.js",
      says: "18.20.0 is too old",
      mend: "install Node.js 20 or later",
      change: { doors: { nodeVersion: "18.20.0" } },
    },
    {
      what: "a variable is not set",
      check: "environment",
      says: "not set: NOWHERE",
      mend: "set them where the keeper is started",
      change: { config: { heartbeat: { url: "${NOWHERE}" } } },
    },
    {
      what: "the configuration has a key that does not exist",
      check: "configuration",
      says: "vaults.0.shedule: there is no such key",
      mend: "correct ",
      change: { vault: { shedule: "5 0 * * *" } },
    },
    {
      what: "the database cannot be opened",
      check: "database",
      says: "connection refused",
      mend: "check DATABASE_URL",
      change: {
        doors: {
          environment: { DATABASE_URL: "postgres://localhost/none" },
          openStore: () => Promise.reject(new Error("connection refused")),
        },
      },
    },
    {
      what: "the embedded database's folder cannot be written",
      check: "database",
      says: "EACCES",
      mend: "a folder it may write in database.folder",
      change: { doors: { openStore: () => Promise.reject(new Error("EACCES: permission denied")) } },
    },
    {
      what: "alerts go nowhere",
      check: "alerts",
      says: "seen only in the log",
      mend: "add a webhook",
      outcome: "warn",
      change: { config: { alerts: { sinks: [] } } },
    },
    {
      what: "there is no heartbeat",
      check: "heartbeat",
      says: "nobody notices",
      mend: "add heartbeat.url",
      outcome: "warn",
      change: { config: { heartbeat: undefined } },
    },
    {
      what: "nothing listens at a URL",
      check: "chain local: RPC 1 (127.0.0.1:1): reachable",
      says: "fetch failed",
      mend: "check the URL in chains.local.rpc",
      change: () => ({ rpc: ["http://127.0.0.1:1/", second.url] }),
    },
    {
      what: "no URL is left",
      check: "chain local: quorum",
      says: "0 of 1 URLs can be used, 1 must say the same",
      mend: "add another to chains.local.rpc",
      change: { rpc: ["http://127.0.0.1:1/"] },
    },
    {
      what: "a URL serves another chain",
      check: "RPC 1 .*: chain",
      says: "it serves chain 1, the configuration says 31337",
      mend: "give a URL of chain 31337",
      change: () => badly({ answer: ({ method }) => (method === "eth_chainId" ? "0x1" : undefined) }),
    },
    {
      what: "a URL answers nonsense",
      check: "RPC 1 .*: reachable",
      says: "does not answer as a node does",
      mend: "keepers should have two URLs",
      change: () => badly({ answer: () => "hello" }),
    },
    {
      what: "a node has no newest block",
      check: "RPC 1 .*: newest block",
      says: "still syncing",
      mend: "let it sync",
      change: () =>
        badly({ answer: ({ method }) => (method === "eth_getBlockByNumber" ? fails("still syncing") : undefined) }),
    },
    {
      what: "a node stands still",
      check: "RPC 1 .*: newest block",
      says: "10 min old, more than 5 min",
      mend: "the node or the chain stands still",
      change: () => ({ doors: { now: () => (chainTime + 600) * 1000 } }),
    },
    {
      what: "a node takes no state overrides",
      check: "RPC 1 .*: state overrides",
      says: "eth_call does not take them (too many arguments)",
      mend: "geth, reth, erigon and anvil do",
      change: () =>
        badly({
          answer: ({ method, params }) =>
            method === "eth_call" && params.length > 2 ? fails("too many arguments") : undefined,
        }),
    },
    {
      what: "a node passes over state overrides",
      check: "RPC 1 .*: state overrides",
      says: "eth_call does not take them, and",
      mend: "use a node that does",
      change: () =>
        badly({ answer: ({ method, params }) => (method === "eth_call" && params.length > 2 ? "0x" : undefined) }),
    },
    {
      what: "a node has no past state",
      check: "RPC 1 .*: past state",
      says: "no state of the block before",
      mend: "keeps the state of recent blocks",
      change: () =>
        badly({
          answer: ({ method, params }) =>
            method === "eth_getBalance" && params[1] !== "latest" ? fails("missing trie node") : undefined,
        }),
    },
    {
      what: "a node takes no batches",
      check: "RPC 1 .*: batches",
      says: "the answer is no list of two",
      mend: "takes JSON-RPC batches",
      outcome: "warn",
      change: () => badly({ batches: false }),
    },
    {
      what: "two URLs disagree",
      check: "chain local: agreement",
      says: "they disagree on block",
      mend: "on a fork",
      change: () =>
        badly({
          answer: ({ method, params }) =>
            method === "eth_getBlockByNumber" && params[0] !== "latest"
              ? { number: params[0], hash: `0x${"11".repeat(32)}`, timestamp: "0x1" }
              : undefined,
        }),
    },
    {
      what: "the clock is a minute off",
      check: "chain local: clock",
      says: "1 min ahead of the servers' date",
      mend: "timedatectl set-ntp true",
      outcome: "warn",
      change: () => ({ doors: { now: () => (chainTime + 60) * 1000 } }),
    },
    {
      what: "the clock is three minutes behind",
      check: "chain local: clock",
      says: "3 min 1 s behind the servers' date, 3 min behind the newest block",
      mend: "chrony",
      change: () => ({ doors: { now: () => (chainTime - 180) * 1000 } }),
    },
    {
      what: "the clock is behind and no server says the time",
      check: "chain local: clock",
      says: "no server sends its date, 3 min behind the newest block",
      mend: "set the clock",
      change: () => {
        first.manners.date = second.manners.date = () => null;
        return { doors: { now: () => (chainTime - 180) * 1000 } };
      },
    },
    {
      what: "there is no deployment file",
      check: "main: deployment file",
      says: "no such file",
      mend: `"ballast deploy" or "ballast devnet" wrote`,
      change: { vault: { deployment: "none.json" } },
    },
    {
      what: "the deployment file is another chain's",
      check: "main: deployment file",
      says: "is of chain 10, chain local of the configuration is 31337",
      mend: "put the vault on its own chain",
      change: () => deployed({ chainId: "10" }),
    },
    {
      what: "no code is at an address",
      check: "main: contracts",
      says: ": no code",
      mend: "a node that has synced past the deployment",
      change: () => deployed({ rebalancer: scene.chain.address("attacker") }),
    },
    {
      what: "other code is at an address",
      check: "main: contracts",
      says: "another from byte",
      mend: "run the release the vault was deployed with",
      change: () => ({ ...deployed({ policy: scene.deployment.vault }), doors: { compareCode: compareBuild } }),
    },
    {
      what: "the file is of another vault",
      check: "main: wiring",
      says: "the file says",
      mend: "is not of this vault as it is now",
      change: () => deployed({ lens: sceneOf(scene, 1).deployment.lens }),
    },
    {
      what: "the lens is none",
      check: "main: wiring",
      says: "could not decode",
      mend: "the lens does not answer",
      change: () => deployed({ lens: scene.chain.address("attacker") }),
    },
    {
      what: "the Safe is none",
      check: "main: Safe",
      says: "does not answer as a Safe",
      mend: `check "safe" in`,
      change: () => ({
        ...deployed({ safe: scene.chain.address("attacker") }),
        vault: { via: "file", deployment: "changed.json" },
      }),
    },
    {
      what: "a price feed is stale",
      check: "main: feed base",
      says: "older than the 6 h the oracle allows",
      mend: "ask the base feed's operator",
      change: () => later(7 * 3_600),
    },
    {
      what: "there is no price",
      check: "main: price",
      says: "StaleFeed",
      mend: "wait for the feed",
      change: () => later(7 * 3_600),
    },
    {
      what: "a price feed answers zero",
      check: "main: feed base",
      says: "answers 0",
      mend: "the feed is broken",
      change: async () => {
        await newRounds(scene, 0);
        return later(1);
      },
    },
    {
      what: "a close is missing",
      check: "main: regime",
      says: "it is Unknown: 250 sessions are in",
      mend: "take in the missing close",
      change: () => later(8 * 86_400),
    },
    {
      what: "the volatility feeds are silent",
      check: "main: feed vix",
      says: "longer than closes are apart",
      mend: "check the vix feed's reporters",
      outcome: "warn",
      change: () => later(8 * 86_400),
    },
    {
      what: "the key does not open",
      check: "main: key",
      says: "wrong password",
      mend: "the right password in BALLAST_PASSWORD",
      change: () => ({
        config: { keys: { ops: { keystore: join(folder, "ops.json") } } },
        doors: { openSigner: () => Promise.reject(new Error("wrong password")) },
      }),
    },
    {
      what: "the remote signer does not answer",
      check: "main: key",
      says: "connection refused",
      mend: "holds the key of 0x",
      change: () => ({
        config: { keys: { ops: { web3signer: "http://127.0.0.1:1/", address: scene.chain.address("keeper") } } },
        doors: { openSigner: () => Promise.reject(new Error("connection refused")) },
      }),
    },
    {
      what: "everybody may read the keystore",
      check: "main: keystore file",
      says: "open to others (mode 644)",
      mend: "chmod 600",
      outcome: "warn",
      change: async () => {
        const keystore = join(folder, "open.json");
        await writeFile(keystore, "{}");
        await chmod(keystore, 0o644);
        return { config: { keys: { ops: { keystore } } } };
      },
    },
    {
      what: "there is no keystore",
      check: "main: keystore file",
      says: "ENOENT",
      mend: "give the path of an encrypted keystore",
      change: () => ({ config: { keys: { ops: { keystore: join(folder, "none.key") } } } }),
    },
    {
      what: "the keys of two vaults of a chain open one account",
      check: "second: own account",
      says: "vault first sends from 0x",
      mend: "a key of its own",
      change: () => {
        const vault = (name: string, file: string): object => ({
          ...{ name, key: name, chain: "local", via: "file", out: join(folder, name) },
          deployment: join(folder, file),
        });
        const signer = { web3signer: "http://signer.example/", address: scene.chain.address("keeper") };
        return {
          config: {
            keys: { first: signer, second: signer },
            vaults: [vault("first", "deployment.json"), vault("second", "guarded.json")],
          },
        };
      },
    },
    {
      what: "the key has no coin",
      check: "main: balance",
      says: "has 0.0 of the chain's coin",
      mend: "at least 0.02",
      change: () => balance(0n),
    },
    {
      what: "the key has little coin",
      check: "main: balance",
      says: "alerts.minBalance is 0.02",
      mend: "top up 0x",
      outcome: "warn",
      change: () => balance(19n * 10n ** 15n),
    },
    {
      what: "the key has not the keeper's role",
      check: "main: keeper role",
      says: "may not call Rebalancer.deleverage",
      mend: "AccessManager.grantRole(5, 0x",
      change: () => ({ doors: { openSigner: () => Promise.resolve({ address: scene.chain.address("maker") }) } }),
    },
    {
      what: "the key may not announce",
      check: "guarded: proposer role",
      says: "may not call ReviewGuard.announce",
      mend: "AccessManager.grantRole(7, 0x",
      change: () => ({
        vault: { name: "guarded", via: "file", deployment: "guarded.json", announce: true },
        doors: { openSigner: () => Promise.resolve({ address: scene.chain.address("maker") }) },
      }),
    },
    {
      what: "nobody announces",
      check: "guarded: review guard",
      says: "announce is off",
      mend: `run "ballast announce" for each`,
      outcome: "warn",
      change: { vault: { name: "guarded", via: "file", deployment: "guarded.json" } },
    },
    {
      what: "there is no guard to announce to",
      check: "main: review guard",
      says: "wants to announce to one",
      mend: "set announce: false, or have the owners set the guard",
      change: { vault: { announce: true } },
    },
    {
      what: "the key is no delegate",
      check: "main: delegate rights",
      says: "neither a delegate nor an owner",
      mend: "as a delegate of the Safe with the service",
      change: () => ({ doors: { openSigner: () => Promise.resolve({ address: scene.chain.address("maker") }) } }),
    },
    {
      what: "the service is down",
      check: "main: transaction service",
      says: "cannot be reached",
      mend: "until it is back",
      change: () => {
        service.fail({ kind: "status", status: 503 });
        return {};
      },
    },
    {
      what: "the service does not know the Safe",
      check: "main: transaction service",
      says: "does not know Safe",
      mend: "the service that indexes chain 31337",
      change: () => {
        service.fail({ kind: "status", status: 404 });
        return {};
      },
    },
    {
      what: "packets cannot be written",
      check: "main: output folder",
      says: "is a file, not a folder",
      mend: "mkdir -p",
      change: async () => {
        await writeFile(join(folder, "a-file"), "");
        return { vault: { out: join(folder, "a-file", "out") } };
      },
    },
    {
      what: "the disk is full",
      check: "main: disk",
      says: "150 MB free",
      mend: "free some disk space",
      change: { doors: { freeBytes: () => Promise.resolve(150 * 1024 * 1024) } },
    },
    {
      what: "another source cannot be read",
      check: "main: secondary exchange (base)",
      says: "no /price",
      mend: "pointer and timePointer",
      change: {
        vault: { secondary: [SOURCE] },
        doors: { readSecondary: () => Promise.reject(new Error("no /price")) },
      },
    },
    {
      what: "another source is old",
      check: "main: secondary exchange (base)",
      says: "1 h old, more than 10 min",
      mend: "raise its maxAgeSeconds",
      outcome: "warn",
      change: () => ({
        vault: { secondary: [SOURCE] },
        doors: { readSecondary: () => Promise.resolve({ value: "2812", updatedAt: chainTime - 3_600 }) },
      }),
    },
  ];

  describe("says what is wrong and how to mend it, when", () => {
    const mends: { check: string; mend: string }[] = [];
    for (const { what, check, says, mend, outcome = "fail", change } of FAULTS) {
      it(what, async () => {
        const report = await doctor(typeof change === "function" ? await change() : change);
        const found = one(report, check);
        expect(found.outcome, found.detail).to.equal(outcome);
        expect(found.detail).to.include(says);
        expect(found.mend).to.include(mend);
        mends.push({ check, mend: found.mend ?? "" });
        expect(report.ok).to.equal(!report.checks.some((entry) => entry.outcome === "fail"));
        expect(renderReport(report)).to.include(`     mend: ${found.mend}`);
      });
    }

    it("and no two checks have the same to say about mending", () => {
      const checkOf = new Map<string, string>();
      for (const { check, mend } of mends) {
        const name = check.replace(/^.*: /, "");
        expect(checkOf.get(mend) ?? name, mend).to.equal(name);
        checkOf.set(mend, name);
      }
      expect(checkOf.size).to.be.above(40);
    });
  });

  describe("goes on after a failure", () => {
    it("and says of what rests on it that it was not checked", async () => {
      const report = await doctor({ rpc: ["http://127.0.0.1:1/"] });
      expect(report.ok).to.equal(false);
      expect(one(report, "main: contracts")).to.deep.include({
        outcome: "not checked",
        detail: "no RPC of chain local can be used",
      });
      expect(one(report, "main: deployment file").outcome).to.equal("ok");
      expect(one(report, "main: output folder").outcome).to.equal("ok");
      expect(one(report, "database").outcome).to.equal("ok");
      expect(renderReport(report)).to.match(/NOT READY: 2 failed, \d+ to look at, \d+ not checked, of \d+\.$/);
    });

    it("when a node hangs: every check ends, in time", async () => {
      const never = new Promise<Response>(() => undefined);
      const report = await doctor({
        chain: { timeoutMs: 50 },
        doors: { fetch: () => never, compareCode: () => new Promise(() => undefined) },
      });
      expect(one(report, "RPC 1 .*: reachable").detail).to.equal("no answer in 0.05 s");
      const slow = await doctor({
        chain: { timeoutMs: 500 },
        doors: { compareCode: () => new Promise(() => undefined) },
      });
      expect(one(slow, "main: contracts").detail).to.equal("no answer in 2 s");
      expect(one(slow, "main: Safe").outcome).to.equal("ok");
    });

    it("of one vault at a time, and names those there are", async () => {
      const report = await doctor({ only: "nobody" });
      expect(one(report, "vault")).to.deep.include({ outcome: "fail", mend: "give one of main" });
      expect((await doctor({ only: "main" })).ok).to.equal(true);
    });

    it("without a build, with code where the file says", async () => {
      expect(one(await doctor(), "main: contracts").detail).to.include("there is no build here");
      const elsewhere = await doctor({
        ...deployed({ rebalancer: scene.chain.address("attacker") }),
        doors: { compareCode: compareBuild },
      });
      expect(one(elsewhere, "main: contracts").detail).to.include("Rebalancer at").and.include(": no code");
    });

    it("when the configuration cannot be read at all", async () => {
      const report = await examine(join(folder, "none.yaml"), doors());
      expect(report.checks.map(({ name, outcome }) => [name, outcome])).to.deep.equal([
        ["Node.js", "ok"],
        ["configuration", "fail"],
      ]);
    });
  });

  it("counts signatures for a proposal wherever they are, of present owners alone, each owner once", async () => {
    const { chain, safe, deployment } = scene;
    const { provider } = chain;
    const { evidence } = await observe(provider, deployment);
    const decision = decide(evidence);
    if (decision.kind !== "rebalance") expect.fail(decision.sentence);
    const safeTx = plainCall(deployment.rebalancer, encodePlan(decision.plan), 0n);
    const packet = createPacket({ chainId: deployment.chainId, safe, safeTx, plan: decision.plan, evidence });
    const path = join(folder, "a.packet.json");
    await writePacket(path, packet);
    const row = proposalRow({ safeTxHash: packet.safeTxHash, packet: packetText(packet), where: [path, "elsewhere"] });
    const client = new SafeService({ url: service.url, chainId: deployment.chainId });
    const places = { provider, service: client, readPacket };
    expect(await signaturesSoFar(row, places)).to.deep.equal({ have: 0, threshold: 2 });

    await addSignatures(path, (await signPacket(packet, chain.wallet("owner1"), { provider })).signatures);
    expect((await signaturesSoFar(row, places)).have, "in the file").to.equal(1);
    await chain.send("owner1", approveHashCall(safe, packet.safeTxHash));
    expect((await signaturesSoFar(row, places)).have, "the same owner on chain").to.equal(1);
    await client.propose({ safe, safeTx, signer: chain.wallet("owner2") });
    expect((await signaturesSoFar(row, places)).have, "with the service").to.equal(2);
    expect((await signaturesSoFar(row, { ...places, service: null })).have, "without it").to.equal(1);
    // An approval that only a file claims is none.
    await addSignatures(path, [approvedHashSignature(chain.address("owner3"))]);
    expect((await signaturesSoFar(row, { ...places, service: null })).have).to.equal(1);
    // What is told of the chain's evidence is what the rules gave.
    expect(explainPacket(await readPacket(path)).join("\n"))
      .to.include(decision.sentence)
      .and.include("2 signatures");
  });

  it("tells in short whether each URL can be used", async () => {
    const config = {
      chainId: 31_337,
      quorum: 1,
      confirmations: 0,
      maxBlockAgeSeconds: 300,
      timeoutMs: 1_000,
      maxFeeGwei: 300,
      maxClockLeadSeconds: 60,
    };
    const health = (rpc: string[], now = chainTime) =>
      rpcHealth("local", { ...config, rpc }, { now: () => now * 1000, fetch: (url, init) => fetch(url, init) });
    badly({ answer: ({ method }) => (method === "eth_chainId" ? "0xa" : undefined) });
    const told = await health([second.url, first.url, "http://127.0.0.1:1/"]);
    expect(told.map(({ ok }) => ok)).to.deep.equal([true, false, false]);
    expect(told[0]!.detail).to.match(/^block \d+, 0 s old$/);
    expect(told[1]!.detail).to.equal("it serves chain 10");
    expect((await health([second.url], chainTime + 301))[0]!.ok).to.equal(false);
  });

  it("can use a URL with a user and password, as the keeper can", async () => {
    const rpc = [first.url.replace("http://", "http://user:geheim@")];
    const asked: [string, RequestInit][] = [];
    const [health] = await rpcHealth(
      "local",
      {
        chainId: 31_337,
        quorum: 1,
        confirmations: 0,
        maxBlockAgeSeconds: 300,
        timeoutMs: 1_000,
        maxFeeGwei: 300,
        maxClockLeadSeconds: 60,
        rpc,
      },
      { now: () => chainTime * 1000, fetch: (url, init) => (asked.push([url, init]), fetch(url, init)) },
    );
    expect(health).to.deep.include({ ok: true });
    expect(asked[0]![0]).to.not.include("geheim");
    expect(asked[0]![1].headers).to.deep.include({
      authorization: `Basic ${Buffer.from("user:geheim").toString("base64")}`,
    });
  });

  it("asks AccessManager what it asks of the chain, by the functions' own selectors", async () => {
    const { chain, deployment } = scene;
    const manager = AccessManager__factory.connect(deployment.accessManager, chain.provider);
    const selector = Rebalancer__factory.createInterface().getFunction("deleverage").selector;
    expect(await manager.getTargetFunctionRole(deployment.rebalancer, selector)).to.equal(5n);
  });

  interface Change {
    config?: Record<string, unknown>;
    chain?: Record<string, unknown>;
    vault?: Record<string, unknown>;
    rpc?: string[];
    deployment?: Partial<Deployment>;
    doors?: Partial<DoctorDoors>;
    only?: string;
  }

  async function doctor(change: Change = {}): Promise<DoctorReport> {
    const file = join(folder, "keeper.yaml");
    await mkdir(join(folder, "out"), { recursive: true });
    const write = (name: string, value: unknown): Promise<void> => writeFile(join(folder, name), JSON.stringify(value));
    await write("deployment.json", scene.deployment);
    await write("guarded.json", sceneOf(scene, 1).deployment);
    if (change.deployment !== undefined) await write("changed.json", { ...scene.deployment, ...change.deployment });
    const vault: Record<string, unknown> = {
      name: "main",
      chain: "local",
      deployment: "deployment.json",
      out: join(folder, "out"),
      key: "ops",
      via: "service",
      service: { url: service.url },
      ...change.vault,
    };
    vault["deployment"] = join(folder, String(vault["deployment"]));
    const config = {
      database: { folder: join(folder, "database") },
      heartbeat: { url: "https://hc.example/ping" },
      chains: { local: { chainId: 31_337, rpc: change.rpc ?? [first.url, second.url], ...change.chain } },
      keys: { ops: { web3signer: "http://signer.example/", address: scene.chain.address("keeper") } },
      alerts: { sinks: [{ kind: "webhook", url: "https://alerts.example/hook" }] },
      vaults: [vault],
      ...change.config,
    };
    // A configuration is YAML, of which JSON is a part.
    await writeFile(file, JSON.stringify(config));
    return examine(file, doors(change.doors), change.only);
  }

  function doors(changes: Partial<DoctorDoors> = {}): DoctorDoors {
    return {
      now: () => chainTime * 1000,
      fetch: (url, init) => fetch(url, init),
      environment: {},
      openStore: () => Promise.resolve({ close: () => Promise.resolve() }),
      isStoreInUse: (error) => (error as { inUse?: boolean }).inUse === true,
      openSigner: () => Promise.resolve({ address: scene.chain.address("keeper") }),
      // Presence alone; comparing with the build takes most of a second.
      compareCode: null,
      readSecondary: null,
      freeBytes: () => Promise.resolve(10 ** 12),
      nodeVersion: "24.3.0",
      platform: "linux",
      ...changes,
    };
  }

  function wellMannered(): void {
    for (const server of [first, second]) server.manners = { date: () => chainTime * 1000 };
  }

  function badly(manners: Manners): Change {
    Object.assign(first.manners, manners);
    return {};
  }

  function deployed(deployment: Partial<Deployment>): Change {
    return { deployment, vault: { deployment: "changed.json" } };
  }

  async function later(seconds: number): Promise<Change> {
    await scene.chain.warpTo((await scene.chain.now()) + seconds);
    chainTime = await scene.chain.now();
    return {};
  }

  async function balance(value: bigint): Promise<Change> {
    await scene.chain.request("hardhat_setBalance", [scene.chain.address("keeper"), `0x${value.toString(16)}`]);
    return {};
  }
});

function fails(message: string): never {
  throw new Error(message);
}

/** The one check of that title, of which a pattern may leave out what a test cannot know. */
function one({ checks }: DoctorReport, title: string): DoctorCheck {
  const titled = (check: DoctorCheck): string => (check.vault === null ? check.name : `${check.vault}: ${check.name}`);
  const pattern = new RegExp(`${title.includes(".*") ? title : title.replaceAll(/[.()]/g, "\\$&")}$`);
  const found = checks.filter((check) => pattern.test(titled(check)));
  expect(found.map(titled), `${title}, of ${checks.map(titled).join(", ")}`).to.have.length(1);
  return found[0]!;
}

function wrong({ checks }: DoctorReport): string[] {
  return checks
    .filter(({ outcome }) => outcome === "warn" || outcome === "fail")
    .map(
      ({ outcome, vault, name, detail }) =>
        `${outcome} ${vault === null ? "" : `${vault}: `}${name}${outcome === "fail" ? ` ${detail}` : ""}`,
    );
}
