/** Writes the vectors that drive the Solidity and the TypeScript tests of the rule machine: npx tsx scripts/regimeVectors.ts */
import { writeFile } from "node:fs/promises";
import { regimeVectors, vectorsAsJson, vectorsAsSolidity } from "../test/vectors/regimeVectors.ts";

const vectors = regimeVectors();
await writeFile(new URL("../test/vectors/regime.json", import.meta.url), vectorsAsJson(vectors));
await writeFile(new URL("../test/contracts/support/RegimeVectors.sol", import.meta.url), vectorsAsSolidity(vectors));
console.log(`${vectors.length} sessions written`);
