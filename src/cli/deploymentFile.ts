import { readFile } from "node:fs/promises";
import { DeploymentError, parseDeployment } from "../plan/deployment.ts";
import type { Deployment } from "../plan/deployment.ts";

/** Reads a deployment file. Throws DeploymentError. */
export async function readDeployment(path: string): Promise<Deployment> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new DeploymentError(path, "cannot be read");
  });
  return parseDeployment(text, path);
}
