// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {UniswapV3Adapter} from "../../contracts/venues/uniswap-v3/UniswapV3Adapter.sol";
import {DevToken} from "../../deploy/devnet/contracts/DevToken.sol";
import {CallbackToken, ITransferHook} from "./support/CallbackToken.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title A base token that calls back in the middle of a plan gets nothing from Rebalancer.sol or from the adapters
contract RebalancerReentrancyTest is Plans, ITransferHook {
    /// @dev A plan, encoded: this compiler cannot copy one to storage.
    bytes private _inner;
    uint256 private _refused;

    function setUp() public {
        _bringUp(true);
        _closeSession(28e8, 27e8);
    }

    function testAPlanInsideAPlan() public {
        IRebalancer.Plan memory plan = _targetPlan();
        _inner = abi.encode(_emptyPlan());
        CallbackToken(address(base)).setHook(this);
        _execute(plan);
        // Bought from the pool, then taken by the position manager.
        require(_refused >= 2, "nothing was tried");
        CallbackToken(address(base)).setHook(ITransferHook(address(0)));

        plan = _closingPlan();
        CallbackToken(address(base)).setHook(this);
        _refused = 0;
        _deleverage(plan);
        require(_refused >= 2, "nothing was tried in deleverage");
    }

    function onTransfer() external {
        IRebalancer.Plan memory inner = abi.decode(_inner, (IRebalancer.Plan));
        bytes4 reentered = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
        vm.prank(address(safe));
        try rebalancer.execute(inner) {
            revert("a plan ran inside a plan");
        } catch (bytes memory reason) {
            require(bytes4(reason) == reentered, "execute: another reason");
        }
        vm.prank(KEEPER);
        try rebalancer.deleverage(inner) {
            revert("the keeper acted inside a plan");
        } catch (bytes memory reason) {
            require(bytes4(reason) == reentered, "deleverage: another reason");
        }
        try liquidityAdapter.burnLiquidity() {
            revert("burned");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IAccessManaged.AccessManagedUnauthorized.selector, "burn: another reason");
        }
        try liquidityAdapter.uniswapV3SwapCallback(1e18, 1e18, "") {
            revert("paid");
        } catch (bytes memory reason) {
            require(bytes4(reason) == UniswapV3Adapter.NotThePool.selector, "callback: another reason");
        }
        try liquidityAdapter.unwind(0, true) {
            revert("unwound");
        } catch (bytes memory reason) {
            require(bytes4(reason) == IVenueAdapter.NotTheVault.selector, "unwind: another reason");
        }
        ++_refused;
    }

    function _newBase() internal override returns (DevToken) {
        return new CallbackToken();
    }
}
