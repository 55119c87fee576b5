import { writeFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { log, print } from "../output.ts";
import { addKeyOption, requireKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { examples } from "../program.ts";

interface DeployOptions extends KeyOptions {
  params: string;
  rpc: string;
  data: string;
  out: string;
}

/** `ballast deploy`: the contracts, on a real network. */
export function register(program: Command): void {
  const deploy = program
    .command("deploy")
    .description("deploy a vault to a network and hand it to its Safe; run again, it goes on where it stopped")
    .requiredOption("--params <file>", "the network's parameters; see deploy/networks/example.json")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain")
    .requiredOption("--data <dir>", "folder with vix.csv and vix3m.csv: the regime oracle's past 250 sessions")
    .option("--out <dir>", "folder for the deployment file and the journal", "deployments");
  addKeyOption(deploy)
    .addHelpText(
      "after",
      examples("ballast deploy --params optimism.json --rpc $RPC --data data --key-file deployer.json"),
    )
    .action(deployAction);
}

async function deployAction(options: DeployOptions): Promise<void> {
  const [
    { deployVault },
    { guardPackets },
    { fileJournal },
    { regimeSeed },
    { readParameters },
    { openRpc },
    { writePacket },
  ] = await Promise.all([
    import("../../../deploy/vault.ts"),
    import("../../../deploy/guardPackets.ts"),
    import("../../../deploy/journal.ts"),
    import("../../../deploy/regimeSeed.ts"),
    import("../parametersFile.ts"),
    import("../../keeper/openRpc.ts"),
    import("../../safe/packetFile.ts"),
  ]);
  const wallet = await requireKey(options);
  const parameters = await readParameters(options.params);
  const provider = await openRpc(options.rpc);
  const block = await provider.getBlock("latest");
  const seed = await regimeSeed(options.data, block?.timestamp ?? 0);
  const folder = join(options.out, parameters.network);
  const deployment = await deployVault(
    { signer: wallet.connect(provider), journal: fileJournal(join(folder, "journal.json")), report: log },
    parameters,
    seed,
  );
  const path = join(folder, "deployment.json");
  await mkdir(folder, { recursive: true });
  await writeFile(path, `${JSON.stringify(deployment, null, 2)}\n`);
  const packets: string[] = [];
  for (const { file, packet } of await guardPackets(provider, deployment)) {
    // A packet that holds this transaction keeps its signatures; one of an earlier nonce is of no use any more.
    await writePacket(join(folder, file), packet, { replace: true });
    packets.push(join(folder, file));
  }
  const guarded =
    packets.length === 0
      ? ""
      : `\nThe review guard holds once the Safe has signed and executed ${packets.join(", then ")}`;
  print(`Deployed vault ${deployment.vault}; addresses in ${path}${guarded}`, {
    ...deployment,
    file: path,
    ...(packets.length === 0 ? {} : { packets }),
  });
}
