// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICurieClearingHouse} from "../../../contracts/venues/curie/ICurie.sol";
import {IUniswapV3Pool} from "../../../contracts/venues/uniswap-v3/IUniswapV3.sol";
import {LiquidityMath, Pair} from "../../../contracts/venues/uniswap-v3/LiquidityMath.sol";
import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";
import {ICurieIndexFeed, PerpArbitrageur} from "../../../deploy/devnet/contracts/PerpArbitrageur.sol";
import {ReplayFeed} from "../../../deploy/devnet/contracts/ReplayFeed.sol";
import {deployNpm} from "./Npm.sol";
import {vm} from "./Vm.sol";

/// @notice What setting the venue up calls on its contracts, the pool of its market, and the factory of that.
interface ICurieSetup {
    function initialize() external;
    function initialize(uint160 sqrtPriceX96) external;
    function initialize(address a) external;
    function initialize(address a, address b) external;
    function initialize(address a, address b, address c) external;
    function initialize(address a, address b, address c, address d) external;
    function initialize(address a, address b, address c, address d, address e, address f, address g) external;
    function initialize(string calldata name, string calldata symbol) external;
    function initialize(string calldata name, string calldata symbol, address priceFeed) external;
    function initialize(
        address config,
        address vault,
        uint8 maxCollateralTokens,
        uint24 debtNonSettlementTokenValueRatio,
        uint24 liquidationRatio,
        uint24 maintenanceMarginBuffer,
        uint24 insuranceFeeRatio,
        uint256 debtThreshold,
        uint256 collateralValueDust
    ) external;
    function setExchange(address exchange) external;
    function setAccountBalance(address accountBalance) external;
    function setCollateralManager(address collateralManager) external;
    function setVault(address vault) external;
    function setSettlementTokenBalanceCap(uint256 cap) external;
    function setClearingHouse(address clearingHouse) external;
    function createPool(address tokenA, address tokenB, uint24 fee) external returns (address pool);
    function mintMaximumTo(address holder) external;
    function addWhitelist(address holder) external;
    function increaseObservationCardinalityNext(uint16 observations) external;
    function addPool(address baseToken, uint24 fee) external;
    function setFeeRatio(address baseToken, uint24 ratio) external;
    function setInsuranceFundFeeRatio(address baseToken, uint24 ratio) external;
    function setMarketMaxPriceSpreadRatio(address baseToken, uint24 ratio) external;
    function setMaxTickCrossedWithinBlock(address baseToken, uint24 ticks) external;
}

/// @notice What a maker and other traders call.
interface ICurieTraders {
    struct AddLiquidityParams {
        address baseToken;
        uint256 base;
        uint256 quote;
        int24 lowerTick;
        int24 upperTick;
        uint256 minBase;
        uint256 minQuote;
        bool useTakerBalance;
        uint256 deadline;
    }

    function addLiquidity(AddLiquidityParams calldata params) external;
    function depositFor(address to, address token, uint256 amount) external;
    function getAccountValue(address trader) external view returns (int256);
    function liquidate(address trader, address baseToken) external;
}

