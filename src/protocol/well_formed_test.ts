import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { decodeText, type Inbound } from "./decode.ts";
import { describeIssue } from "./issue.ts";
import { applicationSchema, clientSchemas, isRequestType } from "./messages.ts";
import { wellFormedMessage, wellFormedRequest } from "./well_formed.ts";

type Fields = Readonly<Record<string, unknown>>;

const limits = { text: 1_000_000, subscribe: 1_000_000, binary: 1_000_000 };

/** The model: what the schemas alone say of a message, whose type is a string of 1 to 200 characters. */
function bySchema(type: string, fields: Fields): Inbound {
  const { data, error } = (isRequestType(type) ? clientSchemas[type] : applicationSchema)
    .safeParse(fields);
  if (error === undefined) {
    return isRequestType(type)
      ? { kind: "request", request: clientSchemas[type].parse(fields) }
      : { kind: "application", message: applicationSchema.parse(fields) };
  }
  assert(data === undefined);
  const message = describeIssue(error);
  const { correlation_id: id } = fields;
  return {
    kind: "failure",
    failure: { code: "invalid_message", message },
    ...(isRequestType(type) ? { type } : {}),
    ...(typeof id === "string" && id.length <= 128 ? { correlationId: id } : {}),
  };
}

/** About as long as is allowed, of letters that UTF-16 and a count of characters see differently. */
const texts = fc.oneof(
  fc.constantFrom("", "a", "__proto__", "x".repeat(128), "x".repeat(129), "x".repeat(200)),
  fc.constantFrom("é".repeat(128), "😀".repeat(64), "😀".repeat(65), "😀".repeat(128), "\ud800"),
  fc.constantFrom("x".repeat(201), "😀".repeat(101), "\u0000"),
  fc.string({ maxLength: 8 }),
);
const values = fc.oneof(
  texts,
  fc.constantFrom(null, true, false, 0, -1, 1.5, {}, [], [""], ["a", 1]),
  fc.array(texts, { maxLength: 20 }),
  fc.jsonValue({ maxDepth: 2 }),
);
const names = [
  "type",
  "channel",
  "event_type",
  "data",
  "id",
  "echo",
  "ack_ids",
  "correlation_id",
  "payload",
  "__proto__",
  "constructor",
] as const;
const types = fc.constantFrom("ping", "publish", "ack", "add", "__proto__", "toString");

/** Fields most of which are as they should be, so that what is wrong is not always found at once. */
const sound = fc.record({
  channel: texts,
  event_type: fc.constantFrom("t", "x".repeat(200)),
  data: fc.jsonValue({ maxDepth: 1 }),
  id: fc.constantFrom("1", "x".repeat(128)),
  echo: fc.boolean(),
  ack_ids: fc.array(fc.constantFrom("a.1", "x".repeat(128)), { minLength: 1, maxLength: 16 }),
  correlation_id: fc.constantFrom("", "c", "x".repeat(128)),
  payload: fc.jsonValue({ maxDepth: 1 }),
}, { requiredKeys: ["channel", "event_type", "data", "ack_ids"] });
const mixed = fc.tuple(
  fc.oneof(sound, fc.constant({})),
  fc.array(fc.tuple(fc.constantFrom(...names), values), { maxLength: 3 }),
).map(([good, changes]): Fields => Object.fromEntries([...Object.entries(good), ...changes]));

describe("wellFormedRequest() and wellFormedMessage()", () => {
  it("leave every verdict and every word of it as the schemas have it", () => {
    fc.assert(
      fc.property(types, mixed, (type, fields) => {
        const json = JSON.stringify({ ...fields, type });
        const inbound = decodeText(json, limits);
        assertEquals(inbound, bySchema(type, JSON.parse(json)));
        if (inbound.kind === "application") {
          // That nothing is said of a payload is not that it is nothing.
          const model = applicationSchema.parse(JSON.parse(json));
          assertEquals(Object.hasOwn(inbound.message, "payload"), Object.hasOwn(model, "payload"));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("read every sound message without the schemas, or they would be of no use", () => {
    fc.assert(fc.property(sound, (fields) => {
      for (const type of ["ping", "publish", "ack"] as const) {
        const read = wellFormedRequest(type, { ...fields, type });
        assertEquals(read, clientSchemas[type].parse({ ...fields, type }));
      }
      const read = wellFormedMessage("add", { ...fields, type: "add" });
      assertEquals(read, applicationSchema.parse({ ...fields, type: "add" }));
    }));
  });

  it("leave the other requests to the schemas", () => {
    assertEquals(wellFormedRequest("subscribe", { type: "subscribe", channels: ["a"] }), undefined);
  });
});
