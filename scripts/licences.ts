// Writes docs/licences.md from the lock file: `npm run licences`; with --check only says whether it is up to date.
import { readFileSync, writeFileSync } from "node:fs";

interface LockedPackage {
  /** The package really installed, when an override put it under another's name. */
  name?: string;
  version: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
}

interface Row {
  name: string;
  version: string;
  licence: string;
  dev: boolean;
}

const ROOT = new URL("../", import.meta.url);
const DOCUMENT = new URL("docs/licences.md", ROOT);

// Contracts of others, of which only the compiled bytecode is read, to bring the venues up on the local chain.
const VENUES = /^@(perp|uniswap|safe-global\/safe-(contracts|smart-account|singleton-factory))/;
const COPYLEFT = /GPL|BUSL/;

class NoLicence extends Error {
  constructor(name: string) {
    super(
      `${name} names no licence, neither in package-lock.json nor in its package.json: drop it, or ask its authors`,
    );
    this.name = "NoLicence";
  }
}

function rowOf([path, locked]: [string, LockedPackage]): Row {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const licence = locked.license ?? licenceOfInstalled(path, name);
  const shown = locked.name === undefined ? name : `${name} (that is, ${locked.name})`;
  return { name: shown, version: locked.version, licence, dev: locked.dev === true };
}

/** Old packages list `licenses` as objects, which the lock file leaves out. */
function licenceOfInstalled(path: string, name: string): string {
  const manifest = JSON.parse(readFileSync(new URL(`${path}/package.json`, ROOT), "utf8")) as {
    licenses?: { type: string }[];
  };
  const types = manifest.licenses?.map(({ type }) => type) ?? [];
  if (types.length === 0) throw new NoLicence(name);
  return types.join(" OR ");
}

function table(rows: Row[]): string {
  const lines = rows.map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`);
  return ["| Package | Version | Licence |", "| --- | --- | --- |", ...new Set(lines)].join("\n");
}

/** The names, each once, of those under a licence that binds what is combined with them. */
function copyleft(rows: Row[]): string {
  const names = rows.filter(({ licence }) => COPYLEFT.test(licence)).map(({ name }) => name);
  return [...new Set(names)].join(", ") || "none";
}

function document(rows: Row[]): string {
  const venues = rows.filter(({ name }) => VENUES.test(name));
  const others = rows.filter(({ name }) => !VENUES.test(name));
  const paragraphs = [
    "# Licences of what Ballast depends on",
    "Written by `npm run licences` from package-lock.json. Ballast itself is MIT.",
    "## Used when Ballast runs",
    table(others.filter(({ dev }) => !dev)),
    "## Venues and Safe, on the local chain only",
    "Development dependencies. Tests, the demo and `npm run devnet` deploy the bytecode these packages hold; nothing of " +
      "them is copied, linked, compiled into Ballast or published with it. `@uniswap/v3-core` still names the Business " +
      "Source License in its package.json; its change date has passed, and it is now GPL-2.0-or-later.",
    `Under the GPL, LGPL or BUSL: ${copyleft(venues)}.`,
    table(venues),
    "## Used to build, check and test",
    `Under the GPL, LGPL or BUSL: ${copyleft(others)}.`,
    table(others.filter(({ dev }) => dev)),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

const lock = JSON.parse(readFileSync(new URL("package-lock.json", ROOT), "utf8")) as {
  packages: Record<string, LockedPackage>;
};
const rows = Object.entries(lock.packages)
  .filter(([path]) => path !== "")
  .map(rowOf)
  .sort((a, b) => (a.name < b.name ? -1 : 1));
const text = document(rows);
if (!process.argv.includes("--check")) {
  writeFileSync(DOCUMENT, text);
} else if (readFileSync(DOCUMENT, "utf8") !== text) {
  console.error("docs/licences.md is not what package-lock.json says: run `npm run licences` and commit it.");
  process.exitCode = 1;
}
