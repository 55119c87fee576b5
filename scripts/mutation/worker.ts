// Judges one fault after another by the Solidity tests, in a process of its own: one that never ends can be ended.
import { readFileSync } from "node:fs";
import process from "node:process";
import type { Artifact, ArtifactId } from "@nomicfoundation/edr";
import { sourcesOf } from "../auditTools.ts";
import { withFault } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { DoesNotCompile, TestRunner, artifactsOf, compile } from "./solidity.ts";
import type { Profile, Sources, Way } from "./solidity.ts";

/** What judges the faults of one file. */
export interface Bench {
  /** Files of the deployed contracts the fault shows in. */
  contracts: string[];
  /** Test files that hold the faulty code themselves (a library's) and are compiled anew. */
  embedding: string[];
  suites: ArtifactId[];
}

export interface Order {
  /** Without a fault: whether the tests pass. */
  fault: Fault | undefined;
  bench: Bench;
}

export interface Verdict {
  result: "killed" | "survived" | "stillborn" | "alike";
  /** The test that failed. */
  by?: string | undefined;
  /** The faulty contracts as they would be deployed, where the Solidity tests let them pass. */
  code?: Artifact[];
}

/** What every worker begins with: a file of this. */
export interface Base {
  tests: Artifact[];
  /** The tests' sources, with `new` replaced. */
  sources: [string, string][];
  profile: Profile;
}

const base = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as Base;
const runner = new TestRunner(base.profile);
/** The contracts without a fault, by file and way of compiling. */
const sound = new Map<string, Artifact[]>();

process.on("message", (order: Order) => {
  void judge(order).then((verdict) => process.send!(verdict));
});

async function judge({ fault, bench }: Order): Promise<Verdict> {
  const faulty = (sources: Sources): Sources => {
    if (fault) sources.set(fault.file, withFault(sources.get(fault.file)!, fault));
    return sources;
  };
  const contracts = (way: Way): Artifact[] =>
    artifactsOf(compile(faulty(sourcesOf(bench.contracts)), bench.contracts, way));
  const embedding = (): Artifact[] =>
    bench.embedding.length === 0 || !fault
      ? []
      : artifactsOf(compile(faulty(new Map(base.sources)), bench.embedding, "judged"));

  let changed: Artifact[];
  try {
    changed = [...contracts("judged"), ...embedding()];
  } catch (error) {
    if (!(error instanceof DoesNotCompile)) throw error;
    return { result: "stillborn" };
  }
  if (fault && sameCode(changed, [...known(bench, "judged"), ...base.tests])) return { result: "alike" };
  const by = await runner.firstFailure(merged(changed), bench.suites);
  if (by !== undefined) return { result: "killed", by };

  const code = contracts("deployed");
  if (fault && bench.embedding.length === 0 && sameCode(code, known(bench, "deployed"))) return { result: "alike" };
  return { result: "survived", code };
}

function known({ contracts }: Bench, way: Way): Artifact[] {
  const key = `${contracts.join()} ${way}`;
  const made = sound.get(key) ?? artifactsOf(compile(sourcesOf(contracts), contracts, way));
  sound.set(key, made);
  return made;
}

/** All artifacts the suites may deploy or run: the changed ones in the place of the others. */
function merged(changed: Artifact[]): Artifact[] {
  const names = new Set(changed.map(({ id }) => `${id.source}:${id.name}`));
  return [...changed, ...base.tests.filter(({ id }) => !names.has(`${id.source}:${id.name}`))];
}

function sameCode(changed: Artifact[], before: Artifact[]): boolean {
  const codes = new Map(before.map(({ id, contract }) => [`${id.source}:${id.name}`, contract.bytecode]));
  return changed.every(({ id, contract }) => codes.get(`${id.source}:${id.name}`) === contract.bytecode);
}
