import { readFile, stat } from "node:fs/promises";
import {
  AbstractSigner,
  Signature,
  Transaction,
  TypedDataEncoder,
  Wallet,
  copyRequest,
  getAddress,
  hexlify,
  isKeystoreJson,
  resolveAddress,
  toQuantity,
  toUtf8Bytes,
  verifyMessage,
  verifyTypedData,
} from "ethers";
import type { Provider, Signer, TransactionRequest, TypedDataDomain, TypedDataField } from "ethers";
import type { KeyConfig } from "./config.ts";
import { NoAnswer, hostOf, postJson, shortReason } from "./jsonRpc.ts";

/*
 * How the keeper signs: with an encrypted keystore in its own memory, or through a signer that holds the key elsewhere and is not
 * believed: what comes back is compared with what was asked for. No key, password or signature is ever put into a message.
 */

const DEFAULT_TIMEOUT_MS = 15_000;
const OTHERS_MAY_READ = 0o044;
const INTERNAL_ERROR = -32_603;
/** What web3signer makes: legacy and EIP-1559. It leaves an access list out without a word. */
const SIGNED_TYPES = [0, 2];

/** The key cannot be used now: its file, its password, or the server that holds it. */
export class SignerUnavailable extends Error {
  constructor(where: string, detail: string) {
    super(`signer ${where}: ${detail}`);
    this.name = "SignerUnavailable";
  }
}

/** The signer was reached and does not sign this. */
export class SignerRefused extends Error {
  constructor(where: string, detail: string) {
    super(`signer ${where} refuses: ${detail}; check which keys it holds, and what its rules allow`);
    this.name = "SignerRefused";
  }
}

/** The signer answered with something other than what it was asked to sign. */
export class SignerLied extends Error {
  constructor(where: string, detail: string) {
    super(`signer ${where}: ${detail}; nothing was sent: find out who runs that server before using its key again`);
    this.name = "SignerLied";
  }
}

export interface SignerOptions {
  /** Told of what works and should not be left so. */
  warn?: (text: string) => void;
  timeoutMs?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The signer that a configuration names, not yet connected to a chain. A keystore's password is in the environment variable
 * that the configuration names, or in the file that the variable of that name with `_FILE` behind it names. Throws
 * SignerUnavailable, and SignerRefused where a server does not hold the address.
 */
export async function openSigner(
  config: KeyConfig,
  environment: Environment,
  options: SignerOptions = {},
): Promise<Signer> {
  if ("keystore" in config) return openKeystore(config.keystore, config.passwordEnv, environment, options);
  const signer = new Web3Signer(config.web3signer, config.address, null, options.timeoutMs);
  await signer.requireAccount();
  return signer;
}

async function openKeystore(
  path: string,
  passwordEnv: string,
  environment: Environment,
  { warn }: SignerOptions,
): Promise<Signer> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new SignerUnavailable(path, "the key file cannot be read: check its path and that this user may read it");
  });
  if (/^\s*(0x)?[0-9a-f]{64}\s*$/i.test(text)) {
    throw new SignerUnavailable(
      path,
      "the private key in it is not encrypted, and a keeper that stays up takes no such file: import it into a keystore " +
        '("geth account import" or "cast wallet import"), name that one, and delete this',
    );
  }
  if (!isKeystoreJson(text)) {
    throw new SignerUnavailable(path, 'it is no encrypted JSON keystore of version 3, as "geth account new" makes one');
  }
  if (((await stat(path)).mode & OTHERS_MAY_READ) !== 0) {
    warn?.(`key file ${path} can be read by other users of this machine: chmod 600`);
  }
  const password = await passwordOf(path, passwordEnv, environment);
  try {
    const { privateKey } = await Wallet.fromEncryptedJson(text, password);
    return new KeystoreSigner(new Wallet(privateKey));
  } catch {
    throw new SignerUnavailable(path, `it does not open with the password in ${passwordEnv} or ${passwordEnv}_FILE`);
  }
}

/** A wallet out of reach: one of ethers gives its key, and its mnemonic, to whoever prints it with all it has. */
class KeystoreSigner extends AbstractSigner {
  readonly address: string;
  readonly #wallet: Wallet;

  constructor(wallet: Wallet) {
    super(wallet.provider ?? undefined);
    this.address = wallet.address;
    this.#wallet = wallet;
  }

  override async getAddress(): Promise<string> {
    return this.address;
  }

