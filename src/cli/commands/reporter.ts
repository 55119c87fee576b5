import type { Command } from "commander";
import { print, UsageError } from "../output.ts";
import { addKeyOption, requireKey } from "../key.ts";
import type { KeyOptions } from "../key.ts";
import { examples } from "../program.ts";
import type { FeedState, PendingReports } from "../../reporter/feed.ts";

interface FeedOptions {
  rpc: string;
  feed: string;
}

interface SignOptions extends FeedOptions, KeyOptions {
  answer: string;
  observedAt: string;
  out: string;
}

interface SubmitOptions extends KeyOptions {
  rpc: string;
}

interface CloseOptions extends FeedOptions, KeyOptions {
  observedAt: string;
}

interface StatusOptions extends FeedOptions {
  observedAt?: string;
}

const RPC = ["--rpc <url>", "JSON-RPC URL of the feed's chain"] as const;
const FEED = ["--feed <address>", "the AttestedFeed"] as const;
const OBSERVED_AT = [
  "--observed-at <time>",
  "when it was observed: 2030-02-04T21:15:00Z, or seconds since 1970",
] as const;

/** `ballast reporter`: sign, relay and close observations of an AttestedFeed. */
export function register(program: Command): void {
  const reporter = program.command("reporter").description("sign, relay and close observations of an attested feed");

  const sign = reporter
    .command("sign")
    .description("sign one observation as a reporter of the feed; nothing is sent")
    .requiredOption(...RPC)
    .requiredOption(...FEED)
    .requiredOption("--answer <number>", "what was observed, in points or USD, such as 16.05")
    .requiredOption(...OBSERVED_AT)
    .option("--out <dir>", "folder for the signed observation", "observations");
  addKeyOption(sign)
    .addHelpText(
      "after",
      "\nAll reporters must give the same time. One observation a day, feed and key: another is refused.\n" +
        examples(
          "ballast reporter sign --rpc $RPC --feed 0x… --answer 16.05 --observed-at 2030-02-04T21:15:00Z --key-file r1.json",
        ),
    )
    .action(signAction);

  const submit = reporter
    .command("submit")
    .description("relay signed observations to their feed; anyone with gas may")
    .argument("<file...>", "observation files, all of one feed and one time")
    .requiredOption(...RPC);
  addKeyOption(submit)
    .addHelpText(
      "after",
      examples("ballast reporter submit observations/2030-02-04-*.json --rpc $RPC --key-file gas.json"),
    )
    .action(submitAction);

  const close = reporter
    .command("close")
    .description("close a round with the median of its reports; anyone with gas may")
    .requiredOption(...RPC)
    .requiredOption(...FEED)
    .requiredOption(...OBSERVED_AT);
  addKeyOption(close)
    .addHelpText(
      "after",
      examples("ballast reporter close --rpc $RPC --feed 0x… --observed-at 2030-02-04T21:15:00Z --key-file gas.json"),
    )
    .action(closeAction);

  reporter
    .command("status")
    .description("show a feed's rules, its last round, and how an observation stands")
    .requiredOption(...RPC)
    .requiredOption(...FEED)
    .option(...OBSERVED_AT)
    .addHelpText("after", examples("ballast reporter status --rpc $RPC --feed 0x…"))
    .action(statusAction);
}

