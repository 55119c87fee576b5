// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {HedgeVault} from "../../contracts/vault/HedgeVault.sol";
import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {PriceOracle} from "../../contracts/vault/PriceOracle.sol";
import {DevToken} from "../../deploy/devnet/contracts/DevToken.sol";
import {ReplayFeed} from "../../deploy/devnet/contracts/ReplayFeed.sol";
import {vm} from "./support/Vm.sol";

/// @title What one holder can do to the others' redemptions
contract HedgeVaultQueueTest {
    uint256 private constant SHARE = 1e18;
    address private constant ALICE = address(0xA11CE);
    address private constant MALLORY = address(0xBAD);

    DevToken private asset;
    ReplayFeed private baseFeed;
    ReplayFeed private assetFeed;
    HedgeVault private vault;

    function setUp() public {
        vm.warp(1_700_000_000);
        asset = new DevToken("USD Coin", "USDC", 6);
        baseFeed = new ReplayFeed("ETH / USD", 8);
        assetFeed = new ReplayFeed("USDC / USD", 8);
        _round();
        PriceOracle prices = new PriceOracle(
            PriceOracle.Feed(address(baseFeed), 1 days, 50),
            PriceOracle.Feed(address(assetFeed), 1 days, 25),
            address(0),
            0
        );
        AccessManager manager = new AccessManager(address(this));
        vault = new HedgeVault(address(manager), asset, address(prices), "Vault", "V", 300, SHARE);
        _deposit(ALICE, 1_000e6);
        _deposit(MALLORY, 1_000e6);
    }

    // ---- votes never stand in the way of an exit ----

    function testDelegatingToNobodyIsDelegatingToOneself() public {
        vm.prank(MALLORY);
        vault.delegate(address(0));

        require(vault.delegates(MALLORY) == MALLORY, "delegate");
        require(vault.getVotes(MALLORY) == vault.balanceOf(MALLORY), "votes");
    }

    function testAHolderWhoDelegatedToNobodyCanStillTransfer() public {
        vm.prank(MALLORY);
        vault.delegate(address(0));
        vm.prank(MALLORY);
        vault.transfer(ALICE, SHARE);

        require(vault.getVotes(MALLORY) == 999 * SHARE && vault.getVotes(ALICE) == 1_001 * SHARE, "votes moved");
    }

    function testAHolderWhoDelegatedToNobodyCannotBlockTheQueue() public {
        _request(MALLORY, SHARE);
        vm.prank(MALLORY);
        vault.delegate(address(0));
        _request(ALICE, 10 * SHARE);
        _round();

        (uint256 shares, ) = vault.settle(10);

        require(shares == 11 * SHARE, "both settled");
    }

    function testFuzzVotesFollowSharesHoweverDelegated(uint8 path, uint256 amount) public {
        address[3] memory choices = [address(0), ALICE, MALLORY];
        for (uint256 i; i < 4; ++i) {
            vm.prank(MALLORY);
            vault.delegate(choices[((path >> (2 * i)) & 3) % 3]);
        }
        amount = amount % (vault.balanceOf(MALLORY) + 1);
        vm.prank(MALLORY);
        vault.transfer(ALICE, amount);

        uint256 votes = vault.getVotes(ALICE) + vault.getVotes(MALLORY);
        require(votes == vault.totalSupply(), "no vote lost, none made");
    }

    // ---- what was settled or skipped stays so, whatever stands behind it ----

    function testSettleKeepsSkippedEntriesWhenTheNextIsTooYoung() public {
        _cancelledRequests(5);
        _request(ALICE, SHARE);

        vault.settle(10);

        (uint256 head, uint256 tail) = vault.queueBounds();
        require(head == 5 && tail == 6, "the head went past the cancelled entries");
    }

    function testSettleKeepsWorthlessSharesWhenTheNextIsTooYoung() public {
        vm.prank(MALLORY);
        vault.transfer(address(0xD057), 1);
        _request(address(0xD057), 1);
        _round();
        _request(ALICE, SHARE);

        (uint256 shares, uint256 assets) = vault.settle(10);

        (uint256 head, ) = vault.queueBounds();
        require(shares == 1 && assets == 0 && head == 1, "one share unit, worth nothing, is settled");
    }

    function testSettleWithNothingToDoSaysWhy() public {
        _request(ALICE, SHARE);

        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.NoNewerRound.selector, 0, block.timestamp, block.timestamp));
        vault.settle(10);
    }

    // ---- moves ----

    function _deposit(address holder, uint256 assets) private {
        asset.mint(holder, assets);
        vm.prank(holder);
        asset.approve(address(vault), assets);
        vm.prank(holder);
        vault.deposit(assets, holder);
    }

    function _request(address holder, uint256 shares) private {
        vm.prank(holder);
        vault.requestRedeem(shares, holder, holder);
    }

    function _cancelledRequests(uint256 count) private {
        for (uint256 i; i < count; ++i) {
            _request(MALLORY, SHARE);
            vm.prank(MALLORY);
            vault.cancelRedeemRequest(i, MALLORY);
        }
    }

    /// @dev A minute later both feeds have a newer round.
    function _round() private {
        vm.warp(block.timestamp + 60);
        baseFeed.push(2_000e8);
        assetFeed.push(1e8);
    }
}
