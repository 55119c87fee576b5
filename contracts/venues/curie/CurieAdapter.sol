// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {IHedgeVault} from "../../vault/IHedgeVault.sol";
import {Price} from "../../vault/IPriceOracle.sol";
import {Exposure, IPerpAdapter, IVenueAdapter} from "../IVenueAdapter.sol";
import {SliceBook} from "../SliceBook.sol";
import {ICurieAccountBalance, ICurieBaseToken, ICurieClearingHouse, ICurieExchange, ICurieVault} from "./ICurie.sol";

/// @title The vault's short in one Curie (Perpetual Protocol v2) market
///
/// VALUE
/// value(p) = booked balance + realised profit not yet settled − pending funding + open notional + size · p, the account
/// value Curie itself computes, at a price given from outside instead of Curie's mark.
///
/// MARK
/// Two prices are called mark. Valuation takes Curie's own, a median of time-weighted prices that no single block can move,
/// since whoever could move it at will would choose the moment at which others are settled. The gate takes the pool's
/// price at this instant, since that is what a trade is filled at.
///
/// BOOKS
/// Curie lets anyone deposit for anyone. Between two calls of this contract an account's raw balance changes by such gifts
/// only (and by the insurance fund taking over a bad debt, which is one as well): profit, loss, fees, funding and
/// liquidations are kept apart, as realised profit, until the account's own withdrawal settles them. So the raw balance
/// after each own call is the book, what exceeds it is a gift, and gifts have no value here. The next `setPosition` hands
/// them to the vault as a plain transfer, which the vault treats as any other donation. No cash is held here between calls,
/// so tokens found here are gifts too.
///
/// LIVENESS
/// Adding margin and buying back are never gated by price. Curie itself refuses to reduce a position below maintenance
/// margin, hence margin is added before any trade; it refuses a trade that moves its price by more than some ten percent
/// in one block, hence `position().size` afterwards may be short of a target of zero (closing fills in part) and a large
/// reduction to another target must be asked for in parts. A market that has been shut down is left at its closing price.
///
/// FORCED EXIT
/// Everything in the account but the base owed is a sum of money, the quote side. A leaver with a share s of the account
/// buys back that share of the short and takes quote side after − (1 − s) · quote side before: s of everything, less exactly
/// what the trade cost, and no price is needed to say so. When others ask for it, the trade is bounded by Curie's
/// own time-weighted mark and `gateBps`, or whoever calls could have the leaver sandwiched.
contract CurieAdapter is SliceBook, IPerpAdapter, AccessManaged {
    using SafeERC20 for IERC20;
    using SafeCast for int256;
    using SafeCast for uint256;
    using SignedMath for int256;

    uint256 private constant BPS = 10_000;
    int256 private constant WAD = 1e18;
    uint256 private constant Q96 = 2 ** 96;
    /// Curie reads a position below this as none, and cannot trade so little.
    uint256 private constant DUST = 10 wei;

    ICurieClearingHouse public immutable clearingHouse;
    ICurieVault public immutable collateralVault;
    ICurieExchange public immutable exchange;
    ICurieAccountBalance public immutable accountBalance;
    address public immutable baseToken;
    IERC20 public immutable asset;
    /// @notice The most the pool's price may differ from the oracle's when a short grows, in basis points.
    uint256 public immutable gateBps;
    /// @notice Fee and price impact of closing everything, as basis points of notional: part of the low valuation.
    uint256 public immutable unwindCostBps;

    /// 1e18 divided by the asset's unit.
    int256 private immutable SCALE;

    /// @notice Raw balance at Curie in asset units, gifts excluded.
    int256 public bookedBalance;

    constructor(
        address authority_,
        address vault_,
        address clearingHouse_,
        address baseToken_,
        uint256 gateBps_,
        uint256 unwindCostBps_
    ) SliceBook(vault_) AccessManaged(authority_) {
        clearingHouse = ICurieClearingHouse(clearingHouse_);
        collateralVault = ICurieVault(clearingHouse.getVault());
        exchange = ICurieExchange(clearingHouse.getExchange());
        accountBalance = ICurieAccountBalance(clearingHouse.getAccountBalance());
        baseToken = baseToken_;
        asset = IERC20(collateralVault.getSettlementToken());
        gateBps = gateBps_;
        unwindCostBps = unwindCostBps_;
        SCALE = int256(10 ** (18 - collateralVault.decimals()));
    }

    /// @inheritdoc IPerpAdapter
    function setPosition(int256 size, uint256 equity, Price calldata price) external restricted {
        if (size > 0) revert LongNotAllowed(size);
        if (_isAside()) {
            _shrink(size, equity, price.mid);
            return;
        }

        int256 value = _accountValue(price.mid);
        // Margin before risk; and an account below maintenance margin may not even reduce.
        value += _addMargin(equity, value);
        if (_trade(size, price.mid)) {
            // The trade's fee and price impact came out of the equity.
            value = _accountValue(price.mid);
            value += _addMargin(equity, value);
        }
        value -= _releaseMargin(equity, value);

        emit PerpSet(_size(), _positive(value));
    }

    /// @inheritdoc IPerpAdapter
    function reducePosition(int256 size, uint256 margin) external restricted {
        int256 current = _ownSize();
        if (size > 0 || size < current) revert NotAReduction(current, size);

        _addMargin(margin, 0);
        // Not below the present size, hence never a sale, which alone would look at the price.
        _trade(_wholeSize(size), 0);

        emit PerpSet(_ownSize(), valueAt(ICurieBaseToken(baseToken).getIndexPrice(0)));
    }

    /// @inheritdoc IVenueAdapter
    function unwind(uint256 units, bool anyPrice) external onlyVault returns (address, uint256) {
        uint256 total = _takeUnits(units);
        int256 size = _size();
        if (size != 0 && ICurieBaseToken(baseToken).isClosed()) {
            clearingHouse.quitMarket(address(this), baseToken);
            size = 0;
        }
        int256 quoteSide = _quoteSide();
        int256 staying = quoteSide - (quoteSide * units.toInt256()) / total.toInt256();
        uint256 amount = Math.mulDiv(size.abs(), units, total, Math.Rounding.Ceil);
        if (amount >= DUST) _open(false, amount, anyPrice ? 0 : _mostPaid(amount));

        int256 due = _floor(_quoteSide() - staying);
        if (due < 0 && size != 0) revert SliceUnderWater(due);
        _payVault(_positive(due));

        emit Unwound(units, _positive(due), 0);
        return (baseToken, 0);
    }

    /// @inheritdoc IVenueAdapter
    function valuation(Price calldata price) external view returns (uint256 low, uint256 high) {
        int256 size = _size();
        int256 quoteSide = _quoteSide();
        if (size == 0) {
            uint256 value = _positive(_floor(quoteSide));
            return (_own(value, Math.Rounding.Floor), _own(value, Math.Rounding.Ceil));
        }
        uint256 mark = accountBalance.getMarkPrice(baseToken);
        uint256 dearest = Math.max(price.high, mark);
        uint256 unwindCost = Math.mulDiv(_notional(size, dearest), unwindCostBps, BPS, Math.Rounding.Ceil);
        low = Math.saturatingSub(_positive(_valueOf(quoteSide, size, dearest)), unwindCost);
        low = _own(low, Math.Rounding.Floor);
        high = _own(_positive(_valueOf(quoteSide, size, Math.min(price.low, mark))), Math.Rounding.Ceil);
    }

    /// @inheritdoc IVenueAdapter
    function valueAt(uint256 price) public view returns (uint256) {
        return _own(_positive(_accountValue(price)), Math.Rounding.Floor);
    }

    /// @inheritdoc IVenueAdapter
    function exposure(uint256 price) external view returns (Exposure memory) {
        int256 size = _ownSize();
        return Exposure({deltaMin: size, deltaMax: size, gross: size.abs(), equity: valueAt(price), margined: true});
    }

    /// @inheritdoc IPerpAdapter
    function position() external view returns (PerpPosition memory) {
        return
            PerpPosition({
                size: _ownSize(),
                openNotional: _ownSigned(_floor(accountBalance.getTakerOpenNotional(address(this), baseToken))),
                collateral: _ownSigned(_floor(_settledBalance())),
                pendingFunding: -_ownSigned(_floor(-exchange.getPendingFundingPayment(address(this), baseToken))),
                freeCollateral: _own(Math.saturatingSub(_withdrawable(), gifts()), Math.Rounding.Floor),
                markPrice: accountBalance.getMarkPrice(baseToken),
                indexPrice: ICurieBaseToken(baseToken).getIndexPrice(0)
            });
    }

    /// @notice What others deposited at Curie for this account and is not counted in its value, in asset units.
    function gifts() public view returns (uint256) {
        return _positive(collateralVault.getBalance(address(this)) - bookedBalance);
    }

    /// Brings the position to `size`: selling is gated, buying back is not. Returns whether there was anything to trade.
    function _trade(int256 size, uint256 mid) private returns (bool) {
        int256 current = _size();
        uint256 amount = (size - current).abs();
        if (amount < DUST) return false;

        if (size < current) {
            _requireInsideGate(mid);
            _open(true, amount, Math.mulDiv(Math.mulDiv(amount, mid, 1e18), BPS - gateBps, BPS));
            _requireInsideGate(mid);
        } else if (size < 0) {
            _open(false, amount, 0);
        } else if (ICurieBaseToken(baseToken).isClosed()) {
            clearingHouse.quitMarket(address(this), baseToken);
        } else {
            clearingHouse.closePosition(
                ICurieClearingHouse.ClosePositionParams({
                    baseToken: baseToken,
                    sqrtPriceLimitX96: 0,
                    oppositeAmountBound: 0,
                    deadline: block.timestamp,
                    referralCode: bytes32(0)
                })
            );
        }
        return true;
    }

    /// Sells (short) or buys back an exact amount of base.
    function _open(bool isShort, uint256 amount, uint256 oppositeAmountBound) private {
        clearingHouse.openPosition(
            ICurieClearingHouse.OpenPositionParams({
                baseToken: baseToken,
                isBaseToQuote: isShort,
                isExactInput: isShort,
                amount: amount,
                oppositeAmountBound: oppositeAmountBound,
                deadline: block.timestamp,
                sqrtPriceLimitX96: 0,
                referralCode: bytes32(0)
            })
        );
    }

    /// While slices are set aside nothing is opened and no margin goes out, since it is not the vault's alone. But whoever
    /// leaves a slice aside must not keep the others from safety: a short may shrink, at a cost shared as the account is, and
    /// margin may go in. The leaver's part of that margin is the vault's loss, which the Rebalancer's limits hold small.
    function _shrink(int256 size, uint256 equity, uint256 mid) private {
        if (size < _ownSize()) _requireNothingAside();
        _addMargin(equity, valueAt(mid).toInt256());
        _trade(_wholeSize(size), 0);

        emit PerpSet(_ownSize(), valueAt(mid));
    }

    /// The vault's part of the position, as `exposure` has it.
    function _ownSize() private view returns (int256) {
        return -_own(_size().abs(), Math.Rounding.Ceil).toInt256();
    }

    /// The whole position of which the vault's part is `size`; never more than there is while slices are set aside.
    function _wholeSize(int256 size) private view returns (int256) {
        if (!_isAside()) return size;
        (uint256 aside, uint256 total) = slices();
        uint256 whole = Math.mulDiv(size.abs(), total, total - aside);
        return -Math.min(whole, _size().abs()).toInt256();
    }

    function _ownSigned(int256 amount) private view returns (int256) {
        uint256 own = _own(amount.abs(), amount < 0 ? Math.Rounding.Ceil : Math.Rounding.Floor);
        return amount < 0 ? -own.toInt256() : own.toInt256();
    }

    /// Draws from the vault what an account worth `value` lacks to be worth `equity`, and returns it.
    function _addMargin(uint256 equity, int256 value) private returns (int256 added) {
        added = equity.toInt256() - value;
        if (added <= 0) return 0;

        uint256 amount = uint256(added);
        IHedgeVault(vault).draw(amount);
        bookedBalance += added;
        asset.forceApprove(address(collateralVault), amount);
        collateralVault.deposit(address(asset), amount);
    }

    /// Hands back what an account worth `value` has above `equity`, and gifts after it, as far as Curie lets them out.
    /// Returns what was handed back, gifts excluded.
    function _releaseMargin(uint256 equity, int256 value) private returns (int256) {
        uint256 surplus = Math.saturatingSub(_positive(value), equity);
        uint256 given = gifts();
        uint256 amount = _withdraw(surplus + given);
        surplus = Math.min(surplus, amount);
        if (amount != 0) {
            // The withdrawal also settled realised profit and loss into the raw balance: read, not computed.
            uint256 givenLeft = given - (amount - surplus);
            bookedBalance = collateralVault.getBalance(address(this)) - givenLeft.toInt256();
        }
        if (surplus != 0) {
            asset.forceApprove(vault, surplus);
            IHedgeVault(vault).restore(surplus);
        }

        uint256 stray = asset.balanceOf(address(this));
        if (stray != 0) asset.safeTransfer(vault, stray);
        return surplus.toInt256();
    }

    /// Takes exactly `amount` out, for the vault to pay those it is due to, or reverts. Gifts stay where they are.
    function _payVault(uint256 amount) private {
        if (amount == 0) return;
        uint256 given = gifts();
        collateralVault.withdraw(address(asset), amount);
        // The withdrawal also settled realised profit and loss into the raw balance: read, not computed.
        bookedBalance = collateralVault.getBalance(address(this)) - given.toInt256();
        asset.safeTransfer(vault, amount);
    }

    /// The most that buying back may cost when the one it costs did not ask for it: a price of this block does not move it.
    function _mostPaid(uint256 amount) private view returns (uint256) {
        return Math.mulDiv(Math.mulDiv(amount, accountBalance.getMarkPrice(baseToken), 1e18), BPS + gateBps, BPS);
    }

    /// Takes out `amount`, or as much of it as Curie allows, and returns that.
    function _withdraw(uint256 amount) private returns (uint256) {
        if (amount == 0) return 0;
        // Asking first what is free would cost as much as the withdrawal, which works it out again.
        try collateralVault.withdraw(address(asset), amount) {
            return amount;
        } catch {
            amount = Math.min(amount, _withdrawable());
            if (amount != 0) collateralVault.withdraw(address(asset), amount);
            return amount;
        }
    }

    function _requireInsideGate(uint256 mid) private view {
        uint256 sqrtPriceX96 = exchange.getSqrtMarketTwapX96(baseToken, 0);
        uint256 poolPrice = Math.mulDiv(Math.mulDiv(sqrtPriceX96, sqrtPriceX96, Q96), 1e18, Q96);
        uint256 distance = poolPrice > mid ? poolPrice - mid : mid - poolPrice;
        if (distance * BPS > mid * gateBps) revert MarkOutsideGate(poolPrice, mid, gateBps);
    }

    /// What Curie would let out now, gifts included.
    function _withdrawable() private view returns (uint256) {
        return collateralVault.getFreeCollateralByToken(address(this), address(asset));
    }

    function _size() private view returns (int256) {
        return accountBalance.getTakerPositionSize(address(this), baseToken);
    }

    /// Account value at a price in asset units, rounded down; negative when the account is under water.
    function _accountValue(uint256 price) private view returns (int256) {
        return _valueOf(_quoteSide(), _size(), price);
    }

    function _valueOf(int256 quoteSide, int256 size, uint256 price) private view returns (int256) {
        return _floor(quoteSide + (size * price.toInt256()) / WAD);
    }

    /// Everything in the account but the base owed, scaled by 1e18: balance, profit, funding and what was sold.
    function _quoteSide() private view returns (int256) {
        return
            _settledBalance() -
            exchange.getPendingFundingPayment(address(this), baseToken) +
            accountBalance.getTakerOpenNotional(address(this), baseToken);
    }

    /// Booked balance with realised profit and loss, scaled by 1e18. Never more than Curie's own books show.
    function _settledBalance() private view returns (int256) {
        (int256 owedRealizedPnl, , ) = accountBalance.getPnlAndPendingFee(address(this));
        return bookedBalance.min(collateralVault.getBalance(address(this))) * SCALE + owedRealizedPnl;
    }

    /// Absolute position value in asset units, rounded up.
    function _notional(int256 size, uint256 price) private view returns (uint256) {
        return Math.mulDiv(size.abs(), price, 1e18 * uint256(SCALE), Math.Rounding.Ceil);
    }

    /// From a scale of 1e18 to asset units, towards minus infinity.
    function _floor(int256 wad) private view returns (int256) {
        int256 quotient = wad / SCALE;
        return wad % SCALE < 0 ? quotient - 1 : quotient;
    }

    function _positive(int256 value) private pure returns (uint256) {
        return value > 0 ? uint256(value) : 0;
    }
}
