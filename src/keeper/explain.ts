import { z } from "zod";
import { decide, weigh } from "../plan/decide.ts";
import type { Decision, Weighing } from "../plan/decide.ts";
import { evidenceHash, parseEvidence } from "../plan/evidence.ts";
import type { Evidence, FeedRound, PolicyTargets } from "../plan/evidence.ts";
import { abs, BPS, formatFixed } from "../plan/fixedPoint.ts";
import { decodePlan, firstDifference } from "../plan/plan.ts";
import type { Plan } from "../plan/plan.ts";
import { RULES, RULESET_HASH } from "../plan/ruleset.ts";
import { rangeFits, regimeLevel, vaultState } from "../plan/state.ts";
import type { VaultState } from "../plan/state.ts";
import {
  DWELL,
  ELEVATED_FROM,
  explainStep,
  HYSTERESIS,
  Regime,
  run,
  startState,
  STRESS_ABOVE,
} from "../regime/ruleMachine.ts";
import type { Packet } from "../safe/packet.ts";
import { duration } from "./review.ts";
import type { ProposalRow, TickRow, TickStep } from "./rows.ts";
import { closeTurns, lastStep, nextCloseTurns, outcomeOf, priceTurns } from "./whatIf.ts";
import type { Turn } from "./whatIf.ts";

const SECONDS_PER_DAY = 86_400;

/**
 * A tick's decision as a story, a paragraph an entry: what was reconciled, what the chain showed, the targets, why it held or
 * acted, the plan, its simulation, where it went and what became of it, and what would have changed it. All that can be is
 * computed again from the evidence, and where the record says otherwise that is said. Never throws: what is not known, of an
 * old tick or a killed one, is told to be so or left out.
 */
export function explain(tick: TickRow | null, proposal: ProposalRow | null, evidence: unknown): string[] {
  const read = readEvidence(evidence, tick?.evidenceHash ?? proposal?.evidenceHash ?? null);
  const notes = notesOf(tick);
  const { recomputed } = read;
  // Evidence may be well-formed and still beyond what arithmetic bears, halfway through the story too.
  const story = recomputed === null ? null : attempt(() => decisionStory(recomputed, notes));
  const remarks = [
    ...read.remarks,
    ...(recomputed !== null && story === null ? ["Its numbers make no sense together: nothing is recomputed."] : []),
  ];
  return [
    ...(tick === null ? [] : headline(tick)),
    ...(tick === null ? [] : beforehand(notes)),
    ...(remarks.length === 0 ? [] : [remarks.join(" ")]),
    ...(story ?? recorded(notes)),
    ...simulation(notes, recomputed?.evidence ?? null),
    ...fate(tick, notes, proposal),
    ...(recomputed === null || story === null ? [] : whatElse(recomputed)),
  ];
}

/** The same of a packet, which needs no store: what its evidence says, and whether its plan is the one that follows. */
export function explainPacket(packet: Packet): string[] {
  const { evidence } = packet;
  const told = explain(null, null, evidence);
  return [
    `Safe transaction ${packet.safeTxHash}, nonce ${packet.safeTx.nonce} of Safe ${packet.safe} on chain ${packet.chainId}.`,
    ...told,
    againstPlan(packet),
  ];
}

/** Whether the plan in the packet's bytes is the one the rules give. */
function againstPlan(packet: Packet): string {
  const signatures = `It holds ${packet.signatures.length} signature${packet.signatures.length === 1 ? "" : "s"}.`;
  try {
    const plan = decodePlan(packet.safeTx.data);
    const decision = decide(parseEvidence(packet.evidence));
    if (decision.kind === "hold") {
      return `The packet carries a plan, and from its own evidence the rules give none (${decision.code}): do not sign it. ${signatures}`;
    }
    const difference = firstDifference(plan, decision.plan);
    return difference === null
      ? `The plan in the packet's bytes is the one the rules give from its evidence; whether the evidence is what the chain says, "ballast verify" tells. ${signatures}`
      : `The plan in the packet's bytes is not the one the rules give from its evidence (${difference}): do not sign it. ${signatures}`;
  } catch (error) {
    return `Its plan cannot be compared with its evidence (${textOf(error)}): do not sign it. ${signatures}`;
  }
}

