// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultLens} from "../../contracts/lens/IVaultLens.sol";
import {VaultLens} from "../../contracts/lens/VaultLens.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Exit quotes beside what settlement then pays, to the unit
contract VaultLensQuoteTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    FixedValueAdapter private venue;
    VaultLens private lens;

    function setUp() public {
        _deployVault();
        venue = _addVenue();
        _setRebalancer();
        lens = new VaultLens(REBALANCER);
        _enter(ALICE, 1_000e6);
        _enter(BOB, 1_000e6);
    }

    function testFuzzAFeeThatIsDueIsInTheQuote(uint256 gain, uint256 shares) public {
        venue.draw(1_000e6);
        uint256 value = 1_000e6 + (gain % 90e6);
        venue.set(value, value);
        uint256 id = _request(ALICE, SHARE + (shares % (900 * SHARE)));
        _round(31 days);

        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        vault.settle(1);

        require(q.waitsFor == IVaultLens.Wait.Nothing || q.waitsFor == IVaultLens.Wait.Cash, "settled");
        require(q.payable_ == vault.maxWithdraw(ALICE) && q.payable_ != 0, "as quoted");
    }

    function testASettlementThatDoesNotReachItPaysNothing() public {
        venue.draw(1_700e6);
        venue.set(1_700e6, 1_700e6);
        for (uint256 i; i < 4; ++i) _request(ALICE, 200 * SHARE);
        uint256 id = _request(BOB, 50 * SHARE);
        _round(60);

        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        require(!q.complete && q.waitsFor == IVaultLens.Wait.Others && q.payable_ == 0, "others first");
        require(q.assets == 50e6, "its worth is told");
        q = lens.exitQuote(id, 4);
        require(q.complete && q.requestsAhead == 4 && q.sharesAhead == 800 * SHARE, "its place");
        require(q.waitsFor == IVaultLens.Wait.Cash && q.payable_ == 0, "no cash reaches it");
        vault.settle(10);
        require(vault.maxWithdraw(BOB) == 0, "as quoted");
    }

    function testWhileNothingIsAtAVenueItNeedsNoFeed() public {
        uint256 id = _request(ALICE, 500 * SHARE);
        vm.warp(block.timestamp + 5 days);

        IVaultLens.ExitQuote memory q = lens.exitQuote(id, 1);
        vault.settle(1);

        require(q.waitsFor == IVaultLens.Wait.Nothing && q.payable_ == 500e6, "quoted");
        require(vault.maxWithdraw(ALICE) == 500e6, "as quoted");
    }
}
