// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IRegimeOracle, Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {RegimeOracleSetup} from "./support/RegimeOracleSetup.sol";
import {RegimeVectors} from "./support/RegimeVectors.sol";

/// @dev Every vector goes through the contract: the first 250 by the seed, the others by feeds, rounds and lifts.
contract RegimeOracleVectorsTest is RegimeOracleSetup {
    struct Vector {
        uint64 vix;
        uint64 vix3m;
        bool lifted;
        Regime level;
        uint8 streak;
    }

    function setUp() public {
        _deploy();
    }

    function testVectors() public {
        bytes memory data = RegimeVectors.DATA;
        require(data.length == RegimeVectors.COUNT * RegimeVectors.WIDTH && RegimeVectors.COUNT > 500, "whole");

        IRegimeOracle.Close[] memory closes = _calmSeed();
        for (uint256 i; i < closes.length; ++i) {
            Vector memory seeded = _vector(data, i);
            require(!seeded.lifted, "no lift in the seed");
            (closes[i].vix, closes[i].vix3m) = (seeded.vix, seeded.vix3m);
        }
        oracle.seed(closes);

        for (uint256 i = closes.length; i < RegimeVectors.COUNT; ++i) {
            Vector memory next = _vector(data, i);
            if (next.lifted) {
                _at(oracle.nextSessionDay(), 10 hours);
                _lift(80e8);
            }
            _close(next.vix, next.vix3m);
        }

        for (uint256 i; i < RegimeVectors.COUNT; ++i) {
            Vector memory expected = _vector(data, i);
            IRegimeOracle.Session memory session = _stored(i);
            require(session.vix == expected.vix && session.vix3m == expected.vix3m, "closes");
            require(session.lifted == expected.lifted, "lifted");
            require(session.level == expected.level, "level");
            require(session.streak == expected.streak, "streak");
        }
    }

    function _vector(bytes memory data, uint256 index) private pure returns (Vector memory vector) {
        uint256 word;
        uint256 offset = index * RegimeVectors.WIDTH;
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
        vector.vix = uint64(word >> 192);
        vector.vix3m = uint64(word >> 128);
        vector.lifted = uint8(word >> 120) == 1;
        vector.level = Regime(uint8(word >> 112));
        vector.streak = uint8(word >> 104);
    }
}
