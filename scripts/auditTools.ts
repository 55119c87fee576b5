// What the audit scripts share: the compiler's input, tools that are not from npm, and NOT RUN.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import process from "node:process";

/** Everything these scripts leave behind: nothing of it is committed. */
export const CACHE = "cache/audit";

/** A tool cannot be had here: said, and never taken for a pass. */
export function notRun(what: string, why: string): never {
  process.stdout.write(`${what}: NOT RUN: ${why.trim()}\n`);
  process.exit(1);
}

/** Solidity files under a folder, in order, as paths from the checkout's root. */
export function solidityFiles(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sol"));
  return names.sort().map((name) => posix.join(folder, name));
}

/** The files and all they import, by the compiler's names for them. */
export function sourcesOf(files: string[]): Map<string, string> {
  const sources = new Map<string, string>();
  const add = (name: string): void => {
    if (sources.has(name)) return;
    const text = readFileSync(existsSync(name) ? name : join("node_modules", name), "utf8");
    sources.set(name, text);
    for (const [, imported] of text.matchAll(/^\s*import\s[^;]*?"([^"]+)"/gm)) {
      add(imported!.startsWith(".") ? posix.join(dirname(name), imported!) : imported!);
    }
  };
  files.forEach(add);
  return sources;
}

/** Installs a Python tool at one version into a folder of its own, once; answers its path, or ends with NOT RUN. */
export function pythonTool(what: string, name: string, version: string): string {
  const venv = join(CACHE, `${name}-${version}`);
  const tool = join(venv, "bin", name.replace(/-analyzer$/, ""));
  if (existsSync(tool)) return tool;
  mkdirSync(CACHE, { recursive: true });
  for (const [command, ...args] of [
    ["python3", "-m", "venv", venv],
    [join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", `${name}==${version}`],
  ] as [string, ...string[]][]) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
    if (status === 0) continue;
    rmSync(venv, { recursive: true, force: true });
    notRun(what, `${[command, ...args].join(" ")} failed: ${error?.message ?? stderr}`);
  }
  return tool;
}

/** Writes a file with the folders it needs. */
export function put(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode });
}
