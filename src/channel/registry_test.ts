import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { HeddleError } from "../base/errors.ts";
import { Media } from "../protocol/event.ts";
import { channel, type ChannelDefinition } from "./definition.ts";
import { ChannelRegistry } from "./registry.ts";

describe("ChannelRegistry", () => {
  it("refuses what channel() did not make", () => {
    for (const made of [{}, { description: "news" }, undefined, null]) {
      const news = made as unknown as ChannelDefinition;
      const error = assertThrows(() => new ChannelRegistry({ news }), HeddleError, '"news"');
      assertEquals(error.code, "option_invalid");
    }
  });

  it("finds the exact definition, else that of the longest pattern, in any order", () => {
    const [all, rooms, vip, lobby] = ["all", "rooms", "vip", "lobby"]
      .map((description) => channel({ description }));
    const names: readonly (readonly [string, ChannelDefinition])[] = [
      ["*", all!],
      ["room:*", rooms!],
      ["room:vip:*", vip!],
      ["room:lobby", lobby!],
    ];
    for (const entries of [names, [...names].reverse()]) {
      const registry = new ChannelRegistry(Object.fromEntries(entries));
      const found = ["room:lobby", "room:lobby2", "room:vip:1", "room:vip:", "room:", "other"]
        .map((name) => registry.find(name)?.description);
      assertEquals(found, ["lobby", "rooms", "vip", "rooms", "all", "all"]);
    }
  });

  it("knows no channel that was not declared", () => {
    const registry = new ChannelRegistry({ a: channel(), "room:*": channel() });
    for (const name of ["b", "room:", "__proto__", "constructor", "toString", ""]) {
      assertEquals(registry.find(name), undefined, name);
    }
  });

  it("takes __proto__ for a name, where it is declared", () => {
    const definition = channel({ description: "odd" });
    const registry = new ChannelRegistry(Object.fromEntries([["__proto__", definition]]));
    assertEquals(registry.find("__proto__"), definition);
  });

  it("refuses names that no client could use, and patterns with * elsewhere", () => {
    for (const name of ["", "a b", "@user:*", "@all", "a*b", "**", "x".repeat(201)]) {
      const error = assertThrows(() => new ChannelRegistry({ [name]: channel() }), HeddleError);
      assertEquals(error.code, "option_invalid");
      assertStringIncludes(error.message, "is no channel name");
    }
  });
});

describe("ChannelRegistry.check()", () => {
  const definition = channel({
    events: {
      "signal.*": z.object({ strength: z.number() }),
      "signal.lost": z.object({ since: z.number().default(7) }),
      image: z.instanceof(Media),
    },
  });
  const registry = new ChannelRegistry({ typed: definition, free: channel() });

  it("takes any event where the channel declares none", () => {
    const free = registry.find("free")!;
    for (const data of [null, 1, { a: [1] }]) {
      assertEquals(registry.check(free, "whatever", data), { data });
    }
  });

  it("gives what the schema makes of the data: defaults filled in, unknown fields left out", () => {
    assertEquals(registry.check(definition, "signal.lost", { extra: 1 }), { data: { since: 7 } });
    assertEquals(registry.check(definition, "signal.up", { strength: 1 }), {
      data: { strength: 1 },
    });
  });

  it("takes media where the schema does", () => {
    const media = new Media("image", new Uint8Array([1]));
    const checked = registry.check(definition, "image", media);
    assertStrictEquals("data" in checked ? checked.data : undefined, media);
  });

  it("says what does not fit, and which events there are", () => {
    const misfitOf = (type: string, data: unknown) =>
      registry.check(definition, type, data).misfit ?? "it fits";
    assertEquals(misfitOf("signal.up", { strength: "1" }), "strength must be a number");
    assertStringIncludes(misfitOf("noise", {}), "signal.*, signal.lost, image");
    assertStringIncludes(misfitOf("signal.", {}), 'no event "signal."');
    assertStringIncludes(misfitOf("constructor", {}), 'no event "constructor"');
    assertStringIncludes(misfitOf("__proto__", {}), 'no event "__proto__"');
  });
});
