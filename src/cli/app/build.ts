import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const CONFIG = fileURLToPath(new URL("../../../app/vite.config.ts", import.meta.url));
/** Where `buildApp` leaves the page. */
export const APP_FOLDER = fileURLToPath(new URL("../../../out/app", import.meta.url));

/** A built page: its one hash, and what loading it costs. */
export interface BuiltApp {
  /** SHA-256 over the names and contents of all files, see {@link hashApp}. */
  hash: string;
  files: { name: string; bytes: number; gzipBytes: number }[];
  /** Of all that index.html loads: everything but the one-file page, and nothing is loaded later. */
  gzipBytes: number;
}

/** There is no built page in the folder. */
export class AppNotBuilt extends Error {
  constructor(folder: string) {
    super(`${folder} holds no built page: run "ballast app build" first`);
    this.name = "AppNotBuilt";
  }
}

/** What Vite wrote is not what the integrity step knows how to seal. */
export class PageNotSealed extends Error {
  constructor(detail: string) {
    super(`the built index.html cannot be sealed: ${detail}; see src/cli/app/build.ts`);
    this.name = "PageNotSealed";
  }
}

/** The whole page in one file, for opening from a folder. */
export const ONE_FILE = "ballast.html";

/**
 * Builds the review page into `out/app` and seals it twice: index.html, whose script and style sheet browsers hold to their
 * hashes, and ballast.html, one file for a folder or an attachment, where browsers load nothing that is held to a hash.
 */
export async function buildApp(): Promise<BuiltApp> {
  const { build } = await import("vite");
  await inProduction(() => build({ configFile: CONFIG, mode: "production", logLevel: "error" }));
  const page = join(APP_FOLDER, "index.html");
  const parts = await partsOf(await readFile(page, "utf8"), (name) => readFile(join(APP_FOLDER, name)));
  await writeFile(page, sealed(parts));
  await writeFile(join(APP_FOLDER, ONE_FILE), inOneFile(parts));
  return readApp(APP_FOLDER);
}

/** Vite builds for the environment it finds: the page's bytes must not depend on who builds it. */
async function inProduction(work: () => Promise<unknown>): Promise<void> {
  const found = process.env["NODE_ENV"];
  process.env["NODE_ENV"] = "production";
  try {
    await work();
  } finally {
    if (found === undefined) delete process.env["NODE_ENV"];
    else process.env["NODE_ENV"] = found;
  }
}

/** A page as Vite writes it, taken apart. */
export interface PageParts {
  html: string;
  /** The element that loads it, where from, and what is there. */
  script: PagePart;
  style: PagePart;
}

interface PagePart {
  element: string;
  name: string;
  content: Buffer;
}

/** Throws PageNotSealed for a page that loads anything but one script and one style sheet. */
export async function partsOf(html: string, read: (name: string) => Promise<Buffer>): Promise<PageParts> {
  const part = async (what: string, pattern: RegExp): Promise<PagePart> => {
    const [found, more] = [...html.matchAll(pattern)];
    if (found?.[1] === undefined || more !== undefined) throw new PageNotSealed(`it has not exactly one ${what}`);
    return { element: found[0], name: found[1], content: await read(found[1]) };
  };
  return {
    html,
    script: await part("script", /<script\b[^>]* src="([^"]+)"><\/script>/g),
    style: await part("style sheet", /<link rel="stylesheet"[^>]* href="([^"]+)">/g),
  };
}

/** The page with subresource integrity, its script a classic one. */
export function sealed({ html, script, style }: PageParts): string {
  return html
    .replace(script.element, () => `<script defer src="${script.name}" integrity="${hashOf(script.content)}"></script>`)
    .replace(style.element, () => `<link rel="stylesheet" href="${style.name}" integrity="${hashOf(style.content)}">`);
}

/** The page with script and style in it, which its policy allows by their hashes and nothing else. */
export function inOneFile({ html, script, style }: PageParts): string {
  // Inside an element these would end it, or begin a comment; in a string of a script they mean the same.
  const code = script.content.toString("utf8").replaceAll("</script", "<\\/script").replaceAll("<!--", "\\x3C!--");
  const css = style.content.toString("utf8");
  if (css.includes("</style")) throw new PageNotSealed("its style sheet would end its own element");
  return html
    .replace("script-src 'self'", () => `script-src '${hashOf(code)}'`)
    .replace("style-src 'self'", () => `style-src '${hashOf(css)}'`)
    .replace(script.element, "")
    .replace(style.element, () => `<style>${css}</style>`)
    .replace("</body>", () => `<script>${code}</script></body>`);
}

function hashOf(content: Buffer | string): string {
  return `sha384-${createHash("sha384").update(content).digest("base64")}`;
}

/** Reads a built page. Throws AppNotBuilt. */
export async function readApp(folder: string): Promise<BuiltApp> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .sort();
  if (!names.includes("index.html")) throw new AppNotBuilt(folder);
  const contents = await Promise.all(
    names.map(async (name) => ({ name, content: await readFile(join(folder, name)) })),
  );
  const files = contents.map(({ name, content }) => ({
    name,
    bytes: content.length,
    gzipBytes: gzipSync(content, { level: 9 }).length,
  }));
  return {
    hash: hashApp(contents),
    files,
    gzipBytes: files.filter(({ name }) => name !== ONE_FILE).reduce((sum, file) => sum + file.gzipBytes, 0),
  };
}

/**
 * SHA-256 of lines "<SHA-256 of the content>  <name>", ascending by name: `sha256sum` over the files, and again over what
 * it printed, gives the same.
 */
export function hashApp(files: readonly { name: string; content: Uint8Array }[]): string {
  const lines = [...files]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, content }) => `${createHash("sha256").update(content).digest("hex")}  ${name}\n`);
  return createHash("sha256").update(lines.join("")).digest("hex");
}
