// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title ERC-4626 clause by clause: each test is named after the sentence it holds the vault to
/// @dev The exit side is ERC-7540's, which overrides this one: see ERC7540Clauses. The first part of each name is the
/// function, the rest the clause.
contract ERC4626ClausesTest is HedgeVaultSetup {
    uint256 private constant VIRTUAL = 1e12;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        _setRebalancer();
        venue = _addVenue();
        _enter(ALICE, 1_000e6);
        _place(venue, 500e6);
        _round(60);
        vault.poke();
    }

    // ---- the token ----

    function testVaultsMustImplementERC20AndItsMetadata() public {
        IERC20Metadata share = IERC20Metadata(address(vault));
        require(keccak256(bytes(share.name())) == keccak256("Vault"), "name");
        require(keccak256(bytes(share.symbol())) == keccak256("V") && share.decimals() == 18, "symbol, decimals");
        require(share.totalSupply() == 1_000 * SHARE && share.balanceOf(ALICE) == 1_000 * SHARE, "supply");
        vm.prank(ALICE);
        share.transfer(BOB, SHARE);
        vm.prank(ALICE);
        share.approve(address(this), SHARE);
        share.transferFrom(ALICE, BOB, SHARE);
        require(share.balanceOf(BOB) == 2 * SHARE && share.allowance(ALICE, address(this)) == 0, "transfers");
    }

    // ---- asset, totalAssets ----

    function testAssetMustBeAnERC20AndNotRevert() public view {
        require(vault.asset() == address(asset), "asset");
    }

    function testTotalAssetsIsWhatTheVaultManages() public {
        require(vault.totalAssets() == 1_000e6, "cash and venue");
        venue.set(520e6, 540e6);
        require(vault.totalAssets() == 1_030e6, "at the mid price");
        asset.mint(address(vault), 7e6);
        require(vault.totalAssets() == 1_030e6, "not what somebody sent");
        _request(ALICE, 100 * SHARE);
        _round(60);
        (, uint256 assets) = vault.settle(1);
        require(vault.totalAssets() == 1_030e6 - assets, "not what is another's claim");
    }

    function testTotalAssetsMustNotRevertWhileAFeedIsStale() public {
        vm.warp(block.timestamp + 10 days);
        _requireLastSeen(1_000e6);
    }

    function testTotalAssetsMustNotRevertWhileAVenueDoes() public {
        vm.mockCallRevert(address(venue), abi.encodeWithSelector(venue.valueAt.selector), "dead");
        _requireLastSeen(1_000e6);
    }

    /// @dev Not a matter of the standard's: whoever asks with too little gas would make the value that is shown.
    function testTotalAssetsAskedWithTooLittleGasShowsNoOldValue() public {
        vm.mockCallRevert(address(venue), abi.encodeWithSelector(venue.valueAt.selector), "dead");
        vm.expectPartialRevert(IHedgeVault.InsufficientGas.selector);
        vault.totalAssets{gas: 190_000}();
        require(vault.totalAssets{gas: 400_000}() > 999e6, "with enough");
    }

    function testTotalAssetsMustNotRevertWhileAPlanRuns() public {
        vm.prank(REBALANCER);
        vault.beginPlan();
        _requireLastSeen(1_000e6);
    }

    function testTotalAssetsMustNotRevertWhileThereIsNothing() public {
        _deployVault();
        require(vault.totalAssets() == 0, "nothing");
    }

    function testFuzzTotalAssetsWithoutAPriceIsTheAnchorsAndFollowsTheSupply(uint96 more) public {
        uint256 paid = 1e6 + (more % 1e15);
        _enter(BOB, paid);
        uint256 before = vault.totalAssets();
        vm.warp(block.timestamp + 10 days);

        _requireLastSeen(before);
    }

    // ---- convertToShares, convertToAssets ----

    function testFuzzConvertMustRoundDownTowardsZero(uint96 amount, uint96 value) public {
        venue.set(value, value);
        uint256 total = vault.totalAssets() + 1;
        uint256 supply = vault.totalSupply() + VIRTUAL;
        uint256 shares = vault.convertToShares(amount);
        uint256 assets = vault.convertToAssets(amount);

        require(shares * total <= amount * supply && (shares + 1) * total > amount * supply, "shares");
        require(assets * supply <= amount * total && (assets + 1) * supply > amount * total, "assets");
        require(vault.convertToAssets(vault.convertToShares(amount)) <= amount, "there and back");
    }

    function testFuzzConvertMustNotShowVariationsDependingOnTheCaller(address caller, uint96 amount) public {
        uint256 shares = vault.convertToShares(amount);
        uint256 assets = vault.convertToAssets(amount);

        vm.prank(caller);
        require(vault.convertToShares(amount) == shares, "shares");
        vm.prank(caller);
        require(vault.convertToAssets(amount) == assets, "assets");
    }

    function testFuzzConvertMustNotReflectSlippageNorFees(uint96 amount) public {
        uint256 shares = vault.convertToShares(amount);
        // The spread is slippage: the mid price is the same. The fee is one when it is counted.
        venue.set(490e6, 510e6);
        require(vault.convertToShares(amount) == shares, "the mid price");
    }

    function testFuzzConvertMustNotRevertWhateverTheConditions(uint128 amount, uint8 condition) public {
        if (condition & 1 != 0) vm.warp(block.timestamp + 30 days);
        if (condition & 2 != 0) vm.mockCallRevert(address(venue), abi.encodeWithSelector(venue.valueAt.selector), "");
        if (condition & 4 != 0) venue.set(0, 1e15);
        if (condition & 8 != 0) _plan();
        vault.convertToShares(amount);
        vault.convertToAssets(amount);
    }

    // ---- maxDeposit, maxMint ----

    function testMaxMustNotRevertAndMustBeZeroWhileEntryIsClosed() public {
        require(vault.maxDeposit(BOB) != 0 && vault.maxMint(BOB) != 0, "open");

        uint256 snapshot = vm.snapshotState();
        vm.warp(block.timestamp + 1 days + 1);
        require(vault.maxDeposit(BOB) == 0 && vault.maxMint(BOB) == 0, "a stale feed");
        vm.revertToState(snapshot);
        venue.set(450e6, 500e6);
        require(vault.maxDeposit(BOB) == 0 && vault.maxMint(BOB) == 0, "a wide spread");
        vm.revertToState(snapshot);
        venue.set(600e6, 600e6);
        require(vault.maxDeposit(BOB) == 0 && vault.maxMint(BOB) == 0, "a price that moves too fast");
        vm.revertToState(snapshot);
        vm.mockCallRevert(address(venue), abi.encodeWithSelector(venue.valuation.selector), "");
        require(vault.maxDeposit(BOB) == 0 && vault.maxMint(BOB) == 0, "a dead venue");
    }

    function testMaxMustBeZeroWhileAPlanRuns() public {
        _plan();
        require(vault.maxDeposit(BOB) == 0 && vault.maxMint(BOB) == 0, "a plan");
    }

    function testFuzzDepositTakesMaxDepositAndNothingWhereItIsZero(uint96 low, uint96 more, uint32 wait) public {
        _conditions(low, more, wait);
        uint256 most = vault.maxDeposit(BOB);
        uint256 paid = most == 0 ? 1e6 : most;
        asset.mint(BOB, paid);
        vm.prank(BOB);
        asset.approve(address(vault), paid);
        vm.prank(BOB);
        try vault.deposit(paid, BOB) {
            require(most != 0, "it was open after all");
        } catch {
            require(most == 0, "more than would be accepted");
        }
    }

    function testFuzzMintGivesMaxMintAndNothingWhereItIsZero(uint96 low, uint96 more, uint32 wait) public {
        _conditions(low, more, wait);
        uint256 most = vault.maxMint(BOB);
        asset.mint(BOB, type(uint128).max);
        vm.prank(BOB);
        asset.approve(address(vault), type(uint128).max);
        vm.prank(BOB);
        try vault.mint(most == 0 ? SHARE : most, BOB) {
            require(most != 0, "it was open after all");
        } catch {
            require(most == 0, "more than would be accepted");
        }
    }

    function testMaxMustNotRelyOnBalances() public view {
        require(vault.maxDeposit(address(1)) == vault.maxDeposit(ALICE), "assumes infinite assets");
        require(vault.maxDeposit(BOB) >= 1e12 * 1e6 && vault.maxMint(BOB) >= 1e9 * SHARE, "far above any deposit");
    }

    // ---- previewDeposit, deposit ----

    function testFuzzPreviewDepositMustBeWhatDepositGivesInTheSameTransaction(
        uint96 low,
        uint96 more,
        uint32 wait,
        uint96 amount
    ) public {
        _conditions(low, more, wait);
        if (vault.maxDeposit(BOB) == 0) return;
        uint256 paid = 1 + (amount % 1e15);
        uint256 promised = vault.previewDeposit(paid);
        if (promised == 0) return;
        _enter(BOB, paid);

        require(vault.balanceOf(BOB) == promised, "exactly");
    }

    function testPreviewsMustNotAccountForLimits() public {
        uint256 shares = vault.previewDeposit(1e30);
        require(shares > vault.maxMint(BOB), "beyond the limit");
        venue.set(600e6, 600e6);
        require(vault.maxDeposit(BOB) == 0, "closed");
        require(vault.previewDeposit(1e6) != 0 && vault.previewMint(SHARE) != 0, "answered all the same");
    }

    function testDepositMustEmitDepositAndTakeExactlyTheAssets() public {
        asset.mint(BOB, 150e6);
        vm.prank(BOB);
        asset.approve(address(vault), 100e6);
        uint256 shares = vault.previewDeposit(100e6);
        vm.expectEmit();
        emit IERC4626.Deposit(BOB, ALICE, 100e6, shares);
        vm.prank(BOB);
        require(vault.deposit(100e6, ALICE) == shares, "returns the shares");

        require(asset.balanceOf(BOB) == 50e6 && vault.cash() == 600e6, "exactly the assets, to the books");
        require(vault.balanceOf(ALICE) == 1_000 * SHARE + shares && vault.balanceOf(BOB) == 0, "to the receiver");
    }

    function testDepositMustRevertIfNotAllOfTheAssetsCanBeDeposited() public {
        asset.mint(BOB, 100e6);
        vm.prank(BOB);
        asset.approve(address(vault), 99e6);
        vm.prank(BOB);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(vault), 99e6, 100e6)
        );
        vault.deposit(100e6, BOB);

        vm.prank(BOB);
        asset.approve(address(vault), 101e6);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, BOB, 100e6, 101e6));
        vault.deposit(101e6, BOB);
        require(vault.cash() == 500e6 && vault.balanceOf(BOB) == 0, "nothing done in part");
    }

    // ---- previewMint, mint ----

    function testFuzzPreviewMintMustBeWhatMintTakesInTheSameTransaction(
        uint96 low,
        uint96 more,
        uint32 wait,
        uint96 amount
    ) public {
        _conditions(low, more, wait);
        if (vault.maxMint(BOB) == 0) return;
        uint256 shares = 1 + (amount % 1e27);
        asset.mint(BOB, 1e24);
        vm.prank(BOB);
        asset.approve(address(vault), 1e24);
        uint256 promised = vault.previewMint(shares);
        vm.prank(BOB);
        require(vault.mint(shares, BOB) == promised, "exactly");

        require(asset.balanceOf(BOB) == 1e24 - promised && vault.balanceOf(BOB) == shares, "exactly the shares");
    }

    function testMintMustEmitDepositAndGiveExactlyTheShares() public {
        asset.mint(BOB, 150e6);
        vm.prank(BOB);
        asset.approve(address(vault), 150e6);
        vm.expectEmit();
        emit IERC4626.Deposit(BOB, ALICE, 100e6, 100 * SHARE);
        vm.prank(BOB);
        vault.mint(100 * SHARE, ALICE);

        require(vault.balanceOf(ALICE) == 1_100 * SHARE && vault.cash() == 600e6, "to the receiver");
    }

    function testMintMustRevertIfNotAllOfTheSharesCanBeMinted() public {
        asset.mint(BOB, 10e6);
        vm.prank(BOB);
        asset.approve(address(vault), 10e6);
        vm.prank(BOB);
        vm.expectPartialRevert(IERC20Errors.ERC20InsufficientAllowance.selector);
        vault.mint(11 * SHARE, BOB);
    }

    // ---- rounding, in the vault's favour ----

    function testFuzzPreviewDepositRoundsDownAndPreviewMintUp(uint96 low, uint96 more, uint96 amount) public {
        venue.set(low, uint256(low) + more);
        (, uint256 high) = vault.nav();
        uint256 supply = vault.totalSupply() + VIRTUAL;
        uint256 shares = vault.previewDeposit(amount);
        uint256 assets = vault.previewMint(amount);

        require(shares * (high + 1) <= amount * supply && (shares + 1) * (high + 1) > amount * supply, "down");
        require(assets * supply >= uint256(amount) * (high + 1), "up");
        require(assets == 0 || (assets - 1) * supply < uint256(amount) * (high + 1), "and no more than one");
        require(vault.previewMint(shares) <= amount, "what a deposit buys costs no more than it");
    }

    // ---- moves ----

    /// @dev By the share price that was last looked at, which the virtual unit is part of.
    function _requireLastSeen(uint256 assets) private view {
        require(vault.totalAssets() + 1 >= assets && vault.totalAssets() <= assets + 1, "by the share price last seen");
    }

    function _plan() private {
        vm.prank(REBALANCER);
        vault.beginPlan();
    }

    /// @dev Some in which entry is open, and some in which it is not.
    function _conditions(uint96 low, uint96 more, uint32 wait) private {
        uint256 least = 430e6 + (low % 140e6);
        venue.set(least, least + (more % 40e6));
        vm.warp(block.timestamp + (wait % 30 hours));
    }
}
