// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {RedemptionQueue} from "../../contracts/vault/RedemptionQueue.sol";
import {vm} from "../contracts/support/Vm.sol";

/// @title The exit's books: two requests of two controllers, one settlement, one claim; the test is the vault
contract RedemptionQueueSymbolic {
    using RedemptionQueue for RedemptionQueue.Queue;

    address private constant A = address(0xA);
    address private constant B = address(0xB);

    RedemptionQueue.Queue private queue;

    function setUp() public {
        vm.warp(1_700_000_000);
        queue.requests.push();
        queue.head = 1;
    }

    function _request(uint96 a, uint96 b) private {
        queue.request(a, A, A, a, 1);
        queue.request(b, B, B, b, 1);
    }

    function _settle(
        uint96 low,
        uint96 supply,
        uint96 cash,
        uint96 reserve,
        uint256 most
    ) private returns (uint256 shares, uint256 assets) {
        vm.assume(cash <= low);
        vm.assume(queue.pendingShares < supply);
        (, shares, assets) = queue.settle(RedemptionQueue.Terms(low, supply, cash, reserve, block.timestamp + 1, most));
    }

    function check_request_pendingIsTheSum(uint96 a, uint96 b) public {
        _request(a, b);
        assert(queue.pendingShares == uint256(a) + b);

        queue.cancel(1, A, 0);
        assert(queue.pendingShares == b && queue.requests[1].shares == 0);
    }

    function check_settle_pendingIsTheSum(uint96[2] memory asked, uint96 low, uint96 supply, uint96 cash) public {
        _request(asked[0], asked[1]);

        (uint256 shares, ) = _settle(low, supply, cash, 0, 2);

        uint256 left = queue.requests[1].shares + queue.requests[2].shares;
        assert(queue.pendingShares == left && left + shares == uint256(asked[0]) + asked[1]);
    }

    function check_settle_claimsAreWhatWasSetAside(
        uint96[2] memory asked,
        uint96 low,
        uint96 supply,
        uint96 cash
    ) public {
        _request(asked[0], asked[1]);

        (, uint256 assets) = _settle(low, supply, cash, 0, 2);

        assert(queue.claims[A].assets + queue.claims[B].assets == assets);
        assert(queue.claimsOutstanding == assets);
        assert(assets <= cash);
    }

    function check_settle_leavesTheReserve(
        uint96 asked,
        uint96 low,
        uint96 supply,
        uint96 cash,
        uint96 reserve
    ) public {
        queue.request(asked, A, A, asked, 1);

        (, uint256 assets) = _settle(low, supply, cash, reserve, 1);

        assert(assets + reserve <= cash);
    }

    function check_settle_leavesThePriceOfThoseWhoStay(uint96 asked, uint96 low, uint96 supply, uint96 cash) public {
        queue.request(asked, A, A, asked, 1);

        (uint256 shares, uint256 assets) = _settle(low, supply, cash, 0, 1);

        assert((low - assets + 1) * supply >= (uint256(low) + 1) * (supply - shares));
    }

    function check_withdraw_paysNoMoreThanTheClaim(
        uint96 asked,
        uint96 low,
        uint96 supply,
        uint96 cash,
        uint96 out
    ) public {
        queue.request(asked, A, A, asked, 1);
        (uint256 shares, uint256 assets) = _settle(low, supply, cash, 0, 1);

        uint256 off = queue.withdraw(out, A);

        assert(out <= assets && off <= shares);
        assert(queue.claims[A].assets == assets - out && queue.claims[A].assets == queue.claimsOutstanding);
    }

    function check_redeem_paysNoMoreThanTheClaim(
        uint96 asked,
        uint96 low,
        uint96 supply,
        uint96 cash,
        uint96 off
    ) public {
        queue.request(asked, A, A, asked, 1);
        (uint256 shares, uint256 assets) = _settle(low, supply, cash, 0, 1);

        uint256 out = queue.redeem(off, A);

        assert(off <= shares && out <= assets);
        assert(queue.claims[A].assets == assets - out && queue.claims[A].assets == queue.claimsOutstanding);
        assert(out * shares <= off * assets);
    }
}
