import { Interface, getAddress } from "ethers";
import { duration } from "../../src/keeper/review.ts";
import { AccessManager__factory } from "../../typechain-types/index.js";
import {
  ADMIN_ROLE,
  FUNCTION_ROLES,
  GUARDED_ROLES,
  MANAGED,
  ROLES,
  STANDING_HOLDERS,
  namedHolders,
  selectorOf,
} from "../vault.ts";
import type { RoleName } from "../vault.ts";
import type { ChainAt, ReadEvent } from "./chain.ts";
import { HistoryUnavailable } from "./chain.ts";
import { compare, unread } from "./rows.ts";
import type { Row } from "./rows.ts";
import type { Contracts, Subject } from "./subject.ts";
import { utc } from "./text.ts";

const MANAGER = AccessManager__factory.createInterface();
/** What decides who may do what. A role's label is words, of which nobody has to be able to make sense. */
const EVENTS = new Interface(
  MANAGER.fragments.filter((part) => part.type === "event" && part !== MANAGER.getEvent("RoleLabel")),
);
const IDS: Record<RoleName, bigint> = { admin: ADMIN_ROLE, ...ROLES };
/** Everybody, without asking. */
const PUBLIC_ROLE = 2n ** 64n - 1n;

const STRANGER =
  "revoke what the DAO did not grant (AccessManager.revokeRole), or write what it did into the parameters file";

const OTHER_DELAY =
  "calls of this role wait another time than members were told: grantRole with the right delay sets it back, or write it " +
  "into the parameters file";

/** Everything a manager ever said, from its constructor on; or why that cannot be known. */
export type History = { events: ReadEvent[] } | { error: Error };

/** Reads a manager's events. Its constructor's grant must be among them, or something is missing before it. */
export async function readHistory(chain: ChainAt, manager: string, fromBlock: number | null): Promise<History> {
  try {
    const from = fromBlock ?? (await chain.firstBlockOf(manager));
    const events = await chain.events(manager, EVENTS, from);
    const first = events[0]?.event;
    if (first?.name !== "RoleGranted" || first.args["roleId"] !== ADMIN_ROLE) {
      throw new HistoryUnavailable(
        `the first event of ${manager} since block ${from} is not the grant of its constructor`,
      );
    }
    return { events };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // What is no trouble of node or history goes on from there.
    unread("roles", "", null, error);
    return { error };
  }
}

/** Who holds which role, who may give it on, and which function takes which. */
export async function roleRows(subject: Subject, history: History): Promise<Row[]> {
  const rows = [
    ...Object.keys(IDS).flatMap((role) => rowsOfRole(subject, history, role as RoleName)),
    ...functionRows(subject),
  ];
  return [...(await Promise.all(rows)), ...(await unexpectedRows(subject, history))];
}

/** Who administers a manager now. */
export async function administratorsOf(chain: ChainAt, manager: string, events: ReadEvent[]): Promise<string[]> {
  const held = grantedTo(events, ADMIN_ROLE).map(async (account) => {
    const { isMember } = await chain.ask<{ isMember: boolean }>(manager, MANAGER, "hasRole", [ADMIN_ROLE, account]);
    return isMember ? [account] : [];
  });
  return (await Promise.all(held)).flat();
}

/** Every account a role was ever granted to. */
function grantedTo(events: ReadEvent[], role: bigint): string[] {
  const grants = events.filter(({ event }) => event.name === "RoleGranted" && event.args["roleId"] === role);
  return [...new Set(grants.map(({ event }) => event.args["account"] as string))].sort();
}

/** A member of a role, from when on, and when its calls run; null for none. */
interface Member {
  account: string;
  delay: string;
}

async function memberOf(chain: ChainAt, manager: string, role: bigint, account: string): Promise<Member | null> {
  const [{ isMember }, access] = await Promise.all([
    chain.ask<{ isMember: boolean }>(manager, MANAGER, "hasRole", [role, account]),
    chain.ask<Record<"since" | "currentDelay" | "pendingDelay" | "effect", bigint>>(manager, MANAGER, "getAccess", [
      role,
      account,
    ]),
  ]);
  const { since, currentDelay, pendingDelay, effect } = access;
  if (since === 0n) return null;
  const change = effect === 0n ? "" : `, ${waits(pendingDelay)} from ${utc(effect)}`;
  return {
    account: `${getAddress(account)}${isMember ? "" : ` from ${utc(since)}`}`,
    delay: `${getAddress(account)} ${waits(currentDelay)}${change}`,
  };
}

function waits(delay: bigint): string {
  return delay === 0n ? "at once" : `after ${duration(Number(delay))}`;
}

