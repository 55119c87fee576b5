import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ObservationError, observationText, parseObservation } from "./observation.ts";
import type { Observation } from "./observation.ts";

/** A reporter must not sign two observations for one day: which of them counts would be the relayer's choice. */
export class SignedAlready extends Error {
  constructor(path: string, { answer, observedAt }: Observation) {
    super(
      `${path} holds another observation of that day (${answer} at ${new Date(observedAt * 1000).toISOString()}): ` +
        "of two the first relayed would count; publish that one, or move the file away if nobody has seen it",
    );
    this.name = "SignedAlready";
  }
}

/** Reads and checks an observation. Throws ObservationError. */
export async function readObservation(path: string): Promise<Observation> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new ObservationError(path, `cannot be read (${error instanceof Error ? error.message : String(error)})`);
  });
  return parseObservation(text, path);
}

/** Writes an observation, one a day, feed and reporter. Returns the path. Throws SignedAlready, ObservationError. */
export async function writeObservation(folder: string, observation: Observation): Promise<string> {
  const { observedAt, feed, reporter } = observation;
  const day = new Date(observedAt * 1000).toISOString().slice(0, 10);
  const path = join(folder, `${day}-${feed.slice(2, 10)}-${reporter.slice(2, 10)}.observation.json`);
  const text = observationText(observation);
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    const standing = await readObservation(path);
    if (standing.answer !== observation.answer || standing.observedAt !== observedAt) {
      throw new SignedAlready(path, standing);
    }
  }
  return path;
}
