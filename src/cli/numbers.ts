import { UsageError } from "./output.ts";

/** A numeric option: `1500`, `0.05`, `1e6`. Infinity where the option allows it. Throws UsageError. */
export function numberOption(name: string, text: string, { infinite = false } = {}): number {
  const value = Number(text);
  if (text.trim() !== "" && !Number.isNaN(value) && (infinite || Number.isFinite(value))) return value;
  throw new UsageError(`--${name} is '${text}': give a number such as 0.05${infinite ? ", or Infinity" : ""}`);
}

/** 1234567.891 as 1,234,567.89: two decimals from 100 up, more significant digits below. */
export function amount(value: number): string {
  if (!Number.isFinite(value)) return "∞";
  const digits = Math.abs(value) >= 100 ? { maximumFractionDigits: 2 } : { maximumSignificantDigits: 6 };
  return value.toLocaleString("en-US", digits);
}

/** 0.1234 as 12.34 %. */
export function percent(value: number): string {
  return Number.isFinite(value) ? `${(value * 100).toFixed(2)} %` : "∞";
}

/** Lines of a table, its head the first row: the first column aligned left, the others right. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** Lines of a name and a value, the values in one column. */
export function facts(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}
