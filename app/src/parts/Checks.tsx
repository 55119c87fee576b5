import type { Verdict } from "../../../src/keeper/verify.ts";
import { SECTIONS } from "../../../src/keeper/checklist.ts";
import type { Check, Section } from "../../../src/keeper/checklist.ts";
import { LIGHTS, SECTION_TITLES, tallyOf, titleOf } from "../model/checks.ts";
import { plainTimes } from "../model/format.ts";
import { Panel } from "./basics.tsx";

/** Every check that was made, by section, with its outcome in a word, a sign and a colour. */
export function Checks({ verdict, busy, again }: { verdict: Verdict; busy: boolean; again: () => void }) {
  return (
    <Panel
      title="Checks"
      aside={
        <button type="button" className="plain" onClick={again} disabled={busy}>
          {busy ? "Checking…" : "Check again"}
        </button>
      }
    >
      {SECTIONS.map((section) => (
        <SectionChecks
          key={section}
          section={section}
          checks={verdict.checks.filter((one) => one.section === section)}
        />
      ))}
      {verdict.gasUsed === null ? null : (
        <p className="hint">The simulated execution used {verdict.gasUsed.toLocaleString("en-US")} gas.</p>
      )}
    </Panel>
  );
}

/** Green sections are folded: what is red or amber stands open before the reader. */
function SectionChecks({ section, checks }: { section: Section; checks: readonly Check[] }) {
  if (checks.length === 0) return null;
  const { match } = tallyOf(checks);
  const isGreen = match === checks.length;
  const worst = checks.some(({ outcome }) => outcome === "mismatch") ? "mismatch" : isGreen ? "match" : "not checked";
  return (
    <details key={String(isGreen)} className={`check-section check-${LIGHTS[worst].colour}`} open={!isGreen}>
      <summary>
        <span className="check-sign" aria-hidden="true">
          {LIGHTS[worst].sign}
        </span>{" "}
        {SECTION_TITLES[section]}: {match} of {checks.length} match
      </summary>
      <ol className="checks">
        {checks.map((check, index) => {
          const light = LIGHTS[check.outcome];
          return (
            <li
              key={`${index} ${check.name}`}
              className={`check check-${light.colour}`}
              data-check={check.name}
              data-outcome={check.outcome}
            >
              <span className="check-sign" aria-hidden="true">
                {light.sign}
              </span>
              <span className="check-name">
                {titleOf(check.name)} <span className="unseen">{light.word}</span>
                {titleOf(check.name) === check.name ? null : <span className="check-key">{check.name}</span>}
              </span>
              <span className="check-detail">{plainTimes(check.detail)}</span>
            </li>
          );
        })}
      </ol>
    </details>
  );
}
