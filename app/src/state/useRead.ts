import { useCallback, useEffect, useRef, useState } from "react";
import { messageOf } from "./errors.ts";

/** Something that is read and may fail: what was read last stays while it is read again, or after a failure. */
export interface Read<T> {
  value: T | null;
  /** Null while all is well. */
  problem: string | null;
  busy: boolean;
  again: () => void;
  /** Takes what was read elsewhere, newer than anything under way. */
  put: (value: T) => void;
}

interface State<T> {
  keep: string;
  value: T | null;
  problem: string | null;
  busy: boolean;
}

/**
 * Reads something whenever `keys` change; null for `read` means there is nothing to ask yet. Keys that change while an
 * answer is under way wait for it, and ask once more then: a slow node is never asked without end. What was asked under
 * another `keep` is dropped, whether shown or under way.
 */
export function useRead<T>(read: (() => Promise<T>) | null, keys: readonly unknown[], keep = "same"): Read<T> {
  const [state, setState] = useState<State<T>>({ keep, value: null, problem: null, busy: read !== null });
  const [round, setRound] = useState(0);
  const latest = useRef(read);
  const job = useRef<{ keep: string; again: boolean } | null>(null);
  useEffect(() => {
    latest.current = read;
  });
  useEffect(() => () => void (job.current = null), []);
  const asked = read !== null;
  useEffect(() => {
    if (!asked) {
      job.current = null;
      return;
    }
    if (job.current?.keep === keep) {
      job.current.again = true;
      return;
    }
    const own = { keep, again: false };
    job.current = own;
    const settle = (next: Partial<State<T>>): void => {
      if (job.current !== own) return;
      const { again } = own;
      setState((before) => ({ ...before, problem: null, ...next, busy: again }));
      if (again) ask();
      else job.current = null;
    };
    const ask = (): void => {
      own.again = false;
      latest.current?.().then(
        (value) => settle({ value }),
        (error: unknown) => settle({ problem: messageOf(error) }),
      );
    };
    setState((before) =>
      before.keep === keep ? { ...before, busy: true } : { keep, value: null, problem: null, busy: true },
    );
    ask();
    // The caller's keys stand for whatever its function closes over.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [...keys, asked, round, keep]);
  const again = useCallback(() => setRound((count) => count + 1), []);
  const put = (value: T): void => {
    job.current = null;
    setState({ keep, value, problem: null, busy: false });
  };
  // What was read under another `keep` is not this one's, not even for the one drawing before the effect.
  const own = asked && state.keep === keep ? state : { value: null, problem: null, busy: asked };
  return { value: own.value, problem: own.problem, busy: own.busy, again, put };
}
