// Takes the screenshots of the member's guide: `node scripts/bootstrap.mjs run scripts/appShots.ts [FOLDER]`. Shows the
// review page beside a devnet that has lived through its crash, a proposal waiting.

import { fileURLToPath } from "node:url";
import { join } from "node:path";
import type { BrowserContextOptions } from "playwright-core";
import { buildApp } from "../src/cli/app/build.ts";
import { SYNTHETIC_CRASH } from "../src/market/synthetic.ts";
import { actAs, reviewScene } from "../test/helpers/reviewPage.ts";

const folder = process.argv[2] ?? fileURLToPath(new URL("../docs/images/app", import.meta.url));
const WIDE: BrowserContextOptions = { viewport: { width: 1_280, height: 1_000 } };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };
const DARK: BrowserContextOptions = { ...WIDE, colorScheme: "dark" };

/** What is waited for before a view is complete. */
const DONE = {
  overview: "Together",
  proposal: "signatures needed",
  history: "its decision, block",
  regime: "independent falls",
} as const;
const SHOTS: [view: keyof typeof DONE, suffix: string, options: BrowserContextOptions, whole: boolean][] = [
  ["overview", "", WIDE, false],
  ["overview", "-dark", DARK, false],
  ["proposal", "", WIDE, false],
  ["proposal", "-phone", PHONE, false],
  ["history", "", WIDE, true],
  ["regime", "", WIDE, true],
];

await buildApp();
const scene = await reviewScene(SYNTHETIC_CRASH);
try {
  scene.served.schedule = [{ vault: scene.story.node.deployment.vault, nextSlot: await nextEvening() }];
  for (const [view, suffix, options, whole] of SHOTS) {
    const { page } = await scene.open(view, options);
    if (view === "overview") await actAs(page, scene.address("depositor"));
    if (view === "proposal") await page.getByRole("button", { name: "Review" }).first().click();
    await page.getByText(DONE[view]).first().waitFor();
    if (view === "overview") await page.getByRole("button", { name: "Review" }).first().waitFor();
    await page.screenshot({ path: join(folder, `${view}${suffix}.png`), fullPage: whole });
    await page.context().close();
  }
} finally {
  await scene.close();
}

/** Five past midnight, when the story's keeper proposes. */
async function nextEvening(): Promise<string> {
  const block = await scene.provider.getBlock("latest");
  const day = Math.floor((block?.timestamp ?? 0) / 86_400) + 1;
  return `${new Date(day * 86_400_000).toISOString().slice(0, 10)}T00:05Z`;
}
