import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { getAddress, Interface, parseUnits, toBeHex } from "ethers";
import type { Page } from "playwright-core";
import { proposeIn } from "../../deploy/devnet/story.ts";
import { APP_FOLDER, buildApp, ONE_FILE } from "../../src/cli/app/build.ts";
import type { BuiltApp } from "../../src/cli/app/build.ts";
import { bookNav } from "../../src/hedge/scenarios.ts";
import { originText } from "../../src/keeper/origin.ts";
import { reviewGuardOf } from "../../src/keeper/review.ts";
import { verify } from "../../src/keeper/verify.ts";
import { evidenceHash, parseEvidence } from "../../src/plan/evidence.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { pairOf } from "../../src/plan/state.ts";
import { createPacket, packetText, parsePacket } from "../../src/safe/packet.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { domainHash, messageHash } from "../../src/safe/transaction.ts";
import { SafeService } from "../../src/safe/service.ts";
import { signPacket } from "../../src/safe/sign.ts";
import { SIGNALS } from "../../src/signals/catalogue.ts";
import { HedgeVault__factory, Rebalancer__factory, ReviewGuard__factory } from "../../typechain-types/index.js";
import { foresee } from "../../app/src/chain/foresight.ts";
import { readHistory } from "../../app/src/chain/history.ts";
import { FIGURES, liftOf, originText as figuresOriginText } from "../../app/src/model/figures.ts";
import { bookOf } from "../../app/src/model/book.ts";
import { inGroups, percent, when } from "../../app/src/model/format.ts";
import { rejectionOf } from "../../app/src/model/rejection.ts";
import { keptVisit, loadedOf } from "../../app/src/state/visit.ts";
import { beatAssetFeed, moveMarket } from "../../deploy/devnet/market.ts";
import { freePort } from "../helpers/ballast.ts";
import { axeViolations } from "../helpers/browser.ts";
import { actAs, reviewScene } from "../helpers/reviewPage.ts";
import type { ReviewScene } from "../helpers/reviewPage.ts";
import { startTransactionService } from "../support/transactionService/server.ts";

const MOST_GZIP_BYTES = 500_000;
const VIEWS = ["overview", "proposal", "history", "regime", "settings"] as const;

