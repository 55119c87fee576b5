import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { FetchRequest } from "ethers";
import { offerOf } from "../../app/src/model/offer.ts";
import { effectText, lastStep, whyText } from "../../app/src/model/sentence.ts";
import { signalRows, whatWouldChange } from "../../app/src/model/signals.ts";
import type { AnnouncedCall } from "../../app/src/chain/history.ts";
import type { Overview } from "../../app/src/chain/overview.ts";
import { nextEvents, sessionDispute } from "../../app/src/model/events.ts";
import { causeOf, isFinal, isReadAgain, newlyUnchecked, verdictLine } from "../../app/src/model/checks.ts";
import { isPrivate } from "../../app/src/state/connection.ts";
import { messageOf } from "../../app/src/state/errors.ts";
import { getUrl } from "../../app/src/state/getUrl.ts";
import { inGroups, parseAmount, plainTimes, signedPercent, times, usdc, when } from "../../app/src/model/format.ts";
import { limitsOf } from "../../app/src/model/limits.ts";
import {
  deploymentOf,
  explorerLink,
  hashWithSettings,
  mayHoldKey,
  NO_SETTINGS,
  savedSettings,
  saveSettings,
  settingsInHash,
} from "../../app/src/state/settings.ts";
import { AppNotBuilt, hashApp, inOneFile, PageNotSealed, partsOf, readApp, sealed } from "../../src/cli/app/build.ts";
import { PageNotServed, serveFolder } from "../../src/cli/app/server.ts";
import { liquidatingRise } from "../../src/hedge/margin.ts";
import { Checklist } from "../../src/keeper/checklist.ts";
import { dayNumber } from "../../src/market/calendar.ts";
import { firstDifference } from "../../src/plan/plan.ts";
import type { Evidence } from "../../src/plan/evidence.ts";

