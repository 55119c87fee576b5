import { readFileSync } from "node:fs";
import { expect } from "chai";
import { DEFAULT_POLICY, ParametersError, parseParameters } from "../../deploy/parameters.ts";

const EXAMPLE = new URL("../../deploy/networks/example.json", import.meta.url);
const text = readFileSync(EXAMPLE, "utf8");

type Json = Record<string, unknown>;

/** The example with the value at a path replaced, or removed. */
function changed(path: string, value?: unknown): string {
  const whole = JSON.parse(text) as Json;
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  const parent = keys.reduce((part, key) => part[key] as Json, whole);
  // JSON has no undefined: the key is left out.
  parent[last] = value;
  return JSON.stringify(whole);
}

describe("the deployment parameters", () => {
  it("in the example file are whole, and hold the default policy", () => {
    expect(parseParameters(text, "example.json").policy).to.deep.equal(DEFAULT_POLICY);
  });

  it("in the example file name no address that could be deployed against", () => {
    const addresses = text.match(/0x[0-9a-fA-F]{40}/g) ?? [];
    expect(addresses).to.have.lengthOf(new Set(addresses).size).and.not.be.empty;
    for (const address of addresses) expect(BigInt(address) < 1n << 16n, address).to.equal(true);
  });

  it("may leave out the sequencer with null, and only with null", () => {
    expect(parseParameters(changed("feeds.sequencer", null), "file").feeds.sequencer).to.equal(null);
    const none = { ...(JSON.parse(text) as { feeds: Json }).feeds, sequencer: null, sequencerGrace: 0 };
    expect(parseParameters(changed("feeds", none), "file").feeds.sequencerGrace).to.equal(0);
    expect(() => parseParameters(changed("feeds.sequencer"), "file")).to.throw(ParametersError, "feeds.sequencer");
  });

  const bad: [string, string, unknown][] = [
    ["a short address", "safe", "0x1234"],
    ["a chain id that is a number", "chainId", 10],
    ["a negative age", "feeds.base.maxAge", -1],
    ["a fraction of a basis point", "uniswap.gateBps", 100.5],
    ["an amount with a decimal point", "curie.capAssets", "10.5"],
    ["an amount that is a number", "vault.minRequest", 1],
    ["a regime without targets", "policy.Stress.targets", undefined],
    ["a missing delay", "access.adminDelay", undefined],
  ];
  for (const [what, path, value] of bad) {
    it(`name the file and the key of ${what}`, () => {
      expect(() => parseParameters(changed(path, value), "mine.json")).to.throw(
        ParametersError,
        `mine.json: ${path}: `,
      );
    });
  }

  it("may leave out the review guard", () => {
    expect(parseParameters(changed("guard"), "file").guard).to.equal(undefined);
  });

  const unfit: [string, string, number][] = [
    ["a plan window that outlasts a plan", "guard.planWindow", 86_401],
    ["a window and a delay that outlast AccessManager's week", "guard.otherWindow", 345_600],
    ["an announcement that lapses before its delay is over", "guard.expiry", 345_599],
    ["a share above all votes", "guard.planVetoBps", 10_001],
    ["a base answer that may have no age", "feeds.base.maxAge", 0],
    ["a base answer that may be more than a week old", "feeds.base.maxAge", 604_801],
    ["an asset answer that may have no age", "feeds.asset.maxAge", 0],
    ["an asset answer that may be more than a week old", "feeds.asset.maxAge", 604_801],
    ["a sequencer that is trusted too soon", "feeds.sequencerGrace", 599],
    ["a sequencer that is trusted too late", "feeds.sequencerGrace", 86_401],
    ["a deviation of all the price", "feeds.base.deviationBps", 10_000],
  ];
  for (const [what, path, value] of unfit) {
    it(`name ${what}`, () => {
      expect(() => parseParameters(changed(path, value), "mine.json")).to.throw(
        ParametersError,
        `mine.json: ${path}: `,
      );
    });
  }

  it("may let an answer be a week old, or a second", () => {
    for (const age of [1, 604_800]) {
      expect(parseParameters(changed("feeds.asset.maxAge", age), "file").feeds.asset.maxAge).to.equal(age);
    }
  });

  it("name a key that does not belong there", () => {
    expect(() => parseParameters(changed("uniswap.gatebps", 100), "mine.json")).to.throw(
      ParametersError,
      /mine\.json: uniswap: .*"gatebps"/,
    );
  });

  it("name a file that is no JSON", () => {
    expect(() => parseParameters("safe: 0x", "mine.json")).to.throw(ParametersError, "mine.json: not JSON");
  });
});
