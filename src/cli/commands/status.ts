import type { Command } from "commander";
import { answerNo, print } from "../output.ts";
import { examples } from "../program.ts";
import type { KeeperDoors } from "../keeperDoors.ts";
import type { KeeperConfig } from "../../keeper/config.ts";
import type { StatusJson } from "../../keeper/status.ts";

export interface StatusOptions {
  config: string;
}

/** `ballast status`: how a keeper stands, running or not. */
export function register(program: Command): void {
  program
    .command("status")
    .description("how a keeper stands: each vault's last and next tick, open proposals, alerts, database and RPCs")
    .requiredOption("--config <file>", "the keeper's configuration")
    .addHelpText(
      "after",
      "\nAn embedded database is one process's: while a keeper runs on it, that keeper is asked, at its /status." +
        "\nExit 1: somebody is needed. The last tick failed or was missed, one is late, a critical alert stands, or too few RPCs answer.\n" +
        examples("ballast status --config keeper.yaml", "ballast status --config keeper.yaml --json"),
    )
    .action(async (options: StatusOptions) => {
      const { KEEPER_DOORS } = await import("../keeperDoors.ts");
      await statusAction(options, KEEPER_DOORS);
    });
}

/** The command, its reach given. Throws KeeperSilent, ConfigError and what the store throws. */
export async function statusAction({ config: file }: StatusOptions, doors: KeeperDoors): Promise<void> {
  const [{ renderStatus }, { readKeeperConfig }, { printable }] = await Promise.all([
    import("../../keeper/status.ts"),
    import("../keeperDoors.ts"),
    import("../printable.ts"),
  ]);
  const config = await readKeeperConfig(file);
  const status = await read(config, doors);
  print(printable(renderStatus(status)), status);
  if (status.needs.length > 0) answerNo();
}

async function read(config: KeeperConfig, { openRecords, isInUse }: KeeperDoors): Promise<StatusJson> {
  if (openRecords === null) return fromKeeper(config);
  let opened;
  try {
    opened = await openRecords(config);
  } catch (error) {
    if (isInUse(error)) return fromKeeper(config);
    throw error;
  }
  try {
    const [{ statusOf }, { rpcHealth }] = await Promise.all([
      import("../../keeper/status.ts"),
      import("../../keeper/doctor/rpc.ts"),
    ]);
    const rim = { now: Date.now, fetch: (url: string, init: RequestInit) => fetch(url, init) };
    const rpc = await Promise.all(Object.entries(config.chains).map(([name, chain]) => rpcHealth(name, chain, rim)));
    return await statusOf(opened.records, {
      config,
      now: new Date(),
      database:
        (process.env["DATABASE_URL"] ?? "") === ""
          ? `embedded in ${config.database.folder}`
          : "the server of DATABASE_URL",
      rpc: rpc.flat(),
      signaturesOf: await counter(config),
    });
  } finally {
    await opened.close();
  }
}

/** Asks the keeper that runs on the database. */
async function fromKeeper({ http }: KeeperConfig): Promise<StatusJson> {
  const { KeeperSilent, parseStatus } = await import("../../keeper/status.ts");
  if (http === null) throw new KeeperSilent("it", "http is null in the configuration");
  // Where it listens on all addresses it can be asked on this machine's own.
  const host = ["0.0.0.0", "::"].includes(http.host) ? "127.0.0.1" : http.host;
  const where = `http://${host.includes(":") ? `[${host}]` : host}:${http.port}/status`;
  let text: string;
  try {
    const response = await fetch(where, { signal: AbortSignal.timeout(15_000) });
    text = await response.text();
    if (!response.ok) throw new KeeperSilent(where, `status ${response.status}`);
  } catch (error) {
    if (error instanceof KeeperSilent) throw error;
    throw new KeeperSilent(where, error instanceof Error ? error.message : String(error));
  }
  return parseStatus(text, where);
}

/** Counts a proposal's signatures where its vault's chain and service can be asked. */
async function counter(config: KeeperConfig) {
  const [{ signaturesSoFar }, { openRpc }, { SafeService }, { readPacket }] = await Promise.all([
    import("../../keeper/signaturesSoFar.ts"),
    import("../../keeper/openRpc.ts"),
    import("../../safe/service.ts"),
    import("../../safe/packetFile.ts"),
  ]);
  return async (proposal: Parameters<typeof signaturesSoFar>[0]) => {
    const vault = config.vaults.find(({ name }) => name === proposal.vault);
    const chain = vault === undefined ? undefined : config.chains[vault.chain];
    if (vault === undefined || chain === undefined) return null;
    for (const url of chain.rpc) {
      const provider = await openRpc(url, String(chain.chainId)).catch(() => null);
      if (provider === null) continue;
      const { service } = vault;
      const places = {
        provider,
        readPacket,
        service:
          vault.via !== "service" || service === undefined
            ? null
            : new SafeService({
                url: service.url,
                chainId: chain.chainId,
                ...(service.apiKey === undefined ? {} : { apiKey: service.apiKey }),
              }),
      };
      try {
        return await signaturesSoFar(proposal, places);
      } catch {
        continue;
      } finally {
        provider.destroy();
      }
    }
    return null;
  };
}
