#!/usr/bin/env node
// The `ballast` command in a checkout: brings in what is missing, then runs src/cli/main.ts under Node 24.
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { NODE, prepare, ROOT, runNode, SetupError } from "./setup.mjs";

const SELF = fileURLToPath(import.meta.url);

/** Answers the exit code. In this process when it is the pinned Node already, else in one child. */
export async function runBallast(args) {
  await prepare();
  if (realpathSync(process.execPath) !== realpathSync(NODE)) return runNode([SELF, ...args]);
  process.env.HARDHAT_CONFIG ??= join(ROOT, "hardhat.config.ts");
  process.env.HARDHAT_DISABLE_TELEMETRY ??= "true";
  const { register } = await import("tsx/esm/api");
  register();
  const { main } = await import(pathToFileURL(join(ROOT, "src/cli/main.ts")).href);
  return main(args);
}

if (realpathSync(process.argv[1]) === SELF) {
  try {
    process.exitCode = await runBallast(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
