import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { ModelFileError, parseModel } from "../regime/modelFile.ts";
import type { MarkovModel } from "../regime/modelFile.ts";

/** The models that ship, one a year. A later year's is added by putting its file here. */
export const MODELS_FOLDER = fileURLToPath(new URL("../regime/models/", import.meta.url));

/** Reads one model. Throws ModelFileError, ModelHashMismatchError. */
export async function readModel(file: string): Promise<MarkovModel> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const problem = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new ModelFileError(file, problem, "Make a model with `ballast regime fit --out`.");
  });
  return parseModel(text, file);
}

/** Reads every model that ships, ascending by year. Throws ModelFileError, ModelHashMismatchError. */
export async function readRegimeModels(folder = MODELS_FOLDER): Promise<MarkovModel[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(files.map((name) => readModel(`${folder}/${name}`)));
}
