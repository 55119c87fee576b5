import type { Command } from "commander";
import { answerNo, log, print, UsageError } from "../output.ts";
import { examples } from "../program.ts";
import { renderVerdict } from "../verdictText.ts";
import type { Deployment } from "../../plan/deployment.ts";
import type { Announced } from "../../keeper/verifyRun.ts";
import type { Packet } from "../../safe/packet.ts";

interface VerifyOptions {
  rpc: string;
  deployment?: string;
  hash?: string;
  service?: string;
  serviceKey?: string;
  announcement?: string;
  safe?: string;
  evidence?: string;
  executor?: string;
  all?: true;
}

/** `ballast verify`: recompute a proposal and say match, or the first difference. */
export function register(program: Command): void {
  program
    .command("verify")
    .description("recompute a proposal from the chain and its evidence: every check with match or the first difference")
    .argument("[packet]", "packet file")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain, one you trust")
    .option("--deployment <file>", "your vault's deployment file: the contracts you know to be yours")
    .option("--hash <safeTxHash>", "instead of a packet: a transaction pending at --service")
    .option("--service <url>", "Safe transaction service, up to and including /api (with --hash)")
    .option("--service-key <key>", "API key of the service, where it wants one")
    .option("--announcement <key>", "instead of a packet: a call announced on chain, by its key or transaction hash")
    .option("--safe <address>", "whose announcement it is; default: the deployment file's")
    .option("--evidence <place>", "file, folder or http(s) address that has the evidence, as <its hash>.json")
    .option("--executor <address>", "who will send the execution; default: an account without any role")
    .option("--all", "print every check in a line of its own")
    .addHelpText(
      "after",
      "\nWithout --evidence, what a proposal at a service rests on is read from the chain again, at the block its keeper named:" +
        "\nthat needs a node which keeps old state, and --deployment." +
        "\nExit 0: everything matches. Exit 1: something does not, or the packet or its evidence cannot be had.\n" +
        examples(
          "ballast verify out/proposals/….packet.json --rpc http://127.0.0.1:8545 --deployment vault.json",
          "ballast verify --hash 0x… --service $URL --rpc $RPC --deployment vault.json",
          "ballast verify --announcement 0x… --evidence https://example.org/evidence --rpc $RPC --deployment vault.json",
        ),
    )
    .action(verifyAction);
}

async function verifyAction(path: string | undefined, options: VerifyOptions): Promise<void> {
  requireOneSource(path, options);
  const [{ verify }, { openRpc }, { readDeployment }, { getAddress, isAddress }] = await Promise.all([
    import("../../keeper/verify.ts"),
    import("../../keeper/openRpc.ts"),
    import("../deploymentFile.ts"),
    import("ethers"),
  ]);
  for (const name of ["executor", "safe"] as const) {
    const isValid: boolean = options[name] === undefined || isAddress(options[name]);
    if (!isValid) throw new UsageError(`--${name} ${options[name] ?? ""} is no address`);
  }
  const { executor } = options;
  const deployment = options.deployment === undefined ? {} : { deployment: await readDeployment(options.deployment) };
  const { packet, provider, announced } = await source(path, options, deployment.deployment, openRpc);
  const verdict = await verify({
    provider,
    packet,
    ...deployment,
    ...(executor === undefined ? {} : { executor: getAddress(executor) }),
    ...(announced === null ? {} : { announced }),
  });
  const { before, after } = verdict;
  print(renderVerdict(verdict, options.all), {
    ok: verdict.ok,
    cause: verdict.cause,
    checks: verdict.checks,
    safe: packet.safe,
    nonce: packet.safeTx.nonce,
    safeTxHash: packet.safeTxHash,
    digests: verdict.digests,
    plan: verdict.plan,
    decision: verdict.decision?.sentence ?? null,
    navBefore: before?.navMid ?? null,
    navAfter: after?.navMid ?? null,
    cost: before === null || after === null ? null : before.navMid - after.navMid,
    gasUsed: verdict.gasUsed,
    policy: verdict.policy,
    review: verdict.review,
    unread: verdict.unread,
    signatures: packet.signatures.map(({ owner, kind }) => ({ owner, kind })),
  });
  if (!verdict.ok) answerNo();
}

function requireOneSource(
  path: string | undefined,
  { hash, service, announcement, safe, deployment }: VerifyOptions,
): void {
  const given = [path, hash, announcement].filter((value) => value !== undefined);
  if (given.length !== 1) {
    throw new UsageError("one of a packet file, --hash and --announcement says what to verify; see --help");
  }
  for (const [name, value] of Object.entries({ hash, announcement })) {
    if (value !== undefined && !/^0x[0-9a-fA-F]{64}$/.test(value)) {
      throw new UsageError(`--${name} ${value}: 32 bytes in hex, with 0x`);
    }
  }
  if (hash !== undefined && service === undefined) throw new UsageError("--hash needs --service; see --help");
  if (announcement !== undefined && safe === undefined && deployment === undefined) {
    throw new UsageError("--announcement needs --deployment or --safe; see --help");
  }
}

type Rpc = Awaited<ReturnType<typeof import("../../keeper/openRpc.ts").openRpc>>;

/** The packet, from wherever it comes, and the chain it is verified on. */
async function source(
  path: string | undefined,
  options: VerifyOptions,
  deployment: Deployment | undefined,
  openRpc: (url: string) => Promise<Rpc>,
): Promise<{ packet: Packet; provider: Rpc; announced: Announced | null }> {
  if (path !== undefined) {
    const { readPacket } = await import("../../safe/packetFile.ts");
    const packet = await readPacket(path);
    return { packet, provider: await openRpc(options.rpc), announced: null };
  }
  const [sources, { SafeService }] = await Promise.all([
    import("../../keeper/sources.ts"),
    import("../../safe/service.ts"),
  ]);
  const provider = await openRpc(options.rpc);
  const request = {
    provider,
    ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
    ...(deployment === undefined ? {} : { deployment }),
  };
  if (options.hash !== undefined) {
    const { chainId } = await provider.getNetwork();
    const apiKey = options.serviceKey === undefined ? {} : { apiKey: options.serviceKey };
    const service = new SafeService({ url: options.service ?? "", chainId, ...apiKey });
    const packet = await sources.packetOfHash({ ...request, service, hash: options.hash.toLowerCase() });
    return { packet, provider, announced: null };
  }
  const { packet, announced } = await sources.packetOfAnnouncement({
    ...request,
    safe: options.safe ?? deployment?.safe ?? "",
    reference: (options.announcement ?? "").toLowerCase(),
  });
  log(`An announcement has no nonce: the hashes are those at the Safe's next one, ${packet.safeTx.nonce}.`);
  return { packet, provider, announced };
}
