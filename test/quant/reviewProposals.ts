import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { parseUnits, Wallet } from "ethers";
import { callText } from "../../app/src/model/calls.ts";
import { rejectionOf, sameNonce } from "../../app/src/model/rejection.ts";
import { pendingProposals } from "../../app/src/state/proposals.ts";
import { NO_SETTINGS } from "../../app/src/state/settings.ts";
import { dropped, keepVisit, keptVisit, loadedOf, NO_VISIT, opened, signed } from "../../app/src/state/visit.ts";
import type { Visit } from "../../app/src/state/visit.ts";
import { createPacket, packetText, withSignatures } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { approvedHashSignature, recoverSignature } from "../../src/safe/signatures.ts";
import { plainCall, SAFE_TX_TYPES, safeDomain } from "../../src/safe/transaction.ts";

const CHAIN = 31_337n;
const SAFE = "0x000000000000000000000000000000000000dEaD";
const [alice, bob, stranger] = ["11", "22", "33"].map((byte) => new Wallet(`0x${byte.repeat(32)}`)) as [
  Wallet,
  Wallet,
  Wallet,
];

function proposal(data: string, nonce = 7n): Packet {
  const safeTx = plainCall(SAFE, data, nonce);
  return createPacket({ chainId: CHAIN, safe: SAFE, safeTx, plan: null, evidence: {} });
}

async function signedBy(packet: Packet, ...owners: Wallet[]): Promise<Packet> {
  const signatures = await Promise.all(
    owners.map(async (owner) =>
      recoverSignature(
        packet.safeTxHash,
        await owner.signTypedData(safeDomain(CHAIN, packet.safe), SAFE_TX_TYPES, packet.safeTx),
      ),
    ),
  );
  return withSignatures(packet, signatures);
}

const ownersOf = (packet: Packet | undefined): string[] => (packet?.signatures ?? []).map(({ owner }) => owner);

describe("A visit of the review page", () => {
  const plan = proposal("0xab");
  const rejection = rejectionOf(plan);
  const open = (visit: Visit, packet: Packet): Visit => opened(visit, { packet, from: "a file" });
  const found = (visit: Visit, { safeTxHash }: Packet): Packet | undefined =>
    visit.entries.map(({ packet }) => packet).find((packet) => packet.safeTxHash === safeTxHash);

  it("shows what was opened last, and keeps what a rejection rejects", () => {
    const visit = open(open(NO_VISIT, plan), rejection);
    expect(loadedOf(visit)).to.deep.equal({ packet: rejection, from: "a file" });
    expect(sameNonce(visit, rejection)).to.deep.equal([plan]);
    expect(sameNonce(open(visit, proposal("0xcd", 8n)), proposal("0xcd", 8n))).to.deep.equal([]);
    expect(loadedOf(opened(visit, null))).to.equal(null);
    expect(found(opened(visit, null), plan)).to.deep.equal(plan);
  });

  it("keeps a signature that comes late without putting its proposal back on the screen", async () => {
    const visit = signed(open(open(NO_VISIT, plan), rejection), await signedBy(plan, alice), alice.address);
    expect(loadedOf(visit)?.packet).to.deep.equal(rejection);
    expect(ownersOf(found(visit, plan))).to.deep.equal([alice.address]);
    // Also where it was forgotten meanwhile.
    expect(ownersOf(found(signed(NO_VISIT, await signedBy(plan, alice), alice.address), plan))).to.deep.equal([
      alice.address,
    ]);
  });

  it("opens a proposal again with what was signed here, and with no other signature that it does not bring", async () => {
    let visit = open(NO_VISIT, await signedBy(plan, bob));
    visit = signed(visit, await signedBy(plan, alice), alice.address);
    expect(ownersOf(found(visit, plan))).to.have.members([alice.address, bob.address]);
    expect(ownersOf(loadedOf(open(visit, plan))?.packet)).to.deep.equal([alice.address]);
  });

  it("forgets what is dropped, and beyond twenty the oldest that nobody signed here", async () => {
    let visit = signed(open(NO_VISIT, plan), await signedBy(plan, alice), alice.address);
    for (let nonce = 10n; nonce < 40n; nonce++) visit = open(visit, proposal("0x01", nonce));
    expect(visit.entries).to.have.length(20);
    expect(ownersOf(found(visit, plan))).to.deep.equal([alice.address]);
    expect(found(visit, proposal("0x01", 39n))).to.not.equal(undefined);
    const less = dropped(visit);
    expect(loadedOf(less)).to.equal(null);
    expect(found(less, proposal("0x01", 39n))).to.equal(undefined);
  });

  it("survives a reload, also where storage is shut, full or holds something else", async () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    const visit = open(signed(open(NO_VISIT, plan), await signedBy(plan, alice), alice.address), rejection);
    keepVisit(storage, visit);
    const again = keptVisit(storage);
    expect(again.entries).to.deep.equal(visit.entries);
    expect(loadedOf(again)).to.deep.equal({ packet: rejection, from: "this visit" });
    expect(keptVisit(null)).to.deep.equal(NO_VISIT);
    const full = (): never => {
      throw new RangeError("full");
    };
    expect(() => keepVisit({ setItem: full }, visit)).not.to.throw();
    for (const key of kept.keys()) kept.set(key, kept.get(key)!.replace('\\"value\\":\\"0\\"', '\\"value\\":\\"1\\"'));
    expect(keptVisit(storage), "a packet that does not hash to its hash").to.deep.equal(NO_VISIT);
    for (const key of kept.keys()) kept.set(key, "[]");
    expect(keptVisit(storage)).to.deep.equal(NO_VISIT);
  });
});

