import canonicalize from "canonicalize";

/** A value that JSON cannot carry, such as undefined or a bigint. */
export class NotCanonical extends Error {
  constructor(detail: string) {
    super(
      `this value has no canonical JSON (${detail}): write big numbers as decimal strings and leave nothing undefined`,
    );
    this.name = "NotCanonical";
  }
}

/** Canonical JSON (RFC 8785): the same value gives the same bytes on every machine. Throws NotCanonical. */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = canonicalize(value);
  } catch (error) {
    throw new NotCanonical(error instanceof Error ? error.message : String(error));
  }
  if (text === undefined) throw new NotCanonical("undefined");
  return text;
}
