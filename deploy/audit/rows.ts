import { RpcUnavailable } from "../../src/keeper/observe.ts";
import { HistoryUnavailable, Unanswered } from "./chain.ts";

export const TOPICS = ["code", "wiring", "roles", "limits", "feeds", "Safe", "pending"] as const;
export type Topic = (typeof TOPICS)[number];

/**
 * "not compared": nothing that was given says what it should be, so nothing is claimed. "attention": nothing is wrong, but
 * somebody should know.
 */
export type RowState = "match" | "differs" | "could not be read" | "not compared" | "attention";

/** One thing of a deployment, as it should be and as the chain has it. */
export interface Row {
  topic: Topic;
  name: string;
  state: RowState;
  expected: string | null;
  found: string | null;
  /** Of everything but a match: what it means and how to mend it. */
  meaning: string | null;
}

/** What should be there: a value, one that has to be read first, or null when nothing says so. */
export type Expected = string | null | (() => Promise<string | null>);

/**
 * Compares one thing. What a contract does not answer, or answers in nonsense, and what the node does not give, is never a
 * match: it is a row that could not be read.
 */
export async function compare(
  topic: Topic,
  name: string,
  expected: Expected,
  read: () => Promise<string>,
  meaning: string,
): Promise<Row> {
  let wanted: string | null = null;
  try {
    wanted = typeof expected === "function" ? await expected() : expected;
    const found = await read();
    if (wanted === null) {
      return {
        topic,
        name,
        state: "not compared",
        expected: null,
        found,
        meaning: "nothing given says what it should be",
      };
    }
    const same = wanted === found;
    return { topic, name, state: same ? "match" : "differs", expected: wanted, found, meaning: same ? null : meaning };
  } catch (error) {
    return unread(topic, name, wanted, error);
  }
}

/** The row of what could not be read. Throws what says nothing of chain or contract: a defect of our own. */
export function unread(topic: Topic, name: string, expected: string | null, error: unknown): Row {
  if (!(error instanceof Unanswered || error instanceof RpcUnavailable || error instanceof HistoryUnavailable))
    throw error;
  return {
    topic,
    name,
    state: "could not be read",
    expected,
    found: null,
    meaning: `${error.name}: ${error.message}`,
  };
}
