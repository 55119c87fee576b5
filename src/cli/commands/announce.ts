import type { Command } from "commander";
import { print } from "../output.ts";
import { addKeyOption, requireKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { addPacket, packetPath } from "../packetOption.ts";
import type { PacketOptions } from "../packetOption.ts";
import { examples } from "../program.ts";

interface AnnounceOptions extends KeyOptions, PacketOptions {
  rpc: string;
}

/** `ballast announce`: start a call's window at the Safe's review guard. */
export function register(program: Command): void {
  const announce = program
    .command("announce")
    .description("announce a packet's call at the Safe's review guard, as an owner or a proposer: its window begins")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain");
  addKeyOption(addPacket(announce))
    .addHelpText(
      "after",
      "\nA call that is announced already, or never waits, is said to be so and not sent.\n" +
        examples("ballast announce proposal.packet.json --rpc $RPC --key-file keeper.json"),
    )
    .action(announceAction);
}

async function announceAction(argument: string | undefined, options: AnnounceOptions): Promise<void> {
  const [{ HeldByReviewGuard, NoReviewGuard, duration, readReview, reviewGuardOf }, { sendCall }, files, { openRpc }] =
    await Promise.all([
      import("../../keeper/review.ts"),
      import("../../keeper/sendCall.ts"),
      import("../../safe/packetFile.ts"),
      import("../../keeper/openRpc.ts"),
    ]);
  const wallet = await requireKey(options);
  const { safe, safeTx, chainId } = await files.readPacket(packetPath(argument, options));
  const provider = await openRpc(options.rpc, chainId);
  const before = await readReview(provider, safe, safeTx);
  const guard = await reviewGuardOf(provider, safe);
  if (guard === null) throw new NoReviewGuard(before);
  if (before.state === "forbidden") throw new HeldByReviewGuard(before);
  if (before.state === "waiting" || before.state === "ready" || before.state === "never waits") {
    print(`Not announced: ${before.sentence}`, { announced: false, ...before, transactionHash: null });
    return;
  }
  const call = await guard.announce.populateTransaction(safeTx.to, safeTx.value, safeTx.data);
  const receipt = await sendCall("announcing", provider, wallet.connect(provider), call);
  const after = await readReview(provider, safe, safeTx);
  const { call: reviewed } = after;
  if (reviewed === null) throw new HeldByReviewGuard(after);
  print(
    [
      `Announced as ${reviewed.class} in ${receipt.hash}`,
      `It waits ${duration(reviewed.window)} and may run from ${iso(reviewed.readyAt)} until ${iso(reviewed.expiresAt)}.`,
      reviewed.class === "derisk plan"
        ? "Shareholders cannot stop a derisk plan."
        : `Shareholders can stop it until then: "ballast veto".`,
    ].join("\n"),
    { announced: true, ...after, transactionHash: receipt.hash },
  );
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
