import canonicalize from "canonicalize";
import { sha256 } from "ethers/crypto";
import { toUtf8Bytes } from "ethers/utils";
import { z } from "zod";
import type { MarkovParameters } from "./markov.ts";

/** Version of the file's layout: a reader refuses any other. */
export const MODEL_FORMAT = "ballast-markov-model-1";

/** A fitted model with where it comes from: parameters only, no data. */
export interface MarkovModel {
  readonly format: typeof MODEL_FORMAT;
  readonly name: string;
  /** What it was fitted to: the name of a series (vix), or file and column. */
  readonly series: string;
  /** What was done to each value before the fit. Means and variances are in the transformed units. */
  readonly transformation: "none" | "log";
  readonly variance: "switching" | "shared";
  /** First and last date of the training window (YYYY-MM-DD), and its number of rows. */
  readonly training: { readonly from: string; readonly to: string; readonly rows: number };
  readonly parameters: MarkovParameters;
  /** Of the training window, natural logarithm. */
  readonly logLikelihood: number;
  /** SHA-256 of the canonical JSON (RFC 8785) of everything above: 0x and 64 hex digits. */
  readonly hash: string;
}

/** A file that is no model. */
export class ModelFileError extends Error {
  override readonly name: string = "ModelFileError";
  constructor(file: string, problem: string, mend: string) {
    super(`${file}: ${problem}. ${mend}`);
  }
}

/** A model's content is not what its hash was made of. */
export class ModelHashMismatchError extends ModelFileError {
  override readonly name = "ModelHashMismatchError";
  constructor(file: string, model: string, stated: string, found: string) {
    super(
      file,
      `model '${model}' says its hash is ${stated}, and its content has ${found}: it was changed after it was fitted`,
      "Take the file as it was, or fit it again.",
    );
  }
}

/** Rows of a transition matrix add up to 1 within this: rounding of a sum of a few doubles. */
const ROW_SUM_TOLERANCE = 1e-9;

const date = z.iso.date();
const probability = z.number().min(0).max(1);
const schema = z
  .strictObject({
    format: z.literal(MODEL_FORMAT),
    name: z.string().min(1),
    series: z.string().min(1),
    transformation: z.enum(["none", "log"]),
    variance: z.enum(["switching", "shared"]),
    training: z.strictObject({ from: date, to: date, rows: z.int().positive() }),
    parameters: z.strictObject({
      transition: z.array(z.array(probability)).min(2),
      means: z.array(z.number()),
      variances: z.array(z.number().positive()),
    }),
    logLikelihood: z.number(),
    hash: z.string(),
  })
  .refine(
    ({ parameters: { transition, means, variances } }) =>
      [means, variances, ...transition].every((row) => row.length === transition.length),
    "means, variances and every row of transition need one number a state",
  )
  .refine(
    ({ parameters: { transition } }) =>
      transition.every((row) => Math.abs(row.reduce((sum, p) => sum + p, 0) - 1) < ROW_SUM_TOLERANCE),
    "every row of transition must add up to 1",
  )
  .refine(
    ({ parameters: { means } }) => means.every((mean, j) => j === 0 || mean >= means[j - 1]!),
    "states must be sorted by mean",
  )
  .refine(({ training }) => training.from <= training.to, "the training window ends before it begins");

/** The hash of a model's content, whatever hash it states. */
export function modelHash({ hash: _hash, ...content }: Omit<MarkovModel, "hash"> & { hash?: string }): string {
  return sha256(toUtf8Bytes(canonicalize(content)!));
}

/** A model with its hash. */
export function sealModel(content: Omit<MarkovModel, "format" | "hash">): MarkovModel {
  const model = { format: MODEL_FORMAT, ...content } as const;
  return { ...model, hash: modelHash(model) };
}

/** A model as its file's text: canonical JSON and a line end. */
export function modelText(model: MarkovModel): string {
  return `${canonicalize(model)!}\n`;
}

/**
 * Reads a model from its file's text.
 * @param file what errors call it
 * @throws ModelFileError for what is no model, ModelHashMismatchError for one that was changed
 */
export function parseModel(text: string, file: string): MarkovModel {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(file, `not JSON (${String(error)})`, "Give a file that `ballast regime fit --out` wrote.");
  }
  const { success, data, error } = schema.safeParse(value);
  if (!success) {
    const problems = error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
    throw new ModelFileError(file, `no model: ${problems.join("; ")}`, "Fit it again with `ballast regime fit --out`.");
  }
  const found = modelHash(data);
  if (found !== data.hash) throw new ModelHashMismatchError(file, data.name, data.hash, found);
  return data;
}

/** The newest model that was trained on nothing after the 31 December before a session; null when there is none. */
export function modelFor(models: readonly MarkovModel[], session: string): MarkovModel | null {
  const latest = `${Number(session.slice(0, 4)) - 1}-12-31`;
  let newest: MarkovModel | null = null;
  for (const model of models) {
    if (model.training.to <= latest && (newest === null || model.training.to > newest.training.to)) newest = model;
  }
  return newest;
}
