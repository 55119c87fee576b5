// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SharePrice} from "../../contracts/vault/SharePrice.sol";
import {vm} from "../contracts/support/Vm.sol";
import {svm} from "./support/Svm.sol";

/// @title Anchor, mark and fee from any state, at any time; the test is the vault
contract SharePriceSymbolic {
    uint256 private constant BPS = 10_000;
    uint256 private constant SCALE = 1e30;
    uint256 private constant FEE_BPS = 1_000;

    SharePrice private prices;

    function setUp() public {
        prices = new SharePrice(500, 100, address(0x57E7), FEE_BPS, 1_000);
        svm.enableSymbolicStorage(address(prices));
    }

    function _anchor() private view returns (uint256 price) {
        (price, ) = prices.anchorOf(address(this));
    }

    function _mark() private view returns (uint256 price) {
        (price, ) = prices.markOf(address(this));
    }

    function check_follow_noFeeWithinThePeriod(uint64 at, uint128 value, uint128 shares) public {
        vm.warp(at);
        (, uint256 periodEndsAt) = prices.markOf(address(this));
        vm.assume(at < periodEndsAt);

        uint256 feeShares = prices.follow(value, value, shares, false);

        (, uint256 endsAtAfter) = prices.markOf(address(this));
        assert(feeShares == 0 && endsAtAfter == periodEndsAt);
    }

    function check_feeDue_noneAtOrBelowTheMark(uint64 at, uint96 value, uint96 shares) public {
        vm.warp(at);
        uint256 mark = _mark();
        prices.open(value, shares);

        uint256 feeShares = prices.feeDue(address(this), value, value, shares);

        if (_anchor() <= mark) assert(feeShares == 0);
    }

    function check_feeDue_isWorthItsPartOfTheGainAtMost(uint64 at, uint96 value, uint96 shares) public {
        vm.warp(at);
        uint256 mark = _mark();
        prices.open(value, shares);

        uint256 feeShares = prices.feeDue(address(this), value, value, shares);

        if (feeShares == 0) return;
        uint256 price = _anchor();
        // All shares, the new ones among them, are worth what the old ones were.
        assert(feeShares * price * BPS <= (price - mark) * FEE_BPS * (shares + feeShares));
    }

    function check_enter_theMarkIsTheAverageOfWhatWasPaid(
        uint64 at,
        uint96 assets,
        uint96 newShares,
        uint96 shares
    ) public {
        vm.warp(at);
        vm.assume(newShares != 0);
        // At its own time the mark has not grown.
        (uint256 mark, uint256 endsAt) = prices.markOf(address(this));
        vm.assume(endsAt == uint256(at) + prices.FEE_PERIOD());

        prices.enter(assets, newShares, shares);

        uint256 raised = _mark();
        assert(raised >= mark);
        assert(raised * (uint256(shares) + newShares) >= mark * shares + uint256(assets) * SCALE || raised == mark);
        assert(raised == mark || (raised - 1) * newShares <= uint256(assets) * SCALE);
    }
}
