/**
 * The body of an answer as text; null when it is longer than so many bytes, of which no more is read then. By a reader: not
 * every browser iterates over a stream.
 */
export async function textUpTo({ body }: Response, maxBytes: number): Promise<string | null> {
  if (body === null) return "";
  const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
}
