import type { JsonRpcApiProvider } from "ethers";
import type { CodeFound } from "../keeper/doctor/vault.ts";
import type { Deployment } from "../plan/deployment.ts";

/** Every contract of a deployment against what this checkout builds. Throws BuildUnusable. */
export async function compareBuild(provider: JsonRpcApiProvider, deployment: Deployment): Promise<CodeFound[]> {
  const [{ readBuild }, { compareCode, fingerprint }, { codeFound }, { placesOf }] = await Promise.all([
    import("../../deploy/audit/build.ts"),
    import("../../deploy/audit/code.ts"),
    import("../../deploy/audit/codeRows.ts"),
    import("../../deploy/audit/subject.ts"),
  ]);
  const build = await readBuild();
  return Promise.all(
    placesOf(deployment).map(async ([name, address]): Promise<CodeFound> => {
      const built = build[name];
      const code = await provider.getCode(address);
      const expected = fingerprint(built);
      const found = codeFound(compareCode(built, code), code, expected);
      return { name, address, problem: found === expected ? null : found };
    }),
  );
}
