import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { Markup, markup } from "./markup.ts";
import { visible, visibleLine } from "./visible.ts";

describe("markup", () => {
  it("escapes what is put in, once, and leaves markup as it is", () => {
    const inner = markup`<b>${`<&>"'`}</b>`;
    assertEquals(inner.toString(), "<b>&lt;&amp;&gt;&quot;&#39;</b>");
    assertEquals(markup`${[inner, "<", null, 3]}`.toString(), `${inner}&lt;3`);
    assertEquals(markup`${new Markup("<br>")}`.toString(), "<br>");
  });
});

describe("visible()", () => {
  it("writes what does not print as escapes, and keeps line feeds and what does", () => {
    assertEquals(
      visible("a\u0000\u001b[0m\r\n\t\u009b\u202e\ud800\ufffe\u{e0001}é🧵"),
      "a\\u0000\\u001b[0m\\r\n\\t\\u009b\\u202e\\ud800\\ufffe\\u{e0001}é🧵",
    );
    assertEquals(visibleLine("a\nb\u2028c"), "a\\nb\\u2028c");
  });
});
