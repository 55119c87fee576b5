import { useEffect, useMemo, useRef, useState } from "react";
import { Staleness } from "./parts/NotReady.tsx";
import { WalletBar } from "./parts/WalletBar.tsx";
import { LinkOffer } from "./parts/LinkOffer.tsx";
import { Boundary } from "./parts/Boundary.tsx";
import { useConnection, useReady } from "./state/connection.ts";
import { PageContext } from "./state/page.ts";
import type { Page } from "./state/page.ts";
import { savedSettings, saveSettings, settingsInHash } from "./state/settings.ts";
import type { Settings } from "./state/settings.ts";
import { storageOf } from "./state/storage.ts";
import { dropped, keepVisit, keptVisit, loadedOf, opened, signed } from "./state/visit.ts";
import { useWallets } from "./state/wallet.ts";
import { HistoryView } from "./views/HistoryView.tsx";
import { OverviewView } from "./views/OverviewView.tsx";
import { ProposalView } from "./views/ProposalView.tsx";
import { RegimeView } from "./views/RegimeView.tsx";
import { SettingsView } from "./views/SettingsView.tsx";

const VIEWS = {
  overview: { name: "Overview", View: OverviewView },
  proposal: { name: "Proposal", View: ProposalView },
  history: { name: "History", View: HistoryView },
  regime: { name: "Regime", View: RegimeView },
  settings: { name: "Settings", View: SettingsView },
} as const;
type Route = keyof typeof VIEWS;

/** The whole page: who is acting, which view, and the settings all of them read the chain by. */
export function App() {
  const [settings, keepSettings] = useState(() => savedSettings(storageOf("local")));
  const [offered, setOffered] = useState(() => settingsInHash(window.location.hash));
  const [serviceKey, setServiceKey] = useState("");
  const [visit, setVisit] = useState(() => keptVisit(storageOf("session")));
  const loaded = useMemo(() => loadedOf(visit), [visit]);
  const [route, go] = useRoute();
  const connection = useConnection(settings.rpc);
  const ready = useReady(connection, settings);
  const wallets = useWallets(connection);
  const title = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);

  const setSettings = (next: Settings): void => {
    saveSettings(storageOf("local"), next);
    keepSettings(next);
  };
  useEffect(() => keepVisit(storageOf("session"), visit), [visit]);
  const page: Page = {
    ...{ settings, setSettings, serviceKey, setServiceKey, connection, ready, wallets, loaded, visit, go },
    load: (next) => setVisit((before) => opened(before, next)),
    sign: (packet, owner) => setVisit((before) => signed(before, packet, owner)),
  };

  useEffect(() => {
    document.title = `${VIEWS[route].name} · Ballast review`;
    if (!first.current) title.current?.focus();
    first.current = false;
  }, [route, loaded?.packet.safeTxHash]);

  const { name, View } = VIEWS[route];
  return (
    <PageContext value={page}>
      <a className="skip" href="#main" onClick={(event) => (event.preventDefault(), title.current?.focus())}>
        Skip to the content
      </a>
      <header className="top">
        <div className="brand">
          <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
            <path d="M6 12h20M16 12v12M9 24h14" />
            <circle cx="16" cy="8" r="2.6" />
          </svg>
          <span>Ballast</span>
        </div>
        <nav aria-label="Views">
          <ul>
            {(Object.keys(VIEWS) as Route[]).map((key) => (
              <li key={key}>
                <a href={`#/${key}`} {...(key === route ? { "aria-current": "page" as const } : {})}>
                  {VIEWS[key].name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <WalletBar />
      </header>
      <main id="main">
        <h1 ref={title} tabIndex={-1}>
          {name}
        </h1>
        {offered === null ? null : (
          <LinkOffer
            offered={offered}
            settings={settings}
            onTake={() => {
              setSettings({ ...settings, ...offered });
              setOffered(null);
              go("overview");
            }}
            onLeave={() => {
              setOffered(null);
              go(route);
            }}
          />
        )}
        <Staleness />
        <Boundary
          key={`${route} ${loaded?.packet.safeTxHash ?? ""}`}
          onError={() => keepVisit(storageOf("session"), dropped(visit))}
          onDrop={() => setVisit(dropped)}
        >
          <View />
        </Boundary>
      </main>
      <footer>
        <p>
          Everything here is recomputed in your browser from the chain by the code of <code>ballast verify</code>. This
          page sends nothing anywhere but to the RPC, service and keeper in your settings. <code>ballast app hash</code>{" "}
          prints what its files must hash to.
        </p>
      </footer>
    </PageContext>
  );
}

function useRoute(): [Route, (route: string) => void] {
  const [route, setRoute] = useState(() => routeOf(window.location.hash));
  useEffect(() => {
    const changed = (): void => setRoute(routeOf(window.location.hash));
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, []);
  const go = (next: string): void => {
    window.location.hash = `#/${next}`;
  };
  return [route, go];
}

function routeOf(hash: string): Route {
  const name = hash.replace(/^#\/?/, "").split("?")[0] ?? "";
  return Object.hasOwn(VIEWS, name) ? (name as Route) : "overview";
}
