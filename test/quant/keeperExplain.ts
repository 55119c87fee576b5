import { readFileSync } from "node:fs";
import { expect } from "chai";
import fc from "fast-check";
import { explain, explainPacket } from "../../src/keeper/explain.ts";
import { TICK_STEPS } from "../../src/keeper/rows.ts";
import type { ProposalRow, StepNote, TickRow } from "../../src/keeper/rows.ts";
import { atClose, atPrice, closeTurns, nextCloseTurns, outcomeOf, priceTurns } from "../../src/keeper/whatIf.ts";
import { decide } from "../../src/plan/decide.ts";
import { EVIDENCE_FORMAT, evidenceHash, parseEvidence } from "../../src/plan/evidence.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import { encodePlan } from "../../src/plan/plan.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { CODE_VERSION, IN_FORCE } from "../../src/plan/ruleset.ts";
import { regimeLevel } from "../../src/plan/state.ts";
import { createPacket } from "../../src/safe/packet.ts";
import { plainCall } from "../../src/safe/transaction.ts";

/**
 * Evidence as the keeper observed it on the local chain (test/helpers/vaultScene.ts): of a new vault, of one whose first plan
 * was executed, and of that one after a close of VIX 30.
 */
const VECTORS = JSON.parse(readFileSync(new URL("../vectors/evidence.json", import.meta.url), "utf8")) as Record<
  "fresh" | "inside" | "stress",
  unknown
>;
/** What was observed, under the rules of today. */
const underRulesOfToday = (observed: unknown): Evidence =>
  parseEvidence({
    ...(observed as object),
    format: EVIDENCE_FORMAT,
    code: { source: "INFORMATION", name: "ballast", version: CODE_VERSION },
    ...IN_FORCE,
  });
const FRESH = underRulesOfToday(VECTORS.fresh);
const INSIDE = underRulesOfToday(VECTORS.inside);
const STRESS = underRulesOfToday(VECTORS.stress);

const AT = new Date("2030-02-04T00:05:00Z");
const SAFE_TX = `0x${"ab".repeat(32)}`;

