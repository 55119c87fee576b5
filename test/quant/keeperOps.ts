import { expect } from "chai";
import fc from "fast-check";
import { decimalToFixed, parseExactly, timeOf, valueAtPointer } from "../../src/keeper/feeds.ts";
import { createLog, logForm, sieve } from "../../src/keeper/ops/log.ts";
import type { LogOptions } from "../../src/keeper/ops/log.ts";
import { endpointHost, fitEscaped, plainLine, withoutUrls } from "../../src/keeper/ops/text.ts";

describe("text for logs and messages", () => {
  it("shows of a URL where it leads, and nothing else", () => {
    expect(endpointHost("https://user:pass@node.example:8545/v2/KEY?token=T#f")).to.equal("node.example:8545");
    expect(endpointHost("postgres://keeper:secret@db/ballast")).to.equal("db");
    expect(endpointHost("not a url with SECRET")).to.equal("unreadable-url");
    expect(endpointHost("data:text/plain,SECRET")).to.equal("unreadable-url");
  });

  it("cuts every URL inside a text down to that", () => {
    expect(withoutUrls("GET https://a.example/KEY failed, then wss://u:p@b.example:1/K2.")).to.equal(
      "GET a.example failed, then b.example:1",
    );
    expect(withoutUrls('{"url":"HTTPS://c.example/KEY"}')).to.equal('{"url":"c.example"}');
  });

  it("makes one line of what can be seen", () => {
    expect(plainLine("a\r\n\tb\u0000c\u001b[31md\u2028e\u0085f")).to.equal("a b c [31md e f");
    expect(plainLine("pay \u202etxt.exe\u2066\u200b\u{E0041}!\ud800")).to.equal("pay txt.exe!");
    expect(plainLine("Ünïcode 🙂 ≤")).to.equal("Ünïcode 🙂 ≤");
  });

  it("cuts at whole characters, escaped, and never beyond the limit", () => {
    const escape = (c: string): string => (c === "<" ? "&lt;" : c);
    expect(fitEscaped("a<b", 6, escape)).to.equal("a&lt;b");
    expect(fitEscaped("a<bc", 6, escape)).to.equal("a&lt;…");
    expect(fitEscaped("a<<", 8, escape)).to.equal("a&lt;…");
    expect(fitEscaped("🙂🙂", 3)).to.equal("🙂…");
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("a", "<", "🙂", "…") }),
        fc.integer({ min: 1, max: 40 }),
        (text, limit) => {
          const fitted = fitEscaped(text, limit, escape);
          expect(fitted.length).to.be.at.most(limit);
          if (!fitted.endsWith("…")) expect(fitted).to.equal(text.replaceAll("<", "&lt;"));
        },
      ),
    );
  });
});

describe("the keeper's log", () => {
  const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

  function logged(options: Partial<LogOptions>, write: (log: ReturnType<typeof createLog>) => void): string[] {
    const lines: string[] = [];
    write(createLog({ form: "json", now: () => NOW, write: (line) => lines.push(line), ...options }));
    return lines;
  }

  it("is one JSON object a line, with time in UTC, level, event and fields", () => {
    const [line, ...rest] = logged({}, (log) =>
      log.with({ worker: "w1" }).with({ vault: "main" }).info("tick", { code: "PROPOSED", nonce: 7n }, "Proposed."),
    );
    expect(rest).to.deep.equal([]);
    expect(line).to.match(/^\{.*\}\n$/);
    expect(JSON.parse(line!)).to.deep.equal({
      level: "info",
      time: "2026-01-02T03:04:05.006Z",
      worker: "w1",
      vault: "main",
      event: "tick",
      code: "PROPOSED",
      nonce: "7",
      msg: "Proposed.",
    });
  });

  it("is one plain line for people, however the text tries to break out of it", () => {
    const lines = logged({ form: "text" }, (log) =>
      log.warn("rpc_failed", { host: "node.example", said: "no\n2026 ERROR forged", n: 1 }, "It\r\nfailed."),
    );
    expect(lines).to.deep.equal([
      '2026-01-02T03:04:05.006Z WARN  rpc_failed host=node.example said="no 2026 ERROR forged" n=1 It failed.\n',
    ]);
  });

  it("writes from its level on", () => {
    const events = (level: LogOptions["level"] & string): unknown[] =>
      logged({ level }, (log) => {
        for (const at of ["debug", "info", "warn", "error"] as const) log[at](at);
      }).map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events("debug")).to.deep.equal(["debug", "info", "warn", "error"]);
    expect(events("warn")).to.deep.equal(["warn", "error"]);
  });

  it("shows no secret, wherever in a value it is", () => {
    const secret = "s3cr3t";
    const cause = Object.assign(new TypeError(`POST https://rpc.example/${secret}`), { request: secret });
    const values = {
      password: secret,
      key: { privateKey: secret, nested: [{ api_key: secret }, { "x-api-key": secret }] },
      TOKEN: secret,
      accessToken: { value: secret },
      headers: { Authorization: `Bearer ${secret}` },
      url: new URL(`https://u:${secret}@host.example/x`),
      text: `see https://rpc.example/v2/${secret}`,
      error: new RangeError(`https://rpc.example/${secret} failed`, { cause }),
      [`https://rpc.example/${secret}`]: 1,
    };
    const lines = [
      ...logged({}, (log) => log.error("x", values, `at wss://rpc.example/${secret}`)),
      ...logged({ form: "text" }, (log) => log.with(values).error("x")),
    ];
    expect(lines).to.have.length(2);
    for (const line of lines) expect(line).not.to.include(secret);
    expect(lines[0]).to.include('"password":"[redacted]"').and.include("host.example");
    expect(JSON.parse(lines[0]!)).to.have.nested.property("error.cause.name", "TypeError");
  });

  it("still says what only sounds secret: a variable's name, a flag, nothing", () => {
    const fields = { passwordEnv: "BALLAST_PASSWORD", token: null, apiKey: false, tokenDecimals: 6 };
    expect(sieve(fields)).to.deep.equal(fields);
  });

  it("takes any value to an end", () => {
    const loop: Record<string, unknown> = { bytes: new Uint8Array(9), when: new Date(0), never: new Date(NaN) };
    loop["self"] = loop;
    loop["f"] = () => 1;
    loop["not"] = NaN;
    loop["long"] = "x".repeat(100_000);
    loop["many"] = Array.from({ length: 100_000 }, (_, i) => i);
    const [line] = logged({}, (log) => log.info("x", loop));
    expect(line!.length).to.be.below(40_000);
    expect(JSON.parse(line!)).to.deep.include({
      bytes: "[bytes]",
      when: "1970-01-01T00:00:00.000Z",
      never: "[no time]",
      f: "[function]",
      not: "NaN",
    });
  });

  it("takes its form from BALLAST_LOG, else from where it goes", () => {
    expect(logForm({}, true)).to.equal("text");
    expect(logForm({}, false)).to.equal("json");
    expect(logForm({ BALLAST_LOG: "text" }, false)).to.equal("text");
    expect(logForm({ BALLAST_LOG: "json" }, true)).to.equal("json");
    expect(logForm({ BALLAST_LOG: "shout" }, false)).to.equal("json");
  });
});

