// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {HedgeVault} from "../../contracts/vault/HedgeVault.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {PriceOracle} from "../../contracts/vault/PriceOracle.sol";
import {DevToken} from "../../deploy/devnet/contracts/DevToken.sol";
import {ReplayFeed} from "../../deploy/devnet/contracts/ReplayFeed.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {vm} from "./support/Vm.sol";

/// @title The cash that settlement leaves for margin, and its end at the deadline
contract HedgeVaultReserveTest {
    uint256 private constant SHARE = 1e18;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    DevToken private asset;
    ReplayFeed private baseFeed;
    ReplayFeed private assetFeed;
    HedgeVault private vault;
    FixedValueAdapter private venue;

    function setUp() public {
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
        AccessManager manager = new AccessManager(address(this));
        vault = new HedgeVault(address(manager), asset, address(prices), "Vault", "V", 300, SHARE);
        venue = new FixedValueAdapter(address(vault));
        vault.setAdapter(address(venue), type(uint128).max, 10_000);
        _deposit(ALICE, 1_000e6);
        _deposit(BOB, 1_000e6);
    }

    // ---- the parameter ----

    function testSetReserveIsRestricted() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ALICE));
        vault.setReserve(1);
    }

    function testSetReserveIsBounded() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("reserveBps"), 2_001));
        vault.setReserve(2_001);
    }

    function testSetReserve() public {
        vm.expectEmit();
        emit IHedgeVault.ReserveSet(2_000);
        vault.setReserve(2_000);

        require(vault.reserveBps() == 2_000, "set");
    }

    // ---- settlement ----

    function testSettleStopsAtTheReserveAndSaysSo() public {
        _toVenue(1_900e6);
        vault.setReserve(1_000);
        _request(ALICE, 1_000 * SHARE);
        _round(60);

        // 10 % of 1,900 at the venue is more than the 100 of cash.
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 190e6 + 1, 100e6));
        vault.settle(1);
    }

    function testFuzzSettleLeavesTheReserve(uint256 reserve, uint256 drawn, uint256 wanted) public {
        vault.setReserve(reserve % 2_001);
        drawn = drawn % 2_000e6;
        _toVenue(drawn);
        _request(ALICE, SHARE + (wanted % (999 * SHARE)));
        _round(60);
        uint256 least = (drawn * vault.reserveBps() + 9_999) / 10_000;
        uint256 cash = vault.cash();
        if (cash <= least) return;

        vault.settle(1);

        require(vault.cash() >= least, "the reserve is left");
        require(vault.request(0).shares == 0 || vault.cash() == least, "and nothing beyond it is held back");
    }

    function testWithNothingAtTheVenuesNothingIsHeldBack() public {
        vault.setReserve(2_000);
        _request(ALICE, 1_000 * SHARE);
        _request(BOB, 1_000 * SHARE);
        _round(60);

        vault.settle(2);

        require(vault.totalSupply() == 0, "the last one is paid whole");
    }

    // ---- the deadline ----

    function testTheReserveHoldsToTheLastSecondBeforeTheDeadlineAndNoLonger() public {
        _toVenue(1_900e6);
        vault.setReserve(1_000);
        _request(ALICE, 1_000 * SHARE);
        _round(vault.EXIT_DEADLINE() - 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 190e6 + 1, 100e6));
        vault.settle(1);

        vm.warp(block.timestamp + 1);
        (, uint256 assets) = vault.settle(1);

        require(assets == 100e6 && vault.cash() == 0, "overdue: paid from the reserve");
    }

    function testOnlyTheOverdueRequestIsPaidFromTheReserve() public {
        _toVenue(1_900e6);
        vault.setReserve(1_000);
        _request(ALICE, 50 * SHARE);
        _round(vault.EXIT_DEADLINE());
        _request(BOB, 50 * SHARE);
        _round(60);

        (uint256 shares, ) = vault.settle(2);

        require(shares == 50 * SHARE && vault.request(1).shares == 50 * SHARE, "the younger one waits");
    }

    // ---- moves ----

    function _deposit(address holder, uint256 assets) private {
        asset.mint(holder, assets);
        vm.prank(holder);
        asset.approve(address(vault), assets);
        vm.prank(holder);
        vault.deposit(assets, holder);
    }

    function _request(address holder, uint256 shares) private {
        vm.prank(holder);
        vault.requestRedeem(shares, holder, holder);
    }

    function _toVenue(uint256 assets) private {
        venue.draw(assets);
        venue.set(assets, assets);
    }

    /// @dev Some seconds later both feeds have a newer round.
    function _round(uint256 elapsed) private {
        vm.warp(block.timestamp + elapsed);
        baseFeed.push(2_000e8);
        assetFeed.push(1e8);
    }
}
