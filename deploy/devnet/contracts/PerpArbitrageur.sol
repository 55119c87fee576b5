// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICurieClearingHouse, ICurieExchange, ICurieVault} from "../../../contracts/venues/curie/ICurie.sol";
import {DevToken} from "./DevToken.sol";

/// @notice Curie's wrapper of a price feed: keeps the rounds its time-weighted index is made of.
interface ICurieIndexFeed {
    function update() external;
}

/// @title Trades Curie's mark to where it is told, with money it prints: the arbitrage a live market does by itself
/// @notice For the local chain only.
contract PerpArbitrageur {
    /// Sold or bought until the price limit stops the trade: more than any market holds.
    uint256 private constant WITHOUT_END = 1e36;

    ICurieClearingHouse public immutable clearingHouse;
    ICurieExchange public immutable exchange;
    ICurieVault public immutable vault;
    ICurieIndexFeed public immutable indexFeed;
    address public immutable baseToken;
    DevToken public immutable asset;
    address public immutable owner;

    error NotOwner(address caller);

    constructor(ICurieClearingHouse clearingHouse_, address baseToken_, ICurieIndexFeed indexFeed_) {
        clearingHouse = clearingHouse_;
        exchange = ICurieExchange(clearingHouse_.getExchange());
        vault = ICurieVault(clearingHouse_.getVault());
        asset = DevToken(vault.getSettlementToken());
        baseToken = baseToken_;
        indexFeed = indexFeed_;
        owner = msg.sender;
    }

    /// @notice Moves the pool's price to `sqrtPriceX96`, at most about ten percent away, first topping up its collateral
    /// if less than `minimumFree` (asset units) of it is free.
    function align(uint160 sqrtPriceX96, uint256 minimumFree) external {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        // Reverts when there is no newer round, which is no fault.
        try indexFeed.update() {} catch {}

        if (vault.getFreeCollateralByToken(address(this), address(asset)) < minimumFree) _topUp(2 * minimumFree);

        uint160 current = exchange.getSqrtMarketTwapX96(baseToken, 0);
        if (current == sqrtPriceX96) return;
        bool isBaseToQuote = sqrtPriceX96 < current;
        clearingHouse.openPosition(
            ICurieClearingHouse.OpenPositionParams({
                baseToken: baseToken,
                isBaseToQuote: isBaseToQuote,
                isExactInput: true,
                amount: WITHOUT_END,
                oppositeAmountBound: 0,
                deadline: block.timestamp,
                sqrtPriceLimitX96: sqrtPriceX96,
                referralCode: bytes32(0)
            })
        );
    }

    function _topUp(uint256 amount) private {
        asset.mint(address(this), amount);
        asset.approve(address(vault), amount);
        vault.deposit(address(asset), amount);
    }
}
