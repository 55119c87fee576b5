import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "chai";
import {
  HDNodeWallet,
  JsonRpcProvider,
  Transaction,
  Wallet,
  encryptKeystoreJson,
  verifyMessage,
  verifyTypedData,
} from "ethers";
import type { Signer, TransactionRequest } from "ethers";
import { startLocalChain } from "../../deploy/devnet/chain.ts";
import { SignerLied, SignerRefused, SignerUnavailable, Web3Signer, openSigner } from "../../src/keeper/signers.ts";
import { SAFE_TX_TYPES, plainCall, safeDomain } from "../../src/safe/transaction.ts";
import { rejection } from "../helpers/safeScene.ts";
import { startWeb3signer } from "../support/web3signer.ts";
import type { Lie, Web3signerStandIn } from "../support/web3signer.ts";

const PASSWORD = "correct horse battery staple";
const CHAIN_ID = 31_337;
const OTHER = "0x00000000000000000000000000000000000000AA";

/** Neither the key nor the password, in whichever way someone may print it. */
function expectSilent(value: unknown, ...secrets: string[]): void {
  const { message = "", stack = "" } = value as { message?: string; stack?: string };
  const printed = [
    message,
    stack,
    inspect(value, { depth: 9, showHidden: true, getters: true }),
    JSON.stringify(value),
    String(value),
  ];
  for (const secret of [...secrets, PASSWORD, "s3cr3t"]) {
    expect(printed.join("\n").toLowerCase()).to.not.include(secret.replace(/^0x/, "").toLowerCase());
  }
}

