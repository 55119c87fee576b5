// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IHedgeVault} from "../../../contracts/vault/IHedgeVault.sol";
import {Price} from "../../../contracts/vault/IPriceOracle.sol";
import {Exposure} from "../../../contracts/venues/IVenueAdapter.sol";
import {SliceBook} from "../../../contracts/venues/SliceBook.sol";

/// @title An adapter that is worth what a test says: for the arithmetic of shares and queue, not for any venue's behaviour
contract FixedValueAdapter is SliceBook {
    uint256 private _low;
    uint256 private _high;
    /// @dev A venue that lets nothing out.
    bool public paused;
    /// @dev What unwinding costs, in basis points of what is let out.
    uint256 public costBps;

    /// @dev Words of revert data, as a hostile venue has them.
    uint256 public bomb;

    /// @dev What it hands back as the vault's cash while it unwinds.
    uint256 public restoring;

    /// @dev Gas it burns before it lets anything out.
    uint256 public needs;

    error Paused();

    constructor(address vault_) SliceBook(vault_) {}

    function set(uint256 low_, uint256 high_) external {
        // The vault looks at its venues once something was drawn.
        IHedgeVault(vault).draw(0);
        (_low, _high) = (low_, high_);
    }

    function pause(bool on) external {
        paused = on;
    }

    function setBomb(uint256 words) external {
        bomb = words;
    }

    function setNeeds(uint256 gas) external {
        needs = gas;
    }

    function setRestoring(uint256 assets) external {
        restoring = assets;
    }

    function setCost(uint256 bps) external {
        costBps = bps;
    }

    function draw(uint256 assets) external {
        IHedgeVault(vault).draw(assets);
    }

    function restore(uint256 assets) external {
        IERC20(IERC4626(vault).asset()).approve(vault, assets);
        IHedgeVault(vault).restore(assets);
    }

    function unwind(uint256 units, bool) public virtual onlyVault returns (address, uint256) {
        uint256 start = gasleft();
        while (start - gasleft() < needs) continue;
        if (bomb != 0) _explode(32 * bomb);
        if (paused) revert Paused();
        uint256 total = _takeUnits(units);
        _low -= Math.mulDiv(_low, units, total);
        _high -= Math.mulDiv(_high, units, total);
        IERC20 asset = IERC20(IERC4626(vault).asset());
        if (restoring != 0) {
            asset.approve(vault, restoring);
            IHedgeVault(vault).restore(restoring);
        }
        uint256 out = Math.mulDiv(asset.balanceOf(address(this)), units, total);
        uint256 cost = Math.mulDiv(out, costBps, 10_000, Math.Rounding.Ceil);
        asset.transfer(address(0xdead), cost);
        asset.transfer(vault, out - cost);
        return (address(0), 0);
    }

    function _explode(uint256 bytes_) private pure {
        assembly ("memory-safe") {
            revert(mload(0x40), bytes_)
        }
    }

    function valuation(Price calldata) external view returns (uint256, uint256) {
        return (low(), high());
    }

    function low() public view returns (uint256) {
        return _own(_low, Math.Rounding.Floor);
    }

    function high() public view returns (uint256) {
        return _own(_high, Math.Rounding.Ceil);
    }

    function valueAt(uint256) public view returns (uint256) {
        return _own((_low + _high) / 2, Math.Rounding.Floor);
    }

    function exposure(uint256 price) external view returns (Exposure memory) {
        return Exposure({deltaMin: 0, deltaMax: 0, gross: 0, equity: valueAt(price), margined: false});
    }
}
