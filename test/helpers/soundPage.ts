import { createHash } from "node:crypto";
import { expect } from "chai";
import { parseHtml } from "./html.ts";
import type { Element } from "./html.ts";

/** Tests that hold for every report: landmarks, labels, no request, and a policy that fits. */
export function soundPage(page: () => string): void {
  const read = (): Element[] => parseHtml(page());
  const named = (elements: readonly Element[], tag: string): Element[] =>
    elements.filter((element) => element.tag === tag);

  it("has landmarks, one first heading, and no id twice", function () {
    const elements = read();
    for (const tag of ["header", "main", "footer", "h1"]) expect(named(elements, tag), tag).to.have.length(1);
    expect(named(elements, "html")[0]?.attributes.get("lang")).to.equal("en");
    const ids = elements.flatMap(({ attributes }) => attributes.get("id") ?? []);
    expect(ids).to.have.length(new Set(ids).size);
  });

  it("points every label and description at an id that is there", function () {
    const elements = read();
    const ids = new Set(elements.map(({ attributes }) => attributes.get("id")));
    for (const { attributes } of elements) {
      for (const name of ["aria-labelledby", "aria-describedby", "for"]) {
        const id = attributes.get(name);
        if (id !== undefined) expect(ids).to.include(id);
      }
    }
  });

  it("gives every plot its words, and every table its caption and headings", function () {
    const elements = read();
    const plots = elements.filter(({ attributes }) => attributes.get("role") === "img");
    expect(plots).to.not.be.empty;
    for (const { attributes } of plots) {
      const words = elements.find((element) => element.attributes.get("id") === attributes.get("aria-describedby"));
      expect(words?.text.trim()).to.not.be.empty;
    }
    expect(named(elements, "caption")).to.have.length(named(elements, "table").length);
    for (const { attributes } of named(elements, "th"))
      expect(attributes.get("scope")).to.match(/^(col|row|rowgroup)$/);
  });

  it("asks for nothing from outside", function () {
    const elements = read();
    for (const { tag, attributes } of elements) {
      for (const name of ["src", "href", "action", "srcset", "poster", "data"]) {
        const value = attributes.get(name);
        if (value !== undefined) expect(value, `${tag} ${name}`).to.equal("data:,");
      }
    }
    for (const { text } of named(elements, "style")) expect(text).to.not.match(/url\(|@import/);
    // The chart library's own banner names its home page in a comment; nothing else holds an address.
    const scripts = named(elements, "script").map(({ text }) => text.replace("https://github.com/leeoniya/uPlot", ""));
    for (const script of scripts) expect(script).to.not.match(/https?:|import\(|fetch\(|XMLHttpRequest|WebSocket/);
  });

  it("allows by its policy exactly the style sheet and the scripts it holds", function () {
    const elements = read();
    const meta = named(elements, "meta").find(
      ({ attributes }) => attributes.get("http-equiv") === "Content-Security-Policy",
    );
    const policy = (meta?.attributes.get("content") ?? "").replaceAll("&#39;", "'");
    const hash = ({ text }: Element): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const scripts = named(elements, "script").filter(({ attributes }) => attributes.get("type") !== "application/json");
    expect(scripts).to.have.length(2);
    expect(policy.split("; ")).to.deep.equal([
      "default-src 'none'",
      `script-src ${scripts.map(hash).join(" ")}`,
      `style-src ${named(elements, "style").map(hash).join(" ")}`,
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    for (const { attributes } of elements) {
      for (const name of attributes.keys()) expect(name, "the policy would block it").to.not.match(/^(on|style$)/);
    }
  });

  it("carries the chart library's licence", function () {
    expect(page()).to.contain("Copyright (c) 2022 Leon Sorokin").and.contain("The MIT License");
  });
}
