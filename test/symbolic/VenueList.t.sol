// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {VenueList} from "../../contracts/vault/VenueList.sol";
import {FixedValueAdapter} from "../contracts/support/FixedValueAdapter.sol";

/// @title Caps as they are set, for any numbers; the test is the vault
contract VenueListSymbolic {
    using VenueList for VenueList.List;

    VenueList.List private list;
    address private first;
    address private second;

    function setUp() public {
        first = address(new FixedValueAdapter(address(this)));
        second = address(new FixedValueAdapter(address(this)));
    }

    function check_set_capsAreKeptAndNoMoreThanAll(uint128[2] memory assets, uint32[2] memory bps) public {
        list.set(first, assets[0], bps[0]);
        list.set(second, assets[1], bps[1]);

        assert(list.caps[first].bps <= 10_000 && list.caps[second].bps <= 10_000);
        assert(list.caps[first].assets == assets[0] && list.caps[second].assets == assets[1]);
    }

    function check_set_anAdapterIsListedOnce(uint128[2] memory assets, uint32[2] memory bps) public {
        list.set(first, assets[0], bps[0]);
        list.set(first, assets[1], bps[1]);

        assert(list.adapters.length == 1 && list.caps[first].assets == assets[1] && list.caps[first].bps == bps[1]);
    }
}
