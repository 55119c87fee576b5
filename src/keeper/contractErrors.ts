import type { Interface } from "ethers";
import {
  AccessManager__factory,
  CurieAdapter__factory,
  HedgePolicy__factory,
  HedgeVault__factory,
  PriceOracle__factory,
  Rebalancer__factory,
  RegimeOracle__factory,
  ReviewGuard__factory,
  SharePrice__factory,
  UniswapV3Adapter__factory,
} from "../../typechain-types/index.js";

/** Every contract whose custom errors a plan can end with, for decoding reverts by name. */
export const CONTRACT_ERRORS: Interface[] = [
  Rebalancer__factory,
  HedgePolicy__factory,
  HedgeVault__factory,
  PriceOracle__factory,
  RegimeOracle__factory,
  ReviewGuard__factory,
  SharePrice__factory,
  UniswapV3Adapter__factory,
  CurieAdapter__factory,
  AccessManager__factory,
].map((factory) => factory.createInterface());
