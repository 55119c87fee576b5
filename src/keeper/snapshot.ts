import { VaultLens__factory } from "../../typechain-types/index.js";
import type { IVaultLens } from "../../typechain-types/contracts/lens/VaultLens.js";

const lensInterface = VaultLens__factory.createInterface();

/** A lens snapshot from its ABI encoding. */
export function decodeSnapshot(data: string): IVaultLens.SnapshotStructOutput {
  return lensInterface.decodeFunctionResult("snapshot", data)[0] as IVaultLens.SnapshotStructOutput;
}
