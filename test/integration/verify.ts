import { expect } from "chai";
import { AbiCoder, ZeroAddress, concat, dataLength, dataSlice, toBeHex } from "ethers";
import type { Result } from "ethers";
import { memoryJournal } from "../../deploy/journal.ts";
import { DEFAULT_POLICY } from "../../deploy/parameters.ts";
import { deployVault } from "../../deploy/vault.ts";
import { localParameters } from "../../deploy/devnet/world.ts";
import { SAFE_ITSELF } from "../../app/src/model/calls.ts";
import { isFinal } from "../../app/src/model/checks.ts";
import { verify } from "../../src/keeper/verify.ts";
import type { Verdict } from "../../src/keeper/verify.ts";
import type { Evidence } from "../../src/plan/evidence.ts";
import type { Plan } from "../../src/plan/plan.ts";
import type { Packet } from "../../src/safe/packet.ts";
import { HedgeVault__factory, ReplayFeed__factory, VaultLens__factory } from "../../typechain-types/index.js";
import type { VaultLens } from "../../typechain-types/index.js";
import { decideNow, forge, withoutHistory } from "../helpers/forge.ts";
import type { Forgery, Honest } from "../helpers/forge.ts";
import {
  closeNextSession,
  execute,
  fund,
  marketAt,
  newRounds,
  openPositions,
  usdc,
  vaultScene,
  viaSafe,
} from "../helpers/vaultScene.ts";
import type { VaultScene } from "../helpers/vaultScene.ts";

const DAY = 86_400;

/** A forgery, the check that must find it, and a word that must be in what it says. */
type Case = [what: string, forgery: Forgery, check: string, word: string];

