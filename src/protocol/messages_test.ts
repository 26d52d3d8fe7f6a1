import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { clientSchemas, isRequestType, isReservedType } from "./messages.ts";
import { positionSchema, serverSchemas } from "./messages.ts";

describe("The reserved types", () => {
  it("are the protocol's messages both ways", () => {
    for (const type of [...Object.keys(clientSchemas), ...Object.keys(serverSchemas)]) {
      assertEquals(isReservedType(type), true, type);
    }
  });

  it("leave everything else to the application", () => {
    for (const type of ["user_message", "__proto__", "constructor", "toString", "", "Ping"]) {
      assertEquals([isReservedType(type), isRequestType(type)], [false, false], type);
    }
  });
});

describe("positionSchema", () => {
  it("takes offsets from 0 to 2^53 - 1 and epochs of 1 to 16 characters", () => {
    const fits = (epoch: unknown, offset: unknown) =>
      positionSchema.safeParse({ epoch, offset }).success;
    for (const offset of [0, 1, 2 ** 53 - 1]) assertEquals(fits("e", offset), true, `${offset}`);
    for (const offset of [-1, 0.5, 2 ** 53, Infinity, NaN, "1", null]) {
      assertEquals(fits("e", offset), false, `${offset}`);
    }
    assertEquals([fits("", 0), fits("e".repeat(16), 0), fits("e".repeat(17), 0)], [
      false,
      true,
      false,
    ]);
  });
});