describe("Signers", () => {
  describe("from a keystore", () => {
    const wallet = HDNodeWallet.fromPhrase("test test test test test test test test test test test junk");
    const key = wallet.privateKey;
    let folder: string;
    let keystore: string;
    const config = () => ({ keystore, passwordEnv: "KEEPER_PASSWORD" });

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "ballast-signers-"));
      keystore = join(folder, "keystore.json");
      const { address, privateKey, mnemonic, path } = wallet;
      const account = { address, privateKey, mnemonic: { entropy: mnemonic!.entropy, path: path!, locale: "en" } };
      const json = await encryptKeystoreJson(account, PASSWORD, { scrypt: { N: 1 << 10 } });
      await writeFile(keystore, json, { mode: 0o600 });
    });
    after(() => rm(folder, { recursive: true }));

    it("with the password in a variable, or in a file that a variable names", async () => {
      const secret = join(folder, "secret");
      await writeFile(secret, `${PASSWORD}\n`);
      for (const environment of [{ KEEPER_PASSWORD: PASSWORD }, { KEEPER_PASSWORD_FILE: secret }]) {
        const warnings: string[] = [];
        const signer = await openSigner(config(), environment, { warn: (text) => warnings.push(text) });
        expect(await signer.getAddress()).to.equal(wallet.address);
        expect(signer.provider).to.equal(null);
        expect(verifyMessage("hello", await signer.signMessage("hello"))).to.equal(wallet.address);
        const transaction = { to: OTHER, nonce: 1, gasLimit: 21_000, chainId: CHAIN_ID, type: 2, maxFeePerGas: 1n };
        expect(await signer.signTransaction(transaction)).to.equal(await wallet.signTransaction(transaction));
        const safeTx = [safeDomain(CHAIN_ID, OTHER), SAFE_TX_TYPES, plainCall(OTHER, "0x", 3n)] as const;
        expect(await signer.signTypedData(...safeTx)).to.equal(await wallet.signTypedData(...safeTx));
        expect(warnings).to.deep.equal([]);
        const provider = new JsonRpcProvider("http://127.0.0.1:1", CHAIN_ID, { staticNetwork: true });
        const connected = signer.connect(provider);
        expect([connected.provider, await connected.getAddress()]).to.deep.equal([provider, wallet.address]);
        provider.destroy();
        expectSilent(signer, key, wallet.mnemonic!.phrase);
      }
    });

    it("with a warning when others may read it", async () => {
      const warnings: string[] = [];
      const warn = (text: string): unknown => warnings.push(text);
      for (const mode of [0o644, 0o640]) {
        await chmod(keystore, mode);
        await openSigner(config(), { KEEPER_PASSWORD: PASSWORD }, { warn });
      }
      await chmod(keystore, 0o600);
      expect(warnings).to.have.length(2);
      expect(warnings[0]).to.include("chmod 600").and.include(keystore);
    });

    it("not from a plain key, another file, or none, and says how to mend it", async () => {
      const file = join(folder, "plain");
      for (const [text, says] of [
        [key, "cast wallet import"],
        [`${key.slice(2)}\n`, "geth account import"],
        ["{}", "no encrypted JSON keystore"],
        ["not a key", "no encrypted JSON keystore"],
      ] as const) {
        await writeFile(file, text);
        const error = await rejection(openSigner({ ...config(), keystore: file }, { KEEPER_PASSWORD: PASSWORD }));
        expect(error).to.be.instanceOf(SignerUnavailable);
        expect(error.message).to.include(says).and.include(file);
        expectSilent(error, key);
      }
      const none = await rejection(openSigner({ ...config(), keystore: join(folder, "none") }, {}));
      expect(none.message).to.include("cannot be read");
    });

    it("not without its password, with two, or with a wrong one", async () => {
      for (const [environment, says] of [
        [{}, "neither KEEPER_PASSWORD nor KEEPER_PASSWORD_FILE is set"],
        [{ KEEPER_PASSWORD: "wrong-s3cr3t" }, "does not open"],
        [{ KEEPER_PASSWORD: PASSWORD, KEEPER_PASSWORD_FILE: "x" }, "unset one"],
        [{ KEEPER_PASSWORD_FILE: join(folder, "none") }, "the file that KEEPER_PASSWORD_FILE names cannot be read"],
      ] as [Record<string, string>, string][]) {
        const error = await rejection(openSigner(config(), environment));
        expect(error).to.be.instanceOf(SignerUnavailable);
        expect(error.message).to.include(says);
        expectSilent(error, key);
      }
    });
  });

  describe("through web3signer", () => {
    const wallet = new Wallet(`0x${"11".repeat(32)}`);
    const stranger = new Wallet(`0x${"22".repeat(32)}`);
    let server: Web3signerStandIn;
    let signer: Signer;
    const request: TransactionRequest = {
      to: OTHER,
      nonce: 7,
      gasLimit: 21_000,
      value: 5n,
      data: "0x1234",
      chainId: CHAIN_ID,
      type: 2,
      maxFeePerGas: 100n,
      maxPriorityFeePerGas: 3n,
    };
    const legacy: TransactionRequest = {
      to: OTHER,
      nonce: 0,
      gasLimit: 21_000,
      value: 0n,
      chainId: CHAIN_ID,
      type: 0,
      gasPrice: 9n,
    };
    const domain = safeDomain(CHAIN_ID, OTHER);
    const safeTx = plainCall(OTHER, "0x1234", 3n);

    before(async () => {
      server = await startWeb3signer({ wallet, chainId: CHAIN_ID });
      signer = await openSigner({ web3signer: server.url, address: wallet.address }, {});
    });
    afterEach(() => {
      server.lie(null);
      server.failWith(null);
      server.requests.length = 0;
    });
    after(() => server.close());

    it("signs transactions, typed data and messages as the key itself would", async () => {
      server.requests.length = 0;
      expect(await signer.getAddress()).to.equal(wallet.address);
      expect(await signer.signTransaction(request)).to.equal(await wallet.signTransaction(request));
      expect(await signer.signTransaction(legacy)).to.equal(await wallet.signTransaction(legacy));
      const creation = { ...request, to: null };
      expect(await signer.signTransaction(creation)).to.equal(await wallet.signTransaction(creation));
      const typed = await signer.signTypedData(domain, SAFE_TX_TYPES, safeTx);
      expect(verifyTypedData(domain, SAFE_TX_TYPES, safeTx, typed)).to.equal(wallet.address);
      for (const message of ["hello", new Uint8Array([0, 255])]) {
        expect(await signer.signMessage(message)).to.equal(await wallet.signMessage(message));
      }
      expect(server.requests.map(({ method }) => method)).to.deep.equal([
        ...[
          "eth_signTransaction",
          "eth_signTransaction",
          "eth_signTransaction",
          "eth_signTypedData",
          "eth_sign",
          "eth_sign",
        ],
      ]);
    });

    it("sends through a provider it is connected to", async () => {
      const chain = await startLocalChain(1_698_926_400);
      await chain.send("deployer", { to: wallet.address, value: 10n ** 18n });
      const connected = signer.connect(chain.provider);
      expect(signer.provider).to.equal(null);
      const receipt = await (await connected.sendTransaction({ to: OTHER, value: 1n })).wait();
      expect([receipt!.status, receipt!.from]).to.deep.equal([1, wallet.address]);
    });

    const changes: Record<string, unknown> = {
      to: stranger.address,
      nonce: 8,
      gasLimit: 22_000,
      value: 6n,
      data: "0x1235",
      chainId: 1,
      maxFeePerGas: 101n,
      maxPriorityFeePerGas: 4n,
    };
    for (const [field, value] of Object.entries(changes)) {
      it(`notices another ${field}`, async () => {
        server.lie({ transaction: (asked) => ({ ...asked, [field]: value }) });
        await expectLie(() => signer.signTransaction(request), field);
      });
    }

    it("notices another type, another price, an access list, another key, and what is no transaction", async () => {
      const cases: [Lie, TransactionRequest, string][] = [
        [
          {
            transaction: ({ maxFeePerGas: _m, maxPriorityFeePerGas: _p, ...asked }) => ({
              ...asked,
              type: 0,
              gasPrice: 1,
            }),
          },
          request,
          "type",
        ],
        [{ transaction: (asked) => ({ ...asked, gasPrice: 10n }) }, legacy, "gasPrice"],
        [{ transaction: (asked) => ({ ...asked, chainId: 0 }) }, legacy, "chainId"],
        [
          { transaction: (asked) => ({ ...asked, accessList: [{ address: OTHER, storageKeys: [] }] }) },
          request,
          "another transaction",
        ],
        [{ key: stranger }, request, stranger.address],
        [{ answer: (raw) => `${raw}00` }, request, "no signed transaction"],
        [{ answer: (raw) => Transaction.from(raw).unsignedSerialized }, request, "no signed transaction"],
        [{ answer: () => null }, request, "no signed transaction"],
        [{ answer: () => ({ raw: "0x" }) }, request, "no signed transaction"],
        [{ answer: () => "0x02" }, request, "no signed transaction"],
      ];
      for (const [lie, asked, says] of cases) {
        server.lie(lie);
        await expectLie(() => signer.signTransaction(asked), says);
      }
    });

    it("notices another message, other typed data, another key, and what is no signature", async () => {
      for (const sign of [
        () => signer.signTypedData(domain, SAFE_TX_TYPES, safeTx),
        () => signer.signMessage("hello"),
      ]) {
        server.lie({ key: stranger });
        await expectLie(sign, stranger.address);
        server.lie({ answer: () => "0x1234" });
        await expectLie(sign, "no signature");
        server.lie({ answer: (made) => made.replace(/..$/, made.endsWith("1b") ? "1c" : "1b") });
        await expectLie(sign, "not");
      }
      server.lie({ message: (asked) => ({ ...asked, nonce: 4n }) });
      await expectLie(() => signer.signTypedData(domain, SAFE_TX_TYPES, safeTx), "typed data");
    });

    it("asks for nothing that web3signer would sign otherwise, or that is not from its address", async () => {
      for (const asked of [
        { ...request, accessList: [{ address: OTHER, storageKeys: [] }] },
        { ...legacy, type: 1, accessList: [] },
        { ...request, from: stranger.address },
      ]) {
        expect(await rejection(signer.signTransaction(asked))).to.be.instanceOf(SignerRefused);
      }
      expect(server.requests).to.deep.equal([]);
    });

    it("opens only for an address that the server holds", async () => {
      const error = await rejection(openSigner({ web3signer: server.url, address: stranger.address }, {}));
      expect(error).to.be.instanceOf(SignerRefused);
      expect(error.message).to.include(`${stranger.address} is none of the 1 accounts`);
    });

    it("tells a refusal from a server that cannot be used", async () => {
      const unheld = new Web3Signer(server.url, stranger.address);
      const refused = await rejection(unheld.signTransaction(request));
      expect(refused).to.be.instanceOf(SignerRefused);
      expect(refused.message).to.include("No unlocked account");
      const leak = "ab".repeat(65);
      for (const [status, body, kind, says] of [
        [500, "boom", SignerUnavailable, "HTTP 500"],
        [403, "", SignerUnavailable, "HTTP 403"],
        [200, "<html>", SignerUnavailable, "without an answer"],
        [302, "", SignerUnavailable, "HTTP 302"],
        [500, `{"error":{"code":-32603,"message":"Internal error"}}`, SignerUnavailable, "Internal error"],
        [400, `{"error":{"code":-32000,"message":"rule 3 of ${leak} at http://x/s3cr3t"}}`, SignerRefused, "rule 3"],
      ] as const) {
        server.failWith({ status, body });
        const error = await rejection(signer.signTransaction(request));
        expect(error).to.be.instanceOf(kind);
        expect(error.message).to.include(says).and.include(new URL(server.url).host);
        expectSilent(error, leak);
      }
    });

    it("fails by name when nobody is there, or nothing comes back", async () => {
      const gone = await startWeb3signer({ wallet, chainId: CHAIN_ID });
      await gone.close();
      const error = await rejection(openSigner({ web3signer: gone.url, address: wallet.address }, {}));
      expect(error).to.be.instanceOf(SignerUnavailable);
      expect(error.message).to.include("ECONNREFUSED");
      expectSilent(error);
      expectSilent(signer);
    });

    async function expectLie(sign: () => Promise<string>, says: string): Promise<void> {
      const error = await rejection(sign());
      expect(error).to.be.instanceOf(SignerLied);
      expect(error.message).to.include(says);
      const { r, s } = Transaction.from(await wallet.signTransaction(request)).signature!;
      expectSilent(error, wallet.privateKey, r, s);
    }
  });
});
