// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// The copy that auditSymbolic.ts leaves as it is.
// solhint-disable-next-line import-path-check
import {Math} from "openzeppelin-as-published/utils/math/Math.sol";
import {vm} from "../contracts/support/Vm.sol";

/// @title OpenZeppelin's mulDiv as published is the plain product over the denominator, for factors below 2^128
contract MathSymbolic {
    function check_mulDiv_isThePlainOne(uint256 x, uint256 y, uint256 denominator) public pure {
        vm.assume(x < 2 ** 128 && y < 2 ** 128);
        unchecked {
            assert(Math.mulDiv(x, y, denominator) == (x * y) / denominator);
        }
    }

    function check_ternary_isThePlainOne(bool condition, uint256 a, uint256 b) public pure {
        assert(Math.ternary(condition, a, b) == (condition ? a : b));
    }
}
