import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { readDeployment } from "../deploymentFile.ts";
import { numberOption } from "../numbers.ts";
import { print } from "../output.ts";
import { examples } from "../program.ts";

interface QuoteOptions {
  rpc: string;
  deployment: string;
  holder?: string;
  lookBack: string;
}

const WAITS = [
  "nothing: anyone can settle it now",
  "a price: a feed or a venue does not answer",
  "a narrower spread between low and high net asset value",
  "a round of both price feeds newer than the request",
  "cash: a plan has to free some",
  "others: more requests are ahead of it than --look-back",
] as const;

/** `ballast quote`: what leaving would bring, and when. */
export function register(program: Command): void {
  program
    .command("quote")
    .description("say what a redemption request would bring now, what it waits for, and when anyone can force it")
    .argument("[request]", "the request's id; without it --holder's shares at once", requestId)
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain")
    .requiredOption("--deployment <file>", "deployment file of the vault")
    .option("--holder <address>", "whose free shares would be redeemed at once")
    .option("--look-back <count>", "most requests ahead of it to add up", "1000")
    .addHelpText(
      "after",
      examples(
        "ballast quote 12 --rpc $RPC --deployment deployment.json",
        "ballast quote --holder 0xYOU --rpc $RPC --deployment deployment.json --json",
      ),
    )
    .action(quoteAction);
}

function requestId(text: string): bigint {
  if (!/^\d+$/.test(text))
    throw new InvalidArgumentError(`"${text}" is no request id: a whole number, as its event has it.`);
  return BigInt(text);
}

async function quoteAction(request: bigint | undefined, options: QuoteOptions): Promise<void> {
  const [{ openRpc }, { quoteRequest, quoteAtOnce, NothingToQuote }, units, { DateTime }] = await Promise.all([
    import("../../keeper/openRpc.ts"),
    import("../../keeper/quote.ts"),
    import("ethers"),
    import("luxon"),
  ]);
  const deployment = await readDeployment(options.deployment);
  const provider = await openRpc(options.rpc, deployment.chainId);
  const usd = (amount: bigint): string =>
    Number(units.formatUnits(amount, 6)).toLocaleString("en-US", {
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    });
  const shares = (amount: bigint): string =>
    Number(units.formatUnits(amount, 18)).toLocaleString("en-US", { maximumFractionDigits: 4 });
  if (request === undefined) {
    if (options.holder === undefined) throw new NothingToQuote();
    const quote = await quoteAtOnce(provider, deployment, options.holder);
    const text =
      quote.assets === null
        ? `${shares(quote.shares)} free shares cannot leave at once: ${quote.reason ?? ""}\nA request can: requestRedeem.`
        : `${shares(quote.shares)} free shares bring ${usd(quote.assets)} USDC at once, by redeemInstantly.`;
    print(text, { kind: "at once", ...quote });
    return;
  }
  const quote = await quoteRequest(provider, deployment, request, numberOption("look-back", options.lookBack));
  const at = (seconds: number): string =>
    DateTime.fromSeconds(seconds, { zone: "utc" }).toFormat("yyyy-MM-dd HH:mm 'UTC'");
  const lines =
    quote.shares === 0n
      ? [`Request ${request} has nothing pending: it is settled, cancelled or forced.`]
      : [
          `Request ${request}: ${shares(quote.shares)} shares, worth ${usd(quote.assets)} USDC now at the low price`,
          `Ahead of it: ${quote.complete ? "" : "at least "}${quote.requestsAhead} requests, ${shares(quote.sharesAhead)} shares`,
          `Payable now, those ahead paid first: ${usd(quote.payable)} USDC`,
          `Waits for ${WAITS[quote.waitsFor] ?? "something this version does not know"}`,
          `Anyone can force it from ${at(quote.forcedFrom)}`,
        ];
  print(lines.join("\n"), { kind: "request", request, ...quote, waitsFor: WAITS[quote.waitsFor] });
}
