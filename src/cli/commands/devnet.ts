import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { addHistoryOptions, readHistory } from "../history.ts";
import type { HistoryOptions } from "../history.ts";
import { log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface DevnetOptions extends HistoryOptions {
  port: string;
  out: string;
  daySeconds?: string;
  guard?: true;
}

/** `ballast devnet`: the local chain as a JSON-RPC node. */
export function register(program: Command): void {
  const command = program
    .command("devnet")
    .description("serve the local chain, venues, Safe and vault, as a JSON-RPC node on 127.0.0.1, until stopped")
    .option("--port <number>", "port to listen on", "8545");
  addHistoryOptions(command)
    .option("--day-seconds <number>", "live through one day of the history every so many seconds; default: stand still")
    .option("--guard", "give the Safe its review guard, with windows of minutes")
    .option("--out <dir>", "folder for the deployment file, addresses and keys", join("out", "devnet"))
    .addHelpText(
      "after",
      "\nThe keys are Hardhat's public development keys: never send anything of value to them.\n" +
        examples(
          "ballast devnet",
          "ballast devnet --port 8546 --data ../shared/data --day-seconds 30",
          "ballast devnet --guard",
        ),
    )
    .action(devnet);
}

async function devnet(options: DevnetOptions): Promise<void> {
  const port = wholeNumber("port", options.port);
  const daySeconds = options.daySeconds === undefined ? null : wholeNumber("day-seconds", options.daySeconds);
  const history = await readHistory(options);
  log(`${history.label}, from ${history.from}`);
  const { serveDevnet } = await import("../../../deploy/devnet/serve.ts");
  const node = await serveDevnet({ history, port, guard: options.guard === true });

  await mkdir(options.out, { recursive: true });
  const deploymentFile = join(options.out, "deployment.json");
  const parametersFile = join(options.out, "parameters.json");
  const addressFile = join(options.out, "devnet.json");
  await writeFile(deploymentFile, `${JSON.stringify(node.deployment, null, 2)}\n`);
  await writeFile(parametersFile, `${JSON.stringify(node.parameters, null, 2)}\n`);
  const described = { url: node.url, deployment: deploymentFile, addresses: node.addresses, accounts: node.accounts };
  await writeFile(addressFile, `${JSON.stringify(described, null, 2)}\n`);
  for (const { name, privateKey } of node.accounts)
    await writeFile(join(options.out, `${name}.key`), `${privateKey}\n`);

  const known = Object.entries(node.addresses).filter(([, address]) => address !== undefined);
  const rows = known.map(([name, address]) => `  ${name.padEnd(18)} ${address}`);
  const keys = node.accounts.map(({ name, address, privateKey }) => `  ${name.padEnd(10)} ${address}  ${privateKey}`);
  const human = [
    `Listening on ${node.url} (chain ${node.deployment.chainId})`,
    "",
    "Contracts",
    ...rows,
    "",
    "Accounts: PUBLIC development keys, worthless, never send anything of value to them",
    ...keys,
    "",
    `Deployment file ${deploymentFile}, all of the above ${addressFile}, one key file an account beside them,`,
    `and what another vault can be deployed with, ${parametersFile}.`,
    "Try, in another terminal:",
    `  npx ballast keeper once --rpc ${node.url} --deployment ${deploymentFile}`,
    "Ctrl-C stops it.",
  ].join("\n");
  print(human, described);
  await Promise.race([node.live(daySeconds, log), toldToStop()]);
}

/** Ends with the first Ctrl-C or SIGTERM, which is how this command is meant to end. */
function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0) throw new UsageError(`--${name} ${text} is no positive whole number`);
  return value;
}
