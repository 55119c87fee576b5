import { dataLength, dataSlice, getAddress, keccak256 } from "ethers";
import type { Built, Range } from "./build.ts";

/** A library begins by comparing its own address, which its deployment writes there, with where it runs: PUSH20, ADDRESS. */
const CALL_PROTECTION = `0x73${"00".repeat(20)}3014`;
const OWN_ADDRESS: Range = { start: 1, length: 20 };

/** Runtime code of the chain against that of the build. */
export interface CodeComparison {
  /** The first byte that differs, counted from zero, or the length where one is longer; null when none does. */
  firstDifference: number | null;
  /** What the chain's code has in each immutable's places: null when not the same in all of them. */
  immutables: Map<string, string | null>;
  /** The address of each linked library: null when not the same in all its places. */
  libraries: Map<string, string | null>;
  /** The address a library's call protection compares with; null for a contract that is none. */
  ownAddress: string | null;
}

/** Compares code outside the places that deployment fills in, and reads what is in those. */
export function compareCode({ code, immutables, libraries }: Built, chain: string): CodeComparison {
  const isLibrary = code.startsWith(CALL_PROTECTION);
  const filled = [...immutables.values(), ...libraries.values(), ...(isLibrary ? [[OWN_ADDRESS]] : [])].flat();
  const [wanted, found] = [masked(code, filled), masked(chain, filled)];
  return {
    firstDifference: differsAt(wanted, found),
    immutables: new Map([...immutables].map(([name, places]) => [name, valueIn(chain, places)])),
    libraries: new Map([...libraries].map(([name, places]) => [name, addressIn(chain, places)])),
    ownAddress: isLibrary ? addressIn(chain, [OWN_ADDRESS]) : null,
  };
}

/** Length and hash of code as it is compared, for people to compare with others'. */
export function fingerprint({ code, immutables, libraries }: Built): string {
  const filled = [...immutables.values(), ...libraries.values()].flat();
  return `${dataLength(masked(code, filled))} bytes, ${keccak256(masked(code, filled)).slice(0, 18)}…`;
}

function masked(code: string, filled: readonly Range[]): string {
  const digits = code.slice(2).split("");
  for (const { start, length } of filled) {
    // Code that ends before is not made longer.
    const end = Math.min(2 * (start + length), digits.length);
    if (2 * start < end) digits.fill("0", 2 * start, end);
  }
  return `0x${digits.join("").toLowerCase()}`;
}

function differsAt(left: string, right: string): number | null {
  if (left === right) return null;
  let at = 0;
  while (left[at] === right[at]) at += 1;
  return Math.floor((at - 2) / 2);
}

function valueIn(code: string, places: readonly Range[]): string | null {
  const length = dataLength(code);
  const values = places.map(({ start, length: bytes }) =>
    start + bytes <= length ? dataSlice(code, start, start + bytes).toLowerCase() : null,
  );
  const first = values[0] ?? null;
  return values.every((value) => value === first) ? first : null;
}

function addressIn(code: string, places: readonly Range[]): string | null {
  const value = valueIn(code, places);
  return value === null ? null : getAddress(value);
}