describe("reading a value from a service", () => {
  it("keeps every digit of a JSON number", () => {
    const document = parseExactly('{"a":[{"p":3012.123456789012345678}],"b":1e3,"c":"7.5","d":null}');
    expect(valueAtPointer(document, "/a/0/p")).to.equal("3012.123456789012345678");
    expect(decimalToFixed("3012.123456789012345678", 18)).to.equal(3_012_123456789012345678n);
    expect(valueAtPointer(document, "/b")).to.equal("1e3");
    expect(valueAtPointer(document, "/d")).to.equal(null);
    expect(() => parseExactly("<html>")).to.throw("not JSON");
  });

  it("follows RFC 6901's own examples", () => {
    const text = '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}';
    const document = parseExactly(text);
    const expected: [string, unknown][] = [
      ["/foo", ["bar", "baz"]],
      ["/foo/0", "bar"],
      ["/", "0"],
      ["/a~1b", "1"],
      ["/c%d", "2"],
      ["/e^f", "3"],
      ["/g|h", "4"],
      ["/i\\j", "5"],
      ['/k"l', "6"],
      ["/ ", "7"],
      ["/m~0n", "8"],
    ];
    for (const [pointer, value] of expected) expect(valueAtPointer(document, pointer), pointer).to.deep.equal(value);
    expect(valueAtPointer(document, "")).to.equal(document);
    expect(valueAtPointer(parseExactly('{"~1":"x"}'), "/~01")).to.equal("x");
  });

  it("finds nothing where nothing is, and nothing that the document did not bring", () => {
    const document = parseExactly('{"foo":["bar"],"t":"text"}');
    for (const pointer of [
      "/foo/00",
      "/foo/-",
      "/foo/1",
      "/foo/length",
      "/t/0",
      "/__proto__",
      "/toString",
      "/m~2n",
      "foo",
    ]) {
      expect(valueAtPointer(document, pointer), pointer).to.equal(undefined);
    }
  });

  it("turns decimal text into fixed point as written", () => {
    const cases: [string, bigint | null][] = [
      ["1", 100_000_000n],
      ["0.1", 10_000_000n],
      ["-2.5", -250_000_000n],
      ["+3", 300_000_000n],
      ["3.01245e3", 301_245_000_000n],
      ["12e-1", 120_000_000n],
      ["0.000000019", 1n],
      ["1e-99", 0n],
      [" 4.0 ", 400_000_000n],
    ];
    for (const [text, value] of cases) expect(decimalToFixed(text, 8), text).to.equal(value);
    for (const text of ["", ".", "1.", ".5", "1,000", "0x10", "NaN", "Infinity", "1e999", "1 2", "9".repeat(61)]) {
      expect(decimalToFixed(text, 8), text).to.equal(null);
    }
  });

  it("is exact where floating point is not", () => {
    const digits = fc.bigInt({ min: 0n, max: 10n ** 30n });
    fc.assert(
      fc.property(digits, (value) => {
        const text = value
          .toString()
          .padStart(19, "0")
          .replace(/(\d{18})$/, ".$1");
        expect(decimalToFixed(text, 18)).to.equal(value);
      }),
    );
  });

  it("reads times in seconds, milliseconds and ISO 8601, in UTC", () => {
    const at = 1_700_000_000;
    for (const text of ["1700000000", "1700000000.9", "1700000000999", "2023-11-14T22:13:20Z", "2023-11-14T22:13:20"]) {
      expect(timeOf(text), text).to.equal(at);
    }
    expect(timeOf("2023-11-14T17:13:20-05:00")).to.equal(at);
    expect(timeOf("2023-11-14")).to.equal(1_699_920_000);
    for (const text of ["", "now", "22:13:20", "T22:13", "-5", "1700000000000000", "1969-12-31", "2023-13-01"]) {
      expect(timeOf(text), text).to.equal(null);
    }
  });
});
