/** A piece of HTML that is safe to put into a page. */
export interface Markup {
  readonly html: string;
}

/** What may stand in a template's gaps: text and numbers are escaped, markup is not, null and false leave nothing. */
export type Fragment = Markup | string | number | null | false | readonly Fragment[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text made safe for elements and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** Template tag that escapes every gap: forgetting to escape is not possible, only asking for {@link raw} is. */
export function markup(strings: TemplateStringsArray, ...gaps: Fragment[]): Markup {
  return { html: strings.map((text, i) => text + (i < gaps.length ? flat(gaps[i] ?? null) : "")).join("") };
}

/** Text that is HTML, a style sheet or a script already, from our own files only. */
export function raw(html: string): Markup {
  return { html };
}

function flat(fragment: Fragment): string {
  if (fragment === null || fragment === false) return "";
  if (typeof fragment === "string") return escapeHtml(fragment);
  if (typeof fragment === "number") return String(fragment);
  return "html" in fragment ? fragment.html : fragment.map(flat).join("");
}
