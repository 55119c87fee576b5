import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "chai";
import { parse, parseAllDocuments } from "yaml";
import { buildProgram, leavesOf } from "../../src/cli/program.ts";
import { parseConfig } from "../../src/keeper/config.ts";
import { createMetrics } from "../../src/keeper/ops/metrics.ts";
import { createSinks } from "../../src/keeper/ops/sinks.ts";
import { FAILURES } from "../../src/keeper/tick.ts";
import { ERROR_CODES, codeOf, isPassing } from "../../src/keeper/tickErrors.ts";

const ROOT = new URL("../../", import.meta.url);
const FOLDER = new URL("docs/examples/keeper/", ROOT);
const text = (name: string): string => readFileSync(new URL(name, FOLDER), "utf8");
const rootText = (name: string): string => readFileSync(new URL(name, ROOT), "utf8");

/** A value for every `${NAME}`: URLs where the configuration wants them, text elsewhere. */
const ENVIRONMENT = new Proxy<Record<string, string>>(
  {},
  {
    get: (_target, name) => (String(name).includes("URL") ? `https://service.example/${String(name)}` : "value"),
  },
);

/** Comments explain variables and want none. */
const withoutComments = (yaml: string): string => yaml.replace(/^\s*#.*$/gm, "");
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const namesIn = (yaml: string): string[] =>
  [...new Set([...withoutComments(yaml).matchAll(VARIABLE)].map(([, name]) => name!))].sort();

interface Manifest {
  kind: string;
  data?: Record<string, string>;
  spec: { template: Pod; replicas: number; jobTemplate: { spec: { template: Pod } } };
}
interface Pod {
  spec: { containers: [{ args: string[]; volumeMounts: { mountPath: string; readOnly?: boolean }[] }] };
}

interface Compose {
  services: Record<string, { volumes: string[] }> & {
    keeper: { command: string[]; build: Record<string, string>; volumes: string[] };
  };
}

function manifests(): Manifest[] {
  const documents = parseAllDocuments(text("kubernetes.yaml"));
  if (!Array.isArray(documents)) throw new TypeError("kubernetes.yaml is empty");
  for (const { errors } of documents) expect(errors).to.deep.equal([]);
  return documents.map((document) => document.toJS() as Manifest);
}
const ofKind = (kind: string): Manifest => manifests().find((manifest) => manifest.kind === kind)!;

describe("the keeper's example files", () => {
  describe("keeper.yaml", () => {
    const config = () => parseConfig(text("keeper.yaml"), "keeper.yaml", ENVIRONMENT);

    it("is a configuration, with each kind of sink, key and source", () => {
      const { alerts, keys, vaults } = config();
      expect(createSinks(alerts.sinks).map(({ name }) => name.split("@")[0])).to.deep.equal([
        "slack",
        "discord",
        "telegram",
        "webhook",
      ]);
      expect(Object.values(keys).map((key) => Object.keys(key)[0])).to.deep.equal(["keystore", "web3signer"]);
      expect(vaults[0]!.secondary.map((source) => "feed" in source)).to.deep.equal([true, false, false]);
    });

    it("takes its secrets from the environment, and keeper.env.example names them", () => {
      const listed = [...text("keeper.env.example").matchAll(/^([A-Z0-9_]+)=$/gm)].map(([, name]) => name!);
      expect(listed.sort()).to.deep.equal([...namesIn(text("keeper.yaml")), "BALLAST_PASSWORD"].sort());
    });

    it("shows the defaults that it says it shows", () => {
      const document = parse(text("keeper.yaml")) as Record<string, never> & {
        chains: { mainnet: Record<string, unknown> };
        vaults: Record<string, unknown>[];
        alerts: Record<string, unknown>;
      };
      const shown = config();
      const { quorum: _quorum, confirmations: _confirmations, ...chain } = document.chains.mainnet;
      const bare = parseConfig(
        JSON.stringify({
          ...document,
          http: {},
          chains: { mainnet: { chainId: chain["chainId"], rpc: chain["rpc"] } },
          vaults: [{ ...document.vaults[0], schedule: undefined, emergency: undefined }],
          alerts: { sinks: document.alerts["sinks"] },
        }),
        "bare",
        ENVIRONMENT,
      );
      const { quorum: _q, confirmations: _c, ...shownChain } = shown.chains["mainnet"]!;
      const { quorum: _q2, confirmations: _c2, ...bareChain } = bare.chains["mainnet"]!;
      expect(shownChain).to.deep.equal(bareChain);
      expect({ ...shown, chains: null }).to.deep.equal({ ...bare, chains: null });
    });
  });

  describe("of metrics", () => {
    const metrics = createMetrics(parseConfig(text("keeper.yaml"), "keeper.yaml", ENVIRONMENT), "1");

    /** Names of metrics in a query, those of a histogram's parts as the histogram's. */
    async function namesOf(queries: readonly string[]): Promise<string[]> {
      const types = await metrics.text();
      const named = queries.flatMap((query) => query.match(/\b(ballast|process|nodejs)_[a-z0-9_]+/g) ?? []);
      return named.map((name) => {
        const base = name.replace(/_(bucket|sum|count)$/, "");
        return types.includes(`# TYPE ${base} histogram`) ? base : name;
      });
    }

    it("grafana.json asks for metrics that are there, and for every one of the keeper's", async () => {
      interface Dashboard {
        panels: { id: number; targets: { expr: string }[]; gridPos: Record<string, number> }[];
        templating: { list: { query: string }[] };
      }
      const { panels, templating } = JSON.parse(text("grafana.json")) as Dashboard;
      expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
      const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      expect(queries.every((expr) => expr !== "")).to.equal(true);
      const names = await namesOf([...queries, ...templating.list.map(({ query }) => query)]);
      expect(metrics.names()).to.include.members(names);
      expect(names).to.include.members(metrics.names().filter((name) => name.startsWith("ballast_")));
    });

    interface Rules {
      groups: {
        rules: { alert: string; expr: string; labels: { severity: string }; annotations: { summary: string } }[];
      }[];
    }
    const rules = (parse(text("prometheus-rules.yaml")) as Rules).groups.flatMap((group) => group.rules);
    const codesIn = (expr: string): string[] =>
      [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, or]) => or!.split("|"));

    it("prometheus-rules.yaml rests on metrics that are there, each rule with a severity and words", async () => {
      expect(rules).to.have.length.above(5);
      for (const { alert, expr, labels, annotations } of rules) {
        const names = await namesOf([expr]);
        expect(names, alert).not.to.be.empty;
        expect(metrics.names(), alert).to.include.members(names);
        expect(labels.severity, alert).to.be.oneOf(["warning", "critical"]);
        expect(annotations.summary, alert).to.be.a("string");
      }
      const rows = [...rootText("docs/keepers.md").matchAll(/^\| (`[A-Z_]+`[^|]*)/gm)].map(([, cell]) => cell!);
      const documented = rows.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => code!));
      expect(documented).to.include.members(rules.flatMap(({ expr }) => codesIn(expr)));
    });

    it("prometheus-rules.yaml sees each code that a tick can fail with, what needs a person the first time", () => {
      expect(rules.flatMap(({ expr }) => codesIn(expr))).to.include.members([...ERROR_CODES, ...FAILURES]);
      // Nobody tries these again.
      for (const name of ["WrongChain", "NotASafe", "ServiceRejected", "ServiceInconsistent", "SignerLied"]) {
        const error = Object.assign(new Error(name), { name });
        expect(isPassing(error), name).to.equal(false);
        const rule = rules.find(({ expr }) => codesIn(expr).includes(codeOf(error)))!;
        expect(rule.expr, name).to.match(/> 0$/);
        expect(rule.labels.severity, name).to.equal("critical");
      }
    });
  });

  describe("start commands that are there", () => {
    const RUN = ["keeper", "run", "--config", "/etc/ballast/keeper.yaml"];
    const compose = (): Compose => parse(text("compose.yaml")) as Compose;
    const jsonAfter = (word: string): string[] =>
      JSON.parse(new RegExp(`^${word} (\\[.*\\])$`, "m").exec(text("Dockerfile"))![1]!) as string[];

    it("Dockerfile, compose.yaml and the Deployment: ballast keeper run --config", () => {
      expect(jsonAfter("ENTRYPOINT").at(-1)).to.equal("/app/scripts/ballast.mjs");
      expect(jsonAfter("CMD")).to.deep.equal(RUN);
      const { command, build, volumes } = compose().services.keeper;
      expect(command).to.deep.equal(RUN);
      const folder = dirname(RUN[3]!);
      expect(volumes).to.include(`./etc:${folder}:ro`);
      expect(text("compose.yaml"), "what it says is in it").to.match(/`etc` with keeper\.yaml/);
      expect(new URL(`${build["context"]}/`, FOLDER).href).to.equal(ROOT.href);
      expect(existsSync(new URL(build["dockerfile"]!, ROOT))).to.equal(true);
      const [container] = ofKind("Deployment").spec.template.spec.containers;
      expect(container.args).to.deep.equal(RUN);
      expect(container.volumeMounts.map(({ mountPath }) => mountPath)).to.include(RUN[3]);
      expect(ofKind("Deployment").spec.replicas).to.equal(2);
    });

    it("with no mount inside a read-only one, where no mount point can be made", () => {
      const composed = Object.values(compose().services).map(({ volumes }) =>
        volumes.map((volume) => {
          const [, path, mode] = volume.split(":");
          return { path: path!, isReadOnly: mode === "ro" };
        }),
      );
      const pods = [ofKind("Deployment").spec.template, ofKind("CronJob").spec.jobTemplate.spec.template];
      const podded = pods.map(({ spec }) =>
        spec.containers[0].volumeMounts.map(({ mountPath, readOnly }) => ({
          path: mountPath,
          isReadOnly: readOnly === true,
        })),
      );
      for (const mounts of [...composed, ...podded]) {
        expect(mounts).to.not.be.empty;
        for (const { path } of mounts) {
          const around = mounts.filter((other) => other.isReadOnly && path.startsWith(`${other.path}/`));
          expect(around, path).to.deep.equal([]);
        }
      }
    });

    it("the systemd unit: the same, by the pinned Node", () => {
      const unit = text("ballast-keeper.service");
      const [node, script, ...args] = /^ExecStart=(.+)$/m.exec(unit)![1]!.split(" ");
      expect(node).to.equal("/srv/ballast/node_modules/node/bin/node");
      expect(existsSync(new URL(script!.replace("/srv/ballast/", ""), ROOT))).to.equal(true);
      expect(args).to.deep.equal(RUN);
      const documentation = /^Documentation=file:\/\/\/srv\/ballast\/(.+)$/m.exec(unit)![1]!;
      expect(existsSync(new URL(documentation, ROOT))).to.equal(true);
    });

    it("the CronJob: ballast keeper once, with options that it has and all that it needs", async () => {
      const [container] = ofKind("CronJob").spec.jobTemplate.spec.template.spec.containers;
      const [group, name, ...options] = container.args;
      const once = leavesOf(await buildProgram()).find(
        (leaf) => leaf.name() === name && leaf.parent?.name() === group,
      )!;
      const given = options.filter((option) => option.startsWith("--"));
      expect(once.options.map(({ long }) => long)).to.include.members(given);
      expect(given).to.include.members(once.options.filter(({ mandatory }) => mandatory).map(({ long }) => long));
    });

    it("the ConfigMap holds a configuration, of variables that keeper.env.example names", () => {
      const yaml = ofKind("ConfigMap").data!["keeper.yaml"]!;
      const config = parseConfig(yaml, "ConfigMap", ENVIRONMENT);
      expect(config.http).to.deep.equal({ host: "0.0.0.0", port: 9464 });
      for (const name of namesIn(yaml)) expect(text("keeper.env.example")).to.include(`${name}=\n`);
    });
  });

  describe("Dockerfile", () => {
    const dockerfile = text("Dockerfile");
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, line]) =>
      line!.split(" ").slice(0, -1),
    );

    it("copies what is there", () => {
      expect(copied).to.include("src");
      for (const path of copied) expect(existsSync(new URL(path, ROOT)), path).to.equal(true);
    });

    it("copies all that the build's stamp is made of, so that no start compiles again", () => {
      const setup = rootText("scripts/setup.mjs");
      const body = /function hashOfSources\(\) \{(.+?)\n\}/s.exec(setup)![1]!;
      const inputs = [...body.matchAll(/"([^"]+)"/g)]
        .map(([, path]) => path!)
        .filter((path) => existsSync(new URL(path, ROOT)));
      expect(inputs).to.include.members(["contracts", "package-lock.json"]);
      for (const path of inputs) {
        expect(
          copied.some((from) => path === from || path.startsWith(`${from}/`)),
          path,
        ).to.equal(true);
      }
    });

    it("is of the Node that package.json pins, asks for health where the keeper shows it, and is no root", () => {
      const { devDependencies } = JSON.parse(rootText("package.json")) as { devDependencies: { node: string } };
      const bases = [...dockerfile.matchAll(/^FROM node:([\d.]+)-\S+-slim/gm)].map(([, version]) => version);
      expect(bases).to.deep.equal([devDependencies.node, devDependencies.node]);
      expect(dockerfile).to.match(/HEALTHCHECK[^]*127\.0\.0\.1:9464\/healthz/);
      expect([...dockerfile.matchAll(/^USER (\S+)$/gm)].map(([, user]) => user)).to.deep.equal(["node"]);
    });
  });
});
