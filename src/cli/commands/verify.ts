import type { Command } from "commander";
import { answerNo, print } from "../output.ts";
import { examples } from "../program.ts";
import type { Verdict } from "../../keeper/verify.ts";

interface VerifyOptions {
  rpc: string;
  deployment?: string;
}

const MARKS = { match: "ok ", mismatch: "NO ", "not checked": "-- " } as const;

/** `ballast verify`: recompute a proposal and say match, or the first difference. */
export function register(program: Command): void {
  program
    .command("verify")
    .description("recompute a proposal from the chain and its evidence: every check with match or the first difference")
    .argument("<packet>", "packet file")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain, one you trust")
    .option("--deployment <file>", "your vault's deployment file: the contracts you know to be yours")
    .addHelpText(
      "after",
      "\nExit 0: everything matches. Exit 1: something does not, or the packet cannot be read.\n" +
        examples("ballast verify out/proposals/….packet.json --rpc http://127.0.0.1:8545 --deployment vault.json"),
    )
    .action(verifyAction);
}

async function verifyAction(path: string, options: VerifyOptions): Promise<void> {
  const [{ verify }, { readPacket }, { openRpc }, { readDeployment }] = await Promise.all([
    import("../../keeper/verify.ts"),
    import("../../safe/packetFile.ts"),
    import("../rpc.ts"),
    import("../deploymentFile.ts"),
  ]);
  const packet = await readPacket(path);
  const provider = await openRpc(options.rpc);
  const deployment = options.deployment === undefined ? {} : { deployment: await readDeployment(options.deployment) };
  const verdict = await verify({ provider, packet, ...deployment });
  print(renderVerdict(verdict), {
    ok: verdict.ok,
    cause: verdict.cause,
    checks: verdict.checks,
    safeTxHash: packet.safeTxHash,
    plan: verdict.plan,
    navBefore: verdict.before?.navMid ?? null,
    navAfter: verdict.after?.navMid ?? null,
    review: verdict.review,
  });
  if (!verdict.ok) answerNo();
}

/** A verdict on one screen: the sentence, what would change, the checks. */
export function renderVerdict(verdict: Verdict): string {
  const lines = verdict.checks.map(({ name, outcome, detail }) => `${MARKS[outcome]} ${name.padEnd(22)} ${detail}`);
  if (verdict.before !== null && verdict.after !== null) {
    lines.push("", ...changes(verdict));
  }
  lines.push(
    "",
    verdict.cause === null
      ? verdict.checks.some(({ outcome }) => outcome === "not checked")
        ? "MATCH, as far as it was checked: see the lines marked -- above before you sign."
        : "MATCH: what you sign is what the rules give from what the chain says."
      : `DO NOT SIGN: ${verdict.cause.name}: ${verdict.cause.detail}`,
  );
  return lines.join("\n");
}

function changes({ before, after }: Verdict): string[] {
  if (before === null || after === null) return [];
  const percent = (value: bigint): string => `${(Number(value) / 100).toFixed(2)} %`;
  const row = (name: string, from: string, to: string): string =>
    `    ${name.padEnd(22)} ${from.padStart(16)} -> ${to}`;
  const usd = (amount: bigint): string => (Number(amount) / 1e6).toLocaleString("en-US", { maximumFractionDigits: 2 });
  return [
    row("NAV, USDC", usd(before.navMid), usd(after.navMid)),
    row("net delta / NAV", percent(before.measures.netDeltaMaxBps), percent(after.measures.netDeltaMaxBps)),
    row("liquidity / NAV", percent(before.measures.liquidityBps), percent(after.measures.liquidityBps)),
    row("gross exposure / NAV", percent(before.measures.grossBps), percent(after.measures.grossBps)),
    row("leverage", times(before.measures.leverageBps), times(after.measures.leverageBps)),
    row("cash / NAV", percent(before.measures.cashBps), percent(after.measures.cashBps)),
  ];
}

function times(bps: bigint): string {
  return `${(Number(bps) / 10_000).toFixed(2)}×`;
}
