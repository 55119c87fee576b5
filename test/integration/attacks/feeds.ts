import { expect } from "chai";
import { HDNodeWallet, Mnemonic, MaxUint256 } from "ethers";
import { startLocalChain, DEV_MNEMONIC } from "../../../deploy/devnet/chain.ts";
import type { LocalChain } from "../../../deploy/devnet/chain.ts";
import { POINT, Regime, step } from "../../../src/regime/ruleMachine.ts";
import type { RuleState } from "../../../src/regime/ruleMachine.ts";
import { revertDataOf } from "../../../src/safe/revert.ts";
import { AccessManager__factory, AttestedFeed__factory } from "../../../typechain-types/index.js";
import type { AttestedFeed } from "../../../typechain-types/index.js";
import { record } from "../../helpers/attackTable.ts";
import { undone } from "../../helpers/undone.ts";
import { withoutCheck } from "../../helpers/withoutCheck.ts";
import type { Edit } from "../../helpers/withoutCheck.ts";

const DAY = 86_400;
/** 20:00 UTC of a day, a session's close. */
const START = 1_699_992_000;
const RULES = { closeDelay: 600, maxLag: 7_200, maxEaseBps: 3_500 };
/** VIX as it is: high enough for Stress. */
const TRUTH = 40;
const FEED = "contracts/regime/AttestedFeed.sol";

const NO_EASE_LIMIT: Edit[] = [{ text: "if (last == 0) return median;", becomes: "if (last != -1) return median;" }];
const NO_DELAY: Edit[] = [
  { text: "if (block.timestamp < closableAt) revert StillOpen(observedAt, closableAt);", becomes: "" },
];

