import { assertEquals, assertStrictEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { HeddleError } from "../base/errors.ts";
import { Media } from "../protocol/event.ts";
import { channel, type ChannelDefinition, ChannelRegistry } from "./definition.ts";

describe("channel()", () => {
  it("refuses an option that is none, such as permissions misspelt", () => {
    const options = { permisions: { admin: ["subscribe"] } } as object;
    const { code, message } = assertThrows(() => channel(options), HeddleError);
    assertEquals(code, "option_invalid");
    assertStringIncludes(message, 'no option "channel.permisions"');
  });

  it("has defaults: any event, everybody may subscribe, senders get their own", () => {
    assertEquals(channel(), {
      description: "",
      events: undefined,
      permissions: { "*": ["subscribe"] },
      echo: true,
      retention: { size: 1_000, bytes: 8_388_608, ttl: 300_000 },
      priority: "normal",
      overflow: "disconnect",
      ack: false,
      presence: undefined,
    });
  });

  it("keeps what is said of history beside the defaults of the rest", () => {
    const { retention } = channel({ history: { size: 0 } });
    assertEquals(retention, { size: 0, bytes: 8_388_608, ttl: 300_000 });
  });

  it("keeps what is said of presence beside the defaults of the rest", () => {
    const defaults = { grace: 10_000, maxMembers: 1_000, coalesce: 100 };
    assertEquals(channel({ presence: true }).presence, defaults);
    assertEquals(channel({ presence: false }).presence, undefined);
    assertEquals(channel({ presence: { grace: 0 } }).presence, { ...defaults, grace: 0 });
    assertThrows(() => channel({ presence: { grace: -1 } }), HeddleError, "presence.grace");
  });

  it("refuses what is no count, no priority and no policy", () => {
    for (const size of [-1, 1.5, NaN, Infinity]) {
      assertThrows(() => channel({ history: { size } }), HeddleError, "history.size");
    }
    const priority = "high" as "critical";
    assertThrows(() => channel({ priority }), HeddleError, '"critical", "normal", "bulk"');
    const overflow = "drop-newest" as "disconnect";
    assertThrows(() => channel({ overflow }), HeddleError, '"disconnect", "drop-oldest"');
  });

  it("refuses an action that there is not, and says which there are", () => {
    const error = assertThrows(
      () => channel({ permissions: { admin: ["publish" as "broadcast"] } }),
      HeddleError,
      '"publish"',
    );
    assertEquals(error.code, "option_invalid");
    assertStringIncludes(error.message, '"subscribe" and "broadcast"');
  });

  it("refuses permissions that are no list, and events without a schema", () => {
    const actions = "subscribe" as unknown as ["subscribe"];
    const schema = { type: "object" } as unknown as z.ZodType;
    for (
      const [options, told] of [
        [{ permissions: { admin: actions } }, 'role "admin" must be a list'],
        [{ events: { said: schema } }, '"said" takes must be a zod schema'],
      ] as const
    ) {
      const error = assertThrows(() => channel(options), HeddleError, told);
      assertEquals(error.code, "option_invalid");
    }
  });
});

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
