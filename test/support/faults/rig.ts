import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { parseConfig } from "../../../src/keeper/config.ts";
import type { KeeperConfig } from "../../../src/keeper/config.ts";
import { createLog } from "../../../src/keeper/ops/log.ts";
import type { TickEnd } from "../../../src/keeper/pipeline.ts";
import { slotOf } from "../../../src/keeper/schedule.ts";
import { openKeeper, runSlot } from "../../../src/keeper/service.ts";
import type { Keeper } from "../../../src/keeper/service.ts";
import { parseDeployment } from "../../../src/plan/deployment.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { decodePlan } from "../../../src/plan/plan.ts";
import { SafeService } from "../../../src/safe/service.ts";
import type { ServiceTransaction } from "../../../src/safe/service.ts";
import type { VaultScene } from "../../helpers/vaultScene.ts";
import { startPostgres } from "../postgres.ts";
import type { PostgresServer } from "../postgres.ts";
import { startRpcProxy } from "../rpcProxy.ts";
import type { RpcProxy } from "../rpcProxy.ts";
import { startTransactionService } from "../transactionService/server.ts";
import type { TransactionService } from "../transactionService/server.ts";
import { startWeb3signer } from "../web3signer.ts";
import type { Web3signerStandIn } from "../web3signer.ts";

/** The vault's name in every configuration here. */
export const VAULT = "treasury";
const RPCS = 3;

/** What all tries share: a chain with a vault, three RPCs in front of it, a signer, a database server. */
export interface Stage {
  scene: VaultScene;
  rpcs: RpcProxy[];
  signer: Web3signerStandIn;
  postgres: PostgresServer;
  close(): Promise<void>;
}

export async function openStage(scene: VaultScene): Promise<Stage> {
  const { chain } = scene;
  const request = ({ method, params = [] }: { method: string; params?: unknown[] }): Promise<unknown> =>
    chain.request(method, params);
  const rpcs = await Promise.all(Array.from({ length: RPCS }, () => startRpcProxy({ request })));
  const signer = await startWeb3signer({ wallet: chain.wallet("keeper"), chainId: 31_337 });
  const postgres = await startPostgres();
  return {
    scene,
    rpcs,
    signer,
    postgres,
    async close() {
      await Promise.all(rpcs.map((rpc) => rpc.close()));
      await signer.close();
      await postgres.stop();
    },
  };
}

export interface RigOptions {
  /** How many of the RPCs are used, and how many must agree. */
  rpcs?: number;
  quorum?: number;
  /** Embedded database instead of Postgres. */
  embedded?: boolean;
  timeoutMs?: number;
  vault?: Record<string, unknown>;
  http?: Record<string, unknown>;
  chain?: Record<string, unknown>;
  /** Of the transaction service's part of the configuration. */
  service?: Record<string, unknown>;
}

/** What one try has for itself: database, service, folder. */
export class Rig {
  readonly stage: Stage;
  readonly service: TransactionService;
  readonly folder: string;
  readonly environment: Record<string, string | undefined>;
  readonly options: RigOptions;
  readonly lines: string[] = [];
  readonly #keepers: Keeper[] = [];
  /** Minutes ahead of the chain's clock: a try's later slots. */
  #slots = 0;
  /** Milliseconds that this machine's clock is off. */
  clockOffMs = 0;

  private constructor(
    stage: Stage,
    service: TransactionService,
    folder: string,
    environment: Rig["environment"],
    options: RigOptions,
  ) {
    this.stage = stage;
    this.service = service;
    this.folder = folder;
    this.environment = environment;
    this.options = options;
  }

  static async open(stage: Stage, options: RigOptions = {}): Promise<Rig> {
    const { scene } = stage;
    stage.rpcs.forEach((rpc) => rpc.fail(null));
    const folder = await mkdtemp(join(tmpdir(), "ballast-fault-"));
    const service = await startTransactionService({ provider: scene.chain.provider });
    const environment =
      options.embedded === true ? {} : { DATABASE_URL: await freshDatabase(stage.postgres.url, folder) };
    await writeFile(join(folder, "deployment.json"), JSON.stringify(scene.deployment));
    const rig = new Rig(stage, service, folder, environment, options);
    await rig.delegate();
    return rig;
  }

  /** Makes the keeper's key a delegate again. */
  async delegate(): Promise<void> {
    const { chain, safe } = this.stage.scene;
    await this.client().addDelegate(safe, chain.address("keeper"), chain.wallet("owner1"), "keeper");
  }

  client(): SafeService {
    return new SafeService({ url: this.service.url, chainId: 31_337 });
  }

  /** Milliseconds since 1970-01-01, by this machine's clock: the chain's, as far as it is not off. */
  async now(): Promise<number> {
    return (await this.stage.scene.chain.now()) * 1_000 + this.clockOffMs;
  }

