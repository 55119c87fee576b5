import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DataFileError } from "./csv.ts";

/** Reads one file of a data folder. Throws DataFileError when it is not there. */
export async function readDataFile(dir: string, name: string): Promise<string> {
  try {
    return await readFile(join(dir, name), "utf8");
  } catch (error) {
    const problem = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new DataFileError(join(dir, name), null, null, problem, "Fill the data folder first, or name another one.");
  }
}
