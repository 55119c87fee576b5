// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IPerpAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {CurieAdapterSetup} from "./support/CurieAdapterSetup.sol";
import {bound, isNear} from "./support/Numbers.sol";
import {vm} from "./support/Vm.sol";

/// @title Making a short smaller through CurieAdapter.sol without a price
contract CurieAdapterReducePositionTest is CurieAdapterSetup {
    function setUp() public {
        _setUpAdapter();
        _set(SHORT, EQUITY);
    }

    function testIsRestricted() public {
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER));
        vm.prank(STRANGER);
        adapter.reducePosition(0, 0);
    }

    function testNeitherGrowsTheShortNorTurnsIt() public {
        vm.expectRevert(abi.encodeWithSelector(IPerpAdapter.NotAReduction.selector, SHORT, SHORT - 1));
        adapter.reducePosition(SHORT - 1, 0);
        vm.expectRevert(abi.encodeWithSelector(IPerpAdapter.NotAReduction.selector, SHORT, int256(1)));
        adapter.reducePosition(1, 0);
    }

    function testFuzzBuysBackAndLetsNothingOutWithThePoolAnywhere(uint256 size, uint256 pool) public {
        size = bound(size, 0, 100e18);
        vm.warp(vm.getBlockTimestamp() + 15);
        _moveMark(bound(pool, 1_850e18, 2_150e18));
        uint256 before = box.cash();
        adapter.reducePosition(-int256(size), 0);
        require(isNear(uint256(-_size()), size, DUST), "size");
        require(box.cash() == before && asset.balanceOf(address(box)) == before, "cash moved");
    }

    function testFuzzAddsExactlyTheMargin(uint256 margin) public {
        margin = bound(margin, 0, 1_000_000e6);
        uint256 before = box.cash();
        uint256 value = adapter.valueAt(PRICE);
        adapter.reducePosition(SHORT, margin);
        require(before - box.cash() == margin, "cash");
        require(adapter.valueAt(PRICE) == value + margin, "value");
        require(_size() == SHORT, "traded");
    }

    function testMarginComesBeforeTheTrade() public {
        _set(SHORT, 25_000e6);
        _settledAt(2_100e18);
        _settledAt(2_190e18);
        vm.expectRevert("CH_NEFCM");
        adapter.reducePosition(SHORT / 2, 0);
        adapter.reducePosition(SHORT / 2, 20_000e6);
        require(isNear(uint256(-_size()), 50e18, DUST), "size");
    }

    function testReducesTheVaultsPartWhileASliceIsAside() public {
        _setAside(1, 4);
        vm.expectEmit(address(adapter));
        emit IPerpAdapter.PerpSet(-75e18, 45_000e6);
        adapter.reducePosition(-75e18, 0);
        adapter.reducePosition(-37.5e18, 0);
        require(isNear(uint256(-_size()), 50e18, DUST), "whole");
        require(isNear(adapter.exposure(PRICE).gross, 37.5e18, DUST), "own");
    }
}
