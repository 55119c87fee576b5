// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Exposure, IVenueAdapter} from "../venues/IVenueAdapter.sol";
import {IHedgeVault} from "./IHedgeVault.sol";

/// @title VenueList: the adapters of a HedgeVault and how much each may hold
/// @notice A linked library, as RedemptionQueue is and for the same reason.
/// @dev Who may call what is the vault's business.
library VenueList {
    /// @notice Most adapters a vault can have: valuation loops over all of them.
    uint256 internal constant MAX_ADAPTERS = 8;
    uint256 private constant BPS = 10_000;
    /// @dev Where nothing is held, every price gives the same.
    uint256 private constant ANY_PRICE = 1e18;

    /// @param assets Most value, in asset units.
    /// @param bps Most share of net asset value, in basis points.
    struct Cap {
        uint128 assets;
        uint32 bps;
        bool known;
    }

    struct List {
        address[] adapters;
        mapping(address adapter => Cap) caps;
    }

    function set(List storage list, address adapter, uint128 capAssets, uint32 capBps) external {
        if (capBps > BPS) revert IHedgeVault.InvalidParameter("capBps", capBps);
        if (IVenueAdapter(adapter).vault() != address(this)) revert IHedgeVault.NotAnAdapter(adapter);
        // An adapter that could not set a slice aside would trap everyone.
        IVenueAdapter(adapter).setAside(0, 1);
        if (!list.caps[adapter].known) {
            if (list.adapters.length == MAX_ADAPTERS) {
                revert IHedgeVault.InvalidParameter("adapters", MAX_ADAPTERS + 1);
            }
            // What it brought along would be nobody's until something is drawn.
            _requireEmpty(adapter);
            list.adapters.push(adapter);
        }

        list.caps[adapter] = Cap(capAssets, capBps, true);

        emit IHedgeVault.AdapterSet(adapter, capAssets, capBps);
    }

    function remove(List storage list, address adapter) external {
        if (!list.caps[adapter].known) revert IHedgeVault.NotAnAdapter(adapter);
        (uint256 aside, ) = IVenueAdapter(adapter).slices();
        if (aside != 0) revert IHedgeVault.AdapterNotEmpty(adapter);
        _requireEmpty(adapter);

        delete list.caps[adapter];
        uint256 last = list.adapters.length - 1;
        for (uint256 i; i < last; ++i) {
            if (list.adapters[i] == adapter) list.adapters[i] = list.adapters[last];
        }
        list.adapters.pop();

        emit IHedgeVault.AdapterRemoved(adapter);
    }

    /// @notice Reverts when an adapter holds something of the vault's.
    function requireEmpty(List storage list) external view {
        for (uint256 i; i < list.adapters.length; ++i) {
            _requireEmpty(list.adapters[i]);
        }
    }

    function _requireEmpty(address adapter) private view {
        Exposure memory held = IVenueAdapter(adapter).exposure(ANY_PRICE);
        if (held.gross != 0 || held.equity != 0) revert IHedgeVault.AdapterNotEmpty(adapter);
    }
}
