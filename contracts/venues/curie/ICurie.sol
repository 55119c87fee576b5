// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

// What the adapter calls of Curie (Perpetual Protocol v2), written from its published ABI. Sizes, notionals and prices are
// scaled by 1e18; balances of Curie's vault are in settlement token units.

/// @notice Opens, reduces and closes positions.
interface ICurieClearingHouse {
    /// @param isBaseToQuote True sells base (more short), false buys it back.
    /// @param isExactInput Whether `amount` is what is paid or what is received.
    /// @param oppositeAmountBound Least received or most paid on the other side; 0 for none.
    /// @param sqrtPriceLimitX96 Where filling stops, without reverting; 0 for none.
    struct OpenPositionParams {
        address baseToken;
        bool isBaseToQuote;
        bool isExactInput;
        uint256 amount;
        uint256 oppositeAmountBound;
        uint256 deadline;
        uint160 sqrtPriceLimitX96;
        bytes32 referralCode;
    }

    struct ClosePositionParams {
        address baseToken;
        uint160 sqrtPriceLimitX96;
        uint256 oppositeAmountBound;
        uint256 deadline;
        bytes32 referralCode;
    }

    function openPosition(OpenPositionParams memory params) external returns (uint256 base, uint256 quote);

    /// @notice Closes what one block's price limit allows: a large position may be closed in part.
    function closePosition(ClosePositionParams calldata params) external returns (uint256 base, uint256 quote);

    /// @notice Settles a position in a market that was shut down, at its closing price.
    function quitMarket(address trader, address baseToken) external returns (uint256 base, uint256 quote);

    function getVault() external view returns (address);

    function getExchange() external view returns (address);

    function getAccountBalance() external view returns (address);
}

/// @notice Holds the collateral.
interface ICurieVault {
    function deposit(address token, uint256 amount) external;

    function withdraw(address token, uint256 amount) external;

    /// @notice Changed by deposits (by anyone, through `depositFor`), the trader's own withdrawals, which settle realised
    /// profit and loss into it, and the insurance fund taking over a bad debt.
    function getBalance(address trader) external view returns (int256);

    /// @notice What `withdraw` would let out now.
    function getFreeCollateralByToken(address trader, address token) external view returns (uint256);

    function getSettlementToken() external view returns (address);

    function decimals() external view returns (uint8);
}

/// @notice Funding and the market's price.
interface ICurieExchange {
    /// @notice Positive is owed by the trader, scaled by 1e18.
    function getPendingFundingPayment(address trader, address baseToken) external view returns (int256);

    /// @notice Square root of the pool's price times 2^96; interval 0 is the price at this instant.
    function getSqrtMarketTwapX96(address baseToken, uint32 twapInterval) external view returns (uint160);
}

/// @notice Positions and profit.
interface ICurieAccountBalance {
    function getTakerPositionSize(address trader, address baseToken) external view returns (int256);

    /// @notice Quote received (positive, for a short) or paid for the open position, fees deducted.
    function getTakerOpenNotional(address trader, address baseToken) external view returns (int256);

    function getPnlAndPendingFee(
        address trader
    ) external view returns (int256 owedRealizedPnl, int256 unrealizedPnl, uint256 pendingFee);

    /// @notice Median of the 15 s price, the 30 min price and the index plus premium: what liquidation is judged by.
    function getMarkPrice(address baseToken) external view returns (uint256);
}

/// @notice The market's virtual base token.
interface ICurieBaseToken {
    function isClosed() external view returns (bool);

    function getIndexPrice(uint256 twapInterval) external view returns (uint256);
}
