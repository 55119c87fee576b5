import { createRequire } from "node:module";
import ProtocolKit from "@safe-global/protocol-kit";
import { expect } from "chai";
import { Contract, concat, keccak256 } from "ethers";
import { safeAbi } from "../../deploy/devnet/safe.ts";
import type { SafeContracts } from "../../deploy/devnet/safe.ts";
import { readSafe } from "../../src/safe/account.ts";
import { NotASafe } from "../../src/safe/errors.ts";
import { domainHash, isPlainCall, messageHash, plainCall, safeTxHash } from "../../src/safe/transaction.ts";
import type { SafeTx } from "../../src/safe/transaction.ts";
import { SAFE_VERSIONS, rejection, safeScene, transferPacket } from "../helpers/safeScene.ts";

const require = createRequire(import.meta.url);
// Under NodeNext the kit's types put the class one level below where Node finds it.
const Kit = ProtocolKit as unknown as typeof ProtocolKit.default;

const PUBLISHED: Record<keyof SafeContracts, string> = {
  safeSingletonAddress: "safe_l2",
  safeProxyFactoryAddress: "safe_proxy_factory",
  fallbackHandlerAddress: "compatibility_fallback_handler",
  multiSendAddress: "multi_send",
  multiSendCallOnlyAddress: "multi_send_call_only",
  signMessageLibAddress: "sign_message_lib",
  createCallAddress: "create_call",
  simulateTxAccessorAddress: "simulate_tx_accessor",
};

for (const version of SAFE_VERSIONS) {
  describe(`Safe ${version} on the local chain`, () => {
    it("has every contract at the address it has on public chains", async () => {
      const { deployment, chain } = await safeScene(version);
      for (const [name, file] of Object.entries(PUBLISHED)) {
        const published = require(`@safe-global/safe-deployments/dist/assets/v${version}/${file}.json`) as {
          deployments: { canonical: { address: string; codeHash: string } };
        };
        const address = deployment.addresses[name as keyof SafeContracts];
        expect(address, name).to.equal(published.deployments.canonical.address);
        expect(keccak256(await chain.provider.getCode(address)), name).to.equal(
          published.deployments.canonical.codeHash,
        );
      }
    });

    it("is a Safe of the asked version, owners and threshold, at the same address on every chain", async () => {
      const [first, second] = [await safeScene(version), await safeScene(version)];
      expect(second.safe).to.equal(first.safe);
      const account = await readSafe(first.chain.provider, first.safe);
      expect(account).to.deep.equal({
        address: first.safe,
        chainId: 31337n,
        version,
        owners: (["owner1", "owner2", "owner3"] as const).map((name) => first.chain.address(name)),
        threshold: 2,
        nonce: 0n,
      });
      const error = await rejection(readSafe(first.chain.provider, first.tokenAddress));
      expect(error).to.be.instanceOf(NotASafe);
    });

    it("hashes a transaction as the contract and Safe's kit do", async () => {
      const scene = await safeScene(version);
      const plain = transferPacket(scene, 5n, 3).safeTx;
      const full: SafeTx = {
        ...plain,
        value: "12",
        operation: 1,
        safeTxGas: "70000",
        baseGas: "21000",
        gasPrice: "9",
        gasToken: scene.tokenAddress,
        refundReceiver: scene.chain.address("keeper"),
      };
      const contract = new Contract(scene.safe, safeAbi(version), scene.chain.provider);
      const kit = await Kit.init({
        provider: { request: ({ method, params }) => scene.chain.request(method, params as unknown[]) },
        safeAddress: scene.safe,
        contractNetworks: scene.deployment.contractNetworks,
      });
      for (const tx of [plain, full]) {
        const { to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce } = tx;
        const ours = safeTxHash(scene.chainId, scene.safe, tx);
        const args = [to, value, data, operation, safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce];
        expect(await contract.getFunction("getTransactionHash")(...args)).to.equal(ours);
        const kitTx = await kit.createTransaction({
          transactions: [{ to, value, data, operation }],
          options: { safeTxGas, baseGas, gasPrice, gasToken, refundReceiver, nonce: Number(nonce) },
        });
        expect(await kit.getTransactionHash(kitTx)).to.equal(ours);
        const halves = concat(["0x1901", domainHash(scene.chainId, scene.safe), messageHash(tx)]);
        expect(keccak256(halves)).to.equal(ours);
      }
    });
  });
}

describe("plainCall", () => {
  const to = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC";

  it("sets nothing but target, data and nonce", () => {
    expect(isPlainCall(plainCall(to.toLowerCase(), "0xABCD", 4n))).to.equal(true);
    expect(plainCall(to.toLowerCase(), "0xABCD", 4n)).to.include({ to, data: "0xabcd", nonce: "4", operation: 0 });
  });

  it("is told apart from every other shape", () => {
    const plain = plainCall(to, "0x", 0);
    const others: Partial<SafeTx>[] = [
      { value: "1" },
      { operation: 1 },
      { safeTxGas: "1" },
      { baseGas: "1" },
      { gasPrice: "1" },
      { gasToken: to },
      { refundReceiver: to },
    ];
    for (const other of others) expect(isPlainCall({ ...plain, ...other }), JSON.stringify(other)).to.equal(false);
  });
});
