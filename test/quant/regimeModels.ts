import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readModel, readRegimeModels } from "../../src/cli/regimeModels.ts";
import { dayNumber } from "../../src/market/calendar.ts";
import { readDataset } from "../../src/market/files.ts";
import { mulberry32 } from "../../src/market/random.ts";
import { fitMarkov } from "../../src/regime/markovFit.ts";
import {
  ModelFileError,
  ModelHashMismatchError,
  modelFor,
  modelText,
  parseModel,
  sealModel,
} from "../../src/regime/modelFile.ts";
import { DATA_DIR, dataMissing } from "../helpers/data.ts";

const model = sealModel({
  name: "example",
  series: "vix",
  transformation: "log",
  variance: "switching",
  training: { from: "1990-01-02", to: "2009-12-31", rows: 5000 },
  parameters: {
    transition: [
      [0.75, 0.25],
      [0.5, 0.5],
    ],
    means: [2.5, 3],
    variances: [0.25, 0.5],
  },
  logLikelihood: 12.5,
});

describe("model file", () => {
  it("reads what it wrote", () => {
    expect(parseModel(modelText(model), "m.json")).to.deep.equal(model);
  });

  it("has the SHA-256 of the canonical content as its hash", () => {
    // As Python has it: sha256(json.dumps(content, sort_keys=True, separators=(",", ":"))).
    expect(model.hash).to.equal("0x3ec5901e79bd35ed38052506bc7ff4c8a7eddf60596096315b2d0c03d18fe783");
  });

  it("refuses a model that was changed after it was fitted, by name", () => {
    const changed = modelText(model).replace("0.75", "0.8").replace("0.25]", "0.2]");
    expect(() => parseModel(changed, "m.json")).to.throw(
      ModelHashMismatchError,
      "m.json: model 'example' says its hash",
    );
  });

  it("refuses what is no model, and says what is wrong", () => {
    const parameters = model.parameters;
    const wrong: [string, object][] = [
      ["format", { format: "ballast-markov-model-0" }],
      ["surprise", { surprise: 1 }],
      ["training.to", { training: { ...model.training, to: "2009-13-31" } }],
      ["ends before it begins", { training: { ...model.training, to: "1989-12-29" } }],
      [
        "add up to 1",
        {
          parameters: {
            ...parameters,
            transition: [
              [0.7, 0.2],
              [0.5, 0.5],
            ],
          },
        },
      ],
      ["one number a state", { parameters: { ...parameters, means: [1, 2, 3] } }],
      ["sorted by mean", { parameters: { ...parameters, means: [3, 2.5] } }],
      ["variances.1", { parameters: { ...parameters, variances: [0.25, 0] } }],
    ];
    for (const [what, change] of wrong) {
      expect(() => parseModel(JSON.stringify({ ...model, ...change }), "m.json"), what).to.throw(ModelFileError, what);
    }
    expect(() => parseModel("{", "m.json")).to.throw(ModelFileError, "not JSON");
  });

  it("is the newest one trained to or before the 31 December before the session", () => {
    const trainedTo = (to: string) => ({ ...model, name: to, training: { ...model.training, to } });
    const models = ["2019-12-31", "2017-12-29", "2018-12-31", "2019-06-28"].map(trainedTo);
    const nameFor = (session: string) => modelFor(models, session)?.name;
    expect(nameFor("2017-12-29")).to.equal(undefined);
    expect(nameFor("2018-01-02")).to.equal("2017-12-29");
    expect(nameFor("2019-12-31")).to.equal("2018-12-31");
    expect(nameFor("2020-01-02")).to.equal("2019-12-31");
    expect(nameFor("2031-05-01")).to.equal("2019-12-31");
  });
});

describe("models that ship", () => {
  it("are one a year, whole, of three states of log VIX", async () => {
    const models = await readRegimeModels();
    expect(models.length).to.be.at.least(25);
    models.forEach((shipped, i) => {
      const year = 1999 + i;
      expect(shipped.name).to.equal(`log-vix-3-${year}`);
      expect(shipped.training.to.slice(0, 8)).to.equal(`${year}-12-`);
      expect(shipped.training.from).to.equal("1990-01-02");
      expect([shipped.series, shipped.transformation, shipped.parameters.means.length]).to.deep.equal([
        "vix",
        "log",
        3,
      ]);
    });
  });

  it("are what a fit to each year's end gives", async () => {
    if (dataMissing("refitting two of the models that ship")) return;
    const vix = (await readDataset(DATA_DIR)).series.get("vix")!;
    const models = await readRegimeModels();
    for (const year of [1999, 2023]) {
      const shipped = models.find(({ name }) => name === `log-vix-3-${year}`)!;
      const last = dayNumber(`${year}-12-31`);
      const logs = vix.values.filter((_, i) => vix.days[i]! <= last).map(Math.log);
      expect(logs.length).to.equal(shipped.training.rows);
      const fit = fitMarkov(logs, { states: 3, variance: "switching", random: mulberry32(20) });
      expect(fit.logLikelihood).to.be.closeTo(shipped.logLikelihood, 1e-4);
      fit.parameters.means.forEach((mean, j) => expect(mean).to.be.closeTo(shipped.parameters.means[j]!, 1e-4));
      fit.parameters.variances.forEach((v, j) => expect(v).to.be.closeTo(shipped.parameters.variances[j]!, 1e-4));
      fit.parameters.transition.flat().forEach((p, at) => {
        expect(p).to.be.closeTo(shipped.parameters.transition.flat()[at]!, 1e-4);
      });
    }
  });

  it("are joined by a later year's when its file is put into the folder, and no changed one gets in", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ballast-models-"));
    try {
      await writeFile(join(folder, "a.json"), modelText(model));
      expect(await readRegimeModels(folder)).to.deep.equal([model]);
      await writeFile(join(folder, "b.json"), modelText({ ...model, logLikelihood: 13 }));
      const error = await readRegimeModels(folder).catch((thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(ModelHashMismatchError);
      const missing = await readModel(join(folder, "c.json")).catch((thrown: unknown) => thrown);
      expect(missing).to.be.instanceOf(ModelFileError);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
