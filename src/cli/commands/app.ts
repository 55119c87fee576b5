import type { Command } from "commander";
import { APP_FOLDER, buildApp, readApp } from "../app/build.ts";
import type { BuiltApp } from "../app/build.ts";
import { log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

interface ServeOptions {
  port: string;
  rpcPort: string;
}

/** `ballast app`: the review page, built, named by its hash, and served beside a devnet with a proposal in it. */
export function register(program: Command): void {
  const app = program.command("app").description("the review page: where members look before they sign");
  app
    .command("build")
    .description(
      "build the page into out/app: static files for any host, and ballast.html, all of it in one file to open from a folder",
    )
    .addHelpText("after", examples("ballast app build"))
    .action(async () => printBuilt(await buildApp()));
  app
    .command("hash")
    .description("print the one hash of a built page's files, to compare with the one your DAO has agreed on")
    .argument("[folder]", "folder of the page", APP_FOLDER)
    .addHelpText(
      "after",
      "\nThe same sources give the same hash. By other means: sha256sum of each file by its path in the folder, in order of\n" +
        "their paths, and sha256sum of what that printed.\n" +
        examples("ballast app hash", "ballast app hash /srv/www/ballast"),
    )
    .action(async (folder: string) => printBuilt(await readApp(folder)));
  app
    .command("serve")
    .description(
      "serve the page beside a devnet that has lived through a crash, with a proposal waiting, until stopped",
    )
    .option("--port <number>", "port of the page", "4173")
    .option("--rpc-port <number>", "port of the devnet", "8545")
    .addHelpText("after", examples("ballast app serve", "ballast app serve --port 8080"))
    .action(serve);
}

function printBuilt(built: BuiltApp): void {
  const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;
  const rows = built.files.map(
    ({ name, bytes, gzipBytes }) => `  ${name.padEnd(28)} ${kilobytes(bytes)}, ${kilobytes(gzipBytes)} gzipped`,
  );
  print([...rows, `  first load ${kilobytes(built.gzipBytes)} gzipped`, `sha256 ${built.hash}`].join("\n"), built);
}

async function serve(options: ServeOptions): Promise<void> {
  const [port, rpcPort] = [portOf("port", options.port), portOf("rpc-port", options.rpcPort)];
  const [{ serveFolder }, { startStory }] = await Promise.all([
    import("../app/server.ts"),
    import("../../../deploy/devnet/story.ts"),
  ]);
  log("Building the page…");
  await buildApp();
  log("Bringing up a devnet and living through its crash (half a minute)…");
  const story = await startStory({ port: rpcPort, report: log });
  const answers: Record<string, unknown> = {
    "/devnet/devnet.json": { url: story.node.url, deployment: story.node.deployment },
    "/devnet/proposals": story.packets,
  };
  const server = await serveFolder({ folder: APP_FOLDER, port, answers: (path) => answers[path] });
  const link = `${server.url}/#/settings`;
  print(
    [
      `The page: ${link}`,
      `The devnet: ${story.node.url} (chain ${story.node.deployment.chainId}), play money`,
      "",
      `1. Open the page, press "Use the devnet beside this page", then Proposal, Review.`,
      "2. Connect a wallet: Devnet account 2, an owner of the Safe. Confirm.",
      "3. Connect Devnet account 3. Confirm. Execute.",
      "Ctrl-C stops both.",
    ].join("\n"),
    { page: link, rpc: story.node.url, deployment: story.node.deployment },
  );
  await Promise.race([story.node.live(null, log), toldToStop()]);
  await server.close();
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
}

function portOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value <= 0 || value > 65_535) {
    throw new UsageError(`--${name} ${text} is no port: a whole number up to 65535`);
  }
  return value;
}
