// Compiles in this process and runs Solidity tests on Hardhat's own engine, without Hardhat: a fault then costs one
// contract's compilation and the tests that notice it, not a build.
//
// The tests are compiled once. Where they say `new HedgeVault(…)` they are made to take the code from its artifact, so that
// a test's own code is the same whatever the contract's is.
import {
  CollectStackTraces,
  EdrContext,
  FsAccessPermission,
  L1_CHAIN_TYPE,
  TestStatus,
  l1GenesisState,
  l1HardforkFromString,
  l1HardforkLatest,
  l1HardforkToString,
  l1SolidityTestRunnerFactory,
} from "@nomicfoundation/edr";
import type { Artifact, ArtifactId, SolidityTestRunnerConfigArgs, SuiteResult, TestResult } from "@nomicfoundation/edr";
import { dataSlice, getAddress, id } from "ethers";
import { createRequire } from "node:module";
import process from "node:process";
import type { SolidityTestProfileConfig } from "hardhat/types/test";
import { setTimeout } from "node:timers/promises";
import { STACK_ONLY, solidityFiles, sourcesOf } from "../auditTools.ts";
import type { Node } from "./faults.ts";

/** Enough for any test; a fault that loops for ever uses it up in seconds. */
const GAS_LIMIT = 1n << 30n;
const CODES = "mutation/";

/** What of Hardhat's configuration the tests go by. */
export type Profile = Required<Pick<SolidityTestRunnerConfigArgs, "fuzz" | "fsPermissions" | "invariant">>;

export type Sources = Map<string, string>;

interface AbiEntry {
  type: string;
  name?: string;
  inputs?: { type: string; internalType: string }[];
}

export interface Compiled {
  abi: AbiEntry[];
  evm?: { bytecode: { object: string }; deployedBytecode: { object: string } };
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  sources?: Record<string, { ast: Node }>;
  contracts?: Record<string, Record<string, Compiled>>;
}

/** The compiler refused. */
export class DoesNotCompile extends Error {
  override name = "DoesNotCompile";
}

const require = createRequire(import.meta.url);
/** Loading takes most of a second, and a process that only runs tests needs none. */
let compiler: { compile: (input: string) => string } | undefined;

/**
 * How contracts are compiled: `judged`, fast and calling libraries at fixed addresses, for the Solidity tests; `deployed`, as
 * the project does it, for the integration tests.
 */
export type Way = "judged" | "deployed";

/** The contracts of `files`. */
export function compile(sources: Sources, files: string[], way: Way): Record<string, Record<string, Compiled>> {
  const wanted = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"];
  return solc(sources, Object.fromEntries(files.map((file) => [file, { "*": wanted }])), way).contracts ?? {};
}

/** The syntax tree of one file. */
export function treeOf(file: string): Node {
  return solc(sourcesOf([file]), { [file]: { "": ["ast"] } }, "judged").sources![file]!.ast;
}

function solc(sources: Sources, outputSelection: object, way: Way): Output {
  compiler ??= require("solc") as typeof compiler & object;
  const settings = {
    optimizer: way === "judged" ? STACK_ONLY : { enabled: true, runs: 200 },
    libraries: way === "judged" ? libraryAddresses() : {},
    evmVersion: "cancun",
    metadata: { appendCBOR: false, bytecodeHash: "none" },
    outputSelection,
  };
  const input = { language: "Solidity", sources: Object.fromEntries(entries(sources)), settings };
  const output = JSON.parse(compiler.compile(JSON.stringify(input))) as Output;
  const error = output.errors?.find(({ severity }) => severity === "error");
  if (error !== undefined) throw new DoesNotCompile(error.formattedMessage);
  return output;
}

function entries(sources: Sources): [string, { content: string }][] {
  return [...sources].map(([name, content]) => [name, { content }]);
}

/** Contracts under contracts/ that can be deployed, and libraries that are called and not copied, by name, with their file. */
export function deployables(): Map<string, string> {
  return new Map([...definitions(/^contract (\w+)/gm), ...linkedLibraries()]);
}

/** Libraries with an external function. */
function linkedLibraries(): Map<string, string> {
  return definitions(/^library (\w+)(?=[^]*\) external )/gm);
}

function definitions(pattern: RegExp): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of solidityFiles("contracts")) {
    for (const [, name] of sourcesOf([file]).get(file)!.matchAll(pattern)) found.set(name!, file);
  }
  return found;
}

/** Where the Solidity tests find a library, whichever of its codes is judged. */
function libraryAddresses(): Record<string, Record<string, string>> {
  const addresses: Record<string, Record<string, string>> = {};
  for (const [name, file] of linkedLibraries()) {
    addresses[file] = { ...addresses[file], [name]: dataSlice(id(`${file}:${name}`), 12) };
  }
  return addresses;
}