// ------------------------------------------------------------------------------------------------------------ evidence

interface Recomputed {
  evidence: Evidence;
  decision: Decision;
  /** Null while the vault cannot be valued, or nothing is decided from its value. */
  state: VaultState | null;
  targets: PolicyTargets | null;
  weighing: Weighing | null;
}

/** The decision once more from its evidence; `remarks` say what is wrong with the evidence, or that there is none. */
function readEvidence(value: unknown, hash: string | null): { recomputed: Recomputed | null; remarks: string[] } {
  if (value === null || value === undefined) {
    const known = hash === null ? "" : ` (its hash is ${hash})`;
    return {
      recomputed: null,
      remarks: [`The evidence of this decision is not here${known}: what follows was noted, nothing is recomputed.`],
    };
  }
  try {
    const evidence = parseEvidence(value);
    const actual = evidenceHash(evidence);
    const { name, version, hash: ruleset } = evidence.ruleset;
    const remarks = [
      ...(hash === null || actual === hash
        ? []
        : [
            `The evidence at hand hashes to ${actual} and not to ${hash}, which the decision named: it is another's, or was changed.`,
          ]),
      ...(ruleset === RULESET_HASH
        ? []
        : [
            `The evidence is of ruleset ${name} ${version}, this version runs ${RULES.name} ${RULES.version}: what is recomputed here may not be what was decided.`,
          ]),
    ];
    return { recomputed: recompute(evidence), remarks };
  } catch (error) {
    return {
      recomputed: null,
      remarks: [`The evidence of this decision cannot be used (${textOf(error)}): nothing is recomputed.`],
    };
  }
}

function recompute(evidence: Evidence): Recomputed {
  const decision = decide(evidence);
  const { regime } = decision;
  const targets = regime === "Unknown" ? null : evidence.policy[regime].targets;
  // Of an unknown or disputed regime the vault is shown all the same; what cannot be valued is left out.
  const state = decision.state ?? attempt(() => vaultState(evidence));
  const decided = decision.state !== null && state !== null && state.nav > 0n;
  const weighing = decided && targets !== null ? weigh(evidence, state, targets) : null;
  return { evidence, decision, state, targets, weighing };
}

// --------------------------------------------------------------------------------------------------------------- notes

/** What the steps noted, each part only where it has the shape it should have. */
type Notes = ReturnType<typeof notesOf>;

const text = z.string().max(2_000).optional().catch(undefined);
const count = z.number().optional().catch(undefined);
const amount = z
  .union([z.string().max(100), z.number()])
  .optional()
  .catch(undefined);
const texts = z.array(z.string().max(2_000)).optional().catch(undefined);
const isTrue = z.boolean().optional().catch(undefined);

const SHAPES = {
  reconcile: z.object({
    closed: z
      .array(z.object({ safeTxHash: z.string(), status: z.string(), detail: z.string().nullable().optional() }))
      .optional()
      .catch(undefined),
    open: count,
  }),
  chores: z.object({ done: texts }),
  observe: z.object({
    block: z.object({ number: z.number(), hash: z.string(), timestamp: z.number() }).optional().catch(undefined),
    regime: text,
    price: amount,
    nav: amount,
    roundTrips: count,
  }),
  deleverage: z.object({ sentence: text }),
  assess: z.object({
    regime: text,
    sentence: text,
    liftPending: isTrue,
    lastSession: z
      .object({
        day: z.union([z.number(), z.string()]),
        vix: z.union([z.number(), z.string()]),
        vix3m: z.union([z.number(), z.string()]),
      })
      .optional()
      .catch(undefined),
  }),
  target: z.object({
    liquidityBps: count,
    hedgeRatioBps: count,
    marginBps: count,
    halfWidthTicks: count,
    riskAversionBps: count,
  }),
  plan: z.object({ kind: z.enum(["hold", "rebalance"]).optional().catch(undefined), code: text, sentence: text }),
  simulate: z.object({
    ok: isTrue,
    gasUsed: amount,
    navBefore: amount,
    navAfter: amount,
    revert: z.unknown().optional(),
  }),
  propose: z.object({ safeTxHash: text, where: texts }),
  announce: z.object({ key: text, readyAt: z.union([z.string(), z.number()]).nullable().optional().catch(undefined) }),
} as const;