describe("Attacks at an attested feed", () => {
  let chain: LocalChain;
  let session = 0;

  before(async () => {
    chain = await startLocalChain(START - DAY);
  });

  async function deployFeed(reporters: number, threshold: number): Promise<AttestedFeed> {
    const manager = await chain.deploy(AccessManager__factory, [chain.address("deployer")]);
    const range = { least: 4n * POINT, greatest: 200n * POINT };
    const names = Array.from({ length: reporters }, (_, i) => wallet(i).address);
    const args = [manager.target, "VIX close", 8, true, range, names, { threshold, ...RULES }];
    const feed = await chain.deploy(AttestedFeed__factory, args);
    return AttestedFeed__factory.connect(feed.target as string, chain.provider);
  }

  const wallets = new Map<number, HDNodeWallet>();
  function wallet(index: number): HDNodeWallet {
    const known =
      wallets.get(index) ?? HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(DEV_MNEMONIC), `m/44'/60'/1'/0/${index}`);
    wallets.set(index, known);
    return known;
  }

  /** The next session's time, and the chain there. */
  async function nextSession(): Promise<number> {
    const time = START + ++session * DAY;
    await chain.warpTo(time);
    return time;
  }

  async function submit(
    feed: AttestedFeed,
    time: number,
    reports: { reporter: number; points: number }[],
  ): Promise<void> {
    const signed = [];
    for (const { reporter, points } of reports) {
      const answer = BigInt(points) * POINT;
      const signature = wallet(reporter).signingKey.sign(await feed.digestOf(time, answer)).serialized;
      signed.push({ answer, signature });
    }
    await chain.send("attacker", await feed.submit.populateTransaction(time, signed));
  }

  async function answerOf(feed: AttestedFeed): Promise<bigint> {
    return (await feed.latestRoundData())[1];
  }

  const close = async (feed: AttestedFeed, time: number): Promise<unknown> =>
    chain.send("attacker", await feed.close.populateTransaction(time));

  describe("one reporter less than the quorum colludes, three of five", () => {
    /** Lies in every session until the rule leaves Stress: the first answer, and how many sessions it took. */
    async function talkDown(
      feed: AttestedFeed,
      lie: number,
    ): Promise<{ lie: number; eased: bigint; sessions: number }> {
      const everyone = (points: number[]) => points.map((value, reporter) => ({ reporter, points: value }));
      let time = await nextSession();
      await submit(feed, time, everyone(Array.from({ length: 5 }, () => TRUTH)));
      await close(feed, time);
      let state: RuleState = { level: Regime.Stress, streak: 0 };
      let eased = 0n;
      let sessions = 0;
      while (state.level === Regime.Stress && sessions < 20) {
        time = await nextSession();
        await submit(feed, time, everyone([lie, lie, lie, TRUTH, TRUTH]));
        await close(feed, time);
        const answer = await answerOf(feed);
        if (sessions++ === 0) eased = BigInt(TRUTH) * POINT - answer;
        state = step(state, { vix: answer, vix3m: MaxUint256, lifted: false });
      }
      return { lie, eased, sessions };
    }

    const search = async (feed: AttestedFeed) => {
      const tries = [];
      for (const lie of [4, 10, 20, 23, 30]) tries.push(await undone(chain, () => talkDown(feed, lie)));
      return tries.reduce((a, b) => (b.eased > a.eased ? b : a));
    };

    it("they ease a close by 35 per cent and no more, and need a session more to talk Stress down", async () => {
      const feed = await deployFeed(5, 4);
      const withIt = await search(feed);
      await withoutCheck(chain, feed.target as string, FEED, NO_EASE_LIMIT);
      const without = await search(feed);
      const say = ({ eased, sessions, lie }: typeof withIt): string =>
        `${points(eased)} points in a session with ${lie}, out of Stress in ${sessions}`;
      record({
        attack: "m − 1 reporters colluding",
        check: "35 % of easing a round",
        without: say(without),
        with: say(withIt),
      });
      expect(without.eased).to.equal(BigInt(TRUTH - 4) * POINT);
      expect(withIt.eased).to.equal((BigInt(TRUTH) * POINT * 35n) / 100n);
      expect(withIt.sessions).to.equal(without.sessions + 1);
    });
  });

  describe("a relayer who has every signature chooses among them", () => {
    const HONEST = [14, 15, 16, 26, 27, 28, 29];

    /** Brings a choice and closes at once, if it may; else others bring the rest and it closes when it can. */
    async function relay(feed: AttestedFeed, chosen: number[]): Promise<bigint> {
      const time = await nextSession();
      const report = (reporter: number) => ({ reporter, points: HONEST[reporter]! });
      await submit(feed, time, chosen.map(report));
      const stopped = await close(feed, time).then(
        () => null,
        (error: unknown) => feed.interface.parseError(revertDataOf(error) ?? "0x")?.name,
      );
      if (stopped !== null) {
        expect(stopped).to.equal("StillOpen");
        await submit(
          feed,
          time,
          HONEST.map((_, reporter) => report(reporter)).filter(({ reporter }) => !chosen.includes(reporter)),
        );
        await close(feed, time);
      }
      return answerOf(feed);
    }

    const search = async (feed: AttestedFeed): Promise<{ chosen: number[]; answer: bigint }> => {
      const tries = [];
      for (const chosen of subsets(7, 5))
        tries.push({ chosen, answer: await undone(chain, () => relay(feed, chosen)) });
      return tries.reduce((a, b) => (b.answer < a.answer ? b : a));
    };

    it("moves nothing, as others bring what it left out", async () => {
      const feed = await deployFeed(7, 5);
      const time = await nextSession();
      await submit(
        feed,
        time,
        HONEST.map((value, reporter) => ({ reporter, points: value })),
      );
      await close(feed, time);
      const median = await answerOf(feed);
      expect(median).to.equal(26n * POINT);
      const withIt = await search(feed);
      await withoutCheck(chain, feed.target as string, FEED, NO_DELAY);
      const without = await search(feed);
      const say = ({ answer, chosen }: typeof withIt): string =>
        `${points(median - answer)} points${answer === median ? "" : ` with ${chosen.length} of 7 signatures`}`;
      record({
        attack: "a relayer choosing signatures",
        check: "the delay before a quorum closes",
        without: say(without),
        with: say(withIt),
      });
      expect(without.answer < median, points(without.answer)).to.equal(true);
      expect(withIt.answer).to.equal(median);
    });
  });
});

/** All choices of at least `least` of the first `of` numbers. */
function subsets(of: number, least: number): number[][] {
  return Array.from({ length: 2 ** of }, (_, bits) =>
    Array.from({ length: of }, (_unused, i) => i).filter((i) => (bits >> i) & 1),
  ).filter((chosen) => chosen.length >= least && chosen.length < of);
}

function points(value: bigint): string {
  return (Number(value) / Number(POINT)).toFixed(1);
}
