import { expect } from "chai";
import {
  CalendarDateError,
  addDays,
  closures,
  dateOfDay,
  dayNumber,
  isSession,
  nextSession,
  previousSession,
  sessionsBetween,
  startOfDay,
} from "../../src/market/calendar.ts";
import { parseSeries } from "../../src/market/csv.ts";
import { readDataFile } from "../../src/market/files.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

describe("calendar", () => {
  it("counts days from 1970-01-01 and back", () => {
    expect(dayNumber("1970-01-01")).to.equal(0);
    expect(dayNumber("2000-02-29")).to.equal(11016);
    expect(dateOfDay(11016)).to.equal("2000-02-29");
    expect(addDays("2023-12-31", 1)).to.equal("2024-01-01");
    expect(startOfDay("1970-01-02")).to.equal(86_400);
  });

  for (const date of ["2023-02-29", "2023-13-01", "2023-1-01", "yesterday", ""]) {
    it(`refuses '${date}' as a date`, () => {
      expect(() => dayNumber(date)).to.throw(CalendarDateError, `'${date}'`);
    });
  }

  it("refuses years before it begins", () => {
    expect(() => isSession("1989-12-29")).to.throw(CalendarDateError, "before the calendar begins");
    expect(() => closures(1989, 1990)).to.throw(CalendarDateError);
  });

  it("knows each holiday, and how it is kept at a weekend", () => {
    expect(closures(2021, 2023)).to.deep.equal([
      // 2021: Christmas on a Saturday is kept on the Friday; Juneteenth is no holiday yet.
      ...["2021-01-01", "2021-01-18", "2021-02-15", "2021-04-02", "2021-05-31", "2021-07-05", "2021-09-06"],
      ...["2021-11-25", "2021-12-24"],
      // 2022: New Year on a Saturday is not made up for.
      ...["2022-01-17", "2022-02-21", "2022-04-15", "2022-05-30", "2022-06-20", "2022-07-04", "2022-09-05"],
      ...["2022-11-24", "2022-12-26"],
      ...["2023-01-02", "2023-01-16", "2023-02-20", "2023-04-07", "2023-05-29", "2023-06-19", "2023-07-04"],
      ...["2023-09-04", "2023-11-23", "2023-12-25"],
    ]);
    expect(isSession("2021-12-31")).to.equal(true);
    expect(isSession("1997-01-20"), "Martin Luther King day before 1998").to.equal(true);
  });

  it("knows the closures no rule gives", () => {
    const special = ["1994-04-27", "2001-09-11", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29", "2012-10-30"];
    for (const date of [...special, "2018-12-05", "2025-01-09"]) expect(isSession(date), date).to.equal(false);
  });

  it("steps over weekends, holidays and the week of 11 September 2001", () => {
    expect(nextSession("2001-09-10")).to.equal("2001-09-17");
    expect(previousSession("2001-09-17")).to.equal("2001-09-10");
    expect(nextSession("2018-12-04")).to.equal("2018-12-06");
    expect(nextSession("2020-04-09"), "Good Friday").to.equal("2020-04-13");
    expect(sessionsBetween("2020-12-24", "2021-01-04")).to.deep.equal([
      ...["2020-12-24", "2020-12-28", "2020-12-29", "2020-12-30", "2020-12-31", "2021-01-04"],
    ]);
  });

  it("gives exactly the dates of the S&P 500's closes, 1990 to 2023", async () => {
    if (dataMissing("the calendar against spx.csv")) return;
    const rows = parseSeries(await readDataFile(DATA_DIR, "spx.csv"), "spx.csv", { date: "date" });
    const dates = rows.map((row) => row.date).filter((date) => date < "2024");
    expect(dates).to.have.length(8565);
    expect(sessionsBetween("1990-01-01", "2023-12-31")).to.deep.equal(dates);
  });
});
