// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Operation} from "../../../contracts/governance/ISafeGuard.sol";
import {deployNpm} from "./Npm.sol";
import {vm} from "./Vm.sol";

/// @notice The part of a Safe's own interface that tests use.
interface ISafeAccount {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address payable paymentReceiver
    ) external;
    function createProxyWithNonce(
        address singleton,
        bytes calldata initializer,
        uint256 saltNonce
    ) external returns (address proxy);
    function nonce() external view returns (uint256);
    function isOwner(address account) external view returns (bool);
    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce_
    ) external view returns (bytes32);
    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes calldata signatures
    ) external payable returns (bool);
    function enableModule(address module) external;
    function execTransactionFromModule(
        address to,
        uint256 value,
        bytes calldata data,
        Operation operation
    ) external returns (bool);
    function setGuard(address guard) external;
    function setModuleGuard(address moduleGuard) external;
}

/// @title A Safe 1.5.0 from its published bytecode, two of three owners, whose keys the tests hold
abstract contract SafeWallet {
    /// @dev A transaction of the Safe: the zero value of all but `to` and `data` is what this project proposes.
    struct SafeTx {
        address to;
        uint256 value;
        bytes data;
        Operation operation;
        uint256 safeTxGas;
        uint256 baseGas;
        uint256 gasPrice;
        address gasToken;
        address payable refundReceiver;
    }

    ISafeAccount internal safe;
    uint256[3] private _ownerKeys = [uint256(0xa11ce), 0xb0b, 0xca401];

    function _deploySafe() internal {
        string memory folder = "@safe-global/safe-smart-account/build/artifacts/contracts/";
        address singleton = deployNpm(string.concat(folder, "SafeL2.sol/SafeL2"), "");
        address factory = deployNpm(string.concat(folder, "proxies/SafeProxyFactory.sol/SafeProxyFactory"), "");
        address handler = deployNpm(
            string.concat(folder, "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler"),
            ""
        );
        address[] memory owners = new address[](3);
        for (uint256 i; i < 3; ++i) owners[i] = _owner(i);
        bytes memory setup = abi.encodeCall(
            ISafeAccount.setup,
            (owners, 2, address(0), "", handler, address(0), 0, payable(0))
        );
        safe = ISafeAccount(ISafeAccount(factory).createProxyWithNonce(singleton, setup, 1));
    }

    function _owner(uint256 index) internal view returns (address) {
        return vm.addr(_ownerKeys[index]);
    }

    /// @dev A plain call, signed by two owners and sent by a stranger.
    function _viaSafe(address to, bytes memory data) internal {
        _send(_call(to, data));
    }

    /// @dev The same call, refused with `reason`; a Safe passes its call's revert data on.
    function _refuseViaSafe(address to, bytes memory data, bytes memory reason) internal {
        _refuse(_call(to, data), reason);
    }

    /// @dev The same, refused with an error of that name, whatever its arguments.
    function _refuseViaSafe(address to, bytes memory data, bytes4 selector) internal {
        SafeTx memory t = _call(to, data);
        bytes memory signatures = _sign(t);
        vm.expectPartialRevert(selector);
        _exec(t, signatures);
    }

    function _send(SafeTx memory t) internal {
        bytes memory signatures = _sign(t);
        _exec(t, signatures);
    }

    function _refuse(SafeTx memory t, bytes memory reason) internal {
        bytes memory signatures = _sign(t);
        vm.expectRevert(reason);
        _exec(t, signatures);
    }

    function _call(address to, bytes memory data) internal pure returns (SafeTx memory t) {
        t.to = to;
        t.data = data;
    }

    function _exec(SafeTx memory t, bytes memory signatures) private {
        safe.execTransaction(
            t.to,
            t.value,
            t.data,
            t.operation,
            t.safeTxGas,
            t.baseGas,
            t.gasPrice,
            t.gasToken,
            t.refundReceiver,
            signatures
        );
    }

    /// @dev Two owners sign the EIP-712 hash; a Safe wants their signatures in the order of their addresses.
    function _sign(SafeTx memory t) internal view returns (bytes memory) {
        bytes32 hash = safe.getTransactionHash(
            t.to,
            t.value,
            t.data,
            t.operation,
            t.safeTxGas,
            t.baseGas,
            t.gasPrice,
            t.gasToken,
            t.refundReceiver,
            safe.nonce()
        );
        (uint256 first, uint256 second) = (_ownerKeys[0], _ownerKeys[2]);
        if (vm.addr(first) > vm.addr(second)) (first, second) = (second, first);
        return bytes.concat(_signature(first, hash), _signature(second, hash));
    }

    function _signature(uint256 key, bytes32 hash) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, hash);
        return abi.encodePacked(r, s, v);
    }
}