  override connect(provider: Provider | null): KeystoreSigner {
    return new KeystoreSigner(this.#wallet.connect(provider));
  }

  override signTransaction(request: TransactionRequest): Promise<string> {
    return this.#wallet.signTransaction(request);
  }

  override signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    value: Record<string, unknown>,
  ): Promise<string> {
    return this.#wallet.signTypedData(domain, types, value);
  }

  override signMessage(message: string | Uint8Array): Promise<string> {
    return this.#wallet.signMessage(message);
  }
}

async function passwordOf(path: string, variable: string, environment: Environment): Promise<string> {
  const [password, file] = [environment[variable], environment[`${variable}_FILE`]];
  if (password !== undefined && file !== undefined) {
    throw new SignerUnavailable(path, `both ${variable} and ${variable}_FILE are set: unset one`);
  }
  if (password !== undefined) return password;
  if (file === undefined) {
    throw new SignerUnavailable(path, `it is encrypted, and neither ${variable} nor ${variable}_FILE is set`);
  }
  const text = await readFile(file, "utf8").catch(() => {
    throw new SignerUnavailable(path, `the file that ${variable}_FILE names cannot be read`);
  });
  // Editors and `echo` end a line; no password does.
  return text.replace(/\r?\n$/, "");
}

/**
 * A key held by Consensys web3signer in its eth1 mode, or by what speaks the same JSON-RPC: eth_accounts, eth_signTransaction,
 * eth_signTypedData, eth_sign. Methods throw SignerUnavailable, SignerRefused, SignerLied.
 */
export class Web3Signer extends AbstractSigner {
  readonly address: string;
  readonly #url: string;
  readonly #timeoutMs: number;

  constructor(url: string, address: string, provider: Provider | null = null, timeoutMs = DEFAULT_TIMEOUT_MS) {
    super(provider ?? undefined);
    this.address = getAddress(address);
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  override async getAddress(): Promise<string> {
    return this.address;
  }

  override connect(provider: Provider | null): Web3Signer {
    return new Web3Signer(this.#url, this.address, provider, this.#timeoutMs);
  }

  /** Throws SignerRefused when the server does not hold the address. */
  async requireAccount(): Promise<void> {
    const accounts = await this.#ask("eth_accounts", []);
    const held = Array.isArray(accounts) ? accounts.filter((account) => typeof account === "string") : [];
    if (held.some((account) => account.toLowerCase() === this.address.toLowerCase())) return;
    throw new SignerRefused(this.#where, `${this.address} is none of the ${held.length} accounts it holds`);
  }

  override async signTransaction(request: TransactionRequest): Promise<string> {
    const wanted = await this.#wanted(request);
    const { type, to, nonce, gasLimit, value, data, gasPrice, maxFeePerGas, maxPriorityFeePerGas } = wanted;
    if (!SIGNED_TYPES.includes(type ?? -1) || (wanted.accessList ?? []).length > 0) {
      throw new SignerRefused(
        this.#where,
        `a transaction of type ${type}, or with an access list, is not what it can sign`,
      );
    }
    const fees =
      type === 0
        ? { gasPrice: toQuantity(gasPrice ?? 0) }
        : { maxFeePerGas: toQuantity(maxFeePerGas ?? 0), maxPriorityFeePerGas: toQuantity(maxPriorityFeePerGas ?? 0) };
    const answer = await this.#ask("eth_signTransaction", [
      {
        from: this.address,
        ...(to === null ? {} : { to }),
        nonce: toQuantity(nonce),
        gas: toQuantity(gasLimit),
        value: toQuantity(value),
        data,
        ...fees,
      },
    ]);
    return this.#checked(answer, wanted);
  }

  override async signTypedData(
    domain: TypedDataDomain,
    types: Record<string, TypedDataField[]>,
    value: Record<string, unknown>,
  ): Promise<string> {
    const payload = JSON.stringify(TypedDataEncoder.getPayload(domain, types, value));
    const answer = await this.#ask("eth_signTypedData", [this.address, payload]);
    return this.#requireSigned(answer, "the typed data", (signature) =>
      verifyTypedData(domain, types, value, signature),
    );
  }

  override async signMessage(message: string | Uint8Array): Promise<string> {
    const bytes = typeof message === "string" ? toUtf8Bytes(message) : message;
    const answer = await this.#ask("eth_sign", [this.address, hexlify(bytes)]);
    return this.#requireSigned(answer, "the message", (signature) => verifyMessage(bytes, signature));
  }

  get #where(): string {
    return hostOf(this.#url);
  }

