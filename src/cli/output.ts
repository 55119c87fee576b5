/** What the process ends with, for scripts to act on. */
export const EXIT = { yes: 0, no: 1, usage: 2 } as const;

/** The command line itself is wrong: exit 2. Every other error is a failure: exit 1. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

let asJson = false;

/** Decides, once per process, whether standard output carries JSON or text. */
export function setJson(on: boolean): void {
  asJson = on;
}

/**
 * The one answer of a command, on standard output: `human` as it stands, or `json` when --json was given. Call it once;
 * bigints become decimal strings, since JSON numbers would lose digits. Throws NotANumberError, whichever of the two was
 * asked for.
 */
export function print(human: string, json: unknown): void {
  const text = toJson(json);
  process.stdout.write(asJson ? text : `${human}\n`);
}

/** Progress and remarks, on standard error, so that they never mix with the answer. */
export function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** The answer is "no": print it as usual, the process then ends with 1. */
export function answerNo(): void {
  process.exitCode = EXIT.no;
}

/**
 * Reports an error and sets the exit code: `Name: message` on standard error (the messages of our errors say how to
 * mend it), and `{ "error": { "name", "message" } }` on standard output when --json was given. BALLAST_TRACE=1 adds the
 * stack.
 */
export function fail(error: unknown): void {
  const { name, message, stack } = named(error);
  log(process.env["BALLAST_TRACE"] === "1" && stack !== undefined ? stack : `${name}: ${message}`);
  if (asJson) process.stdout.write(toJson({ error: { name, message } }));
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.no;
}

/** The operating system refused a file or a folder. */
class FileAccessError extends Error {
  constructor(cause: Error) {
    super(`${cause.message}. Give a path whose folder exists, and that you may read or write.`, { cause });
    this.name = "FileAccessError";
  }
}

/** An answer has a value that is not a number: JSON would call it null, and people would read NaN. */
export class NotANumberError extends Error {
  constructor(key: string) {
    super(
      `the answer's ${key} is not a number. Inputs too great or too small for the arithmetic do that (1e308): correct ` +
        "them. With plausible inputs it is a defect: report the command line.",
    );
    this.name = "NotANumberError";
  }
}

class NotAnError extends Error {
  constructor(thrown: unknown) {
    super(`something that is not an error was thrown: ${String(thrown)}`);
    this.name = "NotAnError";
  }
}

function named(error: unknown): Error {
  if (!(error instanceof Error)) return new NotAnError(error);
  // What node:fs throws has no name of its own.
  const isFileError = error.name === "Error" && "syscall" in error && "path" in error;
  return isFileError ? new FileAccessError(error) : error;
}

function toJson(value: unknown): string {
  const text = JSON.stringify(
    value,
    (key, part: unknown) => {
      if (Number.isNaN(part)) throw new NotANumberError(key);
      return typeof part === "bigint" ? part.toString() : part;
    },
    2,
  );
  return `${text}\n`;
}
