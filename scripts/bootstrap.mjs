// `npm run demo`, `npm test` and their like start here: node scripts/bootstrap.mjs COMMAND [ARGUMENT…]
// A fresh clone needs only Node 20 or newer, npm and git; see setup.mjs for what is brought in.
import { runBallast } from "./ballast.mjs";
import { runTests } from "./runTests.mjs";
import { prepare, runHardhat, runNode, SetupError } from "./setup.mjs";

const COMMANDS = {
  install: () => prepare({ build: false }),
  build: (args) => prepare().then(() => runHardhat(["build", ...args])),
  // With arguments it is Hardhat's own: some files, a --grep.
  test: (args) => prepare().then(() => (args.length === 0 ? runTests() : runHardhat(["test", ...args]))),
  "test:long": () => prepare().then(() => runTests({ long: true })),
  bench: (args) => prepare().then(() => runNode(["--import", "tsx", "bench/numbers.ts", ...args])),
  run: ([script, ...args]) => prepare().then(() => runNode(["--import", "tsx", script, ...args])),
  ballast: runBallast,
};

const [name, ...args] = process.argv.slice(2);
const command = COMMANDS[name];
try {
  if (!command) throw new SetupError(`usage: bootstrap.mjs ${Object.keys(COMMANDS).join("|")} [ARGUMENT…]`, 2);
  process.exitCode = (await command(args)) ?? process.exitCode;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
