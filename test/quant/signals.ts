import { expect } from "chai";
import { AsOfView } from "../../src/market/asOf.ts";
import { dateOfDay, dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { SERIES_SOURCES } from "../../src/market/catalogue.ts";
import type { SeriesSource } from "../../src/market/catalogue.ts";
import { readDataset } from "../../src/market/files.ts";
import { decisionTime, publishedAt } from "../../src/market/publication.ts";
import type { Dataset, MarketEvent, Series } from "../../src/market/series.ts";
import { sessionsAfter } from "../../src/signals/age.ts";
import { SIGNALS, YARDSTICK_ID } from "../../src/signals/catalogue.ts";
import { macd, rsi } from "../../src/signals/indicators.ts";
import { ExpandingPercentile } from "../../src/signals/ownPast.ts";
import { readSignals, runSignals, STATE_CODES } from "../../src/signals/run.ts";
import type { SignalColumns } from "../../src/signals/run.ts";
import type { Signal, SignalReading } from "../../src/signals/signal.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { lehmer } from "../helpers/lehmer.ts";
import { mutateAfter, mutateBefore } from "../helpers/mutateDataset.ts";

const FROM = "2015-01-02";
const TO = "2020-12-31";
const SESSIONS = sessionsBetween(FROM, TO);

/** A series of the catalogue with values by day; those for which `value` answers null are not there. */
function series(source: SeriesSource, value: (day: number, i: number) => number | null): Series {
  const days: number[] = [];
  const values: number[] = [];
  const availableAt: number[] = [];
  stampsOf(source).forEach(({ day, instant }, i) => {
    const one = value(day, i);
    if (one === null) return;
    days.push(day);
    values.push(one);
    availableAt.push(publishedAt(source.publication, day, instant, []));
  });
  const { name, unit, calendar, vintage } = source;
  return {
    ...{ name, unit, calendar, vintage },
    days: Int32Array.from(days),
    availableAt: Float64Array.from(availableAt),
    values: Float64Array.from(values),
  };
}

function stampsOf({ calendar }: SeriesSource): { day: number; instant: number }[] {
  const first = dayNumber(FROM);
  const all = Array.from({ length: dayNumber(TO) - first + 1 }, (_, i) => first + i);
  const at = (day: number, hours = 0): { day: number; instant: number } => ({
    day,
    instant: (day * 24 + hours) * 3_600,
  });
  if (calendar === "nyse") return SESSIONS.map((session) => at(dayNumber(session)));
  if (calendar === "funding") return all.flatMap((day) => [at(day, 0), at(day, 8), at(day, 16)]);
  if (calendar === "utc") return all.map((day) => at(day));
  const firstOfMonth = all.filter((day) => dateOfDay(day).endsWith("-01"));
  const every = calendar === "quarterly" ? 3 : 1;
  return firstOfMonth.filter((_, i) => i % every === 0).map((day) => at(day));
}

function source(name: string): SeriesSource {
  return SERIES_SOURCES.find((one) => one.name === name)!;
}

/** The series given, and nothing else. */
function dataset(
  values: Record<string, (day: number, i: number) => number | null>,
  events: MarketEvent[] = [],
): Dataset {
  const made = Object.entries(values).map(([name, value]) => [name, series(source(name), value)] as const);
  return { series: new Map(made), events, notes: [] };
}

/** Every series of the catalogue as a walk, and a release every two weeks. */
function everything(seed = 7): Dataset {
  const random = lehmer(seed);
  const walks = SERIES_SOURCES.map(({ name, unit }) => {
    const start = unit === "decimal" ? 0 : 20;
    let value = start;
    const step = unit === "decimal" ? 0.0002 : 1;
    return [
      name,
      (): number => {
        value += (random() - 0.5) * 2 * step - (value - start) * 0.02;
        return value;
      },
    ] as const;
  });
  const kinds = ["cpi", "fomc_decision", "ppi"];
  const events = Array.from({ length: 170 }, (_, i) => ({
    day: dayNumber(FROM) + 14 * i,
    kind: kinds[i % 3]!,
    knownFrom: -Infinity,
  }));
  return dataset(Object.fromEntries(walks), events);
}

function signal(id: string): Signal {
  return SIGNALS.find((one) => one.id === id)!;
}

function readOne(id: string, data: Dataset, session: string): SignalReading {
  return readSignals(data, session, [signal(id)])[0]!;
}

const LAST = SESSIONS.at(-1)!;
const LAST_DAY = dayNumber(LAST);

describe("signals", () => {
  it("says of each what it is, where its threshold comes from, and which series it needs", () => {
    expect(new Set(SIGNALS.map(({ id }) => id)).size).to.equal(SIGNALS.length);
    expect(SIGNALS[0]!.id).to.equal(YARDSTICK_ID);
    const names = new Set([...SERIES_SOURCES.map(({ name }) => name), "events"]);
    for (const one of SIGNALS) {
      expect(one.id).to.match(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(one.thresholdSource, one.id).to.match(/custom|definition|assumption|own past/);
      for (const input of one.inputs) expect(names, `${one.id}: ${input}`).to.include(input);
    }
    const flagged = SIGNALS.filter(({ vintage }) => vintage === "latest").map(({ id }) => id);
    expect(flagged).to.include.members(["reer", "gdp-slowing", "percent-above-200-day"]).and.not.include("vix-rsi");
  });

  it("has every term of the seed", () => {
    const terms = new Set(SIGNALS.map(({ seedTerm }) => seedTerm));
    expect(terms).to.include.all.keys(
      ...["MACD on VIX", "RSI on VIX", "VIX/VIX3M", "VIX9D/VIX", "VVIX", "SKEW", "put/call", "advance–decline line"],
      ...["advance–decline divergence", "percent above 200-day", "funding", "funding extremes", "REER"],
      ...["interest-rate differential", "P/CF with RSI(VIX)", "market-cap contraction with rising VIX"],
      ...["crypto implied volatility", "crypto skew", "event proximity", "REIT volatility", "GDP", "DRIP behaviour"],
    );
  });

  it("is Unknown without its file, and says which one to bring", () => {
    const empty = dataset({});
    for (const reading of readSignals(empty, LAST)) {
      expect(reading, reading.id).to.include({ state: "unknown", value: null, threshold: null, ageSessions: null });
      if (reading.id !== "event-proximity")
        expect(reading.reason).to.match(/^No data: bring \w+\.csv with the columns /);
    }
    expect(readOne("price-to-cash-flow", dataset({ vix: () => 15 }), LAST).reason).to.equal(
      "No data: bring protocol_pcf.csv with the columns date,value.",
    );
    expect(readOne("funding-eth-negative", empty, LAST).reason).to.contain(
      "funding_eth_8h.csv with the columns time,rate",
    );
    expect(readOne("event-proximity", empty, LAST).reason).to.contain("events.csv has no FOMC, CPI or PPI date");
  });

  it("believes a daily value for 5 sessions, and a monthly one for two releases", () => {
    const lastFive = SESSIONS.slice(-5).map(dayNumber);
    const stopped = (sessions: number): Dataset =>
      dataset({ skew: (day) => (lastFive.slice(5 - sessions).includes(day) || day >= LAST_DAY ? null : 120) });
    const ages = [1, 5].map((missing) => readOne("skew", stopped(missing), LAST));
    expect(ages.map(({ ageSessions, state }) => [ageSessions, state])).to.deep.equal([
      [1, "off"],
      [5, "off"],
    ]);
    const sixth = dataset({ skew: (day) => (day >= dayNumber(SESSIONS.at(-6)!) ? null : 120) });
    expect(readOne("skew", sixth, LAST)).to.include({ state: "unknown", ageSessions: 6 });
    expect(readOne("skew", sixth, LAST).reason).to.match(/^The last value of skew\.csv is for 2020-12-22.* too old\.$/);

    // Known 50 days after the month begins, believed for 62 more.
    const reer = (last: string): SignalReading =>
      readOne("reer", dataset({ reerUs: (day) => (day > dayNumber(last) ? null : 100) }), LAST);
    expect(reer("2020-10-01").state).to.equal("off");
    expect(reer("2020-09-01").state).to.equal("unknown");
  });

  it("is Unknown without history enough, and counts it", () => {
    const short = (sessions: number): Dataset =>
      dataset({ vix: (_, i) => (i < SESSIONS.length - sessions ? null : 15) });
    expect(readOne("vix-rsi", short(249), LAST)).to.include({
      state: "unknown",
      reason: "Not enough history: it needs 250 VIX closes.",
    });
    expect(readOne("vix-rsi", short(250), LAST).state).to.equal("off");
    const vvix = (n: number): Dataset => dataset({ vvix: (_, i) => (i < SESSIONS.length - n ? null : 90 + (i % 7)) });
    expect(readOne("vvix", vvix(252), LAST).reason).to.contain("252 for a percentile");
    expect(readOne("vvix", vvix(253), LAST).state).to.not.equal("unknown");
  });

  it("compares the yardstick and the term structure with their customary levels", () => {
    const at = (vix: number, vix3m: number, vix9d: number): SignalReading[] =>
      readSignals(dataset({ vix: () => vix, vix3m: () => vix3m, vix9d: () => vix9d }), LAST);
    const states = (readings: SignalReading[]): unknown =>
      ["vix-above-20", "vix-term-structure", "vix9d-term-structure"].map(
        (id) => readings.find((r) => r.id === id)!.state,
      );
    expect(states(at(20, 20, 20))).to.deep.equal(["off", "off", "off"]);
    expect(states(at(20.01, 20, 20.02))).to.deep.equal(["on", "on", "on"]);
    const reading = at(24, 20, 20).find(({ id }) => id === "vix-term-structure")!;
    expect(reading).to.include({ value: 1.2, threshold: 1, direction: "above", unit: "ratio", ageSessions: 0 });
    expect(reading.reason).to.equal("VIX/VIX3M: 1.2, above 1.");
  });

  it("reads MACD and RSI of VIX as the kernels do, on from the cross that began below 20", () => {
    const random = lehmer(3);
    const closes = SESSIONS.map(() => 12 + 14 * random());
    const data = dataset({ vix: (_, i) => closes[i]! });
    const run = runSignals(data, SESSIONS, [signal("vix-macd"), signal("vix-rsi")]);
    const { histogram } = macd(Float64Array.from(closes));
    const strength = rsi(Float64Array.from(closes));
    expect([...run.columns[0]!.values.slice(249)]).to.deep.equal([...histogram.slice(249)]);
    expect([...run.columns[1]!.values.slice(249)]).to.deep.equal([...strength.slice(249)]);
    expect([...run.columns[0]!.states.slice(0, 249)].every((state) => state === STATE_CODES.unknown)).to.equal(true);

    let on = 0;
    for (let i = 249; i < closes.length; i++) {
      const positive = histogram[i]! > 0;
      let cross = i;
      while (positive && histogram[cross - 1]! > 0) cross--;
      const expected = positive && closes[cross]! < 20;
      expect(run.columns[0]!.states[i] === STATE_CODES.on, SESSIONS[i]).to.equal(expected);
      on += expected ? 1 : 0;
    }
    expect(on).to.be.within(20, 1_000);
  });

  it("sees a divergence only where the index is at a high and the line is not", () => {
    const rising = (_day: number, i: number): number => 1_000 + i;
    const data = (advances: (i: number) => number, spx = rising): Dataset =>
      dataset({ sectorAdvances: (_, i) => advances(i), sectorDeclines: () => 5, spx });
    const last = SESSIONS.length - 1;
    const divergence = (d: Dataset): SignalReading => readOne("advance-decline-divergence", d, LAST);
    expect(divergence(data(() => 6))).to.include({ state: "off", value: 0 });
    expect(divergence(data((i) => (i === last ? 3 : 6)))).to.include({ state: "on", value: 2 });
    expect(
      divergence(
        data(
          () => 4,
          (_, i) => (i === last ? 1_000 : 1_000 + i),
        ),
      ).state,
    ).to.equal("off");
    expect(
      readOne(
        "advance-decline-line",
        data(() => 4),
        LAST,
      ),
    ).to.include({ state: "on", value: -24.5 });
    expect(
      readOne(
        "advance-decline-line",
        data(() => 6),
        LAST,
      ),
    ).to.include({ state: "off", value: 24.5 });
  });

  it("annualises funding from settlements, and calls a short's cost by its sign", () => {
    const data = dataset({ fundingEth: () => 0.0001, fundingBtc: (day) => (day > LAST_DAY - 1 ? -0.0001 : 0.0002) });
    expect(readOne("funding-eth-negative", data, LAST).value).to.be.closeTo(0.0001 * 3 * 365 * 100, 1e-9);
    expect(readOne("funding-eth-negative", data, LAST).state).to.equal("off");
    // The view stands at 00:05 of the next day, so the settlement of 00:00 is in: of the last three, all are of LAST or after.
    expect(readOne("funding-btc-negative", data, LAST)).to.include({ state: "on" });
    expect(readOne("funding-eth-extreme", data, LAST)).to.include({ state: "off" });
  });

  it("needs both conditions of a signal of two", () => {
    const up = (_day: number, i: number): number => 15 + i * 0.001;
    const down = (_day: number, i: number): number => 40 - i * 0.001;
    const pcf = (multiple: number, vix: (day: number, i: number) => number): string =>
      readOne("price-to-cash-flow", dataset({ vix, protocolPriceToCashFlow: () => multiple }), LAST).state;
    expect([pcf(16, up), pcf(14, up), pcf(16, down)]).to.deep.equal(["on", "off", "off"]);

    const cap = (fall: number, vix: (day: number, i: number) => number): SignalReading =>
      readOne(
        "market-cap-contraction",
        dataset({ vix, protocolMarketCap: (day) => (day < LAST_DAY - 9 ? 100 : 100 - fall) }),
        LAST,
      );
    expect([cap(11, up), cap(9, up), cap(11, down)].map(({ state }) => state)).to.deep.equal(["on", "off", "off"]);
    expect(cap(11, up).value).to.be.closeTo(-11, 1e-9);
    expect(cap(11, down).reason).to.match(/below -10; VIX is not above its level of 21 sessions before\.$/);
  });

  it("takes the borrow rate less the risk-free rate that was published", () => {
    const data = dataset({ defiBorrowRate: () => 9.5, fedFunds: (day) => (day >= LAST_DAY ? 1 : 4) });
    expect(readOne("borrow-rate-differential", data, LAST)).to.include({ value: 5.5, state: "on", threshold: 5 });
  });

  it("counts sessions to the next event whose date is known", () => {
    const event = (date: string, kind: string, knownFrom = -Infinity): MarketEvent => ({
      day: dayNumber(date),
      kind,
      knownFrom,
    });
    const read = (...events: MarketEvent[]): SignalReading =>
      readOne("event-proximity", dataset({}, events), "2020-06-01");
    expect(read(event("2020-06-04", "cpi"))).to.include({ value: 3, state: "on", ageSessions: 0 });
    expect(read(event("2020-06-05", "fomc_decision"))).to.include({ value: 4, state: "off" });
    expect(read(event("2020-06-02", "nfp"), event("2020-06-09", "ppi"))).to.include({ value: 6 });
    expect(read(event("2020-06-02", "cpi", decisionTime("2020-06-02")), event("2020-06-09", "ppi"))).to.include({
      value: 6,
    });
    // Today's own event is over.
    expect(read(event("2020-06-01", "cpi")).state).to.equal("unknown");
  });

  it("reads real estate: its volatility in percent a year and its beta to the S&P", () => {
    const random = lehmer(5);
    const moves = SESSIONS.map(() => (random() - 0.5) * 0.02);
    const path = (scale: number) => {
      let level = 100;
      const levels = moves.map((move) => (level *= 1 + scale * move));
      return (_day: number, i: number): number => levels[i]!;
    };
    const data = dataset({ reit: path(1.5), spx: path(1) });
    expect(readOne("reit-beta", data, LAST).value).to.be.closeTo(1.5, 1e-9);
    expect(readOne("reit-beta", data, LAST).state).to.equal("on");
    const steady = dataset({ reit: (_, i) => 100 * Math.exp(i % 2 === 0 ? 0 : 0.01) });
    expect(readOne("reit-volatility", steady, LAST).value).to.be.closeTo(100 * 0.01 * Math.sqrt(252), 1e-9);
  });

  it("reads changes over the stated spans: yields, exchange rate, growth", () => {
    const yields = dataset({ treasury10y: (_, i) => 2 + 0.01 * i });
    expect(readOne("drip-yield-change", yields, LAST).value).to.be.closeTo(0.63, 1e-9);
    const reer = dataset({ reerUs: (_, i) => 100 * 1.01 ** i });
    expect(readOne("reer-change", reer, LAST).value).to.be.closeTo(3.0301, 1e-9);
    const gdp = (growth: number[]): Dataset => {
      let level = 100;
      const levels = growth.map((rate, i) => (level *= 1 + (i === 0 ? 0 : rate)));
      return dataset({ gdpReal: (_, i) => levels[i] ?? null });
    };
    // Twelve quarters in the data would be stale in 2020: read at the end of 2017.
    const steady = Array<number>(12).fill(0.01);
    expect(readOne("gdp-slowing", gdp(steady), "2017-12-29").value).to.be.closeTo(0, 1e-9);
    expect(readOne("gdp-slowing", gdp([...steady.slice(0, 10), 0, 0]), "2017-12-29")).to.include({
      state: "on",
      vintage: "latest",
    });
  });

  it("orders its own past as sorting would", () => {
    const random = lehmer(11);
    const past = new ExpandingPercentile({ percentile: 0.9, minimum: 3 });
    const values: number[] = [];
    for (let i = 0; i < 3_000; i++) {
      const value = Math.round(random() * 50);
      if (i % 100 === 3) {
        const sorted = [...values].sort((a, b) => a - b);
        const position = 0.9 * (sorted.length - 1);
        const low = sorted[Math.floor(position)]!;
        const high = sorted[Math.ceil(position)]!;
        expect(past.level).to.be.closeTo(low + (position % 1) * (high - low), 1e-9);
      }
      if (i === 2) expect(past.level).to.be.NaN;
      past.add(value);
      values.push(value);
    }
  });

  it("counts sessions, not days", () => {
    const day = dayNumber;
    expect(sessionsAfter(day("2020-12-31"), day("2020-12-31"))).to.equal(0);
    expect(sessionsAfter(day("2020-12-24"), day("2020-12-28"))).to.equal(1);
    expect(sessionsAfter(day("2021-01-01"), day("2020-12-28"))).to.equal(0);
    expect(sessionsAfter(day("2015-01-01"), day("2020-12-31"))).to.equal(SESSIONS.length);
  });
});

/** Reads a value of the next session: what a look-ahead looks like. */
function peeking(data: Dataset): Signal {
  return {
    ...signal("vix-above-20"),
    id: "peeking",
    create: () => {
      const future = new AsOfView(data, Infinity);
      return (_view, day) => {
        const value = future.on("vix", day + 1) ?? future.on("vix", day)!;
        return { state: value > 20 ? "on" : "off", value, threshold: 20, ageSessions: 0, reason: () => "" };
      };
    },
  };
}

/** The first session whose reading differs, by signal; an empty list when none does. */
function differences(one: SignalColumns, other: SignalColumns): string[] {
  return one.columns.flatMap(({ signal: { id }, states, values }, c) => {
    const there = other.columns[c]!;
    const i = states.findIndex((state, j) => state !== there.states[j] || !Object.is(values[j], there.values[j]));
    return i < 0 ? [] : [`${id} on ${one.sessions[i]!}`];
  });
}

describe("signals and the future", () => {
  async function datasets(): Promise<[string, Dataset, readonly string[]][]> {
    const cases: [string, Dataset, readonly string[]][] = [["walks", everything(), SESSIONS]];
    if (!dataMissing("look-ahead of signals on market data")) {
      const data = await readDataset(DATA_DIR);
      const [first, last] = [data.series.get("vix")!.days[0]!, data.series.get("vix")!.days.at(-1)!];
      cases.push(["market data", data, sessionsBetween(dateOfDay(first), dateOfDay(last))]);
    }
    return cases;
  }

  it("knows enough of every series to say on or off, so that the tests below test something", () => {
    const readings = readSignals(everything(), LAST);
    expect(readings.filter(({ state }) => state === "unknown").map(({ id }) => id)).to.deep.equal([]);
  });

  it("reads the same up to t whatever comes after, and something else when the past is changed", async () => {
    const random = lehmer(19);
    for (const [name, data, sessions] of await datasets()) {
      const whole = runSignals(data, sessions);
      for (let k = 0; k < 4; k++) {
        const cut = 400 + Math.floor(random() * (sessions.length - 400));
        const upToT = sessions.slice(0, cut);
        const t = decisionTime(upToT.at(-1)!);
        const here = { ...whole, sessions: upToT };
        const cutTo = (columns: SignalColumns): SignalColumns => ({
          sessions: upToT,
          columns: columns.columns.map((c) => ({
            ...c,
            states: c.states.slice(0, cut),
            values: c.values.slice(0, cut),
          })),
        });
        const after = runSignals(mutateAfter(data, t, random), upToT);
        expect(differences(cutTo(here), after), `${name}, t = ${upToT.at(-1)!}`).to.deep.equal([]);
        const before = runSignals(mutateBefore(data, t, random), upToT);
        expect(differences(cutTo(here), before)).to.have.length.greaterThan(5);
      }
    }
  });

  it("catches a signal that peeks", () => {
    const data = everything();
    const random = lehmer(23);
    const caught = Array.from({ length: 10 }, () => {
      const upToT = SESSIONS.slice(0, 400 + Math.floor(random() * 1_000));
      const mutated = mutateAfter(data, decisionTime(upToT.at(-1)!), random);
      return differences(runSignals(data, upToT, [peeking(data)]), runSignals(mutated, upToT, [peeking(mutated)]));
    });
    expect(caught.flat()).to.not.be.empty;
    expect(caught.flat().every((text) => text.startsWith("peeking on "))).to.equal(true);
  });

  it("answers the same whichever session a stepper is first called for", async () => {
    for (const [, data, sessions] of await datasets()) {
      const whole = runSignals(data, sessions);
      for (const start of [300, sessions.length - 700]) {
        const part = sessions.slice(start, start + 300);
        const cut = whole.columns.map((c) => ({
          ...c,
          states: c.states.slice(start, start + 300),
          values: c.values.slice(start, start + 300),
        }));
        expect(differences({ sessions: part, columns: cut }, runSignals(data, part))).to.deep.equal([]);
      }
    }
  });
});
