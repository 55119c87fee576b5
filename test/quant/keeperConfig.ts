import { expect } from "chai";
import { ConfigError, parseConfig } from "../../src/keeper/config.ts";

type Part = Record<string, unknown>;

/** A configuration that is well, changed. */
function config(change: { chain?: Part; vault?: Part; vaults?: Part[]; rest?: Part } = {}): string {
  const chain = { chainId: 1, rpc: ["https://a.example/key", "https://b.example/key"], ...change.chain };
  const vault = { name: "main", chain: "mainnet", deployment: "d.json", out: "out", ...change.vault };
  return JSON.stringify({ chains: { mainnet: chain }, vaults: [vault, ...(change.vaults ?? [])], ...change.rest });
}

describe("the keeper's configuration", () => {
  it("is taken when it is well", () => {
    expect(parseConfig(config(), "k.yaml", {}).vaults[0]!.schedule).to.equal("*/15 * * * *");
    // A local chain of made-up days is years from this machine's clock.
    const chain = { maxBlockAgeSeconds: 1_000_000_000, maxClockLeadSeconds: 1_000_000_000 };
    expect(parseConfig(config({ chain }), "k.yaml", {}).chains["mainnet"]).to.deep.include(chain);
  });

  const second = { name: "second", chain: "mainnet", deployment: "d.json", out: "out" };
  const keys = { hot: { keystore: "hot.json" } };
  const other = { name: "other", chain: "mainnet", deployment: "o.json", out: "out", key: "hot" };
  const chains = {
    mainnet: { chainId: 1, rpc: ["https://a.example"] },
    again: { chainId: 1, rpc: ["https://b.example"] },
  };

  it("takes one key for vaults of different chains", () => {
    const rest = { keys, chains: { ...chains, again: { ...chains.again, chainId: 2 } } };
    const text = config({ vault: { key: "hot" }, vaults: [{ ...other, chain: "again" }], rest });
    expect(parseConfig(text, "k.yaml", {}).vaults.map(({ key }) => key)).to.deep.equal(["hot", "hot"]);
  });

  const REFUSED: [what: string, key: string, says: string | RegExp, text: string][] = [
    ["a random minute", "vaults.0.schedule", "random", config({ vault: { schedule: "H * * * *" } })],
    ["a day that never comes", "vaults.0.schedule", /five fields/, config({ vault: { schedule: "0 0 31 2 *" } })],
    ["six fields", "vaults.0.schedule", "five fields", config({ vault: { schedule: "0 0 0 * * *" } })],
    [
      "an interval that overflows a timer, and then is none",
      "heartbeat.everySeconds",
      "at most",
      config({ rest: { heartbeat: { url: "https://h.example", everySeconds: 3_000_000 } } }),
    ],
    ["a time-out that overflows", "chains.mainnet.timeoutMs", "at most", config({ chain: { timeoutMs: 2 ** 32 } })],
    [
      "an interval beyond all dates",
      "alerts.repeatAfterSeconds",
      "",
      config({ rest: { alerts: { repeatAfterSeconds: 1e13 } } }),
    ],
    ["a fee that no unit has", "chains.mainnet.maxFeeGwei", "", config({ chain: { maxFeeGwei: 1e-12 } })],
    [
      "a quorum of one node with itself",
      "chains.mainnet.rpc.1",
      "twice",
      config({ chain: { rpc: ["https://a.example/", "https://a.example/"], quorum: 2 } }),
    ],
    ["one vault under two names", "vaults.1.deployment", '"main" has the same', config({ vaults: [second] })],
    [
      "one key for two vaults of a chain",
      "vaults.1.key",
      /"main" has the same .* give "other" a key of its own/,
      config({ vault: { key: "hot" }, vaults: [other], rest: { keys } }),
    ],
    [
      "one key for two vaults of a chain that has two names",
      "vaults.1.key",
      '"main" has the same',
      config({ vault: { key: "hot" }, vaults: [{ ...other, chain: "again" }], rest: { keys, chains } }),
    ],
    [
      "a chain that only JavaScript knows",
      "vaults.0.chain",
      "none of chains",
      config({ vault: { chain: "constructor" } }),
    ],
    ["a key that only JavaScript knows", "vaults.0.key", "none of keys", config({ vault: { key: "constructor" } })],
    [
      "a chain's name of other letters",
      "chains.Main_Net",
      "lower-case",
      config({ rest: { chains: { Main_Net: {} } } }),
    ],
    ["a key's name of other letters", "keys.Hot_Key", "lower-case", config({ rest: { keys: { Hot_Key: {} } } })],
    ["an unknown key", "vaults.0.emergncy", "no such key", config({ vault: { emergncy: {} } })],
  ];
  for (const [what, key, says, text] of REFUSED) {
    it(`refuses ${what}, by the key's name`, () => {
      let thrown: unknown = null;
      try {
        parseConfig(text, "k.yaml", {});
      } catch (error) {
        thrown = error;
      }
      expect(thrown).to.be.instanceOf(ConfigError);
      expect((thrown as Error).message).to.include(`k.yaml: ${key}: `);
      expect((thrown as Error).message).to.match(typeof says === "string" ? new RegExp(says) : says);
    });
  }
});
