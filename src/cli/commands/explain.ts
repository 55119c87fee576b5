import type { Command } from "commander";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";
import type { KeeperDoors } from "../keeperDoors.ts";
import type { KeeperRecords, TickRow } from "../../keeper/rows.ts";

export interface ExplainOptions {
  config?: string;
  vault?: string;
  packet?: string;
}

/** `ballast explain`: a decision in words. */
export function register(program: Command): void {
  program
    .command("explain")
    .description(
      "tell a decision's story: what was seen, why it held or acted, what came of it, what would have changed it",
    )
    .argument("[slot]", "2026-11-27, 2026-11-27T00:05Z or latest", "latest")
    .option("--config <file>", "the keeper's configuration")
    .option("--vault <name>", "the vault, where there are several")
    .option("--packet <file>", "explain a packet instead: no keeper is needed")
    .addHelpText(
      "after",
      "\nAll that can be is computed again from the evidence, and where the record says otherwise that is said.\n" +
        examples(
          "ballast explain --config keeper.yaml",
          "ballast explain 2026-11-27 --config keeper.yaml --vault main",
          "ballast explain --packet out/proposals/….packet.json",
        ),
    )
    .action(async (slot: string, options: ExplainOptions) => {
      const { KEEPER_DOORS } = await import("../keeperDoors.ts");
      await explainAction(slot, options, KEEPER_DOORS);
    });
}

/** There is no such tick. */
export class NoSuchTick extends Error {
  constructor(vault: string, slot: string, newest: string | null) {
    super(
      newest === null
        ? `the keeper has no tick of vault ${vault} yet: run it, or explain a packet with --packet`
        : `the keeper has no tick of vault ${vault} at ${slot}; its newest is ${newest}`,
    );
    this.name = "NoSuchTick";
  }
}

/** The keeper's state cannot be read here. */
export class NoRecords extends Error {
  constructor() {
    super("there is no keeper's state to read here: explain a packet with --packet");
    this.name = "NoRecords";
  }
}

/** The command, its reach given. Throws NoSuchTick, NoRecords, UsageError, ConfigError, PacketError and what the store throws. */
export async function explainAction(slot: string, options: ExplainOptions, doors: KeeperDoors): Promise<void> {
  const [{ explain, explainPacket }, { printable }] = await Promise.all([
    import("../../keeper/explain.ts"),
    import("../printable.ts"),
  ]);
  const tell = (story: string[], json: object): void =>
    print(printable(story.join("\n\n")), { ...json, story: story.map(printable) });
  if (options.packet !== undefined) {
    if (options.config !== undefined || slot !== "latest")
      throw new UsageError("--packet goes without --config and a slot; see --help");
    const { readPacket } = await import("../../safe/packetFile.ts");
    const packet = await readPacket(options.packet);
    tell(explainPacket(packet), { safeTxHash: packet.safeTxHash });
    return;
  }
  if (options.config === undefined) throw new UsageError("--config or --packet is missing; see --help");
  if (slot !== "latest" && !/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}Z)?$/.test(slot)) {
    throw new UsageError(`"${slot}" is no slot: give 2026-11-27, 2026-11-27T00:05Z or latest; see --help`);
  }
  const { readKeeperConfig } = await import("../keeperDoors.ts");
  const config = await readKeeperConfig(options.config);
  const vault = theVault(
    config.vaults.map(({ name }) => name),
    options.vault,
  );
  if (doors.openRecords === null) throw new NoRecords();
  const { records, close } = await doors.openRecords(config);
  try {
    const tick = await findTick(records, vault, slot);
    const proposal = tick.safeTxHash === null ? null : await records.proposal(tick.safeTxHash);
    const hash = tick.evidenceHash ?? proposal?.evidenceHash ?? null;
    const text = hash === null ? null : await records.evidence(hash);
    const story = explain(tick, proposal, text === null ? null : parsed(text));
    tell(story, { vault, slot: tick.slot, code: tick.code, safeTxHash: tick.safeTxHash, evidenceHash: hash });
  } finally {
    await close();
  }
}

function theVault(names: string[], wanted: string | undefined): string {
  const there = names.join(", ");
  if (wanted !== undefined) {
    if (!names.includes(wanted)) throw new UsageError(`--vault ${wanted}: one of ${there}; see --help`);
    return wanted;
  }
  const [only, ...others] = names;
  if (only === undefined || others.length > 0) throw new UsageError(`--vault is missing: one of ${there}; see --help`);
  return only;
}

/** The tick of a slot; of a day, its last one. */
async function findTick(records: KeeperRecords, vault: string, slot: string): Promise<TickRow> {
  const [newest] = await records.ticks({ vault, limit: 1 });
  if (newest === undefined) throw new NoSuchTick(vault, slot, null);
  if (slot === "latest") return newest;
  const found = slot.includes("T")
    ? await records.tick(vault, slot)
    : // Every slot of the day comes before this, and none of the next.
      (await records.ticks({ vault, limit: 1, before: `${slot}T24` }))[0];
  if (found?.slot.startsWith(slot) !== true) throw new NoSuchTick(vault, slot, newest.slot);
  return found;
}

/** Text that is no JSON is no evidence, and told to be so. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return "no JSON";
  }
}
