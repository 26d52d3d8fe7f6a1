import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isFailure } from "./errors.ts";
import { MAX_DEPTH, parseJson } from "./json.ts";

function codeOf(text: string): string | undefined {
  const parsed = parseJson(text);
  return "value" in parsed ? undefined : parsed.code;
}

function nested(open: string, close: string, depth: number): string {
  return open.repeat(depth) + close.repeat(depth);
}

describe("parseJson()", () => {
  it("gives what JSON.parse gives, for any JSON", () => {
    fc.assert(fc.property(fc.json({ maxDepth: 10 }), (text) => {
      assertEquals(parseJson(text), { value: JSON.parse(text) as unknown });
    }));
  });

  it("says invalid_json for whatever JSON.parse throws at, and never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      assertEquals(codeOf(text), isJson ? undefined : "invalid_json");
    }));
  });

  it("takes 64 levels and refuses 65, of arrays, objects and both", () => {
    for (
      const [open, close, core] of [["[", "]", ""], ['{"a":', "}", "1"], ['[{"a":', "}]", "1"]]
    ) {
      const per = open!.includes("[{") ? 2 : 1;
      const deep = (levels: number) =>
        open!.repeat(levels / per) + core + close!.repeat(levels / per);
      assertEquals(codeOf(deep(MAX_DEPTH)), undefined, deep(MAX_DEPTH));
      assertEquals(codeOf(deep(MAX_DEPTH + per)), "invalid_message");
    }
  });

  it("refuses ten thousand levels, and as many as a message can hold", () => {
    for (const levels of [10_000, 32_768]) {
      const parsed = parseJson(nested("[", "]", levels));
      assert(isFailure(parsed));
      assertEquals(parsed.code, "invalid_message");
      assertStringIncludes(parsed.message, "64 levels");
    }
    assertEquals(codeOf(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`), "invalid_message");
    assertEquals(codeOf("[".repeat(10_000)), "invalid_json");
  });

  it("does not take brackets in strings for levels", () => {
    assertEquals(codeOf(JSON.stringify("[{".repeat(1_000) + '"' + "\\")), undefined);
  });

  it("refuses a number beyond binary64 wherever it stands, and takes the largest there is", () => {
    for (const text of ["1e400", "-1e400", '{"a":[1e309]}', `[1${"0".repeat(400)}]`]) {
      assertEquals(codeOf(text), "invalid_message", text);
    }
    for (const text of ["1.7976931348623157e308", "9007199254740993", "1e-400", '"1e400"']) {
      assertEquals(codeOf(text), undefined, text);
    }
  });

  it("keeps __proto__ a field like any other", () => {
    const parsed = parseJson('{"__proto__":{"polluted":true}}');
    assert("value" in parsed);
    assertEquals(Object.keys(parsed.value as object), ["__proto__"]);
    assertEquals((parsed.value as { polluted?: boolean }).polluted, undefined);
    assertEquals(Object.hasOwn(Object.prototype, "polluted"), false);
  });

  it("keeps lone surrogates, which are written again as escapes", () => {
    const parsed = parseJson('"\\ud800"');
    assert("value" in parsed);
    assertEquals(parsed.value, "\ud800");
    assertEquals(JSON.stringify(parsed.value), '"\\ud800"');
  });

  it("refuses a byte order mark (RFC 8259 section 8.1)", () => {
    assertEquals(codeOf("\ufeff{}"), "invalid_json");
  });
});