describe("Verifying a proposal", () => {
  let scene: VaultScene;
  let honest: Honest;

  before(async () => {
    scene = await vaultScene([
      { name: "hedged", policy: DEFAULT_POLICY, deposit: 5_000_000 },
      { name: "other", policy: DEFAULT_POLICY, deposit: 1_000_000 },
    ]);
    // Positions, a day of history, then a fall: every part of the evidence holds something.
    await openPositions(scene);
    await closeNextSession(scene, 13, 15);
    await newRounds(scene, 2_812);
    await closeNextSession(scene, 28, 27);
    await marketAt(scene, 2_780);
    await scene.keep();
    honest = await decideNow(scene);
  });
  afterEach(() => scene.reset());

  describe("that is what it claims", () => {
    it("matches in every check, signed or not", async () => {
      const packet = await forgeHere({});
      const verdict = await check(packet);
      expect(verdict.ok, verdict.cause?.detail).to.equal(true);
      expect(verdict.checks.every(({ outcome }) => outcome === "match")).to.equal(true);
      expect(verdict.checks.map(({ name }) => name)).to.include.members([
        "safe code",
        "safe owners",
        "safe modules",
        "safe guards",
        "safe fallback handler",
        "plain call",
        "safeTxHash",
        "call",
        "evidence hash",
        "contracts",
        "your vault",
        "ruleset",
        "model",
        "evidence: block",
        "evidence: feeds",
        "evidence: regime",
        "evidence: policy",
        "evidence: liquidity",
        "evidence: perp",
        "net asset value",
        "regime",
        "decision",
        "freshness",
        "simulation",
        "safe untouched",
        "policy limits",
        "policy by contract",
        "proposed now",
        "signatures",
      ]);
      expect((await check({ ...packet, signatures: [] })).ok).to.equal(true);
      expect(verdict.after!.measures.liquidityBps < verdict.before!.measures.liquidityBps).to.equal(true);
    });

    it("still matches after blocks, rounds and moves within the tolerance", async () => {
      const packet = await forgeHere({});
      await marketAt(scene, 2_800, 3_600);
      const verdict = await check(packet);
      expect(verdict.ok, verdict.cause?.detail).to.equal(true);
    });

    it("says what it could not check without a deployment, or without the block's state", async () => {
      const packet = await forgeHere({});
      const anyVault = await verify({ provider: scene.chain.provider, packet });
      expect(anyVault.ok).to.equal(true);
      expect(skipped(anyVault)).to.deep.equal(["safe owners", "your vault"]);
      expect(anyVault.checks.map(({ name }) => name)).to.include("lens");

      await newRounds(scene);
      const forgetful = withoutHistory(scene);
      const verdict = await verify({ provider: forgetful, packet, deployment: scene.deployment });
      expect(verdict.ok, verdict.cause?.detail).to.equal(true);
      expect(verdict.checks.find(({ name }) => name === "evidence: positions")!.detail).to.include("keeps no state");
      expect(skipped(verdict)).to.deep.equal(["evidence: not re-read"]);
      expect(verdict.unread).to.include.members(["vault.cash", "liquidity", "perp"]);
    });
  });

  const INPUTS: Case[] = [
    ["a false feed value", evidence((e) => (e.feeds.base.answer = "290000000000")), "evidence: feeds", "base.answer"],
    [
      "a false value of the asset's feed",
      evidence((e) => (e.feeds.asset.answer = "99000000")),
      "evidence: feeds",
      "asset",
    ],
    ["a false volatility close", evidence((e) => (e.feeds.vix.answer = "1300000000")), "evidence: feeds", "vix.answer"],
    ["a false time of a round", evidence((e) => (e.feeds.base.updatedAt -= 1)), "evidence: feeds", "base.updatedAt"],
    [
      "another feed",
      evidence((e) => (e.feeds.base.address = e.feeds.asset.address)),
      "evidence: feeds",
      "base.address",
    ],
    ["other decimals", evidence((e) => (e.feeds.base.decimals = 9)), "evidence: feeds", "base.decimals"],
    ["more cash", evidence((e) => (e.vault.cash = String(BigInt(e.vault.cash) * 2n))), "evidence: vault", "cash"],
    ["fewer pending shares", evidence((e) => (e.vault.pendingShares = "1")), "evidence: vault", "pendingShares"],
    ["more shares", evidence((e) => (e.vault.totalSupply += "0")), "evidence: vault", "totalSupply"],
    ["other liquidity", evidence((e) => (e.liquidity.liquidity = "1")), "evidence: liquidity", "liquidity.liquidity"],
    [
      "fees that are not there",
      evidence((e) => (e.liquidity.feesAsset = "9000000000")),
      "evidence: liquidity",
      "feesAsset",
    ],
    ["another range", evidence((e) => (e.liquidity.tickLower -= 10)), "evidence: liquidity", "tickLower"],
    [
      "the pair turned round",
      evidence((e) => (e.liquidity.baseIsToken0 = !e.liquidity.baseIsToken0)),
      "evidence: liquidity",
      "baseIsToken0",
    ],
    ["a larger short", evidence((e) => (e.perp.size += "0")), "evidence: perp", "size"],
    ["collateral that is not there", evidence((e) => (e.perp.collateral += "0")), "evidence: perp", "collateral"],
    ["hidden funding", evidence((e) => (e.perp.pendingFunding = "123456789")), "evidence: perp", "pendingFunding"],
    ["dearer trades", evidence((e) => (e.perp.costBps = 900)), "evidence: perp", "costBps"],
    [
      "looser bands",
      evidence((e) => (e.policy.Stress.bands.liquidityMaxBps = 9_000)),
      "evidence: policy",
      "Stress.bands.liquidityMaxBps",
    ],
    [
      "a lower hedge ratio",
      evidence((e) => (e.policy.Stress.targets.hedgeRatioBps = 100)),
      "evidence: policy",
      "hedgeRatioBps",
    ],
    [
      "a higher liquidity target",
      evidence((e) => (e.policy.Stress.targets.liquidityBps = 5_000)),
      "evidence: policy",
      "liquidityBps",
    ],
    [
      "a session edited so that the regime comes out calm",
      evidence((e) => {
        e.regime.sessions.at(-1)![1] = "1300000000";
        e.regime.sessions.at(-1)![2] = "1500000000";
        e.regime.regime = "Calm";
      }),
      "evidence: regime",
      "Calm against Stress",
    ],
    [
      "the last session dropped, so that the regime comes out calm",
      evidence((e) => {
        e.regime.sessions.pop();
        e.regime.regime = "Calm";
      }),
      "evidence: regime",
      "regime",
    ],
    [
      "a session dropped from the middle",
      evidence((e) => e.regime.sessions.splice(100, 1)),
      "evidence: regime",
      "sessions.100",
    ],
    ["the regime lied about", evidence((e) => (e.regime.regime = "Calm")), "evidence: regime", "Stress"],
    ["a lift lied about", evidence((e) => (e.regime.liftPending = true)), "evidence: regime", "liftPending"],
    ["a later deadline of the regime", evidence((e) => (e.regime.staleAfter += DAY)), "evidence: regime", "staleAfter"],
    ["a block that never was", evidence((e) => (e.block.hash = `0x${"ab".repeat(32)}`)), "evidence: block", "hash"],
    ["a block still to come", evidence((e) => (e.block.number += 1_000)), "evidence: block", "does not exist"],
    ["another time of the block", evidence((e) => (e.block.timestamp += 60)), "evidence: block", "time"],
    ["yesterday's slot, for a nonce not used yet", evidence((e) => (e.slot.start -= DAY)), "evidence: slot", "slot"],
    ["another chain", evidence((e) => (e.chainId = "1")), "evidence: block", "chain 1"],
    ["other rules", evidence((e) => (e.ruleset.hash = `0x${"cd".repeat(32)}`)), "ruleset", "rules"],
    ["another version of the rules by number only", evidence((e) => (e.ruleset.version += 1)), "ruleset", "rules"],
  ];

  describe("with a false input, all else made to fit and signed by two owners, names it:", () => {
    for (const item of INPUTS) caught(item);

    it("an older round of a feed, with the values it really has", async () => {
      const feed = scene.world.feeds.ethUsd;
      const older = BigInt(honest.evidence.feeds.base.round) - 1n;
      const [, answer, , updatedAt] = (await feed.getFunction("getRoundData")(older)) as unknown as bigint[];
      const forged = await forgeHere(
        evidence((e) => {
          Object.assign(e.feeds.base, { round: String(older), answer: String(answer), updatedAt: Number(updatedAt) });
        }),
      );
      expectCaught(await check(forged), "evidence: feeds", "base.round");
      await newRounds(scene);
      expectCaught(
        await verify({ provider: withoutHistory(scene), packet: forged, deployment: scene.deployment }),
        "evidence: feeds.base",
        "was not the newest",
      );
    });

    it("nothing of a feed whose next phase began since, on a node that keeps no old state, but says so", async () => {
      const packet = await forgeHere({});
      const { round, address } = honest.evidence.feeds.base;
      // Twice, so that the round in question is not the newest, which is read in any case.
      await newRounds(scene);
      await newRounds(scene);
      const feed = ReplayFeed__factory.connect(address, scene.chain.provider);
      const [, ...rest] = await feed.latestRoundData();
      const newest = (1n << 64n) + 7n;
      const lens = VaultLens__factory.connect(scene.deployment.lens, scene.chain.provider);
      const asked = (id: bigint): string => feed.interface.encodeFunctionData("getRoundData", [id]);
      const answers = new Map([
        [asked(newest), feed.interface.encodeFunctionResult("getRoundData", [newest, ...rest])],
        [lens.interface.encodeFunctionData("snapshot"), await snapshotWithBaseRound(lens, newest)],
      ]);
      const then = async (isPhaseOver: boolean): Promise<Verdict> => {
        const provider = withoutHistory(scene, ({ to, data }) => {
          if (to === address.toLowerCase() && data === asked(BigInt(round) + 1n)) {
            throw Object.assign(new Error("reverted"), { code: 3, data: "0x" });
          }
          return isPhaseOver ? answers.get(data) : undefined;
        });
        return verify({ provider, packet, deployment: scene.deployment });
      };
      const over = await then(true);
      expect(over.ok, over.cause?.detail).to.equal(true);
      expect(skipped(over)).to.deep.equal(["evidence: feeds.base", "evidence: not re-read"]);
      expectCaught(await then(false), "evidence: feeds.base", "does not tell what followed it");
    });

    it("nothing, when the node refuses to say whether a newer round came: then it throws", async () => {
      const packet = await forgeHere({});
      const { round, address } = honest.evidence.feeds.base;
      // Twice, so that the round in question is not the newest, which is read in any case.
      await newRounds(scene);
      await newRounds(scene);
      const feed = ReplayFeed__factory.connect(address, scene.chain.provider);
      const following = feed.interface.encodeFunctionData("getRoundData", [BigInt(round) + 1n]);
      const limited = withoutHistory(scene, ({ to, data }) => {
        if (to !== address.toLowerCase() || data !== following) return undefined;
        throw Object.assign(new Error("daily request count exceeded"), { code: -32005 });
      });
      const outcome = await verify({ provider: limited, packet, deployment: scene.deployment }).catch(String);
      expect(outcome, "ethers says no more of it").to.be.a("string").that.includes("missing revert data");
    });

    it("numbers no rule can work with", async () => {
      for (const edit of [
        (e: Evidence) => (e.feeds.asset.answer = "0"),
        (e: Evidence) => (e.liquidity.tickUpper = 9_000_000),
        (e: Evidence) => (e.vault.cash = "-1"),
      ]) {
        const verdict = await check(await forgeHere(evidence(edit)));
        expect(verdict.ok).to.equal(false);
        expect(verdict.cause!.name).to.match(/^evidence: /);
      }
    });

    it("a feed of the forger's own, on a node that keeps no old state", async () => {
      const { chain } = scene;
      const feed = await chain.deploy(ReplayFeed__factory, ["ETH / USD", 8], "attacker");
      await chain.send("attacker", await feed.getFunction("push").populateTransaction(290_000_000_000n));
      const updatedAt = await chain.now();
      const later = await decideNow(scene);
      const forged = await forgeHere(
        evidence((e) => {
          const address = feed.target as string;
          Object.assign(e.feeds.base, { address, round: "1", answer: "290000000000", updatedAt });
        }),
        later,
      );
      await newRounds(scene);
      const verdict = await verify({ provider: withoutHistory(scene), packet: forged });
      expectCaught(verdict, "evidence: feeds.base", "the vault reads");
    });

    it("the last session dropped, on a node that keeps no old state", async () => {
      const forged = await forgeHere(
        evidence((e) => {
          e.regime.sessions.pop();
          const [, vix, vix3m] = e.regime.sessions.at(-1)!;
          Object.assign(e.feeds.vix, { round: String(BigInt(e.feeds.vix.round) - 1n), answer: vix });
          Object.assign(e.feeds.vix3m, { round: String(BigInt(e.feeds.vix3m.round) - 1n), answer: vix3m });
          e.feeds.vix.updatedAt -= DAY;
          e.feeds.vix3m.updatedAt -= DAY;
          e.regime.regime = "Calm";
        }),
      );
      await newRounds(scene);
      const verdict = await verify({ provider: withoutHistory(scene), packet: forged, deployment: scene.deployment });
      expectCaught(verdict, "evidence: sessions", "session");
    });

    it("a false feed value, on a node that keeps no old state", async () => {
      const forged = await forgeHere(evidence((e) => (e.feeds.base.answer = "290000000000")));
      await newRounds(scene);
      const verdict = await verify({ provider: withoutHistory(scene), packet: forged, deployment: scene.deployment });
      expectCaught(verdict, "evidence: feeds.base", "290000000000");
    });
  });

  describe("with an input dropped names it:", () => {
    const paths = [
      ...[
        "ruleset",
        "slot",
        "contracts.lens",
        "block",
        "feeds",
        "feeds.base",
        "feeds.asset",
        "feeds.vix",
        "feeds.vix3m",
      ],
      ...["regime", "regime.sessions", "regime.liftPending", "policy.Stress", "policy.Calm.targets", "vault.cash"],
      ...["vault.pendingShares", "liquidity", "liquidity.feesBase", "perp", "perp.size", "perp.pendingFunding"],
    ];
    for (const path of paths) {
      it(path, async () => {
        const keys = path.split(".");
        const last = keys.pop()!;
        const packet = await forgeHere({
          evidence: (e) => {
            const holder = keys.reduce<Record<string, unknown>>(
              (value, key) => value[key] as Record<string, unknown>,
              e as unknown as Record<string, unknown>,
            );
            Reflect.deleteProperty(holder, last);
          },
        });
        expectCaught(await check(packet), "evidence inputs", path);
      });
    }

    it("and one added", async () => {
      const packet = await forgeHere(evidence((e) => Object.assign(e, { mood: "good" })));
      expectCaught(await check(packet), "evidence inputs", "mood");
    });
  });

  const PLANS: Case[] = [
    ["a larger share", plan((p) => (p.liquidity[0]!.shareBps += 100)), "decision", "liquidity.0.shareBps"],
    ["a wider range", plan((p) => (p.liquidity[0]!.tickUpper += 10)), "decision", "liquidity.0.tickUpper"],
    ["a lower range", plan((p) => (p.liquidity[0]!.tickLower -= 10)), "decision", "liquidity.0.tickLower"],
    ["a smaller short", plan((p) => (p.perps[0]!.size = "-1000000000000000000")), "decision", "perps.0.size"],
    [
      "a short of one wei less",
      plan((p) => (p.perps[0]!.size = String(BigInt(p.perps[0]!.size) + 1n))),
      "decision",
      "perps.0.size",
    ],
    [
      "other margin",
      plan((p) => (p.perps[0]!.equity = String(BigInt(p.perps[0]!.equity) + 1n))),
      "decision",
      "perps.0.equity",
    ],
    ["no hedge at all", plan((p) => (p.perps = [])), "decision", "perps.0"],
    ["the hedge twice", plan((p) => p.perps.push(p.perps[0]!)), "decision", "perps.1"],
    ["a longer life", plan((p) => (p.validUntil += DAY)), "decision", "validUntil"],
    ["a wider tolerance", plan((p) => (p.toleranceBps = 10_000)), "decision", "toleranceBps"],
    ["another nonce", plan((p) => (p.nonce = "1")), "decision", "nonce"],
    ["no reserve for the queue", plan((p) => (p.cashReserve = "7")), "decision", "cashReserve"],
    ["the mark of a derisking plan", plan((p) => (p.derisk = true)), "decision", "derisk"],
    ["another price to start from", plan((p) => (p.fromPrice += "0")), "decision", "fromPrice"],
    ["another position to start from", plan((p) => (p.perps[0]!.fromSize = "-1")), "decision", "fromSize"],
    ["another regime", plan((p) => (p.regime = "Elevated")), "regime", "Elevated"],
    ["other evidence on chain", { plan: (p) => (p.evidence = `0x${"77".repeat(32)}`) }, "evidence hash", "commits"],
  ];

  describe("with another plan, all else made to fit and signed by two owners, names it:", () => {
    for (const item of PLANS) caught(item);

    it("another adapter", async () => {
      const other = scene.world.vaults[1]!.deployment;
      const moved = await forgeHere(plan((p) => (p.perps[0]!.adapter = other.perpAdapter)));
      expectCaught(await check(moved), "decision", "perps.0.adapter");
      const both = await forgeHere(evidence((e) => (e.perp.adapter = other.perpAdapter)));
      expectCaught(await check(both), "your vault", other.perpAdapter);
      const { liquidityAdapter, perpAdapter } = scene.deployment;
      for (const part of ["perp", "liquidity"] as const) {
        const swapped = part === "perp" ? liquidityAdapter : perpAdapter;
        for (const adapter of [other.perpAdapter, scene.chain.address("attacker"), swapped]) {
          const packet = await forgeHere(evidence((e) => (e[part].adapter = adapter)));
          const verdict = await verify({ provider: scene.chain.provider, packet });
          expect(verdict.ok, `${part} at ${adapter}`).to.equal(false);
          expect(verdict.cause!.name).to.match(/^(contracts|evidence: .*)$/);
        }
      }
    });

    it("an honest plan shown, another one in the transaction", async () => {
      const swapped = { ...(await forgeHere(plan((p) => (p.liquidity[0]!.shareBps = 5_000)))), plan: honest.plan };
      expectCaught(await check(swapped), "call", "shareBps");
    });
  });

  const TRANSACTIONS: Case[] = [
    ["a delegatecall", { safeTx: (tx) => (tx.operation = 1) }, "plain call", "operation"],
    ["a value", { safeTx: (tx) => (tx.value = "1") }, "plain call", "value"],
    ["a gas price, paid out of the Safe", { safeTx: (tx) => (tx.gasPrice = "1") }, "plain call", "refund"],
    ["a base gas", { safeTx: (tx) => (tx.baseGas = "1000000") }, "plain call", "refund"],
    ["a gas limit", { safeTx: (tx) => (tx.safeTxGas = "1") }, "plain call", "gas"],
    ["a refund token", { safeTx: (tx) => (tx.gasToken = `0x${"11".repeat(20)}`) }, "plain call", "refund"],
    ["a refund receiver", { safeTx: (tx) => (tx.refundReceiver = `0x${"22".repeat(20)}`) }, "plain call", "refund"],
    ["data behind the plan", { safeTx: (tx) => (tx.data += "00") }, "call", "only encoding"],
    ["another function", { safeTx: (tx) => (tx.data = "0x095ea7b3") }, "call", "do not sign"],
    ["another receiver", { safeTx: (tx) => (tx.to = `0x${"33".repeat(20)}`) }, "contracts", "the call goes to"],
    ["a nonce the Safe has passed", { safeTx: (tx) => (tx.nonce = "0") }, "freshness", "nonce"],
    ["another chain", { packet: { chainId: "1" } }, "chain", "chain 1"],
    ["a stranger's signature", { signers: ["owner1", "attacker"] }, "signatures", "no owner"],
  ];

  describe("with another transaction names it:", () => {
    for (const item of TRANSACTIONS) caught(item);

    it("another Safe, with and without its own evidence", async () => {
      const safe = scene.world.vaults[1]!.deployment.safe;
      const other = await forgeHere({ packet: { safe } });
      expectCaught(await check(other), "your safe", scene.deployment.safe);
      expectCaught(await checkAlone(other), "contracts", "the evidence is for Safe");
      const fitted = await forgeHere({ packet: { safe }, evidence: (e) => (e.contracts.safe = safe) });
      expectCaught(await checkAlone(fitted), "contracts", "may not call execute");
    });

    it("a call by which the Safe changes itself, and lets nobody wave it through", async () => {
      const { safe } = scene;
      for (const [what, name, word] of [
        ["enableModule", "call", "no call of Rebalancer.execute"],
        ["setFallbackHandler", "call", "no call of Rebalancer.execute"],
        ["setGuard", "guard", "no review guard"],
      ] as const) {
        const data = SAFE_ITSELF.encodeFunctionData(what, [scene.chain.address("attacker")]);
        const verdict = await check(await forgeHere({ safeTx: (tx) => Object.assign(tx, { to: safe, data }) }));
        expectCaught(verdict, name, word);
        expect(isFinal(verdict.checks), what).to.equal(true);
      }
      const data = SAFE_ITSELF.encodeFunctionData("setGuard", [ZeroAddress]);
      const removal = await check(await forgeHere({ safeTx: (tx) => Object.assign(tx, { to: safe, data }) }));
      expectCaught(removal, "guard removed", "nobody can veto");
      expect(isFinal(removal.checks), "a Safe's own way out of its guard").to.equal(false);
      const other = scene.world.vaults[1]!.deployment.safe;
      expect(isFinal((await check(await forgeHere({ packet: { safe: other } }))).checks), "another Safe").to.equal(
        true,
      );
      const elsewhere = await forgeHere({
        safeTx: (tx) => Object.assign(tx, { to: scene.deployment.vault, data: "0x" }),
      });
      expect(isFinal((await check(elsewhere)).checks), "a call its owners may want").to.equal(false);
    });

    it("an address that is no Safe", async () => {
      for (const safe of [scene.chain.address("attacker"), scene.deployment.vault]) {
        expectCaught(await checkAlone(await forgeHere({ packet: { safe } })), "safe", "does not answer as a Safe");
      }
    });
  });

  describe("that has had its time names the reason:", () => {
    it("expired", async () => {
      const packet = await forgeHere({});
      await scene.chain.warpTo(honest.plan.validUntil + 1);
      expectCaught(await check(packet), "freshness", "expired");
      const past = await verify({ provider: scene.chain.provider, packet, deployment: scene.deployment, now: false });
      expect(past.ok, past.cause?.detail).to.equal(true);
    });

    it("executed", async () => {
      const packet = await forgeHere({});
      await execute(scene, honest.plan);
      expectCaught(await check(packet), "freshness", "already executed");
    });

    it("overtaken by the market", async () => {
      const packet = await forgeHere({});
      await marketAt(scene, 2_600, 3_600);
      expectCaught(await check(packet), "simulation", "MovedSincePlan");
    });

    it("overtaken by another transaction of the Safe", async () => {
      const packet = await forgeHere({});
      await viaSafe(scene, { to: scene.safe, data: "0x" });
      expectCaught(await check(packet), "freshness", "nonce");
    });
  });

  describe("for contracts that only look like one's own", () => {
    it("fails against the deployment one knows, and is told apart without one", async () => {
      const { chain, world, deployment } = scene;
      const parameters = await localParameters(world, deployment.safe, DEFAULT_POLICY);
      const double = await deployVault(
        { signer: await chain.signer("attacker"), journal: memoryJournal() },
        parameters,
        {
          sharedRegimeOracle: deployment.regimeOracle,
        },
      );
      const amount = usdc(100_000);
      await fund({ ...scene, deployment: double }, "attacker", amount);
      const vault = HedgeVault__factory.connect(double.vault, chain.provider);
      await chain.send("attacker", await vault.deposit.populateTransaction(amount, chain.address("attacker")));
      const packet = await forgeHere({}, await decideNow(scene, double), double);

      expectCaught(await check(packet), "your vault", scene.deployment.lens);
      const unknown = await verify({ provider: chain.provider, packet });
      expect(unknown.ok, unknown.cause?.detail).to.equal(true);
      expect(skipped(unknown)).to.deep.equal(["safe owners", "your vault"]);
    });

    it("fails when only the lens is another, even one that answers all it is asked", async () => {
      const liar = await lyingLens();
      const deployment = { ...scene.deployment, lens: liar };
      const decided = await decideNow(scene, deployment);
      expect(decided.evidence.vault.cash, "the lie is in the evidence").to.equal("1");
      const packet = await forgeHere({}, decided, deployment);
      expectCaught(await check(packet), "your vault", "lens");
      expectCaught(await verify({ provider: scene.chain.provider, packet }), "lens", liar);
    });

    it("fails when the contracts named are none, or others", async () => {
      const nobody = scene.chain.address("attacker");
      for (const name of ["lens", "rebalancer", "policy", "regimeOracle", "priceOracle", "vault"] as const) {
        for (const address of [nobody, scene.deployment.liquidityAdapter]) {
          const forged = await forgeHere({
            evidence: (e) => (e.contracts[name] = address),
            ...(name === "rebalancer" ? { safeTx: (tx) => (tx.to = address) } : {}),
          });
          for (const known of [{ deployment: scene.deployment }, {}]) {
            const verdict = await verify({ provider: scene.chain.provider, packet: forged, ...known });
            expect(verdict.ok, name).to.equal(false);
            expect(["contracts", "your vault", "lens", "evidence: contracts", "evidence: chain"]).to.include(
              verdict.cause!.name,
            );
          }
        }
      }
    });

    /** Answers snapshot() with the truth, but for the vault's cash. */
    async function lyingLens(): Promise<string> {
      const { lens } = scene.contracts;
      const truth = await scene.chain.provider.call({
        to: scene.deployment.lens,
        data: lens.interface.encodeFunctionData("snapshot"),
      });
      const cash = AbiCoder.defaultAbiCoder().encode(["uint256"], [await scene.contracts.vault.cash()]);
      const at = truth.indexOf(cash.slice(2));
      const lie = truth.slice(0, at) + toBeHex(1, 32).slice(2) + truth.slice(at + 64);
      // Copies what stands behind its own 12 bytes of code to memory and returns it.
      const size = toBeHex(dataLength(lie), 2);
      const runtime = concat(["0x61", size, "0x80", "0x600b", "0x5f", "0x39", "0x5f", "0xf3", "0x00", lie]);
      expect(dataSlice(runtime, 11)).to.equal(lie);
      const length = toBeHex(dataLength(runtime), 2);
      const creation = concat(["0x61", length, "0x80", "0x600a", "0x5f", "0x39", "0x5f", "0xf3", runtime]);
      const { contractAddress } = await scene.chain.send("attacker", { data: creation });
      return contractAddress!;
    }
  });

  /** Edits the evidence and, where the rules still give a plan for it, takes that plan. */
  function evidence(edit: (evidence: Evidence) => unknown): Forgery {
    return { evidence: (e) => void edit(e) };
  }

  function plan(edit: (plan: Plan) => unknown): Forgery {
    return { plan: (p) => void edit(p) };
  }

  function caught([what, forgery, name, word]: Case): void {
    it(what, async () => expectCaught(await check(await forgeHere(forgery)), name, word));
  }

  function forgeHere(forgery: Forgery, from = honest, deployment = scene.deployment): Promise<Packet> {
    return forge(scene, forgery, from, deployment);
  }

  function check(packet: Packet): Promise<Verdict> {
    return verify({ provider: scene.chain.provider, packet, deployment: scene.deployment });
  }

  /** What the lens shows now, but for the base feed's newest round. */
  async function snapshotWithBaseRound(lens: VaultLens, round: bigint): Promise<string> {
    const { interface: abi } = lens;
    const data = await scene.chain.provider.call({
      to: await lens.getAddress(),
      data: abi.encodeFunctionData("snapshot"),
    });
    const [decoded] = abi.decodeFunctionResult("snapshot", data) as unknown as [Result];
    const snapshot = decoded.toArray(true) as unknown[][];
    const components = abi.getFunction("snapshot").outputs[0]!.components!;
    const reading = components.findIndex(({ name }) => name === "reading");
    const field = components[reading]!.components!.findIndex(({ name }) => name === "baseRound");
    snapshot[reading]![field] = round;
    return abi.encodeFunctionResult("snapshot", [snapshot as never]);
  }

  /** By somebody who knows no contracts of their own. */
  function checkAlone(packet: Packet): Promise<Verdict> {
    return verify({ provider: scene.chain.provider, packet });
  }

  function skipped(verdict: Verdict): string[] {
    return verdict.checks.filter(({ outcome }) => outcome === "not checked").map(({ name }) => name);
  }

  function expectCaught(verdict: Verdict, name: string, word: string): void {
    expect(verdict.ok, "not caught").to.equal(false);
    expect(verdict.cause!.name, verdict.cause!.detail).to.equal(name);
    expect(verdict.cause!.detail).to.include(word);
  }
});
