import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Rig } from "./rig.ts";
import type { RigOptions, Stage } from "./rig.ts";

/** How one try went. */
export interface Try {
  /** Executable proposals there should be for the day in the end, and that there are. */
  expected: number;
  found: number;
  /** Ticks until all was as it should be, counted from when the fault was over. */
  ticks: number;
  /** What the keeper said of it, in one line. */
  line: string;
}

/** One fault, and how the keeper is put through it. */
export interface Scenario {
  fault: string;
  /** How often `npm run test:faults` tries it; `npm run test:long` tries each once. */
  tries: number;
  run: (stage: Stage, index: number) => Promise<Try>;
}

/** All tries of one fault. */
export interface Survived {
  fault: string;
  tries: number;
  duplicates: number;
  lost: number;
  /** The slowest try. */
  ticks: number;
  line: string;
}

/** A scenario that gets a rig of its own for each try, and a chain that is undone after it. */
export function scenario(
  fault: string,
  tries: number,
  options: RigOptions | ((index: number) => RigOptions),
  run: (rig: Rig, index: number) => Promise<Try>,
): Scenario {
  return {
    fault,
    tries,
    async run(stage, index) {
      const rig = await Rig.open(stage, typeof options === "function" ? options(index) : options);
      try {
        return await run(rig, index);
      } finally {
        await rig.close();
        await stage.scene.reset();
      }
    },
  };
}

export async function survive(stage: Stage, { fault, run }: Scenario, tries: number): Promise<Survived> {
  const survived: Survived = { fault, tries, duplicates: 0, lost: 0, ticks: 0, line: "" };
  for (let index = 0; index < tries; index++) {
    const { expected, found, ticks, line } = await run(stage, index);
    survived.duplicates += Math.max(0, found - expected);
    survived.lost += Math.max(0, expected - found);
    survived.ticks = Math.max(survived.ticks, ticks);
    survived.line ||= line;
  }
  return survived;
}

/** Codes of a tick after which the day's proposal is out. */
export const DONE = ["PROPOSED", "ALREADY_PROPOSED"] as const;

/** Something went otherwise than it must. */
export class NotAsExpected extends Error {
  constructor(expected: string) {
    super(`there should be ${expected}`);
    this.name = "NotAsExpected";
  }
}

export function must(is: boolean, expected: string): void {
  if (!is) throw new NotAsExpected(expected);
}

export function lineOf(error: Error | null): string {
  return error === null ? "" : `${error.name}: ${error.message}`;
}

/** The last line of the log that warns of something, or the last there is. */
export function told({ lines }: Rig): string {
  return (lines.findLast((line) => / (WARN|ERROR) /.test(line)) ?? lines.at(-1) ?? "").trim();
}

/** From 0 to 1, uniformly; the same for a try whenever it runs. */
export function share(index: number): number {
  const random = xoroshiro128plus(SEED);
  let value = uniformFloat64(random);
  for (let drawn = 0; drawn < index; drawn++) value = uniformFloat64(random);
  return value;
}

const SEED = 20_300_204;

const lengths = new WeakMap<Stage, Promise<number>>();

/** How long an undisturbed tick takes on this machine, in milliseconds: the second, when all is loaded. */
export function tickMs(stage: Stage): Promise<number> {
  const known = lengths.get(stage) ?? measure(stage);
  lengths.set(stage, known);
  return known;
}

async function measure(stage: Stage): Promise<number> {
  const rig = await Rig.open(stage);
  try {
    const keeper = await rig.keeper();
    const began = performance.now();
    await rig.tick(keeper);
    return performance.now() - began;
  } finally {
    await rig.close();
  }
}
