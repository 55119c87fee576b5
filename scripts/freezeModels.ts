// Fits the yearly regime models that ship: `npx tsx scripts/freezeModels.ts DIR [YEAR…]` reads DIR/vix.csv and writes
// src/regime/models/log-vix-3-YEAR.json for each year from 1999 to the last that the file has whole, or for those named.
// A model once shipped stays as it is, so that a decision can be recomputed: the file of a year already there is kept.
import { access, writeFile } from "node:fs/promises";
import { dateOfDay, previousSession } from "../src/market/calendar.ts";
import { readDataset } from "../src/market/files.ts";
import { mulberry32 } from "../src/market/random.ts";
import { SeriesMissingError } from "../src/market/series.ts";
import { fitMarkov } from "../src/regime/markovFit.ts";
import { modelText, sealModel } from "../src/regime/modelFile.ts";
import { MODELS_FOLDER } from "../src/cli/regimeModels.ts";

/** Ten years of closes, with a calm and a nervous half: the first year a model is fitted to. */
const FIRST_YEAR = 1999;
/** Any seed ends in the same optimum; this one is noted so that a run can be repeated. */
const SEED = 1;
const STATES = 3;

const [folder = "data", ...named] = process.argv.slice(2);
const vix = (await readDataset(folder)).series.get("vix");
if (vix === undefined) throw new SeriesMissingError("vix", "a regime model");
const dates = Array.from(vix.days, dateOfDay);
const lastYear = Number(dates.at(-1)!.slice(0, 4));
const years = Array.from({ length: lastYear - FIRST_YEAR + 1 }, (_, i) => FIRST_YEAR + i).filter((year) =>
  named.length > 0 ? named.includes(String(year)) : dates.at(-1)! >= previousSession(`${year + 1}-01-01`),
);

for (const year of years) {
  const name = `log-vix-${STATES}-${year}`;
  const file = `${MODELS_FOLDER}${name}.json`;
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) {
    console.log(`${name}: kept as it is`);
    continue;
  }
  const rows = dates.filter((date) => date <= `${year}-12-31`).length;
  const logs = vix.values.subarray(0, rows).map(Math.log);
  const fit = fitMarkov(logs, { states: STATES, variance: "switching", random: mulberry32(SEED) });
  const model = sealModel({
    name,
    series: "vix",
    transformation: "log",
    variance: "switching",
    training: { from: dates[0]!, to: dates[rows - 1]!, rows },
    parameters: fit.parameters,
    logLikelihood: fit.logLikelihood,
  });
  await writeFile(file, modelText(model));
  const means = fit.parameters.means.map((mean) => Math.exp(mean).toFixed(2)).join(", ");
  console.log(`${name}: log-likelihood ${fit.logLikelihood.toFixed(3)}, states around ${means}, ${model.hash}`);
  for (const { optimum, why } of fit.refused)
    console.log(`  refused ${optimum.logLikelihood.toFixed(3)}: ${why.message}`);
}
