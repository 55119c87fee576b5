import { CronExpressionParser } from "cron-parser";
import { z } from "zod";
import type { KeeperConfig, VaultConfig } from "./config.ts";
import type { RpcHealth } from "./doctor/rpc.ts";
import { duration } from "./review.ts";
import type { KeeperRecords, ProposalRow, TickRow } from "./rows.ts";

/** Codes of ticks that went as they should; every other one asks for somebody, also one that is not known here. */
export const QUIET_CODES: readonly string[] = [
  "PROPOSED",
  "DRY_RUN",
  "INSIDE_BAND",
  "ALREADY_PROPOSED",
  "ALREADY_EXECUTED",
  "PROPOSAL_OPEN",
  "TURNED_DOWN",
  "NO_ASSETS",
];

const WEEK_MS = 7 * 86_400_000;
/** How much later than its slot a tick may end before somebody should look. */
const GRACE_MS = 600_000;
/** Ticks asked for at a time, and how often at most: a week of a schedule that ticks each minute. */
const PAGE = 500;
const MOST_PAGES = 25;

/** Signatures that are there and count, of those that are needed. */
export interface SignaturesSoFar {
  have: number;
  threshold: number;
}

/** A keeper as it stands: what `ballast status` prints and a running keeper serves at /status. Times are ISO 8601. */
export interface StatusJson {
  at: string;
  /** What somebody has to look at; nothing when all is well. */
  needs: string[];
  vaults: VaultStatus[];
  alerts: { key: string; vault: string | null; code: string; severity: string; text: string; since: string }[];
  database: string;
  rpc: RpcHealth[];
}

export interface VaultStatus {
  vault: string;
  /** The newest tick that ended, missed ones too; null when none has. */
  last: { slot: string; status: string; code: string | null; sentence: string | null; ageSeconds: number } | null;
  /** The newest tick that has not ended. */
  pending: { slot: string; status: string; worker: string | null; ageSeconds: number } | null;
  nextSlot: string;
  /** As the newest tick saw it. */
  regime: string | null;
  late: boolean;
  proposals: OpenProposal[];
  /** Slots of the last week in which nothing was done. */
  missed: string[];
}

export interface OpenProposal {
  safeTxHash: string;
  slot: string;
  status: string;
  ageSeconds: number;
  /** Null when they could not be counted. */
  signatures: SignaturesSoFar | null;
  where: string[];
}

export interface StatusRequest {
  config: KeeperConfig;
  now: Date;
  /** Where state is kept, in words. */
  database: string;
  rpc: RpcHealth[];
  /** Counts a proposal's signatures; null, or a failure, is told as not known. */
  signaturesOf: ((proposal: ProposalRow) => Promise<SignaturesSoFar | null>) | null;
}

/** How the keeper stands, by its own records, and what of that needs somebody. Throws what the store throws. */
export async function statusOf(store: KeeperRecords, request: StatusRequest): Promise<StatusJson> {
  const { config, now } = request;
  const [alerts, vaults] = await Promise.all([
    store.alerts(),
    Promise.all(config.vaults.map((vault) => vaultStatus(store, vault, request))),
  ]);
  const critical = alerts.filter(({ severity }) => severity === "critical");
  return {
    at: now.toISOString(),
    needs: [
      ...vaults.flatMap(needsOf),
      ...critical.map(({ vault, text }) => `${vault === null ? "" : `${vault}: `}${text}`),
      ...chainNeeds(config, request.rpc),
    ],
    vaults,
    alerts: alerts.map(({ key, vault, code, severity, text, since }) => ({
      key,
      vault,
      code,
      severity,
      text,
      since: since.toISOString(),
    })),
    database: request.database,
    rpc: request.rpc,
  };
}