/// @title Curie (Perpetual Protocol v2) from its published bytecode: the whole venue, one market, a maker, an arbitrageur
/// @dev As deploy/devnet/curie.ts brings it up, where the reasons for these numbers are.
abstract contract CurieVenue {
    address internal constant PERP_MAKER = address(uint160(uint256(keccak256("perp maker"))));
    uint24 private constant MARKET_FEE = 3_000;
    uint256 private constant WARM_UP = 1_860;
    /// @dev Whole quote tokens on each side of the price.
    uint256 private constant DEPTH = 5_000_000_000;
    /// @dev Half of log(10) / log(1.0001), on the pool's spacing: a range of price × / ÷ 10.
    int24 private constant MAKER_HALF_WIDTH = 23_040;

    address internal clearingHouse;
    address internal clearingHouseConfig;
    address internal curieVault;
    address internal baseToken;
    IUniswapV3Pool internal perpPool;
    PerpArbitrageur internal arbitrageur;
    DevToken private _settlement;

    address private _priceFeed;
    address private _quoteToken;
    address private _factory;
    address private _marketRegistry;
    address private _orderBook;
    address private _accountBalance;
    address private _exchange;
    address private _insuranceFund;

    /// @dev Moves the clock on by 31 minutes. The feed must hold a round near `price`.
    function _deployCurie(DevToken settlement, ReplayFeed feed, uint256 price) internal {
        _settlement = settlement;
        _deployTokensOfMarket(address(feed));
        _deployContracts();
        _connect();
        _openMarket(price);
        arbitrageur = new PerpArbitrageur(ICurieClearingHouse(clearingHouse), baseToken, ICurieIndexFeed(_priceFeed));
        _addMakerLiquidity(price);
    }

    function _deployTokensOfMarket(address feed) private {
        string memory folder = "@perp/perp-oracle-contract/artifacts/contracts/";
        _priceFeed = deployNpm(
            string.concat(folder, "ChainlinkPriceFeedV3.sol/ChainlinkPriceFeedV3"),
            abi.encode(feed, 2_400, 900)
        );
        address dispatcher = deployNpm(
            string.concat(folder, "PriceFeedDispatcher.sol/PriceFeedDispatcher"),
            abi.encode(_priceFeed)
        );
        _quoteToken = _deployVenue("QuoteToken");
        ICurieSetup(_quoteToken).initialize("vUSD", "vUSD");
        // Curie requires the base token's address to sort below the quote token's.
        do {
            baseToken = _deployVenue("BaseToken");
        } while (baseToken > _quoteToken);
        ICurieSetup(baseToken).initialize("vETH", "vETH", dispatcher);
    }

    /// @dev In the order their initialisers need each other.
    function _deployContracts() private {
        _factory = deployNpm("@uniswap/v3-core/artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory", "");
        clearingHouseConfig = _deployVenue("ClearingHouseConfig");
        ICurieSetup(clearingHouseConfig).initialize();
        _marketRegistry = _deployVenue("MarketRegistry");
        ICurieSetup(_marketRegistry).initialize(_factory, _quoteToken);
        _orderBook = _deployVenue("OrderBook");
        ICurieSetup(_orderBook).initialize(_marketRegistry);
        _accountBalance = _deployVenue("AccountBalance");
        ICurieSetup(_accountBalance).initialize(clearingHouseConfig, _orderBook);
        _exchange = _deployVenue("Exchange");
        ICurieSetup(_exchange).initialize(_marketRegistry, _orderBook, clearingHouseConfig);
        ICurieSetup(_orderBook).setExchange(_exchange);
        _insuranceFund = _deployVenue("InsuranceFund");
        ICurieSetup(_insuranceFund).initialize(address(_settlement));
        curieVault = _deployVenue("Vault");
        ICurieSetup(curieVault).initialize(_insuranceFund, clearingHouseConfig, _accountBalance, _exchange);
        clearingHouse = _deployVenue("ClearingHouse");
        ICurieSetup(clearingHouse).initialize(
            clearingHouseConfig,
            curieVault,
            _quoteToken,
            _factory,
            _exchange,
            _accountBalance,
            _insuranceFund
        );
    }

    function _connect() private {
        address collateralManager = _deployVenue("CollateralManager");
        ICurieSetup(collateralManager).initialize(
            clearingHouseConfig,
            curieVault,
            5,
            750_000,
            500_000,
            2_000,
            30_000,
            10_000e6,
            500e6
        );
        ICurieSetup(_exchange).setAccountBalance(_accountBalance);
        ICurieSetup(curieVault).setCollateralManager(collateralManager);
        ICurieSetup(_insuranceFund).setVault(curieVault);
        ICurieSetup(_accountBalance).setVault(curieVault);
        ICurieSetup(clearingHouseConfig).setSettlementTokenBalanceCap(type(uint256).max);
        address[5] memory parts = [_marketRegistry, _orderBook, _exchange, _accountBalance, curieVault];
        for (uint256 i; i < parts.length; ++i) ICurieSetup(parts[i]).setClearingHouse(clearingHouse);
    }

    /// @dev Creates the virtual pool at a price, lists it, and waits until the mark's time-weighted prices have a past.
    function _openMarket(uint256 price) private {
        address pool_ = ICurieSetup(_factory).createPool(baseToken, _quoteToken, MARKET_FEE);
        perpPool = IUniswapV3Pool(pool_);
        address[2] memory tokens = [baseToken, _quoteToken];
        for (uint256 i; i < tokens.length; ++i) {
            ICurieSetup(tokens[i]).mintMaximumTo(clearingHouse);
            ICurieSetup(tokens[i]).addWhitelist(clearingHouse);
            ICurieSetup(tokens[i]).addWhitelist(pool_);
        }
        ICurieSetup(pool_).initialize(_virtualSqrtPrice(price));
        ICurieSetup(pool_).increaseObservationCardinalityNext(500);
        ICurieSetup(_marketRegistry).addPool(baseToken, MARKET_FEE);
        ICurieSetup(_marketRegistry).setFeeRatio(baseToken, 1_000);
        ICurieSetup(_marketRegistry).setInsuranceFundFeeRatio(baseToken, 100_000);
        ICurieSetup(_marketRegistry).setMarketMaxPriceSpreadRatio(baseToken, 200_000);
        ICurieSetup(_exchange).setMaxTickCrossedWithinBlock(baseToken, 1_000);
        ICurieIndexFeed(_priceFeed).update();
        vm.warp(vm.getBlockTimestamp() + WARM_UP);
    }

    function _addMakerLiquidity(uint256 price) private {
        _depositAtCurie(PERP_MAKER, PERP_MAKER, DEPTH * 10 * 1e6);
        int24 centre = (perpPool.slot0().tick / 60) * 60;
        vm.prank(PERP_MAKER);
        ICurieTraders(clearingHouse).addLiquidity(
            ICurieTraders.AddLiquidityParams({
                baseToken: baseToken,
                base: (DEPTH * 1e36) / price,
                quote: DEPTH * 1e18,
                lowerTick: centre - MAKER_HALF_WIDTH,
                upperTick: centre + MAKER_HALF_WIDTH,
                minBase: 0,
                minQuote: 0,
                useTakerBalance: false,
                deadline: type(uint256).max
            })
        );
    }

    /// @dev Prints asset units and deposits them at Curie, for oneself or for anyone.
    function _depositAtCurie(address from, address to, uint256 amount) internal {
        _settlement.mint(from, amount);
        vm.prank(from);
        _settlement.approve(curieVault, amount);
        vm.prank(from);
        ICurieTraders(curieVault).depositFor(to, address(_settlement), amount);
    }

    /// @dev Pokes the index and trades Curie's pool to a price, some 8.5 % a trade at most and 15 s apart, as the venue
    /// allows.
    function _moveMark(uint256 price) internal {
        uint160 target = _virtualSqrtPrice(price);
        uint160 current = perpPool.slot0().sqrtPriceX96;
        // L · sqrt(price), in asset units, is what a move of the price by a factor of four would trade.
        uint256 minimumFree = ((uint256(perpPool.liquidity()) * current) >> 96) / 1e12;
        for (;;) {
            uint160 lowest = (current * 957) / 1_000;
            uint160 highest = (current * 1_045) / 1_000;
            current =
                target < lowest
                    ? lowest
                    : target > highest
                        ? highest
                        : target;
            arbitrageur.align(current, minimumFree);
            if (current == target) break;
            vm.warp(vm.getBlockTimestamp() + 15);
        }
    }

    /// @dev Curie's index follows the feed.
    function _pokeIndex() internal {
        arbitrageur.align(perpPool.slot0().sqrtPriceX96, 0);
    }

    function _virtualSqrtPrice(uint256 price) internal pure returns (uint160) {
        return LiquidityMath.toSqrtPriceX96(price, Pair(1e18, 1e36, true));
    }

    function _deployVenue(string memory name) private returns (address) {
        return deployNpm(string.concat("@perp/curie-contract/artifacts/contracts/", name, ".sol/", name), "");
    }
}
