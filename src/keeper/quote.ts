import { getAddress } from "ethers";
import type { Provider } from "ethers";
import type { Deployment } from "../plan/deployment.ts";
import { explainRevert, revertDataOf } from "../safe/revert.ts";
import { HedgeVault__factory, VaultLens__factory } from "../../typechain-types/index.js";
import { CONTRACT_ERRORS } from "./contractErrors.ts";
import { rpc } from "./observe.ts";

/** What a pending request would bring now (asset and share units) and when (seconds since 1970-01-01). */
export interface RequestQuote {
  controller: string;
  owner: string;
  shares: bigint;
  requestsAhead: number;
  sharesAhead: bigint;
  /** False when more requests are ahead than were looked at. */
  complete: boolean;
  assets: bigint;
  payable: bigint;
  /** Index of IVaultLens.Wait. */
  waitsFor: number;
  forcedFrom: number;
}

/** What an account's free shares would bring at once, or why they cannot leave at once. */
export interface AtOnceQuote {
  holder: string;
  shares: bigint;
  assets: bigint | null;
  reason: string | null;
}

/** Neither a request nor a holder was given. */
export class NothingToQuote extends Error {
  constructor() {
    super("nothing to quote: give a request's id, or --holder and an address");
    this.name = "NothingToQuote";
  }
}

/** The vault has no such request. */
export class UnknownRequest extends Error {
  constructor(request: bigint, made: bigint) {
    super(
      `there is no request ${request}: ${made} were made so far, counted from 0; the RedeemRequest event has the id`,
    );
    this.name = "UnknownRequest";
  }
}

/** Asks the lens for a request's place and worth, adding up at most `lookBack` requests ahead of it. */
export async function quoteRequest(
  provider: Provider,
  deployment: Deployment,
  request: bigint,
  lookBack: number,
): Promise<RequestQuote> {
  const vault = HedgeVault__factory.connect(deployment.vault, provider);
  const { tail } = await rpc(vault.queueBounds());
  if (request >= tail) throw new UnknownRequest(request, tail);
  const quote = await rpc(VaultLens__factory.connect(deployment.lens, provider).exitQuote(request, lookBack));
  return {
    controller: quote.controller,
    owner: quote.owner,
    shares: quote.shares,
    requestsAhead: Number(quote.requestsAhead),
    sharesAhead: quote.sharesAhead,
    complete: quote.complete,
    assets: quote.assets,
    payable: quote.payable_,
    waitsFor: Number(quote.waitsFor),
    forcedFrom: Number(quote.forcedFrom),
  };
}

/** Tries `redeemInstantly` of all free shares as their holder, in a call that changes nothing. */
export async function quoteAtOnce(provider: Provider, deployment: Deployment, address: string): Promise<AtOnceQuote> {
  const holder = getAddress(address);
  const vault = HedgeVault__factory.connect(deployment.vault, provider);
  const [balance, locked] = await rpc(Promise.all([vault.balanceOf(holder), vault.lockedShares(holder)]));
  const shares = balance - locked;
  if (shares === 0n) return { holder, shares, assets: null, reason: "there are none" };
  try {
    const assets = await vault.redeemInstantly.staticCall(shares, 0, holder, holder, { from: holder });
    return { holder, shares, assets, reason: null };
  } catch (error) {
    const data = revertDataOf(error);
    if (data === null) return rpc(Promise.reject(error as Error));
    return { holder, shares, assets: null, reason: explainRevert(data, CONTRACT_ERRORS).text };
  }
}
