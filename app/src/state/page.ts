import { createContext, useContext } from "react";
import type { Packet } from "../../../src/safe/packet.ts";
import type { Connection, Ready } from "./connection.ts";
import type { Settings } from "./settings.ts";
import type { Loaded, Visit } from "./visit.ts";
import type { Wallets } from "./wallet.ts";

/** What every view shares. */
export interface Page {
  settings: Settings;
  setSettings: (settings: Settings) => void;
  /** API key of the transaction service: for this visit only, nowhere kept. */
  serviceKey: string;
  setServiceKey: (key: string) => void;
  connection: Connection & { retry: () => void };
  ready: Ready;
  wallets: Wallets;
  loaded: Loaded | null;
  load: (loaded: Loaded | null) => void;
  /** All that was opened or signed in this visit. */
  visit: Visit;
  /** Keeps a signature made here, without changing what is shown. */
  sign: (packet: Packet, owner: string) => void;
  go: (route: string) => void;
}

export const PageContext = createContext<Page | null>(null);

/** The page a view is drawn outside of. */
class OutsideThePage extends Error {
  constructor() {
    super("a view needs PageContext around it: draw it inside App");
    this.name = "OutsideThePage";
  }
}

export function usePage(): Page {
  const page = useContext(PageContext);
  if (page === null) throw new OutsideThePage();
  return page;
}
