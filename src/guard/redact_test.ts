import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { HeddleError } from "../base/errors.ts";
import { redact, redactText } from "./redact.ts";

const JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl";
const RECONNECTION = "q1w2e3r4t5y6u7i8o9p0-_a1s2d3f4g5h6j7k8l9z0x";
const hides = (text: string, secret: string) => assert(!text.includes(secret), text);

describe("redactText()", () => {
  it("takes out tokens wherever they are written", () => {
    for (
      const text of [
        JWT,
        `/ws?token=${JWT}&x=1`,
        `/ws?auth_token=${JWT}`,
        `Authorization: Bearer ${JWT}`,
        `Sec-WebSocket-Protocol: heddle.v1, jwt.${JWT}`,
        `{"token":"${JWT}"}`,
        `jwt.${btoa(JWT).replaceAll("=", "")}`,
      ]
    ) {
      hides(redactText(text), "eyJ");
      hides(redactText(text), btoa(JWT).slice(0, 20));
    }
    for (const text of ["?reconnection_token=secret", '"reconnection_token":"secret"']) {
      hides(redactText(text), "secret");
    }
    hides(redactText(`session ${RECONNECTION} is gone`), RECONNECTION);
    assertEquals(redactText("/ws?token=opaque&x=1"), "/ws?token=[token]&x=1");
  });

  it("takes out what is known to be one, also as it stands in a query", () => {
    assertEquals(redactText("bad key p@ss/word!", ["p@ss/word!"]), "bad key [token]");
    assertEquals(redactText("at /?k=p%40ss%2Fword!", ["p@ss/word!"]), "at /?k=[token]");
  });

  it("leaves everything else as it is", () => {
    for (
      const text of [
        "a token is needed: in Authorization: Bearer, in ?token=, or as the subprotocol jwt.TOKEN",
        "the token is refused: its signature is by no key this server knows",
        "the subprotocol carries no token: after the dot comes a JWT",
        "6f9619ff-8b86-4011-b42d-00c04fc964ff",
        'no channel "room:1" is declared',
      ]
    ) assertEquals(redactText(text), text);
  });
});

describe("redact()", () => {
  it("looks into objects, lists, errors, their causes and their own fields", () => {
    const error = Object.assign(
      new HeddleError("unauthorized", `no ${JWT}`, { cause: new Error(`at ?token=${JWT}`) }),
      { request: { url: `ws://h/?token=${JWT}`, tokens: [JWT], [JWT]: 1 } },
    );
    const redacted = redact({ error, at: new URL(`http://h/?token=${JWT}`) }) as { error: Error };
    hides(inspect(redacted, { depth: 10 }), "eyJ");
    assert(redacted.error instanceof HeddleError);
    assertEquals(redacted.error.code, "unauthorized");
    assertEquals(redacted.error.message, "no [token]");
    assertEquals(error.message, `no ${JWT}`);
  });

  it("takes errors of the runtime's own", () => {
    const abort = redact(new DOMException(`late for ${JWT}`, "TimeoutError")) as Error;
    assertEquals(`${abort}`, "TimeoutError: late for [token]");
    const several = redact(new AggregateError([new Error(JWT)], JWT)) as AggregateError;
    hides(inspect(several), "eyJ");
    assertEquals((several.errors[0] as Error).message, "[token]");
  });

  it("ends with what holds itself, and with what it does not know", () => {
    const self: Record<string, unknown> = { request: new Request(`http://h/?token=${JWT}`) };
    self["self"] = self;
    hides(inspect(redact(self), { depth: 20 }), "eyJ");
  });

  it("gives everything else back as it was", () => {
    for (const value of [1, 1n, null, undefined, true, "text"]) assertEquals(redact(value), value);
    const cause = new DOMException("late", "TimeoutError");
    for (const same of [{ list: [1, { a: "b" }] }, new HeddleError("closed", "over", { cause })]) {
      assert(redact(same) === same);
    }
  });
});
