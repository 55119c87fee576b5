// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {HedgeVault} from "../../../contracts/vault/HedgeVault.sol";
import {IHedgeVault} from "../../../contracts/vault/IHedgeVault.sol";
import {PriceOracle} from "../../../contracts/vault/PriceOracle.sol";
import {SharePrice} from "../../../contracts/vault/SharePrice.sol";
import {DevToken} from "../../../deploy/devnet/contracts/DevToken.sol";
import {ReplayFeed} from "../../../deploy/devnet/contracts/ReplayFeed.sol";
import {FixedValueAdapter} from "../support/FixedValueAdapter.sol";
import {vm} from "../support/Vm.sol";

/// @title All that can happen to a vault, one random step at a time: what each step must leave true is noted here
contract VaultHandler {
    uint256 private constant VIRTUAL = 1e12;
    uint256 private constant SPREAD_BPS = 100;

    address[3] public holders = [address(0xA11CE), address(0xB0B), address(0xCA401)];

    DevToken private immutable asset;
    ReplayFeed private baseFeed;
    ReplayFeed private assetFeed;
    HedgeVault private vault;
    FixedValueAdapter private venue;

    /// @notice What was found broken; empty while all holds.
    string public broken;
    /// @notice How often each kind of step went through: a suite in which nothing happens proves nothing.
    mapping(bytes32 kind => uint256) public done;

    constructor(DevToken asset_) {
        asset = asset_;
        baseFeed = new ReplayFeed("ETH / USD", 8);
        assetFeed = new ReplayFeed("USDC / USD", 8);
        _round(60);
    }

    function feeds() external view returns (address, address) {
        return (address(baseFeed), address(assetFeed));
    }

    function start(HedgeVault vault_, FixedValueAdapter venue_) external {
        vault = vault_;
        venue = venue_;
    }

    // ---- depositor, leaver

    function deposit(uint256 who, uint256 amount) external {
        address holder = holders[who % 3];
        amount = 1 + (amount % 1e13);
        asset.mint(holder, amount);
        vm.prank(holder);
        asset.approve(address(vault), amount);
        (uint256 low, uint256 high, uint256 supply) = _worth();
        vm.prank(holder);
        try vault.deposit(amount, holder) {
            _requireNoDilution(low, high, supply, "a deposit diluted the others");
            ++done["deposit"];
        } catch {
            ++done["refused"];
        }
    }

    function requestRedeem(uint256 who, uint256 shares) external {
        address holder = holders[who % 3];
        uint256 free = vault.balanceOf(holder) - vault.lockedShares(holder);
        if (free == 0) return;
        uint256 supply = vault.totalSupply();
        vm.prank(holder);
        try vault.requestRedeem(1 + (shares % free), holder, holder) {
            ++done["request"];
        } catch {
            ++done["refused"];
        }
        _requireSupply(supply);
    }

    function cancel(uint256 id) external {
        (, uint256 tail) = vault.queueBounds();
        if (tail == 1) return;
        id = 1 + (id % (tail - 1));
        uint256 supply = vault.totalSupply();
        IHedgeVault.Request memory entry = vault.request(id);
        vm.prank(entry.controller);
        try vault.cancelRedeemRequest(id, entry.controller) {
            ++done["cancel"];
        } catch {
            ++done["refused"];
        }
        _requireSupply(supply);
    }

    function claim(uint256 who, uint256 assets) external {
        address holder = holders[who % 3];
        for (uint256 i; i < 2 && vault.maxWithdraw(holder) == 0; ++i) holder = holders[((who % 3) + i + 1) % 3];
        uint256 most = vault.maxWithdraw(holder);
        if (most == 0) return;
        uint256 supply = vault.totalSupply();
        vm.prank(holder);
        // A claim depends on nothing but the books: it may never fail.
        try vault.withdraw(1 + (assets % most), holder, holder) {
            ++done["claim"];
        } catch {
            broken = "a claim failed";
        }
        _requireSupply(supply);
    }

    function transfer(uint256 from, uint256 to, uint256 shares) external {
        uint256 supply = vault.totalSupply();
        address holder = holders[from % 3];
        uint256 free = vault.balanceOf(holder) - vault.lockedShares(holder);
        vm.prank(holder);
        vault.transfer(holders[to % 3], free == 0 ? 0 : shares % free);
        _requireSupply(supply);
    }

    // ---- anyone

    function settle(uint256 count, bool fresh) external {
        if (fresh) _round(60);
        (uint256 low, uint256 high, uint256 supply) = _worth();
        try vault.settle(1 + (count % 4)) returns (uint256 shares, uint256 assets) {
            // No sequence of fills pays more than the share of the low net asset value.
            if (assets * (supply + VIRTUAL) > shares * (low + 1)) broken = "settlement paid more than the low price";
            _requireNoDilution(low, high, supply, "settlement took from those who stay");
            ++done["settle"];
        } catch {
            ++done["refused"];
        }
    }

    /// @dev Past its deadline one call is enough, with the feeds dead and the venue paused too.
    function force(uint256 id, bool late) external {
        (uint256 head, uint256 tail) = vault.queueBounds();
        if (head == tail) return;
        id = head + (id % (tail - head));
        IHedgeVault.Request memory entry = vault.request(id);
        if (entry.shares == 0) return;
        uint256 deadline = uint256(entry.createdAt) + vault.EXIT_DEADLINE();
        if (late && block.timestamp < deadline) vm.warp(deadline);
        bool overdue = block.timestamp >= uint256(entry.createdAt) + vault.EXIT_DEADLINE();
        try vault.force(id) {
            if (!overdue) broken = "forced before its deadline";
            if (vault.request(id).shares != 0) broken = "forced and still pending";
            ++done["force"];
        } catch (bytes memory reason) {
            if (overdue && bytes4(reason) != IHedgeVault.OlderRequestFirst.selector)
                broken = "an overdue request cannot be forced";
        }
    }

    // ---- keeper, owner

    function toVenue(uint256 amount) external {
        uint256 supply = vault.totalSupply();
        venue.draw(amount % (vault.cash() + 1));
        _mark();
        _requireSupply(supply);
    }

    function fromVenue(uint256 amount) external {
        (uint256 aside, ) = venue.slices();
        // Plans wait while slices are aside; what lies there is not all the vault's.
        if (aside != 0) return;
        venue.restore(amount % (asset.balanceOf(address(venue)) + 1));
        _mark();
    }

    function limits(uint256 spread, uint256 minimum, uint256 reserve) external {
        vault.setLimits(1 + (spread % 2_000), minimum % 1e21);
        vault.setReserve(reserve % 2_001);
    }

    // ---- attacker, market, clock

    function donate(uint256 amount) external {
        (uint256 low, uint256 high, ) = _worth();
        asset.mint(address(vault), amount % 1e15);
        (uint256 lowAfter, uint256 highAfter, ) = _worth();
        if (low != lowAfter || high != highAfter) broken = "a donation moved the net asset value";
    }

    function gain(uint256 amount) external {
        asset.mint(address(venue), amount % 1e12);
        _mark();
    }

    function lose(uint256 amount) external {
        uint256 held = asset.balanceOf(address(venue));
        vm.prank(address(venue));
        asset.transfer(address(0xdead), amount % (held + 1));
        _mark();
    }

    function pause(bool on) external {
        venue.pause(on);
    }

    function round() external {
        _round(60);
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + (time % 16 days));
    }

    // ---- what must hold

    function _worth() private view returns (uint256 low, uint256 high, uint256 supply) {
        supply = vault.totalSupply();
        try vault.nav() returns (uint256 low_, uint256 high_) {
            (low, high) = (low_, high_);
        } catch {
            (low, high) = (0, 0);
        }
    }

    function _requireNoDilution(uint256 low, uint256 high, uint256 supply, string memory what) private {
        (uint256 lowAfter, uint256 highAfter, uint256 supplyAfter) = _worth();
        bool kept =
            (lowAfter + 1) * (supply + VIRTUAL) >= (low + 1) * (supplyAfter + VIRTUAL) &&
                (highAfter + 1) * (supply + VIRTUAL) >= (high + 1) * (supplyAfter + VIRTUAL);
        if (!kept) broken = what;
    }

    function _requireSupply(uint256 supply) private {
        if (vault.totalSupply() != supply) broken = "the supply changed without entry, settlement or force";
    }

    /// @dev The venue is worth what lies there, less a spread.
    function _mark() private {
        uint256 held = asset.balanceOf(address(venue));
        venue.set(held - (held * SPREAD_BPS) / 10_000, held);
    }

    function _round(uint256 later) private {
        vm.warp(block.timestamp + later);
        baseFeed.push(2_000e8);
        assetFeed.push(1e8);
    }
}

