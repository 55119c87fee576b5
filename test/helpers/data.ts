import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** The folder with market data, which is never part of the project. BALLAST_DATA names another one. */
export const DATA_DIR = resolve(process.env["BALLAST_DATA"] ?? "../shared/data");

/** True, and says so in the log, when there is no market data to test `what` with. */
export function dataMissing(what: string): boolean {
  if (existsSync(DATA_DIR)) return false;
  console.log(`      NOT RUN: ${what}: no data folder at ${DATA_DIR}`);
  return true;
}
