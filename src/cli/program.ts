import { readdir, readFile } from "node:fs/promises";
import { Command } from "commander";
import { setJson } from "./output.ts";

const COMMANDS = new URL("./commands/", import.meta.url);

/** What each file in commands/ exports: it adds its command, or its group of commands, to the program. */
export interface CommandModule {
  register(program: Command): void;
}

export class NotACommandModule extends Error {
  constructor(file: string) {
    super(`src/cli/commands/${file} exports no function "register": export one, or move the file out of commands/`);
    this.name = "NotACommandModule";
  }
}

/** The examples at the end of a command's --help: `command.addHelpText("after", examples("ballast demo --json"))`. */
export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}\n`).join("")}`;
}

/** The whole `ballast` command line: every file in commands/ adds its part, and every command gets --json. */
export async function buildProgram(): Promise<Command> {
  const manifest = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
    description: string;
  };
  const program = new Command("ballast")
    .description(manifest.description)
    .version(manifest.version)
    .addHelpText("after", "\nExit codes: 0 yes, 1 no or failed, 2 wrong usage. Answers on stdout, logs on stderr.")
    // Both are inherited by the commands added below: errors are thrown, and reported in one place, by main.ts.
    .exitOverride()
    .configureOutput({ outputError: () => undefined });

  for (const file of (await readdir(COMMANDS)).filter((name) => name.endsWith(".ts")).sort()) {
    const module = (await import(new URL(file, COMMANDS).href)) as Partial<CommandModule>;
    if (typeof module.register !== "function") throw new NotACommandModule(file);
    module.register(program);
  }
  for (const command of leavesOf(program)) {
    command.option("--json", "print JSON, and nothing else, on standard output");
  }
  return program.hook("preAction", (_program, command) => setJson(command.opts<{ json?: true }>().json === true));
}

/** The commands that do something, as opposed to groups of them. */
export function leavesOf(command: Command): Command[] {
  return command.commands.length === 0 && command.parent !== null ? [command] : command.commands.flatMap(leavesOf);
}
