// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Price} from "../vault/IPriceOracle.sol";

/// @notice What a venue's positions are exposed to.
/// @param deltaMin Least delta over every way pending orders may fill, in base token units (1e18 = 1 ETH), signed.
/// @param deltaMax Greatest delta over every way pending orders may fill.
/// @param gross Absolute base amount held long or short, in base token units.
/// @param equity What the venue owes the vault at the given price, in asset units: the same as `valueAt`.
/// @param margined Whether the venue can liquidate: leverage is then gross notional / equity.
struct Exposure {
    int256 deltaMin;
    int256 deltaMax;
    uint256 gross;
    uint256 equity;
    bool margined;
}

/// @title The vault's account at one venue
/// @notice Holds positions for the vault and values them at the oracle's price, never at a pool's spot price.
interface IVenueAdapter {
    /// @notice Units of the position were unwound for someone who was forced out, and the proceeds sent to the vault.
    event Unwound(uint256 units, uint256 assets, uint256 base);

    /// @notice Only the vault may do this.
    error NotTheVault(address caller);
    /// @notice Fewer units are set aside than were to be unwound.
    error NotSetAside(uint256 units, uint256 aside);
    /// @notice A plan must wait until what is set aside is unwound (`HedgeVault.unwindSlice`, open to anyone).
    error SlicesAside(uint256 units);

    /// @notice The vault the adapter belongs to.
    function vault() external view returns (address);

    /// @notice Sets `shares` / `supply` of what is the vault's here aside for one who is forced out. From now on valuation and
    /// exposure are without it.
    /// @dev Only the vault. Calls no venue, so that no venue can stop it.
    /// @return units What was set aside, in units of the whole position (`slices`).
    function setAside(uint256 shares, uint256 supply) external returns (uint256 units);

    /// @notice Unwinds units that were set aside and sends the proceeds to the vault: the asset, and base tokens as they are.
    /// Every cost is theirs alone. Needs no oracle.
    /// @dev Only the vault. Reverts, and leaves everything as it was, when the venue does not do it.
    /// @param units How many.
    /// @param anyPrice Whether to take any price the venue gives: the choice of those whose units they are, and of nobody else.
    /// @return base The base token.
    /// @return amount Base tokens sent.
    function unwind(uint256 units, bool anyPrice) external returns (address base, uint256 amount);

    /// @notice Units that are set aside, and how many the whole position has.
    function slices() external view returns (uint256 aside, uint256 total);

    /// @notice Value of everything held, in asset units: low includes the cost of unwinding and the worse of mark and
    /// index; high the better of them.
    function valuation(Price calldata price) external view returns (uint256 low, uint256 high);

    /// @notice Value of everything held at one price, before any cost of unwinding, in asset units. Perpetuals are
    /// valued at the index, pending funding and fees included.
    function valueAt(uint256 price) external view returns (uint256);

    /// @notice Exposure at one price.
    function exposure(uint256 price) external view returns (Exposure memory);
}

/// @title A venue for concentrated liquidity
interface ILiquidityAdapter is IVenueAdapter {
    /// @param tokenId The position's NFT; 0 when there is none.
    /// @param tickLower Lower tick of the range.
    /// @param tickUpper Upper tick of the range.
    /// @param liquidity Liquidity as booked (a donation to the NFT is not counted).
    /// @param feesBase Uncollected fees in base units.
    /// @param feesAsset Uncollected fees in asset units.
    /// @param idleBase Base tokens booked in the adapter outside the position.
    /// @param sqrtPriceX96 The pool's own price now (for gates and reports only; never for valuation).
    /// @param tick The pool's own tick now.
    struct LiquidityPosition {
        uint256 tokenId;
        int24 tickLower;
        int24 tickUpper;
        uint128 liquidity;
        uint256 feesBase;
        uint256 feesAsset;
        uint256 idleBase;
        uint160 sqrtPriceX96;
        int24 tick;
    }

    /// @notice The position changed to what a plan asked for.
    event LiquiditySet(uint256 indexed tokenId, int24 tickLower, int24 tickUpper, uint128 liquidity);
    /// @notice Fees were collected into the vault's books.
    event FeesCollected(uint256 base, uint256 asset);
    /// @notice The adapter traded base against asset to reach a target. Positive is received, negative paid.
    event Swapped(int256 base, int256 asset);

    /// @notice The pool's price is further from the oracle's than the gate allows.
    error PoolPriceOutsideGate(uint256 poolPrice, uint256 oraclePrice, uint256 gateBps);
    /// @notice The range is empty, not on the pool's tick spacing, or outside its bounds.
    error InvalidRange(int24 tickLower, int24 tickUpper);

    /// @notice Moves the position to a range and a value (asset units at `price.mid`); 0 closes it. Fees are collected on
    /// the way. Draws what is missing from the vault, hands back what is left over.
    /// @dev Only the Rebalancer. Swaps and mints are price-gated before and after; burns and collects are not.
    function setLiquidity(int24 tickLower, int24 tickUpper, uint256 value, Price calldata price) external;

    /// @notice Withdraws all liquidity and fees. Base is kept, asset handed back: nothing is traded, so no price is needed.
    /// @dev Only the Rebalancer.
    function burnLiquidity() external;

    /// @notice The position now.
    function position() external view returns (LiquidityPosition memory);
}

/// @title A venue for perpetuals
interface IPerpAdapter is IVenueAdapter {
    /// @param size Position in base units, negative when short.
    /// @param openNotional What was received (positive) or paid (negative) for the open position, in asset units.
    /// @param collateral Settled balance at the venue, in asset units, realised profit and loss included; signed.
    /// @param pendingFunding Funding not yet settled, in asset units: positive is owed by the vault.
    /// @param freeCollateral What the venue would let out now, in asset units.
    /// @param markPrice The venue's mark, scaled by 1e18.
    /// @param indexPrice The venue's index, scaled by 1e18.
    struct PerpPosition {
        int256 size;
        int256 openNotional;
        int256 collateral;
        int256 pendingFunding;
        uint256 freeCollateral;
        uint256 markPrice;
        uint256 indexPrice;
    }

    /// @notice The position changed to what a plan asked for.
    event PerpSet(int256 size, uint256 equity);

    /// @notice The venue's mark is further from the oracle's price than the gate allows (adding risk only).
    error MarkOutsideGate(uint256 markPrice, uint256 oraclePrice, uint256 gateBps);
    /// @notice Closing the slice costs more than it is worth: it stays set aside until it does not, or is liquidated.
    error SliceUnderWater(int256 assets);
    /// @notice This venue holds shorts only.
    error LongNotAllowed(int256 size);
    /// @notice The position would grow.
    error NotAReduction(int256 size, int256 target);

    /// @notice Moves the position to `size` (zero or negative, base units) and its account value to `equity` (asset units
    /// at `price.mid`), as far as the venue lets collateral out. Draws from the vault, or hands back to it. While slices are
    /// set aside both are of the vault's part, nothing is opened and nothing handed back.
    /// @dev Only the Rebalancer. Opening is price-gated; reducing and adding margin never are.
    function setPosition(int256 size, uint256 equity, Price calldata price) external;

    /// @notice Adds `margin` (asset units, drawn from the vault), then brings the position nearer to zero, to `size`. Lets no
    /// collateral out, so no price is needed.
    /// @dev Only the Rebalancer.
    function reducePosition(int256 size, uint256 margin) external;

    /// @notice The vault's part of the position now: without what is set aside for those forced out.
    function position() external view returns (PerpPosition memory);
}
