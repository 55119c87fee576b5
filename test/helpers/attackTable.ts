/** What one attack came to. Amounts in the words of the row: USDC, gas, or what the attacker got done. */
export interface AttackRow {
  attack: string;
  /** The check taken out. */
  check: string;
  without: string;
  with: string;
}

const rows: AttackRow[] = [];

export function record(row: AttackRow): void {
  rows.push(row);
}

/** All rows so far, once every test has run. */
after(() => {
  if (rows.length === 0) return;
  const columns = ["attack", "check", "without", "with"] as const;
  const lines = [{ attack: "Attack", check: "Check taken out", without: "Without it", with: "With it" }, ...rows];
  const widths = columns.map((column) => Math.max(...lines.map((row) => row[column].length)));
  for (const row of lines) console.log(`  ${columns.map((column, i) => row[column].padEnd(widths[i]!)).join("  ")}`);
});

/** The best of what an attacker tried. */
export function best<T extends { profit: bigint }>(tries: T[]): T {
  return tries.reduce((a, b) => (b.profit > a.profit ? b : a));
}

/** Asset units as whole USDC, with thousands set apart. */
export function dollars(units: bigint): string {
  const whole = (units < 0n ? -units : units) / 1_000_000n;
  return `${units < 0n ? "−" : ""}${whole.toLocaleString("en-US")} USDC`;
}
