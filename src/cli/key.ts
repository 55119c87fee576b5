import { readFile } from "node:fs/promises";
import { Wallet } from "ethers";
import type { Command } from "commander";
import { UsageError } from "./output.ts";

/** The key file cannot be used. Its contents never appear in the message. */
export class KeyError extends Error {
  constructor(path: string, detail: string) {
    super(`key file ${path}: ${detail}; give an encrypted JSON keystore, or a file with one private key in hex`);
    this.name = "KeyError";
  }
}

export interface KeyOptions {
  keyFile?: string;
}

/** Adds the one way a command takes a key: a file, encrypted or not, never an argument that lands in a history. */
export function addKeyOption(command: Command): Command {
  return command.option(
    "--key-file <file>",
    "encrypted JSON keystore (password in BALLAST_PASSWORD), or a file with a private key in hex",
  );
}

/** The wallet in the key file; null without one. */
export async function readKey(options: KeyOptions): Promise<Wallet | null> {
  if (options.keyFile === undefined) return null;
  const path = options.keyFile;
  const text = await readFile(path, "utf8").catch(() => {
    throw new KeyError(path, "cannot be read");
  });
  if (!text.trimStart().startsWith("{")) {
    try {
      return new Wallet(text.trim());
    } catch {
      throw new KeyError(path, "holds no private key");
    }
  }
  const password = process.env["BALLAST_PASSWORD"];
  if (password === undefined) throw new KeyError(path, "is encrypted and BALLAST_PASSWORD is not set");
  try {
    const wallet = await Wallet.fromEncryptedJson(text, password);
    return new Wallet(wallet.privateKey);
  } catch {
    throw new KeyError(path, "does not open with BALLAST_PASSWORD");
  }
}

/** The wallet, or wrong usage. */
export async function requireKey(options: KeyOptions): Promise<Wallet> {
  const wallet = await readKey(options);
  if (wallet === null) throw new UsageError("--key-file is missing; see --help");
  return wallet;
}
