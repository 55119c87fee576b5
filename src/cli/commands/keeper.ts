import { hostname } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { Log } from "../../keeper/ops/log.ts";
import type { Keeper } from "../../keeper/service.ts";
import { answerNo, log, print, UsageError } from "../output.ts";
import type { Pin } from "../../keeper/pin.ts";
import { addKeyOption, readKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { examples } from "../program.ts";

const WAYS = ["file", "service", "approvals"] as const;

interface OnceOptions extends KeyOptions {
  config?: string;
  vault?: string;
  rpc?: string;
  deployment?: string;
  via: string;
  out: string;
  service?: string;
  serviceKey?: string;
  pin?: string;
  dryRun?: true;
}

interface ConfigOptions {
  config: string;
  vault?: string;
}

interface RunOptions extends ConfigOptions {
  worker: string;
  concurrency: number;
}

const CONFIG = ["--config <file>", "the keeper's configuration (YAML): vaults, chains, keys, alerts"] as const;

/** `ballast keeper`: the service, and single ticks for cron. */
export function register(program: Command): void {
  const keeper = program.command("keeper").description("watch the chain and propose rebalances");

  keeper
    .command("run")
    .description("keep every vault's schedule until told to stop; several may share one Postgres (DATABASE_URL)")
    .requiredOption(...CONFIG)
    .option("--worker <name>", "names this process in the database and the log", `${hostname()}:${process.pid}`)
    .option("--concurrency <count>", "vaults that tick at the same time, at most", toCount, 4)
    .addHelpText(
      "after",
      "\nMay be killed at any instant: what was decided is in the database before it goes out, and goes out once.\n" +
        'SIGTERM and SIGINT end what is under way first. Check everything beforehand with "ballast doctor".\n' +
        examples(
          "ballast keeper run --config keeper.yaml",
          "DATABASE_URL=postgres://ballast@db/ballast ballast keeper run --config keeper.yaml --worker eu-1",
        ),
    )
    .action(runAction);

  const once = keeper
    .command("once")
    .description("one tick: observe, decide, simulate as the Safe would run it, propose; or say why not")
    .option(...CONFIG)
    .option("--vault <name>", "with --config: this vault only")
    .option("--rpc <url>", "without --config: JSON-RPC URL of the chain")
    .option("--deployment <file>", "without --config: the vault's deployment file")
    .option("--via <way>", `how the proposal goes out: ${WAYS.join(", ")}`, "file")
    .option("--out <dir>", "folder for packets", join("out", "proposals"))
    .option("--service <url>", "Safe transaction service, up to and including /api (with --via service)")
    .option("--service-key <key>", "API key of the service, where it wants one")
    .option(
      "--pin <url>",
      "also store the evidence there by PUT, as <its hash>.json (BALLAST_PIN_AUTHORIZATION is sent)",
    )
    .option("--dry-run", "work out and simulate, propose nothing, send nothing");
  addKeyOption(once)
    .addHelpText(
      "after",
      '\nWith --config it is a tick of "keeper run", for the present minute, with the same database: for cron.\n' +
        "With a key the keeper also does what anyone may: takes in session closes, lifts the regime after a large move of" +
        "\nthe base asset, settles redemptions that cash can pay." +
        "\nWith --via service the key is the delegate's; with --via approvals an owner's key approves at once.\n" +
        examples(
          "ballast keeper once --config keeper.yaml",
          "ballast keeper once --rpc http://127.0.0.1:8545 --deployment out/devnet/deployment.json",
          "ballast keeper once --rpc $RPC --deployment vault.json --via service --service $URL --key-file keeper.json",
          "ballast keeper once --rpc $RPC --deployment vault.json --dry-run --json",
        ),
    )
    .action(onceAction);

  keeper
    .command("plan")
    .description("a dry run of each vault's tick: decide and simulate; nothing is written, proposed or sent")
    .requiredOption(...CONFIG)
    .option("--vault <name>", "this vault only")
    .addHelpText(
      "after",
      examples("ballast keeper plan --config keeper.yaml", "ballast keeper plan --config k.yaml --json"),
    )
    .action(planAction);

  keeper
    .command("alert-test")
    .description("send a test message to every place alerts go to")
    .requiredOption(...CONFIG)
    .addHelpText("after", examples("ballast keeper alert-test --config keeper.yaml"))
    .action(alertTestAction);
}

function toCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 64) throw new UsageError(`--concurrency ${text}: 1 to 64`);
  return count;
}

async function runAction({ config, worker, concurrency }: RunOptions): Promise<void> {
  const { serveKeeper } = await import("../../keeper/serve.ts");
  const keeper = await open(config, worker);
  const stop = new AbortController();
  // Not once: a service manager signals the whole group, and what we forward comes on top; none of it may cut the ending short.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());
  try {
    await serveKeeper(keeper, { concurrency, signal: stop.signal });
  } finally {
    await keeper.close();
  }
  print("stopped", { stopped: true });
}