describe("The review page in a browser", () => {
  let built: BuiltApp;
  let scene: ReviewScene;
  let packet: Packet;
  const open: Page[] = [];
  const heard: string[][] = [];

  before(async () => {
    built = await buildApp();
    scene = await reviewScene();
    packet = scene.story.packets.at(-1)!;
  });
  after(() => scene.close());
  afterEach(async () => {
    await Promise.all(open.splice(0).map((page) => page.context().close()));
    await scene.reset();
    // What does not load is each test's own matter: a broken policy, a failed script are nobody's.
    const complaints = heard.splice(0).flat();
    expect(complaints.filter((line) => !line.startsWith("Failed to load resource"))).to.deep.equal([]);
  });

  /** A page at a view; what the browser complains of fails the test that opened it. */
  async function at(view: string, options: Parameters<ReviewScene["open"]>[1] = {}): Promise<Page> {
    const { page, complaints } = await scene.open(view, options);
    open.push(page);
    heard.push(complaints);
    return page;
  }
  async function review(page: Page): Promise<void> {
    await page.getByRole("button", { name: "Review" }).first().click();
    await verdictOf(page);
  }
  async function verdictOf(page: Page): Promise<string | null> {
    await page.locator("[data-verdict]").waitFor();
    await page.locator(".verdict-area[aria-busy=false]").waitFor();
    return page.locator("[data-verdict]").getAttribute("data-verdict");
  }
  async function upload(page: Page, file: unknown): Promise<void> {
    const text = typeof file === "string" ? file : JSON.stringify(file);
    await page
      .getByLabel(/^Packet file/)
      .setInputFiles({ name: "p.packet.json", mimeType: "application/json", buffer: Buffer.from(text) });
  }
  const rebuilt = (plan: Plan, evidence: unknown = packet.evidence): Packet =>
    createPacket({ ...packet, safeTx: { ...packet.safeTx, data: encodePlan(plan) }, plan, evidence });

  describe("is built", () => {
    it(`into at most ${MOST_GZIP_BYTES / 1_000} kB gzipped at first load, the same bytes every time`, async () => {
      expect(built.gzipBytes).to.be.within(100_000, MOST_GZIP_BYTES);
      const found = process.env["NODE_ENV"];
      process.env["NODE_ENV"] = "development";
      expect((await buildApp()).hash).to.equal(built.hash);
      expect(process.env["NODE_ENV"]).to.equal("development");
      Object.assign(process.env, { NODE_ENV: found ?? "" });
      if (found === undefined) delete process.env["NODE_ENV"];
    });

    it("with its script and style held to their hashes, and refused when they differ", async () => {
      const page = await at("settings");
      await page.getByRole("heading", { name: "Settings" }).waitFor();
      expect(await page.locator("script:not([integrity]), link[rel=stylesheet]:not([integrity])").count()).to.equal(0);
      expect(await page.locator("script[integrity^=sha384], link[integrity^=sha384]").count()).to.equal(2);
      const context = await scene.browser.newContext();
      const other = await context.newPage();
      open.push(other);
      await other.route("**/*.js", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, body: `${await response.text()};` });
      });
      const complaint = other.waitForEvent("console", (message) => message.text().includes("integrity"));
      await other.goto(`${scene.server.url}/`);
      await complaint;
      expect(await other.getByRole("heading").count()).to.equal(0);
    });

    it("to open from a folder as one file, which loads nothing", async () => {
      const context = await scene.browser.newContext();
      const page = await context.newPage();
      open.push(page);
      const asked: string[] = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(`file://${APP_FOLDER}/${ONE_FILE}`);
      await page.getByText("No RPC yet").waitFor();
      expect(await page.evaluate('getComputedStyle(document.querySelector(".note")).borderRadius')).to.equal("8px");
      expect(asked.filter((url) => !url.endsWith("icon.svg"))).to.have.length(1);
      await page.getByRole("link", { name: "Settings" }).click();
      await page.getByLabel("JSON-RPC URL").fill(scene.story.node.url);
      await page.getByLabel("Deployment file (JSON)").fill(JSON.stringify(scene.story.node.deployment));
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByRole("link", { name: "Proposal" }).click();
      await upload(page, packetText(packet));
      expect(await verdictOf(page)).to.equal("green");
    });
  });

  describe("says honestly how it stands", () => {
    it("without an RPC, with a dead one, on a wrong chain, with a bad deployment file", async () => {
      const page = await at("settings");
      const rpc = page.getByLabel("JSON-RPC URL");
      const save = async (): Promise<void> => {
        await page.getByRole("button", { name: "Save", exact: true }).click();
        await page.getByText("Saved in this browser.").waitFor();
      };
      const seen = async (text: string): Promise<void> => {
        await page.getByRole("link", { name: "Overview" }).click();
        await page.getByText(text).first().waitFor();
        await page.getByRole("link", { name: "Settings" }).click();
      };
      await rpc.fill("");
      await save();
      await seen("No RPC yet");
      await rpc.fill(`http://127.0.0.1:${await freePort()}`);
      await save();
      await seen("The RPC does not answer");
      await rpc.fill(scene.story.node.url);
      const deployment = page.getByLabel("Deployment file (JSON)");
      await deployment.fill(JSON.stringify({ ...scene.story.node.deployment, chainId: "10" }));
      await save();
      await seen("Your vault is on chain 10, the RPC serves chain 31337.");
      const late = { ...scene.story.node.deployment, atDeployment: { block: 999_999 } };
      await deployment.fill(JSON.stringify(late));
      await save();
      await seen("it says the vault was deployed in block 999999");
      await deployment.fill("{}");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByText("Nothing was saved").waitFor();
      await page.getByRole("button", { name: "Use the devnet beside this page" }).click();
      await page.getByText("The devnet’s settings are filled in above").waitFor();
      await save();
      await page.getByRole("link", { name: "Overview" }).click();
      await page.getByText("Net asset value").first().waitFor();
    });

    it("when nothing is pending, when nobody answers, and for a hash nobody knows", async () => {
      scene.served.proposals = [];
      const page = await at("proposal");
      // The story's plan is announced on chain: a keeper that keeps silent about it does not make it go away.
      await page.getByText("Announced on chain, and nobody shows you a proposal for it").waitFor();
      await page.getByText(/a plan for Elevated/).waitFor();
      expect(await page.getByText("Nothing is pending.").count()).to.equal(0);
      await page.getByLabel("Or its safeTxHash").fill(`0x${"12".repeat(32)}`);
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByText(/Nobody asked knows a proposal/).waitFor();
      scene.served.proposals = undefined;
      await page.reload();
      await page.getByText("Not everybody answered").waitFor();
    });

    it("while it loads, when its node falls silent, and when its node lags", async () => {
      const { url } = scene.story.node;
      const page = await at("settings");
      await page.getByText("Ready", { exact: true }).waitFor();
      let letGo = (): void => undefined;
      const held = new Promise<void>((resolve) => (letGo = resolve));
      await page.route(`${url}/**`, async (route) => {
        await held;
        await route.continue();
      });
      await page.reload();
      await page.getByRole("link", { name: "Overview" }).click();
      await page.getByText("Asking the RPC which chain it serves…").waitFor();
      letGo();
      await page.getByText("Net asset value").first().waitFor();
      await page.unroute(`${url}/**`);
      await page.route(`${url}/**`, (route) => route.abort());
      await page.getByText("The RPC has stopped answering").waitFor();
      await page.getByText(/^What you see is of block \d+/).waitFor();
      expect(await page.getByText("Net asset value").first().isVisible()).to.equal(true);
      await page.unroute(`${url}/**`);
      await page.getByText("The RPC has stopped answering").waitFor({ state: "detached" });
      const block = await scene.provider.getBlock("latest");
      await page.clock.setFixedTime((block!.timestamp + 3_600) * 1_000);
      await page.getByText("The node lags").waitFor();
      await page.getByText(/is 60 minutes old/).waitFor();
    });

    it("shows the history of a node that takes longer than its blocks", async () => {
      const page = await at("settings");
      await page.getByText("Ready", { exact: true }).waitFor();
      await page.route(`${scene.story.node.url}/**`, async (route) => {
        if ((route.request().postData() ?? "").includes("eth_getLogs"))
          await new Promise((go) => setTimeout(go, 4_500));
        await route.continue().catch(() => undefined);
      });
      const blocks = setInterval(() => void scene.provider.send("evm_mine", []).catch(() => undefined), 1_000);
      try {
        await page.getByRole("link", { name: "History" }).click();
        await page.getByRole("heading", { name: "Executed" }).waitFor({ timeout: 60_000 });
      } finally {
        clearInterval(blocks);
        await page.unroute(`${scene.story.node.url}/**`);
      }
    });

    it("when a proposal cannot be drawn: the rest of the page stays, and it can be dropped", async () => {
      const page = await at("proposal");
      await upload(page, packetText(packet));
      await verdictOf(page);
      await page.evaluate(`(() => {
        const { toFixed } = Number.prototype;
        Number.prototype.toFixed = () => { throw new Error("no numbers today"); };
        window.mend = () => { Number.prototype.toFixed = toFixed; };
        // In the same turn: a new block draws it again too, and takes the button away.
        [...document.querySelectorAll("button")].find(({ textContent }) => textContent === "Check again").click();
      })()`);
      await page.getByText("no numbers today. Sign nothing that this page cannot show.").waitFor();
      expect(await page.getByRole("button", { name: "Confirm" }).count()).to.equal(0);
      expect(await page.getByRole("link", { name: "History" }).isVisible()).to.equal(true);
      expect(await page.evaluate("JSON.parse(sessionStorage.getItem('ballast.visit')).shown")).to.equal(null);
      await page.evaluate("window.mend()");
      await page.getByRole("button", { name: "Drop the proposal" }).click();
      await page.getByText("Pending proposals").waitFor();
      // The browser is told of what was caught, and of nothing else.
      const told = heard.splice(0).flat();
      expect(told.filter((line) => !line.includes("no numbers today"))).to.deep.equal([]);
    });

    it("keeps its settings when a link brings others, until told to take them", async () => {
      const page = await at("overview");
      await page.getByText("Net asset value").first().waitFor();
      await page.goto("about:blank");
      const foreign = `http://127.0.0.1:${await freePort()}/`;
      await page.goto(`${scene.server.url}/#/overview?rpc=${encodeURIComponent(foreign)}`);
      await page.getByText("This link wants to change your settings").waitFor();
      const saved = (): Promise<string | null> =>
        page.evaluate<string | null>('localStorage.getItem("ballast.settings")');
      expect(await saved())
        .to.include(scene.story.node.url)
        .and.not.include(foreign);
      await page.getByRole("button", { name: "Keep mine" }).click();
      await page.getByText("Net asset value").first().waitFor();
      expect(await saved()).to.not.include(foreign);
      await page.goto("about:blank");
      await page.goto(`${scene.server.url}/#/overview?rpc=${encodeURIComponent(foreign)}`);
      await page.getByRole("button", { name: "Use these settings" }).click();
      await page.getByText("The RPC does not answer").waitFor();
      expect(await saved()).to.include(foreign);
    });
  });

  describe("recomputes a proposal", () => {
    it("and shows the numbers that the command line's own check finds", async () => {
      const page = await at("proposal");
      await review(page);
      expect(await page.locator("[data-verdict]").getAttribute("data-verdict")).to.equal("green");
      const verdict = await verify({ provider: scene.provider, packet, deployment: scene.story.node.deployment });
      expect(verdict.ok).to.equal(true);
      const shown = await page.evaluate(
        "[...document.querySelectorAll('[data-check]')].map(({ dataset }) => [dataset.check, dataset.outcome])",
      );
      expect(shown).to.have.deep.members(verdict.checks.map(({ name, outcome }) => [name, outcome]));
      const { before, after } = verdict;
      const text = (await page.getByRole("main").textContent()) ?? "";
      for (const bps of [before!.measures.liquidityBps, after!.measures.liquidityBps, after!.measures.netDeltaMaxBps]) {
        expect(text).to.include(percent(Number(bps) / 10_000));
      }
      // The scenarios start from the book the chain values.
      const pair = pairOf(parseEvidence(packet.evidence));
      for (const side of [before!, after!]) {
        expect(Math.abs(Number(bookNav(bookOf(side, pair)) - side.navMid))).to.be.at.most(16);
      }
      for (const hash of [domainHash("31337", packet.safe), messageHash(packet.safeTx), packet.safeTxHash]) {
        expect(text).to.include(`${hash}0x${inGroups(hash).join("")}`);
      }
      expect(
        await page
          .getByRole("table", { name: /Scenarios/ })
          .locator("tbody tr")
          .count(),
      ).to.equal(8);
    });

    it("and turns red for a tampered packet, whose signing then takes a second step", async () => {
      const plan = packet.plan as Plan;
      const greedy = { ...plan, perps: plan.perps.map((target) => ({ ...target, size: `${target.size}0` })) };
      const page = await at("proposal");
      await actAs(page, scene.address("owner1"));
      await upload(page, packetText(rebuilt(greedy)));
      expect(await verdictOf(page)).to.equal("red");
      expect(await page.locator('[data-check="decision"]').getAttribute("data-outcome")).to.equal("mismatch");
      const confirm = page.getByRole("button", { name: "Confirm" });
      await confirm.waitFor();
      expect(await confirm.isDisabled()).to.equal(true);
      await page.getByLabel(/want to sign although/).check();
      expect(await confirm.isEnabled()).to.equal(true);
      await page.getByRole("button", { name: "Review another" }).click();

      await upload(page, { ...packet, safeTx: { ...packet.safeTx, to: scene.address("attacker") } });
      await page.getByText(/the transaction hashes to/).waitFor();
      await upload(page, "{");
      await page.getByText(/not JSON/).waitFor();
      expect(await page.locator("[data-verdict]").count()).to.equal(0);
    });

    it("and lets nobody act on a verdict that turned since, that failed, or that is old", async () => {
      const { provider } = scene;
      const page = await at("proposal");
      await actAs(page, scene.address("owner1"));
      await upload(page, packetText(packet));
      expect(await verdictOf(page)).to.equal("green");
      const confirm = page.getByRole("button", { name: "Confirm" });
      const is = (colour: string): Promise<void> =>
        page.locator(`.verdict-area[aria-busy=false] [data-verdict=${colour}]`).waitFor();
      const setNonce = (nonce: number): Promise<unknown> =>
        provider.send("hardhat_setStorageAt", [packet.safe, "0x5", toBeHex(nonce, 32)]);
      const block = (await provider.getBlock("latest"))!;
      await page.clock.setFixedTime((block.timestamp + 3_600) * 1_000);
      await is("amber");
      await page.locator('[data-check="node"][data-outcome="not checked"]').waitFor({ state: "attached" });
      await page.clock.setFixedTime(block.timestamp * 1_000);
      await is("green");

      // No new block: nothing tells the page before the click.
      await setNonce(99);
      await confirm.click();
      await page.getByText(/A check is red now: freshness: the Safe is at nonce 99.*Nothing was signed/).waitFor();
      await is("red");
      const storage = await page.evaluate<Record<string, string>>("({ ...sessionStorage })");
      const kept = loadedOf(keptVisit({ getItem: (key) => storage[key] ?? null }));
      expect(packetText(kept!.packet)).to.equal(packetText(packet));
      await page.getByLabel(/want to sign although/).check();
      await setNonce(Number(packet.safeTx.nonce));
      await page.getByRole("button", { name: "Check again" }).click();
      await is("green");

      const { url } = scene.story.node;
      await page.route(`${url}/**`, (route) =>
        (route.request().postData() ?? "").includes("eth_getCode") ? route.abort() : route.continue(),
      );
      await page.getByRole("button", { name: "Check again" }).click();
      await page.getByText("It could not be verified").waitFor();
      await is("old");
      expect(await confirm.isDisabled()).to.equal(true);
      await page.unroute(`${url}/**`);
      await page.getByRole("button", { name: "Try again" }).click();
      await is("green");

      await provider.send("evm_increaseTime", [20 * 86_400]);
      await provider.send("evm_mine", []);
      await is("red");
      // What was accepted was another cause.
      expect(await page.getByLabel(/want to sign although/).isChecked()).to.equal(false);
      expect(await confirm.isDisabled()).to.equal(true);
    });

    it("and asks the wallet for nothing once the member has left it", async () => {
      const page = await at("proposal");
      await actAs(page, scene.address("owner1"));
      await upload(page, packetText(packet));
      expect(await verdictOf(page)).to.equal("green");
      const { url } = scene.story.node;
      let letGo = (): void => undefined;
      const held = new Promise<void>((resolve) => (letGo = resolve));
      await page.route(`${url}/**`, async (route) => {
        if ((route.request().postData() ?? "").includes("eth_getCode")) await held;
        await route.continue().catch(() => undefined);
      });
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.getByRole("button", { name: "Review another" }).click();
      letGo();
      await page.unrouteAll({ behavior: "wait" });
      await upload(page, packetText(packet));
      expect(await verdictOf(page)).to.equal("green");
      await page.getByText("0 of 2", { exact: true }).waitFor();
      const storage = await page.evaluate<Record<string, string>>("({ ...sessionStorage })");
      const visit = keptVisit({ getItem: (key) => storage[key] ?? null });
      expect(visit.entries.flatMap(({ made }) => made)).to.deep.equal([]);
    });

    it("and shows only what it read itself, of whatever a packet says", async () => {
      const evidence = parseEvidence(packet.evidence);
      const plan = packet.plan as Plan;
      const page = await at("toString");
      await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
      await actAs(page, scene.address("owner1"));
      await page.getByRole("link", { name: "Proposal" }).click();
      const guard = scene.address("attacker");
      const data = new Interface(["function setGuard(address)"]).encodeFunctionData("setGuard", [guard]);
      const forged = createPacket({ ...packet, safeTx: { ...packet.safeTx, to: packet.safe, data } });
      await upload(page, packetText(forged));
      expect(await verdictOf(page)).to.equal("red");
      await page.getByText(`This sets your Safe’s guard to ${guard}; it is no hedge.`).waitFor();
      expect(await page.getByLabel("The plan in the call").textContent()).to.equal(`setGuard(${guard})`);
      expect(await page.getByText("VIX closed at").count()).to.equal(0);
      expect(await page.getByRole("table", { name: "Evidence of the decision" }).count()).to.equal(0);
      await page.getByText("This page does not sign it.").waitFor();
      expect(await page.getByLabel(/want to sign although/).count()).to.equal(0);
      for (const name of ["Confirm", "Approve on chain", "Execute"]) {
        expect(await page.getByRole("button", { name }).isDisabled(), name).to.equal(true);
      }

      // A plan that is pending, with evidence of the forger's own and a block that never was: its story is not told.
      const invented = { ...evidence, block: { ...evidence.block, hash: `0x${"ab".repeat(32)}` } };
      await page.getByRole("button", { name: "Review another" }).click();
      await upload(page, packetText(rebuilt(plan, invented)));
      expect(await verdictOf(page)).to.equal("red");
      await page.getByText("What this would do cannot be shown: see the checks.").waitFor();
      expect(await page.getByText("VIX closed at").count()).to.equal(0);
      expect(await page.getByRole("table", { name: "Evidence of the decision" }).count()).to.equal(0);

      const { feeds } = evidence;
      const late = { ...evidence, feeds: { ...feeds, base: { ...feeds.base, updatedAt: 9e14 } } };
      for (const [bad, check] of [
        [rebuilt({ ...plan, evidence: evidenceHash(late) }, late), "evidence inputs"],
        [rebuilt({ ...plan, validUntil: 9e12 }), "call"],
      ] as const) {
        await page.getByRole("button", { name: "Review another" }).click();
        await upload(page, packetText(bad));
        expect(await verdictOf(page)).to.equal("red");
        const row = page.locator(`[data-check="${check}"]`);
        expect(await row.getAttribute("data-outcome")).to.equal("mismatch");
      }
    });
  });

  describe("tells what surrounds a proposal", () => {
    it("what comes next, by chain, calendar and keeper", async () => {
      const { provider, story } = scene;
      const now = (await provider.getBlock("latest"))!.timestamp;
      const slot = new Date((now + 7_200) * 1_000).toISOString().slice(0, 16);
      scene.served.schedule = [{ vault: story.node.deployment.vault, nextSlot: `${slot}Z` }];
      const page = await at("overview");
      const next = page.getByRole("table", { name: "What comes next" });
      await next.getByText("The keeper looks whether to propose").waitFor();
      const guard = ReviewGuard__factory.connect(story.node.deployment.guard!, provider);
      const { to, value, data } = packet.safeTx;
      const { expiresAt } = await guard.announcement(await guard.keyOf(to, value, data));
      const { validUntil } = packet.plan as Plan;
      const last = when(Math.min(Number(expiresAt), validUntil));
      const text = (await next.textContent()) ?? "";
      expect(text)
        .to.include(last)
        .and.include(`${when(Math.floor((now + 7_200) / 60) * 60)}keeper`);
      expect(text).to.match(/The regime becomes Unknown, unless the close of/);
      expect(text).to.match(/The ETH \/ USD feed goes stale/);
      scene.served.schedule = "nonsense";
      await page.reload();
      await page.getByText("No keeper tells when it looks next.").waitFor();
    });

    it("the signals with their measured lift and its origin, and what of EDR bias can be known", async () => {
      const page = await at("regime");
      const rules = page.getByRole("table", { name: /thresholds and measured lift/ });
      await rules.waitFor();
      const rows = await rules.locator("tbody tr").allTextContents();
      expect(rows).to.have.length(4);
      const lift = liftOf("vix-term-structure");
      expect(rows[2]).to.include(lift.text).and.include(lift.verdict);
      expect(rows[3]).to.include("20.0 %").and.include("not measured");
      await page.getByText(figuresOriginText()).waitFor();
      const ours = page.getByRole("table", { name: "Signals from the closes on chain" }).locator("tbody tr");
      expect(await ours.first().textContent())
        .to.include("points")
        .and.include(liftOf("vix-above-20").text);
      await page.getByText(/more, whose inputs are not on chain/).click();
      const others = page.getByRole("table", { name: "Signals without a value here" }).locator("tbody tr");
      expect((await ours.count()) + (await others.count())).to.equal(SIGNALS.length);
      expect(await page.locator("[data-edr=now]").textContent()).to.match(/^Now: not known\..*no S&P 500 closes/);
      const edr = page.getByRole("table", { name: /EDR bias/ });
      expect(await edr.locator("tbody tr").count()).to.equal(FIGURES.edr.cells.length);
      expect(await edr.textContent()).to.include("29 Dec 2023");
    });

    it("links of the evidence, to the explorer that a member has set and nowhere else", async () => {
      const page = await at("proposal");
      await review(page);
      const table = page.getByRole("table", { name: "Evidence of the decision" });
      await page.getByText("a local chain has no block explorer").waitFor();
      expect(await table.getByRole("link").count()).to.equal(0);
      await page.getByRole("link", { name: "Settings" }).click();
      await page.getByLabel("Block explorer URL, if any").fill("https://scan.example/");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.getByText("Saved in this browser.").waitFor();
      await page.getByRole("link", { name: "Proposal" }).click();
      await verdictOf(page);
      const { block, feeds } = parseEvidence(packet.evidence);
      const links = table.getByRole("link");
      const hrefs = await Promise.all((await links.all()).map((link) => link.getAttribute("href")));
      expect(hrefs[0]).to.equal(`https://scan.example/block/${block.number}`);
      expect(hrefs).to.include(`https://scan.example/address/${feeds.vix.address}`);
      expect(await links.first().getAttribute("rel")).to.equal("noopener noreferrer");
    });
  });

  describe("lets members act", () => {
    it("two confirm, anyone executes, and the history tells it", async () => {
      const page = await at("proposal");
      await review(page);
      const execute = page.getByRole("button", { name: "Execute" });
      for (const [index, owner] of (["owner1", "owner2"] as const).entries()) {
        await actAs(page, scene.address(owner));
        expect(await execute.isDisabled()).to.equal(true);
        await page.getByRole("button", { name: "Confirm" }).click();
        await page.getByText(`${index + 1} of 2`, { exact: true }).waitFor();
      }
      const [saved] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save the packet" }).click(),
      ]);
      const chunks: Buffer[] = [];
      for await (const chunk of await saved.createReadStream()) chunks.push(chunk as Buffer);
      expect(parsePacket(Buffer.concat(chunks).toString("utf8")).signatures).to.have.length(2);
      await actAs(page, scene.address("executor"));
      await execute.click();
      await page.getByText(/^Executed in transaction/).waitFor();
      const rebalancer = Rebalancer__factory.connect(scene.story.node.deployment.rebalancer, scene.provider);
      expect(await rebalancer.used((packet.plan as Plan).nonce)).to.equal(true);

      await page.getByRole("link", { name: "History" }).click();
      const row = page.getByRole("table", { name: /Executed plans/ }).locator("tbody tr");
      await row.waitFor();
      expect(await row.textContent())
        .to.include(scene.address("owner1"))
        .and.include(scene.address("owner2"));
      expect(await page.getByRole("table", { name: /Announced calls/ }).textContent()).to.include("ran");

      // Foreseen from the decision's block, by the keeper's packet; from the announcement without it; and never far off.
      const { deployment } = scene.story.node;
      const { timestamp } = (await scene.provider.getBlock("latest"))!;
      const plan = (await readHistory(scene.provider, deployment, [packet], timestamp)).executed[0]!;
      const cost = Number(plan.navBefore - plan.navAfter) / Number(plan.navBefore);
      const decided = await foresee(scene.provider, deployment, plan);
      const alone = { ...plan, packet: null };
      const announced = await foresee(scene.provider, deployment, alone);
      const before = await foresee(scene.provider, deployment, { ...alone, announcedIn: null });
      for (const [at, told] of [
        ["decision", decided],
        ["announcement", announced],
        ["block before", before],
      ] as const) {
        if (told.kind !== "simulated") expect.fail(told.why);
        expect(told.at).to.equal(at);
        expect(told.block).to.be.below(plan.block);
        expect(told.cost).to.be.closeTo(cost, 0.0005);
        expect(told.deltaBps).to.be.closeTo(Number(plan.deltaAfter), at === "block before" ? 2 : 100);
      }
      const seen = (what: string) => row.locator(`[data-foreseen=${what}]`);
      await seen("from")
        .getByText(/^its decision, block/)
        .waitFor();
      if (decided.kind === "simulated")
        expect(await seen("cost").textContent()).to.equal(`foreseen ${percent(decided.cost, 3)}`);
      // A node that keeps no old state: what the evidence aimed at is left, and said to be that.
      await page.route(`${scene.story.node.url}/**`, async (route) => {
        const asked = route.request().postDataJSON() as object | object[] | null;
        if (asked === null) return route.continue();
        const response = await route.fetch();
        const forget = (one: { method?: string; params?: unknown[] }, answer: object): object =>
          one.method === "eth_call" && one.params?.length === 3
            ? { ...answer, result: undefined, error: { code: -32000, message: "missing trie node" } }
            : answer;
        const answers = (await response.json()) as object | object[];
        const json = Array.isArray(asked)
          ? asked.map((one: object, index) => forget(one, (answers as object[])[index]!))
          : forget(asked, answers);
        return route.fulfill({ response, json });
      });
      await page.reload();
      await seen("from")
        .getByText(/keeps no state/)
        .waitFor();
      expect(await seen("delta").textContent()).to.match(/^aimed at /);
      expect(await seen("cost").textContent()).to.equal("not foreseen");
    });

    it("a wallet of the browser's own (EIP-6963) approves on chain, and rejects at the same nonce", async () => {
      const page = await at("proposal");
      const owner = scene.address("owner3");
      await page.evaluate(announced(scene.story.node.url, owner));
      await review(page);
      await page.locator(".wallet > button").click();
      await page.getByRole("button", { name: "Test wallet" }).click();
      await page.getByText("(you)").waitFor();
      // Switched after it was connected: neither is signed nor sent for another chain.
      await page.evaluate("window.testWallet.chain = '0x1'");
      for (const name of ["Approve on chain", "Confirm", "Reject at this nonce"]) {
        await page.getByRole("button", { name }).click();
        await page.getByText(/Test wallet is on chain 1, .* nothing was signed or sent/).waitFor();
      }
      const asked = await page.evaluate<string[]>("window.testWallet.asked");
      expect(asked.filter((method) => /send|sign/i.test(method))).to.deep.equal([]);
      await page.evaluate("delete window.testWallet.chain");
      await page.getByRole("button", { name: "Approve on chain" }).click();
      await page.getByText("1 of 2", { exact: true }).waitFor();
      await page.getByText("approved on chain (you)").waitFor();
      const [sent] = await page.evaluate<Record<string, string>[]>("window.testWallet.sent");
      expect(sent).to.include({ chainId: "0x7a69" }).and.not.have.any.keys("nonce", "maxFeePerGas", "gasPrice");
      await page.getByRole("button", { name: "Reject at this nonce" }).click();
      await page.getByText(`A rejection of nonce ${packet.safeTx.nonce}`).waitFor();
      await page.getByText("1 of 2", { exact: true }).waitFor();
      await page.getByText("Signed. Save the packet and hand it on.").first().waitFor();
      await page.getByRole("button", { name: "Back to that proposal" }).click();
      await page.getByText("approved on chain (you)").waitFor();
      // Neither takes the other's place, also after a reload.
      await page.reload();
      await page.getByRole("button", { name: "Open the rejection" }).click();
      await page.locator(".owners li.agreed").first().waitFor();
      await page.getByText("1 of 2", { exact: true }).waitFor();
    });

    it("a shareholder's veto stops a proposal", async () => {
      const { node } = scene.story;
      const { market } = node;
      const { chain } = market.world;
      const tomorrow = Math.ceil((await chain.now()) / 86_400) * 86_400;
      await moveMarket(market, tomorrow, 3_300, 0);
      await beatAssetFeed(market);
      const next = (await proposeIn(node)) ?? expect.fail("the keeper proposes nothing");
      scene.served.proposals = [next];
      const page = await at("proposal");
      await review(page);
      await page.locator('[data-review="waiting"]').waitFor();
      await actAs(page, scene.address("depositor"));
      await page.getByRole("button", { name: /^Veto with/ }).click();
      await page.locator('[data-review="stopped"]').waitFor();
      expect(await verdictOf(page)).to.equal("red");
      expect(await page.getByRole("button", { name: "Execute" }).isDisabled()).to.equal(true);
    });

    it("a shareholder stops a call that nobody but the chain tells of", async () => {
      const { market } = scene.story.node;
      const { chain } = market.world;
      // Votes count as they were a day before the announcement.
      await moveMarket(market, Math.ceil((await chain.now()) / 86_400) * 86_400, 3_300, 0);
      const safe = new Interface(["function enableModule(address module)"]);
      const module = safe.encodeFunctionData("enableModule", [scene.address("attacker")]);
      const guard = (await reviewGuardOf(scene.provider, packet.safe)) ?? expect.fail("no review guard");
      await chain.send("owner1", await guard.announce.populateTransaction(packet.safe, 0n, module));
      // Whoever announces a takeover can propose it too: that explains nothing.
      const takeover = createPacket({ ...packet, safeTx: { ...packet.safeTx, to: packet.safe, data: module } });
      scene.served.proposals = [packet, takeover];
      const page = await at("overview");
      await page.getByText("Announced on chain, and it is no plan").waitFor();
      await page.getByText(`the Safe’s own enableModule(${scene.address("attacker")})`).waitFor();
      await actAs(page, scene.address("depositor"));
      await page.getByRole("button", { name: "Veto it" }).click();
      await page.getByText(/enableModule/).waitFor({ state: "detached" });
      await page.getByText(takeover.safeTxHash.slice(0, 6), { exact: false }).first().waitFor();
      const key = await guard.keyOf(packet.safe, 0n, module);
      expect((await guard.announcement(key)).vetoed).to.equal(true);
    });

    it("deposits, asks to leave, is settled by anyone, and claims", async () => {
      const { node } = scene.story;
      const vault = HedgeVault__factory.connect(node.deployment.vault, scene.provider);
      const maker = scene.address("maker");
      await scene.fund("maker", 1_000n);
      const page = await at("overview");
      await actAs(page, maker);
      const deposit = page.getByLabel("Deposit");
      await deposit.fill("5000");
      await page.getByText("You have 1,000.00 USDC.").waitFor();
      await deposit.fill("1000");
      await page.getByText(/^About 1,0\d\d\.\d\d shares, at the price when it is mined/).waitFor();
      await page.getByRole("button", { name: "Deposit" }).click();
      await page.getByText(/^Done in transaction/).waitFor();
      const got = await vault.balanceOf(maker);
      expect(got > parseUnits("990", 18)).to.equal(true);

      await page.getByLabel("Ask to leave").fill("400");
      await page.getByRole("button", { name: "Ask to leave" }).click();
      const queue = page.getByRole("table", { name: "Requests to redeem" });
      await queue.getByText("400.00 shares").waitFor();
      await page.getByRole("button", { name: /^Cancel request/ }).click();
      await page.getByText("Nobody waits to leave.").waitFor();
      await page.getByRole("button", { name: "Ask to leave" }).click();
      await queue.getByText("400.00 shares").waitFor();

      await moveMarket(node.market, (await node.market.world.chain.now()) + 60, 3_326, 0);
      await beatAssetFeed(node.market);
      await page.getByRole("button", { name: "Settle what cash can pay" }).click();
      await page.getByRole("button", { name: /^Claim / }).click();
      await page.getByText("To be claimed").locator("..").getByText("0.00 USDC").waitFor();
      expect(await vault.balanceOf(maker)).to.equal(got - parseUnits("400", 18));
      await page.getByLabel("Delegate votes to").fill(scene.address("owner1"));
      await page.getByRole("button", { name: "Delegate" }).click();
      await page.getByText("Votes are with").locator("..").getByText(scene.address("owner1")).waitFor();

      await page.getByLabel("Ask to leave").fill("100");
      await page.getByRole("button", { name: "Ask to leave" }).click();
      await queue.getByText("100.00 shares").waitFor();
      const force = page.getByRole("button", { name: /^Force request/ });
      expect(await force.count()).to.equal(0);
      await scene.provider.send("evm_increaseTime", [Number(await vault.EXIT_DEADLINE()) + 60]);
      await scene.provider.send("evm_mine", []);
      await force.click();
      await page.getByText("Nobody waits to leave.").waitFor();
    });

    it("finds a member's own request, however many stand before it", async () => {
      const { node } = scene.story;
      const vault = HedgeVault__factory.connect(node.deployment.vault, scene.provider);
      const { chain } = node.market.world;
      const [me, holder] = [scene.address("maker"), scene.address("depositor")];
      const ten = parseUnits("10", 18);
      await chain.send("depositor", await vault.transfer.populateTransaction(me, ten));
      const ask = (amount: bigint, controller: string) =>
        vault.requestRedeem.populateTransaction(amount, controller, controller);
      for (let count = 0; count < 50; count++) await chain.send("depositor", await ask(ten, holder));
      await chain.send("maker", await ask(ten, me));
      const page = await at("overview");
      await page.getByText("More wait than are shown.").waitFor();
      await actAs(page, me);
      await page.getByRole("button", { name: "Cancel request 51 (10.00 shares)" }).click();
      await page.getByText(/^Done in transaction/).waitFor();
      expect((await vault.request(51n)).shares).to.equal(0n);
    });

    it("as a Safe App: hands over approval and deposit as one, and refuses a Safe it does not fit", async () => {
      await scene.fund("maker", 1_000n);
      const around = await safeAround({ safeAddress: scene.address("maker"), chainId: 1, isReadOnly: false });
      try {
        const outer = await at("settings");
        await outer.goto(`${around.url}/?${scene.server.url}/#/overview`);
        const page = outer.frameLocator("iframe");
        await page.locator(".wallet > button").click();
        await page.getByRole("button", { name: /The Safe around this page, as 127.0.0.1:\d+ says/ }).click();
        await page.getByText(/The Safe around this page is on chain 1, this page's RPC on chain 31337/).waitFor();
        around.safe.chainId = 31_337;
        around.safe.isReadOnly = true;
        await page.getByRole("button", { name: /The Safe around this page/ }).click();
        await page.getByText(/Nobody who may propose is connected to this Safe/).waitFor();
        around.safe.isReadOnly = false;
        await page.getByRole("button", { name: /The Safe around this page/ }).click();
        await page.getByLabel("Deposit").fill("1000");
        await page.getByRole("button", { name: "Deposit" }).click();
        await page.getByText(/^Handed to your Safe as 0xabcd: it is done when its owners have confirmed/).waitFor();
        const erc20 = new Interface(["function approve(address, uint256)"]);
        const { deployment } = scene.story.node;
        const amount = parseUnits("1000", 6);
        expect(around.sent).to.deep.equal([
          [
            {
              to: getAddress(scene.story.node.addresses["usdc"]!),
              data: erc20.encodeFunctionData("approve", [deployment.vault, amount]),
            },
            {
              to: deployment.vault,
              data: HedgeVault__factory.createInterface().encodeFunctionData("deposit", [
                amount,
                around.safe.safeAddress,
              ]),
            },
          ].map((call) => ({ ...call, value: "0" })),
        ]);
        // It may be another by the time of the next click.
        around.safe.safeAddress = scene.address("owner1");
        await page.getByRole("button", { name: "Deposit" }).click();
        await page.getByText(/The Safe around this page is another/).waitFor();
        expect(around.sent).to.have.length(1);
      } finally {
        await around.close();
      }
    });

    it("takes proposals from a transaction service, and hands it signatures", async () => {
      const service = await startTransactionService({ provider: scene.provider });
      try {
        const owner1 = scene.story.node.market.world.chain.wallet("owner1");
        const { safe, safeTx } = packet;
        const kit = new SafeService({ url: service.url, chainId: 31337n });
        const evidence = parseEvidence(packet.evidence);
        await kit.propose({ safe, safeTx, signer: owner1, origin: originText(packet.evidenceHash, evidence) });
        scene.served.proposals = [];
        const page = await at("settings");
        // The stand-in answers no browsers from elsewhere; a real service does.
        await page.route(`${service.url}/**`, async (route) => {
          const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
          if (route.request().method() === "OPTIONS") return route.fulfill({ status: 204, headers });
          const response = await route.fetch().catch(() => null);
          if (response === null) return route.abort();
          return route.fulfill({ response, headers: { ...response.headers(), ...headers } });
        });
        await page.getByLabel("Safe transaction service URL, if any").fill(service.url);
        await page.getByRole("button", { name: "Save", exact: true }).click();
        await page.getByText("Saved in this browser.").waitFor();
        await page.getByRole("link", { name: "Proposal" }).click();
        // Its evidence is nobody's to show: it is read again from the chain, at the block its proposer names.
        await page.getByText(/from the transaction service, 1 signature$/).waitFor();
        await page.getByRole("button", { name: "Review" }).first().click();
        expect(await verdictOf(page)).to.equal("green");
        await actAs(page, scene.address("owner2"));
        await page.getByRole("button", { name: "Confirm" }).click();
        await page.getByText("Signed, and handed to the transaction service.").waitFor();
        expect(await kit.signatures(packet.safeTxHash)).to.have.length(2);
        // A rejection is nothing the service has: it is brought there, with what others signed before.
        const rejected = await signPacket(rejectionOf(packet), owner1, { provider: scene.provider });
        await page.getByRole("button", { name: "Review another" }).click();
        await upload(page, packetText(rejected));
        await page.getByText("1 of 2", { exact: true }).waitFor();
        await page.getByRole("button", { name: "Confirm" }).click();
        await page.getByText("Signed, and handed to the transaction service.").waitFor();
        expect(await kit.signatures(rejected.safeTxHash)).to.have.length(2);
        service.fail({ kind: "status", status: 503 });
        await page.getByRole("button", { name: "Review another" }).click();
        await page.getByText(/Transaction service: .*cannot be reached/).waitFor();
        // What was signed here stays at hand.
        expect(await page.getByText(/from this visit, 2 signatures$/).count()).to.equal(2);
      } finally {
        await service.close();
      }
    });
  });

  describe("is for everyone", () => {
    for (const [name, options] of [
      ["light and wide", { colorScheme: "light", viewport: { width: 1_280, height: 900 } }],
      ["dark and on a phone", { colorScheme: "dark", viewport: { width: 390, height: 844 } }],
      ["light at 320 pixels", { colorScheme: "light", viewport: { width: 320, height: 640 } }],
    ] as const) {
      it(`no accessibility rule is broken, and nothing runs off the side: ${name}`, async () => {
        const page = await at("proposal", options);
        await actAs(page, scene.address("depositor"));
        await review(page);
        await page.getByText("signatures needed").waitFor();
        for (const view of VIEWS) {
          await page.goto(`${scene.server.url}/#/${view}`);
          await page.locator("section.panel, .sentence").first().waitFor();
          if (view === "overview") await page.getByText("Together", { exact: true }).waitFor();
          expect(await axeViolations(page), view).to.deep.equal([]);
          const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
          expect(await page.evaluate(overflow), `${view} runs off the side`).to.equal(0);
        }
      });
    }

    it("goes by keyboard alone: skip link, views, and the focus follows", async () => {
      const page = await at("settings");
      await page.getByText("Ready", { exact: true }).waitFor();
      await page.keyboard.press("Tab");
      expect(await page.evaluate("document.activeElement.textContent")).to.equal("Skip to the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate("document.activeElement.tagName")).to.equal("H1");
      await page.getByRole("link", { name: "Regime" }).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { level: 1, name: "Regime" }).waitFor();
      expect(await page.evaluate("document.activeElement.textContent")).to.equal("Regime");
      expect(await page.title()).to.equal("Regime · Ballast review");
    });
  });
});