async function signAction(options: SignOptions): Promise<void> {
  const observedAt = timeOf(options.observedAt);
  const [{ signObservation }, { writeObservation }, { NotAReporter, readFeed }, { openRpc }, { formatUnits }] =
    await Promise.all([
      import("../../reporter/observation.ts"),
      import("../../reporter/observationFile.ts"),
      import("../../reporter/feed.ts"),
      import("../../keeper/openRpc.ts"),
      import("ethers"),
    ]);
  const wallet = await requireKey(options);
  const provider = await openRpc(options.rpc);
  const state = await readFeed(provider, await addressOf(options.feed));
  if (!state.reporters.includes(wallet.address)) throw new NotAReporter(wallet.address, state);
  const answer = await answerOf(options.answer, state);
  const now = (await provider.getBlock("latest"))?.timestamp ?? 0;
  if (observedAt > now) throw new UsageError(`--observed-at ${options.observedAt} is in the chain's future`);
  if (state.last !== null && observedAt <= state.last.observedAt) {
    throw new UsageError(
      `--observed-at ${options.observedAt} is not after the last round's, ${iso(state.last.observedAt)}`,
    );
  }
  const chainId = (await provider.getNetwork()).chainId.toString();
  const observation = await signObservation(wallet, { chainId, feed: state.feed, observedAt, answer });
  const file = await writeObservation(options.out, observation);
  print(
    `Signed ${formatUnits(answer, state.decimals)} at ${iso(observedAt)} for ${state.description} as ${wallet.address}\n` +
      `${file}: publish it, and relay it with "ballast reporter submit" before ${iso(deadlineOf(observedAt, state))}`,
    { ...observation, file },
  );
}

async function submitAction(files: string[], options: SubmitOptions): Promise<void> {
  const [{ readObservation }, { readFeed, readPending }, { sendCall }, { openRpc }, { AttestedFeed__factory }] =
    await Promise.all([
      import("../../reporter/observationFile.ts"),
      import("../../reporter/feed.ts"),
      import("../../keeper/sendCall.ts"),
      import("../../keeper/openRpc.ts"),
      import("../../../typechain-types/index.js"),
    ]);
  const wallet = await requireKey(options);
  const observations = await Promise.all(files.map(readObservation));
  const [first] = observations;
  if (first === undefined) throw new UsageError("no observation file is given; see --help");
  for (const key of ["chainId", "feed", "observedAt"] as const) {
    const other = observations.find((observation) => observation[key] !== first[key]);
    if (other !== undefined) {
      throw new UsageError(`the files differ in ${key} (${first[key]} and ${other[key]}): relay them apart`);
    }
  }
  const { chainId, feed, observedAt } = first;
  const provider = await openRpc(options.rpc, chainId);
  const state = await readFeed(provider, feed);
  const contract = AttestedFeed__factory.connect(feed, provider);
  const reports = observations.map(({ answer, signature }) => ({ answer, signature }));
  const call = await contract.submit.populateTransaction(observedAt, reports);
  const signer = wallet.connect(provider);
  const receipt = await sendCall("submitting", provider, signer, call, { interfaces: [contract.interface] });
  const pending = await readPending(provider, feed, observedAt);
  print(`Relayed in ${receipt.hash}\n${standing(pending, state)}`, {
    feed,
    ...pending,
    threshold: state.threshold,
    reporters: state.reporters.length,
    transactionHash: receipt.hash,
  });
}

async function closeAction(options: CloseOptions): Promise<void> {
  const observedAt = timeOf(options.observedAt);
  const [{ readFeed }, { sendCall }, { openRpc }, { AttestedFeed__factory }, { formatUnits }] = await Promise.all([
    import("../../reporter/feed.ts"),
    import("../../keeper/sendCall.ts"),
    import("../../keeper/openRpc.ts"),
    import("../../../typechain-types/index.js"),
    import("ethers"),
  ]);
  const wallet = await requireKey(options);
  const provider = await openRpc(options.rpc);
  const state = await readFeed(provider, await addressOf(options.feed));
  const contract = AttestedFeed__factory.connect(state.feed, provider);
  const call = await contract.close.populateTransaction(observedAt);
  const receipt = await sendCall("closing", provider, wallet.connect(provider), call, {
    interfaces: [contract.interface],
  });
  const closed = receipt.logs
    .map((log) => contract.interface.parseLog(log))
    .find((log) => log?.name === "RoundClosed")?.args;
  const [round, answer, median] = [closed?.["round"], closed?.["answer"], closed?.["median"]] as bigint[];
  const [told, middle] = [formatUnits(answer ?? 0n, state.decimals), formatUnits(median ?? 0n, state.decimals)];
  const bounded =
    answer === median ? "" : `; the median is ${middle}, and a round eases by ${percent(state.maxEaseBps)} at most`;
  print(`Round ${round ?? "?"} of ${state.description}: ${told}${bounded}, in ${receipt.hash}`, {
    feed: state.feed,
    round,
    answer,
    median,
    observedAt,
    transactionHash: receipt.hash,
  });
}

