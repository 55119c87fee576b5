import { useState } from "react";
import { Field, Note, Outcome, Panel } from "../parts/basics.tsx";
import { DEVNET_CHAIN } from "../state/connection.ts";
import { Unusable } from "../state/errors.ts";
import { fetchText } from "../state/fetchText.ts";
import { textOf } from "../state/files.ts";
import { usePage } from "../state/page.ts";
import { deploymentOf, hashWithSettings, mayHoldKey } from "../state/settings.ts";
import type { Settings } from "../state/settings.ts";
import { useAction } from "../state/useAction.ts";
import { useRead } from "../state/useRead.ts";

/** Where `ballast app serve` puts what its devnet consists of, beside the page. */
const DEVNET_FOLDER = "devnet";
const LOOPBACK = /^(127\.0\.0\.1|localhost)$/;

export function SettingsView() {
  const page = usePage();
  const [draft, setDraft] = useState(page.settings);
  const [deploymentUrl, setDeploymentUrl] = useState("");
  const action = useAction();
  const set = (change: Partial<Settings>): void => setDraft((before) => ({ ...before, ...change }));
  const deployment = deploymentOf(draft);
  const save = async (): Promise<string> => {
    if (deployment !== null && "problem" in deployment) throw new Unusable(deployment.problem, "Nothing was saved.");
    const { rpc, service, keeper, explorer } = draft;
    page.setSettings({
      ...draft,
      ...{ rpc: rpc.trim(), service: service.trim(), keeper: keeper.trim(), explorer: explorer.trim() },
    });
    return "Saved in this browser.";
  };
  // Newcomers have nothing to lose by it; whoever has settings must not lose them by one click.
  const hasOwn = page.settings.rpc !== "" || page.settings.deployment !== "";
  // Where there is none, there is nothing to offer.
  const beside = useRead(devnetSettings, []).value;
  const devnet =
    beside === null ? null : (
      <Panel title="Devnet">
        <p>
          A local chain with a vault, a 2-of-3 Safe and a proposal in it, as <code>npm run app</code> brings it up: play
          money, and the quickest way to see how a review goes.
        </p>
        <button
          type="button"
          onClick={() =>
            action.run("Taking the devnet’s settings", async () => {
              setDraft(beside);
              if (hasOwn) return "The devnet’s settings are filled in above: Save puts them in the place of yours.";
              page.setSettings(beside);
              return "The devnet’s settings are saved. Open the overview, or the proposal.";
            })
          }
        >
          Use the devnet beside this page
        </button>
      </Panel>
    );
  return (
    <>
      {hasOwn ? null : devnet}
      <Panel title="Your vault">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            action.run("Saving", save);
          }}
        >
          <Field
            label="JSON-RPC URL"
            type="url"
            value={draft.rpc}
            onChange={(rpc) => set({ rpc })}
            hint="One you trust: everything is read through it. It is kept in this browser only."
          />
          <div className="field">
            <label htmlFor="deployment">Deployment file (JSON)</label>
            <textarea
              id="deployment"
              rows={5}
              spellCheck={false}
              value={draft.deployment}
              aria-describedby="deployment-hint"
              onChange={(event) => set({ deployment: event.target.value })}
            />
            <p className="hint" id="deployment-hint">
              {deployment === null
                ? "The list of your vault’s contracts. Paste it, choose the file, or fetch it below."
                : "problem" in deployment
                  ? deployment.problem
                  : `Vault ${deployment.vault}, Safe ${deployment.safe}, chain ${deployment.chainId}.`}
            </p>
          </div>
          <div className="field">
            <label htmlFor="deployment-choice">Choose the deployment file</label>
            <input
              id="deployment-choice"
              type="file"
              accept=".json,application/json"
              onChange={(event) => {
                const file = event.target.files?.[0];
                if (file !== undefined) {
                  action.run("Reading the file", async () => {
                    set({ deployment: await textOf(file) });
                    return "Read. Look at the addresses, then save.";
                  });
                }
              }}
            />
          </div>
          <Field label="Or fetch it from a URL" type="url" value={deploymentUrl} onChange={setDeploymentUrl} />
          <p>
            <button
              type="button"
              className="plain"
              disabled={deploymentUrl === ""}
              onClick={() =>
                action.run("Fetching", async () => {
                  set({ deployment: await fetchText(deploymentUrl) });
                  return "Fetched. Look at the addresses, then save.";
                })
              }
            >
              Fetch
            </button>
          </p>
          <Field
            label="Safe transaction service URL, if any"
            type="url"
            value={draft.service}
            onChange={(service) => set({ service })}
            hint="Up to and including /api. It saves passing files around; nothing it says is trusted."
          />
          <Field
            label="API key of the service, if it wants one"
            type="password"
            value={page.serviceKey}
            onChange={page.setServiceKey}
            hint="For this visit only: kept nowhere, in no link."
          />
          <Field
            label="Keeper URL, if any"
            type="url"
            value={draft.keeper}
            onChange={(keeper) => set({ keeper })}
            hint="Its list of packets is read from …/proposals."
          />
          <Field
            label="Block explorer URL, if any"
            type="url"
            value={draft.explorer}
            onChange={(explorer) => set({ explorer })}
            hint="Evidence and history then link to …/address, …/block and …/tx there. The page itself never asks it anything."
          />
          <p className="buttons">
            <button type="submit">Save</button>
            <button
              type="button"
              className="plain"
              onClick={() =>
                action.run("Copying", async () => {
                  const { origin, pathname } = window.location;
                  const base = origin === "null" ? window.location.href.split("#")[0] : origin + pathname;
                  const link = `${base}${hashWithSettings("overview", page.settings)}`;
                  // Browsers give it to https and to this machine only.
                  const clipboard = navigator.clipboard as Clipboard | undefined;
                  if (clipboard === undefined) throw new Unusable("This browser does not let the page copy", link);
                  await clipboard.writeText(link);
                  return mayHoldKey(page.settings.rpc)
                    ? "Copied, without the RPC’s URL: it may hold a key of yours."
                    : "Copied.";
                })
              }
            >
              Copy a link with these settings
            </button>
          </p>
          <Outcome action={action} />
        </form>
      </Panel>
      {hasOwn ? devnet : null}
      {page.ready.kind === "ready" ? (
        <Note kind="good" title="Ready">
          <p>
            Chain {page.ready.vault.chainId}, block {page.ready.vault.head.number}.
          </p>
        </Note>
      ) : null}
    </>
  );
}

/** The settings of the devnet beside this page; null where there is none, or none of this machine. */
async function devnetSettings(): Promise<Settings | null> {
  const base = new URL(`${DEVNET_FOLDER}/`, window.location.href.split("#")[0]).href;
  const text = await fetchText(`${base}devnet.json`).catch(() => "null");
  const devnet = JSON.parse(text) as { url?: unknown; deployment?: { chainId?: unknown } } | null;
  if (devnet === null || typeof devnet.url !== "string" || !URL.canParse(devnet.url)) return null;
  if (devnet.deployment?.chainId !== DEVNET_CHAIN || !LOOPBACK.test(new URL(devnet.url).hostname)) return null;
  return {
    rpc: devnet.url,
    deployment: JSON.stringify(devnet.deployment, null, 2),
    service: "",
    explorer: "",
    keeper: base.replace(/\/$/, ""),
  };
}
