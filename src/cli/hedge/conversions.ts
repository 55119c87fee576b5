import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { parityOpportunities } from "../../hedge/parity.ts";
import type { ParityQuote } from "../../hedge/parity.ts";
import { DataFileError, parseSeries } from "../../market/csv.ts";
import { amount, numberOption, percent } from "../numbers.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

/** Deribit's published fees on BTC and ETH options (0.03 % a leg, 0.015 % at delivery), as of 2023. */
const LEG_FEE = "0.0003";
const SETTLEMENT_FEE = "0.00015";
/** ASSUMED margin of a short or a future, as a share of its price. */
const MARGIN = "0.2";

const COLUMNS = {
  name: "text",
  underlying: "text",
  underlying_bid: "number",
  underlying_ask: "number",
  strike: "number",
  days: "number",
  call_bid: "number",
  call_ask: "number",
  put_bid: "number",
  put_ask: "number",
  rate: "number",
  carry_yield: "number",
  borrow_cost: "number",
} as const;

interface ConversionOptions {
  in: string;
  legFee: string;
  settlementFee: string;
  margin: string;
}

/** `ballast hedge conversions`: put–call parity, net of costs, over a file of quotes. */
export function registerConversions(hedge: Command): void {
  hedge
    .command("conversions")
    .description("conversions and reversals that lock in a gain after spreads, fees and carry")
    .requiredOption("--in <csv>", "CSV file of quotes of European options")
    .option("--leg-fee <decimal>", "fee of each leg, as a share of the underlying's price", LEG_FEE)
    .option("--settlement-fee <decimal>", "fee at expiry, as a share of the underlying's price", SETTLEMENT_FEE)
    .option("--margin <decimal>", "margin of a short or a future, as a share of its price", MARGIN)
    .addHelpText(
      "after",
      `\nColumns: ${Object.keys(COLUMNS).join(", ")}.\n` +
        "underlying is spot or future; prices per unit of the underlying, rates continuous decimals a year.\n" +
        examples(
          "ballast hedge conversions --in quotes.csv",
          "ballast hedge conversions --in quotes.csv --leg-fee 0 --json",
        ),
    )
    .action(conversions);
}

async function conversions(options: ConversionOptions): Promise<void> {
  const quotes = await readQuotes(options.in);
  const found = parityOpportunities(quotes, {
    legFee: numberOption("leg-fee", options.legFee),
    settlementFee: numberOption("settlement-fee", options.settlementFee),
    margin: numberOption("margin", options.margin),
  });
  const lines = found.map(
    ({ name, kind, legs, edge, capital, annualised }) =>
      `${name}: ${kind}, ${amount(edge)} net on ${amount(capital)}, ${percent(annualised)} a year above the rate: ${legs.join(", ")}`,
  );
  const none = `none of ${quotes.length} quotes locks in a gain after costs`;
  print(lines.length === 0 ? none : lines.join("\n"), { quotes: quotes.length, opportunities: found });
}

async function readQuotes(file: string): Promise<ParityQuote[]> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const problem = `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    throw new DataFileError(file, null, null, problem, "Give --in a CSV file of quotes; --help names its columns.");
  });
  return parseSeries(text, file, COLUMNS).map((row) => {
    if (row.underlying !== "spot" && row.underlying !== "future") {
      throw new DataFileError(
        file,
        row.line,
        "underlying",
        `'${row.underlying}' is not known`,
        "Write spot or future.",
      );
    }
    return {
      name: row.name,
      underlying: row.underlying,
      underlyingBid: row.underlying_bid,
      underlyingAsk: row.underlying_ask,
      strike: row.strike,
      days: row.days,
      callBid: row.call_bid,
      callAsk: row.call_ask,
      putBid: row.put_bid,
      putAsk: row.put_ask,
      rate: row.rate,
      carryYield: row.carry_yield,
      borrowCost: row.borrow_cost,
    };
  });
}
