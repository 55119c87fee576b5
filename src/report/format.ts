/**
 * Numbers as people read them, the same in the terminal and in the report. Written out rather than left to the
 * engine's locale data, so that the same result gives the same bytes everywhere.
 */

const MINUS = "−";

/** Digits in groups of three, with a true minus sign: 1234.5, 1 → "1,234.5". No "−0". */
export function grouped(value: number, digits = 0): string {
  const text = Math.abs(value).toFixed(digits);
  const [whole = "0", fraction] = text.split(".");
  const sign = value < 0 && Number(text) !== 0 ? MINUS : "";
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : `.${fraction}`);
}

/** Dollars: whole ones from 1,000 up, cents below, unless told. "$12,345", "−$12.34". */
export function usd(value: number, digits = Math.abs(value) < 999.5 ? 2 : 0): string {
  const text = grouped(value, digits);
  return text.startsWith(MINUS) ? `${MINUS}$${text.slice(1)}` : `$${text}`;
}

/** Dollars with a sign for gains too: "+$12.34". Zero has none. */
export function signedUsd(value: number, digits?: number): string {
  const text = usd(value, digits);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** A decimal as percent: 0.0345 → "3.5%". */
export function percent(value: number, digits = 1): string {
  return `${grouped(value * 100, digits)}%`;
}

/** The same with a sign for gains too: "+3.5%". */
export function signedPercent(value: number, digits = 1): string {
  const text = percent(value, digits);
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text;
}

/** An amount of ETH, two digits, no unit. */
export function eth(value: number): string {
  return grouped(value, 2);
}

/** Basis points, two digits: "0.31 bps". */
export function bps(value: number): string {
  return `${grouped(value, 2)} bps`;
}

/** "1 day", "8 days". */
export function counted(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `2020-03-12` → "12 Mar 2020". Anything else comes back as it is. */
export function longDate(date: string): string {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date) ?? [];
  const name = MONTHS[Number(month) - 1];
  return name === undefined ? date : `${Number(day)} ${name} ${year}`;
}

/** The first and last characters of a hash: "0x1234…abcd". */
export function shortHash(hash: string): string {
  return hash.length <= 14 ? hash : `${hash.slice(0, 6)}…${hash.slice(-4)}`;
}
