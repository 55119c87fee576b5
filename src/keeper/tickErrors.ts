/** The reason code of a tick that an error ended, by the error's name. */
const CODES = {
  RpcUnavailable: "RPC_UNAVAILABLE",
  RpcsDisagree: "RPCS_DISAGREE",
  ChainStandsStill: "CHAIN_STANDS_STILL",
  ClockBehind: "CLOCK_BEHIND",
  WrongChain: "WRONG_CHAIN",
  Reorganised: "REORGANISED",
  ServiceUnavailable: "SERVICE_UNAVAILABLE",
  ServiceRateLimited: "SERVICE_UNAVAILABLE",
  ServiceUnauthorized: "SERVICE_REFUSED",
  ServiceRejected: "SERVICE_REFUSED",
  ServiceInconsistent: "SERVICE_INCONSISTENT",
  FolderUnreadable: "OUTLET_UNWRITABLE",
  FolderUnwritable: "OUTLET_UNWRITABLE",
  PinFailed: "OUTLET_UNWRITABLE",
  PacketError: "OUTLET_UNWRITABLE",
  PacketLocked: "OUTLET_UNWRITABLE",
  DatabaseUnavailable: "DATABASE",
  DatabaseFull: "DATABASE",
  AdaptersDiffer: "MISCONFIGURED",
  NotASafe: "MISCONFIGURED",
  SignerUnavailable: "SIGNER",
  SignerRefused: "SIGNER",
  SignerLied: "SIGNER",
} as const;

/** Errors that trying again does not mend: a person has to. */
const LASTING: ReadonlySet<string> = new Set([
  "WrongChain",
  "NotASafe",
  "AdaptersDiffer",
  "ServiceUnauthorized",
  "ServiceRejected",
  "ServiceInconsistent",
  "SignerRefused",
  "SignerLied",
]);

export type ErrorCode = (typeof CODES)[keyof typeof CODES] | "TICK_FAILED";

export const ERROR_CODES: readonly ErrorCode[] = [...new Set([...Object.values(CODES), "TICK_FAILED" as const])];

/** What passes by itself, or may: the same slot is tried again. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof Error && LASTING.has(error.name));
}

/** The reason code of a tick that ended with an error. */
export function codeOf(error: unknown): ErrorCode {
  const name = error instanceof Error ? error.name : "";
  if (name in CODES) return CODES[name as keyof typeof CODES];
  // What node:fs throws has no name of its own.
  return error instanceof Error && "syscall" in error && "path" in error ? "OUTLET_UNWRITABLE" : "TICK_FAILED";
}
