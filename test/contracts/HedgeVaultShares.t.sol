// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgeVault} from "../../contracts/vault/IHedgeVault.sol";
import {ISharePrice} from "../../contracts/vault/ISharePrice.sol";
import {FixedValueAdapter} from "./support/FixedValueAdapter.sol";
import {HedgeVaultSetup} from "./support/HedgeVaultSetup.sol";
import {vm} from "./support/Vm.sol";

/// @title Shares and queue under random use: what must hold after every step, and who rounding favours
contract HedgeVaultSharesTest is HedgeVaultSetup {
    uint256 private constant VIRTUAL = 1e12;
    uint256 private constant STEPS = 40;
    bytes4 private constant PANIC = 0x4e487b71;

    address[3] private holders = [address(0xA11CE), address(0xB0B), address(0xCA401)];

    FixedValueAdapter private venue;

    function setUp() public {
        _deployVault();
        // Arithmetic is tested here, at share prices that no market moves to at once.
        vm.mockCall(address(sharePrice), abi.encodeWithSelector(ISharePrice.follow.selector), abi.encode(0));
        venue = _addVenue();
    }

    function testADepositTooSmallForAShareReverts() public {
        vm.expectRevert(abi.encodeWithSelector(IHedgeVault.InvalidParameter.selector, bytes32("assets"), 0));
        vault.deposit(0, holders[1]);
    }

    // ---- rounding never favours the caller ----

    function testFuzzEnteringAndLeavingNeverPays(uint96 others, uint96 value, uint96 assets, uint16 spread) public {
        _start(others, value, spread);
        uint256 paid = _bound(assets, 1, 1e15);
        address trader = holders[1];

        uint256 shares = _deposit(trader, paid);
        if (shares == 0) return;
        uint256 got = _leave(trader, shares);

        require(got <= paid, "profit out of nothing");
    }

    function testFuzzMintingAndLeavingNeverPays(uint96 others, uint96 value, uint96 shares, uint16 spread) public {
        _start(others, value, spread);
        uint256 wanted = _bound(shares, 1, 1e27);
        address trader = holders[1];
        asset.mint(trader, type(uint128).max);
        vm.prank(trader);
        asset.approve(address(vault), type(uint128).max);

        vm.prank(trader);
        uint256 paid = vault.mint(wanted, trader);
        require(vault.balanceOf(trader) == wanted, "exactly what was asked for");

        require(_leave(trader, wanted) <= paid, "profit out of nothing");
    }

    function testFuzzEntryNeverDilutes(
        uint96 others,
        uint96 value,
        uint96 amount,
        uint16 spread,
        bool inShares
    ) public {
        _start(others, value, spread);
        (uint256 low, uint256 high) = vault.nav();
        uint256 supply = vault.totalSupply();
        address trader = holders[1];

        if (inShares) {
            _fund(trader, type(uint128).max);
            vm.prank(trader);
            vault.mint(_bound(amount, 1, 1e27), trader);
        } else {
            _deposit(trader, _bound(amount, 1, 1e15));
        }

        _requireNoDilution(low, high, supply);
    }

    function testFuzzSettlementNeverTakesFromThoseWhoStay(
        uint96 others,
        uint96 value,
        uint96 assets,
        uint16 spread,
        uint96 drawn
    ) public {
        _start(others, value, spread);
        for (uint256 h = 1; h < 3; ++h) {
            uint256 shares = _deposit(holders[h], _bound(assets, 1e6, 1e15));
            if (shares == 0) return;
            _request(holders[h], shares);
        }
        // Part of the cash is at the venue, so that some requests are filled in part.
        _toVenue(_bound(drawn, 0, vault.cash() - 1));
        _round(60);
        (uint256 low, uint256 high) = vault.nav();
        if ((high - low) * 10_000 > high * 300) return;
        uint256 supply = vault.totalSupply();

        vault.settle(2);

        _requireNoDilution(low, high, supply);
    }

    function testFuzzClaimsInPartsPayWhatOneClaimPays(uint96 assets, uint64[6] calldata parts, bool inAssets) public {
        address trader = holders[1];
        _deposit(holders[0], 1e9);
        // An odd price, so that nothing divides evenly.
        venue.set(123_456_789, 123_456_789);
        uint256 shares = _deposit(trader, _bound(assets, 1e6, 1e15));
        _request(trader, shares);
        _round(60);
        vault.settle(1);
        uint256 owed = vault.maxWithdraw(trader);

        for (uint256 i; i < parts.length; ++i) {
            (uint256 sharesLeft, uint256 assetsLeft) = (vault.maxRedeem(trader), vault.maxWithdraw(trader));
            uint256 part = inAssets ? _bound(parts[i], 0, assetsLeft) : _bound(uint256(parts[i]) << 40, 0, sharesLeft);
            vm.prank(trader);
            uint256 other = inAssets ? vault.withdraw(part, trader, trader) : vault.redeem(part, trader, trader);
            (uint256 sharesTaken, uint256 assetsPaid) = inAssets ? (other, part) : (part, other);
            require(sharesTaken * assetsLeft >= assetsPaid * sharesLeft, "rounded against the one who claims");
        }
        bytes memory rest = abi.encodeCall(vault.withdraw, (vault.maxWithdraw(trader), trader, trader));
        require(_call(trader, rest).length == 0, "the rest is paid");

        require(asset.balanceOf(trader) == owed, "to the last unit, and no more");
        require(vault.maxRedeem(trader) == 0 && vault.claimsOutstanding() == 0, "nothing is left behind");
    }

    // ---- the first depositor ----

    function testFuzzInflatingTheShareCostsMoreThanItTakes(uint96 seed, uint96 gift, uint96 victims) public {
        address attacker = holders[0];
        address victim = holders[1];
        uint256 first = _bound(seed, 1, 1e9);
        uint256 donated = _bound(gift, 0, 1e15);
        uint256 paid = _bound(victims, 1e6, 1e15);
        uint256 attackers = _deposit(attacker, first);
        // The worst case: the gift counts at once, as a venue's profit does.
        asset.mint(address(venue), donated);
        venue.set(donated, donated);

        uint256 bought = _deposit(victim, paid);
        venue.restore(donated);
        venue.set(0, 0);
        if (bought == 0) return;

        uint256 back = _leave(attacker, attackers);
        require(back <= first + donated, "the attacker paid for it");
        uint256 left = _leave(victim, bought);
        // A share unit's worth, and two asset units: without virtual shares it could be half of what the victim paid.
        require(paid - left <= donated / VIRTUAL + 2, "the victim kept what it paid");
    }

    // ---- random use ----

    function testFuzzBooksBalanceAfterEveryStep(uint256 seed) public {
        _deposit(holders[0], 1_000e6);
        for (uint256 i; i < STEPS; ++i) {
            uint256 supply = vault.totalSupply();
            (uint256 low, uint256 high) = vault.nav();
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            uint256 kind = random % 13;
            bytes memory reason = _move(kind, random / 13);

            require(bytes4(reason) != PANIC, "arithmetic fails");
            if (kind > 3) require(vault.totalSupply() == supply, "only entry and settlement change the supply");
            if (kind < 2) require(vault.totalSupply() >= supply, "entry burns nothing");
            if (kind == 2 || kind == 3) require(vault.totalSupply() <= supply, "settlement makes nothing");
            if (kind < 4) _requireNoDilution(low, high, supply);
            _requireBooks();
        }
        _requireEverybodyCanLeave();
    }

    /// @dev What a share is worth to those who were there, on both sides, is not less than it was.
    function _requireNoDilution(uint256 low, uint256 high, uint256 supply) private view {
        (uint256 lowAfter, uint256 highAfter) = vault.nav();
        uint256 supplyAfter = vault.totalSupply() + VIRTUAL;
        require((lowAfter + 1) * (supply + VIRTUAL) >= (low + 1) * supplyAfter, "low value per share fell");
        require((highAfter + 1) * (supply + VIRTUAL) >= (high + 1) * supplyAfter, "high value per share fell");
    }

    function _requireBooks() private view {
        (uint256 head, uint256 tail) = vault.queueBounds();
        uint256 pending;
        uint256[3] memory locked;
        uint256[3] memory claimable;
        for (uint256 id = 1; id < tail; ++id) {
            IHedgeVault.Request memory r = vault.request(id);
            require(id >= head || r.shares == 0, "nothing waits before the head");
            pending += r.shares;
            for (uint256 h; h < 3; ++h) {
                if (r.owner == holders[h]) locked[h] += r.shares;
                claimable[h] += vault.claimableRedeemRequest(id, holders[h]);
            }
        }
        require(pending == vault.pendingShares(), "pending shares");
        uint256 balances;
        uint256 votes;
        uint256 claims;
        for (uint256 h; h < 3; ++h) {
            require(locked[h] == vault.lockedShares(holders[h]), "locked shares");
            require(locked[h] <= vault.balanceOf(holders[h]), "what is locked is there");
            require(claimable[h] == vault.maxRedeem(holders[h]), "claimable shares, by request and in all");
            balances += vault.balanceOf(holders[h]);
            votes += vault.getVotes(holders[h]);
            claims += vault.maxWithdraw(holders[h]);
        }
        require(balances == vault.totalSupply(), "balances");
        require(votes == vault.totalSupply(), "votes");
        require(claims == vault.claimsOutstanding(), "claims");
        require(asset.balanceOf(address(vault)) >= vault.cash() + claims, "cash and claims are there");
    }

    /// @dev With everything back in cash, every request made before settles, and every claim is paid.
    function _requireEverybodyCanLeave() private {
        venue.restore(asset.balanceOf(address(venue)));
        venue.set(0, 0);
        for (uint256 h; h < 3; ++h) {
            uint256 free = vault.balanceOf(holders[h]) - vault.lockedShares(holders[h]);
            if (free > 0) _request(holders[h], free);
        }
        _round(60);
        if (vault.pendingShares() > 0 && vault.cash() > 0) vault.settle(100);
        require(vault.totalSupply() == 0 || vault.cash() == 0, "all shares are settled, or all cash is paid");
        for (uint256 h; h < 3; ++h) {
            uint256 owed = vault.maxWithdraw(holders[h]);
            uint256 before = asset.balanceOf(holders[h]);
            vm.prank(holders[h]);
            vault.withdraw(owed, holders[h], holders[h]);
            require(asset.balanceOf(holders[h]) == before + owed, "paid");
        }
        require(vault.claimsOutstanding() == 0, "nothing owed");
    }

    // ---- moves ----

    /// @dev Empty when it went through, the revert's data when not.
    function _move(uint256 kind, uint256 random) private returns (bytes memory) {
        address holder = holders[random % 3];
        uint256 amount = random / 3;
        (, uint256 tail) = vault.queueBounds();
        if (kind == 0) {
            return _call(holder, abi.encodeCall(vault.deposit, (_fund(holder, amount % 1e12), holder)));
        } else if (kind == 1) {
            _fund(holder, 1e15);
            return _call(holder, abi.encodeCall(vault.mint, (amount % 1e24, holder)));
        } else if (kind == 2 || kind == 3) {
            if (kind == 3) _round(60);
            return _call(holder, abi.encodeCall(vault.settle, (amount % 4)));
        } else if (kind == 4 || kind == 5) {
            uint256 free = vault.balanceOf(holder) - vault.lockedShares(holder);
            uint256 shares = amount % 4 == 0 ? free : amount % (free + 1);
            // Sometimes for another, who is allowed to name itself as controller.
            address controller = kind == 4 ? holder : holders[amount % 3];
            if (controller != holder) _call(holder, abi.encodeCall(vault.approve, (controller, shares)));
            return _call(controller, abi.encodeCall(vault.requestRedeem, (shares, controller, holder)));
        } else if (kind == 6) {
            if (tail == 1) return "";
            uint256 id = 1 + (amount % (tail - 1));
            address controller = vault.request(id).controller;
            return _call(controller, abi.encodeCall(vault.cancelRedeemRequest, (id, controller)));
        } else if (kind == 7) {
            uint256 shares = amount % (vault.maxRedeem(holder) + 1);
            return _call(holder, abi.encodeCall(vault.redeem, (shares, holder, holder)));
        } else if (kind == 8) {
            uint256 assets = amount % (vault.maxWithdraw(holder) + 1);
            return _call(holder, abi.encodeCall(vault.withdraw, (assets, holder, holder)));
        } else if (kind == 9) {
            _toVenue(amount % (vault.cash() + 1));
        } else if (kind == 10) {
            _toCash(amount);
        } else if (kind == 11) {
            _moveMarket(amount);
        } else {
            asset.mint(address(vault), amount % 1e9);
            return _call(holder, abi.encodeCall(vault.transfer, (holders[amount % 3], amount % 1e21)));
        }
        return "";
    }

    /// @dev A venue never holds tokens it is not worth, nor the other way round: profit is minted, loss burned.
    function _moveMarket(uint256 random) private {
        uint256 held = asset.balanceOf(address(venue));
        uint256 value = (held * (50 + (random % 101))) / 100;
        if (value > held) asset.mint(address(venue), value - held);
        else _burn(held - value);
        _value(random / 101);
    }

    function _toVenue(uint256 assets) private {
        venue.draw(assets);
        _value(100);
    }

    function _toCash(uint256 random) private {
        venue.restore(random % (asset.balanceOf(address(venue)) + 1));
        _value(100);
    }

    /// @dev Two-sided: up to two per cent apart.
    function _value(uint256 random) private {
        uint256 held = asset.balanceOf(address(venue));
        venue.set(held - (held * (random % 200)) / 10_000, held);
    }

    function _burn(uint256 assets) private {
        vm.prank(address(venue));
        asset.transfer(address(0xdead), assets);
    }

    /// @dev A vault with a holder and something at a venue; nothing is too far apart to settle.
    function _start(uint96 others, uint96 value, uint16 spread) private {
        _deposit(holders[0], _bound(others, 1, 1e15));
        uint256 high = _bound(value, 0, 1e15);
        venue.set(high - (high * (spread % 300)) / 10_000, high);
    }

    function _leave(address holder, uint256 shares) private returns (uint256 assets) {
        _request(holder, shares);
        _round(60);
        if (vault.cash() == 0) return 0;
        vault.settle(100);
        assets = vault.maxWithdraw(holder);
        vm.prank(holder);
        vault.withdraw(assets, holder, holder);
    }

    function _deposit(address holder, uint256 assets) private returns (uint256 shares) {
        _fund(holder, assets);
        vm.prank(holder);
        try vault.deposit(assets, holder) returns (uint256 bought) {
            return bought;
        } catch (bytes memory reason) {
            // Too little for one share: the only thing that may keep a deposit out here.
            require(bytes4(reason) == IHedgeVault.InvalidParameter.selector, "refused for another reason");
        }
    }

    function _fund(address holder, uint256 assets) private returns (uint256) {
        asset.mint(holder, assets);
        vm.prank(holder);
        asset.approve(address(vault), type(uint256).max);
        return assets;
    }

    function _call(address from, bytes memory data) private returns (bytes memory reason) {
        vm.prank(from);
        // The revert's own data is what is looked at.
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = address(vault).call(data);
        return ok ? bytes("") : answer;
    }

    function _bound(uint256 value, uint256 least, uint256 most) private pure returns (uint256) {
        return least + (value % (most - least + 1));
    }
}
