import { dataLength, getAddress } from "ethers";
import type { ContractName } from "./build.ts";
import { compareCode, fingerprint } from "./code.ts";
import type { CodeComparison } from "./code.ts";
import { Unanswered } from "./chain.ts";
import { fixedValues, readWord } from "./fixed.ts";
import type { Fixed } from "./fixed.ts";
import { compare, unread } from "./rows.ts";
import type { Row } from "./rows.ts";
import { placesOf } from "./subject.ts";
import type { Subject } from "./subject.ts";

const OTHER_CODE =
  "what runs there is not what this checkout builds: audit from the commit that was deployed; if this is it, trust " +
  "nothing the contract says, and leave";
const OTHER_VALUE =
  "it was deployed with another value, which cannot be changed: if the parameters file is right, this is not the vault " +
  "they describe";

/** Every contract's code against the build's, and what deployment wrote into it. */
export async function codeRows(subject: Subject): Promise<Row[]> {
  const fixed = fixedValues(subject);
  const rows = await Promise.all(placesOf(subject.contracts).map((place) => contractRows(subject, place, fixed)));
  return rows.flat();
}

async function contractRows(
  { chain, contracts, build }: Subject,
  [name, address]: [ContractName, string],
  fixed: Record<ContractName, Record<string, Fixed>>,
): Promise<Row[]> {
  const built = build[name];
  const expected = fingerprint(built);
  let code: string;
  try {
    code = await chain.code(address);
  } catch (error) {
    return [unread("code", name, expected, error)];
  }
  const compared = compareCode(built, code);
  const found = codeFound(compared, code, expected);
  const rows = [compare("code", name, expected, async () => found, OTHER_CODE)];
  if (compared.ownAddress !== null) {
    const own = compared.ownAddress;
    rows.push(
      compare(
        "code",
        `${name}: call protection`,
        getAddress(address),
        async () => own,
        "a library's code was copied from another place: it may be called where it should only run",
      ),
    );
  }
  const { redemptionQueue, venueList } = contracts;
  const linked: Partial<Record<string, string>> = { RedemptionQueue: redemptionQueue, VenueList: venueList };
  for (const [library, place] of compared.libraries) {
    const wanted = linked[library];
    const meaning = `the vault runs another library than the deployment's: all its cash is in that code's hands`;
    rows.push(
      compare(
        "code",
        `${name}: ${library}`,
        wanted === undefined ? null : getAddress(wanted),
        async () => same(place, address, library),
        meaning,
      ),
    );
  }
  // Code of another length has other things in these places.
  const isOther = dataLength(code) !== dataLength(placeholderFree(built.code));
  for (const [immutable, word] of compared.immutables) {
    const { topic, as, expected: value } = fixed[name][immutable] ?? { topic: "code", as: "bytes", expected: null };
    const read = async (): Promise<string> => {
      if (isOther) throw new Unanswered(address, immutable, "its code is another");
      return readWord(same(word, address, immutable), as);
    };
    rows.push(compare(topic, `${name}.${immutable}`, value, read, OTHER_VALUE));
  }
  return Promise.all(rows);
}

/** What the chain has instead of a build's code, or the build's own fingerprint. */
export function codeFound({ firstDifference }: CodeComparison, code: string, expected: string): string {
  if (code === "0x") return "no code";
  if (firstDifference === null) return expected;
  return `${dataLength(code)} bytes, another from byte ${firstDifference} on`;
}

/** What is in all of a value's places; code that disagrees with itself does not say what it is. */
function same(value: string | null, address: string, name: string): string {
  if (value === null) throw new Unanswered(address, name, "its code has different values for it");
  return value;
}

/** Places of libraries are no hexadecimal digits before they are filled in. */
function placeholderFree(code: string): string {
  return code.replaceAll(/__\$\w+\$__/g, "00".repeat(20));
}