/** Tests whose `new` of our contracts takes the code from an artifact; what they need for it is added. */
export function linkedTests(tests: string[]): { sources: Sources; deployed: Map<string, string> } {
  const sources = sourcesOf(tests);
  const known = deployables();
  const deployed = new Map<string, string>();
  for (const [file, text] of sources) {
    if (file.startsWith("contracts/") || file.startsWith("@")) continue;
    const names = new Set<string>();
    const linked = text.replace(/\bnew (\w+)\(/g, (whole, name: string) => {
      if (!known.has(name)) return whole;
      names.add(name);
      return `deploy${name}(`;
    });
    for (const name of names) deployed.set(name, known.get(name)!);
    const imports = [...names].map((name) => `\nimport {deploy${name}} from "${CODES}${name}.sol";`);
    sources.set(file, linked + imports.join(""));
  }
  for (const [name, file] of [...deployed]) {
    const within = sourcesOf([file]);
    const libraries = [...linkedLibraries()].filter(([, from]) => from !== file && within.has(from));
    for (const [library, from] of libraries) deployed.set(library, from);
    const { abi } = solc(within, { [file]: { "*": ["abi"] } }, "deployed").contracts![file]![name]!;
    sources.set(`${CODES}${name}.sol`, deployer(name, file, abi, libraries));
  }
  return { sources, deployed };
}

/** A function that deploys what the artifact holds, with the constructor's own parameters and the libraries it calls. */
function deployer(name: string, file: string, abi: AbiEntry[], libraries: [name: string, file: string][]): string {
  const addresses = libraryAddresses();
  const put = libraries.map(
    ([library, from]) =>
      `CODES.etch(${getAddress(addresses[from]![library]!)}, CODES.getDeployedCode("${from}:${library}"));`,
  );
  const inputs = abi.find(({ type }) => type === "constructor")?.inputs ?? [];
  const parameters = inputs.map(({ type, internalType }, index) => {
    const isReference = /^tuple|\]$|^string$|^bytes$/.test(type);
    return `${internalType.replace(/^(struct|contract|enum) /, "")}${isReference ? " memory" : ""} a${index}`;
  });
  return `pragma solidity ^0.8.28;
import "${file}";
interface Codes {
    function getCode(string calldata) external view returns (bytes memory);
    function getDeployedCode(string calldata) external view returns (bytes memory);
    function etch(address, bytes calldata) external;
}
Codes constant CODES = Codes(address(uint160(uint256(keccak256("hevm cheat code")))));
function deploy${name}(${parameters.join(", ")}) returns (${name} made) {
    ${put.join("\n    ")}
    bytes memory code = bytes.concat(
        CODES.getCode("${file}:${name}"),
        abi.encode(${inputs.map((_, index) => `a${index}`).join(", ")})
    );
    assembly ("memory-safe") {
        made := create(0, add(code, 32), mload(code))
        if iszero(made) {
            let at := mload(64)
            returndatacopy(at, 0, returndatasize())
            revert(at, returndatasize())
        }
    }
}
`;
}

export function artifactOf(source: string, name: string, { abi, evm }: Compiled): Artifact {
  return {
    id: { name, source, solcVersion: (require("solc/package.json") as { version: string }).version },
    contract: {
      abi: JSON.stringify(abi),
      bytecode: `0x${evm?.bytecode.object ?? ""}`,
      deployedBytecode: `0x${evm?.deployedBytecode.object ?? ""}`,
      linkReferences: {},
      deployedLinkReferences: {},
    },
  };
}

export function artifactsOf(compiled: Record<string, Record<string, Compiled>>): Artifact[] {
  return Object.entries(compiled).flatMap(([file, contracts]) =>
    Object.entries(contracts).map(([name, contract]) => artifactOf(file, name, contract)),
  );
}

export function isSuite({ contract }: Artifact): boolean {
  const functions = JSON.parse(contract.abi) as AbiEntry[];
  return (
    contract.bytecode !== "0x" &&
    functions.some(({ type, name }) => type === "function" && /^(test|invariant)/.test(name!))
  );
}

/** The same for every run: the seed of the fuzz tests too. Of these, which run for every fault anew, fewer are enough. */
export function profileOf({ fsPermissions, fuzz, invariant }: SolidityTestProfileConfig): Profile {
  const readable = fsPermissions?.readDirectory ?? [];
  return {
    fsPermissions: readable.map((path) => ({ access: FsAccessPermission.ReadDirectory, path })),
    fuzz: { ...fuzz, runs: 32, seed: "0x01" },
    invariant: { ...invariant, runs: 2, depth: 50 },
  };
}

/** Runs suites of tests. */
export class TestRunner {
  readonly #config: SolidityTestRunnerConfigArgs;
  #context: EdrContext | undefined;

  constructor(profile: Profile) {
    const hardfork = l1HardforkToString(l1HardforkLatest());
    this.#config = {
      projectRoot: process.cwd(),
      hardfork,
      localPredeploys: l1GenesisState(l1HardforkFromString(hardfork)),
      disableBlockGasLimit: true,
      disableTransactionGasCap: true,
      gasLimit: GAS_LIMIT,
      ...profile,
      collectStackTraces: CollectStackTraces.OnFailure,
    };
  }

  /** Stops at the first suite with a failure, and answers it. */
  async firstFailure(artifacts: Artifact[], suites: ArtifactId[]): Promise<string | undefined> {
    for (const suite of suites) {
      const failed = (await this.run(artifacts, suite)).find(({ status }) => status === TestStatus.Failure);
      if (failed) return `${suite.name}.${failed.name}`;
    }
    return undefined;
  }

  async run(artifacts: Artifact[], suite: ArtifactId): Promise<TestResult[]> {
    if (this.#context === undefined) {
      this.#context = new EdrContext();
      await this.#context.registerSolidityTestRunnerFactory(L1_CHAIN_TYPE, l1SolidityTestRunnerFactory());
    }
    let done: SuiteResult | undefined;
    await this.#context.runSolidityTests(L1_CHAIN_TYPE, artifacts, [suite], this.#config, {}, (result) => {
      done = result;
    });
    // The callback may come a moment after the promise.
    while (done === undefined) await setTimeout(1);
    return done.testResults;
  }
}
