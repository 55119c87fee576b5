import type { Command } from "commander";
import { answerNo, log, print } from "../output.ts";
import { addKeyOption, requireKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { examples } from "../program.ts";
import { renderVerdict } from "../verdictText.ts";

interface SignOptions extends KeyOptions {
  rpc: string;
  deployment?: string;
  onChain?: true;
  service?: string;
  serviceKey?: string;
  unverified?: true;
}

/** `ballast sign`: verify, then sign. */
export function register(program: Command): void {
  const sign = program
    .command("sign")
    .description("verify a proposal and, when everything matches, sign it as an owner of the Safe")
    .argument("<packet>", "packet file; the signature is added to it")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain, one you trust")
    .option("--deployment <file>", "your vault's deployment file: the contracts you know to be yours")
    .option("--on-chain", "approve the hash on chain instead of signing (costs gas)")
    .option("--service <url>", "also hand the signature to a Safe transaction service")
    .option("--service-key <key>", "API key of the service, where it wants one")
    .option("--unverified", "sign although the verification failed");
  addKeyOption(sign)
    .addHelpText(
      "after",
      examples(
        "ballast sign proposal.packet.json --rpc $RPC --deployment vault.json --key-file member.json",
        "ballast sign proposal.packet.json --rpc $RPC --key-file member.json --on-chain",
      ),
    )
    .action(signAction);
}

async function signAction(path: string, options: SignOptions): Promise<void> {
  const [{ verify }, { readPacket, addSignatures }, { signPacket }, { approveHashCall }, { SafeService }, rpc, files] =
    await Promise.all([
      import("../../keeper/verify.ts"),
      import("../../safe/packetFile.ts"),
      import("../../safe/sign.ts"),
      import("../../safe/approvals.ts"),
      import("../../safe/service.ts"),
      import("../../keeper/openRpc.ts"),
      import("../deploymentFile.ts"),
    ]);
  const wallet = await requireKey(options);
  const packet = await readPacket(path);
  const provider = await rpc.openRpc(options.rpc);
  const deployment =
    options.deployment === undefined ? {} : { deployment: await files.readDeployment(options.deployment) };
  const verdict = await verify({ provider, packet, ...deployment });
  if (!verdict.ok && options.unverified !== true) {
    print(`${renderVerdict(verdict)}\nNot signed.`, { signed: false, cause: verdict.cause, checks: verdict.checks });
    answerNo();
    return;
  }
  if (!verdict.ok) log(`signing although ${verdict.cause?.name ?? ""} failed, as told by --unverified`);

  const signed = await signPacket(packet, wallet, { provider });
  const signature = signed.signatures.find(({ owner }) => owner === wallet.address);
  let approval: string | null = null;
  if (options.onChain === true) {
    const sent = await wallet.connect(provider).sendTransaction(approveHashCall(packet.safe, packet.safeTxHash));
    await sent.wait();
    approval = sent.hash;
  } else if (signature !== undefined) {
    await addSignatures(path, [signature]);
    if (options.service !== undefined) {
      const service = new SafeService({
        url: options.service,
        chainId: packet.chainId,
        ...(options.serviceKey === undefined ? {} : { apiKey: options.serviceKey }),
      });
      await service.confirm(packet.safeTxHash, signature.signature);
    }
  }
  const how = approval === null ? `signature added to ${path}` : `approved on chain in ${approval}`;
  print(`Signed ${packet.safeTxHash} as ${wallet.address}: ${how}`, {
    signed: true,
    owner: wallet.address,
    safeTxHash: packet.safeTxHash,
    approval,
    checks: verdict.checks,
  });
}
