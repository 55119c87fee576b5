import { mkdir, mkdtemp, readFile, readdir, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet, ZeroAddress } from "ethers";
import { BuilderCannotCarry, builderChecksum, builderFile, builderText } from "../../src/safe/builder.ts";
import { NotCanonical } from "../../src/plan/canonicalJson.ts";
import { PacketError, PacketLocked } from "../../src/safe/errors.ts";
import { createPacket, packetText, parsePacket, withSignatures } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { addSignatures, readPacket, writeAlone, writePacket } from "../../src/safe/packetFile.ts";
import { recoverSignature } from "../../src/safe/signatures.ts";
import type { SafeSignature } from "../../src/safe/signatures.ts";
import { SAFE_TX_TYPES, plainCall, safeDomain } from "../../src/safe/transaction.ts";
import { rejection } from "../helpers/safeScene.ts";

const SAFE = "0x87E7d6036bfa826e0bF6714801DfAFFB86031532";
const TARGET = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";
const CREATED_AT = 1_700_000_000_000;
const [alice, bob, carol] = [1, 2, 3].map((key) => new Wallet("0x" + key.toString(16).padStart(64, "0"))) as [
  Wallet,
  Wallet,
  Wallet,
];

function unsigned(nonce = 4): Packet {
  return createPacket({
    chainId: 31337,
    safe: SAFE,
    safeTx: plainCall(TARGET, "0x12345678", nonce),
    plan: { targets: ["1", "2"], deadline: 5 },
    evidence: { rounds: { vix: "7" }, block: 12 },
  });
}

async function signatureOf(packet: Packet, wallet: Wallet): Promise<SafeSignature> {
  const domain = safeDomain(packet.chainId, packet.safe);
  return recoverSignature(packet.safeTxHash, await wallet.signTypedData(domain, SAFE_TX_TYPES, packet.safeTx));
}

async function signedText(): Promise<string> {
  const packet = unsigned();
  return packetText(withSignatures(packet, [await signatureOf(packet, alice), await signatureOf(packet, bob)]));
}

describe("Packet", () => {
  it("is the same bytes whatever the order of its keys and signatures, and reads back as it was", async () => {
    const packet = unsigned();
    const [a, b] = [await signatureOf(packet, alice), await signatureOf(packet, bob)];
    const text = packetText(withSignatures(withSignatures(packet, [a]), [b]));
    expect(packetText(withSignatures(withSignatures(packet, [b]), [a]))).to.equal(text);
    const reversed = Object.fromEntries(Object.entries(parsePacket(text)).reverse());
    expect(packetText(reversed as unknown as Packet)).to.equal(text);
    expect(packetText(parsePacket(text))).to.equal(text);
  });

  it("refuses a plan that is not JSON", () => {
    const make = () => createPacket({ ...unsigned(), plan: { amount: 1n } });
    expect(make).to.throw(NotCanonical);
  });

  const tampered: [string, string, (packet: Packet) => unknown][] = [
    ["another amount of calldata", "safeTxHash", (p) => ({ ...p, safeTx: { ...p.safeTx, data: "0x12345679" } })],
    ["another target", "safeTxHash", (p) => ({ ...p, safeTx: { ...p.safeTx, to: SAFE } })],
    ["a delegatecall", "safeTxHash", (p) => ({ ...p, safeTx: { ...p.safeTx, operation: 1 } })],
    ["another nonce", "safeTxHash", (p) => ({ ...p, safeTx: { ...p.safeTx, nonce: "5" } })],
    ["another chain", "safeTxHash", (p) => ({ ...p, chainId: "1" })],
    ["another Safe", "safeTxHash", (p) => ({ ...p, safe: TARGET })],
    ["another hash", "safeTxHash", (p) => ({ ...p, safeTxHash: "0x" + "ab".repeat(32) })],
    ["other evidence", "evidenceHash", (p) => ({ ...p, evidence: { block: 13 } })],
    ["no format", "format", ({ format: _, ...p }) => p],
    ["a later format", "format", (p) => ({ ...p, format: "ballast-packet/2" })],
    ["an unknown key", "note", (p) => ({ ...p, note: "trust me" })],
    ["an unknown key of the transaction", "safeTx.gas", (p) => ({ ...p, safeTx: { ...p.safeTx, gas: "1" } })],
    ["a nonce that is a number", "safeTx.nonce", (p) => ({ ...p, safeTx: { ...p.safeTx, nonce: 4 } })],
    ["an address without checksum", "safeTx.to", (p) => ({ ...p, safeTx: { ...p.safeTx, to: TARGET.toLowerCase() } })],
    ["no evidence", "evidence", ({ evidence: _, ...p }) => p],
    [
      "a signature under another name",
      "signatures.0.signature",
      (p) => ({ ...p, signatures: [{ ...p.signatures[0], owner: carol.address }] }),
    ],
    [
      "a signature of another kind",
      "signatures.1.kind",
      (p) => ({ ...p, signatures: [p.signatures[0], { ...p.signatures[1], kind: "ethSign" }] }),
    ],
    [
      "a contract signature",
      "signatures.0.signature",
      (p) => ({
        ...p,
        signatures: [{ ...p.signatures[0], signature: p.signatures[0]!.signature.slice(0, -2) + "00" }],
      }),
    ],
    ["an owner twice", "signatures", (p) => ({ ...p, signatures: [p.signatures[0], p.signatures[0]] })],
  ];
  for (const [what, path, change] of tampered) {
    it(`is refused with ${what}, naming ${path}`, async () => {
      const changed = JSON.stringify(change(parsePacket(await signedText())));
      let error: unknown;
      try {
        parsePacket(changed);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).to.be.instanceOf(PacketError);
      expect((error as PacketError).path).to.equal(path);
    });
  }

  it("is refused when it is no JSON", () => {
    expect(() => parsePacket("{")).to.throw(PacketError, "not JSON");
  });
});

