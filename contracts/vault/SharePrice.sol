// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ISharePrice} from "./ISharePrice.sol";

/// @title SharePrice: how fast a share price may move before shares stop trading, and what stewards earn on it
///
/// ANCHOR
/// A share price that jumps is a crash, or a feed, a venue or a valuation gone wrong. Nobody can tell which in the block it
/// happens, so nobody enters or leaves at once at such a price: shares trade only near an anchor that moves towards the
/// price by at most `bpsPerHour`, in proportion to the time since it last moved, and by no more than the band in one call,
/// however long nobody looked. A real crash reopens without a vote, when calls have brought the anchor near enough; each
/// is open to anyone (`HedgeVault.poke`).
///
/// MARK
/// The mark begins at a vault's first price and grows by the hurdle, earned or not: stewards are paid for more than the
/// treasury's cost of capital, and for no gain twice. After a fee the mark is the price that is left. New shares raise it to
/// the average of what all were bought for, so that a gain of few does not become a fee on many.
///
/// WHEN
/// A fee is due once a period, at the first call after its end, which is open to anyone. So nobody chooses its moment: who
/// would gain by waiting for a better price is preceded by those who would lose. What counts is the lower of low price and
/// anchor, so that a price of one block does not.
///
/// NOT DONE
/// Who leaves within a period pays no fee on that period. A fee is the same for every share, so who enters within a period
/// bears a part of what others earned in it before; a fee that is due is charged before anyone enters. Nothing is charged on
/// exit.
///
/// ROLES
/// None, and no parameter can be changed. A caller moves its own anchor and mark and nobody else's.
contract SharePrice is ISharePrice {
    uint256 private constant BPS = 10_000;
    /// @dev A vault's first share costs one asset unit over 1e12 virtual shares: 1e18 in this scale.
    uint256 private constant SCALE = 1e30;
    /// @notice Seconds between two fees.
    uint256 public constant FEE_PERIOD = 30 days;

    /// @param price Scaled by 1e30.
    /// @param at Seconds since 1970-01-01; zero before the first price.
    struct Seen {
        uint192 price;
        uint64 at;
    }

    /// @inheritdoc ISharePrice
    uint256 public immutable override bandBps;
    /// @inheritdoc ISharePrice
    uint256 public immutable override bpsPerHour;
    /// @inheritdoc ISharePrice
    address public immutable override recipient;
    /// @inheritdoc ISharePrice
    uint256 public immutable override feeBps;
    /// @inheritdoc ISharePrice
    uint256 public immutable override hurdleBpsPerYear;

    mapping(address vault => Seen) private _anchors;
    mapping(address vault => Seen) private _marks;

    constructor(uint256 bandBps_, uint256 bpsPerHour_, address recipient_, uint256 feeBps_, uint256 hurdleBpsPerYear_) {
        // Without a band every rounding would close the vault; one of a half and more would hold nothing back.
        if (bandBps_ == 0 || bandBps_ > 5_000) revert InvalidParameter("bandBps", bandBps_);
        // An anchor that does not move keeps a vault closed for ever.
        if (bpsPerHour_ == 0 || bpsPerHour_ > BPS) revert InvalidParameter("bpsPerHour", bpsPerHour_);
        // More than a fifth of the gain is no steward's fee.
        if (feeBps_ > 2_000) revert InvalidParameter("feeBps", feeBps_);
        if (feeBps_ != 0 && recipient_ == address(0)) revert InvalidParameter("recipient", 0);
        if (hurdleBpsPerYear_ > BPS) revert InvalidParameter("hurdleBpsPerYear", hurdleBpsPerYear_);

        bandBps = bandBps_;
        bpsPerHour = bpsPerHour_;
        recipient = recipient_;
        feeBps = feeBps_;
        hurdleBpsPerYear = hurdleBpsPerYear_;
    }

    /// @inheritdoc ISharePrice
    function follow(uint256 low, uint256 high, uint256 shares, bool trading) external returns (uint256 feeShares) {
        uint256 price = _price((low + high) / 2, shares);
        uint256 anchor = _next(_anchors[msg.sender], price);
        if (trading && !_isInBand(price, anchor)) revert TooFast(price, anchor, _opensAt(price, anchor));
        _setAnchor(price, anchor);
        return _assess(Math.min(_price(low, shares), anchor), shares);
    }

    /// @inheritdoc ISharePrice
    function open(uint256 value, uint256 shares) external {
        uint256 price = _price(value, shares);
        _setAnchor(price, price);
    }

    /// @inheritdoc ISharePrice
    function enter(uint256 assets, uint256 newShares, uint256 shares) external {
        uint256 mark = _marks[msg.sender].price;
        if (assets * SCALE <= mark * newShares) return;

        // Rounded up, in favour of those who would pay the fee.
        uint256 average = Math.ceilDiv(mark * shares + assets * SCALE, shares + newShares);
        _marks[msg.sender].price = SafeCast.toUint192(average);
    }

    /// @inheritdoc ISharePrice
    function isOpen(address vault, uint256 low, uint256 high, uint256 shares) external view returns (bool) {
        uint256 price = _price((low + high) / 2, shares);
        return _isInBand(price, _next(_anchors[vault], price));
    }

    /// @inheritdoc ISharePrice
    function feeDue(
        address vault,
        uint256 low,
        uint256 high,
        uint256 shares
    ) external view returns (uint256 feeShares) {
        Seen memory mark = _marks[vault];
        if (mark.at == 0 || block.timestamp < mark.at + FEE_PERIOD) return 0;
        uint256 anchor = _next(_anchors[vault], _price((low + high) / 2, shares));
        (, feeShares) = _count(mark, Math.min(_price(low, shares), anchor), shares);
    }

    /// @inheritdoc ISharePrice
    function valueOf(address vault, uint256 shares) external view returns (uint256) {
        return Math.mulDiv(_anchors[vault].price, shares, SCALE);
    }

    /// @inheritdoc ISharePrice
    function anchorOf(address vault) external view returns (uint256 price, uint256 movedAt) {
        return (_anchors[vault].price, _anchors[vault].at);
    }

    /// @inheritdoc ISharePrice
    function markOf(address vault) external view returns (uint256 price, uint256 periodEndsAt) {
        Seen memory mark = _marks[vault];
        if (mark.at == 0) return (0, 0);
        return (_grown(mark), mark.at + FEE_PERIOD);
    }

    /// @dev One unit more, as the vault itself has it.
    function _price(uint256 value, uint256 shares) private pure returns (uint256) {
        return Math.mulDiv(value + 1, SCALE, shares);
    }

    function _setAnchor(uint256 price, uint256 anchor) private {
        _anchors[msg.sender] = Seen(SafeCast.toUint192(anchor), uint64(block.timestamp));

        emit Followed(msg.sender, price, anchor);
    }

    /// @dev Where the anchor is now, were it moved towards the price. Not beyond the band in one call: else a long silence would
    /// let it jump to a price of one block.
    function _next(Seen memory anchor, uint256 price) private view returns (uint256) {
        if (anchor.at == 0) return price;
        uint256 step = Math.mulDiv(anchor.price, bpsPerHour * (block.timestamp - anchor.at), BPS * 1 hours);
        step = Math.min(step, (anchor.price * bandBps) / BPS);
        return
            price < anchor.price
                ? anchor.price - Math.min(step, anchor.price - price)
                : Math.min(anchor.price + step, price);
    }

    function _isInBand(uint256 price, uint256 anchor) private view returns (bool) {
        uint256 distance = price > anchor ? price - anchor : anchor - price;
        return distance * BPS <= anchor * bandBps;
    }

    /// @dev When an anchor that is moved from now on without a stop has the price in its band.
    function _opensAt(uint256 price, uint256 anchor) private view returns (uint256) {
        uint256 distance =
            price > anchor
                ? Math.mulDiv(price, BPS, BPS + bandBps, Math.Rounding.Ceil) - anchor
                : anchor - Math.mulDiv(price, BPS, BPS - bandBps);
        return block.timestamp + Math.mulDiv(distance, BPS * 1 hours, anchor * bpsPerHour, Math.Rounding.Ceil);
    }

    function _assess(uint256 price, uint256 shares) private returns (uint256 feeShares) {
        Seen memory mark = _marks[msg.sender];
        if (mark.at != 0 && block.timestamp < mark.at + FEE_PERIOD) return 0;
        uint256 next;
        (next, feeShares) = _count(mark, price, shares);

        _marks[msg.sender] = Seen(SafeCast.toUint192(next), uint64(block.timestamp));

        emit Assessed(msg.sender, price, next, feeShares);
    }

    /// @dev The mark after a period's end, and the fee in shares.
    function _count(
        Seen memory mark,
        uint256 price,
        uint256 shares
    ) private view returns (uint256 next, uint256 feeShares) {
        next = mark.at == 0 ? price : _grown(mark);
        if (price > next) {
            uint256 fee = Math.mulDiv(price - next, feeBps, BPS);
            feeShares = Math.mulDiv(shares, fee, price - fee);
            next = price - fee;
        }
    }

    function _grown(Seen memory mark) private view returns (uint256) {
        uint256 rate = hurdleBpsPerYear * (block.timestamp - mark.at);
        return mark.price + Math.mulDiv(mark.price, rate, BPS * 365 days, Math.Rounding.Ceil);
    }
}
