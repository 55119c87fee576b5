import type { Fault } from "../rpcProxy.ts";
import { VaultLens__factory } from "../../../typechain-types/index.js";
import type { Rig } from "./rig.ts";
import { scenario } from "./scenario.ts";
import type { Scenario, Try } from "./scenario.ts";

const DONE = ["PROPOSED", "ALREADY_PROPOSED"] as const;
const SNAPSHOT = VaultLens__factory.createInterface().getFunction("snapshot").selector;
/** The word of the lens's answer with the vault's cash: the struct's offset, and twenty fields before it. */
const CASH_WORD = 21;

/** Under the fault the keeper proposes all the same, from the RPCs that work. */
async function worksRound(rig: Rig, ...faults: Fault[]): Promise<Try> {
  const keeper = await rig.keeper();
  faults.forEach((fault, index) => rig.stage.rpcs[index]!.fail(fault));
  const ticks = await rig.until(keeper, DONE);
  return { expected: 1, found: (await rig.alive()).length, ticks, line: told(rig) };
}

/** Under the fault nothing is proposed, and the first tick after it proposes. */
async function waits(rig: Rig, ...faults: Fault[]): Promise<Try> {
  const keeper = await rig.keeper();
  faults.forEach((fault, index) => rig.stage.rpcs[index]!.fail(fault));
  const { end, error } = await rig.tick(keeper);
  if (error === null) throw new Error(`a tick ended with ${end?.code} while its RPCs failed`);
  if ((await rig.alive()).length > 0) throw new Error("something was proposed while the RPCs failed");
  rig.stage.rpcs.forEach((rpc) => rpc.fail(null));
  const ticks = await rig.until(keeper, DONE);
  return { expected: 1, found: (await rig.alive()).length, ticks, line: `${error.name}: ${error.message}` };
}

/** The last line of the log that warns of something. */
function told({ lines }: Rig): string {
  return lines.findLast((line) => / (WARN|ERROR) /.test(line))?.trim() ?? "";
}

const silent: Fault = { mode: "timeout" };
const forked: Fault = { mode: "fork" };

/** The RPCs' faults. */
export const RPC_FAULTS: Scenario[] = [
  scenario("RPC times out, another answers", 3, { rpcs: 2, timeoutMs: 300 }, (rig) => worksRound(rig, silent)),
  scenario("every RPC times out", 3, { rpcs: 2, timeoutMs: 300 }, (rig) => waits(rig, silent, silent)),
  scenario("RPC breaks at any request of a tick", 12, { rpcs: 1 }, async (rig, index) => {
    const keeper = await rig.keeper();
    const fault: Fault = { mode: index % 2 === 0 ? "loseAnswer" : "refuse", times: 1 };
    const { end, error } = await afterRequests(rig, 1 + index, fault, () => rig.tick(keeper));
    rig.stage.rpcs[0]!.fail(null);
    const ticks = error === null ? 1 : await rig.until(keeper, DONE);
    const line = error === null ? `${end?.code}` : `${error.name}: ${error.message}`;
    return { expected: 1, found: (await rig.alive()).length, ticks, line };
  }),
  scenario("RPC lies about a balance", 3, { rpcs: 3, quorum: 2 }, (rig) => {
    const { lens } = rig.stage.scene.deployment;
    return worksRound(rig, { mode: "lie", to: lens, selector: SNAPSHOT, alter: richer });
  }),
  scenario("RPC lags twenty blocks", 3, { rpcs: 2 }, async (rig) => {
    await rig.stage.scene.chain.request("hardhat_mine", ["0x19", "0x1"]);
    return worksRound(rig, { mode: "lag", blocks: 20 });
  }),
  scenario("RPC is on a fork", 3, { rpcs: 3, quorum: 2 }, (rig) => worksRound(rig, forked)),
  scenario("two RPCs disagree", 3, { rpcs: 2, quorum: 2 }, (rig) => waits(rig, forked)),
  scenario("the chain re-organises in mid-tick", 3, { rpcs: 1 }, async (rig) => {
    const keeper = await rig.keeper();
    // From the simulation on, the block all was read at has another hash.
    const { end, error } = await afterRequests(rig, 10, forked, () => rig.tick(keeper));
    rig.stage.rpcs.forEach((rpc) => rpc.fail(null));
    const ticks = await rig.until(keeper, DONE);
    return {
      expected: 1,
      found: (await rig.alive()).length,
      ticks,
      line: error === null ? `${end?.code}` : `${error.name}: ${error.message}`,
    };
  }),
  scenario("RPC is of another chain", 3, { rpcs: 2 }, (rig) => worksRound(rig, { mode: "wrongChain", chainId: 1 })),
];

/** Lets the RPC fail once it was sent so many requests, while something runs. */
async function afterRequests<T>(rig: Rig, count: number, fault: Fault, work: () => Promise<T>): Promise<T> {
  const [rpc] = rig.stage.rpcs;
  const from = rpc!.requests.length;
  let failed = false;
  const watch = setInterval(() => {
    if (failed || rpc!.requests.length - from < count) return;
    failed = true;
    rpc!.fail(fault);
  }, 1);
  try {
    return await work();
  } finally {
    clearInterval(watch);
  }
}

/** The same snapshot with twice the cash. */
function richer(answer: string): string {
  const at = 2 + CASH_WORD * 64;
  const cash = BigInt(`0x${answer.slice(at, at + 64)}`) * 2n;
  return answer.slice(0, at) + cash.toString(16).padStart(64, "0") + answer.slice(at + 64);
}
