// The rules that no formatter or compiler keeps: which way imports point, what pure code may not reach, how we fail.
import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

const BARE_ERROR = {
  selector: "ThrowStatement > NewExpression[callee.name='Error']",
  message: "Throw a named error class whose message says what, where, and how to mend it.",
};

// What pure code may not reach: the same inputs must give the same bytes, on any machine, at any time.
const IMPURE_MODULES = [
  { regex: "^node:", message: "Pure code reads no file, clock, network or process: take the value as an argument." },
  {
    regex: "market/(files|chain|pull|download|random|synthetic)\\.ts$",
    message: "Pure code takes series as arguments.",
  },
  {
    regex: "^ethers$",
    importNamePattern: "(Provider|Wallet|Signer|Contract|ContractFactory|FetchRequest)$|^randomBytes$|^getDefault",
    message: "Pure code knows ethers' encodings and hashes only, no chain and no keys.",
  },
];
const IMPURE_GLOBALS = ["fetch", "process", "console", "performance", "crypto", "setTimeout", "setInterval"];
const IMPURE_PROPERTIES = [
  { object: "Date", property: "now" },
  { object: "Math", property: "random" },
  { object: "DateTime", property: "now" },
];
const IMPURE_SYNTAX = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: "Pure code has no clock: take the time as an argument.",
};

// Imports point inward: a folder knows only those to its left. Outside this list, src may import src.
const INWARD = ["market", "signals", "regime", "hedge", "plan"];
const PURE = ["signals", "regime", "hedge", "plan"];
const OUTER = ["report", "backtest", "safe", "keeper", "reporter", "demo", "cli"];
// Siblings: neither knows the other.
const BESIDE = { regime: ["hedge"], hedge: ["regime"] };

const DEPLOY = { regex: "/deploy/", message: "Only the demo and the command line start a chain." };

const BESIDE_THE_PAGE = {
  regex: "src/(cli|demo)/",
  message: "The page stands beside demo and command line: move what both use inward.",
};

function forbidden(folder) {
  const outward = [...INWARD.slice(INWARD.indexOf(folder) + 1), ...OUTER, ...(BESIDE[folder] ?? [])];
  return {
    regex: `^\\.\\./(${outward.join("|")})/`,
    message: `Imports point inward: ${folder} may not know this one.`,
  };
}

export default defineConfig(
  globalIgnores(["node_modules", "artifacts", "cache", "coverage", "out", "typechain-types", "deployments"]),
  {
    files: ["**/*.{js,mjs}"],
    extends: [js.configs.recommended],
    languageOptions: {
      globals: { Buffer: false, URL: false, clearInterval: false, console: false, process: false, setInterval: false },
    },
  },
  {
    files: ["**/*.{ts,tsx}"],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Numbers and bigints read well in templates; what prints as [object Object] is still refused.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // The `target` of a contract that is deployed is its address, whatever its type allows besides.
      "@typescript-eslint/no-base-to-string": ["error", { ignoredTypeNames: ["Addressable", "Error", "URL"] }],
      // `() => done()` is how a callback says that it answers nothing.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Under noUncheckedIndexedAccess, `list[i]!` is how numeric code says that i is within bounds.
      "@typescript-eslint/no-non-null-assertion": "off",
      // `const { left, _out, ...rest }`: an underscore says that a name is there to be left out.
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      // Casts of caught errors and of libraries' enums are checked where they are made, not at every use.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      // An interface may be asynchronous where one of its implementations has nothing to wait for.
      "@typescript-eslint/require-await": "off",
      // A discriminated union whose cases are all handled needs no default that cannot be reached.
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "no-restricted-syntax": ["error", BARE_ERROR],
    },
  },
  {
    files: ["src/**/*.ts"],
    ignores: ["src/demo/**", "src/cli/**"],
    rules: { "no-restricted-imports": ["error", { patterns: [DEPLOY] }] },
  },
  {
    files: ["src/market/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [DEPLOY, forbidden("market")] }] },
  },
  ...PURE.map((folder) => ({
    files: [`src/${folder}/**/*.ts`],
    rules: {
      "no-restricted-imports": ["error", { patterns: [DEPLOY, forbidden(folder), ...IMPURE_MODULES] }],
      "no-restricted-globals": ["error", ...IMPURE_GLOBALS],
      "no-restricted-properties": ["error", ...IMPURE_PROPERTIES],
      "no-restricted-syntax": ["error", BARE_ERROR, IMPURE_SYNTAX],
    },
  })),
  {
    files: ["app/**/*.{ts,tsx}"],
    extends: [reactHooks.configs.flat["recommended-latest"]],
    rules: { "no-restricted-imports": ["error", { patterns: [DEPLOY, BESIDE_THE_PAGE] }] },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // A test that throws has failed, whatever it throws; chai asserts by reading properties.
      "no-restricted-syntax": "off",
      "@typescript-eslint/no-unused-expressions": "off",
      // Contracts that come with an ABI only (the venues') answer `any`; the assertion is the check.
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
    },
  },
);
