import { useEffect, useMemo } from "react";
import { scenariosOf } from "../../../src/hedge/scenarios.ts";
import type { ScenarioOutcome } from "../../../src/hedge/scenarios.ts";
import { verify } from "../../../src/keeper/verify.ts";
import type { Verdict } from "../../../src/keeper/verify.ts";
import { guardCallOf } from "../../../src/keeper/guardChecks.ts";
import type { Check } from "../../../src/keeper/checklist.ts";
import { parseEvidence } from "../../../src/plan/evidence.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import { pairOf } from "../../../src/plan/state.ts";
import type { Packet } from "../../../src/safe/packet.ts";
import { bookOf } from "../model/book.ts";
import { causeOf, isReadAgain, newlyUnchecked, verdictLine } from "../model/checks.ts";
import { bpsPercent, grouped, times, unbroken, when, wholeUsdc } from "../model/format.ts";
import { limitsOf } from "../model/limits.ts";
import { isRejection, sameNonce } from "../model/rejection.ts";
import { lastStep, tell } from "../model/sentence.ts";
import type { Sides } from "../model/sentence.ts";
import { headOf, lagOf } from "../state/connection.ts";
import type { Head, Trouble, Vault } from "../state/connection.ts";
import { Unusable } from "../state/errors.ts";
import { usePage } from "../state/page.ts";
import { useCounted } from "../state/useCounted.ts";
import { useRead } from "../state/useRead.ts";
import { Bars } from "./Bars.tsx";
import { Checks } from "./Checks.tsx";
import { EvidenceTable } from "./EvidenceTable.tsx";
import { Digests } from "./Digests.tsx";
import { LimitRows } from "./LimitRows.tsx";
import { Note, Panel, Table } from "./basics.tsx";
import { Scenarios } from "./Scenarios.tsx";
import { VotePanel } from "./VotePanel.tsx";

/** Chain seconds after which what was read is old. */
const OLD_SECONDS = 120;

/** A verdict, and the newest block when its reading began. */
interface Checked {
  verdict: Verdict;
  at: Head;
}

/** A proposal recomputed here, and what it would do: sentence, verdict, before and after, scenarios, evidence, vote. */
export function Review({ vault, packet }: { vault: Vault; packet: Packet }) {
  const { connection, visit, load } = usePage();
  const { provider, deployment, head } = vault;
  const make = async (): Promise<Checked> => {
    const at = await headOf(provider);
    return { at, verdict: await verify({ provider, packet, deployment }) };
  };
  // The head is no key: a verdict is made again on request, after each action, and when it is old.
  const read = useRead(make, [provider, packet.safeTxHash, packet.signatures.length, deployment], packet.safeTxHash);
  const answers = useCounted(provider, read.busy);
  const trouble = connection.kind === "open" ? connection.trouble : null;
  const verdict = useMemo(
    () => (read.value === null ? null : withNode(read.value.verdict, trouble)),
    [read.value, trouble],
  );
  const isOld = read.value !== null && head.timestamp - read.value.at.timestamp > OLD_SECONDS;
  const isCurrent = verdict !== null && !read.busy && read.problem === null && !isOld;
  const { again } = read;
  const rejection = sameNonce(visit, packet).find(isRejection);
  useEffect(() => {
    if (isOld) again();
  }, [isOld, again]);
  const isRead = verdict !== null && isReadAgain(verdict.checks);
  const evidence = useMemo(() => (isRead ? evidenceIn(packet) : null), [packet, isRead]);
  // All at once: what stood below would be pushed away under the reader's eyes.
  const isSettled = verdict !== null || read.problem !== null;
  const sides = useMemo(() => sidesOf(verdict, evidence), [verdict, evidence]);
  /** Right before anything is signed or sent: throws when more is red than the member accepted, or unchecked than they saw. */
  const recheck = async (accepted: string | null): Promise<void> => {
    const fresh = await make();
    read.put(fresh);
    const { checks } = withNode(fresh.verdict, trouble ?? lagOf(fresh.at, Date.now()));
    const cause = causeOf(checks);
    if (cause !== null && cause !== accepted) throw new Unusable(`A check is red now: ${cause}`, "Nothing was signed.");
    const more = newlyUnchecked(verdict?.checks ?? [], checks);
    if (more !== null) throw new Unusable(`Not checked any more: ${more}`, "Nothing was signed. Look again.");
  };
  return (
    <>
      <div className="verdict-area" aria-live="polite" aria-busy={read.busy}>
        {read.problem === null ? null : (
          <Note kind="bad" title="It could not be verified">
            <p>{read.problem}</p>
            <p>
              <button type="button" onClick={read.again}>
                Try again
              </button>
            </p>
          </Note>
        )}
        {verdict === null && read.busy ? <Note kind="info" title="Recomputing this proposal from the chain" /> : null}
        {verdict === null || read.value === null ? null : (
          <Sentence {...{ packet, verdict, evidence, sides, isCurrent }} at={read.value.at} />
        )}
      </div>
      {verdict === null && read.busy ? <p className="progress quiet">{answers} answers read so far</p> : null}
      {sides === null ? null : <WhatChanges sides={sides} evidence={evidence} verdict={verdict} />}
      {rejection === undefined ? null : (
        <Note kind="info" title="You rejected this in this visit">
          <p className="buttons">
            The rejection at nonce {packet.safeTx.nonce} is kept, with its signatures.
            <button type="button" className="plain" onClick={() => load({ packet: rejection, from: "this visit" })}>
              Open the rejection
            </button>
          </p>
        </Note>
      )}
      {verdict === null ? null : (
        <VotePanel
          vault={vault}
          packet={packet}
          verdict={verdict}
          isCurrent={isCurrent}
          recheck={recheck}
          onChain={read.again}
        />
      )}
      {verdict === null ? null : <Checks verdict={verdict} busy={read.busy} again={read.again} />}
      {sides === null ? null : <Scenarios sides={sides} />}
      {isSettled ? <Digests packet={packet} /> : null}
      {evidence === null || !isSettled ? null : <EvidenceTable evidence={evidence} />}
    </>
  );
}

