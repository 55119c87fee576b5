import { CHAIN_FAULTS } from "./chainFaults.ts";
import { PROCESS_FAULTS } from "./processFaults.ts";
import { RPC_FAULTS } from "./rpcFaults.ts";
import type { Scenario } from "./scenario.ts";
import { TIME_FAULTS } from "./timeFaults.ts";

/** Every fault the keeper must survive, in the order of the table. */
export const SCENARIOS: readonly Scenario[] = [...RPC_FAULTS, ...CHAIN_FAULTS, ...TIME_FAULTS, ...PROCESS_FAULTS];
