import type { Result } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { evidenceHash } from "../plan/evidence.ts";
import type { Evidence } from "../plan/evidence.ts";
import { firstDifference } from "../plan/plan.ts";
import { agreed } from "./agreed.ts";
import type { Shown } from "./agreed.ts";
import type { AgreedBlock, Endpoints } from "./endpoints.ts";
import { newObservationCache, observe } from "./observe.ts";
import type { Observation, ObservationCache } from "./observe.ts";

/** A cache for each URL, by its index: what a lying node said once must not reach the others' evidence. */
export type AgreedCache = Map<number, ObservationCache>;

/** An observation, the block it is of, and the URLs that showed the same. */
export interface AgreedObservation extends Observation {
  block: AgreedBlock;
  /** Indices of URLs. */
  by: number[];
}

export interface AgreedOptions {
  scope?: Evidence["scope"];
  /** A block that was agreed on before; default: one is agreed on. */
  block?: AgreedBlock;
}

/**
 * Observes at a block that `quorum` URLs agree on, until `quorum` of those show byte-identical evidence and snapshot. URLs that
 * show another are put out when more agree against them, however many lie by the same words: a node that lies about a
 * balance or a price decides nothing. Where a feed or venue cannot be read, that too must be seen by `quorum`. Throws what
 * `agreeOnBlock` and `observe` throw; RpcsDisagree names the first path that differs.
 */
export async function observeAgreed(
  endpoints: Endpoints,
  deployment: Deployment,
  cache: AgreedCache,
  { scope = "full", block: pinned }: AgreedOptions = {},
): Promise<AgreedObservation> {
  const block = pinned ?? (await endpoints.agreeOnBlock());
  const { value, by } = await agreed<Observation>(endpoints, {
    about: ` at block ${block.number}`,
    by: block.by,
    ask: (provider, index) => {
      const own = cache.get(index) ?? newObservationCache();
      cache.set(index, own);
      return observe(provider, deployment, { block, scope, cache: own });
    },
    show: (seen) => evidenceHash(plain(seen)),
    differ: differenceOf,
    putOut: (index) => cache.delete(index),
  });
  return { ...value, block, by };
}

/** Evidence and snapshot as what JSON can hold. The snapshot is compared as well: it holds what the evidence leaves out. */
function plain({ evidence, snapshot }: Observation): { evidence: Evidence; snapshot: unknown } {
  const fields = (snapshot as unknown as Result).toObject(true);
  const text = JSON.stringify(fields, (_key, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return { evidence, snapshot: JSON.parse(text) as unknown };
}

/** The first path in which what two URLs showed differs, with both values. */
function differenceOf(left: Shown<Observation>, right: Shown<Observation>): string {
  if (left.kind === "refused" || right.kind === "refused") {
    const words = (one: Shown<Observation>): string => (one.kind === "refused" ? one.text : "an observation");
    return `${words(left)} against ${words(right)}`;
  }
  return firstDifference(plain(left.seen), plain(right.seen)) ?? "nothing";
}
