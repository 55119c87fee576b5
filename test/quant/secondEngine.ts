import { expect } from "chai";
import { Command } from "commander";
import { layerWorth } from "../../src/backtest/layerWorth.ts";
import { register } from "../../src/cli/commands/secondEngine.ts";
import { setJson, UsageError } from "../../src/cli/output.ts";
import { engineBook } from "../../src/hedge/engineBook.ts";
import { spxModel } from "../../src/hedge/spxOptions.ts";
import { dayNumber, sessionsBetween } from "../../src/market/calendar.ts";
import { buildDataset } from "../../src/market/dataset.ts";
import type { Dataset } from "../../src/market/series.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";
import { vixCurve } from "../helpers/vixCurves.ts";

const DAY = dayNumber("2018-06-01");
const inputs = { nav: 1e6, stress: false, edrPercentile: 1, shortVolatilityScale: 1 };

describe("the Second Engine's book", () => {
  const curve = vixCurve(DAY, 13);
  const surface = { day: DAY, spot: 2700, rate: curve.rate, term: curve.term, model: spxModel() };

  it("opens every layer by its own rules, and adds them up", () => {
    const book = engineBook(curve, surface, inputs);
    expect(book.alvh.map(({ layer }) => layer)).to.deep.equal(["short", "middle", "long"]);
    expect(book.condors.map(({ tier }) => tier)).to.deep.equal(["conservative", "balanced", "aggressive"]);
    expect(book.engine.layers.map(({ name }) => name)).to.deep.equal(["ALVH", "S&P iron condors", "S&P put spread"]);
    const vega = book.engine.layers.reduce((sum, { exposure }) => sum + exposure.vegaUsd, 0);
    expect(book.engine.total.vegaUsd).to.be.closeTo(vega, 1e-9);
    for (const { modelPrice } of book.alvh) expect(modelPrice.label).to.equal("model price");
  });

  it("halves new condors in an event's window, and sells none without the S&P", () => {
    const whole = engineBook(curve, surface, inputs).condors[0]!.contracts;
    const half = engineBook(curve, surface, { ...inputs, shortVolatilityScale: 0.5 }).condors[0]!.contracts;
    expect(half / whole).to.be.closeTo(0.5, 1e-12);
    expect(engineBook(curve, null, inputs).engine.layers.map(({ name }) => name)).to.deep.equal(["ALVH"]);
  });

  it("holds a Temporal Theta sale in Stress when the curve is inverted, and stays long volatility", () => {
    const term = { days: [9, 30, 93, 184], volatilities: [48, 40, 30, 27] };
    const inverted = vixCurve(dayNumber("2018-06-11"), 40, { term });
    const { temporalTheta, engine } = engineBook(inverted, null, { ...inputs, stress: true });
    expect(temporalTheta.sale!.contracts).to.be.below(0);
    expect(engine.layers.map(({ name }) => name)).to.deep.equal(["ALVH", "Temporal Theta"]);
    expect(engine.limits[0]).to.include({ name: "net vega", kept: true });
  });
});

/** A year in which nothing moves: VIX 14 in contango, the S&P at 2,700. */
function stillYear(): { dataset: Dataset; sessions: string[] } {
  const sessions = sessionsBetween("2018-01-02", "2018-12-31");
  const constant = (value: number): string => ["date,close", ...sessions.map((date) => `${date},${value}`)].join("\n");
  const dataset = buildDataset({
    "vix.csv": constant(14),
    "vix3m.csv": constant(16),
    "vvix.csv": constant(90),
    "spx.csv": constant(2700),
  });
  return { dataset, sessions };
}

describe("the worth of layers on their own", () => {
  it("in a year in which nothing moves: what is bought decays, what is sold gains, a future loses its roll", () => {
    const { dataset, sessions } = stillYear();
    const worth = new Map(layerWorth(dataset, sessions, () => false).map((layer) => [layer.name, layer]));
    expect(worth.get("ALVH")!.annualReturn).to.be.within(-0.015, -0.001);
    expect(worth.get("S&P put spreads")!.annualReturn).to.be.within(-0.01, -0.001);
    expect(worth.get("S&P iron condors")!.annualReturn).to.be.above(0.01);
    expect(worth.get("VIX futures, held always")!.annualReturn).to.be.below(-0.01);
    expect(worth.get("VIX futures, held when inverted")!.annualReturn).to.equal(0);
    expect(worth.get("Temporal Theta")!.annualReturn).to.equal(0);
    for (const { fundingCorrelation } of worth.values()) expect(fundingCorrelation).to.equal(null);
  });

  it("does not depend on anything after the sessions asked for", () => {
    const { dataset, sessions } = stillYear();
    const spx = dataset.series.get("spx")!;
    const vix = dataset.series.get("vix")!;
    const cut = sessions.indexOf("2018-07-02");
    const crashed = (values: Float64Array, factor: number): Float64Array =>
      values.map((value, i) => (i > cut ? factor * value : value));
    const series = new Map(dataset.series)
      .set("spx", { ...spx, values: crashed(spx.values, 0.5) })
      .set("vix", { ...vix, values: crashed(vix.values, 5) });
    const asked = sessions.slice(0, cut + 1);
    const worth = layerWorth(dataset, asked, () => false);
    expect(layerWorth({ ...dataset, series }, asked, () => false)).to.deep.equal(worth);
    expect(layerWorth({ ...dataset, series }, sessions, () => false)).to.not.deep.equal(
      layerWorth(dataset, sessions, () => false),
    );
  });
});

describe("ballast second-engine", () => {
  afterEach(() => setJson(false));

  async function run(...flags: string[]): Promise<string> {
    const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
    register(program);
    let written = "";
    const stream = { write: (chunk: unknown) => ((written += String(chunk)), true) };
    Object.assign(process.stdout, stream);
    Object.assign(process.stderr, { write: () => true });
    try {
      await program.parseAsync(["second-engine", "--data", DATA_DIR, ...flags], { from: "user" });
    } finally {
      Reflect.deleteProperty(process.stdout, "write");
      Reflect.deleteProperty(process.stderr, "write");
    }
    return written;
  }

  it("prints the book of a session, labelled as model prices", async () => {
    if (dataMissing("ballast second-engine on a session")) return;
    expect(await run("--date", "2019-07-01")).to.match(/model price.*\n[^]*ALVH short: .* calls at .*to 2019-08-21/);
    setJson(true);
    const json = JSON.parse(await run("--date", "2019-07-01", "--worth-from", "2019-01-02")) as Record<string, unknown>;
    expect(json).to.include({ date: "2019-07-01", regime: "Elevated" });
    expect(json["worth"]).to.have.length(6);
    expect(json["futures"]).to.have.length(9);
  });

  it("refuses a NAV, a percentile and a window that make no sense", async () => {
    if (dataMissing("ballast second-engine with bad flags")) return;
    for (const flags of [
      ["--nav", "0"],
      ["--edr-percentile", "50"],
      ["--date", "2019-07-01", "--worth-from", "2019-07-01"],
    ]) {
      const error: unknown = await run(...flags).catch((thrown: unknown) => thrown);
      expect(error, flags.join(" ")).to.be.instanceOf(UsageError);
    }
  });
});