/// @title What holds of a vault's books after any sequence of steps by depositor, leaver, keeper, owner, attacker, market, clock
contract HedgeVaultInvariants {
    DevToken private asset;
    HedgeVault private vault;
    VaultHandler private handler;

    function setUp() public {
        vm.warp(1_700_000_000);
        asset = new DevToken("USD Coin", "USDC", 6);
        handler = new VaultHandler(asset);
        (address baseFeed, address assetFeed) = handler.feeds();
        PriceOracle prices = new PriceOracle(
            PriceOracle.Feed(baseFeed, 1 days, 50),
            PriceOracle.Feed(assetFeed, 1 days, 25),
            address(0),
            0
        );
        AccessManager manager = new AccessManager(address(this));
        SharePrice sharePrice = new SharePrice(500, 100, address(0), 0, 0);
        vault = new HedgeVault(address(manager), asset, address(prices), address(sharePrice), "Vault", "V", 300, 1e18);
        FixedValueAdapter venue = new FixedValueAdapter(address(vault));
        vault.setAdapter(address(venue), type(uint128).max, 10_000);
        manager.grantRole(manager.ADMIN_ROLE(), address(handler), 0);
        handler.start(vault, venue);
        handler.deposit(0, 5e12);
    }

    /// @dev What the fuzzer calls: the handler, and nothing else that was deployed.
    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    function invariant_everyStepHeld() public view {
        string memory broken = handler.broken();
        require(bytes(broken).length == 0, broken);
    }

    function invariant_assetsCoverLiabilities() public view {
        require(asset.balanceOf(address(vault)) >= vault.cash() + vault.claimsOutstanding(), "cash and claims");
    }

    function invariant_claimsAndSharesAddUp() public view {
        uint256 claims;
        uint256 balances;
        uint256 locked;
        uint256 votes;
        for (uint256 i; i < 3; ++i) {
            address holder = handler.holders(i);
            claims += vault.maxWithdraw(holder);
            balances += vault.balanceOf(holder);
            locked += vault.lockedShares(holder);
            votes += vault.getVotes(holder);
            require(vault.lockedShares(holder) <= vault.balanceOf(holder), "locked shares are there");
        }
        require(claims == vault.claimsOutstanding(), "claims");
        require(balances == vault.totalSupply(), "balances");
        require(votes == balances, "votes");
        require(locked == vault.pendingShares(), "locked shares");
    }

    function invariant_requestsAreTheQueue() public view {
        (uint256 head, uint256 tail) = vault.queueBounds();
        uint256 pending;
        for (uint256 id = 1; id < tail; ++id) {
            uint256 shares = vault.request(id).shares;
            require(id >= head || shares == 0, "nothing waits before the head");
            pending += shares;
        }
        require(pending == vault.pendingShares(), "pending shares");
    }
    function testEveryKindOfStepCanHappen() public {
        handler.requestRedeem(0, 1e22);
        handler.requestRedeem(0, 1e22);
        handler.cancel(1);
        handler.settle(0, true);
        handler.claim(1, 5);
        handler.requestRedeem(0, 1e22);
        handler.pause(true);
        handler.force(1, true);

        bytes32[5] memory kinds = [bytes32("request"), "cancel", "settle", "claim", "force"];
        for (uint256 i; i < kinds.length; ++i) {
            require(handler.done(kinds[i]) > 0, string(abi.encodePacked(kinds[i])));
        }
        invariant_everyStepHeld();
    }
}