describe("Proposals that others tell the review page of", () => {
  const deployment = { safe: SAFE, chainId: CHAIN.toString() };

  /** What is pending by a keeper that answers this text. */
  async function pendingBy(answer: string) {
    const server = createServer((_request, response) => response.end(answer)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const keeper = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const settings = { ...NO_SETTINGS, keeper };
    try {
      const owners = [alice.address, bob.address];
      return await pendingProposals({ settings, serviceKey: "", deployment, nonce: 7n, owners });
    } finally {
      server.close();
    }
  }

  it("come with owners' own signatures and nobody else's, nor with approvals that only the chain can tell of", async () => {
    const told = withSignatures(await signedBy(proposal("0xab"), alice, stranger), [
      approvedHashSignature(bob.address),
    ]);
    expect(told.signatures).to.have.length(3);
    const { packets, problems } = await pendingBy(`[${packetText(told)}]`);
    expect(problems).to.deep.equal([]);
    expect(packets.map(({ packet }) => ownersOf(packet))).to.deep.equal([[alice.address]]);
  });

  it("are of this Safe, not below its nonce, and packets at all", async () => {
    const elsewhere = createPacket({ ...proposal("0xab"), safe: stranger.address });
    const texts = [proposal("0xab", 6n), elsewhere, proposal("0xcd")].map(packetText);
    const { packets } = await pendingBy(`[{}, null, ${texts.join(", ")}]`);
    expect(packets.map(({ packet }) => packet)).to.deep.equal([proposal("0xcd")]);
  });

  it("are not read without end, and what is no list is named", async () => {
    expect((await pendingBy(`["${"x".repeat(5_000_000)}"]`)).problems[0]).to.match(/more than 5000000 bytes/);
    expect((await pendingBy("{}")).problems[0]).to.match(/^Keeper: .*no list of proposals/);
  });
});

describe("What an announced call does, by its own bytes", () => {
  it("names what a Safe does to itself, and says of others that it cannot read them", () => {
    const call = { to: SAFE, value: "0", data: "0x" };
    expect(callText(call, SAFE)).to.equal("nothing is called");
    expect(callText({ ...call, value: parseUnits("1", 18).toString() }, SAFE)).to.match(
      /pays 1000000000000000000 wei$/,
    );
    const threshold = "0x694e80c30000000000000000000000000000000000000000000000000000000000000001";
    expect(callText({ ...call, data: threshold }, SAFE)).to.equal("the Safe’s own changeThreshold(1)");
    for (const odd of [threshold.slice(0, 20), "0x12345678", "0x12"]) {
      expect(callText({ ...call, data: odd }, SAFE), odd).to.match(/which this page cannot read$/);
    }
    expect(callText({ ...call, to: alice.address, data: threshold }, SAFE)).to.match(/^0x694e80c3 with 36 bytes/);
  });
});