describe("The review page's words and numbers", () => {
  const session = (day: number, vix: number, vix3m: number): Evidence["regime"]["sessions"][number] => [
    day,
    String(vix * 1e8),
    String(vix3m * 1e8),
    false,
  ];

  const check = (name: string, outcome: "match" | "mismatch" | "not checked") => ({
    section: "identity" as const,
    name,
    outcome,
    detail: "so",
  });

  it("reads amounts as they are typed, and nothing else", () => {
    expect(parseAmount("1,000.5", 6)).to.equal(1_000_500_000n);
    expect(parseAmount("1,234,567", 6)).to.equal(1_234_567_000_000n);
    expect(parseAmount("1500", 6)).to.equal(1_500_000_000n);
    expect(parseAmount(" 0.000001 ", 6)).to.equal(1n);
    for (const wrong of ["", "0", "-1", "1e3", "1.0000001", "abc", "1.", "99999999999999999"]) {
      expect(parseAmount(wrong, 6), wrong).to.equal(null);
    }
    // A decimal comma is no group: "1000,50" must not become a hundred thousand.
    for (const comma of ["1000,50", "1,5", "1,500", "1,50.00", "1,5000.00", ",5", "1,,000.0", "1.000,50"]) {
      expect(parseAmount(comma, 6), comma).to.equal(null);
    }
  });

  it("writes numbers with their units", () => {
    expect(usdc(1_234_567_890n)).to.equal("1,234.57 USDC");
    expect(times(15_000n)).to.equal("1.50×");
    expect(times(2n ** 127n)).to.equal("no equity left");
    expect([signedPercent(0.0123), signedPercent(-0.0123), signedPercent(0)]).to.deep.equal([
      "+1.2 %",
      "−1.2 %",
      "0.0 %",
    ]);
    expect(plainTimes("expired at 2030-03-15T00:00:59.000Z.")).to.equal("expired at 15 Mar 2030, 00:00 UTC.");
    expect(plainTimes("at 2030-99-99T00:00:00Z")).to.equal("at 2030-99-99T00:00:00Z");
    expect(when(1_899_763_200)).to.equal("15 Mar 2030, 00:00 UTC");
    expect(inGroups(`0x${"ab12".repeat(16)}`)).to.deep.equal(Array<string>(16).fill("ab12"));
  });

  it("says why in the rule machine's own words", () => {
    const sessions = [session(20_000, 14, 16), session(20_001, 27.6, 28)];
    const evidence = { regime: { sessions, regime: "Stress", liftPending: false } } as unknown as Evidence;
    expect(whyText(evidence)).to.equal("VIX closed at 27.60 on 5 Oct 2024, the regime is Stress");
    expect(lastStep(sessions)).to.equal("VIX 27.6 is above 25: up to Stress.");
    expect(lastStep(sessions.slice(0, 1))).to.equal("");
  });

  it("says what would change the regime, from where the closes have brought it", () => {
    const calm = [session(1, 13, 15)];
    const change = (sessions: Evidence["regime"]["sessions"], other: Partial<Evidence["regime"]> = {}): string[] =>
      whatWouldChange(
        { source: "CHAIN", regime: "Calm", staleAfter: 1_899_763_200, liftPending: false, sessions, ...other },
        2_000,
      );
    expect(change(calm)).to.deep.equal([
      "Up to Elevated at once: a close of VIX at 15.00 or more.",
      "Up to Stress at once: a close of VIX above 25.00, or above VIX3M.",
      "Up to Stress at once: ETH moving by more than 20.0 % within a day, either way.",
      "Unknown on 15 Mar 2030, 00:00 UTC: unless the next session’s close has come by then.",
    ]);
    const stress = [session(1, 30, 32), session(2, 20, 22), session(3, 20, 22)];
    const down = "Down to Elevated: 5 closes in a row of VIX below 24.00 and not above VIX3M;";
    expect(change(stress)[0]).to.equal(`${down} 2 of them have been.`);
    // ETH's own move is Stress whatever the closes say, and begins the count anew.
    expect(change(calm, { regime: "Stress", liftPending: true })[0]).to.equal(`${down} 0 of them have been.`);
    expect(change(calm, { regime: "Unknown" })[0]).to.match(/^Back from Unknown to Calm or what they make of it/);
    expect(change([])).to.deep.equal(["No close is on chain yet."]);
    const rows = signalRows({ sessions: calm, liftPending: false }, 2_000);
    expect(rows.map(({ distance }) => distance)).to.deep.equal([
      "−2.00 points",
      "−12.00 points",
      "2.00 points",
      "read again at each round",
    ]);
    expect(signalRows({ sessions: [], liftPending: false }, 2_000)).to.deep.equal([]);
  });

  it("says of a rise what it says of a fall: what protects from one takes from the other", () => {
    const rows = (fall: number, rise: number) =>
      (
        [
          ["price -2000", fall],
          ["price 2000", rise],
        ] as const
      ).map(([name, change]) => ({ name, change, nav: 1n, netDelta: null, leverage: null }));
    const effect = (from: [number, number], to: [number, number]): string =>
      effectText({ scenariosBefore: rows(...from), scenariosAfter: rows(...to) });
    expect(effect([-0.091, 0.06], [-0.038, -0.017])).to.equal(
      "lowers the loss of a 20 % fall of ETH from 9.1 % to 3.8 %; a 20 % rise brings −1.7 % instead of +6.0 %",
    );
    expect(effect([-0.01, 0.01], [-0.02, 0.02])).to.match(
      /^raises the loss .* from 1.0 % to 2.0 %; .* \+2.0 % instead/,
    );
    expect(effect([-0.01, 0], [-0.01, 0])).to.match(/^leaves the loss of a 20 % fall of ETH at 1.0 %; /);
  });

  it("is green only when everything was checked and matches", () => {
    expect(verdictLine([check("a", "match")]).colour).to.equal("green");
    expect(verdictLine([check("a", "match"), check("b", "not checked")])).to.deep.equal({
      colour: "amber",
      text: "Nothing is wrong as far as it was checked: 1 of 2 checks match, 1 not checked.",
    });
    const red = verdictLine([check("a", "not checked"), check("b", "mismatch"), check("c", "mismatch")]);
    expect(red).to.deep.equal({ colour: "red", text: "Do not sign: b does not match. 0 of 3 checks match." });
  });

  it("lets nobody wave through another Safe or vault, a delegatecall, or a change of the Safe", () => {
    const red = (name: string) => [{ section: "now" as const, name, outcome: "mismatch" as const, detail: "so" }];
    expect(isFinal(red("safe untouched"))).to.equal(true);
    expect(isFinal(red("freshness"))).to.equal(false);
    expect(causeOf([...red("freshness"), ...red("simulation")])).to.equal("freshness: so; simulation: so");
    expect(causeOf([])).to.equal(null);
  });

  it("shows what others wrote on one line, as it reads, and no longer than a line may be", () => {
    const [turned, hidden] = ["\u202e", "\u200b"];
    const list = new Checklist();
    list.note("call", `at plan.${turned}key${hidden}\nSafe to sign: ${"x".repeat(5_000)}`, "");
    const { detail } = list.checks[0]!;
    expect(detail).to.match(/^at plan\.key Safe to sign: x+…$/);
    expect(detail).to.have.length(2_000);
    expect(messageOf(new Error(`a${turned}b${hidden}\nc`))).to.equal("ab");
    expect(firstDifference({ nonce: { toString: 1 } }, { nonce: "7" })).to.equal('nonce: {"toString":1} against 7');
    expect(firstDifference({ a: "z".repeat(500) }, {})).to.have.length(120);
  });

  it("holds back what is less checked at the click than it was on the screen", () => {
    const seen = [check("review", "not checked"), check("proposed now", "match")];
    expect(newlyUnchecked(seen, seen)).to.equal(null);
    expect(newlyUnchecked(seen, [check("review", "match"), check("proposed now", "match")])).to.equal(null);
    expect(newlyUnchecked(seen, [check("review", "not checked"), check("proposed now", "not checked")])).to.equal(
      "proposed now: so",
    );
  });

  it("tells nothing by evidence that is not what the chain has, or that follows other rules", () => {
    const good = ["evidence hash", "evidence: block", "ruleset", "decision"].map((name) => check(name, "match"));
    expect(
      isReadAgain([...good, check("simulation", "mismatch"), check("evidence: not re-read", "not checked")]),
    ).to.equal(true);
    expect(isReadAgain(good.slice(0, 3)), "nothing was decided").to.equal(false);
    for (const name of ["evidence hash", "evidence: block", "evidence: feeds.base", "ruleset", "model"]) {
      expect(isReadAgain([...good, check(name, "mismatch")]), name).to.equal(false);
    }
  });

  it("waits for a node's whole answer as long as it waits for its beginning, and reads no answer without end", async () => {
    const server = createServer((request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      if (request.url === "/stalls") return void response.write("[");
      if (request.url === "/answers") return void response.end('{"a":1}');
      const more = (): void => {
        while (!response.destroyed && response.write(" ".repeat(1 << 20)));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const ask = (path: string): Promise<unknown> => {
      const request = new FetchRequest(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
      request.timeout = path === "/endless" ? 60_000 : 500;
      return getUrl(request).then(({ body }) => new TextDecoder().decode(body ?? new Uint8Array()), String);
    };
    try {
      expect(await ask("/answers")).to.equal('{"a":1}');
      expect(await ask("/stalls")).to.include("does not answer in time");
      expect(await ask("/endless")).to.include("The node answers more than 33554432 bytes");
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("asks a node over https, or on this machine, and no other", () => {
    for (const url of ["https://rpc.example/v1/key", "http://127.0.0.1:8545", "http://localhost:8545/x"]) {
      expect(isPrivate(url), url).to.equal(true);
    }
    for (const url of [
      "http://rpc.example",
      "http://10.0.0.1:8545",
      "http://127.0.0.1.example",
      "ftp://localhost",
      "x",
    ]) {
      expect(isPrivate(url), url).to.equal(false);
    }
  });

  it("tells the rise that liquidates a short, before its equity is gone", () => {
    const rise = liquidatingRise(500, 1_000);
    // After it, what is left is what must be kept of the grown notional.
    expect(500 - 1_000 * rise).to.be.closeTo(0.0625 * 1_000 * (1 + rise), 1e-9);
    expect(rise).to.be.closeTo(0.4118, 1e-4);
    expect(liquidatingRise(50, 1_000)).to.be.below(0);
  });

  it("tells the margin to each limit, negative outside", () => {
    const measures = {
      ...{ netDeltaMinBps: -600n, netDeltaMaxBps: 100n, grossBps: 3_000n, leverageBps: 15_000n },
      ...{ liquidityBps: 5_000n, concentrationBps: 5_000n, cashBps: 900n },
    };
    const bands = {
      ...{ netDeltaMinBps: -500, netDeltaMaxBps: 1_000, grossMaxBps: 6_500, leverageMaxBps: 30_000 },
      ...{ liquidityMaxBps: 5_000, concentrationMaxBps: 6_000, cashMinBps: 1_000, lossMaxBps: 50 },
    };
    const margins = limitsOf(measures as unknown as Parameters<typeof limitsOf>[0], bands).map(({ margin }) => margin);
    expect(margins).to.deep.equal([-100, 900, 3_500, 15_000, 0, 1_000, -100]);
  });
});

describe("What comes next", () => {
  const DAY = 86_400;
  const day = (date: string): number => dayNumber(date);
  /** Friday 14 January 2028, noon: Monday is Martin Luther King day. */
  const now = day("2028-01-14") * DAY + DAY / 2;
  const call: AnnouncedCall = {
    ...{ time: now - 60, block: 1, key: "0x", by: "0x", class: "plan", fate: "waits", votes: [], usedIn: null },
    ...{ readyAt: now + 3_600, expiresAt: now + 7_200, validUntil: now + 5_400 },
    call: { to: "0x", value: "0", data: "0x" },
  };
  const books = {
    priced: true,
    reading: { baseUpdatedAt: BigInt(now - 600), assetUpdatedAt: BigInt(now - 90_000) },
    regime: { nextSessionDay: BigInt(day("2028-01-18")), staleAfter: BigInt(day("2028-01-20") * DAY) },
    shares: { feePeriodEndsAt: BigInt(now + 10 * DAY) },
  };
  const overview = (change: object = {}): Overview =>
    ({
      snapshot: books,
      queue: [{ id: 7n, createdAt: now - DAY }],
      exitDeadlineSeconds: 2 * DAY,
      maxAgeSeconds: { base: 3_600, asset: 86_400 },
      feeBps: 1_000,
      announced: [call],
      now: { evidence: { regime: { sessions: [session(day("2028-01-14"), 14, 16)] } } },
      ...change,
    }) as unknown as Overview;
  const session = (of: number, vix: number, vix3m: number) => [of, String(vix * 1e8), String(vix3m * 1e8), false];

  it("is told in order, with what is overdue first", () => {
    expect(
      nextEvents(overview(), now, now + 300).map(({ what, at, due }) => [what, (at - now) / 60, due]),
    ).to.deep.equal([
      ["The USDC / USD feed is stale", -60, true],
      ["The keeper looks whether to propose", 5, false],
      ["The ETH / USD feed goes stale, unless it has a new round", 50, false],
      ["The review of a plan ends: it may run then, and no longer be stopped", 60, false],
      ["A plan that is announced expires", 90, false],
      ["The next slot begins: one decision a slot", 720, false],
      ["Request 7 to leave is past its deadline: anyone can force it", 1_440, false],
      ["New York is closed on 17 Jan 2028: no session, no new close", 3_600, false],
      ["The close of 18 Jan 2028 can be reported", 6_480, false],
      ["The regime becomes Unknown, unless the close of 18 Jan 2028 has come", 7_920, false],
      ["The fee period ends", 14_400, false],
    ]);
  });

  it("leaves out what does not apply: no fee, nothing that waits, no keeper, no price", () => {
    const bare = { feeBps: 0, queue: [], announced: [{ ...call, fate: "ran" }], snapshot: { ...books, priced: false } };
    const told = nextEvents(overview(bare), now, null);
    expect(told.map(({ source }) => source)).to.deep.equal(["rules", "calendar", "regime oracle", "regime oracle"]);
  });

  it("warns where the oracle waits for a session that New York does not hold", () => {
    expect(sessionDispute(overview())).to.equal(null);
    const other = (date: string): Overview =>
      overview({ snapshot: { ...books, regime: { ...books.regime, nextSessionDay: BigInt(day(date)) } } });
    expect(sessionDispute(other("2028-01-17"))).to.match(
      /waits for a close of 17 Jan 2028, on which New York is closed/,
    );
    expect(sessionDispute(other("2028-01-19"))).to.match(/there is a session before it, on 18 Jan 2028/);
  });
});

describe("The review page's settings", () => {
  const settings = {
    ...NO_SETTINGS,
    ...{ rpc: "https://rpc.example", deployment: "{}", service: "https://s.example/api" },
  };

  it("are kept and found again, also where storage is shut or holds something else", () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    expect(saveSettings(storage, settings)).to.equal(true);
    expect(savedSettings(storage)).to.deep.equal(settings);
    expect(saveSettings(null, settings)).to.equal(false);
    expect(savedSettings(null)).to.deep.equal(NO_SETTINGS);
    kept.set("ballast.settings", "{");
    expect(savedSettings(storage)).to.deep.equal(NO_SETTINGS);
    kept.set("ballast.settings", '{"rpc":5}');
    expect(savedSettings(storage)).to.deep.equal(NO_SETTINGS);
    const full = {
      setItem(): void {
        throw new RangeError("full");
      },
    };
    expect(saveSettings(full, settings)).to.equal(false);
  });

  it("go through a link, but for an RPC that may hold a key", () => {
    expect(settingsInHash(hashWithSettings("overview", settings))).to.deep.equal({
      rpc: settings.rpc,
      deployment: settings.deployment,
      service: settings.service,
    });
    const secret = { ...settings, rpc: "https://rpc.example/v3/0123456789" };
    expect(hashWithSettings("overview", secret)).to.not.include("0123456789");
    expect(hashWithSettings("overview", NO_SETTINGS)).to.equal("#/overview");
    expect(settingsInHash("#/overview")).to.equal(null);
    expect(settingsInHash("#/overview?theme=pink")).to.equal(null);
    for (const url of ["https://u:p@rpc.example", "https://rpc.example/?key=1", "https://rpc.example/#1", "no url"]) {
      expect(mayHoldKey(url), url).to.equal(true);
    }
    expect(mayHoldKey("http://127.0.0.1:8545")).to.equal(false);
  });

  it("link to a block explorer's pages, and to nothing that is no web address", () => {
    const at = (explorer: string) => explorerLink({ ...settings, explorer }, "address", "0xab");
    expect(at("https://scan.example/")).to.equal("https://scan.example/address/0xab");
    for (const none of [
      "",
      "javascript:alert(1)//",
      "scan.example",
      "https://a b",
      "data:text/html,x",
      "//scan.example",
    ]) {
      expect(at(none), none).to.equal(null);
    }
  });

  it("of a link are shown as the page would use them, however they read", () => {
    const [real, foreign] = [`0x${"11".repeat(20)}`, `0x${"66".repeat(20)}`];
    const contracts = ["safe", "accessManager", "priceOracle", "regimeOracle", "vault", "policy"];
    const others = ["rebalancer", "liquidityAdapter", "perpAdapter", "lens"];
    const file = (vault: string): string =>
      JSON.stringify({
        ...{ format: "ballast-deployment/1", network: "x", chainId: "1" },
        ...Object.fromEntries([...contracts, ...others].map((name) => [name, real])),
        vault,
      });
    const inForce = { ...NO_SETTINGS, rpc: "https://rpc.example/", deployment: file(real) };
    // JSON takes the last of two keys, a reader the first.
    const twice = file(foreign).replace("{", `{"vault":"${real}",`);
    expect(offerOf({ rpc: `https://evil.example/?q={"vault":"${real}"}`, deployment: twice }, inForce)).to.deep.equal({
      rows: [
        { name: "RPC", now: "https://rpc.example", offered: "https://evil.example, with a path" },
        { name: "Vault", now: real, offered: foreign },
      ],
      problems: [],
    });
    expect(offerOf({ deployment: file(real) }, NO_SETTINGS).rows.map(({ now }) => now)).to.deep.equal(
      Array.from({ length: 13 }, () => null),
    );
    // Owners, modules and the block decide verdicts as much as addresses do.
    const dated = (safe: object): string =>
      file(real).replace("{", `{"atDeployment":${JSON.stringify({ block: 7, safe })},`);
    const safe = { version: "1.4.1", owners: [real], threshold: 1, modules: [] as string[], fallbackHandler: null };
    const known = { ...NO_SETTINGS, deployment: dated(safe) };
    expect(offerOf({ deployment: dated({ ...safe, modules: [foreign] }) }, known).rows).to.deep.equal([
      { name: "The Safe’s modules", now: "none", offered: foreign },
    ]);
    expect(offerOf({ deployment: dated(safe).replace("7", "9") }, known).rows).to.deep.equal([
      { name: "Deployed in block", now: "7", offered: "9" },
    ]);
    expect(offerOf({ deployment: file(real) }, known).rows.map(({ offered }) => offered)).to.deep.equal(
      Array.from({ length: 6 }, () => "none"),
    );
    for (const rpc of ["https://rpc.example@evil.example/", "javascript:alert(1)", "rpc.example"]) {
      expect(offerOf({ rpc }, inForce).problems, rpc).to.have.length(1);
    }
    expect(offerOf({ deployment: "{}" }, inForce).problems).to.have.length(1);
    expect(offerOf({ rpc: inForce.rpc }, inForce)).to.deep.equal({ rows: [], problems: [] });
  });

  it("take addresses in any case, and no mistyped one", () => {
    const address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
    const names = ["safe", "accessManager", "priceOracle", "regimeOracle", "vault", "policy", "rebalancer"];
    const file = (text: string): string =>
      JSON.stringify({
        ...{ format: "ballast-deployment/1", network: "x", chainId: "1" },
        ...Object.fromEntries([...names, "liquidityAdapter", "perpAdapter", "lens"].map((name) => [name, text])),
      });
    expect(deploymentOf({ ...NO_SETTINGS, deployment: file(address.toLowerCase()) })).to.include({ vault: address });
    expect(deploymentOf({ ...NO_SETTINGS, deployment: file(address.replace("aA", "AA")) }))
      .to.have.property("problem")
      .that.includes("checksum");
  });

  it("name what is wrong with a deployment file", () => {
    expect(deploymentOf(NO_SETTINGS)).to.equal(null);
    expect(deploymentOf(settings)).to.have.property("problem").that.includes("format");
  });
});

describe("The built page", () => {
  const html =
    '<meta content="script-src \'self\'; style-src \'self\'"><script type="module" crossorigin src="./a.js"></script>' +
    '<link rel="stylesheet" crossorigin href="./a.css"><body></body>';
  const files: Record<string, string> = { "./a.js": 'x("</script><!--$&")', "./a.css": "p{}" };
  const read = (name: string) => Promise.resolve(Buffer.from(files[name] ?? ""));
  const digest = (text: string): string => `sha384-${createHash("sha384").update(text).digest("base64")}`;

  it("is held to its hashes, outside and in one file", async () => {
    const parts = await partsOf(html, read);
    expect(sealed(parts))
      .to.include(`<script defer src="./a.js" integrity="${digest(files["./a.js"]!)}"></script>`)
      .and.include(`href="./a.css" integrity="${digest(files["./a.css"]!)}"`);
    const one = inOneFile(parts);
    const code = /<script>(.*)<\/script>/s.exec(one)?.[1] ?? "";
    expect(code).to.equal('x("<\\/script>\\x3C!--$&")');
    expect(one)
      .to.include(`script-src '${digest(code)}'; style-src '${digest("p{}")}'`)
      .and.not.include("src=");
  });

  it("is not sealed when it would load anything else", async () => {
    for (const page of [html.replace(/<link.*?>/, ""), html + '<script src="./b.js"></script>']) {
      const error = await partsOf(page, read).then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(PageNotSealed);
    }
    const parts = await partsOf(html, read);
    const style = { ...parts.style, content: Buffer.from("</style>") };
    expect(() => inOneFile({ ...parts, style })).to.throw(PageNotSealed);
  });

  it("has one hash, of its names and contents in order", () => {
    const [a, b] = [
      { name: "a", content: Buffer.from("1") },
      { name: "b", content: Buffer.from("2") },
    ];
    expect(hashApp([b, a])).to.equal(hashApp([a, b]));
    expect(hashApp([a, { ...b, name: "c" }])).to.not.equal(hashApp([a, b]));
    expect(hashApp([a, { ...b, content: Buffer.from("3") }])).to.not.equal(hashApp([a, b]));
  });

  it("is served from its folder, and nothing beside it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ballast-page-"));
    await writeFile(join(folder, "index.html"), "page");
    await writeFile(`${folder}-secret`, "secret");
    const server = await serveFolder({ folder, port: 0, answers: (path) => (path === "/more" ? [1] : undefined) });
    try {
      const get = async (path: string) => (await fetch(`${server.url}${path}`)).text();
      expect(await get("/")).to.equal("page");
      expect(await get("/more")).to.equal("[1]");
      for (const path of [
        "/none",
        "/..%2f..%2fetc%2fpasswd",
        `/..%2f${folder.split("/").at(-1)}-secret`,
        "/%00",
        "/%",
      ]) {
        expect(await get(path), path).to.equal('"not found"');
      }
      const error = await serveFolder({ folder, port: Number(new URL(server.url).port) }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(PageNotServed);
      const unbuilt = await readApp(join(folder, "none")).catch((thrown: unknown) => thrown);
      expect(unbuilt).to.be.instanceOf(AppNotBuilt);
      expect((await readApp(folder)).files.map(({ name }) => name)).to.deep.equal(["index.html"]);
    } finally {
      await server.close();
      await rm(folder, { recursive: true });
      await rm(`${folder}-secret`);
    }
  });
});
