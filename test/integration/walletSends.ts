import { expect } from "chai";
import { BrowserProvider, parseEther } from "ethers";
import type { ContractTransaction, JsonRpcSigner, TransactionResponse } from "ethers";
import { sendFromWallet } from "../../src/keeper/sendCall.ts";
import { mined, MinedAndReverted, NotMined, ReplacedByAnother } from "../../src/safe/mined.ts";
import { rejection } from "../helpers/safeScene.ts";
import { vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

/** The chain mines when it is told to; it is seen through the provider that the page wraps a wallet in. */
describe("what is sent from a person's wallet", () => {
  let scene: VaultScene;
  let signer: JsonRpcSigner;
  let call: ContractTransaction;

  before(async () => {
    scene = await vaultScene();
    const { chain, contracts } = scene;
    call = await contracts.vault.delegate.populateTransaction(chain.address("market"));
  });

  beforeEach(async () => {
    const { chain } = scene;
    await chain.request("evm_setAutomine", [false]);
    const request = ({ method, params }: { method: string; params?: unknown[] | Record<string, unknown> }) =>
      chain.request(method, (params ?? []) as unknown[]);
    const wallet = new BrowserProvider({ request }, "any");
    wallet.pollingInterval = 50;
    signer = await wallet.getSigner(chain.address("maker"));
  });

  afterEach(async () => {
    signer.provider.destroy();
    await scene.chain.request("evm_setAutomine", [true]);
    await scene.reset();
  });

  /** Block after block, as a chain makes them, until there is an answer: ethers may miss the first one. */
  const mineUntil = async <T>(answer: Promise<T>): Promise<T> => {
    const state = { isDone: false };
    const done = answer.finally(() => (state.isDone = true));
    done.catch(() => undefined);
    while (!state.isDone) {
      await scene.chain.request("evm_mine", []);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return done;
  };
  const chainId = async (): Promise<string> => (await scene.chain.provider.getNetwork()).chainId.toString();
  const pay = (change: object = {}): Promise<TransactionResponse> =>
    signer.sendTransaction({ to: scene.chain.address("market"), value: parseEther("1"), ...change });

  it("leaves the wallet's own payment alone, and comes after it", async () => {
    const payment = await pay({ gasLimit: 21_000n });
    const sending = sendFromWallet("delegating", scene.chain.provider, signer, call, await chainId());
    while (
      Number(await scene.chain.request("eth_getTransactionCount", [signer.address, "pending"])) <
      payment.nonce + 2
    ) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const receipt = await mineUntil(sending);
    const paid = await scene.chain.provider.getTransactionReceipt(payment.hash);
    expect(paid?.status).to.equal(1);
    expect((await receipt.getTransaction()).nonce).to.equal(payment.nonce + 1);
    expect((await receipt.getTransaction()).chainId).to.equal(BigInt(await chainId()));
  });

  /** Sends again at the same nonce, as a wallet's "speed up" and "cancel" do. */
  const again = async (first: TransactionResponse, change: object): Promise<TransactionResponse> =>
    signer.sendTransaction({
      ...{ to: first.to!, data: first.data, value: first.value, nonce: first.nonce, gasLimit: first.gasLimit },
      ...{ maxFeePerGas: first.maxFeePerGas! * 2n, maxPriorityFeePerGas: first.maxPriorityFeePerGas! * 2n },
      ...change,
    });

  it("is done when the wallet sped it up", async () => {
    const first = await signer.sendTransaction({ ...call, gasLimit: 200_000n });
    const waiting = mined("delegating", first);
    const faster = await again(first, {});
    expect((await mineUntil(waiting)).hash).to.equal(faster.hash);
  });

  it("is not done when the wallet cancelled it, or sent something else in its place", async () => {
    for (const change of [{ to: signer.address, data: "0x", value: 0n }, { to: scene.chain.address("market") }]) {
      const first = await signer.sendTransaction({ ...call, gasLimit: 200_000n });
      const waiting = rejection(mined("delegating", first));
      const other = await again(first, change);
      const error = await mineUntil(waiting);
      expect(error).to.be.instanceOf(ReplacedByAnother);
      expect(error.message).to.include(other.hash);
    }
  });

  it("is not done when it reverted, or was sped up and reverted, or nobody mines it", async () => {
    const refused = { ...call, to: scene.deployment.vault, data: "0x12345678", gasLimit: 200_000n };
    for (const faster of [false, true]) {
      const first = await signer.sendTransaction(refused);
      const waiting = rejection(mined("asking", first));
      if (faster) await again(first, {});
      expect(await mineUntil(waiting)).to.be.instanceOf(MinedAndReverted);
    }
    const error = await rejection(mined("paying", await pay(), 300));
    expect(error).to.be.instanceOf(NotMined);
    expect(error.message).to.include("0.3 s");
  });
});
