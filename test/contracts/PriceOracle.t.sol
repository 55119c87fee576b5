// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IPriceOracle, Price} from "../../contracts/vault/IPriceOracle.sol";
import {PriceOracle} from "../../contracts/vault/PriceOracle.sol";
import {ReplayFeed} from "../../deploy/devnet/contracts/ReplayFeed.sol";
import {PhasedFeed} from "./support/PhasedFeed.sol";
import {vm} from "./support/Vm.sol";

contract PriceOracleTest {
    uint256 private constant START = 1_700_000_000;
    uint32 private constant BASE_AGE = 1 hours;
    uint32 private constant ASSET_AGE = 1 days;
    uint256 private constant GRACE = 1 hours;

    ReplayFeed private base;
    ReplayFeed private asset;
    PriceOracle private oracle;

    function setUp() public {
        vm.warp(START);
        (base, asset, oracle) = _deploy(8, 8, 50, 25);
        base.push(2_000e8);
        asset.push(1e8);
    }

    // ---- price ----

    function testReadingNamesItsRounds() public {
        vm.warp(START + 10);
        base.push(2_100e8);
        IPriceOracle.Reading memory reading = oracle.read();
        require(reading.price.mid == 2_100e18, "mid");
        require(reading.baseRound == 2 && reading.assetRound == 1, "rounds");
        require(reading.baseUpdatedAt == START + 10 && reading.assetUpdatedAt == START, "times");
    }

    function testPriceIsInTheAssetNotInDollars() public {
        asset.push(0.98e8);
        base.push(1_960e8);
        require(oracle.read().price.mid == 2_000e18, "1,960 dollars are 2,000 of an asset at 98 cents");
    }

    /// @dev By hand: 2,000 × 0.995 / 1.0025 and 2,000 × 1.005 / 0.9975, down and up to the last of 18 decimals.
    function testTwoSidesToTheLastUnit() public view {
        Price memory price = oracle.read().price;
        require(price.low == 1_985_037_406_483_790_523_690, "low");
        require(price.mid == 2_000_000_000_000_000_000_000, "mid");
        require(price.high == 2_015_037_593_984_962_406_016, "high");
    }

    function testFuzzDecimalsOfTheFeedsDoNotMatter(uint8 baseDecimals, uint8 assetDecimals, uint64 cents) public {
        vm.assume(cents > 0);
        (uint8 b, uint8 a) = (2 + (baseDecimals % 17), 2 + (assetDecimals % 17));
        (ReplayFeed baseFeed, ReplayFeed assetFeed, PriceOracle prices) = _deploy(b, a, 50, 25);
        baseFeed.push(int256(uint256(cents) * 10 ** (b - 2)));
        assetFeed.push(int256(10 ** uint256(a)));
        require(prices.read().price.mid == uint256(cents) * 1e16, "cents, scaled by 1e18");
    }

    /// @dev Whatever the true prices are within both thresholds, the true ratio is between low and high.
    function testFuzzTwoSidesHoldTheTruth(
        uint48 baseAnswer,
        uint48 assetAnswer,
        uint16 baseDeviation,
        uint16 assetDeviation,
        int16 baseError,
        int16 assetError
    ) public {
        vm.assume(baseAnswer > 1e4 && assetAnswer > 1e4);
        (uint16 bd, uint16 ad) = (baseDeviation % 1_000, assetDeviation % 1_000);
        (ReplayFeed baseFeed, ReplayFeed assetFeed, PriceOracle prices) = _deploy(8, 8, bd, ad);
        baseFeed.push(int256(uint256(baseAnswer)));
        assetFeed.push(int256(uint256(assetAnswer)));
        int256 be = int256(baseError) % (int256(uint256(bd)) + 1);
        int256 ae = int256(assetError) % (int256(uint256(ad)) + 1);
        uint256 trueRatio =
            (uint256(baseAnswer) * uint256(10_000 + be) * 1e18) / (uint256(assetAnswer) * uint256(10_000 + ae));

        Price memory price = prices.read().price;
        require(price.low <= price.mid && price.mid <= price.high, "ordered");
        // One unit in 1e18 for the rounding of the mid and of the ratio here.
        require(price.low <= trueRatio + 1 && trueRatio <= price.high + 2, "the truth is inside");
        if (bd + ad > 0) require(price.low < price.mid && price.mid < price.high, "two sides");
    }

    // ---- answers that are none ----

    function testReadAtTheHeartbeatsEnd() public {
        vm.warp(START + BASE_AGE);
        oracle.read();
        vm.warp(START + BASE_AGE + 1);
        _expectStale(address(base), BASE_AGE);
        base.push(2_000e8);
        vm.warp(START + ASSET_AGE + 1);
        base.push(2_000e8);
        _expectStale(address(asset), ASSET_AGE);
        asset.push(1e8);
        oracle.read();
    }

    function testAnAnswerOfZeroAndOneOfTheLeast() public {
        base.push(0);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidAnswer.selector, address(base), int256(0)));
        oracle.read();
        base.push(1);
        require(oracle.read().price.mid == 1e10, "the least there is");
        asset.push(0);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidAnswer.selector, address(asset), int256(0)));
        oracle.read();
    }

    function testFuzzAnswersThatAreNotPositive(int128 answer, bool ofBase) public {
        int256 wrong = answer > 0 ? -int256(answer) : int256(answer);
        ReplayFeed feed = ofBase ? base : asset;
        feed.push(wrong);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidAnswer.selector, address(feed), wrong));
        oracle.read();
    }

    function testRoundFromTheFuture() public {
        PhasedFeed feed = new PhasedFeed();
        PriceOracle prices = _on(address(feed));
        feed.set(1, 1, 2_000e8, START + 1);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidAnswer.selector, address(feed), int256(2_000e8)));
        prices.read();
        vm.warp(START + 1);
        prices.read();
    }

    function testRoundThatWasNeverAnswered() public {
        PhasedFeed feed = new PhasedFeed();
        PriceOracle prices = _on(address(feed));
        feed.setZeroWhenAbsent(true);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidAnswer.selector, address(feed), int256(0)));
        prices.read();
        feed.set(1, 2, 2_000e8, 0);
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidAnswer.selector, address(feed), int256(2_000e8)));
        prices.read();
    }

    // ---- arguments that would never give a price ----

    function testDeviationOfAllThePrice() public {
        PriceOracle.Feed memory good = PriceOracle.Feed(address(base), 1, 9_999);
        PriceOracle.Feed memory bad = PriceOracle.Feed(address(asset), 1, 10_000);
        _expectInvalid("baseDeviationBps", 10_000);
        new PriceOracle(bad, good, address(0), 0);
        _expectInvalid("assetDeviationBps", 10_000);
        new PriceOracle(good, bad, address(0), 0);
        new PriceOracle(good, good, address(0), 0);
    }

    /// @dev No age at all would never give a price; one without an end would give a dead feed's for ever.
    function testAgesFromASecondToAWeek() public {
        PriceOracle.Feed memory shortest = PriceOracle.Feed(address(base), 1, 50);
        PriceOracle.Feed memory longest = PriceOracle.Feed(address(asset), 7 days, 25);
        uint32[3] memory wrong = [uint32(0), 7 days + 1, type(uint32).max];
        for (uint256 i; i < wrong.length; ++i) {
            PriceOracle.Feed memory bad = PriceOracle.Feed(address(asset), wrong[i], 25);
            _expectInvalid("baseMaxAge", wrong[i]);
            new PriceOracle(bad, longest, address(0), 0);
            _expectInvalid("assetMaxAge", wrong[i]);
            new PriceOracle(shortest, bad, address(0), 0);
        }
        new PriceOracle(shortest, longest, address(0), 0);
        new PriceOracle(longest, shortest, address(0), 0);
    }

    function testKeepsWhatItIsGiven() public {
        PriceOracle prices = _over(address(0xfeed));
        require(prices.baseFeed() == address(base) && prices.assetFeed() == address(asset), "feeds");
        require(prices.baseMaxAge() == BASE_AGE && prices.assetMaxAge() == ASSET_AGE, "ages");
        require(prices.baseDeviationBps() == 50 && prices.assetDeviationBps() == 25, "deviations");
        require(prices.sequencerFeed() == address(0xfeed) && prices.sequencerGrace() == GRACE, "sequencer");
    }

    // ---- a layer-two sequencer ----

    function testSequencerDown() public {
        (ReplayFeed uptime, PriceOracle prices) = _withSequencer();
        uptime.push(0);
        vm.warp(START + GRACE);
        base.push(2_000e8);
        prices.read();

        uptime.push(1);
        _expectDown(prices, START + GRACE);
        vm.warp(START + GRACE + 1 days);
        _expectDown(prices, START + GRACE);
    }

    function testSequencerBackForLessThanTheGrace() public {
        (ReplayFeed uptime, PriceOracle prices) = _withSequencer();
        uptime.push(1);
        vm.warp(START + 600);
        uptime.push(0);
        vm.warp(START + 600 + GRACE - 1);
        base.push(2_000e8);
        _expectDown(prices, START + 600);
        vm.warp(START + 600 + GRACE);
        prices.read();
    }

    function testSequencerThatNeverAnswered() public {
        PhasedFeed uptime = new PhasedFeed();
        uptime.setZeroWhenAbsent(true);
        PriceOracle prices = _over(address(uptime));
        _expectDown(prices, 0);
        // A round of the future is no proof of being up either.
        uptime.set(1, 1, 0, START + 1);
        _expectDown(prices, START + 1);
    }

    /// @dev Any answer but zero is down: the feed's 1, and what no feed should say.
    function testFuzzSequencerAnswersAnythingElse(int128 answer) public {
        vm.assume(answer != 0);
        (ReplayFeed uptime, PriceOracle prices) = _withSequencer();
        uptime.push(answer);
        vm.warp(START + GRACE);
        base.push(2_000e8);
        _expectDown(prices, START);
    }

    function testAGraceFromTenMinutesToADay() public {
        PriceOracle.Feed memory feed = PriceOracle.Feed(address(base), BASE_AGE, 50);
        uint256[4] memory wrong = [uint256(0), 10 minutes - 1, 1 days + 1, type(uint256).max];
        for (uint256 i; i < wrong.length; ++i) {
            _expectInvalid("sequencerGrace", wrong[i]);
            new PriceOracle(feed, feed, address(0xfeed), wrong[i]);
            // Where there is no sequencer it does not matter.
            new PriceOracle(feed, feed, address(0), wrong[i]);
        }
        require(new PriceOracle(feed, feed, address(0xfeed), 10 minutes).sequencerGrace() == 10 minutes, "the least");
        require(new PriceOracle(feed, feed, address(0xfeed), 1 days).sequencerGrace() == 1 days, "the most");
    }

    // ---- moves ----

    function _expectInvalid(bytes32 name, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.InvalidParameter.selector, name, value));
    }

    function _expectStale(address feed, uint256 maxAge) private {
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.StaleFeed.selector, feed, START, maxAge));
        oracle.read();
    }

    function _expectDown(PriceOracle prices, uint256 since) private {
        vm.expectRevert(abi.encodeWithSelector(IPriceOracle.SequencerDown.selector, since));
        prices.read();
    }

    function _withSequencer() private returns (ReplayFeed uptime, PriceOracle prices) {
        uptime = new ReplayFeed("L2 sequencer uptime", 0);
        prices = _over(address(uptime));
    }

    function _over(address uptime) private returns (PriceOracle) {
        return
            new PriceOracle(
                PriceOracle.Feed(address(base), BASE_AGE, 50),
                PriceOracle.Feed(address(asset), ASSET_AGE, 25),
                uptime,
                GRACE
            );
    }

    function _on(address baseFeed) private returns (PriceOracle) {
        return
            new PriceOracle(
                PriceOracle.Feed(baseFeed, BASE_AGE, 50),
                PriceOracle.Feed(address(asset), ASSET_AGE, 25),
                address(0),
                0
            );
    }

    function _deploy(
        uint8 baseDecimals,
        uint8 assetDecimals,
        uint16 baseDeviation,
        uint16 assetDeviation
    ) private returns (ReplayFeed baseFeed, ReplayFeed assetFeed, PriceOracle prices) {
        baseFeed = new ReplayFeed("ETH / USD", baseDecimals);
        assetFeed = new ReplayFeed("USDC / USD", assetDecimals);
        prices = new PriceOracle(
            PriceOracle.Feed(address(baseFeed), BASE_AGE, baseDeviation),
            PriceOracle.Feed(address(assetFeed), ASSET_AGE, assetDeviation),
            address(0),
            0
        );
    }
}
