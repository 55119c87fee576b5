import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Contract, HDNodeWallet, Mnemonic } from "ethers";
import { ACCOUNTS, DEV_MNEMONIC } from "../../deploy/devnet/chain.ts";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { parseDeployment } from "../../src/plan/deployment.ts";
import type { Deployment } from "../../src/plan/deployment.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { SAFE_INTERFACE } from "../../src/safe/abi.ts";
import { createPacket, packetText, parsePacket } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { SafeService } from "../../src/safe/service.ts";
import { Rebalancer__factory } from "../../typechain-types/index.js";
import { answered, ballast, ballastJson, ballastProcess, freePort, startDevnet } from "../helpers/ballast.ts";
import type { Devnet, Finished } from "../helpers/ballast.ts";
import { startTransactionService } from "../support/transactionService/server.ts";

describe("ballast against a devnet in another process", () => {
  let folder: string;
  let devnet: Devnet;
  let deploymentFile: string;
  let deployment: Deployment;
  let snapshot: string;
  let rounds = 0;
  /** A folder for packets of its own for each test. */
  let out: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ballast-cli-"));
    devnet = await startDevnet(folder);
    deploymentFile = join(folder, "deployment.json");
    deployment = parseDeployment(await readFile(deploymentFile, "utf8"), deploymentFile);
  });
  after(async () => {
    await devnet.stop("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  });

  describe("each from the same chain", () => {
    beforeEach(async () => {
      snapshot = (await devnet.provider.send("evm_snapshot", [])) as string;
      out = join(folder, `proposals-${rounds++}`);
    });
    afterEach(() => devnet.provider.send("evm_revert", [snapshot]));

    it("goes from the keeper's proposal to its execution, each step once", async () => {
      const proposed = await keeper([], ballastProcess);
      expect(proposed.json).to.include({ code: "PROPOSED", regime: "Calm", slot: "2030-02-04T00:00:00.000Z" });
      expect(proposed.json["navBefore"]).to.equal("5000000000000");
      const packet = await onlyPacket();
      expect(proposed.json["where"]).to.deep.equal([packet, builderOf(packet)]);
      const before = await contents(out);

      const again = await keeper();
      expect(again.json).to.include({ code: "ALREADY_PROPOSED", safeTxHash: null });
      expect(again.json["where"]).to.deep.equal([packet]);

      const [verified, tooEarly, stranger] = await Promise.all([
        answered(ballastProcess, ["verify", packet, ...rpc(), "--deployment", deploymentFile]),
        ballastProcess(["execute", packet, ...rpc(), ...key("executor")]),
        ballastProcess(["sign", packet, ...rpc(), "--deployment", deploymentFile, ...key("attacker")]),
      ]);
      expect(verified.code).to.equal(0);
      expect(verified.json).to.include({ ok: true, cause: null, safeTxHash: proposed.json["safeTxHash"] });
      const checks = verified.json["checks"] as { name: string; outcome: string }[];
      expect(checks.filter(({ outcome }) => outcome === "match")).to.have.length.above(20);
      expect(checks.filter(({ outcome }) => outcome !== "match")).to.deep.equal([]);
      refused(tooEarly, "NotEnoughSignatures", "0 of 2 signatures");
      refused(stranger, "NotAnOwner", devnetAddress("attacker"));
      // Nothing of all that left a trace, on disk or on chain.
      expect(await contents(out)).to.deep.equal(before);
      expect(await safeNonce()).to.equal(0n);

      const sign = ["sign", packet, ...rpc(), "--deployment", deploymentFile];
      const first = await answered(ballastProcess, [...sign, ...key("owner1")]);
      expect(first.json).to.include({ signed: true, owner: devnetAddress("owner1"), approval: null });
      refused(await ballast(["execute", packet, ...rpc(), ...key("executor")]), "NotEnoughSignatures", "1 of 2");
      const second = await ballastJson(["sign", packet, ...rpc(), ...key("owner2"), "--on-chain"]);
      expect(second.code).to.equal(0);
      expect(second.json["approval"]).to.match(/^0x[0-9a-f]{64}$/);
      // The approval is on chain only; the file holds the one signature.
      expect((await packetAt(packet)).signatures.map(({ owner }) => owner)).to.deep.equal([devnetAddress("owner1")]);

      const executed = await answered(ballastProcess, ["execute", packet, ...rpc(), ...key("executor")]);
      expect(executed.code).to.equal(0);
      expect(executed.json).to.include({ executed: true, safeTxHash: proposed.json["safeTxHash"] });
      expect(executed.json["signers"]).to.have.members([devnetAddress("owner1"), devnetAddress("owner2")]);
      expect(await safeNonce()).to.equal(1n);
      const rebalancer = Rebalancer__factory.connect(deployment.rebalancer, devnet.provider);
      expect(await rebalancer.used((proposed.json["plan"] as Plan).nonce)).to.equal(true);

      const twice = await ballastProcess(["execute", packet, ...rpc(), ...key("executor")]);
      refused(twice, "NonceTaken", "the next is 1");
      const late = await ballastJson(["verify", packet, ...rpc()]);
      expect(late.code).to.equal(1);
      expect(late.json).to.have.nested.property("cause.name", "freshness");
      expect((await keeper()).json["code"]).to.equal("INSIDE_BAND");
      expect(await safeNonce()).to.equal(1n);
      expect(Object.keys(await contents(out))).to.deep.equal(Object.keys(before));
    });

    it("proposes to a transaction service as a delegate, and executes with the service's signatures", async () => {
      const server = await startTransactionService({ provider: devnet.provider });
      try {
        const via = ["--via", "service", "--service", server.url, ...key("keeper")];
        const notYet = await ballast(["keeper", "once", ...at(), ...via]);
        refused(notYet, "ServiceRejected", "is not an owner or delegate");

        const service = new SafeService({ url: server.url, chainId: deployment.chainId });
        await service.addDelegate(deployment.safe, devnetAddress("keeper"), wallet("owner1"), "keeper");
        const proposed = await keeper(via);
        expect(proposed.json["code"]).to.equal("PROPOSED");
        const hash = proposed.json["safeTxHash"] as string;
        expect(proposed.json["where"]).to.include(`${server.url} ${hash}`);
        expect((await keeper(via)).json["code"]).to.equal("ALREADY_PROPOSED");
        // A service that is down is not read as one that has no proposal.
        server.fail({ kind: "status", status: 503 });
        refused(await ballast(["keeper", "once", ...at(), ...via]), "ServiceUnavailable", "cannot be reached");
        server.fail(null);

        const packet = await onlyPacket();
        const unsigned = await readFile(packet, "utf8");
        for (const owner of ["owner1", "owner3"] as const) {
          const signed = await ballastJson(["sign", packet, ...rpc(), ...key(owner), "--service", server.url]);
          expect(signed.json).to.include({ signed: true, owner: devnetAddress(owner) });
        }
        // Without the signatures in the file, the service's own must do.
        await writeFile(packet, unsigned);
        const executed = await ballastJson(["execute", packet, ...rpc(), ...key("executor"), "--service", server.url]);
        expect(executed.code, executed.stderr).to.equal(0);
        expect(executed.json["signers"]).to.have.members([devnetAddress("owner1"), devnetAddress("owner3")]);
        expect(await service.transaction(hash)).to.include({ executed: true, successful: true });
      } finally {
        await server.close();
      }
    });

    it("approves on chain at once when the keeper is an owner", async () => {
      const proposed = await keeper(["--via", "approvals", ...key("owner1")]);
      expect(proposed.json["code"]).to.equal("PROPOSED");
      expect((proposed.json["where"] as string[]).at(-1)).to.match(/^approved on chain in 0x/);
      const again = await keeper(["--via", "approvals", ...key("owner1")]);
      expect(again.json["code"]).to.equal("ALREADY_PROPOSED");
      const packet = await onlyPacket();
      refused(await ballast(["execute", packet, ...rpc(), ...key("executor")]), "NotEnoughSignatures", "1 of 2");
      await ballastJson(["sign", packet, ...rpc(), ...key("owner3"), "--on-chain"]);
      const executed = await ballastJson(["execute", packet, ...rpc(), ...key("executor")]);
      expect(executed.json["signers"]).to.have.members([devnetAddress("owner1"), devnetAddress("owner3")]);
      expect((await packetAt(packet)).signatures).to.deep.equal([]);
    });

    it("works out without proposing in a dry run", async () => {
      const dry = await keeper(["--dry-run", ...key("keeper")]);
      expect(dry.json["code"]).to.equal("DRY_RUN");
      expect(dry.json["safeTxHash"]).to.match(/^0x[0-9a-f]{64}$/);
      expect(await stat(out).catch(() => null)).to.equal(null);
    });

    it("refuses a tampered packet by name, and signs nothing", async () => {
      await keeper();
      const path = await onlyPacket();
      const packet = await packetAt(path);
      const plan = packet.plan as Plan;
      const evidence = packet.evidence as Record<string, Record<string, unknown>>;
      const greedy = { ...plan, perps: plan.perps.map((target) => ({ ...target, size: `${target.size}0` })) };
      const calm = { ...evidence, vault: { ...evidence["vault"], cash: "1" } };
      /** What was changed, and what names it: an error for a file that contradicts itself, a check for one that does not. */
      const cases: [what: string, tampered: unknown, named: string][] = [
        [
          "another recipient",
          { ...packet, safeTx: { ...packet.safeTx, to: devnetAddress("attacker") } },
          "PacketError",
        ],
        ["another input", { ...packet, evidence: calm }, "PacketError"],
        ["a plan shown that is not the one in the bytes", { ...packet, plan: greedy }, "call"],
        ["another plan, consistently", rebuilt(packet, greedy, packet.evidence), "decision"],
        ["another input, consistently", rebuilt(packet, plan, calm), "evidence hash"],
        [
          "a refund",
          rebuilt({ ...packet, safeTx: { ...packet.safeTx, gasPrice: "1" } }, plan, packet.evidence),
          "plain call",
        ],
      ];
      for (const [index, [what, tampered, named]] of cases.entries()) {
        const file = join(out, `tampered-${index}.json`);
        await writeFile(file, `${JSON.stringify(tampered)}\n`);
        const text = await readFile(file, "utf8");
        const verified = await ballastJson(["verify", file, ...rpc(), "--deployment", deploymentFile]);
        expect(verified.code, what).to.equal(1);
        const { cause, error } = verified.json as { cause?: { name: string }; error?: { name: string } };
        expect((cause ?? error)?.name, what).to.equal(named);
        const signed = await ballast(["sign", file, ...rpc(), "--deployment", deploymentFile, ...key("owner1")]);
        expect(signed.code, what).to.equal(1);
        expect(await readFile(file, "utf8"), `${what}: the file is as it was`).to.equal(text);
      }
    });

    it("names what is wrong with its surroundings and exits 1", async () => {
      await keeper();
      const packet = await onlyPacket();
      const file = async (name: string, text: string): Promise<string> => {
        await writeFile(join(folder, name), text);
        return join(folder, name);
      };
      // No oracle at its address either: the chain must be looked at before anything on it is.
      const elsewhere = await file(
        "elsewhere.json",
        JSON.stringify({ ...deployment, chainId: "10", regimeOracle: devnetAddress("maker") }),
      );
      const truncated = await file("truncated.json", packetText(await packetAt(packet)).slice(0, 500));
      const badKey = await file("bad.key", "correct-horse-battery-staple");
      const lockedKey = await file("locked.key", '{"version":3,"secret":"correct-horse-battery-staple"}');
      const dead = `http://127.0.0.1:${await freePort()}`;
      const once = ["keeper", "once", "--out", out];
      const cases: [name: string, says: string, args: string[]][] = [
        ["RpcUnavailable", new URL(dead).host, [...once, "--rpc", dead, "--deployment", deploymentFile]],
        ["RpcUnavailable", "ECONNREFUSED", ["verify", packet, "--rpc", dead]],
        ["WrongChain", "chain 10", [...once, ...rpc(), "--deployment", elsewhere]],
        ["WrongChain", "chain 10", [...once, ...rpc(), "--deployment", elsewhere, ...key("keeper")]],
        ["DeploymentError", "format", [...once, ...rpc(), "--deployment", packet]],
        ["DeploymentError", "none.json", [...once, ...rpc(), "--deployment", join(folder, "none.json")]],
        ["PacketError", "truncated.json", ["verify", truncated, ...rpc()]],
        ["PacketError", "none.json", ["verify", join(folder, "none.json"), ...rpc()]],
        ["KeyError", "bad.key", [...once, ...at(), "--key-file", badKey]],
        ["KeyError", "BALLAST_PASSWORD is not set", [...once, ...at(), "--key-file", lockedKey]],
        ["KeyError", "none.key", ["execute", packet, ...rpc(), "--key-file", join(folder, "none.key")]],
        ["DevnetNotServed", String(devnet.port), ["devnet", "--port", String(devnet.port), "--out", folder]],
      ];
      const before = await contents(out);
      for (const [name, says, args] of cases) {
        const result = await ballast(args);
        refused(result, name, says);
        expect(result.stdout + result.stderr).not.to.contain("correct-horse");
      }
      process.env["BALLAST_PASSWORD"] = "wrong";
      const opened = await ballast([...once, ...at(), "--key-file", lockedKey]);
      delete process.env["BALLAST_PASSWORD"];
      refused(opened, "KeyError", "does not open");
      expect(opened.stderr).not.to.contain("correct-horse").and.not.to.contain("wrong");
      expect(await contents(out)).to.deep.equal(before);
    });

    it("names the file when a packet among the proposals cannot be read, and passes over those of others", async () => {
      await keeper();
      const packet = await packetAt(await onlyPacket());
      const foreign = { ...packet.safeTx, to: devnetAddress("maker"), data: "0x" };
      const { chainId, safe } = packet;
      await writeFile(
        join(out, "1.packet.json"),
        packetText(createPacket({ chainId, safe, safeTx: foreign, plan: {}, evidence: {} })),
      );
      expect((await keeper()).json["code"]).to.equal("ALREADY_PROPOSED");
      await writeFile(join(out, "2.packet.json"), "{");
      refused(await ballast(["keeper", "once", ...at()]), "PacketError", join(out, "2.packet.json"));
    });

    it("exits 2 on wrong usage", async () => {
      const cases: [says: string, args: string[]][] = [
        ["--rpc", ["verify", "some.packet.json"]],
        ["packet", ["verify", ...rpc()]],
        ["--via pigeon", ["keeper", "once", ...at(), "--via", "pigeon"]],
        ["--service", ["keeper", "once", ...at(), "--via", "service"]],
        ["--pin ftp", ["keeper", "once", ...at(), "--pin", "ftp://example.org"]],
        ["--slot", ["keeper", "once", ...at(), "--slot", "yesterday"]],
        ["--key-file", ["sign", "some.packet.json", ...rpc()]],
        ["--port 0", ["devnet", "--port", "0"]],
        ["--from 3 May", ["demo", "--from", "3 May"]],
        ["--seed -1", ["demo", "--seed", "-1"]],
        ["--params", ["deploy", ...rpc(), "--data", folder]],
      ];
      for (const [says, args] of cases) {
        const { code, stdout, stderr } = await ballast(args);
        expect(code, says).to.equal(2);
        expect(stdout, says).to.equal("");
        expect(stderr, says)
          .to.match(/^UsageError: /)
          .and.to.contain(says);
      }
    });
  });

  describe("and then", () => {
    it("is up after all that, and stops when it is told to", async () => {
      expect(devnet.child.exitCode).to.equal(null);
      expect(await devnet.provider.getBlockNumber()).to.be.above(100);
      expect(await devnet.stop("SIGTERM")).to.equal(0);
      expect(devnet.output.stderr).to.match(/^SYNTHETIC DATA .+\n$/);
    });
  });

  function rpc(): string[] {
    return ["--rpc", devnet.url];
  }

  function at(): string[] {
    return [...rpc(), "--deployment", deploymentFile, "--out", out];
  }

  function key(name: AccountName): string[] {
    return ["--key-file", join(folder, `${name}.key`)];
  }

  async function keeper(more: string[] = [], running = ballast) {
    const finished = await answered(running, ["keeper", "once", ...at(), ...more]);
    expect(finished.code, finished.stderr).to.equal(0);
    return finished;
  }

  async function onlyPacket(): Promise<string> {
    const names = (await readdir(out)).filter((name) => name.endsWith(".packet.json"));
    expect(names).to.have.length(1);
    return join(out, names[0]!);
  }

  async function safeNonce(): Promise<bigint> {
    return (await new Contract(deployment.safe, SAFE_INTERFACE, devnet.provider).getFunction("nonce")()) as bigint;
  }
});

function wallet(name: AccountName): HDNodeWallet {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC), `m/44'/60'/0'/0/${ACCOUNTS[name]}`);
}

function devnetAddress(name: AccountName): string {
  return wallet(name).address;
}

/** The command answered no: exit 1, nothing on standard output, and one line that names the error and says what it must. */
function refused({ code, stdout, stderr }: Finished, name: string, says: string): void {
  expect(stderr)
    .to.match(new RegExp(`^(?:.*\\n)*${name}: `))
    .and.to.contain(says);
  expect(code, name).to.equal(1);
  expect(stdout, name).to.equal("");
}

/** Each file of a folder with its bytes. */
async function contents(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
  );
}

async function packetAt(path: string): Promise<Packet> {
  return parsePacket(await readFile(path, "utf8"));
}

function builderOf(packet: string): string {
  return packet.replace(/\.packet\.json$/, ".transaction-builder.json");
}

/** The packet with another plan or evidence, every hash inside made to fit. */
function rebuilt({ chainId, safe, safeTx }: Packet, plan: Plan, evidence: unknown): Packet {
  return createPacket({ chainId, safe, safeTx: { ...safeTx, data: encodePlan(plan) }, plan, evidence });
}
