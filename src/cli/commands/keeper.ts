import { join } from "node:path";
import type { Command } from "commander";
import { answerNo, log, print, UsageError } from "../output.ts";
import type { TickCode } from "../../keeper/tick.ts";
import { addKeyOption, readKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { examples } from "../program.ts";

const WAYS = ["file", "service", "approvals"] as const;
/** Codes that need somebody: exit 1. Everything else, proposals and calm days alike, is exit 0. */
const FAILURES: readonly TickCode[] = [
  "SIMULATION_FAILED",
  "FEEDS_UNUSABLE",
  "VENUE_UNREADABLE",
  "REGIME_UNKNOWN",
  "REGIME_DISAGREES",
];

interface OnceOptions extends KeyOptions {
  rpc: string;
  deployment: string;
  via: string;
  out: string;
  service?: string;
  serviceKey?: string;
  dryRun?: true;
}

/** `ballast keeper once`: one tick. */
export function register(program: Command): void {
  const keeper = program.command("keeper").description("watch the chain and propose rebalances");
  const once = keeper
    .command("once")
    .description("one tick: observe, decide, simulate as the Safe would run it, propose; or say why not")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain")
    .requiredOption("--deployment <file>", "the vault's deployment file")
    .option("--via <way>", `how the proposal goes out: ${WAYS.join(", ")}`, "file")
    .option("--out <dir>", "folder for packets", join("out", "proposals"))
    .option("--service <url>", "Safe transaction service, up to and including /api (with --via service)")
    .option("--service-key <key>", "API key of the service, where it wants one")
    .option("--dry-run", "work out and simulate, propose nothing, send nothing");
  addKeyOption(once)
    .addHelpText(
      "after",
      "\nWith a key the keeper also does what anyone may: takes in session closes, lifts the regime after a large move of" +
        "\nthe base asset, settles redemptions that cash can pay." +
        "\nWith --via service the key is the delegate's; with --via approvals an owner's key approves at once.\n" +
        examples(
          "ballast keeper once --rpc http://127.0.0.1:8545 --deployment out/devnet/deployment.json",
          "ballast keeper once --rpc $RPC --deployment vault.json --via service --service $URL --key-file keeper.json",
          "ballast keeper once --rpc $RPC --deployment vault.json --dry-run --json",
        ),
    )
    .action(onceAction);
}

async function onceAction(options: OnceOptions): Promise<void> {
  if (!(WAYS as readonly string[]).includes(options.via)) {
    throw new UsageError(`--via ${options.via}: one of ${WAYS.join(", ")}`);
  }
  if (options.via === "service" && (options.service === undefined || options.keyFile === undefined)) {
    throw new UsageError("--via service needs --service and --key-file");
  }
  const [{ tick }, outlets, { doChores }, { openRpc }, { readDeployment }, { SafeService }] = await Promise.all([
    import("../../keeper/tick.ts"),
    import("../../keeper/outlets.ts"),
    import("../../keeper/chores.ts"),
    import("../rpc.ts"),
    import("../deploymentFile.ts"),
    import("../../safe/service.ts"),
  ]);
  const deployment = await readDeployment(options.deployment);
  const provider = await openRpc(options.rpc, deployment.chainId);
  const signer = (await readKey(options))?.connect(provider) ?? null;

  if (signer !== null && options.dryRun !== true) {
    for (const chore of await doChores(provider, deployment, signer)) log(chore);
  }
  const outlet =
    options.via === "service" && signer !== null && options.service !== undefined
      ? outlets.serviceOutlet(
          new SafeService({
            url: options.service,
            chainId: deployment.chainId,
            ...(options.serviceKey === undefined ? {} : { apiKey: options.serviceKey }),
          }),
          signer,
          options.out,
        )
      : options.via === "approvals"
        ? outlets.approvalsOutlet(signer, options.out)
        : outlets.fileOutlet(options.out);
  const outcome = await tick({
    provider,
    deployment,
    outlet,
    dryRun: options.dryRun === true,
  });
  const human = [`${outcome.code} ${outcome.sentence}`, ...outcome.where.map((place) => `  ${place}`)].join("\n");
  print(human, {
    code: outcome.code,
    sentence: outcome.sentence,
    regime: outcome.regime,
    slot: outcome.slotStart === null ? null : new Date(outcome.slotStart * 1000).toISOString(),
    safeTxHash: outcome.packet?.safeTxHash ?? null,
    plan: outcome.packet?.plan ?? null,
    navBefore: outcome.before?.navMid ?? null,
    navAfter: outcome.after?.navMid ?? null,
    gasUsed: outcome.gasUsed,
    where: outcome.where,
  });
  if (FAILURES.includes(outcome.code)) answerNo();
}
