// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {HedgeVault} from "../../../contracts/vault/HedgeVault.sol";
import {IHedgeVault} from "../../../contracts/vault/IHedgeVault.sol";
import {FixedValueAdapter} from "./FixedValueAdapter.sol";

/// @title A token that calls someone at every transfer, which the vault's asset is assumed not to be
contract CallingToken is ERC20 {
    Intruder private _called;

    constructor() ERC20("Calling", "CALL") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function arm(Intruder who) external {
        _called = who;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (address(_called) != address(0) && from != address(0)) _called.enter();
    }
}

/// @title Whoever is called from within the vault and tries every door: a venue, a Rebalancer and a holder in one
contract Intruder is FixedValueAdapter {
    /// @notice What to try.
    bytes[] public tries;
    /// @notice What each try came to: the reason it reverted with, zero where it did not.
    bytes4[] public answers;
    /// @notice How often it was called from within.
    uint256 public entered;
    /// @notice What it saw meanwhile.
    uint256 public totalAssets;
    uint256 public maxDeposit;
    uint256 public maxMint;
    uint256 public maxWithdraw;
    uint256 public maxRedeem;
    bytes4 public nav;
    bytes4 public navAt;
    bytes4 public previewDeposit;
    bytes4 public previewMint;

    address private immutable _base;
    /// @dev Whose claims it looks at.
    address private immutable _claimant;

    constructor(address vault_, address base, address claimant) FixedValueAdapter(vault_) {
        _base = base;
        _claimant = claimant;
    }

    function setTries(bytes[] calldata tries_) external {
        delete tries;
        for (uint256 i; i < tries_.length; ++i) tries.push(tries_[i]);
    }

    function act(bytes calldata data) public returns (bytes4) {
        return _act(vault, data);
    }

    function act(address target, bytes calldata data) external returns (bytes4) {
        return _act(target, data);
    }

    function enter() external {
        ++entered;
        delete answers;
        for (uint256 i; i < tries.length; ++i) answers.push(_act(vault, tries[i]));

        HedgeVault from = HedgeVault(vault);
        totalAssets = from.totalAssets();
        maxDeposit = from.maxDeposit(address(this));
        maxMint = from.maxMint(address(this));
        maxWithdraw = from.maxWithdraw(_claimant);
        maxRedeem = from.maxRedeem(_claimant);
        nav = _look(abi.encodeCall(IHedgeVault.nav, ()));
        navAt = _look(abi.encodeCall(IHedgeVault.navAt, (1e18)));
        previewDeposit = _look(abi.encodeCall(from.previewDeposit, (1)));
        previewMint = _look(abi.encodeCall(from.previewMint, (1)));
    }

    function unwind(uint256 units, bool anyPrice) public override returns (address, uint256) {
        this.enter();
        (, uint256 amount) = super.unwind(units, anyPrice);
        // Some of a base token comes too.
        CallingToken(_base).mint(vault, 7);
        return (_base, amount + 7);
    }

    /// @dev As a Rebalancer: asked in the middle of an instant exit.
    function requireInsideBands() external view {
        require(_look(abi.encodeCall(IHedgeVault.nav, ())) == IHedgeVault.Busy.selector, "nav during an instant exit");
        require(_look(abi.encodeCall(IHedgeVault.navAt, (1e18))) == IHedgeVault.Busy.selector, "navAt, too");
        require(HedgeVault(vault).maxDeposit(address(this)) == 0, "and no entry");
    }

    function _act(address target, bytes memory data) private returns (bytes4) {
        // What it reverts with is the answer.
        // solhint-disable-next-line avoid-low-level-calls
        (bool ok, bytes memory answer) = target.call(data);
        return ok ? bytes4(0) : bytes4(answer);
    }

    function _look(bytes memory data) private view returns (bytes4) {
        (bool ok, bytes memory answer) = vault.staticcall(data);
        return ok ? bytes4(0) : bytes4(answer);
    }
}