function notesOf(tick: TickRow | null) {
  const note = <S extends TickStep>(step: S): z.infer<(typeof SHAPES)[S]> | null => {
    // A step that was repeated counts as it was last.
    const noted = tick?.steps.filter((entry) => entry.step === step).at(-1);
    if (noted === undefined) return null;
    const parsed = SHAPES[step].safeParse(noted.value);
    return parsed.success ? (parsed.data as z.infer<(typeof SHAPES)[S]>) : null;
  };
  return {
    last: tick?.steps.at(-1)?.step ?? null,
    reconcile: note("reconcile"),
    chores: note("chores"),
    observe: note("observe"),
    deleverage: note("deleverage"),
    assess: note("assess"),
    target: note("target"),
    plan: note("plan"),
    simulate: note("simulate"),
    propose: note("propose"),
    announce: note("announce"),
  };
}

// ----------------------------------------------------------------------------------------------------------- the tick

function headline(tick: TickRow): string[] {
  const { vault, slot, status, code, sentence, attempts, worker, startedAt, finishedAt } = tick;
  const title = `Vault ${vault}, slot ${slot}: ${code ?? STATUS_WORDS[status]}.${sentence === null ? "" : ` ${ended(sentence)}`}`;
  const by = worker === null ? "" : ` by ${worker}`;
  const tries = attempts > 1 ? `, at attempt ${attempts}` : "";
  if (status === "due") return [`${title} It was due at ${time(tick.dueAt)} and has not begun.`];
  if (status === "missed")
    return [`${title} It was due at ${time(tick.dueAt)}; the slot is over and nothing was done in it.`];
  if (startedAt === null) return [title];
  if (finishedAt === null) {
    const last = tick.steps.at(-1)?.step;
    const lease = tick.leaseUntil === null ? "" : `; another worker may take it up from ${time(tick.leaseUntil)}`;
    return [
      `${title} It began at ${time(startedAt)}${by}${tries} and has not ended${last === undefined ? "" : `, the last step noted is ${last}`}${lease}.`,
    ];
  }
  const took = finishedAt.getTime() - startedAt.getTime();
  const seconds = Number.isFinite(took) && took >= 0 ? ` in ${(took / 1000).toFixed(1)} s` : "";
  return [`${title} It ran at ${time(startedAt)}${by}${seconds}${tries}.`];
}

const STATUS_WORDS = { due: "due", running: "running", done: "done, without a code", missed: "missed" } as const;

function beforehand({ reconcile, chores, deleverage }: Notes): string[] {
  const parts: string[] = [];
  if (reconcile !== null) {
    const closed = (reconcile.closed ?? []).map(
      ({ safeTxHash, status, detail }) => `${short(safeTxHash)} ${status}${detail ? ` (${detail})` : ""}`,
    );
    parts.push(
      closed.length === 0 ? "no proposal had ended since the tick before" : `of what was out, ${closed.join(", ")}`,
    );
    if (reconcile.open !== undefined) parts.push(`${reconcile.open} still open`);
  }
  const first =
    reconcile === null ? "What was reconciled first is not noted." : `First it reconciled: ${parts.join("; ")}.`;
  const rescue =
    deleverage === null
      ? []
      : [
          `Near liquidation in Stress, it set out to reduce risk by itself: ${ended(deleverage.sentence ?? "not noted how")}`,
        ];
  if (chores === null) return [first, ...rescue];
  const done = chores.done ?? [];
  return [
    `${first} ${done.length === 0 ? "Nothing was left to do of what anyone may." : `Then it ${done.join("; ")}.`}`,
    ...rescue,
  ];
}

