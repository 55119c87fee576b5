import { textUpTo } from "../../../src/safe/textUpTo.ts";
import { messageOf, Unusable } from "./errors.ts";

/** Packets and deployment files are some tens of kilobytes, a keeper's list of them some hundreds. */
export const MAX_BYTES = 5_000_000;
const TIMEOUT_MS = 10_000;

/** What a URL answers, as text. Throws Unusable. */
export async function fetchText(url: string): Promise<string> {
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((error: unknown) => {
    throw new Unusable(`${url} does not answer (${messageOf(error)})`, "Check it, or choose the file instead.");
  });
  if (!answer.ok) throw new Unusable(`${url} answers ${answer.status}`, "Check its URL, or choose the file instead.");
  const text = await textUpTo(answer, MAX_BYTES);
  if (text === null) throw new Unusable(`${url} answers more than ${MAX_BYTES} bytes`, "Check its URL.");
  return text;
}