async function planAction({ config, vault }: ConfigOptions): Promise<void> {
  const [{ dryRuns }, { FAILURES }] = await Promise.all([
    import("../../keeper/service.ts"),
    import("../../keeper/tick.ts"),
  ]);
  const options = await keeperOptions(config, "plan");
  requireVault(options.config.vaults, vault, config);
  const outcomes = await dryRuns(options, vault);
  print(
    outcomes.map(([name, { code, sentence }]) => `${name}: ${code} ${sentence}`).join("\n"),
    outcomes.map(([name, outcome]) => ({
      vault: name,
      code: outcome.code,
      sentence: outcome.sentence,
      regime: outcome.regime,
      plan: outcome.packet?.plan ?? null,
      navBefore: outcome.before?.navMid ?? null,
      navAfter: outcome.after?.navMid ?? null,
      gasUsed: outcome.gasUsed,
    })),
  );
  if (outcomes.some(([, { code }]) => FAILURES.includes(code))) answerNo();
}

async function alertTestAction({ config }: ConfigOptions): Promise<void> {
  const [{ createSinks, sendTest }, { readKeeperConfig }] = await Promise.all([
    import("../../keeper/ops/sinks.ts"),
    import("../keeperDoors.ts"),
  ]);
  const results = await sendTest(createSinks((await readKeeperConfig(config)).alerts.sinks), new Date());
  print(
    results.length === 0
      ? `no place for alerts is configured: add some under alerts.sinks of ${config}`
      : results.map(({ sink, ok, detail }) => `${ok ? "ok " : "NO "} ${sink}: ${detail}`).join("\n"),
    results,
  );
  if (results.length === 0 || results.some(({ ok }) => !ok)) answerNo();
}

async function onceAction(options: OnceOptions): Promise<void> {
  if (options.config !== undefined) return onceByConfig(options.config, options);
  if (options.rpc === undefined || options.deployment === undefined) {
    throw new UsageError("give --config, or --rpc and --deployment; see --help");
  }
  return onceByOptions({ ...options, rpc: options.rpc, deployment: options.deployment });
}

async function onceByConfig(config: string, { vault, dryRun }: OnceOptions): Promise<void> {
  if (dryRun === true) return planAction({ config, ...(vault === undefined ? {} : { vault }) });
  const { runOnce } = await import("../../keeper/service.ts");
  const keeper = await open(config, `${hostname()}:${process.pid}`);
  try {
    requireVault(keeper.options.config.vaults, vault, config);
    const ends = [...(await runOnce(keeper, vault))];
    print(
      ends
        .map(([name, end]) =>
          end === null
            ? `${name}: this minute is done, or another worker has it`
            : `${name}: ${end.code} ${end.sentence}`,
        )
        .join("\n"),
      ends.map(([name, end]) => ({ vault: name, ...end })),
    );
    if (ends.some(([, end]) => end?.failed === true)) answerNo();
  } finally {
    await keeper.close();
  }
}

function requireVault(vaults: readonly { name: string }[], wanted: string | undefined, config: string): void {
  if (wanted === undefined || vaults.some(({ name }) => name === wanted)) return;
  throw new UsageError(`--vault ${wanted}: ${config} has ${vaults.map(({ name }) => name).join(", ")}`);
}

async function keeperOptions(file: string, worker: string) {
  const [{ readKeeperConfig }, { createLog, logForm }, { readDeployment }, { version }] = await Promise.all([
    import("../keeperDoors.ts"),
    import("../../keeper/ops/log.ts"),
    import("../deploymentFile.ts"),
    import("../version.ts"),
  ]);
  const logger: Log = createLog({ form: logForm(process.env, process.stderr.isTTY) });
  return {
    config: await readKeeperConfig(file),
    environment: process.env,
    worker,
    readDeployment,
    log: logger.with({ worker }),
    version: await version(),
  };
}

async function open(file: string, worker: string): Promise<Keeper> {
  const { openKeeper } = await import("../../keeper/service.ts");
  return openKeeper(await keeperOptions(file, worker));
}

async function onceByOptions(options: OnceOptions & { rpc: string; deployment: string }): Promise<void> {
  if (!(WAYS as readonly string[]).includes(options.via)) {
    throw new UsageError(`--via ${options.via}: one of ${WAYS.join(", ")}`);
  }
  if (options.via === "service" && (options.service === undefined || options.keyFile === undefined)) {
    throw new UsageError("--via service needs --service and --key-file");
  }
  const [{ tick, FAILURES }, outlets, { doChores }, { openRpc }, { readDeployment }, { SafeService }] =
    await Promise.all([
      import("../../keeper/tick.ts"),
      import("../../keeper/outlets.ts"),
      import("../../keeper/chores.ts"),
      import("../../keeper/openRpc.ts"),
      import("../deploymentFile.ts"),
      import("../../safe/service.ts"),
    ]);
  const deployment = await readDeployment(options.deployment);
  const provider = await openRpc(options.rpc, deployment.chainId);
  const signer = (await readKey(options))?.connect(provider) ?? null;

  if (signer !== null && options.dryRun !== true) {
    const { done, failed } = await doChores(provider, deployment, signer);
    for (const line of [...done, ...failed]) log(line);
  }
  const pin = options.pin === undefined ? null : await pinAt(options.pin);
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
          pin,
        )
      : options.via === "approvals"
        ? outlets.approvalsOutlet(signer, options.out, pin)
        : outlets.fileOutlet(options.out, pin);
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

async function pinAt(base: string): Promise<Pin> {
  if (!/^https?:\/\//.test(base)) throw new UsageError(`--pin ${base}: an http or https address`);
  const { httpPin } = await import("../../keeper/pin.ts");
  const authorization = process.env["BALLAST_PIN_AUTHORIZATION"];
  return httpPin({ base, ...(authorization === undefined ? {} : { authorization }) });
}
