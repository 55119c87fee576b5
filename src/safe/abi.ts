import { Interface } from "ethers";

/** What we use of the Safe's ABI: the same in 1.4.1 and 1.5.0, but for setModuleGuard, which 1.5.0 brought. */
export const SAFE_INTERFACE = new Interface([
  "function getTransactionHash(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, uint256 nonce) view returns (bytes32)",
  "function VERSION() view returns (string)",
  "function domainSeparator() view returns (bytes32)",
  "function getStorageAt(uint256 offset, uint256 length) view returns (bytes)",
  "function nonce() view returns (uint256)",
  "function getThreshold() view returns (uint256)",
  "function getOwners() view returns (address[])",
  "function approvedHashes(address owner, bytes32 hash) view returns (uint256)",
  "function approveHash(bytes32 hash)",
  "function execTransaction(address to, uint256 value, bytes data, uint8 operation, uint256 safeTxGas, uint256 baseGas, uint256 gasPrice, address gasToken, address refundReceiver, bytes signatures) payable returns (bool success)",
  "function setGuard(address guard)",
  "function setModuleGuard(address moduleGuard)",
  "function getModulesPaginated(address start, uint256 pageSize) view returns (address[] array, address next)",
  "event ExecutionSuccess(bytes32 indexed txHash, uint256 payment)",
  "event ExecutionFailure(bytes32 indexed txHash, uint256 payment)",
]);
