import type { Command } from "commander";
import { answerNo, print } from "../output.ts";
import { examples } from "../program.ts";
import type { KeeperDoors } from "../keeperDoors.ts";

export interface DoctorOptions {
  config: string;
  vault?: string;
}

/** `ballast doctor`: all a keeper needs, before its first run. */
export function register(program: Command): void {
  program
    .command("doctor")
    .description("check all a keeper needs before its first run, and say how to mend what is wrong")
    .requiredOption("--config <file>", "the keeper's configuration")
    .option("--vault <name>", "only this vault and its chain")
    .addHelpText(
      "after",
      "\nNothing is sent to a chain. Exit 0: nothing failed, though there may be warnings, marked !!. Exit 1: what is marked NO.\n" +
        examples("ballast doctor --config keeper.yaml", "ballast doctor --config keeper.yaml --vault main --json"),
    )
    .action(async (options: DoctorOptions) => {
      const { KEEPER_DOORS } = await import("../keeperDoors.ts");
      await doctorAction(options, KEEPER_DOORS);
    });
}

/** The command, its reach given. */
export async function doctorAction({ config: file, vault }: DoctorOptions, doors: KeeperDoors): Promise<void> {
  const [{ examine, renderReport }, { compareBuild }, { readSource }, { statfs }, { printable }] = await Promise.all([
    import("../../keeper/doctor.ts"),
    import("../buildCode.ts"),
    import("../../keeper/feeds.ts"),
    import("node:fs/promises"),
    import("../printable.ts"),
  ]);
  const report = await examine(
    file,
    {
      now: Date.now,
      fetch: (url, init) => fetch(url, init),
      environment: process.env,
      openStore: doors.openRecords,
      isStoreInUse: doors.isInUse,
      openSigner: doors.openSigner,
      compareCode: compareBuild,
      readSecondary: readSource,
      freeBytes: async (folder) => {
        const { bavail, bsize } = await statfs(folder);
        return bavail * bsize;
      },
      nodeVersion: process.versions.node,
      platform: process.platform,
    },
    vault,
  );
  print(printable(renderReport(report)), report);
  if (!report.ok) answerNo();
}
