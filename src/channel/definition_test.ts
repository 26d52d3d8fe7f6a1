import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { HeddleError } from "../base/errors.ts";
import { channel } from "./definition.ts";

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
      assertThrows(() => channel({ history: { size } }), HeddleError, "channel.history.size is");
    }
    const priority = "high" as "critical";
    assertThrows(() => channel({ priority }), HeddleError, 'channel.priority is "high"');
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
