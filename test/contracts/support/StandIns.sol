// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Price} from "../../../contracts/vault/IPriceOracle.sol";
import {Exposure, ILiquidityAdapter, IPerpAdapter} from "../../../contracts/venues/IVenueAdapter.sol";

/// @title A vault of any cash and caps, that writes down in which order a plan came to its venues
contract StandInVault {
    struct Cap {
        uint256 assets;
        uint256 bps;
    }

    address public immutable priceOracle;
    uint256 public cash;
    mapping(address adapter => Cap) public capOf;
    address[] public steps;
    bool public inPlan;
    bool public allClosed;
    address[] private _adapters;

    constructor(address priceOracle_) {
        priceOracle = priceOracle_;
    }

    function add(address adapter) external {
        _adapters.push(adapter);
        capOf[adapter] = Cap(type(uint256).max, 10_000);
    }

    function setCap(address adapter, uint256 assets) external {
        capOf[adapter].assets = assets;
    }

    function setCash(uint256 assets) external {
        cash = assets;
    }

    function step(int256 cashChange) external {
        steps.push(msg.sender);
        cash = uint256(int256(cash) + cashChange);
    }

    function beginPlan() external {
        delete steps;
        inPlan = true;
    }

    function endPlan(bool allClosed_) external {
        (inPlan, allClosed) = (false, allClosed_);
    }

    function stepCount() external view returns (uint256) {
        return steps.length;
    }

    function adapters() external view returns (address[] memory) {
        return _adapters;
    }

    function isAdapter(address adapter) external view returns (bool) {
        return capOf[adapter].bps != 0;
    }
}

/// @title A venue that holds what a test says, and after a plan's next step what the test says then, whatever the plan says
abstract contract StandInVenue {
    StandInVault private immutable _vault;
    Exposure internal _held;
    Exposure private _next;
    int256 private _cashChange;

    constructor(StandInVault vault_) {
        _vault = vault_;
    }

    function hold(Exposure calldata held) external {
        (_held, _next, _cashChange) = (held, held, 0);
    }

    /// @param cashChange What the step hands to the vault; negative is drawn from it.
    function become(Exposure calldata next, int256 cashChange) external {
        (_next, _cashChange) = (next, cashChange);
    }

    function _step() internal virtual {
        _vault.step(_cashChange);
        (_held, _cashChange) = (_next, 0);
    }

    function exposure(uint256) external view returns (Exposure memory) {
        return _held;
    }

    function valueAt(uint256) external view returns (uint256) {
        return _held.equity;
    }
}

/// @title The same for liquidity
contract StandInLiquidity is StandInVenue {
    uint128 public liquidity = 1e18;
    uint128 private _nextLiquidity = 1e18;

    constructor(StandInVault vault_) StandInVenue(vault_) {}

    function becomeLiquidity(uint128 next) external {
        _nextLiquidity = next;
    }

    function setLiquidity(int24, int24, uint256, Price calldata) external {
        _step();
    }

    function position() external view returns (ILiquidityAdapter.LiquidityPosition memory p) {
        p.liquidity = liquidity;
    }

    function _step() internal override {
        super._step();
        liquidity = _nextLiquidity;
    }
}

/// @title The same for perpetuals: `exposure` is its size, and mark and index are set apart from each other
contract StandInPerp is StandInVenue {
    uint256 public markPrice;
    uint256 public indexPrice;

    constructor(StandInVault vault_) StandInVenue(vault_) {}

    function setPrices(uint256 mark, uint256 index) external {
        (markPrice, indexPrice) = (mark, index);
    }

    function setPosition(int256, uint256, Price calldata) external {
        _step();
    }

    function reducePosition(int256, uint256) external {
        _step();
    }

    function position() external view returns (IPerpAdapter.PerpPosition memory p) {
        (p.size, p.markPrice, p.indexPrice) = (_held.deltaMin, markPrice, indexPrice);
    }
}
