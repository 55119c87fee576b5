// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IVenueAdapter} from "./IVenueAdapter.sol";

/// @title Which part of a venue's position is still the vault's, and which was set aside for those forced out
///
/// UNITS
/// Everything at the venue is cut into units: so many are set aside, the rest is the vault's. A unit is a share of the whole
/// position, gains, losses and liquidations included, so nothing has to be valued, and nothing at the venue has to move,
/// to set a slice aside. Unwinding units takes that share of the position out and the units off both counts: what a unit
/// that stays is worth does not change.
///
/// PLANS
/// While anything is set aside no plan takes money out here or moves liquidity: what it takes out would be those who left's.
/// A short may still shrink and get margin, shared with them. Unwinding is open to anyone, through the vault.
abstract contract SliceBook is IVenueAdapter {
    /// @dev What a position is cut into while nothing is set aside: fine enough that rounding costs less than a unit of any
    /// token.
    uint256 private constant WHOLE = 1e27;

    /// @inheritdoc IVenueAdapter
    address public immutable override vault;

    uint128 private _aside;
    uint128 private _total;

    constructor(address vault_) {
        vault = vault_;
    }

    modifier onlyVault() {
        if (msg.sender != vault) revert NotTheVault(msg.sender);
        _;
    }

    /// @inheritdoc IVenueAdapter
    function setAside(uint256 shares, uint256 supply) external onlyVault returns (uint256 units) {
        (uint256 aside, uint256 total) = slices();
        units = Math.mulDiv(total - aside, shares, supply);

        _aside = SafeCast.toUint128(aside + units);
        _total = SafeCast.toUint128(total);
    }

    /// @inheritdoc IVenueAdapter
    function slices() public view returns (uint256 aside, uint256 total) {
        aside = _aside;
        total = aside == 0 ? WHOLE : _total;
    }

    /// @dev Takes units that are being unwound off the books; returns how many there were in all.
    function _takeUnits(uint256 units) internal returns (uint256 total) {
        uint256 aside;
        (aside, total) = slices();
        if (units > aside) revert NotSetAside(units, aside);

        _aside = uint128(aside - units);
        _total = uint128(total - units);
    }

    /// @dev The vault's part of an amount of the whole position.
    function _own(uint256 amount, Math.Rounding rounding) internal view returns (uint256) {
        uint256 aside = _aside;
        return aside == 0 ? amount : Math.mulDiv(amount, _total - aside, _total, rounding);
    }

    function _isAside() internal view returns (bool) {
        return _aside != 0;
    }

    function _requireNothingAside() internal view {
        if (_aside != 0) revert SlicesAside(_aside);
    }
}
