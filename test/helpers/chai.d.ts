// What chai 6 does and its types do not say yet: it compares bigints as it compares numbers.
declare namespace Chai {
  interface NumberComparer {
    (value: bigint, message?: string): Assertion;
  }
  interface CloseTo {
    (expected: bigint, delta: bigint, message?: string): Assertion;
  }
}
