// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {HedgeVault} from "../../contracts/vault/HedgeVault.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {DevToken} from "../../deploy/devnet/contracts/DevToken.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Who sets what, and between which bounds
contract HedgeVaultSettingsTest is HedgeVaultSetup {
    address private constant STRANGER = address(0x5AFE);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        venue = new FixedValueAdapter(address(vault));
    }

    // ---- the constructor ----

    function testAnAssetWithTooManyDecimalsForTheBooksReverts() public {
        DevToken fine = new DevToken("Fine", "F", 9);
        address prices = vault.priceOracle();
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("decimals"), 21));
        new HedgeVault(address(manager), fine, prices, address(sharePrice), "Vault", "V", 300, SHARE);
    }

    function testAnAssetOfEightDecimalsHasSharesOfTwenty() public {
        DevToken coarse = new DevToken("Coarse", "C", 8);
        HedgeVault other = _deploy(coarse, 300, SHARE);

        require(other.decimals() == 20 && vault.decimals() == 18, "twelve more");
    }

    function testTheConstructorChecksTheLimitsToo() public {
        address prices = vault.priceOracle();
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("maxSpreadBps"), 0));
        new HedgeVault(address(manager), asset, prices, address(sharePrice), "Vault", "V", 0, SHARE);
    }

    function testItBeginsEmptyAtThePriceOfItsFirstShare() public {
        HedgeVault fresh = _deploy(asset, 300, SHARE);

        require(fresh.asset() == address(asset) && fresh.priceOracle() == vault.priceOracle(), "asset, oracle");
        require(fresh.sharePrice() == address(sharePrice) && fresh.rebalancer() == address(0), "price, no Rebalancer");
        require(fresh.maxSpreadBps() == 300 && fresh.minRequest() == SHARE && fresh.reserveBps() == 0, "limits");
        require(!fresh.positionsOpen() && fresh.cash() == 0 && fresh.totalSupply() == 0, "nothing there");
        (uint256 anchor, uint256 movedAt) = sharePrice.anchorOf(address(fresh));
        (uint256 mark, uint256 endsAt) = sharePrice.markOf(address(fresh));
        require(anchor == 1e18 && movedAt == block.timestamp, "a unit for 1e12 shares");
        require(mark == 1e18 && endsAt == block.timestamp + 30 days, "and the mark there");
        require(fresh.MAX_ADAPTERS() == 8 && fresh.VESTING() == 7 days, "constants");
        require(fresh.EXIT_DEADLINE() == 14 days && fresh.UNWIND_GAS() == 1_900_000, "of the exit");
    }

    // ---- restricted ----

    function testEverySetterIsRestricted() public {
        bytes[5] memory calls = [
            abi.encodeCall(vault.setAdapter, (address(venue), 1, 1)),
            abi.encodeCall(vault.removeAdapter, (address(venue))),
            abi.encodeCall(vault.setLimits, (300, SHARE)),
            abi.encodeCall(vault.setReserve, (1)),
            abi.encodeCall(vault.setRebalancer, (REBALANCER))
        ];
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(STRANGER);
            // What it reverts with is what is looked at.
            // solhint-disable-next-line avoid-low-level-calls
            (bool ok, bytes memory reason) = address(vault).call(calls[i]);
            require(!ok, "open to anyone");
            require(
                keccak256(reason) ==
                    keccak256(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, STRANGER)),
                "closed for another reason"
            );
        }
    }

    // ---- adapters ----

    function testACapOfMoreThanAllReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("capBps"), 10_001));
        vault.setAdapter(address(venue), 1, 10_001);
    }

    function testAnAdapterOfAnotherVaultReverts() public {
        FixedValueAdapter others = new FixedValueAdapter(address(this));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAnAdapter.selector, address(others)));
        vault.setAdapter(address(others), 1, 1);
    }

    function testAnAdapterThatCannotSetASliceAsideReverts() public {
        vm.mockCallRevert(address(venue), abi.encodeCall(IVenueAdapter.setAside, (0, 1)), "cannot");
        vm.expectRevert(bytes("cannot"));
        vault.setAdapter(address(venue), 1, 1);
    }

    function testANinthAdapterReverts() public {
        for (uint256 i; i < 8; ++i) _addVenue();
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("adapters"), 9));
        vault.setAdapter(address(venue), 1, 1);
    }

    function testTheCapsOfOneOfEightCanStillBeChanged() public {
        for (uint256 i; i < 7; ++i) _addVenue();
        vault.setAdapter(address(venue), 5, 6);
        vault.setAdapter(address(venue), 0, 0);

        (uint256 assets, uint256 bps) = vault.capOf(address(venue));
        require(assets == 0 && bps == 0 && vault.isAdapter(address(venue)), "retired, and still known");
        require(vault.adapters().length == 8, "listed once");
    }

    function testSetAdapter() public {
        vm.expectEmit();
        emit IHedgeVault.AdapterSet(address(venue), 7, 10_000);
        vault.setAdapter(address(venue), 7, 10_000);

        (uint256 assets, uint256 bps) = vault.capOf(address(venue));
        require(assets == 7 && bps == 10_000 && vault.isAdapter(address(venue)), "set");
        require(vault.adapters().length == 1 && vault.adapters()[0] == address(venue), "listed");
        require(!vault.isAdapter(STRANGER), "and nobody else");
    }

    // ---- what adapters may do ----

    function testOnlyAnAdapterDrawsAndRestores() public {
        _enter(STRANGER, 10e6);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAnAdapter.selector, STRANGER));
        vault.draw(1);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAnAdapter.selector, STRANGER));
        vault.restore(1);
    }

    function testAnAdapterDrawsNoMoreThanTheCash() public {
        _enter(STRANGER, 10e6);
        vault.setAdapter(address(venue), 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InsufficientCash.selector, 10e6 + 1, 10e6));
        venue.draw(10e6 + 1);

        vm.expectEmit();
        emit IHedgeVault.Drawn(address(venue), 10e6);
        venue.draw(10e6);
        require(vault.cash() == 0 && asset.balanceOf(address(venue)) == 10e6, "all of it");
        vm.expectEmit();
        emit IHedgeVault.Restored(address(venue), 4e6);
        venue.restore(4e6);
        require(vault.cash() == 4e6 && asset.balanceOf(address(vault)) == 4e6, "and back");
    }

    // ---- limits ----

    function testASpreadOfNothingOrMoreThanAFifthReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("maxSpreadBps"), 0));
        vault.setLimits(0, SHARE);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("maxSpreadBps"), 2_001));
        vault.setLimits(2_001, SHARE);
    }

    function testASmallestRequestOfMoreThanAThousandSharesReverts() public {
        uint256 most = 1_000 * SHARE;
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("minRequest"), most + 1));
        vault.setLimits(300, most + 1);
    }

    function testSetLimits() public {
        vm.expectEmit();
        emit IHedgeVault.LimitsSet(2_000, 1_000 * SHARE);
        vault.setLimits(2_000, 1_000 * SHARE);
        require(vault.maxSpreadBps() == 2_000 && vault.minRequest() == 1_000 * SHARE, "the most");

        vault.setLimits(1, 0);
        require(vault.maxSpreadBps() == 1 && vault.minRequest() == 0, "the least");
    }

    // ---- the Rebalancer ----

    function testARebalancerOfAnotherVaultReverts() public {
        vm.mockCall(REBALANCER, abi.encodeCall(IRebalancer.vault, ()), abi.encode(STRANGER));
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotTheRebalancer.selector, REBALANCER));
        vault.setRebalancer(REBALANCER);
    }

    function testSetRebalancer() public {
        vm.mockCall(REBALANCER, abi.encodeCall(IRebalancer.vault, ()), abi.encode(vault));
        vm.expectEmit();
        emit IHedgeVault.RebalancerSet(REBALANCER);
        vault.setRebalancer(REBALANCER);

        require(vault.rebalancer() == REBALANCER, "set");
    }

    // ---- moves ----

    function _deploy(DevToken of_, uint256 spread, uint256 least) private returns (HedgeVault) {
        return
            new HedgeVault(
                address(manager),
                of_,
                vault.priceOracle(),
                address(sharePrice),
                "Vault",
                "V",
                spread,
                least
            );
    }
}
