import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DATA_FILE_NAMES } from "./catalogue.ts";
import { DataFileError } from "./csv.ts";
import { buildDataset } from "./dataset.ts";
import type { DataFiles } from "./dataset.ts";
import type { Dataset } from "./series.ts";

/** Reads one file of a data folder. Throws DataFileError when it is not there. */
export async function readDataFile(dir: string, name: string): Promise<string> {
  try {
    return await readFile(join(dir, name), "utf8");
  } catch (error) {
    const problem = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new DataFileError(join(dir, name), null, null, problem, "Fill the data folder first, or name another one.");
  }
}

/** The texts of the files of a data folder that have a name we know. Throws DataFileError when there is not one. */
export async function readFolder(dir: string): Promise<DataFiles> {
  const present = new Set(await readdir(dir).catch(() => []));
  const names = DATA_FILE_NAMES.filter((name) => present.has(name));
  if (names.length === 0) {
    const mend = "Fill it with `ballast pull`, or name another folder.";
    throw new DataFileError(dir, null, null, "the folder has none of the data files", mend);
  }
  const files: Record<string, string> = {};
  for (const name of names) files[name] = await readDataFile(dir, name);
  return files;
}

/** Reads every series of a data folder. Throws DataFileError. */
export async function readDataset(dir: string): Promise<Dataset> {
  return buildDataset(await readFolder(dir));
}