async function vaultStatus(store: KeeperRecords, vault: VaultConfig, request: StatusRequest): Promise<VaultStatus> {
  const { now, signaturesOf } = request;
  const [ticks, open] = await Promise.all([
    weekOf(store, vault.name, now),
    store.proposals({ vault: vault.name, open: true }),
  ]);
  const last = ticks.find(({ status }) => status === "done" || status === "missed");
  const pending = ticks.find(({ status }) => status === "due" || status === "running");
  const age = (since: Date): number => Math.max(Math.floor((now.getTime() - since.getTime()) / 1000), 0);
  const proposals = open.map(async (proposal): Promise<OpenProposal> => {
    const signatures = await (signaturesOf?.(proposal).catch(() => null) ?? null);
    const { safeTxHash, slot, status, where, intendedAt, handedOutAt } = proposal;
    return { safeTxHash, slot, status, ageSeconds: age(handedOutAt ?? intendedAt), signatures, where };
  });
  return {
    vault: vault.name,
    last:
      last === undefined
        ? null
        : {
            slot: last.slot,
            status: last.status,
            code: last.code,
            sentence: last.sentence,
            ageSeconds: age(last.finishedAt ?? last.dueAt),
          },
    pending:
      pending === undefined
        ? null
        : {
            slot: pending.slot,
            status: pending.status,
            worker: pending.worker,
            ageSeconds: age(pending.startedAt ?? pending.dueAt),
          },
    nextSlot: slotOf(after(vault.schedule, now)),
    regime: regimeSeen(ticks),
    late: isLate(vault.schedule, last, pending, now),
    proposals: await Promise.all(proposals),
    missed: ticks
      .filter(({ status, dueAt }) => status === "missed" && now.getTime() - dueAt.getTime() <= WEEK_MS)
      .map(({ slot }) => slot),
  };
}

/** The ticks of the last week, newest first, and at least the newest ones there are. */
async function weekOf(store: KeeperRecords, vault: string, now: Date): Promise<TickRow[]> {
  const ticks: TickRow[] = [];
  for (let page = 0; page < MOST_PAGES; page++) {
    const before = ticks.at(-1)?.slot;
    const next = await store.ticks({ vault, limit: PAGE, ...(before === undefined ? {} : { before }) });
    ticks.push(...next);
    const oldest = next.at(-1);
    if (oldest === undefined || next.length < PAGE || now.getTime() - oldest.dueAt.getTime() > WEEK_MS) break;
  }
  return ticks;
}

/** Whether more than a schedule's interval and ten minutes went by since the slot of the last tick that ended. */
function isLate(schedule: string, last: TickRow | undefined, pending: TickRow | undefined, now: Date): boolean {
  const from = last ?? pending;
  // Before the first slot nothing is due.
  return from !== undefined && now.getTime() > after(schedule, from.dueAt).getTime() + GRACE_MS;
}

function after(schedule: string, time: Date): Date {
  return CronExpressionParser.parse(schedule, { tz: "UTC", currentDate: time }).next().toDate();
}

function slotOf(time: Date): string {
  return `${time.toISOString().slice(0, 16)}Z`;
}

const noted = z.object({ regime: z.string() });

/** The regime as the newest tick that got so far noted it. */
function regimeSeen(ticks: TickRow[]): string | null {
  for (const { steps } of ticks) {
    for (const step of ["assess", "observe"] as const) {
      const seen = noted.safeParse(steps.findLast((entry) => entry.step === step)?.value);
      if (seen.success) return seen.data.regime;
    }
  }
  return null;
}

function needsOf({ vault, last, late, nextSlot }: VaultStatus): string[] {
  const needs: string[] = [];
  if (last !== null && (last.status === "missed" || !QUIET_CODES.includes(last.code ?? ""))) {
    needs.push(
      `${vault}: the last tick, ${last.slot}, ended with ${last.code ?? "no code"}${last.sentence === null ? "" : `: ${last.sentence}`}`,
    );
  }
  if (late) {
    needs.push(
      `${vault}: no tick has ended since ${last?.slot ?? "the first was due"}, and one was due since (next ${nextSlot}): is the keeper running?`,
    );
  }
  return needs;
}

function chainNeeds({ chains }: KeeperConfig, rpc: RpcHealth[]): string[] {
  return Object.entries(chains).flatMap(([name, { quorum }]) => {
    const ofChain = rpc.filter(({ chain }) => chain === name);
    const well = ofChain.filter(({ ok }) => ok).length;
    return ofChain.length === 0 || well >= quorum
      ? []
      : [`chain ${name}: ${well} of ${ofChain.length} RPCs answer well, ${quorum} must agree`];
  });
}

// ------------------------------------------------------------------------------------------- from a running keeper

