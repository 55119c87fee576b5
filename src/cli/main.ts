import { CommanderError } from "commander";
import { EXIT, fail, setJson, UsageError } from "./output.ts";
import { buildProgram } from "./program.ts";

/**
 * Runs one `ballast` command and ends the process: 0 yes, 1 no or failed, 2 wrong usage. A command that serves (devnet,
 * keeper) must not return before it is told to stop.
 */
export async function main(args: string[]): Promise<never> {
  // `ballast … | head` closes our output early: nobody is left to tell.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.yes);
  });
  await run(args);
  // A chain in this process keeps handles open; the answer must be out before they are cut.
  await new Promise((resolve) => process.stdout.write("", resolve));
  process.exit();
}

/** Runs one command and sets process.exitCode; never rejects. */
export async function run(args: string[]): Promise<void> {
  // Until the arguments are parsed: a usage error must be JSON as well.
  setJson(args.includes("--json"));
  try {
    const program = await buildProgram();
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) fail(error);
    // --help and --version end with a CommanderError too, of exit code 0.
    else if (error.exitCode !== 0) fail(toUsageError(error));
  }
}

function toUsageError({ code, message }: CommanderError): UsageError {
  if (code === "commander.help") return new UsageError("a command is missing: see the list above");
  return new UsageError(`${message.replace(/^error: /, "")}; see --help`);
}
