// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IHedgePolicy} from "../../../contracts/rebalance/IHedgePolicy.sol";
import {IRebalancer} from "../../../contracts/rebalance/IRebalancer.sol";
import {IHedgeVault} from "../../../contracts/vault/IHedgeVault.sol";
import {ILiquidityAdapter} from "../../../contracts/venues/IVenueAdapter.sol";
import {Plans} from "../support/Plans.sol";
import {vm} from "../support/Vm.sol";

interface IPausable {
    function pause() external;
    function unpause() external;
}

/// @title All that can happen to a vault on the real venues, one random step at a time
/// @dev What each step must leave true is noted in `broken` as it happens; sums over all accounts are the invariants'.
contract WorldHandler is Plans {
    uint256 private constant VIRTUAL = 1e12;
    uint256 private constant MEASURES = 7;

    address[3] public holders = [address(0xA11CE), address(0xB0B), address(0xCA401)];
    /// @notice What was found broken; empty while all holds.
    string public broken;
    /// @notice How often each kind of step went through: a suite in which nothing happens proves nothing.
    mapping(bytes32 kind => uint256) public done;
    bool private _paused;

    constructor() {
        _bringUp(true);
        for (uint256 i; i < 3; ++i) _enter(holders[i], 100_000e6);
        _openPositions();
    }

    function parts() external view returns (address asset_, address vault_, address depositor) {
        return (address(asset), address(vault), DEPOSITOR);
    }

    // ---- depositor

    function deposit(uint256 who, uint256 amount) external {
        address holder = holders[who % 3];
        amount = 1e6 + (amount % 1e12);
        asset.mint(holder, amount);
        vm.prank(holder);
        asset.approve(address(vault), amount);
        (uint256 low, uint256 high, uint256 supply) = _worth();
        vm.prank(holder);
        try vault.deposit(amount, holder) returns (uint256 shares) {
            _requireKept(low, high, supply, "a deposit diluted the others");
            _requireSupply(supply + shares);
            ++done["deposit"];
        } catch {
            ++done["refused"];
        }
    }

    // ---- leaver

    function leaveAtOnce(uint256 who, uint256 shares) external {
        address holder = holders[who % 3];
        uint256 free = vault.balanceOf(holder) - vault.lockedShares(holder);
        if (free == 0) return;
        shares = 1 + (shares % free);
        (uint256 low, uint256 high, uint256 supply) = _worth();
        vm.prank(holder);
        try vault.redeemInstantly(shares, 0, holder, holder) returns (uint256 assets) {
            if (assets * (supply + VIRTUAL) > shares * (low + 1))
                broken = "leaving at once paid more than the low price";
            _requireKept(low, high, supply, "leaving at once took from those who stay");
            _requireSupply(supply - shares);
            ++done["leaveAtOnce"];
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
        if (tail == 0) return;
        uint256 supply = vault.totalSupply();
        address controller = vault.request(id % tail).controller;
        vm.prank(controller);
        try vault.cancelRedeemRequest(id % tail, controller) {
            ++done["cancel"];
        } catch {
            ++done["refused"];
        }
        _requireSupply(supply);
    }

    /// @dev A claim depends on nothing but the books: it may never fail.
    function claim(uint256 who, uint256 assets) external {
        address holder = holders[who % 3];
        uint256 most = vault.maxWithdraw(holder);
        uint256 supply = vault.totalSupply();
        if (most != 0) {
            vm.prank(holder);
            try vault.withdraw(1 + (assets % most), holder, holder) {
                ++done["claim"];
            } catch {
                broken = "a claim failed";
            }
        }
        if (vault.claimableInKind(holder, address(base)) != 0) {
            vm.prank(holder);
            vault.claimInKind(address(base), holder, holder);
            if (vault.claimableInKind(holder, address(base)) != 0) broken = "a claim in kind is still there";
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
        if (fresh) _freshRounds(60);
        (uint256 low, uint256 high, uint256 supply) = _worth();
        try vault.settle(1 + (count % 4)) returns (uint256 shares, uint256 assets) {
            if (assets * (supply + VIRTUAL) > shares * (low + 1)) broken = "settlement paid more than the low price";
            _requireKept(low, high, supply, "settlement took from those who stay");
            _requireSupply(supply - shares);
            ++done["settle"];
        } catch {
            ++done["refused"];
        }
    }

    /// @dev Past its deadline one call is enough, with every feed dead and Curie paused too.
    function force(uint256 id, bool late, uint256 by) external {
        (uint256 head, uint256 tail) = vault.queueBounds();
        if (head == tail) return;
        id = head + (id % (tail - head));
        IHedgeVault.Request memory entry = vault.request(id);
        if (entry.shares == 0) return;
        uint256 deadline = uint256(entry.createdAt) + vault.EXIT_DEADLINE();
        if (late && vm.getBlockTimestamp() < deadline) vm.warp(deadline);
        bool overdue = vm.getBlockTimestamp() >= deadline;
        uint256 cash = vault.cash();
        uint256 supply = vault.totalSupply();
        vm.prank(by % 2 == 0 ? entry.controller : STRANGER);
        try vault.force(id) returns (uint256 shares, uint256 assets) {
            if (!overdue) broken = "forced before its deadline";
            if (assets * (supply + VIRTUAL) > shares * cash) broken = "more of the cash than its share was forced out";
            if (vault.request(id).shares != 0) broken = "forced and still pending";
            _requireSupply(supply - shares);
            ++done["force"];
        } catch (bytes memory reason) {
            if (overdue && bytes4(reason) != IHedgeVault.OlderRequestFirst.selector) {
                broken = "an overdue request cannot be forced";
            }
        }
    }

    function unwindSlice(uint256 who, bool liquidity) external {
        address holder = holders[who % 3];
        address adapter = liquidity ? address(liquidityAdapter) : address(perpAdapter);
        uint256 units = vault.sliceOf(holder, adapter);
        if (units == 0) return;
        vm.prank(holder);
        try vault.unwindSlice(holder, adapter, units) {
            ++done["unwindSlice"];
        } catch {
            ++done["refused"];
        }
    }

    function poke() external {
        uint256 supply = vault.totalSupply();
        try vault.poke() returns (uint256 feeShares) {
            _requireSupply(supply + feeShares);
            ++done["poke"];
        } catch {
            ++done["refused"];
        }
    }

    // ---- owner

    /// @dev What the policy's targets call for, or everything closed, or a range and a short of any size.
    function plan(uint256 kind, uint256 share, uint256 short) external {
        try this.makePlan(kind % 3, share, short) returns (IRebalancer.Plan memory plan_) {
            uint256 price = plan_.fromPrice;
            int256[MEASURES] memory before = _breaches(price);
            uint256 supply = vault.totalSupply();
            if (_tryViaSafe(abi.encodeCall(rebalancer.execute, (plan_)))) {
                _requireNoWorse(before, _breaches(price), "a plan left a band without making things better");
                ++done["plan"];
            } else {
                ++done["refused"];
            }
            _requireSupply(supply);
        } catch {
            ++done["refused"];
        }
    }

    function makePlan(uint256 kind, uint256 share, uint256 short) external returns (IRebalancer.Plan memory plan_) {
        if (kind == 0) return _targetPlan();
        if (kind == 1) return _closingPlan();
        plan_ = _emptyPlan();
        _addLiquidityTarget(plan_, uint32(share % 9_000), int24(int256(500 + (share % 5_000))));
        uint256 size = short % 2_000e18;
        _addPerpTarget(plan_, -int256(size), _notional(size, plan_.fromPrice) / 2);
    }

    // ---- keeper

    function deleverage(uint256 part, bool liquidityToo) external {
        try this.makeReduction(part % 10_001, liquidityToo) returns (IRebalancer.Plan memory plan_) {
            IHedgePolicy.Measures memory before = rebalancer.measure(plan_.fromPrice);
            vm.prank(KEEPER);
            try rebalancer.deleverage(plan_) {
                IHedgePolicy.Measures memory now_ = rebalancer.measure(plan_.fromPrice);
                // A loss makes what is left a larger share of less: a hundred basis points of loss at most.
                if (now_.grossBps > before.grossBps + before.grossBps / 50 + 1)
                    broken = "the keeper raised gross exposure";
                if (now_.leverageBps > before.leverageBps) broken = "the keeper raised leverage";
                ++done["deleverage"];
            } catch {
                ++done["refused"];
            }
        } catch {
            ++done["refused"];
        }
    }

    function makeReduction(uint256 keptBps, bool liquidityToo) external returns (IRebalancer.Plan memory plan_) {
        plan_ = _emptyPlan();
        uint256 size = (uint256(-_perpSize()) * keptBps) / 10_000;
        _addPerpTarget(plan_, -int256(size), perpAdapter.valueAt(plan_.fromPrice));
        if (!liquidityToo) return plan_;
        plan_.liquidity = new IRebalancer.LiquidityTarget[](1);
        plan_.liquidity[0] = _liquidityNow();
        plan_.liquidity[0].shareBps = uint32((plan_.liquidity[0].shareBps * keptBps) / 10_000);
    }

    // ---- attacker

    function donate(uint256 form, uint256 amount) external {
        amount = 1 + (amount % 1e11);
        (uint256 low, uint256 high, ) = _worth();
        form %= 4;
        if (form == 0) asset.mint(address(vault), amount);
        else if (form == 1) base.mint(address(liquidityAdapter), amount * 1e9);
        else if (form == 2 && !_paused) _depositAtCurie(STRANGER, address(perpAdapter), amount);
        else if (form == 3) _donateToPosition(amount);
        (uint256 lowAfter, uint256 highAfter, ) = _worth();
        if (low != lowAfter || high != highAfter) broken = "a donation moved the net asset value";
        ++done["donate"];
    }

    function vest() external {
        (uint256 low, uint256 high, ) = _worth();
        try vault.vest() {
            (uint256 lowAfter, uint256 highAfter, ) = _worth();
            if (low != lowAfter || high != highAfter) broken = "vesting moved the net asset value at once";
            ++done["vest"];
        } catch {
            ++done["refused"];
        }
    }

    /// @dev A pool pushed within the block moves no value; the mark is time-weighted.
    function pushPool(uint256 percent) external {
        (uint256 low, uint256 high, ) = _worth();
        _movePool((_feedPrice() * (85 + (percent % 31))) / 100);
        (uint256 lowAfter, uint256 highAfter, ) = _worth();
        // What the push pays in fees is ours.
        if (lowAfter < low || highAfter > high + high / 1_000) broken = "a pushed pool moved the net asset value";
        ++done["pushPool"];
    }

    // ---- market, clock

    function market(uint256 percent) external {
        if (_paused) return;
        _marketAt((_feedPrice() * (92 + (percent % 17))) / 100, 600);
        ++done["market"];
    }

    function session(uint256 vix) external {
        if (vm.getBlockTimestamp() / 1 days > oracle.nextSessionDay()) return;
        _closeSession((10 + (vix % 40)) * 1e8, 30e8);
        ++done["session"];
    }

    function wait(uint256 time) external {
        vm.warp(vm.getBlockTimestamp() + (time % 4 days));
    }

    function pauseCurie(bool on) external {
        if (on == _paused) return;
        _paused = on;
        if (on) IPausable(address(perpAdapter.clearingHouse())).pause();
        else IPausable(address(perpAdapter.clearingHouse())).unpause();
        ++done["pauseCurie"];
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

    /// @dev A share is worth no less than before, on either side.
    function _requireKept(uint256 low, uint256 high, uint256 supply, string memory what) private {
        (uint256 lowAfter, uint256 highAfter, uint256 supplyAfter) = _worth();
        bool kept =
            (lowAfter + 1) * (supply + VIRTUAL) >= (low + 1) * (supplyAfter + VIRTUAL) &&
                (highAfter + 1) * (supply + VIRTUAL) >= (high + 1) * (supplyAfter + VIRTUAL);
        if (!kept) broken = what;
    }

    function _requireSupply(uint256 supply) private {
        if (vault.totalSupply() != supply) broken = "the supply changed without entry, settlement, force or fee";
    }

    /// @dev How far each measure is beyond its band, in the regime of now; zero inside.
    function _breaches(uint256 price) private view returns (int256[MEASURES] memory breaches) {
        IHedgePolicy.Measures memory m = rebalancer.measure(price);
        IHedgePolicy.Bands memory b = policy.bands(oracle.regime());
        breaches = [
            b.netDeltaMinBps - m.netDeltaMinBps,
            m.netDeltaMaxBps - b.netDeltaMaxBps,
            m.grossBps - int256(uint256(b.grossMaxBps)),
            m.leverageBps - int256(uint256(b.leverageMaxBps)),
            m.liquidityBps - int256(uint256(b.liquidityMaxBps)),
            m.concentrationBps - int256(uint256(b.concentrationMaxBps)),
            int256(uint256(b.cashMinBps)) - m.cashBps
        ];
        for (uint256 i; i < MEASURES; ++i) {
            if (breaches[i] < 0) breaches[i] = 0;
        }
    }

    /// @dev A plan is judged by shares of the value before it; a loss of a hundred basis points at most moves them a little.
    function _requireNoWorse(
        int256[MEASURES] memory before,
        int256[MEASURES] memory afterwards,
        string memory what
    ) private {
        for (uint256 i; i < MEASURES; ++i) {
            if (afterwards[i] > before[i] + 100) broken = what;
        }
    }

    function _donateToPosition(uint256 amount) private {
        ILiquidityAdapter.LiquidityPosition memory p = liquidityAdapter.position();
        if (p.tokenId == 0) return;
        _donateLiquidity(STRANGER, p.tokenId, amount * 1e9, amount);
    }

    function _tryViaSafe(bytes memory data) private returns (bool ok) {
        try this.viaSafe(address(rebalancer), data) {
            ok = true;
        } catch {
            ok = false;
        }
    }

    function viaSafe(address to, bytes calldata data) external {
        require(msg.sender == address(this), "only by itself");
        _viaSafe(to, data);
    }
}
