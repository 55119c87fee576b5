// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {Exposure, IVenueAdapter} from "../../contracts/venues/IVenueAdapter.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title The list of adapters: who leaves it, and that its slots are not for life
contract HedgeVaultAdaptersTest is HedgeVaultSetup {
    address private constant ALICE = address(0xA11CE);

    FixedValueAdapter[8] private venues;

    function setUp() public {
        _deployVault();
        for (uint256 i; i < venues.length; ++i) {
            venues[i] = _addVenue();
        }
        _enter(ALICE, 1_000e6);
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

    function testAnAdapterThatBringsSomethingAlongIsNotTaken() public {
        vault.removeAdapter(address(venues[0]));
        vm.mockCall(
            address(venues[0]),
            abi.encodeWithSelector(IVenueAdapter.exposure.selector),
            abi.encode(Exposure({deltaMin: 0, deltaMax: 0, gross: 0, equity: 1, margined: false}))
        );

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.AdapterNotEmpty.selector, address(venues[0])));
        vault.setAdapter(address(venues[0]), type(uint128).max, 10_000);
    }

    function testAPositionWorthNothingIsStillAPosition() public {
        venues[3].set(0, 0);
        vm.mockCall(
            address(venues[3]),
            abi.encodeWithSelector(IVenueAdapter.exposure.selector),
            abi.encode(Exposure({deltaMin: -1, deltaMax: -1, gross: 1, equity: 0, margined: true}))
        );
        bytes memory reason = abi.encodeWithSelector(IHedgeVault.AdapterNotEmpty.selector, address(venues[3]));

        vm.expectRevert(reason);
        vault.removeAdapter(address(venues[3]));
        vm.expectRevert(reason);
        vault.closePositions();
    }

    function testRemoveAdapterThatHoldsALeaversSliceReverts() public {
        venues[0].draw(1_000e6);
        venues[0].set(1_000e6, 1_000e6);
        venues[0].pause(true);
        vm.prank(ALICE);
        vault.requestRedeem(1_000 * SHARE, ALICE, ALICE);
        vm.warp(block.timestamp + vault.EXIT_DEADLINE());
        vault.force(1);
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
