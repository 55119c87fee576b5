import { useState } from "react";
import { messageOf } from "./errors.ts";

/** One thing a member does at a time, and what came of it. */
export interface Action {
  /** What is under way, "Depositing…"; null when nothing is. */
  running: string | null;
  done: string | null;
  problem: string | null;
  run: (what: string, work: () => Promise<string>) => void;
}

export function useAction(onDone?: () => void): Action {
  const [state, setState] = useState<Omit<Action, "run">>({ running: null, done: null, problem: null });
  const run = (what: string, work: () => Promise<string>): void => {
    if (state.running !== null) return;
    setState({ running: what, done: null, problem: null });
    work().then(
      (done) => {
        setState({ running: null, done, problem: null });
        onDone?.();
      },
      (error: unknown) => setState({ running: null, done: null, problem: messageOf(error) }),
    );
  };
  return { ...state, run };
}
