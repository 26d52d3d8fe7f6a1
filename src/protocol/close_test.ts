import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { byteLength } from "../base/byte_length.ts";
import { closeAction, closeTable, isSendableCloseCode, plainCloseCode } from "./close.ts";

const rules = Object.values(closeTable);

describe("closeTable", () => {
  it("has each code once, one that may be sent, with a reason that fits a Close frame", () => {
    assertEquals(new Set(rules.map(({ code }) => code)).size, rules.length);
    for (const { code, reason } of rules) {
      assert(isSendableCloseCode(code), String(code));
      assert(reason.length > 0 && byteLength(reason) <= 123, reason);
    }
  });
});

describe("closeAction()", () => {
  it("says of each code what the table says, also where a plain WebSocket sends another for it", () => {
    for (const { code, action } of rules) {
      assertEquals(closeAction(code), action, String(code));
      assertEquals(closeAction(plainCloseCode(code)), action, `in place of ${code}`);
    }
  });

  it("takes a code that nobody wrote down for an accident", () => {
    for (const code of [0, 1005, 1006, 1015, 3000, 4000, 4999]) {
      assertEquals(closeAction(code), "retry", String(code));
    }
  });
});

describe("plainCloseCode()", () => {
  it("turns what a plain WebSocket refuses into what it takes, and each into another", () => {
    const sent = rules.map(({ code }) => plainCloseCode(code));
    for (const code of sent) assert(code === 1000 || (code >= 3000 && code <= 4999), String(code));
    assertEquals(new Set(sent).size, rules.length);
    assertEquals([1008, 1011, 1012, 1013].map(plainCloseCode), [4008, 4011, 4012, 4013]);
  });
});

describe("isSendableCloseCode()", () => {
  it("takes what may stand in a Close frame (RFC 6455 section 7.4)", () => {
    for (const code of [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]) {
      assertEquals(isSendableCloseCode(code), true, String(code));
    }
    for (const code of [0, 999, 1002, 1004, 1005, 1006, 1015, 2999, 5000, 1000.5, NaN, -1]) {
      assertEquals(isSendableCloseCode(code), false, String(code));
    }
  });
});