describe("Packet file", () => {
  it("keeps every signature when several are added at once", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "packet-")), "packet.json");
    const packet = unsigned();
    await writePacket(path, packet);
    const wallets = Array.from({ length: 12 }, (_, i) => new Wallet("0x" + (i + 1).toString(16).padStart(64, "0")));
    const signatures = await Promise.all(wallets.map((wallet) => signatureOf(packet, wallet)));
    await Promise.all(signatures.map((signature) => addSignatures(path, [signature])));
    const owners = (await readPacket(path)).signatures.map(({ owner }) => owner);
    expect(owners).to.have.members(wallets.map(({ address }) => address));
    expect(await readdir(join(path, ".."))).to.deep.equal(["packet.json"]);
  });

  it("keeps the signatures when the same proposal is written again, and refuses another", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "packet-")), "packet.json");
    const packet = unsigned();
    await writePacket(path, packet);
    const signed = await addSignatures(path, [await signatureOf(packet, alice)]);
    expect(await writePacket(path, packet)).to.deep.equal(signed);
    expect(await readFile(path, "utf8")).to.equal(packetText(signed));

    const error = await rejection(writePacket(path, unsigned(5)));
    expect(error).to.be.instanceOf(PacketError);
    expect((error as PacketError).path).to.equal("safeTxHash");
    expect((await writePacket(path, unsigned(5), { replace: true })).signatures).to.deep.equal([]);
    expect((await readPacket(path)).safeTx.nonce).to.equal("5");
  });

  it("takes over the lock of a process that is gone, and waits for one that is not", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "packet-")), "packet.json");
    await writeFile(`${path}.lock`, "4194999"); // Above Linux's largest process id.
    await writePacket(path, unsigned());
    await writeFile(`${path}.lock`, String(process.pid));
    expect(await rejection(writePacket(path, unsigned(), { lockWaitMs: 100 }))).to.be.instanceOf(PacketLocked);
  });

  it("takes over a lock that is older than any write, though a process has its number, and one without a number", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "packet-")), "packet.json");
    for (const [holder, seconds] of [
      [String(process.pid), 61],
      ["", 2],
    ] as const) {
      await writeFile(`${path}.lock`, holder);
      expect(await rejection(writePacket(path, unsigned(), { lockWaitMs: 50 }))).to.be.instanceOf(PacketLocked);
      const then = Date.now() / 1_000 - seconds;
      await utimes(`${path}.lock`, then, then);
      await writePacket(path, unsigned());
    }
  });

  it("clears away what a killed process left of the same file, and nothing else", async () => {
    const folder = await mkdtemp(join(tmpdir(), "packet-"));
    const path = join(folder, "packet.json");
    await writeFile(`${path}.0b3e.tmp`, "{");
    await writeFile(join(folder, "other.json.0b3e.tmp"), "{");
    await writePacket(path, unsigned());
    expect((await readdir(folder)).sort()).to.deep.equal(["other.json.0b3e.tmp", "packet.json"]);
  });

  it("leaves no part of a file that could not be written", async () => {
    const folder = await mkdtemp(join(tmpdir(), "packet-"));
    // A folder is there already: the last step fails.
    await mkdir(join(folder, "file"));
    expect(await rejection(writeAlone(join(folder, "file"), "text"))).to.be.instanceOf(Error);
    expect(await readdir(folder)).to.deep.equal(["file"]);
  });
});

