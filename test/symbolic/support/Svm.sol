// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice Halmos' own cheat codes that these checks use.
interface Svm {
    function createUint256(string calldata name) external pure returns (uint256);
    function createInt256(string calldata name) external pure returns (int256);
    function createAddress(string calldata name) external pure returns (address);
    function enableSymbolicStorage(address account) external;
}

/// @dev Where they live, by Halmos' convention.
Svm constant svm = Svm(address(uint160(uint256(keccak256("svm cheat code")))));
