import { expect } from "chai";
import fc from "fast-check";
import { DataFileError, parseSeries } from "../../src/market/csv.ts";

const COLUMNS = { date: "date", close: "number" } as const;

describe("parseSeries", () => {
  it("reads typed rows, with the line each came from", () => {
    const text = "\uFEFFdate,open,close\r\n2020-01-02,1,12.5\r\n2020-01-03,2,-3e-4\r\n";
    expect(parseSeries(text, "vix.csv", COLUMNS)).to.deep.equal([
      { line: 2, date: "2020-01-02", close: 12.5 },
      { line: 3, date: "2020-01-03", close: -0.0003 },
    ]);
  });

  it("reads a blank optional number as null", () => {
    const rows = parseSeries("date,close\n2020-01-02,\n", "gdp.csv", { date: "date", close: "optionalNumber" });
    expect(rows[0]!.close).to.equal(null);
  });

  it("allows repeated dates when asked to", () => {
    const text = "date,exchange\n2020-01-02,NYSE\n2020-01-02,NASDAQ\n";
    const columns = { date: "date", exchange: "text" } as const;
    expect(parseSeries(text, "b.csv", columns, { repeatedDates: true })).to.have.length(2);
    expectError(() => parseSeries(text, "b.csv", columns), 3, "date", "2020-01-02 appears twice");
  });

  const broken: [string, string, number | null, string | null, string][] = [
    ["an empty file", "", null, null, "the file is empty"],
    ["a header alone", "date,close\n", null, null, "no row"],
    ["a missing column", "date,open\n2020-01-02,1\n", 1, "close", "the column is missing"],
    ["a word for a number", "date,close\n2020-01-02,1\n2020-01-03,n/a\n", 3, "close", "'n/a' is not a number"],
    ["a number with a unit", "date,close\n2020-01-02,1 %\n", 2, "close", "'1 %' is not a number"],
    ["an infinite number", "date,close\n2020-01-02,1e999\n", 2, "close", "'1e999' is not a number"],
    ["a missing number", "date,close\n2020-01-02,1\n\n2020-01-03,\n", 4, "close", "the number is missing"],
    ["a date that does not exist", "date,close\n2020-02-30,1\n", 2, "date", "'2020-02-30' is not a date"],
    ["descending dates", "date,close\n2020-01-03,1\n2020-01-02,1\n", 3, "date", "2020-01-02 comes after 2020-01-03"],
    ["a repeated date", "date,close\n2020-01-03,1\n2020-01-03,1\n", 3, "date", "2020-01-03 appears twice"],
    ["a line with a field too many", "date,close\n2020-01-03,1\n2020-01-04,1,2\n", 3, null, "Invalid Record Length"],
  ];
  for (const [what, text, line, column, problem] of broken) {
    it(`names file, line and column of ${what}`, () => {
      expectError(() => parseSeries(text, "b.csv", COLUMNS), line, column, problem);
    });
  }

  it("reads plain texts as the parser reads them quoted", () => {
    const field = fc.stringMatching(/^[ a-z0-9.\t-]{0,6}$/);
    const records = fc.integer({ min: 2, max: 4 }).chain((width) => {
      return fc.array(fc.array(field, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 9 });
    });
    fc.assert(
      fc.property(records, fc.constantFrom("\n", "\r\n"), fc.boolean(), fc.boolean(), (rows, newline, bom, ended) => {
        const header = rows[0]!.map((_, i) => `c${i}`);
        const columns = Object.fromEntries(header.map((name) => [name, "text" as const]));
        const textOf = (write: (value: string) => string): string =>
          [
            bom ? "\uFEFF" : "",
            [header, ...rows].map((row) => row.map(write).join(",")).join(newline),
            ended ? newline : "",
          ].join("");
        const plain = parseSeries(
          textOf((value) => value),
          "b.csv",
          columns,
        );
        const quoted = parseSeries(
          textOf((value) => `"${value.trim()}"`),
          "b.csv",
          columns,
        );
        expect(plain).to.deep.equal(quoted);
      }),
      { numRuns: 300 },
    );
  });

  it("refuses a time that is not UTC", () => {
    const text = "time,rate\n2020-01-01T00:00:00+01:00,0.1\n";
    expectError(() => parseSeries(text, "b.csv", { time: "time" }), 2, "time", "is not a time");
  });
});

function expectError(act: () => unknown, line: number | null, column: string | null, problem: string): void {
  try {
    act();
  } catch (error) {
    expect(error).to.be.instanceOf(DataFileError);
    const { message, ...where } = error as DataFileError;
    expect(where).to.include({ file: "b.csv", line, column });
    expect(message).to.contain("b.csv").and.to.contain(problem);
    if (line !== null) expect(message).to.contain(`line ${line}`);
    if (column !== null) expect(message).to.contain(`'${column}'`);
    return;
  }
  expect.fail("nothing was thrown");
}
