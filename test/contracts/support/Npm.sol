// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {vm} from "./Vm.sol";

/// @notice The constructor reverted, or the artifact holds no code: the package's version or the arguments do not fit.
error NotDeployed(string artifact);

/// @dev Deploys what an npm package publishes: the code of one of its artifacts, at the versions package.json pins.
/// @param artifact Path below node_modules, without the ending.
/// @param arguments The constructor's, ABI-encoded.
function deployNpm(string memory artifact, bytes memory arguments) returns (address deployed) {
    string memory json = vm.readFile(string.concat("node_modules/", artifact, ".json"));
    bytes memory code = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
    assembly ("memory-safe") {
        deployed := create(0, add(code, 32), mload(code))
    }
    if (deployed.code.length == 0) revert NotDeployed(artifact);
}
