// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";
import {HedgeVault} from "../../../contracts/vault/HedgeVault.sol";
import {WorldHandler} from "./WorldHandler.sol";

/// @title What holds on the real venues after any sequence of steps by depositor, leaver, keeper, owner, attacker, market
/// and clock
contract WorldInvariants {
    WorldHandler private handler;
    DevToken private asset;
    HedgeVault private vault;
    address[4] private holders;

    function setUp() public {
        handler = new WorldHandler();
        (address asset_, address vault_, address depositor) = handler.parts();
        (asset, vault) = (DevToken(asset_), HedgeVault(vault_));
        holders = [depositor, handler.holders(0), handler.holders(1), handler.holders(2)];
    }

    struct FuzzSelector {
        address target;
        bytes4[] selectors;
    }

    /// @dev What the fuzzer calls: the steps of the handler, and nothing else that was deployed.
    function targetSelectors() public view returns (FuzzSelector[] memory targets) {
        bytes4[] memory steps = new bytes4[](19);
        steps[0] = handler.deposit.selector;
        steps[1] = handler.leaveAtOnce.selector;
        steps[2] = handler.requestRedeem.selector;
        steps[3] = handler.cancel.selector;
        steps[4] = handler.claim.selector;
        steps[5] = handler.transfer.selector;
        steps[6] = handler.settle.selector;
        steps[7] = handler.force.selector;
        steps[8] = handler.unwindSlice.selector;
        steps[9] = handler.poke.selector;
        steps[10] = handler.plan.selector;
        steps[11] = handler.deleverage.selector;
        steps[12] = handler.donate.selector;
        steps[13] = handler.vest.selector;
        steps[14] = handler.pushPool.selector;
        steps[15] = handler.market.selector;
        steps[16] = handler.session.selector;
        steps[17] = handler.wait.selector;
        steps[18] = handler.pauseCurie.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(handler), steps);
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One function for all: each would be a run of its own.
    function invariant_booksAndStepsHold() public view {
        string memory broken = handler.broken();
        require(bytes(broken).length == 0, broken);
        _assetsCoverLiabilities();
        _claimsAndSharesAddUp();
        _requestsAreTheQueue();
    }

    function testEveryKindOfStepCanHappen() public {
        handler.plan(0, 0, 0);
        handler.donate(0, 1e9);
        handler.vest();
        handler.donate(2, 1e9);
        handler.donate(3, 1e9);
        handler.settle(1, true);
        handler.deposit(0, 1e11);
        handler.market(8);
        handler.leaveAtOnce(1, 1e21);
        handler.transfer(0, 1, 1e20);
        handler.requestRedeem(0, 1e22);
        handler.cancel(1);
        handler.requestRedeem(0, 1e22);
        handler.requestRedeem(1, 1e22);
        handler.settle(1, true);
        handler.claim(0, 5);
        handler.poke();
        handler.session(30);
        handler.deleverage(8_000, true);
        handler.pauseCurie(true);
        handler.force(0, true, 0);
        handler.pauseCurie(false);
        handler.unwindSlice(1, false);
        handler.pushPool(3);

        bytes32[16] memory kinds = [
            bytes32("plan"),
            "donate",
            "vest",
            "settle",
            "deposit",
            "market",
            "leaveAtOnce",
            "request",
            "cancel",
            "claim",
            "poke",
            "session",
            "deleverage",
            "force",
            "unwindSlice",
            "pushPool"
        ];
        for (uint256 i; i < kinds.length; ++i) {
            require(handler.done(kinds[i]) > 0, string(abi.encodePacked("never happened: ", kinds[i])));
        }
        invariant_booksAndStepsHold();
    }

    function _assetsCoverLiabilities() private view {
        require(asset.balanceOf(address(vault)) >= vault.cash() + vault.claimsOutstanding(), "cash and claims");
    }

    function _claimsAndSharesAddUp() private view {
        uint256 claims;
        uint256 balances;
        uint256 locked;
        for (uint256 i; i < holders.length; ++i) {
            claims += vault.maxWithdraw(holders[i]);
            balances += vault.balanceOf(holders[i]);
            locked += vault.lockedShares(holders[i]);
            require(vault.lockedShares(holders[i]) <= vault.balanceOf(holders[i]), "locked shares are there");
        }
        require(claims == vault.claimsOutstanding(), "claims");
        require(balances == vault.totalSupply(), "balances");
        require(locked == vault.pendingShares(), "locked shares");
    }

    function _requestsAreTheQueue() private view {
        (uint256 head, uint256 tail) = vault.queueBounds();
        uint256 pending;
        for (uint256 id; id < tail; ++id) {
            uint256 shares = vault.request(id).shares;
            require(id >= head || shares == 0, "nothing waits before the head");
            pending += shares;
        }
        require(pending == vault.pendingShares(), "pending shares");
    }
}
