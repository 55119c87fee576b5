// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {IRegimeOracle} from "../../../contracts/regime/IRegimeOracle.sol";
import {RegimeOracle} from "../../../contracts/regime/RegimeOracle.sol";
import {ReplayFeed} from "../../../deploy/devnet/contracts/ReplayFeed.sol";
import {vm} from "./Vm.sol";

/// @title An oracle on three feeds, and the moves its tests are written in
abstract contract RegimeOracleSetup {
    uint256 internal constant POINT = 1e8;
    uint256 internal constant GRACE = 12 hours;
    uint256 internal constant LIFT_BPS = 1500;
    /// @dev Monday 2000-01-03: with 250 weekdays after it, the last seeded session is Friday 2000-12-15.
    uint32 internal constant FIRST_DAY = 10_959;
    uint32 internal constant LAST_SEEDED = 11_306;

    AccessManager internal manager;
    ReplayFeed internal vixFeed;
    ReplayFeed internal vix3mFeed;
    ReplayFeed internal baseFeed;
    RegimeOracle internal oracle;

    function _deploy() internal {
        vm.warp(uint256(FIRST_DAY) * 1 days);
        manager = new AccessManager(address(this));
        vixFeed = new ReplayFeed("VIX", 8);
        vix3mFeed = new ReplayFeed("VIX3M", 8);
        baseFeed = new ReplayFeed("ETH / USD", 8);
        oracle = new RegimeOracle(
            address(manager),
            address(vixFeed),
            address(vix3mFeed),
            address(baseFeed),
            GRACE,
            LIFT_BPS
        );
        vm.warp(uint256(LAST_SEEDED + 1) * 1 days);
    }

    /// @dev 250 weekdays from FIRST_DAY, all with the same closes.
    function _calmSeed() internal pure returns (IRegimeOracle.Close[] memory closes) {
        closes = new IRegimeOracle.Close[](250);
        uint32 day = FIRST_DAY;
        for (uint256 i; i < 250; ++i) {
            closes[i] = IRegimeOracle.Close(day, uint64(13 * POINT), uint64(15 * POINT));
            day += (i % 5 == 4) ? 3 : 1;
        }
    }

    function _at(uint32 day, uint256 secondsIn) internal {
        vm.warp(uint256(day) * 1 days + secondsIn);
    }

    /// @dev Pushes both closes at 21:15 UTC of the day.
    function _push(uint32 day, uint256 vix, uint256 vix3m) internal {
        _at(day, 21 hours + 15 minutes);
        vixFeed.push(int256(vix));
        vix3mFeed.push(int256(vix3m));
    }

    /// @dev Pushes both closes and advances when the day is over.
    function _close(uint256 vix, uint256 vix3m) internal {
        uint32 day = oracle.nextSessionDay();
        _push(day, vix, vix3m);
        _at(day + 1, 0);
        _advance();
    }

    /// @dev Advances by the newest rounds of both feeds.
    function _advance() internal {
        (uint80 vixRound, uint80 vix3mRound) = (_latest(vixFeed), _latest(vix3mFeed));
        oracle.advance(vixRound, vix3mRound);
    }

    /// @dev Moves the base feed from 100 to `to` within an hour from now and lifts by these rounds.
    function _lift(int256 to) internal {
        (uint80 older, uint80 newer) = _move(to);
        oracle.lift(older, newer);
    }

    function _move(int256 to) internal returns (uint80 older, uint80 newer) {
        baseFeed.push(100e8);
        vm.warp(block.timestamp + 1 hours);
        baseFeed.push(to);
        newer = _latest(baseFeed);
        older = newer - 1;
    }

    function _latest(ReplayFeed feed) internal view returns (uint80 round) {
        (round, , , , ) = feed.latestRoundData();
    }

    function _stored(uint256 index) internal view returns (IRegimeOracle.Session memory) {
        return oracle.sessions(index, 1)[0];
    }

    function _lastStored() internal view returns (IRegimeOracle.Session memory) {
        return _stored(oracle.sessionCount() - 1);
    }
}
