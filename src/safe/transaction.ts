import { TypedDataEncoder, ZeroAddress, getAddress } from "ethers";
import type { BigNumberish, TypedDataDomain, TypedDataField } from "ethers";
import { SAFE_INTERFACE } from "./abi.ts";

/** A Safe transaction with its amounts as decimal strings, so that it is JSON as it stands. */
export interface SafeTx {
  to: string;
  value: string;
  data: string;
  /** 0 is CALL, 1 is DELEGATECALL. */
  operation: 0 | 1;
  safeTxGas: string;
  baseGas: string;
  gasPrice: string;
  gasToken: string;
  refundReceiver: string;
  nonce: string;
}

/** The struct that owners sign (EIP-712), in the order of the Safe's SAFE_TX_TYPEHASH. */
export const SAFE_TX_TYPES: Record<string, TypedDataField[]> = {
  SafeTx: [
    { name: "to", type: "address" },
    { name: "value", type: "uint256" },
    { name: "data", type: "bytes" },
    { name: "operation", type: "uint8" },
    { name: "safeTxGas", type: "uint256" },
    { name: "baseGas", type: "uint256" },
    { name: "gasPrice", type: "uint256" },
    { name: "gasToken", type: "address" },
    { name: "refundReceiver", type: "address" },
    { name: "nonce", type: "uint256" },
  ],
};

/**
 * One plain CALL with no value, no gas refund and no gas limit of its own: the only shape the review guard lets through.
 * With safeTxGas 0 a call that fails reverts and leaves the nonce unused.
 */
export function plainCall(to: string, data: string, nonce: BigNumberish): SafeTx {
  return {
    to: getAddress(to),
    value: "0",
    data: data.toLowerCase(),
    operation: 0,
    safeTxGas: "0",
    baseGas: "0",
    gasPrice: "0",
    gasToken: ZeroAddress,
    refundReceiver: ZeroAddress,
    nonce: BigInt(nonce).toString(),
  };
}

/** True when nothing but `to`, `data` and `nonce` is set: no value, no delegatecall, nobody is paid for gas. */
export function isPlainCall(tx: SafeTx): boolean {
  const amounts = [tx.value, tx.safeTxGas, tx.baseGas, tx.gasPrice];
  return (
    tx.operation === 0 &&
    amounts.every((amount) => BigInt(amount) === 0n) &&
    tx.gasToken === ZeroAddress &&
    tx.refundReceiver === ZeroAddress
  );
}

/** The EIP-712 domain of a Safe since 1.3.0: chain and address, no name and no version. */
export function safeDomain(chainId: BigNumberish, safe: string): TypedDataDomain {
  return { chainId: BigInt(chainId), verifyingContract: safe };
}

/** The hash owners sign and the Safe checks, worked out from the transaction alone. */
export function safeTxHash(chainId: BigNumberish, safe: string, tx: SafeTx): string {
  return TypedDataEncoder.hash(safeDomain(chainId, safe), SAFE_TX_TYPES, tx);
}

/** First half of what a hardware wallet shows: depends on chain and Safe only. */
export function domainHash(chainId: BigNumberish, safe: string): string {
  return TypedDataEncoder.hashDomain(safeDomain(chainId, safe));
}

/** Second half of what a hardware wallet shows: depends on the transaction only. */
export function messageHash(tx: SafeTx): string {
  return TypedDataEncoder.hashStruct("SafeTx", SAFE_TX_TYPES, tx);
}

/** Calldata for the Safe's execTransaction. The nonce is not in it: the Safe takes its own. */
export function execTransactionData(tx: SafeTx, signatures: string): string {
  return SAFE_INTERFACE.encodeFunctionData("execTransaction", [
    tx.to,
    tx.value,
    tx.data,
    tx.operation,
    tx.safeTxGas,
    tx.baseGas,
    tx.gasPrice,
    tx.gasToken,
    tx.refundReceiver,
    signatures,
  ]);
}
