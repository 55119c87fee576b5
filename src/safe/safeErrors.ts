/** What one of the Safe's error codes means, why it happens to us and what to do. */
export interface SafeErrorHelp {
  meaning: string;
  why: string;
  mend: string;
}

/**
 * The Safe's error codes that a proposal, its signing or its execution can meet.
 * Meanings: safe-smart-account, docs/error_codes.md.
 */
export const SAFE_ERRORS: Record<string, SafeErrorHelp> = {
  GS000: {
    meaning: "could not finish initialization",
    why: "the call made during the Safe's setup failed",
    mend: "check the setup data of the new Safe",
  },
  GS001: {
    meaning: "threshold is not set",
    why: "the Safe was never set up, or the address is the singleton itself",
    mend: "use the address of the Safe's proxy",
  },
  GS002: {
    meaning: "modules could not be set up",
    why: "the setup call went to an address without code",
    mend: "check the setup data of the new Safe",
  },
  GS010: {
    meaning: "not enough gas to execute the Safe transaction",
    why: "the executor's gas limit is below safeTxGas plus the Safe's own needs",
    mend: "execute with a higher gas limit",
  },
  GS011: {
    meaning: "could not pay gas costs with ether",
    why: "gasPrice is set and the Safe holds too little ether",
    mend: "propose with gasPrice 0: no refund is needed",
  },
  GS012: {
    meaning: "could not pay gas costs with the token",
    why: "gasPrice is set and the Safe holds too little of gasToken",
    mend: "propose with gasPrice 0: no refund is needed",
  },
  GS013: {
    meaning: "the call inside the Safe transaction failed",
    why: "the target reverted; Safes before 1.5.0 do not pass its reason on",
    mend: "simulate the inner call from the Safe's address to see the reason",
  },
  GS020: {
    meaning: "signatures are too short",
    why: "fewer signatures than the threshold were sent",
    mend: "collect more signatures",
  },
  GS021: {
    meaning: "contract signature points into the static part",
    why: "the signatures were put together wrongly",
    mend: "assemble the signatures again",
  },
  GS022: {
    meaning: "contract signature has no length",
    why: "the signatures were put together wrongly",
    mend: "assemble the signatures again",
  },
  GS023: {
    meaning: "contract signature is cut off",
    why: "the signatures were put together wrongly",
    mend: "assemble the signatures again",
  },
  GS024: {
    meaning: "contract signature is not valid",
    why: "an owner that is a contract does not recognise the hash",
    mend: "have that owner approve the hash on chain",
  },
  GS025: {
    meaning: "the hash is not approved",
    why: "an owner counted as having approved on chain has not (or, in a simulation, the node ignores state overrides)",
    mend: "have that owner send approveHash, or use a node that honours state overrides",
  },
  GS026: {
    meaning: "invalid owner",
    why:
      "a signature recovers to an address that is no owner: almost always the signed hash is not the one the Safe " +
      "computes (another nonce, chain, Safe or calldata); or owners changed, or signatures are out of order",
    mend: "compare the nonce and the Safe transaction hash with the chain, then sign again",
  },
  GS030: {
    meaning: "only owners can approve a hash",
    why: "approveHash came from an address that is no owner",
    mend: "send it from an owner",
  },
  GS031: {
    meaning: "only the Safe itself may call this",
    why: "a settings function was called from outside",
    mend: "propose the change as a Safe transaction to the Safe itself",
  },
  GS104: {
    meaning: "only an enabled module may call this",
    why: "the caller is not a module of the Safe",
    mend: "enable the module by a Safe transaction first",
  },
  GS300: {
    meaning: "the guard does not implement IERC165",
    why: "setGuard was given an address that is no guard of this Safe version",
    mend: "check the guard's address",
  },
  GS301: {
    meaning: "the module guard does not implement IERC165",
    why: "setModuleGuard was given an address that is no module guard",
    mend: "check the module guard's address",
  },
  GS400: {
    meaning: "the fallback handler cannot be the Safe itself",
    why: "setFallbackHandler was given the Safe's own address",
    mend: "give it another handler",
  },
};