describe("Transaction Builder file", () => {
  // The batch and checksum of the Builder's own test (safe-react-apps, apps/tx-builder/src/lib/checksum.test.js).
  const OWNER = "0x49d4450977E2c95362C13D3a31a09311E0Ea26A6";
  const method = (name: string, input: string, type: string) => ({
    inputs: [{ internalType: type, name: input, type }],
    name,
    payable: false,
  });
  const published = {
    version: "1.0",
    chainId: "4",
    createdAt: 1646321521061,
    meta: {
      name: "test batch file",
      txBuilderVersion: "1.4.0",
      checksum: "",
      createdFromSafeAddress: "0xDF8a1Ce35c9a6ACE153B4e0767942f1E2291a1Aa",
      createdFromOwnerAddress: OWNER,
    },
    transactions: [
      {
        to: OWNER,
        value: "0",
        contractMethod: method("testAddress", "paramAddress", "address"),
        contractInputsValues: { paramAddress: OWNER },
      },
      {
        to: OWNER,
        value: "0",
        contractMethod: method("testBool", "paramBool", "bool"),
        contractInputsValues: { paramAddress: "", paramBool: "false" },
      },
      {
        to: OWNER,
        value: "2000000000000000000",
        data: "0x42f4579000000000000000000000000049d4450977e2c95362c13d3a31a09311e0ea26a6",
      },
    ],
  };

  it("has the checksum that the Builder computes", () => {
    expect(builderChecksum(published)).to.equal("0x4ecbfd364aa6759983915644e73f8bd411e85a2dc306f252a387c2728c4db64c");
  });

  it("carries the packet's call, and is the same bytes each time", () => {
    const packet = unsigned();
    const file = builderFile(packet, CREATED_AT);
    const { to, value, data } = packet.safeTx;
    expect(file.transactions).to.deep.equal([{ to, value, data, contractMethod: null, contractInputsValues: null }]);
    expect(file.meta.description).to.include("nonce 4").and.to.include(packet.safeTxHash);
    expect(builderText(unsigned(), CREATED_AT)).to.equal(builderText(packet, CREATED_AT));

    const read = JSON.parse(builderText(packet, CREATED_AT)) as typeof file;
    const { checksum, ...meta } = read.meta;
    expect(builderChecksum({ ...read, meta })).to.equal(checksum);
    const [call] = read.transactions;
    const changed = { ...read, meta, transactions: [{ ...call!, to: ZeroAddress }] };
    expect(builderChecksum(changed)).not.to.equal(checksum);
  });

  it("is refused for what it cannot carry", () => {
    const safeTx = { ...unsigned().safeTx, operation: 1 as const };
    const packet = createPacket({ ...unsigned(), safeTx });
    expect(() => builderFile(packet, CREATED_AT)).to.throw(BuilderCannotCarry);
  });
});
