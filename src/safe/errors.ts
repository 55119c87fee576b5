import type { ExplainedRevert } from "./revert.ts";

/** A packet that is not what it says: `path` is the key at fault, as in `safeTx.nonce` or `signatures.0.owner`. */
export class PacketError extends Error {
  readonly path: string;

  readonly reason: string;

  constructor(path: string, reason: string, file?: string) {
    super(`packet${file === undefined ? "" : ` ${file}`}${path === "" ? "" : ` at ${path}`}: ${reason}`);
    this.name = "PacketError";
    this.path = path;
    this.reason = reason;
  }
}

export class PacketLocked extends Error {
  constructor(lock: string) {
    super(`${lock} is held by another process: wait for it, or delete that file if no other process runs`);
    this.name = "PacketLocked";
  }
}

export class WrongChain extends Error {
  constructor(expected: string, actual: string) {
    super(`the transaction is for chain ${expected}, the node serves chain ${actual}: connect to chain ${expected}`);
    this.name = "WrongChain";
  }
}

export class NotASafe extends Error {
  constructor(address: string, reason: string) {
    super(`${address} does not answer as a Safe (${reason}): check the address and the chain`);
    this.name = "NotASafe";
  }
}

export class NotAnOwner extends Error {
  readonly owners: string[];

  constructor(address: string, safe: string, owners: string[]) {
    super(`${address} is not an owner of Safe ${safe}: sign with one of ${owners.join(", ")}`);
    this.name = "NotAnOwner";
    this.owners = owners;
  }
}

export class NonceTaken extends Error {
  constructor(safe: string, nonce: string, current: string) {
    super(
      `nonce ${nonce} of Safe ${safe} is used (the next is ${current}): this transaction, or another at its nonce, ` +
        `was executed; look it up, and propose again if it was another`,
    );
    this.name = "NonceTaken";
  }
}

export class NonceAhead extends Error {
  constructor(safe: string, nonce: string, current: string) {
    super(`nonce ${nonce} of Safe ${safe} is not next: execute or reject the transactions from nonce ${current} first`);
    this.name = "NonceAhead";
  }
}

/** A signature that will not be sent on, and why. */
export interface IgnoredSignature {
  owner: string;
  reason: string;
}

export class NotEnoughSignatures extends Error {
  readonly missing: string[];
  readonly ignored: IgnoredSignature[];

  constructor(have: number, threshold: number, missing: string[], ignored: IgnoredSignature[]) {
    const left = ignored.map(({ owner, reason }) => `; ${owner} left out: ${reason}`).join("");
    super(`${have} of ${threshold} signatures: ${threshold - have} more needed from ${missing.join(", ")}${left}`);
    this.name = "NotEnoughSignatures";
    this.missing = missing;
    this.ignored = ignored;
  }
}

export class ContractSignatureUnsupported extends Error {
  constructor() {
    super(
      "this is a contract signature (EIP-1271, v = 0), which is not supported: " +
        "a contract that is an owner can approve the hash on chain instead (approveHash)",
    );
    this.name = "ContractSignatureUnsupported";
  }
}

export class BadSignature extends Error {
  constructor(reason: string) {
    super(`the signature cannot be used: ${reason}; sign the transaction again`);
    this.name = "BadSignature";
  }
}

/** The Safe or the call inside it reverts. `revert.name` is the inner error's name where it could be decoded. */
export class SafeReverted extends Error {
  readonly revert: ExplainedRevert;

  constructor(revert: ExplainedRevert) {
    super(`the Safe transaction reverts: ${revert.text}`);
    this.name = "SafeReverted";
    this.revert = revert;
  }
}

export class SafeExecutionFailed extends Error {
  constructor(safeTxHash: string, transactionHash: string) {
    super(
      `Safe transaction ${safeTxHash} was mined in ${transactionHash} but its call failed (ExecutionFailure): ` +
        `its nonce is used up; propose it again at the next nonce with safeTxGas 0`,
    );
    this.name = "SafeExecutionFailed";
  }
}

/** Of what a service says of a request it rejects. */
const MAX_REASON_LENGTH = 200;

export class ServiceUnavailable extends Error {
  constructor(url: string, reason: string) {
    super(
      `the Safe transaction service at ${url} cannot be reached (${reason}): ` +
        `whether the last request took effect is unknown; look before repeating it, or go by file or on-chain approval`,
    );
    this.name = "ServiceUnavailable";
  }
}

export class ServiceRateLimited extends Error {
  constructor(url: string) {
    super(`the Safe transaction service at ${url} refuses more requests for now (429): wait, or use an API key`);
    this.name = "ServiceRateLimited";
  }
}

export class ServiceUnauthorized extends Error {
  constructor(url: string, status: number) {
    super(`the Safe transaction service at ${url} wants a valid API key (${status}): set one`);
    this.name = "ServiceUnauthorized";
  }
}

export class ServiceRejected extends Error {
  readonly status: number;

  constructor(url: string, status: number, reason: string) {
    super(`the Safe transaction service at ${url} rejects the request (${status}): ${reason}`);
    this.name = "ServiceRejected";
    this.status = status;
  }
}

export class ServiceInconsistent extends Error {
  constructor(url: string, asked: string, computed: string) {
    super(
      `the Safe transaction service at ${url} returned a transaction for ${asked} whose own hash is ${computed}: ` +
        `do not sign it; check the service`,
    );
    this.name = "ServiceInconsistent";
  }
}

/** What an HTTP status other than success says; the service's own words are cut to a line's length. */
export function serviceRefusal(url: string, status: number, reason: string): Error {
  if (status === 429) return new ServiceRateLimited(url);
  if (status === 401 || status === 403) return new ServiceUnauthorized(url, status);
  if (status >= 500) return new ServiceUnavailable(url, `status ${status}`);
  return new ServiceRejected(url, status, reason.slice(0, MAX_REASON_LENGTH));
}
