import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { Marks } from "./marks.ts";

const number = fc.nat(999_999);
const text = fc.string({ unit: "binary" });

describe("marks", () => {
  it("are found in whatever is wrapped around them, in their order", () => {
    const marks = new Marks();
    fc.assert(fc.property(fc.array(fc.tuple(text, number)), text, (parts, end) => {
      const content = parts.map(([before, of]) => before + marks.of(of)).join("") + end;
      assertEquals(marks.in(Buffer.from(content)), parts.map(([, of]) => of));
    }));
  });

  it("can be put in each other's place, and leave the rest and its length as they are", () => {
    const marks = new Marks();
    const bytes = fc.uint8Array({ maxLength: 20 });
    fc.assert(fc.property(bytes, number, fc.nat(900_000), fc.nat(9), (rest, first, from, count) => {
      const message = Buffer.concat([rest, Buffer.from(marks.of(first)), rest]);
      const many = Buffer.from(marks.instead(message, from, count));
      assertEquals(many.length, message.length * count);
      assertEquals(marks.in(many), Array.from({ length: count }, (_, i) => from + i));
      const back = marks.instead(many, first, 1).subarray(0, message.length);
      if (count > 0) assertEquals(new Uint8Array(back), new Uint8Array(message));
    }));
  });

  it("are not those of another measure, nor what only begins like one", () => {
    const marks = new Marks();
    assertEquals(marks.in(Buffer.from(new Marks().of(7))), []);
    assertEquals(marks.in(Buffer.from(marks.of(7).slice(0, -1))), []);
    assertEquals(marks.in(Buffer.from(marks.of(7).replace("7", "x"))), []);
  });
});