  /** The configuration as an operator would write it. */
  config(): KeeperConfig {
    const { rpcs = 1, quorum = 1, timeoutMs = 2_000, vault = {}, chain = {}, service = {} } = this.options;
    const document = {
      database: { folder: join(this.folder, "database") },
      http: this.options.http ?? null,
      chains: {
        local: {
          chainId: 31_337,
          rpc: this.stage.rpcs.slice(0, rpcs).map(({ url }) => url),
          quorum,
          timeoutMs,
          // The local chain mines when something is sent.
          maxBlockAgeSeconds: 1_000_000,
          ...chain,
        },
      },
      keys: { keeper: { web3signer: this.stage.signer.url, address: this.stage.scene.chain.address("keeper") } },
      vaults: [
        {
          name: VAULT,
          chain: "local",
          deployment: join(this.folder, "deployment.json"),
          via: "service",
          service: { url: this.service.url, ...service },
          out: join(this.folder, "out"),
          key: "keeper",
          ...vault,
        },
      ],
    };
    return parseConfig(JSON.stringify(document), "keeper.yaml", this.environment);
  }

  /** Another keeper on this try's database, as another process would be; its clock may be ahead of this machine's. */
  async keeper(worker = `worker-${this.#keepers.length + 1}`, aheadMs = 0): Promise<Keeper> {
    let now = (await this.now()) + aheadMs;
    const keeper = await openKeeper({
      config: this.config(),
      environment: this.environment,
      worker,
      readDeployment: () => Promise.resolve(this.deployment()),
      log: createLog({ form: "text", write: (line) => void this.lines.push(line) }),
      version: "test",
      // Read anew before every tick; in between it stands.
      now: () => now,
    });
    this.#clocks.push((ms) => {
      now = ms + aheadMs;
    });
    this.#keepers.push(keeper);
    return keeper;
  }
  readonly #clocks: ((ms: number) => void)[] = [];

  deployment(): Deployment {
    return parseDeployment(JSON.stringify(this.stage.scene.deployment), "the scene's");
  }

  /** A later slot of the same day. */
  nextSlot(): void {
    this.#slots++;
  }

  async slot(): Promise<string> {
    return slotOf(new Date((await this.now()) + this.#slots * 60_000));
  }

  /** Keepers' clocks stand in between: they are set by it. Answers milliseconds since 1970-01-01. */
  async setClocks(): Promise<number> {
    const now = await this.now();
    for (const set of this.#clocks) set(now);
    return now;
  }

  /** One try at the present slot, as the queue makes it. */
  async tick(keeper: Keeper): Promise<Attempt> {
    const now = await this.setClocks();
    const slot = await this.slot();
    await keeper.store.due(VAULT, slot, new Date(now));
    try {
      const end = await runSlot(keeper, VAULT, slot, 60);
      if (end !== null) this.nextSlot();
      return { end, error: null };
    } catch (error) {
      await keeper.store.letGo(VAULT, slot, keeper.options.worker).catch(() => undefined);
      return { end: null, error: error as Error };
    }
  }

  /** Ticks until one ends with one of these codes; answers how many it took. Throws after `most`. */
  async until(keeper: Keeper, codes: readonly string[], most = 5): Promise<number> {
    const seen: string[] = [];
    for (let ticks = 1; ticks <= most; ticks++) {
      const { end, error } = await this.tick(keeper);
      if (end !== null && codes.includes(end.code)) return ticks;
      seen.push(end?.code ?? error?.message ?? "nothing");
    }
    throw new Error(`none of ${most} ticks ended with ${codes.join(" or ")}: ${seen.join("; ")}`);
  }

  /** Proposals at the service that can still be executed, for the slot (a day) of the chain's present time. */
  async alive(): Promise<ServiceTransaction[]> {
    const pending = await this.client().pending(this.stage.scene.safe);
    const today = Math.floor((await this.stage.scene.chain.now()) / 86_400) * 86_400;
    return pending.filter(({ safeTx }) => {
      try {
        return decodePlan(safeTx.data).validAfter === today;
      } catch {
        return false;
      }
    });
  }

  async close(): Promise<void> {
    this.stage.rpcs.forEach((rpc) => rpc.fail(null));
    for (const keeper of this.#keepers) await keeper.close().catch(() => undefined);
    await this.service.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export interface Attempt {
  /** Null when another worker had the slot, or something was thrown that the queue tries again. */
  end: TickEnd | null;
  error: Error | null;
}

let databases = 0;

async function freshDatabase(serverUrl: string, folder: string): Promise<string> {
  const name = `fault_${process.pid}_${++databases}_${folder
    .slice(-6)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "x")}`;
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