/** A node that is behind or silent cannot vouch for now: that is a check not made. */
function withNode(verdict: Verdict, trouble: Trouble | null): Verdict {
  if (trouble === null) return verdict;
  const detail =
    trouble.kind === "lagging"
      ? `the node's newest block is ${Math.round(trouble.seconds / 60)} minutes old: what it says of now may have changed`
      : `the node has stopped answering: ${trouble.problem}`;
  const check: Check = { section: "now", name: "node", outcome: "not checked", detail };
  return { ...verdict, checks: [...verdict.checks, check] };
}

interface SentenceProps {
  packet: Packet;
  verdict: Verdict;
  evidence: Evidence | null;
  sides: Sides | null;
  /** Whether the verdict is of now; an older one is told, and no colour claims it. */
  isCurrent: boolean;
  at: Head;
}

function Sentence({ packet, verdict, evidence, sides, isCurrent, at }: SentenceProps) {
  const guardCall = guardCallOf(packet);
  const line = verdictLine(verdict.checks, guardCall === null ? "plan" : "guard");
  const colour = isCurrent ? line.colour : "old";
  const told =
    sides !== null && evidence !== null && verdict.plan !== null ? tell(evidence, verdict.plan, sides) : null;
  return (
    <section className={`sentence sentence-${colour}`} aria-label="In short">
      {told === null ? (
        <p className="lead">
          {guardCall !== null
            ? `This sets your Safe’s ${guardCall.name === "setGuard" ? "guard" : "module guard"} to ${guardCall.guard}; it is no hedge.`
            : evidence === null || verdict.decision === null
              ? "What this would do cannot be shown: see the checks."
              : verdict.decision.sentence}
        </p>
      ) : (
        <p className="lead">
          {unbroken(told.why)}: <strong>{unbroken(told.what)}</strong>; {unbroken(`${told.cost}, ${told.effect}`)}.
        </p>
      )}
      {evidence === null ? null : <p className="quiet">{lastStep(evidence.regime.sessions)}</p>}
      <p className="verdict" data-verdict={colour}>
        <span className={`light light-${colour}`} aria-hidden="true" />
        {isCurrent ? line.text : "This verdict is old: it is checked again before anything can be signed."}
      </p>
      {verdict.plan === null ? null : (
        <p className="quiet">It can run until {when(verdict.plan.validUntil)}; if nobody signs, nothing changes.</p>
      )}
      <p className="quiet">
        Checked at block {grouped(at.number)}, {when(at.timestamp)}.
      </p>
    </section>
  );
}

function WhatChanges({
  sides,
  evidence,
  verdict,
}: {
  sides: Sides;
  evidence: Evidence | null;
  verdict: Verdict | null;
}) {
  const { before, after } = sides;
  const regime = verdict?.plan?.regime;
  const bands =
    evidence === null || regime === undefined || regime === "Unknown" ? null : evidence.policy[regime].bands;
  const share = (bps: number): string => bpsPercent(bps);
  return (
    <Panel title="What changes">
      <Bars
        pairs={[
          {
            name: "ETH exposure, share of NAV",
            before: Number(before.measures.netDeltaMaxBps),
            after: Number(after.measures.netDeltaMaxBps),
            limit: bands?.netDeltaMaxBps ?? null,
            text: share,
          },
          {
            name: "Leverage at the perpetual",
            before: Number(before.measures.leverageBps),
            after: Number(after.measures.leverageBps),
            limit: bands?.leverageMaxBps ?? null,
            text: times,
          },
          {
            name: "Liquidity, share of NAV",
            before: Number(before.measures.liquidityBps),
            after: Number(after.measures.liquidityBps),
            limit: bands?.liquidityMaxBps ?? null,
            text: share,
          },
          {
            name: "Net asset value",
            before: Number(before.navMid),
            after: Number(after.navMid),
            limit: null,
            text: wholeUsdc,
          },
        ]}
      />
      {bands === null ? null : (
        <>
          <h3>Against the policy’s limits in {regime}, afterwards</h3>
          <Table caption="Limits of the policy after this proposal" head={["Measure", "Afterwards", "Limit", "Margin"]}>
            <LimitRows limits={limitsOf(after.measures, bands)} />
          </Table>
        </>
      )}
    </Panel>
  );
}

/** Null for a packet whose evidence is not there or not readable: the checks name it. */
function evidenceIn(packet: Packet): Evidence | null {
  try {
    return parseEvidence(packet.evidence);
  } catch {
    return null;
  }
}

function sidesOf(verdict: Verdict | null, evidence: Evidence | null): Sides | null {
  if (verdict?.before == null || verdict.after == null || evidence === null) return null;
  const { before, after } = verdict;
  const pair = pairOf(evidence);
  const rows = (snapshot: typeof before): readonly ScenarioOutcome[] => scenariosOf(bookOf(snapshot, pair));
  return { before, after, scenariosBefore: rows(before), scenariosAfter: rows(after) };
}
