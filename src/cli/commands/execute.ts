import type { Command } from "commander";
import { print } from "../output.ts";
import { addKeyOption, requireKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { examples } from "../program.ts";

interface ExecuteOptions extends KeyOptions {
  rpc: string;
  service?: string;
  serviceKey?: string;
}

/** `ballast execute`: run a signed proposal through the Safe. */
export function register(program: Command): void {
  const execute = program
    .command("execute")
    .description("execute a signed proposal through the Safe; anyone with gas may")
    .argument("<packet>", "packet file")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain")
    .option("--service <url>", "also take signatures from a Safe transaction service")
    .option("--service-key <key>", "API key of the service, where it wants one");
  addKeyOption(execute)
    .addHelpText(
      "after",
      "\nThe call is tried first: what would revert, or still waits at the review guard, is named and not sent.\n" +
        examples("ballast execute proposal.packet.json --rpc $RPC --key-file anyone.json"),
    )
    .action(executeAction);
}

async function executeAction(path: string, options: ExecuteOptions): Promise<void> {
  const [
    { executeSafeTx },
    { SafeReverted },
    { HeldByReviewGuard, isHeld, readReview },
    { readPacket },
    { SafeService },
    { CONTRACT_ERRORS },
    { openRpc },
  ] = await Promise.all([
    import("../../safe/execute.ts"),
    import("../../safe/errors.ts"),
    import("../../keeper/review.ts"),
    import("../../safe/packetFile.ts"),
    import("../../safe/service.ts"),
    import("../../keeper/contractErrors.ts"),
    import("../../keeper/openRpc.ts"),
  ]);
  const wallet = await requireKey(options);
  const packet = await readPacket(path);
  const provider = await openRpc(options.rpc);
  // Asked when it fails: a packet without signatures, or executed before, is to be told that first.
  const explained = async (error: unknown): Promise<never> => {
    const review = error instanceof SafeReverted ? await readReview(provider, packet.safe, packet.safeTx) : null;
    throw review !== null && isHeld(review) ? new HeldByReviewGuard(review) : error;
  };
  const execution = await executeSafeTx({
    provider,
    signer: wallet.connect(provider),
    packet,
    interfaces: CONTRACT_ERRORS,
    ...(options.service === undefined
      ? {}
      : {
          service: new SafeService({
            url: options.service,
            chainId: packet.chainId,
            ...(options.serviceKey === undefined ? {} : { apiKey: options.serviceKey }),
          }),
        }),
  }).catch(explained);
  print(
    `Executed ${execution.safeTxHash} in ${execution.transactionHash}, block ${execution.blockNumber}, ` +
      `${execution.gasUsed} gas, signed by ${execution.signers.join(" and ")}`,
    {
      executed: true,
      safeTxHash: execution.safeTxHash,
      transactionHash: execution.transactionHash,
      blockNumber: execution.blockNumber,
      gasUsed: execution.gasUsed,
      signers: execution.signers,
    },
  );
}
