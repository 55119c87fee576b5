import { longDate } from "../../report/format.ts";
import { markup } from "../../report/markup.ts";
import type { Fragment, Markup } from "../../report/markup.ts";

/** Rows of colour over sessions: a state or a number for each session in each row. */
export interface Bands {
  readonly id: string;
  readonly title: string;
  /**
   * What a value is: `regime` 0 Calm, 1 Elevated, 2 Stress; `bias` a signed decimal, as strong as `full`; `percentile` in
   * [0, 1].
   */
  readonly scale: "regime" | "bias" | "percentile";
  /** The size of a bias that gets the full colour. */
  readonly full: number;
  readonly sessions: readonly string[];
  readonly rows: readonly { readonly label: string; readonly values: readonly (number | null)[] }[];
}

/** Digits a cell keeps: more cannot be read. */
const DIGITS = 3;

/** A figure for the page's script to paint, with its key and its text alternative. */
export function bandsFigure({ id, title, rows, sessions }: Bands, key: Fragment, words: string): Markup {
  const span = `${longDate(sessions[0] ?? "")} to ${longDate(sessions.at(-1) ?? "")}`;
  return markup`
<figure class="wide" data-bands="${id}">
<h3 id="title-${id}">${title}</h3>
<div class="legend">${key}</div>
<div class="bands"><ul class="rows">${rows.map(({ label }, i) => markup`<li>${label} <b data-value="${i}"></b></li>`)}</ul><div class="cells" role="img" aria-labelledby="title-${id}" aria-describedby="words-${id}"><canvas></canvas></div></div>
<figcaption id="words-${id}">${words} ${span}.</figcaption>
</figure>`;
}

/** The figures' data for the page's script; figures over the same sessions share them. */
export function bandsData(all: readonly Bands[]): { sessions: (readonly string[])[]; maps: unknown[] } {
  const sessions: (readonly string[])[] = [];
  const maps = all.map((bands) => {
    let on = sessions.findIndex((known) => known.join() === bands.sessions.join());
    if (on < 0) on = sessions.push(bands.sessions) - 1;
    const rows = bands.rows.map(({ values }) =>
      values.map((value) => (value === null ? null : Number(value.toFixed(DIGITS)))),
    );
    return { id: bands.id, scale: bands.scale, full: bands.full, on, rows };
  });
  return { sessions, maps };
}
