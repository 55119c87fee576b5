/** An element of a parsed page. */
export interface Element {
  readonly tag: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Text directly inside, entities as written. */
  text: string;
}

const VOID = new Set(["meta", "link", "br", "line", "rect", "path", "polyline"]);
const RAW = new Set(["script", "style"]);
const TAG = /^<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z][\w-]*(?:="[^"<]*")?)*)\s*(\/?)>/;

/**
 * Reads a page strictly: every element closed in order, every attribute quoted, no stray `<` or `&`.
 * @returns elements in the order they open
 * @throws SyntaxError naming the place of the first fault
 */
export function parseHtml(page: string): Element[] {
  const fail = (at: number, what: string): SyntaxError =>
    new SyntaxError(`${what} at ${at}: ${JSON.stringify(page.slice(at, at + 80))}`);
  if (!page.startsWith("<!doctype html>")) throw fail(0, "no doctype");
  const elements: Element[] = [];
  const open: Element[] = [];
  let at = "<!doctype html>".length;
  while (at < page.length) {
    const inside = open.at(-1);
    if (inside !== undefined && RAW.has(inside.tag)) {
      const end = page.indexOf(`</${inside.tag}`, at);
      if (end < 0) throw fail(at, `unclosed ${inside.tag}`);
      inside.text += page.slice(at, end);
      at = end;
    }
    const next = page.indexOf("<", at);
    const text = page.slice(at, next < 0 ? page.length : next);
    const stray = /[>]|&(?!amp;|lt;|gt;|quot;|#39;)/.exec(text);
    if (stray !== null) throw fail(at + stray.index, "unescaped character");
    const holder = open.at(-1);
    if (holder !== undefined) holder.text += text;
    else if (text.trim() !== "") throw fail(at, "text outside the page");
    if (next < 0) break;
    const found = TAG.exec(page.slice(next, next + 20_000));
    if (found === null) throw fail(next, "not a tag");
    const [whole, closing, tag = "", attributes = "", selfClosing] = found;
    if (closing === "/") {
      if (open.pop()?.tag !== tag) throw fail(next, `</${tag}> closes nothing`);
    } else {
      const pairs = [...attributes.matchAll(/([a-zA-Z][\w-]*)(?:="([^"]*)")?/g)];
      const element: Element = {
        tag,
        attributes: new Map(pairs.map(([, name = "", value = ""]) => [name, value])),
        text: "",
      };
      elements.push(element);
      if (selfClosing !== "/" && !VOID.has(tag)) open.push(element);
    }
    at = next + whole.length;
  }
  if (open.length > 0) throw fail(page.length, `unclosed ${open.map(({ tag }) => tag).join(", ")}`);
  return elements;
}
