// Faults that no test notices, each with the reason: `file operator: line before -> line after`, as the audit prints it
// less the line's number. One that no longer exists is reported, so that nothing is argued that is not there.

/** They behave as the contract does, so they are no faults and do not count. */
export const ALIKE: Readonly<Record<string, string>> = {
  "contracts/rebalance/HedgePolicy.sol boundary: return beyond > 0 ? beyond : int256(0); -> return beyond >= 0 ? beyond : int256(0);":
    "Zero either way.",
  "contracts/rebalance/Rebalancer.sol boundary: bool nearer = size < 0 ? target.size >= size && target.size <= 0 : target.size <= size && target.size >= 0; -> bool nearer = size <= 0 ? target.size >= size && target.size <= 0 : target.size <= size && target.size >= 0;":
    "Where nothing is held, either side lets through zero alone.",
  "contracts/rebalance/Rebalancer.sol boundary: if (share > m.concentrationBps) m.concentrationBps = share; -> if (share >= m.concentrationBps) m.concentrationBps = share;":
    "An equal share takes its own place.",
  "contracts/rebalance/Rebalancer.sol boundary: if (leverage > m.leverageBps) m.leverageBps = leverage; -> if (leverage >= m.leverageBps) m.leverageBps = leverage;":
    "An equal leverage takes its own place.",
  "contracts/rebalance/Rebalancer.sol boundary: return delta < 0 ? -magnitude : magnitude; -> return delta <= 0 ? -magnitude : magnitude;":
    "Zero has no sign.",
  "contracts/regime/AttestedFeed.sol boundary: for (; j > 0 && answers[j - 1] > answer; --j) answers[j] = answers[j - 1]; -> for (; j > 0 && answers[j - 1] >= answer; --j) answers[j] = answers[j - 1];":
    "Sorts the same: equal answers change places, and are no different.",
  "contracts/regime/AttestedFeed.sol boundary: if (greaterIsDefensive) return median < last - step ? int192(last - step) : median; -> if (greaterIsDefensive) return median <= last - step ? int192(last - step) : median;":
    "At the limit the limit is the median.",
  "contracts/regime/AttestedFeed.sol boundary: return median > last + step ? int192(last + step) : median; -> return median >= last + step ? int192(last + step) : median;":
    "At the limit the limit is the median.",
  "contracts/regime/RegimeOracle.sol boundary: uint256 move = uint256(newer > older ? newer - older : older - newer); -> uint256 move = uint256(newer >= older ? newer - older : older - newer);":
    "Equal prices differ by zero either way round.",
  "contracts/regime/RegimeOracle.sol boundary: uint256 left = from < total ? total - from : 0; -> uint256 left = from <= total ? total - from : 0;":
    "At the end nothing is left either way.",
  "contracts/regime/RegimeRule.sol boundary: if (called > level) return (called, 0); -> if (called >= level) return (called, 0);":
    "A close that calls for its own level keeps it and counts for nothing below: Calm never counts, an Elevated close is at 15 or above, a Stress close is above 25 or inverted.",
  "contracts/vault/HedgeVault.sol truth: _follow(0, 0, false); -> _follow(0, 0, true);":
    "The first price seen is its own anchor, and so within any band of it.",
  "contracts/vault/HedgeVault.sol boundary: if (block.timestamp >= books.vestedAt) return books.cash; -> if (block.timestamp > books.vestedAt) return books.cash;":
    "In that second nothing is left to vest: all is taken off that is zero.",
  "contracts/vault/RedemptionQueue.sol boundary: uint256 claimedHere = claimed > entry.claimOffset ? Math.min(claimed - entry.claimOffset, entry.settled) : 0; -> uint256 claimedHere = claimed >= entry.claimOffset ? Math.min(claimed - entry.claimOffset, entry.settled) : 0;":
    "Where they are equal the difference is the zero of the other side.",
  "contracts/vault/SharePrice.sol boundary: if (assets * SCALE <= mark * newShares) return; -> if (assets * SCALE < mark * newShares) return;":
    "Who pays the mark leaves the average where it was.",
  "contracts/vault/SharePrice.sol boundary: price < anchor.price -> price <= anchor.price":
    "An anchor at the price stays there, from above or from below.",
  "contracts/vault/SharePrice.sol boundary: uint256 distance = price > anchor ? price - anchor : anchor - price; -> uint256 distance = price >= anchor ? price - anchor : anchor - price;":
    "Equal prices differ by zero either way round.",
  "contracts/vault/SharePrice.sol boundary: price > anchor -> price >= anchor":
    "Asked only of prices outside the band, which the anchor's own is not.",
  "contracts/vault/VenueList.sol boundary: for (uint256 i; i < last; ++i) { -> for (uint256 i; i <= last; ++i) {":
    "The last one takes its own place, and is taken off.",
};

/** They count as survivors; why they may. */
export const ARGUED: Readonly<Record<string, string>> = {
  "contracts/governance/ReviewGuard.sol boundary: if (gasleft() < LENS_GAS_NEEDED) revert NotEnoughGas(gasleft(), LENS_GAS_NEEDED); -> if (gasleft() <= LENS_GAS_NEEDED) revert NotEnoughGas(gasleft(), LENS_GAS_NEEDED);":
    "One unit of gas, of which 10,000 are spare.",
  "contracts/vault/HedgeVault.sol boundary: if (gasleft() < ENOUGH_GAS) revert InsufficientGas(gasleft()); -> if (gasleft() <= ENOUGH_GAS) revert InsufficientGas(gasleft());":
    "One unit of gas: what is promised is that little gas shows no old value, not where little ends.",
  "contracts/vault/RedemptionQueue.sol boundary: if (gasleft() < UNWIND_GAS + UNWIND_GAS / 32) revert IHedgeVault.InsufficientGas(gasleft()); -> if (gasleft() <= UNWIND_GAS + UNWIND_GAS / 32) revert IHedgeVault.InsufficientGas(gasleft());":
    "One unit of gas, and 1/32 is more than the 1/64 that a call keeps.",
  "contracts/vault/SharePrice.sol rounding: ? Math.mulDiv(price, BPS, BPS + bandBps, Math.Rounding.Ceil) - anchor -> ? Math.mulDiv(price, BPS, BPS + bandBps, Math.Rounding.Floor) - anchor":
    "A 10^-24th of a price less, before the time is rounded up to whole seconds: no test was found that sees it.",
};