const tickShape = { slot: z.string(), status: z.string(), ageSeconds: z.number() };
const statusSchema = z.object({
  at: z.string(),
  needs: z.array(z.string()),
  vaults: z.array(
    z.object({
      vault: z.string(),
      last: z.object({ ...tickShape, code: z.string().nullable(), sentence: z.string().nullable() }).nullable(),
      pending: z.object({ ...tickShape, worker: z.string().nullable() }).nullable(),
      nextSlot: z.string(),
      regime: z.string().nullable(),
      late: z.boolean(),
      proposals: z.array(
        z.object({
          ...tickShape,
          safeTxHash: z.string(),
          signatures: z.object({ have: z.number(), threshold: z.number() }).nullable(),
          where: z.array(z.string()),
        }),
      ),
      missed: z.array(z.string()),
    }),
  ),
  alerts: z.array(
    z.object({
      key: z.string(),
      vault: z.string().nullable(),
      code: z.string(),
      severity: z.string(),
      text: z.string(),
      since: z.string(),
    }),
  ),
  database: z.string(),
  rpc: z.array(z.object({ chain: z.string(), host: z.string(), ok: z.boolean(), detail: z.string() })),
});

/** A running keeper holds the database and does not say how it stands. */
export class KeeperSilent extends Error {
  constructor(where: string, reason: string) {
    super(
      `a keeper runs on the embedded database and ${where} does not tell how it stands (${reason}): set http in the ` +
        "configuration and restart it, look at its log, or keep state in a Postgres server (DATABASE_URL)",
    );
    this.name = "KeeperSilent";
  }
}

/** The status in a running keeper's answer. Throws KeeperSilent when it is none. */
export function parseStatus(text: string, where: string): StatusJson {
  try {
    return statusSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new KeeperSilent(where, error instanceof z.ZodError ? "its answer is no status" : "its answer is no JSON");
  }
}

// --------------------------------------------------------------------------------------------------------- on a screen

/** A status on a screen: vault by vault, what stands, and in one line whether somebody is needed. */
export function renderStatus(status: StatusJson): string {
  const { vaults, alerts, database, rpc, needs, at } = status;
  return [
    ...vaults.flatMap((vault) => [...vaultLines(vault), ""]),
    alerts.length === 0 ? "No alert stands." : "Alerts:",
    ...alerts.map(
      ({ severity, vault, text, since }) =>
        `  ${severity} since ${since}: ${vault === null ? "" : `${vault}: `}${text}`,
    ),
    `Database: ${database}`,
    ...rpc.map(({ chain, host, ok, detail }) => `RPC: ${ok ? "ok" : "NO"} ${chain} ${host}, ${detail}`),
    "",
    ...(needs.length === 0 ? [`All is well at ${at}.`] : ["Needs somebody:", ...needs.map((need) => `  ${need}`)]),
  ].join("\n");
}

function vaultLines({ vault, last, pending, nextSlot, regime, late, proposals, missed }: VaultStatus): string[] {
  const ago = (seconds: number): string => `${duration(seconds)} ago`;
  return [
    `Vault ${vault}${regime === null ? "" : `, ${regime}`}`,
    last === null
      ? "  no tick has ended yet"
      : `  last tick  ${last.slot}, ${last.code ?? last.status}, ${ago(last.ageSeconds)}${last.sentence === null ? "" : `: ${last.sentence}`}`,
    ...(pending === null
      ? []
      : [
          `  ${pending.status.padEnd(9)}  ${pending.slot}${pending.worker === null ? "" : ` by ${pending.worker}`}, since ${ago(pending.ageSeconds)}`,
        ]),
    `  next tick  ${nextSlot}${late ? ", and one is late" : ""}`,
    ...proposals.map(({ safeTxHash, slot, status, ageSeconds, signatures }) => {
      const signed =
        signatures === null ? "signatures unknown" : `${signatures.have} of ${signatures.threshold} signatures`;
      return `  proposal   ${safeTxHash}, ${status}, of ${slot}, ${ago(ageSeconds)}, ${signed}`;
    }),
    ...(missed.length === 0
      ? []
      : [
          `  missed     ${missed.length} in the last week: ${missed.slice(0, 5).join(", ")}${missed.length > 5 ? ", …" : ""}`,
        ]),
  ];
}