/** The story from what the steps noted alone, where the evidence is gone. */
function recorded({ observe, assess, target, plan }: Notes): string[] {
  const story: string[] = [];
  if (observe !== null) {
    const { block, price, nav, regime } = observe;
    const at = block === undefined ? "The block is not noted" : `Block ${block.number} of ${seconds(block.timestamp)}`;
    const noted = [
      ...(price === undefined ? [] : [`price ${price} (as noted)`]),
      ...(nav === undefined ? [] : [`net asset value ${nav} (as noted)`]),
      ...(regime === undefined ? [] : [`regime ${regime}`]),
    ];
    story.push(`${at}${noted.length === 0 ? "" : `: ${noted.join(", ")}`}.`);
  }
  if (assess?.sentence !== undefined) story.push(ended(assess.sentence));
  if (target !== null) {
    const { liquidityBps, hedgeRatioBps, marginBps } = target;
    const noted = [
      ...(liquidityBps === undefined ? [] : [`liquidity ${percent(liquidityBps)} of NAV`]),
      ...(hedgeRatioBps === undefined ? [] : [`hedge ratio ${percent(hedgeRatioBps)}`]),
      ...(marginBps === undefined ? [] : [`margin ${percent(marginBps)} of the short`]),
    ];
    if (noted.length > 0) story.push(`Targets: ${noted.join(", ")}.`);
  }
  if (plan?.sentence !== undefined) story.push(`Decided: ${ended(plan.sentence)}`);
  return story;
}

// ------------------------------------------------------------------------------------------------------- the decision

function decisionStory(recomputed: Recomputed, notes: Notes): string[] {
  return [
    chainStory(recomputed, notes),
    regimeStory(recomputed),
    ...holdingsStory(recomputed),
    ...bandStory(recomputed),
    planStory(recomputed, notes),
  ];
}

function chainStory({ evidence, state }: Recomputed, { observe }: Notes): string {
  const { block, feeds } = evidence;
  const trips = observe?.roundTrips === undefined ? "" : ` in ${observe.roundTrips} round trips`;
  const price = state === null ? "" : ` ETH is worth ${usdc(evidence, priceInAsset(evidence, state.price))}.`;
  return (
    `The chain at block ${block.number} (${short(block.hash)}, ${seconds(block.timestamp)})${trips}: ` +
    `ETH/USD ${answer(feeds.base, block.timestamp)}, USDC/USD ${answer(feeds.asset, block.timestamp)}.${price}`
  );
}

function answer({ answer, decimals, round, updatedAt }: FeedRound, now: number): string {
  const old = now >= updatedAt ? `${duration(now - updatedAt)} old` : "from the future";
  return `${fixed(BigInt(answer), decimals, 4)} (round ${round}, ${old})`;
}

function regimeStory({ evidence, decision }: Recomputed): string {
  const { sessions, regime: said, liftPending, staleAfter } = evidence.regime;
  const last = sessions.at(-1);
  if (last === undefined) return `The regime is ${said}: no session close is in the evidence.`;
  const { vix, vix3m } = evidence.feeds;
  const { before, close } = lastStep(evidence);
  const { state, reason } =
    before === null
      ? { state: startState(close), reason: "It is the first close, and stands for itself." }
      : explainStep(before, close);
  const rounds = `rounds ${vix.round} and ${vix3m.round}`;
  const streak =
    state.streak === 0 ? "" : ` ${state.streak} of the ${DWELL} closes in a row that a step down takes are there.`;
  const lift = liftPending
    ? " Since then ETH's own move within a day lifted it to Stress, until closes take it down."
    : "";
  const verdict =
    decision.kind === "hold" && decision.code === "REGIME_DISAGREES"
      ? ` The chain says ${said} and its own closes give ${regimeLevel(evidence)}: nothing may be decided from that.`
      : said === "Unknown"
        ? ` The chain calls the regime Unknown: the next session's close was not in by ${seconds(staleAfter)}.`
        : ` The regime is ${said}${liftPending ? "" : `, for ${standing(evidence)}`}.`;
  return (
    `The newest of ${sessions.length} session closes is of ${day(last[0])}: VIX ${points(close.vix)}, VIX3M ` +
    `${points(close.vix3m)} (${rounds}). ${reason}${streak}${lift}${verdict}`
  );
}

