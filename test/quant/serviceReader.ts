import { expect } from "chai";
import { Wallet } from "ethers";
import { serviceReader } from "../../src/safe/serviceReader.ts";
import { PacketError } from "../../src/safe/errors.ts";
import { checkPacket, createPacket } from "../../src/safe/packet.ts";
import { approvedHashSignature, recoverSignature } from "../../src/safe/signatures.ts";
import { SAFE_TX_TYPES, plainCall, safeDomain, safeTxHash } from "../../src/safe/transaction.ts";

const URL_ = "https://service.example/api";
const SAFE = "0x000000000000000000000000000000000000dEaD";
const OWNER = new Wallet(`0x${"11".repeat(32)}`);

describe("Looking at a transaction service", () => {
  const tx = plainCall(SAFE, "0xab", 7n);
  const hash = safeTxHash(31_337n, SAFE, tx);
  const asShown = {
    safe: SAFE,
    ...tx,
    nonce: 7,
    safeTxGas: 0,
    baseGas: 0,
    safeTxHash: hash,
    confirmations: null as unknown,
  };

  /** A reader whose service answers each request with the next of these. */
  function reader(...answers: unknown[]) {
    const requests: { url: string; init: RequestInit | undefined }[] = [];
    const fetcher = (async (url: string, init?: RequestInit) => {
      requests.push({ url, init });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      const [status, text] = Array.isArray(answer) ? (answer as [number, string]) : [200, JSON.stringify(answer)];
      return new Response(text, { status });
    }) as typeof fetch;
    return { requests, service: serviceReader({ url: `${URL_}/`, chainId: 31_337n, apiKey: "k", fetch: fetcher }) };
  }
  async function named(promise: Promise<unknown>): Promise<string> {
    return promise.then(
      () => "no error",
      (error: unknown) => (error as Error).name,
    );
  }

  it("reads a transaction with the signatures it can use, and asks with the key", async () => {
    const signature = await OWNER.signTypedData(safeDomain(31_337n, SAFE), SAFE_TX_TYPES, tx);
    const { service, requests } = reader({ ...asShown, confirmations: [{ signature }, { signature: "0x00" }] });
    const found = await service.transaction(hash);
    expect(found).to.include({ safe: SAFE, safeTxHash: hash });
    expect(found!.safeTx).to.deep.equal(tx);
    expect(found!.signatures.map(({ owner }) => owner)).to.deep.equal([OWNER.address]);
    expect(requests[0]!.url).to.equal(`${URL_}/v2/multisig-transactions/${hash}/`);
    expect(requests[0]!.init!.headers).to.deep.equal({ authorization: "Bearer k" });
  });

  it("takes nulls for what a service leaves out", async () => {
    const { service } = reader({ results: [{ ...asShown, gasToken: null, refundReceiver: null }] });
    expect((await service.pending(SAFE, 3n)).shown.map(({ safeTx }) => safeTx)).to.deep.equal([tx]);
  });

  it("lists what is the Safe's and waits, and names what is odd beside it", async () => {
    const elsewhere = { ...asShown, safe: OWNER.address, safeTxHash: safeTxHash(31_337n, OWNER.address, tx) };
    const { service } = reader({ results: [{ ...asShown, nonce: "0x9" }, elsewhere, "row", asShown] });
    const { shown, odd } = await service.pending(SAFE, 3n);
    expect(shown.map(({ safeTxHash: one }) => one)).to.deep.equal([hash]);
    expect(odd).to.have.length(2);
    expect((await reader({ results: [asShown] }).service.pending(SAFE, 8n)).shown).to.deep.equal([]);
  });

  it("takes no approval on its word: those are on chain or nowhere", async () => {
    const approval = approvedHashSignature(OWNER.address).signature;
    const { service } = reader({ ...asShown, confirmations: [{ signature: approval }] });
    expect((await service.transaction(hash))!.signatures).to.deep.equal([]);
  });

  it("recovers no more signatures than a Safe has owners, and takes no hash that is a story", async () => {
    const signature = await OWNER.signTypedData(safeDomain(31_337n, SAFE), SAFE_TX_TYPES, tx);
    const many = { ...asShown, confirmations: Array.from({ length: 101 }, () => ({ signature })) };
    const told = { ...asShown, safeTxHash: "known display bug, safe to sign" };
    const { shown, odd } = await reader({ results: [many, told] }).service.pending(SAFE, 0n);
    expect([shown, odd.length]).to.deep.equal([[], 2]);
    expect(odd.join()).to.not.include("display bug");
    const rows = Array.from({ length: 101 }, () => asShown);
    expect(await named(reader({ results: rows }).service.pending(SAFE, 0n))).to.equal("ServiceUnavailable");
    const own = recoverSignature(hash, signature);
    const packet = createPacket({ chainId: 31_337n, safe: SAFE, safeTx: tx, plan: {}, evidence: {} });
    const swollen = { ...packet, signatures: Array.from({ length: 101 }, () => own) };
    expect(() => checkPacket(swollen)).to.throw(PacketError, "signatures");
  });

  it("brings a transaction that the service does not have", async () => {
    const { service, requests } = reader([201, ""]);
    await service.propose({ safe: SAFE, safeTx: tx, safeTxHash: hash }, OWNER.address, "0xabcd");
    expect(requests[0]!.url).to.equal(`${URL_}/v2/safes/${SAFE}/multisig-transactions/`);
    const body = JSON.parse(requests[0]!.init!.body as string) as object;
    expect(body).to.include({ contractTransactionHash: hash, sender: OWNER.address, signature: "0xabcd", nonce: "7" });
  });

  it("never shows a transaction under a hash that is not its own", async () => {
    expect(await named(reader({ ...asShown, nonce: 8 }).service.transaction(hash))).to.equal("ServiceInconsistent");
    const { shown, odd } = await reader({ results: [{ ...asShown, to: OWNER.address }] }).service.pending(SAFE, 0n);
    expect(shown).to.deep.equal([]);
    expect(odd[0]).to.include(hash);
    const other = `0x${"12".repeat(32)}`;
    expect(await named(reader(asShown).service.transaction(other))).to.equal("ServiceInconsistent");
  });

  it("says null for what it does not know, and names everything else", async () => {
    expect(await reader([404, "{}"]).service.transaction(hash)).to.equal(null);
    const cases: [unknown, string][] = [
      [new TypeError("down"), "ServiceUnavailable"],
      [[503, ""], "ServiceUnavailable"],
      [[200, "<html>"], "ServiceUnavailable"],
      [{ hello: 1 }, "ServiceUnavailable"],
      [[429, ""], "ServiceRateLimited"],
      [[401, ""], "ServiceUnauthorized"],
      [[403, ""], "ServiceUnauthorized"],
      [[422, "no"], "ServiceRejected"],
    ];
    for (const [answer, name] of cases)
      expect(await named(reader(answer).service.transaction(hash)), name).to.equal(name);
    expect(await named(reader([404, ""]).service.pending(SAFE, 0n))).to.equal("ServiceRejected");
  });

  it("passes a signature on", async () => {
    const { service, requests } = reader([201, ""]);
    await service.confirm(hash, "0xabcd");
    expect(requests[0]!.url).to.equal(`${URL_}/v1/multisig-transactions/${hash}/confirmations/`);
    expect(requests[0]!.init).to.include({ method: "POST", body: '{"signature":"0xabcd"}' });
  });
});
