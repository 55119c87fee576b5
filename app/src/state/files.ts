import { fitEscaped, plainLine } from "../../../src/keeper/ops/text.ts";
import { Unusable } from "./errors.ts";
import { MAX_BYTES } from "./fetchText.ts";

/** A file's name as far as a line has room for it: whoever sent the file chose it. */
export function nameOf({ name }: File): string {
  return fitEscaped(plainLine(name), 60);
}

/** The text of a file the member chose or dropped. Throws Unusable for one that is too large. */
export async function textOf(file: File): Promise<string> {
  if (file.size > MAX_BYTES) throw new Unusable(`${nameOf(file)} is too large`, "Choose the JSON file itself.");
  return file.text();
}

/** Offers a text as a file to save. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
