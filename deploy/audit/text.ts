import { DateTime } from "luxon";

/** Seconds since 1970-01-01 in words; a contract may answer any number. */
export function utc(seconds: bigint): string {
  const at = DateTime.fromSeconds(Number(seconds), { zone: "utc" });
  return at.isValid && seconds < 10n ** 11n ? at.toFormat("yyyy-MM-dd HH:mm:ss 'UTC'") : `second ${seconds}`;
}
