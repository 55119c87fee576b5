// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IRebalancer} from "../../../contracts/rebalance/IRebalancer.sol";
import {HedgeVault} from "../../../contracts/vault/HedgeVault.sol";
import {PriceOracle} from "../../../contracts/vault/PriceOracle.sol";
import {SharePrice} from "../../../contracts/vault/SharePrice.sol";
import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";
import {ReplayFeed} from "../../../deploy/devnet/contracts/ReplayFeed.sol";
import {FixedValueAdapter} from "./FixedValueAdapter.sol";
import {vm} from "./Vm.sol";

/// @dev A vault with fresh feeds, administered by the test, and what its holders do.
abstract contract HedgeVaultSetup {
    uint256 internal constant SHARE = 1e18;
    address internal constant STEWARD = address(0x57E7);
    address internal constant REBALANCER = address(0x4EBA1);

    DevToken internal asset;
    ReplayFeed internal baseFeed;
    ReplayFeed internal assetFeed;
    AccessManager internal manager;
    SharePrice internal sharePrice;
    HedgeVault internal vault;

    function _deployVault() internal {
        vm.warp(1_700_000_000);
        asset = new DevToken("USD Coin", "USDC", 6);
        baseFeed = new ReplayFeed("ETH / USD", 8);
        assetFeed = new ReplayFeed("USDC / USD", 8);
        _round(60);
        PriceOracle prices = new PriceOracle(
            PriceOracle.Feed(address(baseFeed), 1 days, 50),
            PriceOracle.Feed(address(assetFeed), 1 days, 25),
            address(0),
            0
        );
        manager = new AccessManager(address(this));
        sharePrice = new SharePrice(500, 100, STEWARD, 1_000, 1_000);
        vault = new HedgeVault(address(manager), asset, address(prices), address(sharePrice), "Vault", "V", 300, SHARE);
    }

    function _addVenue() internal returns (FixedValueAdapter venue) {
        venue = new FixedValueAdapter(address(vault));
        vault.setAdapter(address(venue), type(uint128).max, 10_000);
    }

    function _enter(address holder, uint256 assets) internal {
        asset.mint(holder, assets);
        vm.prank(holder);
        asset.approve(address(vault), assets);
        vm.prank(holder);
        vault.deposit(assets, holder);
    }

    function _request(address holder, uint256 shares) internal returns (uint256 requestId) {
        vm.prank(holder);
        return vault.requestRedeem(shares, holder, holder);
    }

    /// @dev Cash goes to a venue, and is worth there what it was.
    function _place(FixedValueAdapter venue, uint256 assets) internal {
        venue.draw(assets);
        uint256 held = asset.balanceOf(address(venue));
        venue.set(held, held);
    }

    /// @dev A Rebalancer as far as the vault knows one: whose vault it is, and that the bands hold.
    function _setRebalancer() internal {
        vm.mockCall(REBALANCER, abi.encodeCall(IRebalancer.vault, ()), abi.encode(vault));
        vm.mockCall(REBALANCER, abi.encodeCall(IRebalancer.requireInsideBands, ()), "");
        vault.setRebalancer(REBALANCER);
    }

    /// @dev Some seconds later both feeds have a newer round.
    function _round(uint256 elapsed) internal {
        vm.warp(block.timestamp + elapsed);
        baseFeed.push(2_000e8);
        assetFeed.push(1e8);
    }
}
