// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Price} from "../../../contracts/vault/IPriceOracle.sol";
import {CurieAdapter} from "../../../contracts/venues/curie/CurieAdapter.sol";
import {CashBox} from "../../../deploy/devnet/contracts/CashBox.sol";
import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";
import {ReplayFeed} from "../../../deploy/devnet/contracts/ReplayFeed.sol";
import {CurieVenue, ICurieTraders} from "./CurieVenue.sol";
import {vm} from "./Vm.sol";

/// @notice How the venue's owner shuts a market down.
interface IClosableMarket {
    function pause() external;
    function close(uint256 closingPrice) external;
}

/// @title An adapter between a real Curie market and the cash side of a vault, called by the test as the Rebalancer does
abstract contract CurieAdapterSetup is CurieVenue {
    uint256 internal constant PRICE = 2_000e18;
    uint256 internal constant CASH = 5_000_000e6;
    uint256 internal constant GATE_BPS = 100;
    uint256 internal constant UNWIND_COST_BPS = 30;
    uint256 internal constant WHOLE = 1e27;
    /// @dev 100 ETH short, 200,000 of notional, on 60,000 of equity.
    int256 internal constant SHORT = -100e18;
    uint256 internal constant EQUITY = 60_000e6;
    /// @dev What rounding at the venue may leave of a size, in wei.
    uint256 internal constant DUST = 10;
    address internal constant STRANGER = address(uint160(uint256(keccak256("stranger"))));

    DevToken internal asset;
    ReplayFeed internal feed;
    AccessManager internal manager;
    CashBox internal box;
    CurieAdapter internal adapter;

    function _setUpAdapter() internal {
        vm.warp(1_600_000_000);
        asset = new DevToken("USD Coin", "USDC", 6);
        feed = new ReplayFeed("ETH / USD", 8);
        feed.push(2_000e8);
        _deployCurie(asset, feed, PRICE);
        _moveMark(PRICE);
        manager = new AccessManager(address(this));
        box = new CashBox(address(asset));
        _fill(CASH);
        adapter = new CurieAdapter(address(manager), address(box), clearingHouse, baseToken, GATE_BPS, UNWIND_COST_BPS);
    }

    function _fill(uint256 amount) internal {
        asset.mint(address(box), amount);
        box.fill();
    }

    /// @dev A two-sided price half a per cent either side of `mid`.
    function _around(uint256 mid) internal pure returns (Price memory) {
        return Price(mid - mid / 200, mid, mid + mid / 200);
    }

    function _set(int256 size, uint256 equity) internal {
        adapter.setPosition(size, equity, _around(PRICE));
    }

    /// @dev Seconds later index and mark are at a price.
    function _marketAt(uint256 price, uint256 elapsed) internal {
        vm.warp(vm.getBlockTimestamp() + elapsed);
        feed.push(int256(price / 1e10));
        _moveMark(price);
    }

    /// @dev The same, with the half hour that the venue's own mark takes to follow.
    function _settledAt(uint256 price) internal {
        _marketAt(price, 3_600);
        vm.warp(vm.getBlockTimestamp() + 1_830);
    }

    function _closeMarket(uint256 price) internal {
        IClosableMarket(baseToken).pause();
        IClosableMarket(baseToken).close(price);
    }

    function _setAside(uint256 shares, uint256 supply) internal returns (uint256 units) {
        vm.prank(address(box));
        return adapter.setAside(shares, supply);
    }

    /// @dev Pays out units and returns what reached the vault.
    function _unwind(uint256 units, bool anyPrice) internal returns (uint256 paid) {
        uint256 before = asset.balanceOf(address(box));
        vm.prank(address(box));
        (address token, uint256 amount) = adapter.unwind(units, anyPrice);
        require(token == baseToken && amount == 0, "Curie pays no base");
        return asset.balanceOf(address(box)) - before;
    }

    function _size() internal view returns (int256) {
        return adapter.accountBalance().getTakerPositionSize(address(adapter), baseToken);
    }

    /// @dev What Curie itself says the account is worth, in asset units, at its own mark.
    function _venueValue() internal view returns (int256) {
        return ICurieTraders(clearingHouse).getAccountValue(address(adapter)) / 1e12;
    }

    function _mark() internal view returns (uint256) {
        return adapter.accountBalance().getMarkPrice(baseToken);
    }

    function _notional(int256 size, uint256 price) internal pure returns (uint256) {
        return (uint256(size < 0 ? -size : size) * price) / 1e30;
    }
}
