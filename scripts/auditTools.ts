// What the audit scripts share: the compiler's input, tools that are not from npm, and NOT RUN.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, resolve } from "node:path";
import process from "node:process";

/** Everything these scripts leave behind: nothing of it is committed. */
export const CACHE = "cache/audit";

/**
 * The compiler without its optimizer, as coverage and mutation want it, for speed and for lines that stay where they are.
 * Some structs' ABI coding then runs out of stack; these two steps are enough, and move no source.
 */
export const STACK_ONLY = {
  enabled: false,
  details: { orderLiterals: true, yul: true, yulDetails: { stackAllocation: true, optimizerSteps: "u" } },
};

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

/** The files and all they import, by the compiler's names for them; what a file that `ends` imports is left out. */
export function sourcesOf(files: string[], ends: (name: string) => boolean = () => false): Map<string, string> {
  const sources = new Map<string, string>();
  const add = (name: string): void => {
    if (sources.has(name)) return;
    const text = readFileSync(existsSync(name) ? name : join("node_modules", name), "utf8");
    sources.set(name, text);
    if (ends(name)) return;
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

/** Installs a program published on npm at one version, apart from the project's dependencies; answers its path. */
export function npmTool(what: string, name: string, version: string, program: string): string {
  const folder = join(CACHE, `${name.replace(/\W+/g, "-")}-${version}`);
  const tool = join(folder, "node_modules", ".bin", program);
  if (existsSync(tool)) return tool;
  put(join(folder, "package.json"), "{}");
  const args = ["install", "--prefix", folder, "--no-audit", "--no-fund", "--no-save", `${name}@${version}`];
  const { status, stderr } = spawnSync("npm", args, { encoding: "utf8" });
  if (status !== 0 || !existsSync(tool)) {
    rmSync(folder, { recursive: true, force: true });
    notRun(what, `npm ${args.join(" ")} failed: ${stderr}`);
  }
  return tool;
}

/**
 * The npm compiler, dressed as the program `solc` that other tools start; answers its path. `optimizer`, when given, is put
 * in the place of the settings those tools ask for.
 */
export function solcProgram(folder: string, optimizer?: object): string {
  const require = createRequire(import.meta.url);
  const { version } = require("solc/package.json") as { version: string };
  put(
    join(folder, "solc.cjs"),
    `const solc = require(${JSON.stringify(require.resolve("solc"))});\nlet input = "";\n` +
      `const optimizer = ${JSON.stringify(optimizer)};\n` +
      `const settled = (json) => ({ ...json, settings: { ...json.settings, ...(optimizer && { optimizer }) } });\n` +
      `process.stdin.on("data", (chunk) => (input += chunk));\n` +
      `process.stdin.on("end", () => process.stdout.write(solc.compile(JSON.stringify(settled(JSON.parse(input))))));\n`,
  );
  put(
    join(folder, "solc"),
    // Foundry reads a commit's eight digits; the real ones do not matter to it.
    `#!/bin/sh\ncase "$*" in *--version*) echo "Version: ${version}+commit.00000000.Emscripten.clang"; exit;; esac\n` +
      `exec ${JSON.stringify(process.execPath)} ${JSON.stringify(join(folder, "solc.cjs"))}\n`,
    0o755,
  );
  return join(folder, "solc");
}

const FORGE_VERSION = "1.7.1";

/** Foundry's forge; answers its path. */
export function forgeTool(what: string): string {
  return resolve(npmTool(what, "@foundry-rs/forge", FORGE_VERSION, "forge"));
}

/**
 * A forge project apart from the checkout: copies of the Solidity files under `folders`, our compiler, and `settings`, lines
 * of foundry.toml; answers its folder.
 */
export function forgeProject(name: string, folders: string[], settings: string[], optimizer?: object): string {
  const project = resolve(CACHE, name);
  rmSync(project, { recursive: true, force: true });
  for (const file of folders.flatMap(solidityFiles)) put(join(project, file), readFileSync(file, "utf8"));
  symlinkSync(resolve("node_modules"), join(project, "node_modules"));
  const toml = [
    "[profile.default]",
    'src = "contracts"',
    'libs = ["node_modules"]',
    `solc = ${JSON.stringify(solcProgram(project, optimizer))}`,
    'evm_version = "cancun"',
    "offline = true",
    ...settings,
  ];
  put(join(project, "foundry.toml"), toml.join("\n"));
  return project;
}
