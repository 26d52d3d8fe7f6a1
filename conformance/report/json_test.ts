import { describe, it } from "node:test";
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { json } from "./json.ts";
import { anyReport, hostileReport } from "./sample.ts";

describe("json()", () => {
  it("gives the report itself, whatever a server sent", () => {
    assertEquals(JSON.parse(json(hostileReport())), hostileReport());
    fc.assert(fc.property(anyReport(), (report) => {
      assertEquals(JSON.parse(json(report)), JSON.parse(JSON.stringify(report)));
    }));
  });

  it("holds nothing that a terminal obeys", () => {
    assert(!/[^\P{Cc}\n]/u.test(json(hostileReport())));
  });
});