describe("explain", () => {
  describe("tells a decision's story", () => {
    it("of a plan: what was there, the targets, the band, the plan, its simulation and its fate", () => {
      const story = explain(tickOf(FRESH), proposalOf(FRESH, "executed"), FRESH);
      const text = story.join("\n");
      for (const part of [
        "Vault main, slot 2030-02-04T00:05Z: PROPOSED.",
        "of what was out, 0xcccccccc… expired (three days over); 0 still open",
        "Then it took in the close of 2030-02-01.",
        `block ${FRESH.block.number}`,
        "ETH/USD 2,812.0000 (round 1, ",
        "of 250 session closes is of 2030-02-01: VIX 13.3, VIX3M 14.9 (rounds 250 and 250)",
        "VIX 13.3 is below 15: still Calm.",
        "holds 5,000,000.00 USDC",
        "liquidity 60 % of NAV in a range of ±2500 ticks, a short of 60 % of the liquidity's delta, margin 120 %",
        "Liquidity is opened",
        "The short moves to 226.2255 ETH, the band's nearer edge",
        "no-trade band ±93.6566 ETH",
        "Hence a plan: The regime is Calm",
        "succeeds with 1900000 gas; NAV goes from 5,000,000.00 USDC to 4,997,503.48 USDC",
        `Safe transaction ${SAFE_TX}, nonce 3, at out/a.packet.json`,
        "announced to the review guard (0xdddddddd…, ready from 2030-02-05T00:05:00Z)",
        "it was executed at 2030-02-04T00:05:00Z, in 0xeee (seen in block 200)",
      ]) {
        expect(text).to.include(part);
      }
      // The numbers are the rules' own.
      const decision = decide(FRESH);
      expect(decision.kind).to.equal("rebalance");
      expect(text).to.include(decision.sentence);
    });

    it("of holding: why each position may stay", () => {
      const story = explain(null, null, INSIDE).join("\n");
      expect(story).to.include("Hence nothing is proposed, INSIDE_BAND");
      expect(story).to.include("Liquidity stays: 60.02 % of NAV against 60 %");
      expect(story).to.include("The short stays though it is outside");
      expect(story).to.include("not worth a signature");
      expect(story).to.match(/The margin of [\d,.]+ USDC stays/);
    });

    it("of a short well inside its band: how far from the edge", () => {
      // A hundred more ETH short at the same price: 326 against a target of 320.
      const size = (BigInt(INSIDE.perp.size) - 100n * 10n ** 18n).toString();
      const openNotional = (BigInt(INSIDE.perp.openNotional) + 281_200n * 10n ** 6n).toString();
      const deeper: Evidence = { ...INSIDE, perp: { ...INSIDE.perp, size, openNotional } };
      expect(explain(null, null, deeper).join("\n")).to.match(/The short stays: .+ ETH inside the edge/);
    });

    it("of a change of regime: which rule, and what it takes to come down again", () => {
      const story = explain(null, null, STRESS).join("\n");
      expect(story).to.include("VIX 30 is above 25: up to Stress. The regime is Stress, for 1 close.");
      expect(story).to.include("Liquidity changes");
      expect(story).to.include("A step down takes 5 closes in a row below 24 and not above VIX3M.");
    });

    it("of a streak, a lift and an Unknown regime", () => {
      const closes = [...STRESS.regime.sessions, session(1, 20), session(2, 20)];
      const streak = { ...STRESS, regime: { ...STRESS.regime, sessions: closes } };
      expect(explain(null, null, streak).join("\n")).to.include("2 of the 5 closes in a row that a step down takes");
      const lifted: Evidence = { ...INSIDE, regime: { ...INSIDE.regime, liftPending: true, regime: "Stress" } };
      expect(explain(null, null, lifted).join("\n"))
        .to.include("ETH's own move within a day lifted it to Stress")
        .and.include("No other VIX close of the last session");
      const unknown: Evidence = { ...INSIDE, regime: { ...INSIDE.regime, regime: "Unknown" } };
      const told = explain(null, null, unknown).join("\n");
      expect(told).to.include("The chain calls the regime Unknown").and.include("REGIME_UNKNOWN");
      expect(told, "what it holds is told all the same").to.include("The vault holds");
      const disputed: Evidence = { ...INSIDE, regime: { ...INSIDE.regime, regime: "Elevated" } };
      expect(explain(null, null, disputed).join("\n")).to.include(
        "The chain says Elevated and its own closes give Calm",
      );
    });

    it("of an empty vault, and of a plan that leaves liquidity alone", () => {
      const empty: Evidence = { ...FRESH, vault: { ...FRESH.vault, cash: "0" } };
      expect(explain(null, null, empty).join("\n"))
        .to.include("The vault holds nothing.")
        .and.include("NO_ASSETS");
      const hedge: Evidence = { ...STRESS, scope: "hedge" };
      expect(explain(null, null, hedge).join("\n")).to.include("left as it is");
    });

    it("of a tick whose evidence is gone, from what it noted", () => {
      const story = explain({ ...tickOf(FRESH), code: null, sentence: null }, null, null).join("\n");
      expect(story).to.include("is not here (its hash is 0x");
      expect(story).to.include("Block 144 of 2030-02-04T00:33:23Z: price 2812 (as noted)");
      expect(story).to.include("Targets: liquidity 60 % of NAV");
      expect(story).to.include("Decided: The regime is Calm: opens.");
      expect(story).not.to.include("What would have changed");
      expect(story).to.include("What became of it is not in the store.");
    });

    it("of a slot that was missed, one that is due, one that broke off and one that fails in simulation", () => {
      const tick = tickOf(FRESH);
      const first = (changes: Partial<TickRow>): string => explain({ ...tick, ...changes }, null, null)[0] ?? "";
      expect(first({ status: "missed", code: null })).to.include("nothing was done in it");
      expect(first({ status: "due", code: null, startedAt: null })).to.include("has not begun");
      expect(first({ status: "running", code: null, finishedAt: null, leaseUntil: AT, attempts: 2 }))
        .to.include("at attempt 2 and has not ended, the last step noted is announce")
        .and.include("another worker may take it up from 2030-02-04T00:05:00Z");
      const failing = {
        ...tick,
        steps: [note("simulate", { ok: false, revert: { text: "PoolPriceOutsideGate(1)" } })],
      };
      expect(explain(failing, null, FRESH).join("\n")).to.include("it fails: PoolPriceOutsideGate(1).");
    });
  });

  describe("does not take the record's word for it", () => {
    it("says when the evidence is another's, or of other rules", () => {
      const story = explain({ ...tickOf(FRESH), evidenceHash: evidenceHash(INSIDE) }, null, FRESH).join("\n");
      expect(story).to.include("and not to").and.include("was changed");
      const foreign = { ...FRESH, ruleset: { name: "others", version: 9, hash: `0x${"00".repeat(32)}` } };
      expect(explain(null, null, foreign).join("\n")).to.include("is of ruleset others 9");
    });

    it("says when the keeper noted another decision than the evidence gives", () => {
      const tick = {
        ...tickOf(FRESH),
        steps: [note("plan", { kind: "hold", code: "INSIDE_BAND", sentence: "all well" })],
      };
      expect(explain(tick, null, FRESH).join("\n")).to.include('noted something else: hold INSIDE_BAND, "all well"');
      const same = { ...tickOf(INSIDE), steps: [note("plan", { kind: "hold", code: "INSIDE_BAND" })] };
      expect(explain(same, null, INSIDE).join("\n")).not.to.include("something else");
      const other = { ...tickOf(INSIDE), steps: [note("plan", { kind: "hold", code: "NO_ASSETS" })] };
      expect(explain(other, null, INSIDE).join("\n")).to.include("noted something else: hold NO_ASSETS");
    });

    it("says when a packet's plan is not the one its evidence gives", () => {
      const decision = decide(FRESH);
      if (decision.kind !== "rebalance") expect.fail(decision.sentence);
      const packet = (plan: Plan, evidence: Evidence) =>
        createPacket({
          chainId: FRESH.chainId,
          safe: FRESH.contracts.safe,
          safeTx: plainCall(FRESH.contracts.rebalancer, encodePlan(plan), 7n),
          plan,
          evidence,
        });
      const honest = explainPacket(packet(decision.plan, FRESH)).join("\n");
      expect(honest).to.include("nonce 7 of Safe").and.include("is the one the rules give").and.include("0 signatures");
      const [perp] = decision.plan.perps;
      const greedy = { ...decision.plan, perps: [{ ...perp!, size: `${perp!.size}0` }] };
      expect(explainPacket(packet(greedy, FRESH)).join("\n"))
        .to.include("is not the one the rules give from its evidence (perps.0.size")
        .and.include("do not sign it");
      expect(explainPacket(packet(decision.plan, INSIDE)).join("\n")).to.include("rules give none (INSIDE_BAND)");
      const call = createPacket({
        chainId: FRESH.chainId,
        safe: FRESH.contracts.safe,
        safeTx: plainCall(FRESH.contracts.vault, "0x12345678", 7n),
        plan: {},
        evidence: {},
      });
      expect(explainPacket(call).join("\n")).to.include("cannot be compared").and.include("cannot be used");
    });
  });

  describe("says what would have changed it", () => {
    it("with prices that turn the decision to the feed's last digit", () => {
      let turns = 0;
      for (const evidence of [INSIDE, STRESS]) {
        const kind = outcomeOf(decide(evidence)).kind;
        const { below, above } = priceTurns(evidence);
        for (const [turn, back] of [
          [below, 1n],
          [above, -1n],
        ] as const) {
          if (turn === null) continue;
          turns++;
          const there = outcomeOf(decide(atPrice(evidence, turn.at)));
          expect(there).to.deep.equal(turn.outcome);
          expect(there.kind).not.to.equal(kind);
          expect(outcomeOf(decide(atPrice(evidence, turn.at + back))).kind).to.equal(kind);
        }
      }
      expect(turns).to.equal(3);
      expect(explain(null, null, INSIDE).join("\n")).to.include("at 2,802.43 (−0.34 %) it would raise the short");
    });

    it("with closes that turn the regime to the last digit, by the rule the chain follows", () => {
      const elevated = atClose(INSIDE, 1_450_000_000n);
      expect(closeTurns(elevated).above?.at, "above VIX3M").to.equal(BigInt(INSIDE.feeds.vix3m.answer) + 1n);
      const { below, above } = closeTurns(STRESS);
      expect(above).to.equal(null);
      expect(below).to.deep.include({ at: 2_500_000_000n, regime: "Elevated" });
      expect(regimeLevel(atClose(STRESS, below!.at))).to.equal("Elevated");
      expect(regimeLevel(atClose(STRESS, below!.at + 1n))).to.equal("Stress");
      expect(outcomeOf(decide(atClose(STRESS, below!.at)))).to.deep.equal(below!.outcome);
      const told = explain(null, null, STRESS).join("\n");
      expect(told).to.include("closed at 30: up to 25 the regime had been Elevated");
    });

    it("with what the next session has to close at, streaks counted", () => {
      expect(nextCloseTurns(INSIDE)).to.deep.equal({ below: null, above: BigInt(INSIDE.feeds.vix3m.answer) + 1n });
      expect(nextCloseTurns(STRESS)).to.deep.equal({ below: null, above: null });
      const four = [1, 2, 3, 4].map((ahead) => session(ahead, 20));
      const waiting = { ...STRESS, regime: { ...STRESS.regime, sessions: [...STRESS.regime.sessions, ...four] } };
      // Below 24, so that the fifth close in a row is there.
      expect(nextCloseTurns(waiting)).to.deep.equal({ below: 2_399_999_999n, above: null });
      expect(explain(null, null, waiting).join("\n"))
        .to.include("one up to 23.99999999 less")
        .and.not.include("takes 1");
    });

    it("and says so where nothing within reach would", () => {
      expect(explain(null, null, FRESH).join("\n")).to.include("no price within a factor of 1.6 changes what is done");
    });
  });

  it("never throws, whatever is missing or was noted", () => {
    const step: fc.Arbitrary<StepNote> = fc.record({
      step: fc.constantFrom(...TICK_STEPS),
      at: fc.date({ noInvalidDate: false }),
      ms: fc.double(),
      value: fc.oneof(fc.jsonValue(), fc.constantFrom(...tickOf(FRESH).steps.map(({ value }) => value))),
    });
    const maybeDate = fc.option(fc.date({ noInvalidDate: false }));
    const tick = fc.record<TickRow>({
      vault: fc.string(),
      slot: fc.string(),
      status: fc.constantFrom("due", "running", "done", "missed"),
      code: fc.option(fc.string()),
      sentence: fc.option(fc.string()),
      attempts: fc.integer(),
      worker: fc.option(fc.string()),
      leaseUntil: maybeDate,
      dueAt: fc.date({ noInvalidDate: false }),
      startedAt: maybeDate,
      finishedAt: maybeDate,
      steps: fc.array(step, { maxLength: 12 }),
      safeTxHash: fc.option(fc.string()),
      evidenceHash: fc.option(fc.string()),
    });
    const proposal = fc.constantFrom<(ProposalRow | null)[]>(null, proposalOf(FRESH, "open"), {
      ...proposalOf(FRESH, "vetoed"),
      closedAt: new Date(NaN),
      where: [],
    });
    fc.assert(
      fc.property(fc.option(tick), proposal, fc.jsonValue(), (row, proposed, evidence) => {
        const story = explain(row, proposed, evidence);
        expect(story.every((paragraph) => typeof paragraph === "string" && paragraph !== "")).to.equal(true);
      }),
      { numRuns: 300 },
    );
  });

  it("never throws on evidence that is well-formed and makes no sense", () => {
    const amount = fc.constantFrom("0", "1", "-1", `-${"9".repeat(70)}`, "9".repeat(70), "281200000000");
    const small = fc.constantFrom(0, 1, -1, 36, 887_272, -900_000, 2 ** 53 - 1);
    fc.assert(
      fc.property(fc.constantFrom(FRESH, INSIDE), amount, amount, small, small, (base, a, b, n, decimals) => {
        const changed = [
          { ...base, feeds: { ...base.feeds, base: { ...base.feeds.base, answer: a } } },
          { ...base, feeds: { ...base.feeds, asset: { ...base.feeds.asset, answer: a, updatedAt: n } } },
          { ...base, vault: { ...base.vault, cash: a, totalSupply: b, baseDecimals: Math.abs(decimals) % 37 } },
          {
            ...base,
            liquidity: { ...base.liquidity, liquidity: a, tickLower: n, tickUpper: decimals, tickSpacing: n },
          },
          { ...base, perp: { ...base.perp, size: a, collateral: b } },
          { ...base, regime: { ...base.regime, sessions: [] } },
          { ...base, regime: { ...base.regime, sessions: [[n, a, b, true] as [number, string, string, boolean]] } },
          { ...base, block: { ...base.block, timestamp: n } },
        ];
        for (const evidence of changed) expect(explain(null, null, evidence)).not.to.be.empty;
      }),
      { numRuns: 3 },
    );
  });
});

