import { createRequire } from "node:module";
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatMocha from "@nomicfoundation/hardhat-mocha";
import hardhatNetworkHelpers from "@nomicfoundation/hardhat-network-helpers";
import hardhatTypechain from "@nomicfoundation/hardhat-typechain";
import fc from "fast-check";
import { defineConfig } from "hardhat/config";

// The compiler comes from npm at a pinned version: nothing is downloaded at build time.
const solc = { version: "0.8.30", path: createRequire(import.meta.url).resolve("solc/soljson.js") };

/** How often random tests run: a little in `npm test`, much in `npm run test:deep`. */
const DEPTH =
  process.env["BALLAST_TESTS"] === "deep"
    ? { fuzz: { runs: 10_000 }, invariant: { runs: 60, depth: 200 } }
    : { fuzz: { runs: 256 }, invariant: { runs: 8, depth: 100 } };

// Properties draw the same cases in each run, as fuzz tests in Solidity do: a gate that fails one run in fifty is believed
// by nobody. `BALLAST_SEED` draws others; fast-check prints the counterexample it shrank to.
const seed = process.env["BALLAST_SEED"] ?? "1";
if (!/^\d{1,9}$/.test(seed)) throw new RangeError(`BALLAST_SEED is ${JSON.stringify(seed)}: give a whole number`);
fc.configureGlobal({ seed: Number(seed) });

export default defineConfig({
  // Not hardhat-ethers-chai-matchers: from the first network connection on, its closeTo takes integers only, so tests
  // of statistics would pass or fail by the order of the files.
  plugins: [hardhatEthers, hardhatMocha, hardhatNetworkHelpers, hardhatTypechain],
  solidity: {
    ...solc,
    settings: { optimizer: { enabled: true, runs: 200 }, evmVersion: "cancun" },
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
  },
  paths: {
    sources: ["./contracts", "./deploy/devnet/contracts", "./bench/contracts"],
    tests: { mocha: "./test", solidity: "./test/contracts" },
  },
  networks: {
    // One process, the real venues' bytecode: every test and the demo start from this chain. Venue contracts were built
    // for chains with larger limits than Ethereum's (Curie's ClearingHouse is above 24 KiB with our settings off).
    devnet: {
      type: "edr-simulated",
      chainId: 31337,
      chainType: "l1",
      blockGasLimit: 60_000_000n,
      allowBlocksWithSameTimestamp: true,
    },
  },
  typechain: { outDir: "typechain-types" },
  test: {
    mocha: { timeout: 120_000, forbidPending: true, forbidOnly: process.env["CI"] !== undefined },
    solidity: {
      // The venues' published bytecode, deployed by test/contracts/support/Npm.sol.
      fsPermissions: { readDirectory: ["node_modules"] },
      ...DEPTH,
    },
  },
});