/** For how many closes the level has been what it is. */
function standing(evidence: Evidence): string {
  const closes = evidence.regime.sessions.map(([, vix, vix3m, lifted]) => ({
    vix: BigInt(vix),
    vix3m: BigInt(vix3m),
    lifted,
  }));
  const [first] = closes;
  if (first === undefined) return "no close";
  const levels = [startState(first), ...run(startState(first), closes.slice(1))].map(({ level }) => level);
  const now = levels.at(-1);
  const since = levels.findLastIndex((level) => level !== now);
  const length = levels.length - 1 - since;
  const all = since < 0 ? "all " : "";
  return `${all}${length} close${length === 1 ? "" : "s"}${since < 0 ? " there are" : ""}`;
}

function holdingsStory({ evidence, state, targets, decision }: Recomputed): string[] {
  if (state === null) return [];
  if (state.nav === 0n) return ["The vault holds nothing."];
  const share = (value: bigint): string => percent(Number((value * BPS) / state.nav));
  const pending = state.pendingValue === 0n ? "" : `; ${usdc(evidence, state.pendingValue)} of it is asked back`;
  const holds =
    `The vault holds ${usdc(evidence, state.nav)} at the oracle's mid price: cash ${share(state.cash)}, liquidity ` +
    `${share(state.liquidityValue)} (a delta of ${eth(evidence, state.liquidityDelta)}), margin ${share(state.perpEquity)} ` +
    `behind a short of ${eth(evidence, state.short)}${pending}.`;
  if (targets === null) return [holds];
  return [
    `${holds} The targets of ${decision.regime}: liquidity ${percent(targets.liquidityBps)} of NAV in a range of ` +
      `±${targets.halfWidthTicks} ticks, a short of ${percent(targets.hedgeRatioBps)} of the liquidity's delta, margin ` +
      `${percent(targets.marginBps)} of the short's value.`,
  ];
}

function bandStory({ evidence, state, targets, weighing }: Recomputed): string[] {
  if (state === null || targets === null || weighing === null) return [];
  return [
    [
      liquidityReason(evidence, state, targets, weighing),
      hedgeReason(evidence, state, weighing),
      marginReason(evidence, state, targets, weighing),
    ].join(" "),
  ];
}

function liquidityReason(
  evidence: Evidence,
  state: VaultState,
  targets: PolicyTargets,
  { liquidity }: Weighing,
): string {
  if (evidence.scope === "hedge") {
    return "Liquidity: left as it is, since a plan that changes it would not have run (scope hedge).";
  }
  const spare = state.nav > state.pendingValue ? state.nav - state.pendingValue : 0n;
  const wanted = Number((spare * BigInt(targets.liquidityBps)) / state.nav);
  const now = Number((state.liquidityValue * BPS) / state.nav);
  const open = BigInt(evidence.liquidity.liquidity) > 0n;
  const gap = `${percent(now)} of NAV against ${percent(wanted)}, ${percent(Math.abs(now - wanted))} apart where ${percent(RULES.reshareBandBps)} is left alone`;
  if (liquidity === null) {
    return open
      ? `Liquidity stays: ${gap}, and the price is near enough to its range's centre.`
      : "Liquidity stays at none.";
  }
  if (!open) return `Liquidity is opened: there is none.`;
  const reasons = [
    ...(rangeFits(evidence, state.price, targets)
      ? []
      : [
          `the range is not the regime's, or the price is beyond ${percent(RULES.recentreBps)} of its half-width from its centre`,
        ]),
    ...(Math.abs(now - wanted) > RULES.reshareBandBps ? ["the share is too far from its target"] : []),
    ...(state.pendingValue > state.cash ? ["redemptions ask for more than there is in cash"] : []),
  ];
  return `Liquidity changes (${gap}): ${reasons.join(", and ")}.`;
}