function session(ahead: number, vix: number): [number, string, string, boolean] {
  const [day] = STRESS.regime.sessions.at(-1)!;
  return [day + ahead, `${vix}00000000`, `${vix + 11}00000000`, false];
}

function note(step: StepNote["step"], value: unknown): StepNote {
  return { step, at: AT, ms: 12, value };
}

function tickOf(evidence: Evidence): TickRow {
  return {
    vault: "main",
    slot: "2030-02-04T00:05Z",
    status: "done",
    code: "PROPOSED",
    sentence: "The regime is Calm: opens.",
    attempts: 1,
    worker: "worker-1",
    leaseUntil: null,
    dueAt: AT,
    startedAt: AT,
    finishedAt: new Date(AT.getTime() + 3_200),
    steps: [
      note("reconcile", {
        closed: [{ safeTxHash: `0x${"cc".repeat(32)}`, status: "expired", detail: "three days over" }],
        open: 0,
      }),
      note("chores", { done: ["took in the close of 2030-02-01"] }),
      note("observe", { block: evidence.block, regime: "Calm", price: "2812", nav: "5000000", roundTrips: 4 }),
      note("assess", { regime: "Calm", sentence: "VIX 13.3 is below 15: still Calm", liftPending: false }),
      note("target", { liquidityBps: 6_000, hedgeRatioBps: 6_000, marginBps: 12_000 }),
      note("plan", { kind: "rebalance", sentence: "The regime is Calm: opens" }),
      note("simulate", { ok: true, gasUsed: "1900000", navBefore: "5000000000000", navAfter: "4997503489999" }),
      note("propose", { safeTxHash: SAFE_TX, where: ["out/a.packet.json"] }),
      note("announce", { key: `0x${"dd".repeat(32)}`, readyAt: "2030-02-05T00:05:00Z" }),
    ],
    safeTxHash: SAFE_TX,
    evidenceHash: evidenceHash(evidence),
  };
}

function proposalOf(evidence: Evidence, status: ProposalRow["status"]): ProposalRow {
  return {
    vault: "main",
    planNonce: "1",
    safeTxHash: SAFE_TX,
    safeNonce: "3",
    slot: "2030-02-04T00:05Z",
    status,
    detail: status === "executed" ? "seen in block 200" : null,
    packet: "{}",
    evidenceHash: evidenceHash(evidence),
    where: ["out/a.packet.json"],
    announcedKey: null,
    intendedAt: AT,
    handedOutAt: AT,
    closedAt: status === "executed" ? AT : null,
    transactionHash: status === "executed" ? "0xeee" : null,
  };
}
