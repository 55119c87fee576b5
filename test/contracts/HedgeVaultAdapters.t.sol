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

/// @title The list of adapters: who leaves it, and that its slots are not for life
contract HedgeVaultAdaptersTest {
    uint256 private constant SHARE = 1e18;
    address private constant ALICE = address(0xA11CE);

    DevToken private asset;
    HedgeVault private vault;
    FixedValueAdapter[8] private venues;

    function setUp() public {
        vm.warp(1_700_000_000);
        asset = new DevToken("USD Coin", "USDC", 6);
        ReplayFeed baseFeed = new ReplayFeed("ETH / USD", 8);
        ReplayFeed assetFeed = new ReplayFeed("USDC / USD", 8);
        baseFeed.push(2_000e8);
        assetFeed.push(1e8);
        PriceOracle prices = new PriceOracle(
            PriceOracle.Feed(address(baseFeed), 1 days, 50),
            PriceOracle.Feed(address(assetFeed), 1 days, 25),
            address(0),
            0
        );
        vault = new HedgeVault(
            address(new AccessManager(address(this))),
            asset,
            address(prices),
            "Vault",
            "V",
            300,
            SHARE
        );
        for (uint256 i; i < venues.length; ++i) {
            venues[i] = new FixedValueAdapter(address(vault));
            vault.setAdapter(address(venues[i]), type(uint128).max, 10_000);
        }
        asset.mint(ALICE, 1_000e6);
        vm.prank(ALICE);
        asset.approve(address(vault), 1_000e6);
        vm.prank(ALICE);
        vault.deposit(1_000e6, ALICE);
    }

    function testRemoveAdapterIsRestricted() public {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, ALICE));
        vault.removeAdapter(address(venues[0]));
    }

    function testRemoveAdapterThatIsNoneReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAnAdapter.selector, ALICE));
        vault.removeAdapter(ALICE);
    }

    function testRemoveAdapterThatHoldsSomethingReverts() public {
        venues[0].draw(100e6);
        venues[0].set(2, 2);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AdapterNotEmpty.selector, address(venues[0])));
        vault.removeAdapter(address(venues[0]));
    }

    function testRemoveAdapterThatHoldsALeaversSliceReverts() public {
        venues[0].draw(1_000e6);
        venues[0].set(1_000e6, 1_000e6);
        venues[0].pause(true);
        vm.prank(ALICE);
        vault.requestRedeem(1_000 * SHARE, ALICE, ALICE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(0);
        // What is left to the vault is worth nothing, what was set aside is not.
        venues[0].set(1, 1);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AdapterNotEmpty.selector, address(venues[0])));
        vault.removeAdapter(address(venues[0]));
    }

    function testFuzzRemoveAdapterTakesThatOneOffAndFreesItsSlot(uint8 which) public {
        uint256 i = which % venues.length;
        address gone = address(venues[i]);
        vm.expectEmit();
        emit IHedgeVault.AdapterRemoved(gone);
        vault.removeAdapter(gone);

        address[] memory left = vault.adapters();
        require(left.length == 7 && !vault.isAdapter(gone), "off the list");
        for (uint256 j; j < venues.length; ++j) {
            bool listed;
            for (uint256 k; k < left.length; ++k) listed = listed || left[k] == address(venues[j]);
            require(listed == (j != i), "that one, and no other");
        }
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NotAnAdapter.selector, gone));
        venues[i].draw(1);

        FixedValueAdapter ninth = new FixedValueAdapter(address(vault));
        vault.setAdapter(address(ninth), 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("adapters"), 9));
        vault.setAdapter(gone, 1, 1);
        vault.removeAdapter(address(ninth));
        vault.setAdapter(gone, 1, 1);
        require(vault.isAdapter(gone) && vault.adapters().length == 8, "it can come back");
    }
}
