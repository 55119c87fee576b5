/**
 * Figures that were measured once on market history and are published with the code: market history itself is neither on
 * chain nor in the project. figures.json holds them; `ballast signals --figures` makes it, measureFigures.ts says how.
 */

import { keccak256, toUtf8Bytes } from "ethers";
import { z } from "zod";
import { canonicalJson } from "../plan/canonicalJson.ts";
import { MODEL_HASH } from "../plan/ruleset.ts";
import { SIGNALS } from "../signals/catalogue.ts";

export const FIGURES_FORMAT = "ballast-figures/1";

/** Row of the rule machine's own first threshold, which is no signal of the catalogue. */
export const ELEVATED_ROW = "rule-elevated";

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const known = z.number().nullable();
const interval = z.object({ low: z.number(), high: z.number() }).nullable();

const figuresSchema = z.object({
  format: z.literal(FIGURES_FORMAT),
  produced: z.object({ on: date, by: z.string(), code: z.string() }),
  /** The rule machine in force then. */
  model: z.object({ name: z.string(), version: z.number().int(), hash }),
  /** Of the signals' definitions then, see {@link signalsHash}. */
  signals: hash,
  /** SHA-256 of each file by name, and the last session that was looked at. */
  data: z.object({ to: date, sha256: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)) }),
  /** What entries of each signal were worth over a window, both ends included (lift.ts). */
  lift: z.object({
    from: date,
    to: date,
    rows: z.array(
      z.object({
        id: z.string(),
        entries: z.number().int(),
        hits: z.number().int(),
        onsets: z.number().int(),
        lift: known,
        interval,
        weight: z.number(),
      }),
    ),
  }),
  /** EDR bias after the last session, and how good the model's forecasts had been by then (calibration.ts). Decimals. */
  edr: z.object({
    from: date,
    to: date,
    cells: z.array(
      z.object({
        horizonSessions: z.number().int(),
        depth: z.number(),
        model: known,
        implied: known,
        bias: known,
        percentile: known,
        independentEvents: z.number().int(),
        skillAgainstImplied: known,
        skillInterval: interval,
      }),
    ),
  }),
});

/** The published figures. Rounded to four decimals, so that every machine writes the same. */
export type Figures = z.infer<typeof figuresSchema>;
export type LiftFigure = Figures["lift"]["rows"][number];
export type EdrFigure = Figures["edr"]["cells"][number];

/** A file of figures that cannot be used. */
export class FiguresUnreadable extends Error {
  constructor(detail: string) {
    super(`these are no published figures: ${detail}; make them with "ballast signals --figures FILE"`);
    this.name = "FiguresUnreadable";
  }
}

/** Throws FiguresUnreadable naming the key. */
export function parseFigures(value: unknown): Figures {
  const parsed = figuresSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new FiguresUnreadable(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "wrong shape"}`);
}

/** keccak256 of what every signal says of itself: inputs, direction, threshold and where that comes from. */
export function signalsHash(): string {
  const said = SIGNALS.map(({ create: _create, ...rest }) => rest);
  return keccak256(toUtf8Bytes(canonicalJson(said)));
}

/** Why figures say nothing of the code as it is now, as the end of a sentence; null when they do. */
export function whyStale(figures: Figures): string | null {
  if (figures.model.hash !== MODEL_HASH) return "with another regime model than the one in force";
  if (figures.signals !== signalsHash()) return "with other definitions of the signals than those in force";
  return null;
}
