import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  clientChannel,
  EVERYONE,
  isChannelName,
  isChannelPattern,
  isOwnChannelName,
  isUserId,
  PatternTable,
  userChannel,
} from "./names.ts";

const LETTERS = "ABCXYZabcxyz0189_.:~=+/|-";

describe("isChannelName()", () => {
  it("takes 1 to 200 characters of the alphabet", () => {
    for (const name of ["a", LETTERS, "a".repeat(200), "__proto__", "constructor", "room:1/a|b"]) {
      assertEquals(isChannelName(name), true, name);
    }
  });

  it("refuses everything else", () => {
    const bad = [
      "",
      "a".repeat(201),
      "a".repeat(10_240),
      "a b",
      "a\n",
      "a\u0000",
      "é",
      "\ud800",
      "a*",
      "*",
      "@all",
      "a@b",
      "a,b",
      "a\\b",
      "a%20",
      "a#b",
      "a?b",
    ];
    for (const name of bad) assertEquals(isChannelName(name), false, JSON.stringify(name));
  });

  it("takes a name where each of its characters is of the alphabet, and no other", () => {
    const alphabet = /^[A-Za-z0-9_.:~=+/|-]$/;
    fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 20 }), (name) => {
      assertEquals(isChannelName(name), [...name].every((letter) => alphabet.test(letter)));
    }));
  });
});

describe("isChannelPattern()", () => {
  it("takes a prefix of the alphabet and one * at the end", () => {
    for (const name of ["*", "room:*", `${"a".repeat(199)}*`]) {
      assertEquals(isChannelPattern(name), true, name);
    }
    for (const name of ["", "room:", "a*b", "**", "*a", "@user:*", "a *", `${"a".repeat(200)}*`]) {
      assertEquals(isChannelPattern(name), false, name);
    }
  });
});

describe("isUserId()", () => {
  it("takes any string of 1 to 255 characters without control characters", () => {
    for (const id of ["u1", "名前 with spaces", "@all", "__proto__", "x".repeat(255)]) {
      assertEquals(isUserId(id), true, id);
    }
    for (const id of ["", "x".repeat(256), "a\nb", "a\u0000", "\u007f", "\u0085"]) {
      assertEquals(isUserId(id), false, JSON.stringify(id));
    }
  });
});

describe("The hub's own channels", () => {
  it("start with @, so that no client's name can be one", () => {
    for (const name of [EVERYONE, userChannel("u1"), clientChannel("c1")]) {
      assertEquals([isOwnChannelName(name), isChannelName(name)], [true, false]);
    }
    assertEquals([userChannel("u1"), clientChannel("c1")], ["@user:u1", "@client:c1"]);
  });
});

describe("PatternTable", () => {
  it("prefers the exact name, then the longest prefix, in whatever order they were declared", () => {
    const entries = [["*", 1], ["room:*", 2], ["room:a:*", 3], ["room:a:b", 4], [
      "room:",
      5,
    ]] as const;
    fc.assert(fc.property(
      fc.shuffledSubarray([...entries], { minLength: entries.length }),
      (shuffled) => {
        const table = new PatternTable(shuffled);
        assertEquals(table.get("room:a:b"), 4);
        assertEquals(table.get("room:a:c"), 3);
        assertEquals(table.get("room:a:"), 2);
        assertEquals(table.get("room:z"), 2);
        assertEquals(table.get("room:"), 5);
        assertEquals(table.get("other"), 1);
      },
    ));
  });

  it("does not let a pattern cover its bare prefix", () => {
    assertEquals(new PatternTable([["room:*", 1]]).get("room:"), undefined);
    assertEquals(new PatternTable([["*", 1]]).get(""), undefined);
  });

  it("knows nothing that was not declared, __proto__ and constructor included", () => {
    const table = new PatternTable([["a", 1]]);
    for (const name of ["__proto__", "constructor", "toString", "A", "a "]) {
      assertEquals(table.get(name), undefined);
    }
    assertEquals(new PatternTable([["__proto__", 1]]).get("__proto__"), 1);
  });
});
