import type { Command } from "commander";
import { eventWindow, shiftRoll, SHIFTING_EVENTS, shortVolatilityScale } from "../../hedge/timeShift.ts";
import { AsOfView } from "../../market/asOf.ts";
import { addDays, dateOfDay, dayNumber, isSession } from "../../market/calendar.ts";
import { decisionTime } from "../../market/dataset.ts";
import { addDataOption, dateOption, readData, sessionOption } from "../data.ts";
import { print, UsageError } from "../output.ts";
import { examples } from "../program.ts";

/** Days before the due date among which its event is: three sessions fit in, whatever the holidays. */
const LOOK_BACK_DAYS = 14;

/** CPI and PPI are monthly: a calendar with none of them for this many days before a date does not reach to it. */
const CALENDAR_DAYS = 45;

/** `ballast hedge roll`: where time-shifting moves a roll. */
export function registerRoll(hedge: Command): void {
  const command = hedge
    .command("roll")
    .description("the session of a roll: due in the sessions after an FOMC, CPI or PPI date, it moves ahead of it")
    .requiredOption("--due <date>", "session on which the roll is due, YYYY-MM-DD");
  addDataOption(command)
    .option("--date <date>", "session whose knowledge of events counts (default: the last in the data)")
    .addHelpText("after", examples("ballast hedge roll --data data --due 2023-06-15"))
    .action(roll);
}

async function roll(options: { data: string; due: string; date?: string }): Promise<void> {
  const due = dateOption("due", options.due);
  if (!isSession(due)) throw new UsageError(`--due is ${due}, which is no session in New York: give one`);
  const dataset = await readData(options);
  const asOf = sessionOption(dataset, options.date);
  const view = new AsOfView(dataset, decisionTime(asOf));
  const session = shiftRoll(view, due);
  const known = view.events(dayNumber(addDays(due, -LOOK_BACK_DAYS)), dayNumber(due), SHIFTING_EVENTS);
  const window = eventWindow(due, known);
  const event = window === null ? null : { kind: window.kind, date: dateOfDay(window.day) };
  const scale = shortVolatilityScale(view, due);
  const calendarKnown =
    view.events(dayNumber(addDays(due, -CALENDAR_DAYS)), dayNumber(due), SHIFTING_EVENTS).length > 0;
  const text = !calendarKnown
    ? `Unknown: events.csv has no FOMC, CPI or PPI date in the ${CALENDAR_DAYS} days to ${due}. Without them the roll stays.`
    : event === null
      ? `The roll stays on ${due}: no FOMC, CPI or PPI date in the three sessions before it.`
      : `The roll due on ${due} moves to ${session}, ahead of ${event.kind} on ${event.date}. New short volatility on ${due}: × ${scale}.`;
  print(text, { asOf, due, session, event, calendarKnown, shortVolatilityScale: scale });
}
