import { Interface } from "ethers";
import { decodePlan } from "../../../src/plan/plan.ts";

/** What a Safe can do to itself: the calls that take it from its owners. Source: Safe's contracts, 1.4.1 and 1.5.0. */
export const SAFE_ITSELF = new Interface([
  "function enableModule(address module)",
  "function disableModule(address prevModule, address module)",
  "function addOwnerWithThreshold(address owner, uint256 threshold)",
  "function removeOwner(address prevOwner, address owner, uint256 threshold)",
  "function swapOwner(address prevOwner, address oldOwner, address newOwner)",
  "function changeThreshold(uint256 threshold)",
  "function setGuard(address guard)",
  "function setModuleGuard(address moduleGuard)",
  "function setFallbackHandler(address handler)",
]);

/** What a call does, as far as its bytes say it here: whoever announced it chose them. */
export function callText({ to, value, data }: { to: string; value: string; data: string }, safe: string): string {
  const paid = value === "0" ? "" : `, and pays ${value} wei`;
  if (data === "0x") return `nothing is called${paid}`;
  const known = planText(data) ?? (to.toLowerCase() === safe.toLowerCase() ? ownText(data) : null);
  return `${known ?? `${data.slice(0, 10)} with ${data.length / 2 - 1} bytes, which this page cannot read`}${paid}`;
}

function planText(data: string): string | null {
  try {
    return `a plan for ${decodePlan(data).regime}`;
  } catch {
    return null;
  }
}

function ownText(data: string): string | null {
  try {
    const own = SAFE_ITSELF.parseTransaction({ data });
    return own === null ? null : `the Safe’s own ${own.name}(${own.args.map(String).join(", ")})`;
  } catch {
    // The right first four bytes with arguments that are none.
    return null;
  }
}