function hedgeReason(evidence: Evidence, state: VaultState, { aims, perp }: Weighing): string {
  const gap = abs(state.short - aims.targetShort);
  const band =
    `short ${eth(evidence, state.short)}, target ${eth(evidence, aims.targetShort)}, no-trade band ` +
    `±${eth(evidence, aims.halfWidth)} (Whalley–Wilmott, from the liquidity's gamma, the venue's cost of ` +
    `${percent(evidence.perp.costBps)} and the risk aversion)`;
  const moved = perp !== null && -BigInt(perp.size) !== state.short;
  if (moved && aims.short === 0n) return `The short is closed: ${band}.`;
  if (moved) {
    return `The short moves to ${eth(evidence, aims.short)}, the band's nearer edge: ${band}, ${eth(evidence, gap)} apart.`;
  }
  if (gap <= aims.halfWidth) {
    return `The short stays: ${band}; it is ${eth(evidence, gap)} from its target, ${eth(evidence, aims.halfWidth - gap)} inside the edge.`;
  }
  return `The short stays though it is outside: ${band}; what is missing to the edge is less than ${percent(RULES.minTradeBps)} of NAV, not worth a signature.`;
}

function marginReason(evidence: Evidence, state: VaultState, targets: PolicyTargets, { aims, perp }: Weighing): string {
  if (aims.short === 0n && perp === null) return "No margin is needed.";
  const limits = `between ${percent(RULES.marginLowBps)} and ${percent(RULES.marginHighBps)} of its target`;
  if (perp === null) return `The margin of ${usdc(evidence, state.perpEquity)} stays: it is ${limits}.`;
  return (
    `The margin goes from ${usdc(evidence, state.perpEquity)} to ${usdc(evidence, aims.equity)}, ` +
    `${percent(targets.marginBps)} of the short's value.`
  );
}

function planStory({ evidence, decision }: Recomputed, { plan: noted }: Notes): string {
  const told =
    decision.kind === "hold"
      ? `Hence nothing is proposed, ${decision.code}: ${decision.sentence}`
      : `Hence a plan: ${decision.sentence} ${planTerms(evidence, decision.plan)}`;
  const recordedKind = noted?.kind;
  const differs =
    (recordedKind !== undefined && recordedKind !== decision.kind) ||
    (recordedKind === "hold" && decision.kind === "hold" && noted?.code !== undefined && noted.code !== decision.code);
  return differs
    ? `${told} The keeper noted something else: ${recordedKind}${noted?.code === undefined ? "" : ` ${noted.code}`}${noted?.sentence === undefined ? "" : `, "${noted.sentence}"`}. One of the two is wrong: do not sign what came of it.`
    : told;
}

function planTerms(evidence: Evidence, plan: Plan): string {
  const range = plan.liquidity.map(
    ({ tickLower, tickUpper, shareBps }) =>
      `liquidity ${percent(shareBps)} of NAV between ticks ${tickLower} and ${tickUpper}`,
  );
  const hedge = plan.perps.map(
    ({ size, equity }) => `short ${eth(evidence, -BigInt(size))} with ${usdc(evidence, BigInt(equity))} of margin`,
  );
  const reserve =
    plan.cashReserve === "0"
      ? []
      : [`at least ${usdc(evidence, BigInt(plan.cashReserve))} left in cash for redemptions`];
  return (
    `In it: ${[...range, ...hedge, ...reserve].join("; ")}; good while price and positions stay within ` +
    `${percent(plan.toleranceBps)}, until ${seconds(plan.validUntil)}.`
  );
}

// --------------------------------------------------------------------------------------------------------- afterwards

function simulation({ simulate }: Notes, evidence: Evidence | null): string[] {
  if (simulate?.ok === undefined) return [];
  if (!simulate.ok) return [`Simulated as the Safe would run it, it fails: ${ended(revertText(simulate.revert))}`];
  const nav = (value: string | number | undefined): string | null => {
    if (value === undefined) return null;
    if (evidence === null || !/^\d{1,78}$/.test(String(value))) return `${value} (as noted)`;
    return usdc(evidence, BigInt(value));
  };
  const [before, after] = [nav(simulate.navBefore), nav(simulate.navAfter)];
  const gas = simulate.gasUsed === undefined ? "" : ` with ${simulate.gasUsed} gas`;
  const change =
    after === null ? "" : before === null ? `; NAV is ${after} after it` : `; NAV goes from ${before} to ${after}`;
  return [`Simulated as the Safe would run it, it succeeds${gas}${change}.`];
}

