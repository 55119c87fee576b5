import { Contract, JsonRpcProvider, Network } from "ethers";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { LOCAL_CHAIN_ID } from "../../deploy/devnet/chain.ts";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { startStory } from "../../deploy/devnet/story.ts";
import type { Story } from "../../deploy/devnet/story.ts";
import { APP_FOLDER } from "../../src/cli/app/build.ts";
import { serveFolder } from "../../src/cli/app/server.ts";
import type { AppServer } from "../../src/cli/app/server.ts";
import { freePort } from "./ballast.ts";
import { startBrowser } from "./browser.ts";

/** The built page, served beside a devnet with a proposal, in a real browser. */
export interface ReviewScene {
  story: Story;
  server: AppServer;
  browser: Browser;
  provider: JsonRpcProvider;
  /** What the keeper serves now; a test may put others there. */
  served: { proposals: unknown; schedule: unknown };
  /** A page with the devnet's settings saved, at a view; errors of its console are collected. */
  open(view: string, options?: BrowserContextOptions): Promise<OpenPage>;
  address(name: AccountName): string;
  /** Gives an account play money. */
  fund(name: AccountName, usdc: bigint): Promise<void>;
  reset(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenPage {
  page: Page;
  /** What the browser complained about: broken policy, failed scripts. */
  complaints: string[];
}

/**
 * The devnet's story, by default its first day: the keeper's first proposal is announced, and its window is over.
 * @param until last day to live through, YYYY-MM-DD
 */
export async function reviewScene(until = "2030-02-25"): Promise<ReviewScene> {
  const story = await startStory({ port: await freePort(), until });
  const { node, packets } = story;
  const { chain } = node.market.world;
  const served = { proposals: packets as unknown, schedule: undefined as unknown };
  const server = await serveFolder({
    folder: APP_FOLDER,
    port: 0,
    answers: (path) =>
      path === "/devnet/devnet.json"
        ? { url: node.url, deployment: node.deployment }
        : path === "/devnet/proposals"
          ? served.proposals
          : path === "/devnet/schedule"
            ? served.schedule
            : undefined,
  });
  const browser = await startBrowser();
  const network = Network.from(LOCAL_CHAIN_ID);
  const provider = new JsonRpcProvider(node.url, network, { staticNetwork: network, cacheTimeout: -1 });
  let kept = await chain.request<string>("evm_snapshot");
  const settings = {
    rpc: node.url,
    deployment: JSON.stringify(node.deployment),
    service: "",
    keeper: `${server.url}/devnet`,
    explorer: "",
  };
  return {
    ...{ story, server, browser, provider, served },
    async open(view, options = {}) {
      const context = await browser.newContext(options);
      await context.addInitScript(
        `if (location.protocol === "http:" && localStorage.getItem("ballast.settings") === null) localStorage.setItem("ballast.settings", ${JSON.stringify(JSON.stringify(settings))})`,
      );
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error") complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      await page.goto(`${server.url}/#/${view}`);
      return { page, complaints };
    },
    address: (name) => chain.address(name),
    async fund(name, usdc) {
      const asset = new Contract(node.addresses["usdc"]!, ["function mint(address to, uint256 amount)"], provider);
      await chain.send(
        name,
        await asset.getFunction("mint").populateTransaction(chain.address(name), usdc * 10n ** 6n),
      );
    },
    async reset() {
      Object.assign(served, { proposals: packets, schedule: undefined });
      await chain.request("evm_revert", [kept]);
      kept = await chain.request<string>("evm_snapshot");
    },
    async close() {
      await browser.close();
      await server.close();
      provider.destroy();
      await node.stop();
    },
  };
}

/** Connects one of the devnet's accounts in a page. */
export async function actAs(page: Page, address: string): Promise<void> {
  const menu = page.locator(".wallet > button");
  await menu.click();
  const leave = page.getByRole("button", { name: "Disconnect" });
  if (await leave.isVisible()) {
    await leave.click();
    await menu.click();
  }
  await page.locator(`.wallet-menu [data-account="${address}"]`).click();
  await page.locator(".wallet > button", { hasText: address.slice(-4) }).waitFor();
}
