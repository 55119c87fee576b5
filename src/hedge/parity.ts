/**
 * Conversions and reversals: a call, a put and their underlying in the proportions in which, by put–call parity (Stoll
 * 1969), they pay a sum known today whatever happens. Only for European options: early exercise would break the lock.
 */

/** Quotes of one strike and expiry, all in one currency per unit of the underlying. */
export interface ParityQuote {
  readonly name: string;
  /** What is traded against the options. A future is the one that expires with them. */
  readonly underlying: "spot" | "future";
  readonly underlyingBid: number;
  readonly underlyingAsk: number;
  readonly strike: number;
  /** Days to expiry. */
  readonly days: number;
  readonly callBid: number;
  readonly callAsk: number;
  readonly putBid: number;
  readonly putAsk: number;
  /** Interest rate, continuous, decimal a year. */
  readonly rate: number;
  /** What holding the spot yields (dividends, staking), continuous, decimal a year. Not used for futures. */
  readonly carryYield: number;
  /** What borrowing the spot costs a short seller besides that yield, continuous, decimal a year. */
  readonly borrowCost: number;
}

/** Costs of trading, as decimals of the underlying's price. */
export interface ParityCosts {
  /** Fee of each of the three legs. */
  readonly legFee: number;
  /** Fee of settlement at expiry. */
  readonly settlementFee: number;
  /** Margin that a short spot, or a future, ties up. */
  readonly margin: number;
}

/** A position that locks in a gain, per unit of the underlying. */
export interface ParityOpportunity {
  readonly name: string;
  /** Conversion: long underlying, long put, short call. Reversal: the opposite. */
  readonly kind: "conversion" | "reversal";
  readonly legs: readonly string[];
  /** Present value of the locked sum after all costs. */
  readonly edge: number;
  /** The same before fees. */
  readonly grossEdge: number;
  /** What the position ties up until expiry. */
  readonly capital: number;
  /** Edge / capital × 365 / days: simple, above the interest rate used. */
  readonly annualised: number;
}

/** A quote that cannot be: it names the quote and what is wrong. */
export class ParityQuoteError extends Error {
  constructor(name: string, problem: string) {
    super(`quote '${name}': ${problem}.`);
    this.name = "ParityQuoteError";
  }
}

const DAYS_PER_YEAR = 365;

/** Every conversion and reversal with a positive edge after costs, the best yearly return first. Throws ParityQuoteError. */
export function parityOpportunities(quotes: readonly ParityQuote[], costs: ParityCosts): ParityOpportunity[] {
  return quotes
    .flatMap((quote) => [conversion(quote, costs), reversal(quote, costs)])
    .filter(({ edge }) => edge > 0)
    .sort((a, b) => b.annualised - a.annualised);
}

/** Long underlying at the ask, long put at the ask, short call at the bid: receives the strike at expiry. */
export function conversion(quote: ParityQuote, costs: ParityCosts): ParityOpportunity {
  check(quote);
  const { strike, underlyingAsk, callBid, putAsk } = quote;
  const { years, discount } = time(quote);
  const spot = quote.underlying === "spot";
  // e^−qT units of a spot grow into one; a future costs nothing until expiry.
  const paid = spot ? underlyingAsk * Math.exp(-quote.carryYield * years) : underlyingAsk * discount;
  const grossEdge = strike * discount - paid - putAsk + callBid;
  const premium = putAsk - callBid;
  const capital = spot ? paid + premium : costs.margin * underlyingAsk + Math.max(0, premium);
  const legs = [
    `buy ${spot ? "the underlying" : "the future"} at ${underlyingAsk}`,
    `buy the ${strike} put at ${putAsk}`,
    `sell the ${strike} call at ${callBid}`,
  ];
  return opportunity(quote, costs, "conversion", legs, grossEdge, capital);
}

/** Short underlying at the bid, short put at the bid, long call at the ask: pays the strike at expiry. */
export function reversal(quote: ParityQuote, costs: ParityCosts): ParityOpportunity {
  check(quote);
  const { strike, underlyingBid, callAsk, putBid } = quote;
  const { years, discount } = time(quote);
  const spot = quote.underlying === "spot";
  // A short of e^−(q+b)T units owes one at expiry, having paid yield and borrowing cost in kind.
  const received = spot
    ? underlyingBid * Math.exp(-(quote.carryYield + quote.borrowCost) * years)
    : underlyingBid * discount;
  const grossEdge = received + putBid - callAsk - strike * discount;
  const capital = costs.margin * underlyingBid + Math.max(0, callAsk - putBid);
  const legs = [
    `sell ${spot ? "the underlying short" : "the future"} at ${underlyingBid}`,
    `sell the ${strike} put at ${putBid}`,
    `buy the ${strike} call at ${callAsk}`,
  ];
  return opportunity(quote, costs, "reversal", legs, grossEdge, capital);
}

function opportunity(
  quote: ParityQuote,
  costs: ParityCosts,
  kind: ParityOpportunity["kind"],
  legs: readonly string[],
  grossEdge: number,
  capital: number,
): ParityOpportunity {
  const price = kind === "conversion" ? quote.underlyingAsk : quote.underlyingBid;
  const edge = grossEdge - price * (3 * costs.legFee + costs.settlementFee * time(quote).discount);
  const annualised = capital > 0 ? ((edge / capital) * DAYS_PER_YEAR) / quote.days : Math.sign(edge) * Infinity;
  return { name: quote.name, kind, legs, edge, grossEdge, capital, annualised };
}

function time({ days, rate }: ParityQuote): { years: number; discount: number } {
  const years = days / DAYS_PER_YEAR;
  return { years, discount: Math.exp(-rate * years) };
}

function check(quote: ParityQuote): void {
  const wrong = (problem: string): never => {
    throw new ParityQuoteError(quote.name, problem);
  };
  for (const [what, value] of Object.entries(quote)) {
    if (typeof value === "number" && !Number.isFinite(value)) wrong(`${what} is ${value}: give a finite number`);
  }
  if (!(quote.days > 0)) wrong(`days is ${quote.days}: an expired quote locks nothing in, leave it out`);
  if (!(quote.strike > 0 && quote.underlyingBid > 0)) wrong("strike and underlying prices must be above 0");
  for (const [what, bid, ask] of [
    ["underlying", quote.underlyingBid, quote.underlyingAsk],
    ["call", quote.callBid, quote.callAsk],
    ["put", quote.putBid, quote.putAsk],
  ] as const) {
    if (!(bid >= 0 && ask >= bid))
      wrong(`the ${what}'s bid ${bid} is negative or above its ask ${ask}: mend the quote`);
  }
}
