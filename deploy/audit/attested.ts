import { dataLength } from "ethers";
import {
  AccessManager__factory,
  AttestedFeed__factory,
  PriceOracle__factory,
  RegimeOracle__factory,
} from "../../typechain-types/index.js";
import { selectorOf } from "../vault.ts";
import { roleName } from "./access.ts";
import { compareCode, fingerprint } from "./code.ts";
import { codeFound } from "./codeRows.ts";
import { compare, unread } from "./rows.ts";
import type { Row } from "./rows.ts";
import { listed } from "./settings.ts";
import type { Subject } from "./subject.ts";

const FEED = AttestedFeed__factory.createInterface();

/**
 * The feeds that are AttestedFeeds of ours, taken for one by the length of their code: whether it is the build's, and who
 * feeds them. They are deployed by hand, so that nothing given says who should. Of others' feeds there are no rows.
 */
export async function attestedRows(subject: Subject): Promise<Row[]> {
  const { contracts: d } = subject;
  const prices = PriceOracle__factory.createInterface();
  const regimes = RegimeOracle__factory.createInterface();
  const rows = await Promise.all([
    rowsOf(subject, "base", () => subject.chain.ask(d.priceOracle, prices, "baseFeed")),
    rowsOf(subject, "asset", () => subject.chain.ask(d.priceOracle, prices, "assetFeed")),
    rowsOf(subject, "vix", () => subject.chain.ask(d.regimeOracle, regimes, "vixFeed")),
    rowsOf(subject, "vix3m", () => subject.chain.ask(d.regimeOracle, regimes, "vix3mFeed")),
  ]);
  return rows.flat();
}

async function rowsOf({ chain, build }: Subject, side: string, find: () => Promise<string>): Promise<Row[]> {
  const built = build.AttestedFeed;
  const expected = fingerprint(built);
  let address: string;
  let code: string;
  try {
    address = await find();
    code = await chain.code(address);
  } catch (error) {
    return [unread("feeds", `${side} feed: code`, null, error)];
  }
  if (dataLength(code) !== dataLength(built.code)) return [];
  const found = codeFound(compareCode(built, code), code, expected);
  return Promise.all([
    compare(
      "feeds",
      `${side} feed: code`,
      expected,
      async () => found,
      "it is as long as an AttestedFeed and is not this checkout's: audit from the commit it was deployed from, or trust " +
        "no answer of it",
    ),
    compare(
      "feeds",
      `${side} feed: reporters`,
      null,
      async () => listed(await chain.ask(address, FEED, "reporters")),
      "",
    ),
    compare("feeds", `${side} feed: rules`, null, async () => listed(await chain.ask(address, FEED, "rules")), ""),
    compare("feeds", `${side} feed: authority`, null, () => chain.ask(address, FEED, "authority"), ""),
    compare(
      "feeds",
      `${side} feed: setReporters`,
      "admin",
      async () => {
        const authority = await chain.ask<string>(address, FEED, "authority");
        const args = [address, selectorOf(FEED, "setReporters")];
        return roleName(
          await chain.ask(authority, AccessManager__factory.createInterface(), "getTargetFunctionRole", args),
        );
      },
      "others than the administrator may name the reporters: setTargetFunctionRole sets it back",
    ),
  ]);
}
