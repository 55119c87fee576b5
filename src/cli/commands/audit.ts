import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { answerNo, print, UsageError } from "../output.ts";
import { printable } from "../printable.ts";
import { examples } from "../program.ts";
import { fitEscaped } from "../../keeper/ops/text.ts";
import type { Audit } from "../../../deploy/audit/audit.ts";
import type { Row } from "../../../deploy/audit/rows.ts";

interface AuditOptions {
  rpc: string;
  deployment?: string;
  parameters?: string;
  fromBlock?: number;
  all?: true;
}

const MARKS = {
  match: "ok ",
  differs: "NO ",
  "could not be read": "?? ",
  "not compared": "-- ",
  attention: "!! ",
} as const;

/** Characters of an answer that are printed; --json has all of them. */
const LONGEST = 500;

/** What one screen has only the number of. */
const QUIET: Row["state"][] = ["match", "not compared"];

/** `ballast audit`: a live deployment against this checkout and what it was deployed with. */
export function register(program: Command): void {
  program
    .command("audit")
    .description("compare a live deployment with this checkout's build, its deployment file and its parameters")
    .argument("[vault]", "the vault's address, or a deployment file")
    .requiredOption("--rpc <url>", "JSON-RPC URL of the chain, one you trust")
    .option("--deployment <file>", "the deployment file, when the vault's address is given")
    .option("--parameters <file>", "what it was deployed with, kept up to date; without it limits are not compared")
    .option(
      "--from-block <number>",
      "where the AccessManager's events begin, if the deployment file does not say",
      blockNumber,
    )
    .option("--all", "print every row, and not only those to look at")
    .addHelpText(
      "after",
      "\nExit 0: nothing differs. Exit 1: something differs or could not be read. What nothing given says is marked --, what " +
        "is waiting !!: neither fails.\n" +
        examples(
          "ballast audit deployment.json --parameters mine.json --rpc $RPC",
          "ballast audit 0xVAULT --rpc $RPC --all",
          "ballast audit 0xVAULT --deployment deployment.json --parameters mine.json --rpc $RPC --json",
        ),
    )
    .action(auditAction);
}

function blockNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError(`"${text}" is no block number.`);
  return Number(text);
}

async function auditAction(vault: string | undefined, options: AuditOptions): Promise<void> {
  const [{ audit }, { openRpc }, { readDeployment }, { readParameters }, { isAddress, getAddress }] = await Promise.all(
    [
      import("../../../deploy/audit/audit.ts"),
      import("../../keeper/openRpc.ts"),
      import("../deploymentFile.ts"),
      import("../parametersFile.ts"),
      import("ethers"),
    ],
  );
  const isVault = vault !== undefined && isAddress(vault);
  if (vault !== undefined && !isVault && options.deployment !== undefined) {
    throw new UsageError("the deployment file is given twice; see --help");
  }
  const file = options.deployment ?? (isVault ? undefined : vault);
  if (file === undefined && !isVault) throw new UsageError("the vault is missing: its address or a file; see --help");
  const deployment = file === undefined ? undefined : await readDeployment(file);
  if (deployment !== undefined && isVault && getAddress(vault) !== getAddress(deployment.vault)) {
    throw new UsageError(`${file ?? ""} is of vault ${deployment.vault}, not of ${vault}`);
  }
  const parameters = options.parameters === undefined ? undefined : await readParameters(options.parameters);
  const provider = await openRpc(options.rpc, deployment?.chainId ?? parameters?.chainId);
  const result = await audit({
    provider,
    deployment: deployment ?? { vault: vault ?? "" },
    ...(parameters === undefined ? {} : { parameters }),
    ...(options.fromBlock === undefined ? {} : { fromBlock: options.fromBlock }),
  });
  print(renderAudit(result, options.all === true), result);
  if (!result.ok) answerNo();
}

/** An audit on one screen: topic by topic how many match, and each row there is something to say about. */
export function renderAudit({ rows, block, chainId, contracts }: Audit, all = false): string {
  const lines = [`Vault ${contracts.vault} on chain ${chainId}, at block ${block.number}`, ""];
  for (const topic of new Set(rows.map((row) => row.topic))) {
    const ofTopic = rows.filter((row) => row.topic === topic);
    const count = (state: Row["state"]): number => ofTopic.filter((row) => row.state === state).length;
    const skipped = count("not compared");
    const rest = skipped === 0 ? "" : `, ${skipped} not compared`;
    lines.push(`${topic.padEnd(8)} ${count("match")} of ${ofTopic.length} match${rest}`);
    for (const row of ofTopic) if (all || !QUIET.includes(row.state)) lines.push(...linesOf(row));
  }
  return [...lines, "", verdictOf(rows)].join("\n");
}

function linesOf({ name, state, expected, found, meaning }: Row): string[] {
  const lines = [`  ${MARKS[state]}${name.padEnd(34)} ${cell(found ?? "")}`.trimEnd()];
  if (state === "differs") lines.push(`       expected ${cell(expected ?? "")}`);
  if (meaning !== null && state !== "not compared") lines.push(`       ${cell(meaning)}`);
  return lines;
}

/** A contract may answer anything: nothing of it moves the cursor or fills the screen. */
function cell(text: string): string {
  return printable(fitEscaped(text.replaceAll("\n", " "), LONGEST));
}

function verdictOf(rows: Row[]): string {
  const count = (state: Row["state"]): number => rows.filter((row) => row.state === state).length;
  const [differing, unread, skipped, waiting] = [
    count("differs"),
    count("could not be read"),
    count("not compared"),
    count("attention"),
  ];
  const rest = [
    ...(skipped === 0
      ? []
      : [`${skipped} not compared, for want of a deployment file or parameters (--all lists them)`]),
    ...(waiting === 0 ? [] : [`${waiting} to look at`]),
  ];
  const tail = rest.length === 0 ? "." : `; ${rest.join(", ")}.`;
  if (differing + unread > 0) {
    return `NO MATCH: ${differing} differ, ${unread} could not be read, of ${rows.length}${tail}`;
  }
  if (skipped > 0) return `MATCH, as far as it was compared${tail}`;
  return `MATCH: the chain is as the checkout, the deployment file and the parameters say${tail}`;
}
