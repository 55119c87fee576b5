import { readFile } from "node:fs/promises";
import { ParametersError, parseParameters } from "../../deploy/parameters.ts";
import type { DeployParameters } from "../../deploy/parameters.ts";

/** Reads a network's parameters file. Throws ParametersError. */
export async function readParameters(path: string): Promise<DeployParameters> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new ParametersError(path, "cannot be read");
  });
  return parseParameters(text, path);
}
