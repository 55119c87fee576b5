import { parseFigures, whyStale } from "../../../src/backtest/figures.ts";
import type { Figures, LiftFigure } from "../../../src/backtest/figures.ts";
import published from "../../../src/backtest/figures.json" with { type: "json" };
import { longDate } from "../../../src/report/format.ts";
import { grouped, shortHash } from "./format.ts";

/** The figures this page was built with. */
export const FIGURES: Figures = parseFigures(published);

/** A measured lift as a member reads it. */
export interface LiftText {
  /** "3.29 [2.32, 4.63]", or why there is no number. */
  text: string;
  /** What that comes to, in words; empty where there is no number. */
  verdict: string;
}

/** A lift's number, 95 % interval, and whether the interval lets one speak of a lift at all. */
export function liftText(row: LiftFigure | undefined, figures: Figures = FIGURES): LiftText {
  const stale = whyStale(figures);
  if (stale !== null) return { text: `measured ${stale}`, verdict: "" };
  if (row === undefined) return { text: "not measured", verdict: "" };
  const { lift, interval, entries, onsets } = row;
  const counted = `${grouped(entries)} entries, ${grouped(onsets)} onsets`;
  if (lift === null) return { text: "not known", verdict: `no data: ${counted}` };
  if (interval === null) return { text: grouped(lift, 2), verdict: `too few to say: ${counted}` };
  const { low, high } = interval;
  const said =
    low > 1 ? "likelier than on any quiet day" : high < 1 ? "less likely than on any quiet day" : "no lift shown";
  return { text: `${grouped(lift, 2)} [${grouped(low, 2)}, ${grouped(high, 2)}]`, verdict: `${said}; ${counted}` };
}

export function liftOf(id: string, figures: Figures = FIGURES): LiftText {
  return liftText(
    figures.lift.rows.find((row) => row.id === id),
    figures,
  );
}

/** Where published figures come from, in a sentence: no number without it. */
export function originText({ produced, model, data, lift }: Figures = FIGURES): string {
  return (
    `Measured over ${longDate(lift.from)} to ${longDate(lift.to)} by ${produced.by} on ${longDate(produced.on)}, from ` +
    `${Object.keys(data.sha256).length} files of market history that end on ${longDate(data.to)}; regime model ${model.name} ` +
    `version ${model.version}, ${shortHash(model.hash)}. Market history is not on chain, so this page cannot measure it again: ` +
    `the command can, and src/backtest/figures.json names each file’s SHA-256.`
  );
}
