import { grouped, longDate } from "../../../src/report/format.ts";

/*
 * Amounts as members read them, with their unit. Whole numbers in token units go in, text comes out; what is nothing is said
 * so. Numbers are grouped the same on every machine.
 */

export { grouped, shortHash } from "../../../src/report/format.ts";

/** USDC units as "1,234.50 USDC". */
export function usdc(units: bigint | number, digits = 2): string {
  return `${grouped(Number(units) / 1e6, digits)} USDC`;
}

/** Large amounts without cents. */
export function wholeUsdc(units: bigint | number): string {
  return usdc(units, 0);
}

/** 18-decimal shares. */
export function shares(units: bigint, digits = 2): string {
  return `${grouped(Number(units) / 1e18, digits)} shares`;
}

export function ether(units: bigint | number, digits = 2): string {
  return `${grouped(Number(units) / 1e18, digits)} ETH`;
}

/** Basis points as percent. */
export function bpsPercent(bps: bigint | number, digits = 1): string {
  return percent(Number(bps) / 10_000, digits);
}

/** A decimal as percent, with the space the units have everywhere here: 0.0345 is "3.5 %". */
export function percent(value: number, digits = 1): string {
  return `${grouped(value * 100, digits)} %`;
}

/** The same with a sign for gains too. */
export function signedPercent(value: number, digits = 1): string {
  const text = percent(value, digits);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** 10,000 basis points is 1×. The contract answers an endless number for an account without equity. */
export function times(bps: bigint | number): string {
  return Number(bps) > 1e12 ? "no equity left" : `${grouped(Number(bps) / 10_000, 2)}×`;
}

/** VIX points of 8 decimals. */
export function points(units: bigint | string): string {
  return grouped(Number(units) / 1e8, 2);
}

/** Seconds since 1970-01-01 as "14 Mar 2030, 00:05 UTC". */
export function when(seconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return `${longDate(iso.slice(0, 10))}, ${iso.slice(11, 16)} UTC`;
}

/** A text whose times, as the command line writes them, are written as everywhere on the page. */
export function plainTimes(text: string): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (iso) => {
    const milliseconds = Date.parse(iso);
    // A packet's text may look like a time and be none.
    return Number.isNaN(milliseconds) ? iso : when(Math.floor(milliseconds / 1000));
  });
}

/** A day since 1970-01-01 as "14 Mar 2030". */
export function dayText(day: number): string {
  return longDate(new Date(day * 86_400_000).toISOString().slice(0, 10));
}

/** A text whose numbers stay on one line with their units. */
export function unbroken(text: string): string {
  return text.replace(/(?<=\d) (?=%|USDC|ETH)/g, "\u00a0");
}

/** A hash as hardware wallets break it up: four characters a group, sixteen groups. */
export function inGroups(hash: string): string[] {
  return hash.replace(/^0x/, "").match(/.{1,4}/g) ?? [];
}

/**
 * The amount in a field, in units of so many decimals; null for what is no positive amount. A comma groups thousands where a
 * point or another comma says so; "1,500" alone is one and a half in half of the world, and taken as neither.
 */
export function parseAmount(text: string, decimals: number): bigint | null {
  const plain = text.trim();
  const isGrouped = /^\d{1,3}(,\d{3}){2,4}$|^\d{1,3}(,\d{3}){1,4}\.\d+$/.test(plain);
  const match = /^(\d{1,15})(?:\.(\d+))?$/.exec(isGrouped ? plain.replaceAll(",", "") : plain);
  if (match === null || (match[2]?.length ?? 0) > decimals) return null;
  const units = BigInt(match[1] ?? "0") * 10n ** BigInt(decimals) + BigInt((match[2] ?? "").padEnd(decimals, "0"));
  return units > 0n ? units : null;
}