function rowsOfRole({ chain, contracts: d, parameters: p }: Subject, history: History, role: RoleName): Promise<Row>[] {
  const id = IDS[role];
  const manager = d.accessManager;
  const members = async (part: keyof Member): Promise<string> => {
    if ("error" in history) throw history.error;
    const accounts = grantedTo(history.events, id);
    const held = await Promise.all(accounts.map((account) => memberOf(chain, manager, id, account)));
    return held.flatMap((member) => (member === null ? [] : [member[part]])).join("; ") || "nobody";
  };
  const wanted = membersWanted(d, p, role);
  const guardian = (GUARDED_ROLES as readonly RoleName[]).includes(role) ? ROLES.guardian : ADMIN_ROLE;
  const kept = (admin: bigint, cancels: bigint, delay: bigint): string =>
    `given by ${roleName(admin)} ${waits(delay)}, cancelled by ${roleName(cancels)}`;
  return [
    compare("roles", `${role}: members`, wanted.account, () => members("account"), STRANGER),
    compare("roles", `${role}: delays`, wanted.delay, () => members("delay"), OTHER_DELAY),
    compare(
      "roles",
      `${role}: keepers`,
      kept(ADMIN_ROLE, guardian, 0n),
      async () =>
        kept(
          ...(await Promise.all([
            chain.ask<bigint>(manager, MANAGER, "getRoleAdmin", [id]),
            chain.ask<bigint>(manager, MANAGER, "getRoleGuardian", [id]),
            chain.ask<bigint>(manager, MANAGER, "getRoleGrantDelay", [id]),
          ])),
        ),
      "others may give this role or cancel what it scheduled: setRoleAdmin, setRoleGuardian and setGrantDelay set it back",
    ),
  ];
}

/** Who should hold a role, and after which delay; null for what only the parameters say when there are none. */
function membersWanted(
  d: Contracts,
  p: Subject["parameters"],
  role: RoleName,
): { account: string | null; delay: string | null } {
  if (isStanding(role)) {
    const { holder, delay } = STANDING_HOLDERS[role];
    const account = getAddress(d[holder]);
    if (delay === null) return { account, delay: `${account} ${waits(0n)}` };
    return { account, delay: p === null ? null : `${account} ${waits(BigInt(p.access[delay]))}` };
  }
  if (p === null) return { account: null, delay: null };
  const holders = namedHolders(p)
    [role].map((account) => getAddress(account))
    .sort();
  return {
    account: holders.join("; ") || "nobody",
    delay: holders.map((account) => `${account} ${waits(0n)}`).join("; ") || "nobody",
  };
}

function isStanding(role: RoleName): role is keyof typeof STANDING_HOLDERS {
  return role in STANDING_HOLDERS;
}

/** The role of each guarded function, whether its contract is closed, and how long changing that takes. */
function functionRows({ chain, contracts: d }: Subject): Promise<Row>[] {
  const rows: Promise<Row>[] = [];
  for (const [contract, { key, abi }] of Object.entries(MANAGED)) {
    const target = d[key];
    if (target === undefined) continue;
    const shared = key === "regimeOracle" ? d.atDeployment?.regimeOracleAuthority : undefined;
    // A shared oracle's functions are another deployment's to wire, by the same table.
    const manager = shared ?? d.accessManager;
    for (const { role, functions } of FUNCTION_ROLES.filter((entry) => entry.contract === contract)) {
      for (const name of functions) {
        rows.push(
          compare(
            "roles",
            `${contract}.${name}`,
            role,
            async () =>
              roleName(await chain.ask(manager, MANAGER, "getTargetFunctionRole", [target, selectorOf(abi, name)])),
            "another role may call it: setTargetFunctionRole sets it back",
          ),
        );
      }
    }
    rows.push(
      compare(
        "roles",
        `${contract}: open`,
        "open, changed at once",
        async () => {
          const [closed, delay] = await Promise.all([
            chain.ask<boolean>(manager, MANAGER, "isTargetClosed", [target]),
            chain.ask<bigint>(manager, MANAGER, "getTargetAdminDelay", [target]),
          ]);
          return `${closed ? "closed" : "open"}, changed ${waits(delay)}`;
        },
        "closed, nobody may call its functions above but members' exits go on: setTargetClosed opens it; setTargetAdminDelay " +
          "says how long such a change waits",
      ),
    );
  }
  return rows;
}

