/*
 * Text from a chain, a node or a service goes into logs and messages: it must stay one line that says what it says, and hold
 * no secret.
 */

/** What a text longer than it may be ends with. */
const ELLIPSIS = "…";

const URLS = /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>`]+/gi;

/**
 * Where a URL leads: host and port. Everything else may be a secret (a key in the path or query, a password before the
 * host), so that this is all a log, a label or a message may show of one.
 */
export function endpointHost(url: string): string {
  const parsed = URL.parse(url);
  // An unusual scheme's URL may have no host: then nothing of it is shown.
  return parsed === null || parsed.host === "" ? "unreadable-url" : parsed.host;
}

/** The text with every URL in it cut down to where it leads. */
export function withoutUrls(text: string): string {
  return text.replace(URLS, (url) => endpointHost(url));
}

/**
 * One line of what can be seen: control characters and line ends become a space; what is invisible or turns the direction of
 * writing (a way to make a text read as another), and halves of characters, go.
 */
export function plainLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\p{Cf}\p{Cs}]/gu, "")
    .trim();
}

/** What may be said of a text from outside: one line, no secrets of URLs. */
export function speakable(text: string): string {
  return withoutUrls(plainLine(text));
}

/**
 * The longest beginning of a text that is at most `limit` UTF-16 units long once each character is escaped, with an ellipsis
 * where something is left out: an escape sequence is never cut in half.
 */
export function fitEscaped(text: string, limit: number, escape: (character: string) => string = (c) => c): string {
  let whole = "";
  let cut = 0;
  for (const character of text) {
    whole += escape(character);
    if (whole.length > limit) return whole.slice(0, cut) + ELLIPSIS;
    if (whole.length + ELLIPSIS.length <= limit) cut = whole.length;
  }
  return whole;
}
