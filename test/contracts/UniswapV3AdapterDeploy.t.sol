// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {UniswapV3Adapter} from "../../contracts/venues/uniswap-v3/UniswapV3Adapter.sol";
import {UniswapAdapterSetup} from "./support/UniswapAdapterSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title What the adapter refuses to be built with, and what it finds for itself
contract UniswapV3AdapterDeployTest is UniswapAdapterSetup {
    function setUp() public {
        _setUpAdapter(true);
    }

    function testFeeOfNoPool() public {
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Adapter.NoSuchPool.selector, base, asset, uint24(3_000)));
        _newAdapter(3_000, GATE_BPS, UNWIND_COST_BPS);
    }

    function testGateOfNothingOrOfTheWholePrice() public {
        _expectInvalid("gateBps", 0);
        _newAdapter(POOL_FEE, 0, UNWIND_COST_BPS);
        _expectInvalid("gateBps", 10_000);
        _newAdapter(POOL_FEE, 10_000, UNWIND_COST_BPS);
        require(_newAdapter(POOL_FEE, 1, UNWIND_COST_BPS).gateBps() == 1, "least");
        require(_newAdapter(POOL_FEE, 9_999, UNWIND_COST_BPS).gateBps() == 9_999, "greatest");
    }

    function testUnwindingThatCostsEverything() public {
        _expectInvalid("unwindCostBps", 10_000);
        _newAdapter(POOL_FEE, GATE_BPS, 10_000);
        require(_newAdapter(POOL_FEE, GATE_BPS, 9_999).unwindCostBps() == 9_999, "greatest");
        require(_newAdapter(POOL_FEE, GATE_BPS, 0).unwindCostBps() == 0, "none");
    }

    function testFindsThePoolThroughThePositionManager() public view {
        require(address(adapter.pool()) == address(pool), "pool");
        require(adapter.vault() == address(box), "vault");
        require(address(adapter.asset()) == address(asset), "asset");
        require(address(adapter.base()) == address(base), "base");
        require(address(adapter.positionManager()) == address(positionManager), "position manager");
        require(adapter.fee() == POOL_FEE, "fee");
    }

    function _expectInvalid(bytes32 name, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(UniswapV3Adapter.InvalidParameter.selector, name, value));
    }
}
