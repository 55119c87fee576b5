import { useEffect, useId, useRef, useState } from "react";
import type { ReactNode, RefObject } from "react";
import { shortHash } from "../model/format.ts";
import { usePage } from "../state/page.ts";
import { explorerLink } from "../state/settings.ts";
import type { Action } from "../state/useAction.ts";

/** A part of a page under a heading. */
export function Panel({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Something to know: read out when it comes up. */
export function Note({
  kind,
  title,
  children,
}: {
  kind: "info" | "good" | "warn" | "bad";
  title?: string;
  children?: ReactNode;
}) {
  return (
    <div className={`note note-${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {title === undefined ? null : <p className="note-title">{title}</p>}
      {children}
    </div>
  );
}

/** Names and values, as a list that reads well aloud. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A large number with its name. */
export function Figure({ name, value, detail }: { name: string; value: ReactNode; detail?: ReactNode }) {
  return (
    <div className="figure">
      <span className="figure-name">{name}</span>
      <strong className="figure-value">{value}</strong>
      {detail === undefined ? null : <span className="figure-detail">{detail}</span>}
    </div>
  );
}

/** An address or a hash: short to the eye, whole in the text that is copied and read out. */
export function Address({ value, whole = false }: { value: string; whole?: boolean }) {
  return whole ? (
    <code className="address">{value}</code>
  ) : (
    <code className="address" title={value}>
      <span aria-hidden="true">{shortHash(value)}</span>
      <span className="unseen">{value}</span>
    </code>
  );
}

/** The same as a link to the member's block explorer, where one is set: in a tab of its own that learns nothing of this one. */
export function Linked({ kind, value }: { kind: "address" | "tx"; value: string }) {
  const link = explorerLink(usePage().settings, kind, value);
  return link === null ? (
    <Address value={value} />
  ) : (
    <a href={link} target="_blank" rel="noopener noreferrer">
      <Address value={value} />
    </a>
  );
}

/** A labelled text field. */
export function Field({
  label,
  hint,
  unit,
  value,
  onChange,
  type = "text",
  inputMode,
  invalid = false,
}: {
  label: string;
  hint?: ReactNode;
  unit?: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "url" | "password";
  inputMode?: "decimal";
  invalid?: boolean;
}) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>
        {label}
        {unit === undefined ? null : <span className="unit"> ({unit})</span>}
      </label>
      <input
        id={id}
        type={type}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={invalid}
        {...(inputMode === undefined ? {} : { inputMode })}
        {...(hint === undefined ? {} : { "aria-describedby": `${id}-hint` })}
      />
      {hint === undefined ? null : (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** What came of the last thing the member did. Always there, so that screen readers hear it change. */
export function Outcome({ action }: { action: Action }) {
  return (
    <>
      <p className="outcome" role="status">
        {action.running === null ? (action.done ?? "") : `${action.running}…`}
      </p>
      {action.problem === null ? null : (
        <Note kind="bad" title="It did not work">
          <p>{action.problem}</p>
        </Note>
      )}
    </>
  );
}

/** A table that scrolls by itself on a narrow screen, by keyboard too. */
export function Table({ caption, head, children }: { caption: string; head: readonly string[]; children: ReactNode }) {
  const { ref, scrolls } = useScrolls();
  return (
    <div className="scroll" ref={ref} {...(scrolls ? { role: "region", "aria-label": caption, tabIndex: 0 } : {})}>
      <table>
        <caption className="unseen">{caption}</caption>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** Whether an element is wider than what shows of it: only then is it a stop for the keyboard. */
function useScrolls(): { ref: RefObject<HTMLDivElement | null>; scrolls: boolean } {
  const ref = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => setScrolls(element.scrollWidth > element.clientWidth));
    watch.observe(element);
    const { firstElementChild } = element;
    if (firstElementChild !== null) watch.observe(firstElementChild);
    return () => watch.disconnect();
  }, []);
  return { ref, scrolls };
}

export function Regime({ name }: { name: string }) {
  return <span className={`regime regime-${name.toLowerCase()}`}>{name}</span>;
}
