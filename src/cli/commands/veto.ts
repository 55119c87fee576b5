import type { Command } from "commander";
import { print } from "../output.ts";
import { addKeyOption, readKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { addPacket, packetPath } from "../packetOption.ts";
import type { PacketOptions } from "../packetOption.ts";
import { examples } from "../program.ts";
import type { Review } from "../../keeper/review.ts";

interface VetoOptions extends KeyOptions, PacketOptions {
  rpc: string;
}

/** `ballast veto`: vote, as a shareholder, against an announced call. */
export function register(program: Command): void {
  const veto = program
    .command("veto")
    .description("vote with your shares against an announced call; without a key it only shows how the vote stands")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain");
  addKeyOption(addPacket(veto))
    .addHelpText(
      "after",
      "\nYour votes count as they stood a day before the announcement. They are yours unless you delegated them.\n" +
        examples(
          "ballast veto proposal.packet.json --rpc $RPC",
          "ballast veto proposal.packet.json --rpc $RPC --key-file shareholder.json",
        ),
    )
    .action(vetoAction);
}

async function vetoAction(argument: string | undefined, options: VetoOptions): Promise<void> {
  const [
    { NoReviewGuard, NothingToVeto, readReview, reviewGuardOf, duration },
    { sendCall },
    files,
    { openRpc },
    units,
  ] = await Promise.all([
    import("../../keeper/review.ts"),
    import("../../keeper/sendCall.ts"),
    import("../../safe/packetFile.ts"),
    import("../../keeper/openRpc.ts"),
    import("ethers"),
  ]);
  const path = packetPath(argument, options);
  const wallet = await readKey(options);
  const { safe, safeTx, chainId } = await files.readPacket(path);
  const provider = await openRpc(options.rpc, chainId);
  let review = await readReview(provider, safe, safeTx);
  const guard = await reviewGuardOf(provider, safe);
  if (guard === null) throw new NoReviewGuard(review);
  if (review.call === null || review.call.announcedAt === 0) throw new NothingToVeto(review);

  let transactionHash: string | null = null;
  if (wallet !== null) {
    if (review.state !== "waiting") throw new NothingToVeto(review);
    const call = await guard.veto.populateTransaction(review.call.key);
    transactionHash = (await sendCall("voting", provider, wallet.connect(provider), call)).hash;
    review = await readReview(provider, safe, safeTx);
  }
  const now = (await provider.getBlock("latest"))?.timestamp ?? 0;
  const shares = (amount: bigint): string =>
    Number(units.formatUnits(amount, 18)).toLocaleString("en-US", { maximumFractionDigits: 2 });
  print(render(review, transactionHash, { shares, left: (until) => duration(Math.max(0, until - now)) }), {
    voted: transactionHash !== null,
    ...review,
    secondsLeft: Math.max(0, (review.call?.readyAt ?? 0) - now),
    transactionHash,
  });
}

interface Words {
  shares(amount: bigint): string;
  left(until: number): string;
}

function render({ call, state, sentence }: Review, transactionHash: string | null, words: Words): string {
  const lines = transactionHash === null ? [] : [`Voted in ${transactionHash}`];
  if (call !== null && call.class !== "derisk plan") {
    const share = call.threshold === 0n ? 0 : Number((call.votesAgainst * 10_000n) / call.threshold) / 100;
    lines.push(
      `Against it: ${words.shares(call.votesAgainst)} of the ${words.shares(call.threshold)} votes that stop it (${share} %)`,
    );
  }
  if (state === "waiting" && call !== null) lines.push(`Time left: ${words.left(call.readyAt)}`);
  lines.push(`${sentence[0]?.toUpperCase() ?? ""}${sentence.slice(1)}.`);
  return lines.join("\n");
}
