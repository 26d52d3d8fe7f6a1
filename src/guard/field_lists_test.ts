import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { isExtensionList, isTokenList, listOf } from "./field_lists.ts";

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}$/);
const blanks = fc.constantFrom("", " ", "\t", "  \t ");

describe("listOf()", () => {
  it("gives the members without blanks, and passes over the empty ones", () => {
    assertEquals(listOf("a,b ,\tc d,, , e"), ["a", "b", "c d", "e"]);
    for (const nothing of [null, "", " ", ",", " ,\t, "]) assertEquals(listOf(nothing), []);
  });
});

describe("isTokenList()", () => {
  it("takes tokens of every character that one may have, however they are set apart", () => {
    for (const field of ["a", "heddle.v1, jwt-auth", ",a,,b,", "!#$%&'*+.^_`|~09AZaz-"]) {
      assertEquals(isTokenList(field), true, field);
    }
  });

  it("refuses what is no token, wherever it stands, and a list of none", () => {
    const fields = ["", " , ,", "a b", "a/b", "a(b)", "a; b=1", '"a"', "a\xe9", "a\xa0", "a, b c"];
    for (const field of fields) assertEquals(isTokenList(field), false, field);
  });
});

describe("isExtensionList()", () => {
  it("takes what the grammar of RFC 6455 section 9.1 makes", () => {
    const value = fc.oneof(
      token,
      token.map((text) => `"${text}"`),
      token.map((text) => `"\\${text}"`),
    );
    const parameter = fc.tuple(token, blanks, fc.option(value)).map(([name, gap, value]) =>
      value === null ? name : `${name}${gap}=${gap}${value}`
    );
    const extension = fc.tuple(token, blanks, fc.array(parameter, { maxLength: 4 })).map(
      ([name, gap, parameters]) => [name, ...parameters].join(`${gap};${gap}`),
    );
    const list = fc.tuple(blanks, fc.array(extension, { minLength: 1, maxLength: 4 })).map(
      ([gap, extensions]) => extensions.join(`${gap},${gap}`),
    );
    fc.assert(fc.property(list, isExtensionList));
  });

  it("refuses what it does not make", () => {
    const fields = [
      "",
      " , ",
      "; a=1",
      "x;",
      "x;; a",
      "x y",
      "x=1",
      '"x"',
      "(x)",
      "x/y",
      "x\xe9",
      "x\xa0",
      "x; =1",
      "x; a=",
      "x; a=1 2",
      "x; a==1",
      'x; a=""',
      'x; a="1',
      'x; a="1 2"',
      'x; a="1,2"',
      'x; a="1;2"',
      'x; a="1"2',
      'x; a="\\"',
      "permessage-deflate, x; =1",
    ];
    for (const field of fields) assertEquals(isExtensionList(field), false, field);
  });
});
