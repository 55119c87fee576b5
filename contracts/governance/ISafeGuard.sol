// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @notice How a Safe runs a transaction.
enum Operation {
    Call,
    DelegateCall
}

/// @title What this project asks of a Safe
interface ISafe {
    /// @notice Whether an account is an owner.
    function isOwner(address account) external view returns (bool);
}

/// @title What a Safe (1.3 and later) asks of its transaction guard
interface ITransactionGuard {
    /// @notice Called before a transaction runs; reverts to forbid it.
    function checkTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures,
        address msgSender
    ) external;

    /// @notice Called after it ran.
    function checkAfterExecution(bytes32 hash, bool success) external;
}

/// @title What a Safe (1.5 and later) asks of its module guard
interface IModuleGuard {
    /// @notice Called before a module's transaction runs; reverts to forbid it.
    function checkModuleTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        address module
    ) external returns (bytes32 moduleTxHash);

    /// @notice Called after it ran.
    function checkAfterModuleExecution(bytes32 txHash, bool success) external;
}
