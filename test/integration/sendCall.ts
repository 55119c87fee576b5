import { expect } from "chai";
import { parseUnits } from "ethers";
import type { TransactionReceipt } from "ethers";
import type { AccountName } from "../../deploy/devnet/chain.ts";
import { sendCall, UrgentFirst } from "../../src/keeper/sendCall.ts";
import type { SendOptions } from "../../src/keeper/sendCall.ts";
import { NotMined } from "../../src/safe/mined.ts";
import { rejection } from "../helpers/safeScene.ts";
import { vaultScene } from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const MOST_FEE = parseUnits("10000", "gwei");
/** No time for what was sent before, and hardly any for what is sent. */
const IMPATIENT = { earlierWaitMs: 0, waitMs: 200 };

/** The chain mines when it is told to. */
describe("what a keeper sends with one key", () => {
  let scene: VaultScene;

  before(async () => {
    scene = await vaultScene();
  });
  beforeEach(() => scene.chain.request("evm_setAutomine", [false]));
  afterEach(async () => {
    await scene.chain.request("evm_setAutomine", [true]);
    await scene.reset();
  });

  const send = (to: AccountName, options: SendOptions): Promise<TransactionReceipt> => {
    const call = { to: scene.chain.address(to), value: 1n, data: "0x" };
    return sendCall("paying", scene.chain.provider, scene.chain.wallet("keeper"), call, options);
  };
  const urgently = (to: AccountName): Promise<TransactionReceipt> => send(to, { ...IMPATIENT, urgent: true });
  const whenItFits = (to: AccountName): Promise<TransactionReceipt> =>
    send(to, { ...IMPATIENT, maxFeePerGas: MOST_FEE });
  /** Whom the next block's transactions pay. */
  const paid = async (): Promise<(string | null)[]> => {
    await scene.chain.request("evm_mine", []);
    const block = await scene.chain.provider.getBlock("latest", true);
    return block!.prefetchedTransactions.map(({ to }) => to);
  };

  it("goes one after the other where two ticks of a vault send at once", async () => {
    const sending = Promise.all([send("market", {}), send("maker", {})]);
    const mining = setInterval(() => void scene.chain.request("evm_mine", []), 200);
    const receipts = await sending.finally(() => clearInterval(mining));
    const nonces = receipts.map(async (receipt) => (await receipt.getTransaction()).nonce);
    const [one, other] = await Promise.all(nonces);
    expect(Math.abs(one! - other!)).to.equal(1);
  });

  it("replaces what is stuck and can wait", async () => {
    expect(await rejection(whenItFits("market"))).to.be.instanceOf(NotMined);
    expect(await rejection(whenItFits("maker"))).to.be.instanceOf(NotMined);
    expect(await paid()).to.deep.equal([scene.chain.address("maker")]);
  });

  it("replaces nothing urgent by what can wait, though by what is urgent itself", async () => {
    expect(await rejection(urgently("market"))).to.be.instanceOf(NotMined);
    const error = await rejection(whenItFits("maker"));
    expect(error).to.be.instanceOf(UrgentFirst);
    expect(error.message).to.match(/^paying waits: transaction \d+ of the same key is urgent/);
    expect(await rejection(send("maker", IMPATIENT)), "at any price").to.be.instanceOf(UrgentFirst);
    expect(await rejection(urgently("executor"))).to.be.instanceOf(NotMined);
    expect(await rejection(whenItFits("maker"))).to.be.instanceOf(UrgentFirst);
    expect(await paid()).to.deep.equal([scene.chain.address("executor")]);
    expect(await rejection(whenItFits("maker"))).to.be.instanceOf(NotMined);
    expect(await rejection(whenItFits("market"))).to.be.instanceOf(NotMined);
    expect(await paid()).to.deep.equal([scene.chain.address("market")]);
  });
});
