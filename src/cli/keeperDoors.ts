import { readFile } from "node:fs/promises";
import type { KeeperConfig, KeyConfig } from "../keeper/config.ts";
import type { KeeperRecords } from "../keeper/rows.ts";

/** A keeper's records, opened for one command. */
export interface OpenRecords {
  records: KeeperRecords;
  close: () => Promise<void>;
}

/** What `doctor`, `status` and `explain` reach a keeper's state and keys through. */
export interface KeeperDoors {
  /** Opens the keeper's state; null where there is none to open. */
  openRecords: ((config: KeeperConfig) => Promise<OpenRecords>) | null;
  /** Whether openRecords was refused because a keeper runs on that folder. */
  isInUse: (error: unknown) => boolean;
  openSigner: (key: KeyConfig) => Promise<{ address: string }>;
}

export const KEEPER_DOORS: KeeperDoors = {
  openRecords,
  isInUse: (error) => error instanceof Error && error.name === "DatabaseInUse",
  async openSigner(key) {
    const { openSigner } = await import("../keeper/signers.ts");
    const signer = await openSigner(key, process.env);
    return { address: await signer.getAddress() };
  },
};

/** The keeper's own database, where DATABASE_URL or the configuration says. Throws what openDatabase throws. */
async function openRecords(config: KeeperConfig): Promise<OpenRecords> {
  const [{ databasePlace }, { openDatabase }, { Store }] = await Promise.all([
    import("../keeper/service.ts"),
    import("../keeper/store/database.ts"),
    import("../keeper/store/store.ts"),
  ]);
  const database = await openDatabase(databasePlace(config, process.env));
  try {
    return { records: await Store.open(database), close: () => database.close() };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The configuration in a file. Throws ConfigError. */
export async function readKeeperConfig(file: string): Promise<KeeperConfig> {
  const { ConfigError, parseConfig } = await import("../keeper/config.ts");
  const text = await readFile(file, "utf8").catch(() => {
    throw new ConfigError(file, "", "cannot be read");
  });
  return parseConfig(text, file, process.env);
}
