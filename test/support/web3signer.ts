import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { Transaction, getBytes, isHexString } from "ethers";
import type { BaseWallet, TransactionLike, TypedDataDomain, TypedDataField } from "ethers";

/** How it deceives. */
export type Lie =
  /** Signs what was asked with another key. */
  | { key: BaseWallet }
  /** Signs another transaction. */
  | { transaction: (asked: TransactionLike) => TransactionLike }
  /** Signs another message, or other typed data. */
  | { message: (asked: Record<string, unknown>) => Record<string, unknown> }
  /** Answers this. */
  | { answer: (honest: string) => unknown };

export interface Web3signerStandIn {
  url: string;
  requests: { method: string; params: unknown }[];
  /** From now on; null: honest again. */
  lie(lie: Lie | null): void;
  /** Answers with this HTTP status and body; null: as it should. */
  failWith(failure: { status: number; body: string } | null): void;
  close(): Promise<void>;
}

/** web3signer's own error objects. */
const INVALID_PARAMS = { code: -32_602, message: "Invalid params" };
const METHOD_NOT_FOUND = { code: -32_601, message: "Method not found" };
const NO_ACCOUNT = { code: -32_000, message: "No unlocked account matches the Sender" };

class Refusal extends Error {
  readonly error: { code: number; message: string };
  constructor(error: { code: number; message: string }) {
    super(error.message);
    this.name = "Refusal";
    this.error = error;
  }
}

/**
 * A stand-in for Consensys web3signer in its eth1 mode with one key, as strict as the real one: which parameters, of what shape,
 * from which sender, on the one chain it is set to.
 */
export async function startWeb3signer(options: { wallet: BaseWallet; chainId: number }): Promise<Web3signerStandIn> {
  const { wallet, chainId } = options;
  const requests: Web3signerStandIn["requests"] = [];
  let lie: Lie | null = null;
  let failure: { status: number; body: string } | null = null;

  const key = (): BaseWallet => (lie !== null && "key" in lie ? lie.key : wallet);
  const requireOwn = (address: unknown): void => {
    if (typeof address !== "string" || !isHexString(address, 20)) throw new Refusal(INVALID_PARAMS);
    if (address.toLowerCase() !== wallet.address.toLowerCase()) throw new Refusal(NO_ACCOUNT);
  };
  const pair = (params: unknown): [string, string] => {
    const two = Array.isArray(params) && params.length === 2 && params.every((param) => typeof param === "string");
    if (!two) throw new Refusal(INVALID_PARAMS);
    return params as [string, string];
  };

  const signTransaction = async (params: unknown): Promise<string> => {
    const [asked] = Array.isArray(params) && params.length === 1 ? (params as Record<string, string>[]) : [];
    if (asked === undefined) throw new Refusal(INVALID_PARAMS);
    const { from, to, gas, gasPrice, maxFeePerGas, maxPriorityFeePerGas, value, data, nonce } = asked;
    requireOwn(from);
    const quantities = [gas, gasPrice, maxFeePerGas, maxPriorityFeePerGas, value, nonce];
    const wrong = quantities.some((text) => text !== undefined && !/^0x(0|[1-9a-f][0-9a-f]*)$/i.test(text));
    if (wrong || nonce === undefined) throw new Refusal(INVALID_PARAMS);
    const fees =
      maxFeePerGas !== undefined && maxPriorityFeePerGas !== undefined
        ? { type: 2, maxFeePerGas, maxPriorityFeePerGas }
        : { type: 0, gasPrice: gasPrice ?? "0x0" };
    const rest = { to: to ?? null, value: value ?? "0x0", data: data ?? "0x", nonce: Number(nonce), chainId };
    const wanted: TransactionLike = { ...rest, ...fees, gasLimit: gas ?? "0x15f90" };
    const made = lie !== null && "transaction" in lie ? lie.transaction(wanted) : wanted;
    return key().signTransaction(Transaction.from(made));
  };

  const signTypedData = async (params: unknown): Promise<string> => {
    const [address, text] = pair(params);
    requireOwn(address);
    const { domain, types, message, primaryType } = JSON.parse(text) as {
      domain: TypedDataDomain;
      types: Record<string, TypedDataField[]>;
      message: Record<string, unknown>;
      primaryType: string;
    };
    const { EIP712Domain, ...own } = types;
    if (EIP712Domain === undefined || own[primaryType] === undefined) throw new Refusal(INVALID_PARAMS);
    const made = lie !== null && "message" in lie ? lie.message(message) : message;
    return key().signTypedData(domain, own, made);
  };

  const sign = async (params: unknown): Promise<string> => {
    const [address, data] = pair(params);
    requireOwn(address);
    if (!isHexString(data)) throw new Refusal(INVALID_PARAMS);
    return key().signMessage(getBytes(data));
  };

  const handle = async (body: { jsonrpc?: unknown; method: string; params?: unknown }): Promise<unknown> => {
    if (body.jsonrpc !== "2.0") throw new Refusal({ code: -32_600, message: "Invalid Request" });
    const methods: Record<string, (params: unknown) => Promise<unknown>> = {
      eth_accounts: async () => [wallet.address.toLowerCase()],
      eth_signTransaction: signTransaction,
      eth_signTypedData: signTypedData,
      eth_sign: sign,
    };
    const method = methods[body.method];
    if (method === undefined) throw new Refusal(METHOD_NOT_FOUND);
    const honest = await method(body.params);
    return lie !== null && "answer" in lie && body.method !== "eth_accounts" ? lie.answer(honest as string) : honest;
  };

  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = JSON.parse(await textOf(incoming)) as { id: number; method: string; params: unknown };
      requests.push({ method: body.method, params: body.params });
      if (failure !== null) return void outgoing.writeHead(failure.status).end(failure.body);
      outgoing.setHeader("content-type", "application/json");
      try {
        outgoing.end(JSON.stringify({ jsonrpc: "2.0", id: body.id, result: await handle(body) }));
      } catch (error) {
        const refusal = error instanceof Refusal ? error.error : { code: -32_603, message: "Internal error" };
        outgoing.statusCode = error instanceof Refusal ? 400 : 500;
        outgoing.end(JSON.stringify({ jsonrpc: "2.0", id: body.id, error: refusal }));
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/?key=s3cr3t`,
    requests,
    lie(next) {
      lie = next;
    },
    failWith(next) {
      failure = next;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
