// One fault for each symbolic check, to show that the check can fail: see ../auditSymbolic.ts, `--faults`.

export interface Fault {
  check: string;
  /** The file in the copy of the sources. */
  path: string;
  /** Text that is there once. */
  from: string;
  to: string;
}

const POLICY = "contracts/rebalance/HedgePolicy.sol";
const RULE = "contracts/regime/RegimeRule.sol";
const QUEUE = "contracts/vault/RedemptionQueue.sol";
const PRICE = "contracts/vault/SharePrice.sol";
const LIST = "contracts/vault/VenueList.sol";
const SLICES = "contracts/venues/SliceBook.sol";

export const FAULTS: readonly Fault[] = [
  {
    check: "check_constructor_bandsTightenTowardsStress",
    path: POLICY,
    from: "b.cashMinBps >= calmer.cashMinBps &&",
    to: "",
  },
  { check: "check_judge_noBreachGrows", path: POLICY, from: "breach > breachBefore", to: "breach > breachBefore + 1" },
  {
    check: "check_judge_outsideABreachShrinksByTheStep",
    path: POLICY,
    from: "breachBefore - breach >= int256(minStepBps)",
    to: "breachBefore - breach >= 1",
  },
  { check: "check_judge_insideAllBandsPasses", path: POLICY, from: "if (breach > 0 &&", to: "if (breach >= 0 &&" },
  {
    check: "check_judge_unknownAddsNoRisk",
    path: POLICY,
    from: "afterwards.leverageBps > before.leverageBps",
    to: "afterwards.leverageBps > before.leverageBps + 1",
  },
  {
    check: "check_step_neverBelowWhatTheCloseCallsFor",
    path: RULE,
    from: "if (called > level) return (called, 0);",
    to: "if (called > level) return (Regime(uint8(level) + 1), 0);",
  },
  {
    check: "check_step_downByOneAfterTheDwellAlone",
    path: RULE,
    from: "|| vix > vix3m) return (level, 0)",
    to: ") return (level, 0)",
  },
  { check: "check_step_liftedStaysInStress", path: RULE, from: "(Regime.Stress, 0)", to: "(Regime.Stress, streak)" },
  {
    check: "check_setAside_neverMoreThanTheWhole",
    path: SLICES,
    from: "Math.mulDiv(total - aside, shares",
    to: "Math.mulDiv(total, shares",
  },
  { check: "check_takeUnits_leavesTheRest", path: SLICES, from: "uint128(total - units)", to: "uint128(total)" },
  { check: "check_own_neverMoreThanAll", path: SLICES, from: "amount, _total - aside", to: "amount, _total + aside" },
  {
    check: "check_mulDiv_isThePlainOne",
    path: "openzeppelin-as-published/utils/math/Math.sol",
    from: "return low / denominator;",
    to: "return low / denominator + 1;",
  },
  {
    check: "check_ternary_isThePlainOne",
    path: "openzeppelin-as-published/utils/math/Math.sol",
    from: "b ^ ((a ^ b)",
    to: "b ^ ((a | b)",
  },
  { check: "check_set_capsAreKeptAndNoMoreThanAll", path: LIST, from: "capBps > BPS", to: "capBps > BPS + 1" },
  {
    check: "check_set_anAdapterIsListedOnce",
    path: LIST,
    from: "list.adapters.push(adapter);\n        }\n",
    to: "}\n        list.adapters.push(adapter);\n",
  },
  {
    check: "check_request_pendingIsTheSum",
    path: QUEUE,
    from: "queue.pendingShares += shares;",
    to: "queue.pendingShares = shares;",
  },
  { check: "check_settle_pendingIsTheSum", path: QUEUE, from: "entry.shares -= shares;", to: "entry.shares = 0;" },
  {
    check: "check_settle_claimsAreWhatWasSetAside",
    path: QUEUE,
    from: "claim.assets += assets;",
    to: "claim.assets += assets + 1;",
  },
  { check: "check_settle_leavesTheReserve", path: QUEUE, from: "terms.cash - reserve;", to: "terms.cash;" },
  {
    check: "check_settle_leavesThePriceOfThoseWhoStay",
    path: QUEUE,
    from: "terms.supply, terms.low + 1, Math.Rounding.Ceil",
    to: "terms.supply, terms.low + 1, Math.Rounding.Floor",
  },
  {
    check: "check_redeem_paysNoMoreThanTheClaim",
    path: QUEUE,
    from: "Math.mulDiv(shares, claim.assets, claim.shares)",
    to: "Math.mulDiv(shares, claim.assets, claim.shares) + 1",
  },
  {
    check: "check_withdraw_paysNoMoreThanTheClaim",
    path: QUEUE,
    from: "queue.claimsOutstanding -= assets;",
    to: "queue.claimsOutstanding -= assets - 1;",
  },
  {
    check: "check_follow_noFeeWithinThePeriod",
    path: PRICE,
    from: "mark.at != 0 && block.timestamp < mark.at + FEE_PERIOD",
    to: "mark.at != 0 && block.timestamp < mark.at + FEE_PERIOD / 2",
  },
  {
    check: "check_enter_theMarkIsTheAverageOfWhatWasPaid",
    path: PRICE,
    from: "Math.ceilDiv(mark * shares + assets * SCALE, shares + newShares)",
    to: "(mark * shares + assets * SCALE) / (shares + newShares)",
  },
  {
    check: "check_feeDue_noneAtOrBelowTheMark",
    path: PRICE,
    from: "if (price > next) {",
    to: "if (price + SCALE > next) {",
  },
  {
    check: "check_feeDue_isWorthItsPartOfTheGainAtMost",
    path: PRICE,
    from: "Math.mulDiv(price - next, feeBps, BPS)",
    to: "Math.mulDiv(price, feeBps, BPS)",
  },
];
