import { Contract } from "ethers";
import type { Provider } from "ethers";
import { rpc } from "../../../src/keeper/observe.ts";
import { quoteAtOnce } from "../../../src/keeper/quote.ts";
import type { AtOnceQuote } from "../../../src/keeper/quote.ts";
import type { Deployment } from "../../../src/plan/deployment.ts";
import { HedgeVault__factory, VaultLens__factory } from "../../../typechain-types/index.js";
import { readRequestsOf } from "./queue.ts";
import type { QueuedRequest } from "./queue.ts";

export const ERC20 = [
  "function balanceOf(address) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
  "function approve(address spender, uint256 amount) returns (bool)",
];

/** What an account has in the vault and beside it. */
export interface Member {
  address: string;
  shares: bigint;
  locked: bigint;
  votes: bigint;
  delegatee: string;
  claimableAssets: bigint;
  claimableShares: bigint;
  /** The asset in its own hands, and what of it the vault may take. */
  assets: bigint;
  allowance: bigint;
  asset: string;
  atOnce: AtOnceQuote;
  /** Its own requests that wait, also those too far behind to be shown in the queue. */
  requests: QueuedRequest[];
}

/** Reads an account's side of the vault. */
export async function readMember(provider: Provider, deployment: Deployment, address: string): Promise<Member> {
  const vault = HedgeVault__factory.connect(deployment.vault, provider);
  const lens = VaultLens__factory.connect(deployment.lens, provider);
  const [member, asset, atOnce, requests] = await rpc(
    Promise.all([
      lens.member(address),
      vault.asset(),
      quoteAtOnce(provider, deployment, address),
      readRequestsOf(provider, deployment, address),
    ]),
  );
  const token = new Contract(asset, ERC20, provider);
  const [assets, allowance] = (await rpc(
    Promise.all([token.getFunction("balanceOf")(address), token.getFunction("allowance")(address, deployment.vault)]),
  )) as [bigint, bigint];
  const { shares, locked, votes, delegatee, claimableAssets, claimableShares } = member;
  return {
    ...{ address, shares, locked, votes, delegatee, claimableAssets, claimableShares },
    ...{ assets, allowance, asset, atOnce, requests },
  };
}

/** The calls a shareholder can make, for `sendCall`. */
export const memberCalls = (provider: Provider, deployment: Deployment) => {
  const vault = HedgeVault__factory.connect(deployment.vault, provider);
  return {
    approve: (asset: string, amount: bigint) =>
      new Contract(asset, ERC20, provider).getFunction("approve").populateTransaction(deployment.vault, amount),
    deposit: (assets: bigint, me: string) => vault.deposit.populateTransaction(assets, me),
    request: (shares: bigint, me: string) => vault.requestRedeem.populateTransaction(shares, me, me),
    redeemAtOnce: (shares: bigint, least: bigint, me: string) =>
      vault.redeemInstantly.populateTransaction(shares, least, me, me),
    cancel: (id: bigint, me: string) => vault.cancelRedeemRequest.populateTransaction(id, me),
    claim: (shares: bigint, me: string) => vault.redeem.populateTransaction(shares, me, me),
    settle: () => vault.settle.populateTransaction(16),
    force: (id: bigint) => vault.force.populateTransaction(id),
    delegate: (to: string) => vault.delegate.populateTransaction(to),
    previewDeposit: (assets: bigint) => vault.previewDeposit(assets),
  };
};
