import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { getCreateAddress } from "ethers";
import type { LocalChain } from "../../deploy/devnet/chain.ts";
import type { Deployment } from "../../src/plan/deployment.ts";

const CACHE = "cache/without-check";

/** One change to a source: `text`, which must be there exactly once, becomes `becomes`. */
export interface Edit {
  text: string;
  becomes: string;
}

/** Where the text of a check was expected and is not, or is more than once. */
export class CheckNotFound extends Error {
  constructor(source: string, text: string, found: number) {
    super(`${source} has ${found} times, instead of once, the check "${text}": bring the attack up to date`);
    this.name = "CheckNotFound";
  }
}

export class VariantDoesNotCompile extends Error {
  constructor(source: string, reason: string) {
    super(`${source} does not compile without its check: ${reason}`);
    this.name = "VariantDoesNotCompile";
  }
}

export class CreationNotFound extends Error {
  constructor(address: string) {
    super(`no transaction of this chain created ${address}: only contracts of the chain itself can lose a check`);
    this.name = "CreationNotFound";
  }
}

type Links = Record<string, Record<string, { start: number; length: number }[]>>;

interface Compiled {
  object: string;
  linkReferences: Links;
}

/**
 * Takes a check out of a deployed contract: its source with the edits, compiled as the project compiles it and built with
 * the constructor arguments it was built with, so that its immutables are equal. Only the code is exchanged: address and
 * storage stay. `libraries` are the addresses of those the contract is linked to, by name.
 */
export async function withoutCheck(
  chain: LocalChain,
  address: string,
  source: string,
  edits: Edit[],
  libraries: Record<string, string> = {},
): Promise<void> {
  const name = /(\w+)\.sol$/.exec(source)![1]!;
  const { buildInfoId, bytecode } = readJson(`artifacts/${source}/${name}.json`) as Record<string, string>;
  const variant = link(compile(source, name, buildInfoId!, edits), libraries);
  const created = await creationOf(chain, address);
  const args = created.slice(bytecode!.length);
  // What the constructor returns, without a transaction: no address and no nonce is used up for it.
  const code = await chain.request<string>("eth_call", [{ data: `0x${variant}${args}`, gas: "0xf42400" }, "latest"]);
  await chain.request("hardhat_setCode", [address, code]);
}

/** A vault without a check of its own code. */
export async function vaultWithout(chain: LocalChain, deployment: Deployment, edits: Edit[]): Promise<void> {
  const { vault, redemptionQueue, venueList } = deployment;
  const libraries = { RedemptionQueue: redemptionQueue!, VenueList: venueList! };
  await withoutCheck(chain, vault, "contracts/vault/HedgeVault.sol", edits, libraries);
}

/** The compiler takes seconds: what it made is kept by what it was made from. */
function compile(source: string, name: string, buildInfoId: string, edits: Edit[]): Compiled {
  const key = createHash("sha256")
    .update(JSON.stringify([source, buildInfoId, edits]))
    .digest("hex");
  const kept = `${CACHE}/${key}.json`;
  if (existsSync(kept)) return readJson(kept) as Compiled;

  const { input } = readJson(`artifacts/build-info/${buildInfoId}.json`) as {
    input: { sources: Record<string, { content: string }>; settings: Record<string, unknown> };
  };
  const file = `project/${source}`;
  let { content } = input.sources[file]!;
  for (const { text, becomes } of edits) {
    const parts = content.split(text);
    if (parts.length !== 2) throw new CheckNotFound(source, text, parts.length - 1);
    content = parts.join(becomes);
  }
  input.sources[file] = { content };
  input.settings["outputSelection"] = { [file]: { [name]: ["evm.bytecode.object", "evm.bytecode.linkReferences"] } };
  const output = JSON.parse(runCompiler(JSON.stringify(input))) as {
    errors?: { severity: string; formattedMessage: string }[];
    contracts?: Record<string, Record<string, { evm: { bytecode: Compiled } }>>;
  };
  const error = output.errors?.find(({ severity }) => severity === "error");
  if (error !== undefined) throw new VariantDoesNotCompile(source, error.formattedMessage);
  const compiled = output.contracts![file]![name]!.evm.bytecode;
  writeFileSync(kept, JSON.stringify(compiled));
  return compiled;
}

/** In a process of its own, as it leaves nothing behind there. It reads a file better than a pipe that is not yet full. */
function runCompiler(input: string): string {
  const solc = createRequire(import.meta.url).resolve("solc/solc.js");
  mkdirSync(CACHE, { recursive: true });
  // Of its own too: other processes of the test run compile other variants meanwhile.
  const file = `${CACHE}/input-${process.pid}.json`;
  writeFileSync(file, input);
  const descriptor = openSync(file, "r");
  const { stdout, stderr } = spawnSync(process.execPath, [solc, "--standard-json"], {
    stdio: [descriptor, "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  closeSync(descriptor);
  rmSync(file);
  // A line about solvers comes first.
  const start = stdout.indexOf("{");
  if (start === -1) throw new VariantDoesNotCompile("the compiler says nothing", stderr);
  return stdout.slice(start);
}

function link({ object, linkReferences }: Compiled, libraries: Record<string, string>): string {
  for (const [name, places] of Object.values(linkReferences).flatMap((ofFile) => Object.entries(ofFile))) {
    for (const { start } of places) {
      object = object.slice(0, 2 * start) + libraries[name]!.slice(2).toLowerCase() + object.slice(2 * start + 40);
    }
  }
  return object;
}

/** The data of the transaction that created a contract. */
async function creationOf(chain: LocalChain, address: string): Promise<string> {
  const latest = Number(await chain.request<string>("eth_blockNumber"));
  for (let number = 0; number <= latest; ++number) {
    const { transactions } = await chain.request<{
      transactions: { from: string; to: string | null; nonce: string; input: string }[];
    }>("eth_getBlockByNumber", [`0x${number.toString(16)}`, true]);
    for (const { from, to, nonce, input } of transactions) {
      if (to === null && BigInt(getCreateAddress({ from, nonce: BigInt(nonce) })) === BigInt(address)) return input;
    }
  }
  throw new CreationNotFound(address);
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
