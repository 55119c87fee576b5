// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IHedgeVault} from "../../../contracts/vault/IHedgeVault.sol";
import {Price} from "../../../contracts/vault/IPriceOracle.sol";
import {Exposure, IVenueAdapter} from "../../../contracts/venues/IVenueAdapter.sol";

/// @title An adapter that is worth what a test says: for the arithmetic of shares and queue, not for any venue's behaviour
contract FixedValueAdapter is IVenueAdapter {
    address public immutable vault;
    uint256 public low;
    uint256 public high;

    constructor(address vault_) {
        vault = vault_;
    }

    function set(uint256 low_, uint256 high_) external {
        (low, high) = (low_, high_);
    }

    function draw(uint256 assets) external {
        IHedgeVault(vault).draw(assets);
    }

    function restore(uint256 assets) external {
        IERC20(IERC4626(vault).asset()).approve(vault, assets);
        IHedgeVault(vault).restore(assets);
    }

    function valuation(Price calldata) external view returns (uint256, uint256) {
        return (low, high);
    }

    function valueAt(uint256) public view returns (uint256) {
        return (low + high) / 2;
    }

    function exposure(uint256 price) external view returns (Exposure memory) {
        return Exposure({deltaMin: 0, deltaMax: 0, gross: 0, equity: valueAt(price), margined: false});
    }
}
