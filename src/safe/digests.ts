import { AbiCoder, concat, id, keccak256 } from "ethers";
import { domainHash, messageHash, safeTxHash } from "./transaction.ts";
import type { SafeTx } from "./transaction.ts";

/** The three hashes a hardware wallet may show for a Safe transaction. */
export interface Digests {
  /** Of chain and Safe. */
  domainHash: string;
  /** Of the transaction. */
  messageHash: string;
  /** Of both: what owners sign. */
  safeTxHash: string;
}

/** By the library's EIP-712 encoder. */
export function digestsOf(chainId: string, safe: string, tx: SafeTx): Digests {
  return {
    domainHash: domainHash(chainId, safe),
    messageHash: messageHash(tx),
    safeTxHash: safeTxHash(chainId, safe, tx),
  };
}

/** The type strings as the Safe's contract has them: written out here and not shared with the library's route. */
const DOMAIN_TYPE = "EIP712Domain(uint256 chainId,address verifyingContract)";
const SAFE_TX_TYPE =
  "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice," +
  "address gasToken,address refundReceiver,uint256 nonce)";

/**
 * The same, put together word by word as Safe.sol does it. A second route: one mistake, or one tampered library function,
 * does not make both agree.
 */
export function digestsByHand(chainId: string, safe: string, tx: SafeTx): Digests {
  const coder = AbiCoder.defaultAbiCoder();
  const domain = keccak256(coder.encode(["bytes32", "uint256", "address"], [id(DOMAIN_TYPE), chainId, safe]));
  const fields: [type: string, value: string | number][] = [
    ["bytes32", id(SAFE_TX_TYPE)],
    ["address", tx.to],
    ["uint256", tx.value],
    ["bytes32", keccak256(tx.data)],
    ["uint8", tx.operation],
    ["uint256", tx.safeTxGas],
    ["uint256", tx.baseGas],
    ["uint256", tx.gasPrice],
    ["address", tx.gasToken],
    ["address", tx.refundReceiver],
    ["uint256", tx.nonce],
  ];
  const message = keccak256(
    coder.encode(
      fields.map(([type]) => type),
      fields.map(([, value]) => value),
    ),
  );
  return { domainHash: domain, messageHash: message, safeTxHash: keccak256(concat(["0x1901", domain, message])) };
}
