// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev A fuzzed number brought between two bounds, both reached.
function bound(uint256 x, uint256 least, uint256 most) pure returns (uint256) {
    if (x >= least && x <= most) return x;
    return least + (x % (most - least + 1));
}

/// @dev Whether two numbers differ by no more than `tolerance`.
function isNear(uint256 a, uint256 b, uint256 tolerance) pure returns (bool) {
    return (a > b ? a - b : b - a) <= tolerance;
}
