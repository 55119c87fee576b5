// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";

/// @notice Told of each transfer of a CallbackToken, in the middle of whatever transfers it.
interface ITransferHook {
    function onTransfer() external;
}

/// @title A hostile token: it calls someone back at every transfer, as ERC-777 tokens do
contract CallbackToken is DevToken {
    ITransferHook private _hook;

    constructor() DevToken("Callback", "CB", 18) {}

    function setHook(ITransferHook hook) external {
        _hook = hook;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (address(_hook) != address(0)) _hook.onTransfer();
    }
}
