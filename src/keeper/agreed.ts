import type { JsonRpcApiProvider } from "ethers";
import { RpcsDisagree } from "./endpoints.ts";
import type { Endpoints } from "./endpoints.ts";
import { RpcUnavailable, WrongChain } from "./observe.ts";

/** What one URL gave: a value, or an error that is an answer as well (a stale feed, no Safe). */
export type Shown<T> = { index: number; text: string } & (
  { kind: "seen"; seen: T } | { kind: "refused"; error: Error }
);

/** A read of the chain that more than one URL may be asked for. */
export interface AgreedRead<T> {
  /** What is asked, in words. */
  about: string;
  ask: (provider: JsonRpcApiProvider) => Promise<T>;
  /** Equal for answers that are the same. */
  show: (value: T) => string;
}

export interface Question<T> {
  /** What is asked, in words that come after "what it says". */
  about: string;
  /** Indices of the URLs that may be asked. */
  by: readonly number[];
  /** Asks one URL. RpcUnavailable and WrongChain are no answer, all other errors are one. */
  ask: (provider: JsonRpcApiProvider, index: number) => Promise<T>;
  /** Equal for answers that are the same. */
  show: (value: T) => string;
  /** What differs between two answers, in words. */
  differ?: (left: Shown<T>, right: Shown<T>) => string;
  /** Told of a URL that is put out. */
  putOut?: (index: number) => void;
}

/**
 * What `quorum` URLs answer alike, and the indices of those that did. URLs that answer otherwise are put out when more agree
 * against them, however many lie by the same words. Throws RpcsDisagree, RpcUnavailable, WrongChain, and the error that enough
 * of them gave.
 */
export async function agreed<T>(endpoints: Endpoints, question: Question<T>): Promise<{ value: T; by: number[] }> {
  const { about, by, differ = inWords } = question;
  const { quorum } = endpoints;
  const waiting = [...by];
  const shown: Shown<T>[] = [];
  const silent: string[] = [];
  let failed: unknown;
  // As many as are needed; all of them as soon as two differ.
  while (waiting.length > 0 && (shown.length < quorum || groupsOf(shown).length > 1)) {
    const contradicted = groupsOf(shown).length > 1;
    const next = waiting.splice(0, contradicted ? waiting.length : quorum - shown.length);
    const answers = await Promise.all(
      next.map(async (index) => {
        try {
          return await showOf(endpoints, index, question);
        } catch (error) {
          if (!(error instanceof RpcUnavailable || error instanceof WrongChain)) throw error;
          failed = error;
          silent.push(`${endpoints.label(index)}: ${error.message}`);
          return null;
        }
      }),
    );
    shown.push(...answers.filter((answer) => answer !== null));
  }
  const [most = [], ...others] = groupsOf(shown).sort((a, b) => b.length - a.length);
  const against = others.flat();
  if (against.length > 0 && (most.length < quorum || most.length <= against.length)) {
    throw new RpcsDisagree(
      `${differ(most[0]!, against[0]!)}${about}`,
      shown.map((one) => `${endpoints.label(one.index)} has ${one.text.slice(0, 80)}`),
    );
  }
  if (most.length < quorum) {
    if (quorum === 1 && silent.length === 1) throw failed;
    const cause = failed instanceof Error ? failed.cause : undefined;
    throw new RpcUnavailable(`${most.length} of the ${quorum} URLs needed were read: ${silent.join("; ")}`, cause);
  }
  for (const liar of against) {
    question.putOut?.(liar.index);
    endpoints.putOut(liar.index, `what it says${about} differs: ${differ(most[0]!, liar)}`);
  }
  const first = most[0]!;
  if (first.kind === "refused") throw first.error;
  return { value: first.seen, by: most.map(({ index }) => index) };
}

async function showOf<T>(endpoints: Endpoints, index: number, { ask, show }: Question<T>): Promise<Shown<T>> {
  try {
    const seen = await ask(endpoints.at(index), index);
    return { index, kind: "seen", text: show(seen), seen };
  } catch (error) {
    if (!(error instanceof Error) || error instanceof RpcUnavailable || error instanceof WrongChain) throw error;
    return { index, kind: "refused", text: `${error.name}: ${error.message}`, error };
  }
}

function groupsOf<T>(shown: Shown<T>[]): Shown<T>[][] {
  const groups = new Map<string, Shown<T>[]>();
  for (const one of shown) groups.set(one.text, [...(groups.get(one.text) ?? []), one]);
  return [...groups.values()];
}

function inWords<T>(left: Shown<T>, right: Shown<T>): string {
  return `${left.text} against ${right.text}`;
}
