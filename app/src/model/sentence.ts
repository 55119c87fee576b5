import type { ScenarioName, ScenarioOutcome } from "../../../src/hedge/scenarios.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import type { Plan } from "../../../src/plan/plan.ts";
import { explainStep, run, startState } from "../../../src/regime/ruleMachine.ts";
import type { RuleClose } from "../../../src/regime/ruleMachine.ts";
import type { IVaultLens } from "../../../typechain-types/contracts/lens/VaultLens.js";
import { bpsPercent, dayText, ether, grouped, percent, points, signedPercent, usdc } from "./format.ts";

type Snapshot = IVaultLens.SnapshotStructOutput;

/** What a proposal is about, in one sentence with numbers: why, what changes, what it costs, what it is good for. */
export interface Told {
  why: string;
  what: string;
  cost: string;
  effect: string;
}

/** The books before and after, and what scenarios do to them. */
export interface Sides {
  before: Snapshot;
  after: Snapshot;
  scenariosBefore: readonly ScenarioOutcome[];
  scenariosAfter: readonly ScenarioOutcome[];
}

/** A plan in words. Every number is of the verified evidence and of the simulation run here. */
export function tell(evidence: Evidence, plan: Plan, sides: Sides): Told {
  return { why: whyText(evidence), what: whatText(plan, sides), cost: costText(sides), effect: effectText(sides) };
}

/** The last close, the regime, and in the rule machine's own words what that close did. */
export function whyText({ regime }: Evidence): string {
  const last = regime.sessions.at(-1);
  if (last === undefined) return `The regime is ${regime.regime}.`;
  const lifted = regime.liftPending ? " since ETH itself moved beyond the limit within a day" : "";
  return `VIX closed at ${points(last[1])} on ${dayText(last[0])}, the regime is ${regime.regime}${lifted}`;
}

/** What the last close did to the regime, as the rule machine explains it. */
export function lastStep(sessions: Evidence["regime"]["sessions"]): string {
  const closes = sessions.map(([, vix, vix3m, lifted]): RuleClose => ({
    vix: BigInt(vix),
    vix3m: BigInt(vix3m),
    lifted,
  }));
  const [first] = closes;
  const last = closes.at(-1);
  if (first === undefined || last === undefined || closes.length < 2) return "";
  const before = run(startState(first), closes.slice(1, -1)).at(-1) ?? startState(first);
  return explainStep(before, last).reason;
}

function whatText(plan: Plan, { before, after }: Sides): string {
  const parts: string[] = [];
  const [shortBefore, shortAfter] = [shortOf(before), shortOf(after)];
  if (plan.perps.length > 0 && shortBefore !== shortAfter) {
    const verb = shortAfter > shortBefore ? "raise" : "lower";
    parts.push(`${verb} the ETH short from ${grouped(Number(shortBefore) / 1e18, 2)} to ${ether(shortAfter)}`);
  } else if (plan.perps.length > 0) {
    parts.push(`set the margin of the ETH short from ${usdc(equityOf(before), 0)} to ${usdc(equityOf(after), 0)}`);
  }
  if (plan.liquidity.length > 0) {
    const [from, to] = [before.measures.liquidityBps, after.measures.liquidityBps];
    const near = Math.abs(Number(from - to)) < 50;
    parts.push(
      near
        ? `move the liquidity range, at ${bpsPercent(to)} of NAV`
        : `take liquidity from ${bpsPercent(from)} to ${bpsPercent(to)} of NAV`,
    );
  }
  return parts.length === 0 ? "change nothing" : parts.join(", ");
}

/** What trading takes, in net asset value at one price; a gain is possible, and said. */
function costText({ before, after }: Sides): string {
  const loss = before.navMid - after.navMid;
  const share = before.navMid === 0n ? 0 : Number(loss) / Number(before.navMid);
  return loss >= 0n
    ? `costs about ${percent(share, 2)} of NAV (${usdc(loss, 0)})`
    : `brings about ${percent(-share, 2)} of NAV (${usdc(-loss, 0)})`;
}

/** Both ways: what protects from a fall takes from a rise. */
export function effectText({
  scenariosBefore,
  scenariosAfter,
}: Pick<Sides, "scenariosBefore" | "scenariosAfter">): string {
  const change = (rows: readonly ScenarioOutcome[], name: ScenarioName): number =>
    rows.find((row) => row.name === name)?.change ?? 0;
  const [from, to] = [-change(scenariosBefore, "price -2000"), -change(scenariosAfter, "price -2000")];
  const [riseFrom, riseTo] = [change(scenariosBefore, "price 2000"), change(scenariosAfter, "price 2000")];
  const verb = to < from ? "lowers" : to > from ? "raises" : "leaves";
  const fall =
    verb === "leaves"
      ? `leaves the loss of a 20 % fall of ETH at ${percent(from)}`
      : `${verb} the loss of a 20 % fall of ETH from ${percent(from)} to ${percent(to)}`;
  return `${fall}; a 20 % rise brings ${signedPercent(riseTo)} instead of ${signedPercent(riseFrom)}`;
}

/** Base units short, positive, at all venues. */
export function shortOf({ perps }: Snapshot): bigint {
  return -perps.reduce((sum, { position }) => sum + position.size, 0n);
}

/** Equity at the perpetual venues, at the mid price. */
export function equityOf({ perps }: Snapshot): bigint {
  return perps.reduce((sum, { valueMid }) => sum + valueMid, 0n);
}
