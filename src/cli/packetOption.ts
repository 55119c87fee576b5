import type { Command } from "commander";
import { UsageError } from "./output.ts";

export interface PacketOptions {
  packet?: string;
}

/** Adds the packet as an argument, as `verify` and `execute` take it, or as an option. */
export function addPacket(command: Command): Command {
  return command.argument("[packet]", "packet file").option("--packet <file>", "the same, as an option");
}

/** The packet's path, given one way. Throws UsageError. */
export function packetPath(argument: string | undefined, { packet }: PacketOptions): string {
  if (argument !== undefined && packet !== undefined) throw new UsageError("the packet is given twice; see --help");
  const path = argument ?? packet;
  if (path === undefined) throw new UsageError("the packet file is missing; see --help");
  return path;
}
