import { AbiCoder, getAddress, keccak256 } from "ethers";
import { Rebalancer__factory } from "../../typechain-types/index.js";
import type { IRebalancer } from "../../typechain-types/contracts/rebalance/Rebalancer.js";
import { REGIME_NAMES } from "../regime/ruleMachine.ts";
import type { RegimeName } from "../regime/ruleMachine.ts";

/** A plan of targets, as the Rebalancer takes it. Whole numbers beyond 2^53 are decimal strings. */
export interface Plan {
  nonce: string;
  validAfter: number;
  validUntil: number;
  regime: RegimeName;
  derisk: boolean;
  fromPrice: string;
  toleranceBps: number;
  cashReserve: string;
  evidence: string;
  liquidity: LiquidityTarget[];
  perps: PerpTarget[];
}

export interface LiquidityTarget {
  adapter: string;
  tickLower: number;
  tickUpper: number;
  shareBps: number;
  fromLiquidity: string;
}

export interface PerpTarget {
  adapter: string;
  size: string;
  equity: string;
  fromSize: string;
}

/** Room for a hash, an address or any number of a plan. */
const MAX_SHOWN_LENGTH = 100;

/** The last second a JavaScript Date can tell. */
const LAST_SECOND = 8_640_000_000_000n;

/** The call's data is not a plan for the Rebalancer. */
export class NotAPlan extends Error {
  constructor(detail: string) {
    super(`the transaction's data is no call of Rebalancer.execute (${detail}): do not sign it`);
    this.name = "NotAPlan";
  }
}

const rebalancer = Rebalancer__factory.createInterface();

/** The nonce of a slot's plan: the same slot of the same vault always gives the same one, so it executes at most once. */
export function planNonce(chainId: string, vault: string, slotStart: number): string {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["string", "uint256", "address", "uint256"],
    ["ballast.slot", chainId, vault, slotStart],
  );
  return BigInt(keccak256(encoded)).toString();
}

/** Calldata of Rebalancer.execute for a plan. */
export function encodePlan(plan: Plan): string {
  return rebalancer.encodeFunctionData("execute", [structOf(plan)]);
}

/** Calldata of Rebalancer.deleverage for a plan of the keeper's own. */
export function encodeDeleverage(plan: Plan): string {
  return rebalancer.encodeFunctionData("deleverage", [structOf(plan)]);
}

function structOf(plan: Plan): IRebalancer.PlanStruct {
  return { ...plan, regime: REGIME_NAMES.indexOf(plan.regime) };
}

/** The plan in calldata of Rebalancer.execute. Throws NotAPlan. */
export function decodePlan(data: string): Plan {
  let decoded: IRebalancer.PlanStructOutput;
  try {
    [decoded] = rebalancer.decodeFunctionData("execute", data);
  } catch (error) {
    throw new NotAPlan(error instanceof Error ? error.message.slice(0, 120) : String(error));
  }
  const regime = REGIME_NAMES[Number(decoded.regime)];
  if (regime === undefined) throw new NotAPlan(`regime ${decoded.regime} does not exist`);
  if (decoded.validAfter > LAST_SECOND || decoded.validUntil > LAST_SECOND) {
    throw new NotAPlan("its times are beyond any calendar");
  }
  const plan: Plan = {
    nonce: decoded.nonce.toString(),
    validAfter: Number(decoded.validAfter),
    validUntil: Number(decoded.validUntil),
    regime,
    derisk: decoded.derisk,
    fromPrice: decoded.fromPrice.toString(),
    toleranceBps: Number(decoded.toleranceBps),
    cashReserve: decoded.cashReserve.toString(),
    evidence: decoded.evidence,
    liquidity: decoded.liquidity.map((target) => ({
      adapter: getAddress(target.adapter),
      tickLower: Number(target.tickLower),
      tickUpper: Number(target.tickUpper),
      shareBps: Number(target.shareBps),
      fromLiquidity: target.fromLiquidity.toString(),
    })),
    perps: decoded.perps.map((target) => ({
      adapter: getAddress(target.adapter),
      size: target.size.toString(),
      equity: target.equity.toString(),
      fromSize: target.fromSize.toString(),
    })),
  };
  // Data with anything appended or encoded another way would decode to the same plan: it is refused.
  if (encodePlan(plan) !== data.toLowerCase()) throw new NotAPlan("it is not the plan's only encoding");
  return plan;
}

/** The path of the first field in which two plans differ, with both values; null when they are the same. */
export function firstDifference(left: unknown, right: unknown, path = ""): string | null {
  if (typeof left === "object" && left !== null && typeof right === "object" && right !== null) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    for (const key of keys) {
      const inner = firstDifference(
        (left as Record<string, unknown>)[key],
        (right as Record<string, unknown>)[key],
        path === "" ? key : `${path}.${key}`,
      );
      if (inner !== null) return inner;
    }
    return null;
  }
  return left === right ? null : `${path}: ${shown(left)} against ${shown(right)}`;
}

/** A value as far as a line has room for it. Others' JSON may hold an object here, or a text without end. */
function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}…` : text;
}
