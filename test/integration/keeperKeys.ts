import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { encryptKeystoreJson, Wallet } from "ethers";
import { parseConfig } from "../../src/keeper/config.ts";
import { createLog } from "../../src/keeper/ops/log.ts";
import { KeyShared, openKeeper } from "../../src/keeper/service.ts";
import { emptyDatabase } from "../helpers/databases.ts";
import { rejection } from "../helpers/safeScene.ts";

const PASSWORD = "correct horse";

describe("the keys of a keeper's vaults", () => {
  it("are refused at the start where two names lead to one account of a chain", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ballast-keys-"));
    try {
      const account = new Wallet(Wallet.createRandom().privateKey);
      const keystore = join(folder, "key.json");
      await writeFile(keystore, await encryptKeystoreJson(account, PASSWORD, { scrypt: { N: 1_024, r: 8, p: 1 } }));
      const vault = (name: string): object => ({ name, chain: "local", deployment: name, out: folder, key: name });
      const config = parseConfig(
        JSON.stringify({
          database: await emptyDatabase("embedded"),
          chains: { local: { chainId: 31_337, rpc: ["http://127.0.0.1:1"] } },
          keys: { one: { keystore }, two: { keystore } },
          vaults: [vault("one"), vault("two")],
        }),
        "keeper.yaml",
        {},
      );
      const error = await rejection(
        openKeeper({
          config,
          environment: { BALLAST_PASSWORD: PASSWORD },
          worker: "keys",
          readDeployment: () => expect.fail("nothing else is looked at"),
          log: createLog({ form: "text", write: () => undefined }),
          version: "test",
        }),
      );
      expect(error).to.be.instanceOf(KeyShared);
      expect(error.message).to.match(
        new RegExp(`^vaults one and two send from ${account.address} on chain 31337, .* a key of its own$`),
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