  /** The request as a whole transaction, without its signature. */
  async #wanted(request: TransactionRequest): Promise<Transaction> {
    const { from, to, ...rest } = copyRequest(request);
    const sender = from == null ? this.address : await resolveAddress(from, this.provider);
    if (sender !== this.address) {
      throw new SignerRefused(this.#where, `the transaction is from ${sender}, the key is of ${this.address}`);
    }
    // What is left are plain values: `copyRequest` has dealt with addresses and numbers.
    const { chainId, nonce, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas, value, data, type, accessList } =
      rest;
    return Transaction.from({
      to: to == null ? null : await resolveAddress(to, this.provider),
      chainId: chainId ?? null,
      nonce: nonce ?? null,
      gasLimit: gasLimit ?? null,
      gasPrice: gasPrice ?? null,
      maxFeePerGas: maxFeePerGas ?? null,
      maxPriorityFeePerGas: maxPriorityFeePerGas ?? null,
      value: value ?? null,
      data: data ?? null,
      type: type ?? null,
      accessList: accessList ?? null,
    });
  }

  /** The signed transaction, after it was found to be the wanted one in every field, signed by the address. */
  #checked(answer: unknown, wanted: Transaction): string {
    const signed = parsedTransaction(answer);
    if (signed?.signature == null) throw new SignerLied(this.#where, "what came back is no signed transaction");
    const fields = (transaction: Transaction): Record<string, unknown> => {
      const { type, chainId, nonce, to, value, data, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas } =
        transaction;
      return { type, chainId, nonce, to, value, data, gasLimit, gasPrice, maxFeePerGas, maxPriorityFeePerGas };
    };
    const [asked, got] = [fields(wanted), fields(signed)];
    const field = Object.keys(asked).find((name) => asked[name] !== got[name]);
    if (field !== undefined) {
      throw new SignerLied(
        this.#where,
        `${field} is ${String(got[field])} in what it signed, ${String(asked[field])} was asked`,
      );
    }
    // The fields above are those anyone can name; this is all of them.
    if (signed.unsignedSerialized !== wanted.unsignedSerialized) {
      throw new SignerLied(this.#where, "it signed another transaction than was asked");
    }
    if (signed.from !== this.address)
      throw new SignerLied(this.#where, `${signed.from} signed in place of ${this.address}`);
    return signed.serialized;
  }

  #requireSigned(answer: unknown, what: string, recover: (signature: Signature) => string): string {
    const signature = parsedSignature(answer);
    if (signature === null) throw new SignerLied(this.#where, "what came back is no signature");
    const signer = recover(signature);
    if (signer !== this.address) {
      throw new SignerLied(
        this.#where,
        `what came back is not ${this.address}'s signature of ${what}, but as of ${signer}`,
      );
    }
    return signature.serialized;
  }

  /** web3signer gives its refusals statuses of failure: an error object is read whatever the status. */
  async #ask(method: string, params: unknown[]): Promise<unknown> {
    const { status, value } = await postJson(
      this.#url,
      { jsonrpc: "2.0", id: 1, method, params },
      this.#timeoutMs,
    ).catch((error: unknown) => {
      if (error instanceof NoAnswer) throw new SignerUnavailable(this.#where, `${error.reason}; check that it runs`);
      throw error;
    });
    const { error, result } = (value ?? {}) as {
      error?: { code?: unknown; message?: unknown } | null;
      result?: unknown;
    };
    if (error != null) {
      const detail = `${method}: ${withoutSecrets(shortReason(String(error.message)))}`;
      if (error.code === INTERNAL_ERROR) throw new SignerUnavailable(this.#where, `${detail}; look into its log`);
      throw new SignerRefused(this.#where, detail);
    }
    if (status !== 200 || result === undefined) {
      throw new SignerUnavailable(
        this.#where,
        `HTTP ${status} without an answer to ${method}; check its URL and access rules`,
      );
    }
    return result;
  }
}

/** Null when it is none: the errors of ethers show what they could not read. */
function parsedTransaction(answer: unknown): Transaction | null {
  try {
    const transaction = Transaction.from(String(answer));
    // An encoding with anything appended or done another way is not the one whose hash we would wait for.
    return transaction.serialized === String(answer).toLowerCase() ? transaction : null;
  } catch {
    return null;
  }
}

function parsedSignature(answer: unknown): Signature | null {
  try {
    return Signature.from(String(answer));
  } catch {
    return null;
  }
}

/** A server may put anything into its words; what is as long as a key or a signature is left out. */
function withoutSecrets(text: string): string {
  return text.replace(/(0x)?[0-9a-f]{40,}/gi, "(hex)");
}
