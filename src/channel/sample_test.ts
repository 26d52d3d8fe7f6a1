import { assert, assertEquals, assertMatch } from "@std/assert";
import { describe, it } from "node:test";
import { z } from "zod";
import { Compressor, Dictionary } from "../protocol/compression.ts";
import { EncodedEvent, grant } from "../protocol/encode.ts";
import { seededRandom } from "../base/random.ts";
import { channel } from "./definition.ts";
import { sampleOf } from "./sample.ts";

const definitions = {
  orders: channel({
    events: {
      "order.changed": z.object({
        order_id: z.int(),
        customer_name: z.string(),
        status: z.enum(["received", "packed", "shipped", "delivered"]),
        total_amount: z.number(),
        currency_code: z.literal("EUR"),
        is_priority_customer: z.boolean(),
        delivery_address: z.object({ postal_code: z.string(), city_name: z.string() }),
      }),
    },
  }),
  "room:*": channel(),
};

describe("sampleOf()", () => {
  it("names what events are made of", () => {
    const sample = sampleOf(definitions);
    for (const part of ["order.changed", '"total_amount":0.', '"shipped"', '"EUR"', '"room:']) {
      assert(sample.includes(part), part);
    }
  });

  it("is the same for the same declarations, and bounded", () => {
    assertEquals(sampleOf(definitions), sampleOf({ ...definitions }));
    const many = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`channel-${i}`, definitions.orders]),
    );
    assertEquals(sampleOf(many).length, 4_096);
  });

  it("copes with schemas that JSON Schema cannot say", () => {
    const odd = channel({ events: { odd: z.custom<string>(), when: z.date() } });
    assertMatch(sampleOf({ odd }), /"odd"/);
  });

  it("lets events of 300 bytes take less than 0.3 of that", () => {
    const dictionary = new Dictionary(sampleOf(definitions));
    const { variant } = grant(
      { compression: { algorithm: "deflate", compact: true, dictionary: {} } },
      dictionary,
    );
    const random = seededRandom(7);
    const digits = (n: number) => Math.floor(random.fraction() * 10 ** n);
    const compressor = new Compressor();
    let plain = 0;
    let sent = 0;
    for (let offset = 1; offset <= 200; offset++) {
      const data = JSON.stringify({
        order_id: digits(6),
        customer_name: ["Ada Lovelace", "Alan Turing", "Grace Hopper"][offset % 3],
        status: ["received", "packed", "shipped", "delivered"][offset % 4],
        total_amount: digits(5) / 100,
        currency_code: "EUR",
        is_priority_customer: offset % 2 === 0,
        delivery_address: { postal_code: String(10_000 + digits(4)), city_name: "Berlin" },
      });
      const event = new EncodedEvent({
        channel: "orders",
        epoch: "e",
        offset,
        eventType: "order.changed",
        timestamp: "2027-03-04T05:06:07.891Z",
        data,
      }, compressor);
      plain += String(event.frame({ binary: false })).length;
      sent += event.frame(variant).length;
    }
    assert(plain / 200 > 280 && plain / 200 < 340, `${plain / 200} bytes`);
    assert(sent <= 0.3 * plain, `${sent / plain}`);
  });
});
