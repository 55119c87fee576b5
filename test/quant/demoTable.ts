import { expect } from "chai";
import { renderSummary, renderTable, wrap } from "../../src/demo/table.ts";
import { verdict } from "../../src/demo/verdict.ts";
import type { DemoResult } from "../../src/demo/result.ts";
import { demoResult } from "../helpers/demoResult.ts";

const result = demoResult();

/** The fixture with other outcomes: the unhedged vault lost 10 % and fell 30 %. */
function outcome(hedged: [gain: number, fall: number], less: [gain: number, fall: number]): DemoResult {
  const { summary } = result;
  return {
    ...result,
    summary: {
      ...summary,
      hedged: { ...summary.hedged, return: hedged[0], maxDrawdown: hedged[1], finalNav: 250_000 * (1 + hedged[0]) },
      unhedged: { ...summary.unhedged, return: -0.1, maxDrawdown: 0.3, finalNav: 225_000 },
      holdLess: { ...summary.holdLess, return: less[0], maxDrawdown: less[1] },
    },
  };
}

function answer(run: DemoResult, title: string): string {
  const point = verdict(run).points.find((candidate) => candidate.title === title);
  expect(point, title).to.not.equal(undefined);
  return point?.text ?? "";
}

describe("the demo's table", function () {
  for (const width of [60, 80, 100, 120, 160, 200]) {
    it(`fits a terminal of ${width} columns`, function () {
      for (const text of [renderTable(result, width), renderSummary(result, width)]) {
        const longest = Math.max(...text.split("\n").map((line) => line.length));
        expect(longest).to.be.at.most(Math.max(width, 70));
      }
    });
  }

  it("shows every day with an execution and accounts for every other day", function () {
    const text = renderTable(result, 160);
    for (const { date } of result.executions) expect(text).to.match(new RegExp(`^${date}`, "m"));
    const lines = text.split("\n").filter((line) => /^\d{4}-/.test(line));
    const days = lines.reduce((sum, line) => sum + Number(/(\d+) quiet days from/.exec(line)?.[1] ?? 1), 0);
    expect(days).to.equal(result.days);
  });

  it("never joins quiet days of two regimes", function () {
    const rows = result.rows.map((row, i) => ({
      ...row,
      regime: i % 2 === 0 ? ("Calm" as const) : ("Stress" as const),
    }));
    const lines = renderTable({ ...result, rows, executions: [] }, 160).split("\n");
    expect(lines.filter((line) => /^\d{4}-/.test(line))).to.have.length(result.days);
  });

  it("wraps at spaces and cuts a word that is too long", function () {
    expect(wrap("one two three", 7)).to.deep.equal(["one two", "three"]);
    expect(wrap("abcdefgh", 5)).to.deep.equal(["abcd…"]);
    expect(wrap("", 5)).to.deep.equal([]);
  });
});

describe("the demo's verdict", function () {
  const question = "Does holding less do as well?";

  it("names falls, dates and dollars from the numbers", function () {
    const { headline } = verdict(outcome([0.01, 0.05], [0, 0.1]));
    expect(headline).to.match(/^The hedge cut the deepest fall from [\d.]+% to 5\.0% and ended \$[\d,]+ ahead of/);
  });

  it("says so when the hedge made things worse", function () {
    const { headline } = verdict(outcome([-0.6, 0.62], [0, 0.1]));
    expect(headline).to.contain("made things worse").and.contain("behind the unhedged vault");
  });

  it("compares with holding less in every case", function () {
    const cases: [hedged: [number, number], less: [number, number], words: string][] = [
      [[0.02, 0.05], [0.01, 0.08], "No: here the hedge did better."],
      [[0.01, 0.08], [0.02, 0.05], "Yes: here holding less did better"],
      [[0.02, 0.05], [0.0201, 0.0501], "Yes, just as well."],
      [[0.02, 0.08], [0.01, 0.05], "the hedge earned more but fell deeper"],
      [[0.01, 0.05], [0.02, 0.08], "the hedge fell less but earned less"],
    ];
    for (const [hedged, less, words] of cases) expect(answer(outcome(hedged, less), question)).to.contain(words);
  });

  it("owns up to synthetic prices and to a single window", function () {
    expect(verdict(result).caveat).to.contain("synthetic").and.contain("single observation");
    expect(verdict({ ...result, kind: "history" }).caveat).to.not.contain("synthetic");
  });
});
