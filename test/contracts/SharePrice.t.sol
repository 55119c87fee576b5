// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ISharePrice} from "../../contracts/vault/ISharePrice.sol";
import {SharePrice} from "../../contracts/vault/SharePrice.sol";
import {vm} from "./support/Vm.sol";

/// @title The anchor's speed, the band around it, and the fee above mark and hurdle; the test is the vault
contract SharePriceTest {
    uint256 private constant SCALE = 1e30;
    uint256 private constant SHARES = 1_000e18;
    uint256 private constant START = 1_700_000_000;
    uint256 private constant BAND_BPS = 500;
    uint256 private constant BPS_PER_HOUR = 100;
    uint256 private constant FEE_BPS = 1_000;
    uint256 private constant HURDLE_BPS = 1_000;
    address private constant STEWARD = address(0x57E7);
    address private constant OTHER = address(0x07E2);

    SharePrice private prices;

    function setUp() public {
        vm.warp(START);
        prices = new SharePrice(BAND_BPS, BPS_PER_HOUR, STEWARD, FEE_BPS, HURDLE_BPS);
    }

    // ---- the constructor ----

    function testABandOfNothingReverts() public {
        _expectInvalid("bandBps", 0);
        new SharePrice(0, 1, STEWARD, 0, 0);
    }

    function testABandOfMoreThanAHalfReverts() public {
        _expectInvalid("bandBps", 5_001);
        new SharePrice(5_001, 1, STEWARD, 0, 0);
    }

    function testAnAnchorThatStandsStillReverts() public {
        _expectInvalid("bpsPerHour", 0);
        new SharePrice(1, 0, STEWARD, 0, 0);
    }

    function testAnAnchorThatDoublesInLessThanAnHourReverts() public {
        _expectInvalid("bpsPerHour", 10_001);
        new SharePrice(1, 10_001, STEWARD, 0, 0);
    }

    function testAFeeOfMoreThanAFifthReverts() public {
        _expectInvalid("feeBps", 2_001);
        new SharePrice(1, 1, STEWARD, 2_001, 0);
    }

    function testAFeeForNobodyReverts() public {
        _expectInvalid("recipient", 0);
        new SharePrice(1, 1, address(0), 1, 0);
    }

    function testAHurdleThatDoublesInLessThanAYearReverts() public {
        _expectInvalid("hurdleBpsPerYear", 10_001);
        new SharePrice(1, 1, STEWARD, 1, 10_001);
    }

    function testTheBoundsThemselvesPass() public {
        SharePrice least = new SharePrice(1, 1, address(0), 0, 0);
        SharePrice most = new SharePrice(5_000, 10_000, STEWARD, 2_000, 10_000);

        require(least.bandBps() == 1 && least.bpsPerHour() == 1 && least.feeBps() == 0, "least");
        require(least.recipient() == address(0) && least.hurdleBpsPerYear() == 0, "nobody, nothing");
        require(most.bandBps() == 5_000 && most.bpsPerHour() == 10_000 && most.feeBps() == 2_000, "most");
        require(most.recipient() == STEWARD && most.hurdleBpsPerYear() == 10_000, "somebody");
    }

    // ---- the anchor ----

    function testBeforeTheFirstCallThereIsNothing() public view {
        (uint256 anchor, uint256 movedAt) = prices.anchorOf(address(this));
        (uint256 mark, uint256 endsAt) = prices.markOf(address(this));

        require(anchor == 0 && movedAt == 0 && mark == 0 && endsAt == 0, "nothing");
        require(prices.valueOf(address(this), SHARES) == 0, "worth nothing");
        require(prices.isOpen(address(this), 1, 1, SHARES), "any price begins it");
    }

    function testFuzzTheFirstCallTakesThePriceHalfWayBetweenLowAndHigh(uint96 low, uint96 more) public {
        uint256 high = uint256(low) + more;
        uint256 price = _priceOf((low + high) / 2);
        vm.expectEmit();
        emit ISharePrice.Followed(address(this), price, price);
        uint256 feeShares = prices.follow(low, high, SHARES, false);

        (uint256 anchor, uint256 movedAt) = prices.anchorOf(address(this));
        require(anchor == price && movedAt == START && feeShares == 0, "anchor");
        require(prices.valueOf(address(this), SHARES) == (price * SHARES) / SCALE, "value");
    }

    function testWithinOneSecondTheAnchorStandsHoweverOftenItIsCalled() public {
        prices.follow(1_000e6, 1_000e6, SHARES, false);
        (uint256 before, ) = prices.anchorOf(address(this));
        for (uint256 i; i < 20; ++i) prices.follow(2_000e6, 2_000e6, SHARES, false);

        (uint256 anchor, ) = prices.anchorOf(address(this));
        require(anchor == before, "time alone moves it");
    }

    function testInAnHourItMovesByItsSpeedUpAndDown() public {
        uint256 start = _start();
        vm.warp(START + 1 hours);
        prices.follow(2_000e6, 2_000e6, SHARES, false);
        (uint256 up, ) = prices.anchorOf(address(this));
        require(up == start + start / 100, "one per cent up");

        vm.warp(START + 2 hours);
        prices.follow(1, 1, SHARES, false);
        (uint256 down, ) = prices.anchorOf(address(this));
        require(down == up - up / 100, "one per cent down");
    }

    function testItStopsAtThePrice() public {
        _start();
        vm.warp(START + 1 hours);
        prices.follow(1_001e6, 1_001e6, SHARES, false);
        (uint256 anchor, ) = prices.anchorOf(address(this));
        require(anchor == _priceOf(1_001e6), "no further than the price");

        vm.warp(START + 2 hours);
        prices.follow(999e6, 999e6, SHARES, false);
        (anchor, ) = prices.anchorOf(address(this));
        require(anchor == _priceOf(999e6), "nor below it");
    }

    /// @dev Whoever calls how often, with whatever price: the anchor stays between two that move all the time.
    function testFuzzNoSequenceOfCallsMovesItFasterThanItsSpeed(uint256 seed) public {
        uint256 start = _start();
        // Compounding at every call is the most that calling brings; each factor is above one, so products bound it.
        uint256 most = start;
        uint256 least = start;
        uint256 elapsed;
        for (uint256 i; i < 24; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 step = seed % 2 == 0 ? seed % 600 : seed % 3 hours;
            elapsed += step;
            vm.warp(START + elapsed);
            uint256 value = (seed >> 64) % 3 == 0 ? 0 : (seed >> 128) % 10_000e6;
            (uint256 before, ) = prices.anchorOf(address(this));

            if (seed % 5 == 0) {
                try prices.follow(value, value, SHARES, true) {} catch {} // solhint-disable-line no-empty-blocks
            } else {
                prices.follow(value, value, SHARES, false);
                (uint256 anchor, uint256 movedAt) = prices.anchorOf(address(this));
                require(movedAt == block.timestamp, "moved");
                uint256 price = _priceOf(value);
                require(
                    price > before ? anchor >= before && anchor <= price : anchor <= before && anchor >= price,
                    "towards the price, and never past it"
                );
            }
            most += Math.mulDiv(most, BPS_PER_HOUR * step, 10_000 * 1 hours, Math.Rounding.Ceil);
            least -= Math.mulDiv(least, BPS_PER_HOUR * step, 10_000 * 1 hours);
            (uint256 now_, ) = prices.anchorOf(address(this));
            require(now_ <= most, "not faster up");
            // A check that failed leaves the anchor's time where it was: one long step is more than two short ones.
            require(now_ + (start * elapsed * BPS_PER_HOUR) / (10_000 * 1 hours) + 1 >= start, "not faster down");
        }
    }

    function testEachVaultHasItsOwnAnchorAndMark() public {
        _start();
        vm.prank(OTHER);
        prices.follow(5_000e6, 5_000e6, SHARES, false);
        vm.warp(START + 1 hours);
        vm.prank(OTHER);
        prices.follow(5_100e6, 5_100e6, SHARES, true);

        (uint256 mine, uint256 movedAt) = prices.anchorOf(address(this));
        require(mine == _priceOf(1_000e6) && movedAt == START, "mine stands");
        (uint256 others, ) = prices.anchorOf(OTHER);
        require(others == (_priceOf(5_000e6) * 101) / 100, "the other's moved");
        (uint256 mark, ) = prices.markOf(address(this));
        (uint256 othersMark, ) = prices.markOf(OTHER);
        require(mark == _grown(_priceOf(1_000e6), 1 hours), "and so with the marks");
        require(othersMark == _grown(_priceOf(5_000e6), 1 hours), "each its own");
        require(!prices.isOpen(address(this), 5_000e6, 5_000e6, SHARES), "mine is closed at the other's price");
        require(prices.isOpen(OTHER, 5_000e6, 5_000e6, SHARES), "and the other's is open");
    }

    // ---- the band ----

    function testFuzzInsideTheBandItPassesAndOutsideItSaysWhen(uint96 value, uint16 late) public {
        uint256 start = _start();
        vm.warp(START + (late % 2 hours));
        uint256 price = _priceOf(value);
        uint256 step = (start * BPS_PER_HOUR * (block.timestamp - START)) / (10_000 * 1 hours);
        uint256 anchor = price > start ? Math.min(price, start + step) : Math.max(price, start - Math.min(step, start));
        uint256 distance = price > anchor ? price - anchor : anchor - price;
        bool inside = distance * 10_000 <= anchor * BAND_BPS;
        require(prices.isOpen(address(this), value, value, SHARES) == inside, "isOpen says what check does");

        try prices.follow(value, value, SHARES, true) {
            require(inside, "passed outside the band");
            (uint256 moved, ) = prices.anchorOf(address(this));
            require(moved == anchor, "and moved the anchor");
        } catch (bytes memory reason) {
            require(!inside && bytes4(reason) == ISharePrice.TooFast.selector, "closed inside the band");
            (uint256 seen, uint256 from, uint256 opensAt) = _tooFast(reason);
            require(seen == price && from == anchor && opensAt > block.timestamp, "which price, which anchor, when");
        }
    }

    function testTheEdgeOfTheBandIsInsideIt() public {
        prices.follow(1_000e6 - 1, 1_000e6 - 1, SHARES, false);
        require(prices.isOpen(address(this), 1_050e6 - 1, 1_050e6 - 1, SHARES), "five per cent up");
        require(!prices.isOpen(address(this), 1_050e6, 1_050e6, SHARES), "and a unit");
        require(prices.isOpen(address(this), 950e6 - 1, 950e6 - 1, SHARES), "five per cent down");
        require(!prices.isOpen(address(this), 950e6 - 2, 950e6 - 2, SHARES), "and a unit");
        prices.follow(1_050e6 - 1, 1_050e6 - 1, SHARES, true);
        prices.follow(950e6 - 1, 950e6 - 1, SHARES, true);
    }

    function testThePriceOfTheBandIsHalfWayBetweenLowAndHigh() public {
        _start();
        require(prices.isOpen(address(this), 900e6, 1_100e6, SHARES), "1,000 in the middle");
        require(!prices.isOpen(address(this), 1_000e6, 1_110e6, SHARES), "1,055 in the middle");
    }

    /// @dev From a poke on, as `poke` and settlement leave it.
    function testFuzzItOpensInTheSecondItSaidAndNoneBefore(uint96 value, uint16 band, uint16 speed) public {
        SharePrice other = new SharePrice(1 + (band % 5_000), 1 + (speed % 10_000), STEWARD, 0, 0);
        other.follow(1_000e6, 1_000e6, SHARES, false);
        // As far as one step of the anchor reaches.
        uint256 least = (1_000e6 * (10_000 - other.bandBps()) ** 2) / 1e8 + 1;
        uint256 most = (1_000e6 * (10_000 + other.bandBps()) ** 2) / 1e8 - 1;
        uint256 reached = least + (value % (most - least + 1));
        if (other.isOpen(address(this), reached, reached, SHARES)) return;
        uint256 opensAt = _opensAt(other, reached);

        vm.warp(opensAt - 1);
        require(!other.isOpen(address(this), reached, reached, SHARES), "a second before");
        vm.warp(opensAt);
        require(other.isOpen(address(this), reached, reached, SHARES), "in that second");
        other.follow(reached, reached, SHARES, true);
    }

    // ---- the mark and the fee ----

    function testTheFirstCallSetsTheMarkAndNoFee() public {
        vm.expectEmit();
        emit ISharePrice.Assessed(address(this), _priceOf(1_000e6), _priceOf(1_000e6), 0);
        uint256 feeShares = prices.follow(1_000e6, 1_100e6, SHARES, false);

        (uint256 mark, uint256 endsAt) = prices.markOf(address(this));
        require(feeShares == 0 && mark == _priceOf(1_000e6), "the low price");
        require(endsAt == START + prices.FEE_PERIOD() && prices.FEE_PERIOD() == 30 days, "a month");
    }

    function testAFirstPriceOfZeroIsAFirstPrice() public {
        prices.follow(0, 0, SCALE * 2, false);
        vm.warp(START + 1);
        (, uint256 endsAt) = prices.markOf(address(this));
        require(endsAt == START + 30 days, "its period began");
    }

    function testFuzzWithinAPeriodThereIsNoFeeHoweverMuchIsGained(uint32 wait, uint96 gain) public {
        _start();
        vm.warp(START + (wait % 30 days));
        require(prices.follow(1_000e6 + uint256(gain), 1_000e6 + uint256(gain), SHARES, false) == 0, "not yet");

        (, uint256 endsAt) = prices.markOf(address(this));
        require(endsAt == START + 30 days, "the period goes on");
    }

    function testTheFeeIsDueInTheSecondThePeriodEnds() public {
        _start();
        _climb(1_200e6, 30 days - 1);
        require(prices.follow(1_200e6, 1_200e6, SHARES, false) == 0, "a second before");
        vm.warp(START + 30 days);
        require(prices.follow(1_200e6, 1_200e6, SHARES, false) != 0, "in that second");
        require(prices.follow(1_300e6, 1_300e6, SHARES, false) == 0, "and once");
    }

    function testTheHurdleGrowsWithTimeEarnedOrNot() public {
        uint256 start = _start();
        vm.warp(START + 365 days);
        (uint256 mark, ) = prices.markOf(address(this));
        require(mark == start + start / 10, "ten per cent in a year");

        // A tenth less one unit was gained, within what the treasury's capital costs: no fee.
        require(prices.follow(1_100e6 - 1, 1_100e6 - 1, SHARES, false) == 0, "not above the hurdle");
        (mark, ) = prices.markOf(address(this));
        require(mark == start + start / 10, "the hurdle stays part of the mark");
    }

    function testABadPeriodStillMovesTheMarkUpByTheHurdle() public {
        uint256 start = _start();
        vm.warp(START + 30 days);
        prices.follow(500e6, 500e6, SHARES, false);

        (uint256 mark, uint256 endsAt) = prices.markOf(address(this));
        require(mark == _grown(start, 30 days), "hurdle");
        require(endsAt == START + 60 days, "the next period");
    }

    function testWhatCountsIsTheLowPrice() public {
        _start();
        _climb(1_200e6, 30 days - 1);
        vm.warp(START + 30 days);
        require(prices.follow(1_000e6, 1_400e6, SHARES, false) == 0, "the high one earns nothing");
    }

    function testWhatCountsIsNoMoreThanTheAnchor() public {
        _start();
        vm.warp(START + 30 days - 1);
        prices.follow(1_000e6, 1_000e6, SHARES, false);
        vm.warp(START + 30 days);
        // Twice the price, of one block: the anchor has moved for one second.
        require(prices.follow(2_000e6, 2_000e6, SHARES, false) == 0, "a price of one block earns nothing");
    }

    function testFuzzTheStewardGetsTheFeeOfTheGainAndTheOthersKeepTheRest(uint96 gain, uint32 wait, uint16 fee) public {
        uint256 feeBps = fee % 2_001;
        prices = new SharePrice(BAND_BPS, BPS_PER_HOUR, STEWARD, feeBps, HURDLE_BPS);
        _start();
        uint256 value = 1_000e6 + (gain % 7_000e6);
        _climb(value, 30 days + (wait % 300 days));
        (uint256 mark, ) = prices.markOf(address(this));
        uint256 price = _priceOf(value);

        uint256 feeShares = prices.follow(value, value, SHARES, false);

        (uint256 markAfter, ) = prices.markOf(address(this));
        if (price <= mark) {
            require(feeShares == 0 && markAfter == mark, "nothing above mark and hurdle");
            return;
        }
        // In the scale of prices: what a share gained, of all shares.
        uint256 gained = (price - mark) * SHARES;
        uint256 priceAfter = Math.mulDiv(value + 1, SCALE, SHARES + feeShares);
        require(feeShares * priceAfter <= (gained * feeBps) / 10_000, "no more than the fee of the gain");
        require(feeShares * priceAfter + 2 * SHARES >= (gained * feeBps) / 10_000, "and no less, but for rounding");
        require(priceAfter + 1 >= markAfter && markAfter >= mark, "the price left is the mark");
        require(markAfter + 1 >= price - ((price - mark) * feeBps) / 10_000, "all the rest of the gain is the others'");
    }

    function testFuzzTheFeeDueIsWhatIsThenCounted(uint96 value, uint96 more, uint32 wait) public {
        require(prices.feeDue(address(this), 0, 1_000e6, SHARES) == 0, "before the first price");
        _start();
        _climb(1_300e6, 20 days);
        uint256 low = 900e6 + (value % 900e6);
        uint256 high = low + (more % 90e6);
        vm.warp(vm.getBlockTimestamp() + (wait % 20 days));

        uint256 due = prices.feeDue(address(this), low, high, SHARES);
        require(prices.follow(low, high, SHARES, false) == due, "not what was counted");
        require(prices.feeDue(address(this), low, high, SHARES) == 0, "due twice");
    }

    function testTheFeeDueCountsNoMoreThanTheAnchor() public {
        _start();
        vm.warp(vm.getBlockTimestamp() + 30 days);
        // The price has doubled in one step, and the anchor has not followed.
        uint256 due = prices.feeDue(address(this), 2_000e6, 2_000e6, SHARES);
        require(due < prices.feeDue(address(this), 1_200e6, 1_200e6, SHARES) * 2, "by the anchor");
        require(prices.follow(2_000e6, 2_000e6, SHARES, false) == due, "as counted");
    }

    function testFuzzNoGainIsChargedTwice(uint256 seed) public {
        _start();
        uint256 shares = SHARES;
        uint256 time = START;
        uint256 best = _priceOf(1_000e6);
        for (uint256 period = 1; period <= 6; ++period) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 value = 500e6 + (seed % 1_500e6);
            time += 30 days + ((seed >> 64) % 5 days);
            vm.warp(time - 1);
            prices.follow(value, value, shares, false);
            vm.warp(time);
            (uint256 mark, ) = prices.markOf(address(this));
            uint256 feeShares = prices.follow(value, value, shares, false);
            uint256 price = Math.mulDiv(value + 1, SCALE, shares);
            require(feeShares == 0 || price > best, "a fee on what was there before");
            require(feeShares == 0 || price > mark, "a fee below the mark");
            shares += feeShares;
            if (feeShares != 0) best = Math.mulDiv(value + 1, SCALE, shares);
            (uint256 markAfter, ) = prices.markOf(address(this));
            require(markAfter >= best, "the mark never falls");
        }
    }

    function testWithoutAFeeTheMarkStillFollows() public {
        prices = new SharePrice(BAND_BPS, BPS_PER_HOUR, address(0), 0, 0);
        _start();
        _climb(1_500e6, 30 days);
        (uint256 mark, ) = prices.markOf(address(this));
        require(mark == _priceOf(1_500e6), "the high-water mark, free of charge");
    }

    function testWhoTradesAfterThePeriodsEndHasTheFeeCountedFirst() public {
        _start();
        vm.warp(START + 31 days);
        require(prices.follow(1_040e6, 1_040e6, SHARES, true) != 0, "due");

        (, uint256 endsAt) = prices.markOf(address(this));
        require(endsAt == START + 61 days, "counted");
    }

    // ---- what is bought ----

    /// @dev Few shares whose price was blown up by a gift or by rounding: what many then pay is no gain.
    function testFuzzAGainOfFewIsNoFeeOnMany(uint96 gift, uint96 paid) public {
        uint256 few = 1_000e6 + 1 + (gift % 1_000_000e6);
        uint256 many = 1e6 + (paid % 1e15);
        _start();
        uint256 newShares = Math.mulDiv(many, SHARES, few + 1);
        (uint256 markBefore, ) = prices.markOf(address(this));
        prices.enter(many, newShares, SHARES);
        (uint256 mark, ) = prices.markOf(address(this));

        require(mark >= markBefore, "never lower");
        uint256 value = few + many;
        uint256 price = Math.mulDiv(value + 1, SCALE, SHARES + newShares);
        // What lies above the mark is what the few had gained, and not a unit of what the many paid.
        require(
            price <= mark || (price - mark) * (SHARES + newShares) <= (few - 1_000e6 + 2) * SCALE,
            "of the few alone"
        );
    }

    function testBuyingBelowTheMarkLeavesIt() public {
        uint256 start = _start();
        prices.enter(500e6, SHARES, SHARES);

        (uint256 mark, ) = prices.markOf(address(this));
        require(mark == start, "a loss regained is no gain");
    }

    function testOpenSetsTheAnchorAtOnceAndTheMarkNever() public {
        uint256 start = _start();
        prices.open(5_000e6, SHARES);

        (uint256 anchor, ) = prices.anchorOf(address(this));
        (uint256 mark, ) = prices.markOf(address(this));
        require(anchor == _priceOf(5_000e6) && mark == start, "cash is exact");
    }

    function testAfterALongSilenceTheAnchorMovesByTheBandAtMost() public {
        uint256 start = _start();
        vm.warp(START + 20 days);
        prices.follow(2_000e6, 2_000e6, SHARES, false);

        (uint256 anchor, ) = prices.anchorOf(address(this));
        require(anchor == start + (start * BAND_BPS) / 10_000, "not to a price of one block");
        prices.follow(2_000e6, 2_000e6, SHARES, false);
        (uint256 again, ) = prices.anchorOf(address(this));
        require(again == anchor, "nor by a second call in that block");
    }

    // ---- moves ----

    function _start() private returns (uint256 price) {
        prices.follow(1_000e6, 1_000e6, SHARES, false);
        return _priceOf(1_000e6);
    }

    /// @dev The anchor is at the price when the time has passed, and no fee has been counted before the last second.
    function _climb(uint256 value, uint256 time) private {
        // Each call moves it by the band at most, which takes five hours.
        for (uint256 left = 60; left > 0; --left) {
            vm.warp(START + 30 days - 1 - (left - 1) * 5 hours);
            prices.follow(value, value, SHARES, false);
        }
        (uint256 anchor, ) = prices.anchorOf(address(this));
        require(anchor == _priceOf(value), "it had the time");
        if (time < 30 days) return;
        vm.warp(START + time);
        if (prices.feeBps() == 0) prices.follow(value, value, SHARES, false);
    }

    function _priceOf(uint256 value) private pure returns (uint256) {
        return ((value + 1) * SCALE) / SHARES;
    }

    function _grown(uint256 mark, uint256 time) private pure returns (uint256) {
        return mark + Math.ceilDiv(mark * HURDLE_BPS * time, 10_000 * 365 days);
    }

    function _opensAt(SharePrice of_, uint256 value) private returns (uint256 opensAt) {
        try of_.follow(value, value, SHARES, true) {
            require(false, "open");
        } catch (bytes memory reason) {
            (, , opensAt) = _tooFast(reason);
        }
    }

    function _tooFast(bytes memory reason) private pure returns (uint256 price, uint256 anchor, uint256 opensAt) {
        assembly ("memory-safe") {
            price := mload(add(reason, 36))
            anchor := mload(add(reason, 68))
            opensAt := mload(add(reason, 100))
        }
    }

    function _expectInvalid(bytes32 name, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(ISharePrice.InvalidParameter.selector, name, value));
    }
}