/** What the manager was told and no deployment tells it: roles and functions that are not in the table. */
async function unexpectedRows({ chain, contracts: d }: Subject, history: History): Promise<Row[]> {
  const name = "anything else";
  if ("error" in history) return [unread("roles", name, "no other role or function", history.error)];
  const manager = d.accessManager;
  const known = new Set<string>();
  for (const { contract, functions } of FUNCTION_ROLES) {
    const { key, abi } = MANAGED[contract];
    for (const name of functions) known.add(`${d[key]?.toLowerCase() ?? ""} ${selectorOf(abi, name)}`);
  }
  const pairs = new Map<string, [string, string]>();
  const members = new Map<string, [bigint, string]>();
  for (const { event } of history.events) {
    const { target, selector, roleId, account } = event.args.toObject() as Record<string, string> & { roleId: bigint };
    if (event.name === "TargetFunctionRoleUpdated") {
      const key = `${target!.toLowerCase()} ${selector!}`;
      if (!known.has(key)) pairs.set(key, [target!, selector!]);
    }
    if (event.name === "RoleGranted" && !Object.values(IDS).includes(roleId)) {
      members.set(`${roleId} ${account!}`, [roleId, account!]);
    }
  }
  const found = async (): Promise<string> => {
    const functions = [...pairs.values()].map(async ([target, selector]) => {
      const role = await chain.ask<bigint>(manager, MANAGER, "getTargetFunctionRole", [target, selector]);
      return role === ADMIN_ROLE ? null : `${roleName(role)} may call ${selector} of ${target}`;
    });
    const roles = [...members.values()].map(async ([role, account]) => {
      const member = await memberOf(chain, manager, role, account);
      return member === null ? null : `${roleName(role)}: ${member.delay}`;
    });
    const told = (await Promise.all([...functions, ...roles])).filter((text) => text !== null);
    return told.join("; ") || "no other role or function";
  };
  const meaning = "the Safe gave powers this checkout knows nothing of: audit what is called there";
  return [await compare("roles", name, "no other role or function", found, meaning)];
}

/** A role by its name in this deployment. */
export function roleName(id: bigint): string {
  if (id === PUBLIC_ROLE) return "anyone";
  return Object.entries(IDS).find(([, known]) => known === id)?.[0] ?? `role ${id}`;
}

/** Calls that wait on the manager, and delays that will change: nothing wrong, but worth knowing before they run. */
export async function pendingRows({ chain, contracts: d }: Subject, history: History): Promise<Row[]> {
  if ("error" in history) return [unread("pending", "schedules", "none", history.error)];
  const manager = d.accessManager;
  const latest = new Map<string, ReadEvent["event"]>();
  for (const { event } of history.events) {
    if (event.name === "OperationScheduled") latest.set(event.args["operationId"] as string, event);
  }
  const rows = [...latest].map(async ([operation, event]): Promise<Row | null> => {
    const name = `schedule ${operation.slice(0, 10)}`;
    try {
      const [at, expiration] = await Promise.all([
        chain.ask<bigint>(manager, MANAGER, "getSchedule", [operation]),
        chain.ask<bigint>(manager, MANAGER, "expiration"),
      ]);
      // Executed, cancelled or expired.
      if (at === 0n) return null;
      const { target, data, caller } = event.args.toObject() as Record<string, string>;
      return {
        topic: "pending",
        name,
        state: "attention",
        expected: null,
        found: `${describeCall(d, target!, data!)}, by ${caller!}`,
        meaning: `it can be executed from ${utc(at)} until ${utc(at + expiration)}; the Safe or the guardian can cancel it`,
      };
    } catch (error) {
      return unread("pending", name, null, error);
    }
  });
  const listed = (await Promise.all(rows)).filter((row) => row !== null);
  const changes = history.events.flatMap(({ event }) => delayChange(event, BigInt(chain.block.timestamp)));
  const all = [...listed, ...changes];
  if (all.length > 0) return all;
  return [{ topic: "pending", name: "schedules", state: "match", expected: "none", found: "none", meaning: null }];
}

/** A grant delay or a target's delay that was set and does not count yet. */
function delayChange(event: ReadEvent["event"], now: bigint): Row[] {
  if (event.name !== "RoleGrantDelayChanged" && event.name !== "TargetAdminDelayUpdated") return [];
  const { roleId, target, delay, since } = event.args.toObject() as {
    roleId: bigint;
    target: string;
    delay: bigint;
    since: bigint;
  };
  if (since <= now) return [];
  const whose = event.name === "RoleGrantDelayChanged" ? `${roleName(roleId)}: grants` : `${target}: changes`;
  return [
    {
      topic: "pending",
      name: whose,
      state: "attention",
      expected: null,
      found: waits(delay),
      meaning: `it counts from ${utc(since)}`,
    },
  ];
}

/** A call in the words of the contract it goes to. */
function describeCall(d: Contracts, target: string, data: string): string {
  const known: [string, string | undefined, { parseTransaction: typeof MANAGER.parseTransaction }][] = [
    ["AccessManager", d.accessManager, MANAGER],
    ...Object.entries(MANAGED).map(([name, { key, abi }]): (typeof known)[number] => [name, d[key], abi]),
  ];
  const contract = known.find(([, address]) => address?.toLowerCase() === target.toLowerCase());
  try {
    const call = contract?.[2].parseTransaction({ data });
    if (contract !== undefined && call != null)
      return `${contract[0]}.${call.name}(${call.args.toArray().map(String).join(", ")})`;
  } catch {
    // Its arguments are not what its selector says: shown as it is.
  }
  return `${contract?.[0] ?? target} ${data}`;
}
