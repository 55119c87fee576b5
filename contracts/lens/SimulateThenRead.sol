// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @title Runs a Safe transaction and then reads what it left behind, in one eth_call
/// @notice Never deployed. A simulation places this code at the executor's address by a state override, so that the Safe and its
/// guard see the real executor as their caller and the read sees the state after the execution.
contract SimulateThenRead {
    /// @notice What a call came to: its return data, or its revert data when it failed.
    struct Result {
        bool ok;
        bytes data;
    }

    /// @param safe The Safe.
    /// @param execution Calldata for its execTransaction.
    /// @param target Whom to ask afterwards (a lens); the zero address asks nobody.
    /// @param query Calldata of the question.
    /// @return executed What execTransaction returned.
    /// @return gasUsed Gas of execTransaction alone, without the 21 000 and calldata of a transaction.
    /// @return read What the target answered.
    function run(
        address safe,
        bytes calldata execution,
        address target,
        bytes calldata query
    ) external returns (Result memory executed, uint256 gasUsed, Result memory read) {
        uint256 gasBefore = gasleft();
        // Never deployed: eth_call with this code overridden in, so the call changes nothing.
        // solhint-disable-next-line avoid-low-level-calls
        (executed.ok, executed.data) = safe.call(execution);
        gasUsed = gasBefore - gasleft();
        if (target != address(0)) (read.ok, read.data) = target.staticcall(query);
    }
}
