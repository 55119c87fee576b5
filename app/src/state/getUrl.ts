import { makeError } from "ethers";
import type { FetchGetUrlFunc } from "ethers";
import { textUpTo } from "../../../src/safe/textUpTo.ts";
import { Unusable } from "./errors.ts";

/** More than the page asks for at once, the vault's whole log included. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** Times the wait for an answer's beginning. */
const BODY_FACTOR = 4;

/**
 * How the page asks a node: ethers' own way stops its clock once the headers are there, so that a node which then says no more
 * would keep a verdict on the screen that nobody renews, and one without end would take the memory.
 */
export const getUrl: FetchGetUrlFunc = async (request) => {
  const controller = new AbortController();
  const { signal } = controller;
  let timer = setTimeout(() => controller.abort(), request.timeout);
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: new Headers([...request]),
      body: request.body === null ? null : new Uint8Array(request.body),
      signal,
    });
    clearTimeout(timer);
    // A vault's whole log takes a slow line longer than its beginning.
    timer = setTimeout(() => controller.abort(), BODY_FACTOR * request.timeout);
    const text = await textUpTo(response, MAX_ANSWER_BYTES);
    if (text === null) throw new Unusable(`The node answers more than ${MAX_ANSWER_BYTES} bytes`, "Set another RPC.");
    return {
      statusCode: response.status,
      statusMessage: response.statusText,
      headers: Object.fromEntries(response.headers),
      body: new TextEncoder().encode(text),
    };
  } catch (error) {
    if (signal.aborted)
      throw makeError("the node does not answer in time", "TIMEOUT", {
        operation: "request",
        reason: "timeout",
        request,
      });
    throw error;
  } finally {
    clearTimeout(timer);
  }
};
