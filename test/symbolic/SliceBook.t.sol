// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Price} from "../../contracts/vault/IPriceOracle.sol";
import {Exposure} from "../../contracts/venues/IVenueAdapter.sol";
import {SliceBook} from "../../contracts/venues/SliceBook.sol";
import {vm} from "../contracts/support/Vm.sol";
import {svm} from "./support/Svm.sol";

/// @dev SliceBook is abstract: the least that makes it a contract.
contract Slices is SliceBook(msg.sender) {
    function unwind(uint256 units, bool) external returns (address, uint256) {
        return (address(0), _takeUnits(units));
    }

    function own(uint256 amount, Math.Rounding rounding) external view returns (uint256) {
        return _own(amount, rounding);
    }

    function valuation(Price calldata) external pure returns (uint256, uint256) {
        return (0, 0);
    }

    function valueAt(uint256) external pure returns (uint256) {
        return 0;
    }

    function exposure(uint256) external pure returns (Exposure memory held) {
        return held;
    }
}

/// @title From any books whose slices are no more than the whole
contract SliceBookSymbolic {
    Slices private book;

    function setUp() public {
        book = new Slices();
        svm.enableSymbolicStorage(address(book));
    }

    function _assumeBooks() private view returns (uint256 aside, uint256 total) {
        (aside, total) = book.slices();
        vm.assume(aside <= total);
    }

    function check_setAside_neverMoreThanTheWhole(uint256 shares, uint256 supply) public {
        (uint256 aside, uint256 total) = _assumeBooks();
        vm.assume(shares <= supply);

        uint256 units = book.setAside(shares, supply);

        (uint256 asideAfter, uint256 totalAfter) = book.slices();
        assert(asideAfter == aside + units);
        assert(asideAfter <= totalAfter && (asideAfter == 0 || totalAfter == total));
    }

    function check_takeUnits_leavesTheRest(uint256 units) public {
        (uint256 aside, uint256 total) = _assumeBooks();

        book.unwind(units, false);

        (uint256 asideAfter, uint256 totalAfter) = book.slices();
        assert(units <= aside);
        assert(asideAfter == aside - units);
        if (asideAfter != 0) assert(totalAfter - asideAfter == total - aside);
    }

    function check_own_neverMoreThanAll(uint256 amount) public view {
        _assumeBooks();

        uint256 floor = book.own(amount, Math.Rounding.Floor);
        uint256 ceiling = book.own(amount, Math.Rounding.Ceil);

        assert(floor <= ceiling && ceiling <= amount);
    }
}
