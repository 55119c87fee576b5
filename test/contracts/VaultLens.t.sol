// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IVaultLens} from "../../contracts/lens/IVaultLens.sol";
import {SimulateThenRead} from "../../contracts/lens/SimulateThenRead.sol";
import {IRebalancer} from "../../contracts/rebalance/IRebalancer.sol";
import {Regime} from "../../contracts/regime/IRegimeOracle.sol";
import {IPriceOracle} from "../../contracts/vault/IPriceOracle.sol";
import {Operation} from "../../contracts/governance/ISafeGuard.sol";
import {Plans} from "./support/Plans.sol";
import {vm} from "./support/Vm.sol";

/// @title One call that shows everything, with prices and without
contract VaultLensTest is Plans {
    function setUp() public {
        _bringUp(true);
        _openPositions();
    }

    function testSaysWhereEverythingIs() public view {
        IVaultLens.Snapshot memory s = lens.snapshot();
        require(s.chainId == block.chainid && s.blockNumber == block.number, "chain");
        require(s.timestamp == vm.getBlockTimestamp(), "time");
        require(s.vault == address(vault) && lens.vault() == s.vault, "vault");
        require(s.rebalancer == address(rebalancer) && lens.rebalancer() == s.rebalancer, "rebalancer");
        require(s.policy == address(policy) && s.regimeOracle == address(oracle), "policy and regime");
        require(s.priceOracle == address(prices), "prices");
    }

    function testAddsUpAsTheVaultDoes() public view {
        IVaultLens.Snapshot memory s = lens.snapshot();
        (uint256 low, uint256 high) = vault.nav();
        require(s.priced && s.priceError.length == 0, "not priced");
        require(s.navLow == low && s.navHigh == high, "two sides");
        require(s.navMid == vault.totalAssets(), "mid");
        require(s.navLow < s.navMid && s.navMid < s.navHigh, "order");
        require(keccak256(abi.encode(s.reading)) == keccak256(abi.encode(prices.read())), "reading");
        require(keccak256(abi.encode(s.measures)) == keccak256(abi.encode(_measures())), "measures");
        require(s.cash == vault.cash() && s.totalSupply == vault.totalSupply(), "cash and shares");
        (uint256 level, uint256 capacity) = rebalancer.lossBudget();
        require(s.lossLevel == level && s.lossCapacity == capacity && level != 0, "bucket");
    }

    function testShowsEachAccount() public view {
        IVaultLens.Snapshot memory s = lens.snapshot();
        require(s.liquidity.length == 1 && s.perps.length == 1, "accounts");
        require(s.liquidity[0].adapter == address(liquidityAdapter), "liquidity adapter");
        require(s.perps[0].adapter == address(perpAdapter), "perp adapter");
        (uint256 low, uint256 high) = liquidityAdapter.valuation(s.reading.price);
        require(s.liquidity[0].valueLow == low && s.liquidity[0].valueHigh == high, "liquidity values");
        require(s.liquidity[0].valueMid == liquidityAdapter.valueAt(s.reading.price.mid), "liquidity at mid");
        (low, high) = perpAdapter.valuation(s.reading.price);
        require(s.perps[0].valueLow == low && s.perps[0].valueHigh == high, "perp values");
        require(s.perps[0].valueMid == perpAdapter.valueAt(s.reading.price.mid), "perp at mid");
        require(
            keccak256(abi.encode(s.liquidity[0].position)) == keccak256(abi.encode(liquidityAdapter.position())),
            "liquidity position"
        );
        require(
            keccak256(abi.encode(s.perps[0].position)) == keccak256(abi.encode(perpAdapter.position())),
            "perp position"
        );
    }

    function testShowsTheQueueAndTheClaims() public {
        uint256 shares = vault.balanceOf(DEPOSITOR) / 100;
        vm.prank(DEPOSITOR);
        vault.requestRedeem(shares, DEPOSITOR, DEPOSITOR);
        require(lens.snapshot().pendingShares == shares, "pending");
        require(lens.snapshot().queueHead == 1 && lens.snapshot().queueTail == 2, "queue");
        _freshRounds(60);
        vault.settle(1);
        require(lens.snapshot().claimsOutstanding == vault.claimsOutstanding(), "claims");
        require(lens.snapshot().claimsOutstanding != 0 && lens.snapshot().pendingShares == 0, "settled");
        require(lens.snapshot().queueHead == 2, "head");
    }

    function testShowsTheRegime() public {
        IVaultLens.RegimeState memory r = lens.snapshot().regime;
        require(r.regime == Regime.Calm && r.level == Regime.Calm && !r.liftPending, "calm");
        require(r.sessionCount == 250 && r.nextSessionDay == oracle.nextSessionDay(), "sessions");
        require(r.staleAfter == oracle.staleAfter(), "stale");
        _marketAt(1_600e18, 1 hours);
        oracle.lift(_latest(baseFeed) - 1, _latest(baseFeed));
        r = lens.snapshot().regime;
        require(r.regime == Regime.Stress && r.liftPending, "lift");
    }

    function testShowsPositionsWithoutAPrice() public {
        vm.warp(vm.getBlockTimestamp() + 7 hours);
        IVaultLens.Snapshot memory s = lens.snapshot();
        require(!s.priced, "priced");
        (, , , uint256 updatedAt, ) = baseFeed.latestRoundData();
        bytes memory reason = abi.encodeWithSelector(IPriceOracle.StaleFeed.selector, baseFeed, updatedAt, 6 hours);
        require(keccak256(s.priceError) == keccak256(reason), "reason");
        require(s.navLow == 0 && s.navMid == 0 && s.navHigh == 0, "net asset value");
        require(s.liquidity[0].valueMid == 0 && s.perps[0].valueLow == 0 && s.perps[0].valueHigh == 0, "values");
        require(s.liquidity[0].position.liquidity == liquidityAdapter.position().liquidity, "liquidity");
        require(s.perps[0].position.size == _perpSize(), "short");
        require(s.cash == vault.cash(), "cash");
    }

    function testShowsTheRestWhenTheCalendarHasNoSession() public {
        uint32[] memory closed = new uint32[](60);
        uint32 next = oracle.nextSessionDay();
        for (uint32 i; i < 60; ++i) closed[i] = next + i;
        _administer(address(oracle), abi.encodeCall(oracle.setClosures, (closed, true)));
        IVaultLens.Snapshot memory s = lens.snapshot();
        require(s.regime.nextSessionDay == 0, "a session in sight");
        require(s.regime.regime == oracle.regime(), "regime");
        require(s.priced && s.navMid == vault.totalAssets(), "the rest");
    }

    function testListsAVenueThatDoesNotAnswerAsUnread() public {
        IVaultLens.Snapshot memory whole = lens.snapshot();
        vm.mockCallRevert(address(perpAdapter), abi.encodePacked(perpAdapter.exposure.selector), "");
        IVaultLens.Snapshot memory s = lens.snapshot();
        require(s.unread.length == 1 && s.unread[0] == address(perpAdapter), "unread");
        require(s.perps.length == 0 && s.liquidity.length == 1, "the others");
        require(s.navMid == whole.navMid - whole.perps[0].valueMid, "that of the others");
        require(s.measures.grossBps == 0 && !s.shares.open, "no measures, no entry");
    }

    function testWithNothingAtAVenueAndNoPriceTheCashIsAllThereIs() public {
        vm.mockCall(address(vault), abi.encodePacked(vault.positionsOpen.selector), abi.encode(false));
        vm.mockCall(address(vault), abi.encodePacked(vault.adapters.selector), abi.encode(new address[](0)));
        vm.warp(vm.getBlockTimestamp() + 7 hours);
        IVaultLens.Snapshot memory s = lens.snapshot();
        require(!s.priced && s.navLow == s.cash && s.navMid == s.cash && s.navHigh == s.cash, "cash");
        require(s.cash != 0 && s.measures.cashBps == 0, "no measures without a price");
    }

    function testWhileAPlanRunsItReverts() public {
        vm.mockCall(address(vault), abi.encodePacked(vault.busy.selector), abi.encode(true));
        vm.expectRevert(abi.encodeWithSelector(IVaultLens.VaultBusy.selector, address(vault)));
        lens.snapshot();
    }

    // ---- a simulation ----

    function testRunsATransactionAndReadsWhatItLeftBehind() public {
        SimulateThenRead simulation = new SimulateThenRead();
        IRebalancer.Plan memory plan = _closingPlan();
        bytes memory execution = _execution(address(rebalancer), abi.encodeCall(rebalancer.execute, (plan)));
        (SimulateThenRead.Result memory executed, uint256 gasUsed, SimulateThenRead.Result memory read) = simulation
            .run(address(safe), execution, address(lens), abi.encodeCall(lens.snapshot, ()));
        require(executed.ok && abi.decode(executed.data, (bool)), "not executed");
        require(gasUsed > 500_000 && gasUsed < 5_000_000, "gas");
        IVaultLens.Snapshot memory s = abi.decode(read.data, (IVaultLens.Snapshot));
        require(read.ok && s.measures.grossBps == 0 && s.cash == vault.cash(), "read before");
    }

    function testGivesBackWhyATransactionFailed() public {
        SimulateThenRead simulation = new SimulateThenRead();
        IRebalancer.Plan memory plan = _closingPlan();
        plan.evidence = bytes32(0);
        bytes memory execution = _execution(address(rebalancer), abi.encodeCall(rebalancer.execute, (plan)));
        (SimulateThenRead.Result memory executed, , SimulateThenRead.Result memory read) = simulation.run(
            address(safe),
            execution,
            address(0),
            ""
        );
        require(!executed.ok && bytes4(executed.data) == IRebalancer.EvidenceMissing.selector, "reason");
        require(!read.ok && read.data.length == 0, "asked nobody");
    }

    function _execution(address to, bytes memory data) private view returns (bytes memory) {
        SafeTx memory t = _call(to, data);
        return
            abi.encodeCall(
                safe.execTransaction,
                (to, 0, data, Operation.Call, 0, 0, 0, address(0), payable(0), _sign(t))
            );
    }
}
