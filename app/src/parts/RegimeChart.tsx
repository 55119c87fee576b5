import { REGIME_NAMES, run, startState } from "../../../src/regime/ruleMachine.ts";
import type { RegimeName } from "../../../src/regime/ruleMachine.ts";
import type { Evidence } from "../../../src/plan/evidence.ts";
import { grouped } from "../model/format.ts";
import { LineChart } from "./LineChart.tsx";
import type { ChartSpan } from "./LineChart.tsx";

type Sessions = Evidence["regime"]["sessions"];

/** The level after each session, by our own rule machine. */
export function levelsOf(sessions: Sessions): RegimeName[] {
  const closes = sessions.map(([, vix, vix3m, lifted]) => ({ vix: BigInt(vix), vix3m: BigInt(vix3m), lifted }));
  const [first] = closes;
  if (first === undefined) return [];
  const states = [startState(first), ...run(startState(first), closes.slice(1))];
  return states.map(({ level }) => REGIME_NAMES[level]);
}

/** VIX and VIX3M by session, over what the rules made of them. */
export function RegimeChart({ sessions, last }: { sessions: Sessions; last: number }) {
  const levels = levelsOf(sessions).slice(-last);
  const shown = sessions.slice(-last);
  const time = (day: number): number => day * 86_400;
  const points = (at: 1 | 2) => shown.map((session) => ({ time: time(session[0]), value: Number(session[at]) / 1e8 }));
  return (
    <>
      <LineChart
        title={`VIX and VIX3M, the last ${shown.length} closes, in points`}
        lines={[
          { label: "VIX", style: "a", points: points(1) },
          { label: "VIX3M", style: "b", points: points(2) },
        ]}
        levels={[
          { value: 15, label: "Elevated from 15" },
          { value: 25, label: "Stress above 25" },
        ]}
        spans={spansOf(shown, levels)}
        text={(value) => grouped(value, 1)}
        height={240}
      />
      <ul className="legend">
        {(["Calm", "Elevated", "Stress"] as const).map((name) => (
          <li key={name}>
            <span className={`swatch swatch-${name.toLowerCase()}`} aria-hidden="true" />
            {name} <b>{levels.filter((level) => level === name).length} closes</b>
          </li>
        ))}
      </ul>
    </>
  );
}

function spansOf(sessions: Sessions, levels: readonly RegimeName[]): ChartSpan[] {
  const spans: ChartSpan[] = [];
  sessions.forEach(([day], index) => {
    const name = levels[index] ?? "Unknown";
    const from = day * 86_400;
    const to = (sessions[index + 1]?.[0] ?? day) * 86_400;
    const open = spans.at(-1);
    if (open?.name === name) open.to = to;
    else spans.push({ from, to, name });
  });
  return spans;
}