/** Announces a wallet (EIP-6963) that acts as one of the node's accounts. */
function announced(url: string, address: string): string {
  return `(() => {
    const wallet = (window.testWallet = { asked: [], sent: [] });
    const request = async ({ method, params }) => {
      wallet.asked.push(method);
      if (method === "eth_sendTransaction") wallet.sent.push(params[0]);
      if (method === "eth_chainId" && wallet.chain !== undefined) return wallet.chain;
      if (method === "eth_requestAccounts" || method === "eth_accounts") return [${JSON.stringify(address)}];
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: params ?? [] });
      const answer = await (await fetch(${JSON.stringify(url)}, { method: "POST", headers: { "content-type": "application/json" }, body })).json();
      if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
      return answer.result;
    };
    const detail = { info: { uuid: "test", name: "Test wallet", icon: "", rdns: "test" }, provider: { request, on() {}, removeListener() {} } };
    window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  })()`;
}

interface AroundSafe {
  safeAddress: string;
  chainId: number;
  isReadOnly: boolean;
}

/** A page that shows another, given in its query, as Safe{Wallet} shows a Safe App, and answers it for a Safe. */
async function safeAround(
  safe: AroundSafe,
): Promise<{ url: string; safe: AroundSafe; sent: unknown[]; close: () => Promise<void> }> {
  const sent: unknown[] = [];
  const html = `<!doctype html><title>Safe</title><iframe width="1200" height="800"></iframe><script>
    const frame = document.querySelector("iframe");
    frame.src = decodeURIComponent(location.search.slice(1)) + location.hash;
    addEventListener("message", async ({ data, source }) => {
      if (source !== frame.contentWindow || data.method === undefined) return;
      const body = JSON.stringify({ method: data.method, params: data.params });
      const answer = await (await fetch("/ask", { method: "POST", body })).json();
      source.postMessage({ id: data.id, success: true, version: "9.1.0", data: answer }, "*");
    });
  </script>`;
  const server = createServer((request, response) => {
    if (request.method !== "POST") {
      response.setHeader("content-type", "text/html; charset=utf-8").end(html);
      return;
    }
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method, params } = JSON.parse(Buffer.concat(chunks).toString()) as {
        method: string;
        params?: { txs: unknown };
      };
      if (method === "sendTransactions") sent.push(params?.txs);
      const answer = method === "getSafeInfo" ? { ...safe, owners: [], threshold: 1 } : { safeTxHash: "0xabcd" };
      response.end(JSON.stringify(answer));
    })();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}`, safe, sent },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