function revertText(revert: unknown): string {
  if (typeof revert === "string") return revert;
  const parsed = z.object({ text: z.string() }).safeParse(revert);
  return parsed.success ? parsed.data.text : "the reason is not noted";
}

const FATES: Record<ProposalRow["status"], string> = {
  intended: "it was about to go out; whether it did is not known yet, the next tick looks",
  open: "it is open",
  executed: "it was executed",
  failed: "it was executed and failed",
  superseded: "another took its place",
  rejected: "the owners rejected it",
  expired: "it expired",
  vetoed: "shareholders stopped it",
  abandoned: "it was given up, or no longer held and was withdrawn",
};

function fate(tick: TickRow | null, { propose, announce }: Notes, proposal: ProposalRow | null): string[] {
  const hash = proposal?.safeTxHash ?? propose?.safeTxHash ?? tick?.safeTxHash ?? null;
  if (hash === null) return [];
  const places = (proposal?.where.length ?? 0) > 0 ? (proposal?.where ?? []) : (propose?.where ?? []);
  const where = places.length === 0 ? "" : `, at ${places.join(", ")}`;
  const ready =
    announce?.readyAt === undefined || announce.readyAt === null ? "" : `, ready from ${moment(announce.readyAt)}`;
  const key = announce?.key ?? proposal?.announcedKey ?? null;
  const announced = key === null ? "" : ` It was announced to the review guard (${short(key)}${ready}).`;
  const sent = `It went out as Safe transaction ${hash}${proposal === null ? "" : `, nonce ${proposal.safeNonce}`}${where}.${announced}`;
  if (proposal === null) return [`${sent} What became of it is not in the store.`];
  const closed = proposal.closedAt === null ? "" : ` at ${time(proposal.closedAt)}`;
  const mined = proposal.transactionHash === null ? "" : `, in ${proposal.transactionHash}`;
  const detail = proposal.detail === null ? "" : ` (${proposal.detail})`;
  return [`${sent} What became of it: ${FATES[proposal.status]}${closed}${mined}${detail}.`];
}

// ------------------------------------------------------------------------------------------------------------ what if

/** What would have changed the decision, one input at a time. */
function whatElse({ evidence, decision }: Recomputed): string[] {
  const told = attempt(() => [...closeSentences(evidence), ...priceSentences(evidence, decision)]) ?? [];
  if (told.length === 0) return [];
  return [
    `What would have changed it, by the same rules with one input moved and all else in the evidence as it was: ${told.join(" ")}`,
  ];
}

function closeSentences(evidence: Evidence): string[] {
  const last = evidence.regime.sessions.at(-1);
  if (last === undefined) return [];
  const { below, above } = closeTurns(evidence);
  const present = outcomeOf(decide(evidence)).kind;
  const turned = ({ at, regime, outcome }: Turn, side: string): string =>
    `${side} ${points(at)} the regime had been ${regime} and it would ${outcome.kind === present ? "likewise " : ""}${outcome.words}`;
  const turns = [
    ...(above === null ? [] : [turned(above, "from")]),
    ...(below === null ? [] : [turned(below, "up to")]),
  ];
  const vix3m = points(BigInt(last[2]));
  const past =
    turns.length === 0
      ? "No other VIX close of the last session would have made another regime."
      : `The last session's VIX closed at ${points(BigInt(last[1]))}: ${turns.join("; ")} (VIX3M at ${vix3m}).`;
  const next = nextCloseTurns(evidence);
  const coming = [
    ...(next.above === null ? [] : [`a close from ${points(next.above)} on makes it more defensive`]),
    ...(next.below === null ? [] : [`one up to ${points(next.below)} less`]),
  ];
  const single =
    coming.length === 0
      ? "No single close of the next session changes the regime."
      : `At the next session ${coming.join(", ")}.`;
  return [past, single, ...stepDown(evidence)];
}