async function statusAction(options: StatusOptions): Promise<void> {
  const observedAt = options.observedAt === undefined ? null : timeOf(options.observedAt);
  const [{ readFeed, readPending }, { openRpc }, { formatUnits }] = await Promise.all([
    import("../../reporter/feed.ts"),
    import("../../keeper/openRpc.ts"),
    import("ethers"),
  ]);
  const provider = await openRpc(options.rpc);
  const state = await readFeed(provider, await addressOf(options.feed));
  const pending = observedAt === null ? null : await readPending(provider, state.feed, observedAt);
  const units = (amount: bigint): string => formatUnits(amount, state.decimals);
  const { last } = state;
  const lines = [
    `${state.description}, answers from ${units(state.leastAnswer)} to ${units(state.greatestAnswer)}`,
    `${state.threshold} of ${state.reporters.length} reporters; closes with all of them, or ${state.closeDelay} s after ` +
      `the ${state.threshold}th, within ${state.maxLag} s of the observation and on its UTC day`,
    last === null
      ? "No round yet"
      : `Round ${last.round}: ${units(last.answer)}, observed ${iso(last.observedAt)}, closed ${iso(last.closedAt)}`,
    ...(pending === null ? [] : [standing(pending, state)]),
    "Reporters",
    ...state.reporters.map((reporter) => `  ${reporter}`),
  ];
  print(lines.join("\n"), { ...state, pending });
}

function standing({ observedAt, reports, closableAt }: PendingReports, state: FeedState): string {
  const { threshold, reporters } = state;
  const count = `${reports} of ${reporters.length} have reported ${iso(observedAt)}`;
  if (state.last !== null && observedAt <= state.last.observedAt) return `${count}; a round as new is closed`;
  return closableAt === null
    ? `${count}; ${threshold - reports} more are needed before ${iso(deadlineOf(observedAt, state))}`
    : `${count}; it can be closed from ${iso(closableAt)} until ${iso(deadlineOf(observedAt, state))}`;
}

/** The last second in which a round can close: by its lag, and by its day. */
function deadlineOf(observedAt: number, { maxLag }: FeedState): number {
  const day = 86_400;
  return Math.min(observedAt + maxLag, (Math.floor(observedAt / day) + 1) * day - 1);
}

function timeOf(text: string): number {
  const time = /^\d+$/.test(text) ? Number(text) : /Z$/.test(text) ? Date.parse(text) / 1000 : Number.NaN;
  if (!Number.isSafeInteger(time) || time <= 0) {
    throw new UsageError(
      `--observed-at ${text} is no UTC time: give 2030-02-04T21:15:00Z, or whole seconds since 1970`,
    );
  }
  return time;
}

async function addressOf(text: string): Promise<string> {
  const { getAddress, isAddress } = await import("ethers");
  const valid: boolean = isAddress(text);
  if (!valid) throw new UsageError(`--feed ${text} is no address`);
  return getAddress(text);
}

async function answerOf(text: string, { decimals, leastAnswer, greatestAnswer }: FeedState): Promise<bigint> {
  const { formatUnits, parseUnits } = await import("ethers");
  let answer: bigint;
  try {
    answer = parseUnits(text, decimals);
  } catch {
    throw new UsageError(`--answer ${text} is no number with at most ${decimals} decimals`);
  }
  if (answer < leastAnswer || answer > greatestAnswer) {
    const [least, greatest] = [formatUnits(leastAnswer, decimals), formatUnits(greatestAnswer, decimals)];
    throw new UsageError(`--answer ${text} is outside what the feed takes, ${least} to ${greatest}`);
  }
  return answer;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

function percent(bps: number): string {
  return `${bps / 100} %`;
}
