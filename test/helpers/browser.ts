import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import sparticuz from "@sparticuz/chromium";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";

/** No headless browser runs here, so the page cannot be tested: never a reason to skip. */
export class NoBrowser extends Error {
  constructor(cause: unknown) {
    super(
      `Chromium does not start on ${process.platform} ${process.arch} (${cause instanceof Error ? cause.message : String(cause)}): ` +
        "the package @sparticuz/chromium brings one for Linux x64; elsewhere name an installed one in BALLAST_CHROMIUM",
    );
    this.name = "NoBrowser";
  }
}

/** Starts the headless Chromium that npm brought, or the one BALLAST_CHROMIUM names. Throws NoBrowser. */
export async function startBrowser(): Promise<Browser> {
  try {
    const executablePath = process.env["BALLAST_CHROMIUM"] ?? (await sparticuz.executablePath());
    return await chromium.launch({
      executablePath,
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    });
  } catch (error) {
    throw new NoBrowser(error);
  }
}

/** An accessibility rule that a page breaks, and where. */
export interface AxeViolation {
  id: string;
  help: string;
  where: string[];
}

/** Runs axe on a page as it stands, by the rules of WCAG 2.2 AA and best practice. */
export async function axeViolations(page: Page): Promise<AxeViolation[]> {
  // Evaluated, not added as an element: the page's policy would not let it in, and should not.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
  const violations = await page.evaluate(`axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }).then(({ violations }) => violations.map(({ id, help, nodes }) =>
    ({ id, help, where: nodes.map(({ target, failureSummary }) => target.join(" ") + ": " + failureSummary) })))`);
  return violations as AxeViolation[];
}