/** How many closes are missing for a step down; nothing where the next one may do, or there is nowhere to go down to. */
function stepDown(evidence: Evidence): string[] {
  const { before, close } = lastStep(evidence);
  const lifted = evidence.regime.liftPending;
  const after = before === null ? startState(close) : explainStep(before, close).state;
  const { level, streak } = lifted ? { level: Regime.Stress, streak: 0 } : after;
  const missing = DWELL - streak;
  if (level === Regime.Calm || missing === 1) return [];
  const threshold = (level === Regime.Stress ? STRESS_ABOVE : ELEVATED_FROM) - HYSTERESIS;
  return [`A step down takes ${missing} closes in a row below ${points(threshold)} and not above VIX3M.`];
}

function priceSentences(evidence: Evidence, decision: Decision): string[] {
  if (decision.kind === "hold" && decision.code !== "INSIDE_BAND") return [];
  const { below, above } = priceTurns(evidence);
  const { decimals, answer: now } = evidence.feeds.base;
  const price = BigInt(now);
  const turned = ({ at, outcome }: Turn): string => {
    const moved = Number(((at - price) * 1_000_000n) / price) / 10_000;
    return `at ${fixed(at, decimals, 2)} (${moved < 0 ? "−" : "+"}${Math.abs(moved).toFixed(2)} %) it would ${outcome.words}`;
  };
  const turns = [...(below === null ? [] : [turned(below)]), ...(above === null ? [] : [turned(above)])];
  const at = `ETH/USD was ${fixed(price, decimals, 2)}`;
  const open = [...(below === null ? ["below"] : []), ...(above === null ? ["above"] : [])];
  const none = open.length === 0 ? "" : `; ${open.join(" and ")}, nothing else within a factor of 1.6`;
  return turns.length === 0
    ? [`${at}: no price within a factor of 1.6 changes what is done, only how much.`]
    : [`${at}: ${turns.join("; ")}${none}.`];
}

// ------------------------------------------------------------------------------------------------------------- words

function eth(evidence: Evidence, value: bigint): string {
  return `${fixed(value, evidence.vault.baseDecimals, 4)} ETH`;
}

function usdc(evidence: Evidence, value: bigint): string {
  return `${fixed(value, evidence.vault.assetDecimals, 2)} USDC`;
}

/** A price scaled by 1e18, in asset units. */
function priceInAsset(evidence: Evidence, price: bigint): bigint {
  return (price * 10n ** BigInt(evidence.vault.assetDecimals)) / 10n ** 18n;
}

function fixed(value: bigint, decimals: number, digits: number): string {
  return decimals === 0 ? formatFixed(value * 10n, 1, digits) : formatFixed(value, decimals, digits);
}

function percent(bps: number): string {
  return `${(bps / 100).toFixed(2).replace(/\.?0+$/, "")} %`;
}

/** Points of 8 decimals, all digits that are there. */
function points(value: bigint): string {
  return formatFixed(value, 8, 8).replace(/\.?0+$/, "");
}

function short(hash: string): string {
  return hash.length > 14 ? `${hash.slice(0, 10)}…` : hash;
}

function day(days: number): string {
  return dateText(days * SECONDS_PER_DAY * 1000)?.slice(0, 10) ?? `day ${days}`;
}

function seconds(value: number): string {
  return dateText(value * 1000) ?? `${value} s`;
}

/** Seconds, milliseconds or a text, whichever it was noted in. */
function moment(value: string | number): string {
  if (typeof value === "string") return value;
  return value > 1e11 ? seconds(value / 1000) : seconds(value);
}

function time(date: Date): string {
  return dateText(date.getTime()) ?? "an unknown time";
}

function dateText(milliseconds: number): string | null {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? null : `${date.toISOString().slice(0, 19)}Z`;
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Null where arithmetic refuses: evidence may be well-formed and still make no sense. */
function attempt<T>(work: () => T): T | null {
  try {
    return work();
  } catch {
    return null;
  }
}
