import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { SlidingWindow } from "../base/sliding_window.ts";
import { decodeText } from "../protocol/decode.ts";
import { resolveRates } from "./rate_options.ts";
import { Rates } from "./rates.ts";

const sizes = { text: 1_000, subscribe: 1_000, binary: 1_000 };
const ping = decodeText('{"type":"ping"}', sizes);
const much = { capacity: 1_000_000, perSecond: 1_000_000 };

describe("The messages that a connection may send in any second", () => {
  it("are those that a window admits which is always there, however they come", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.oneof(fc.nat(400), fc.constantFrom(0, 999, 1_000, 1_001)), { maxLength: 40 }),
      (limit, waits) => {
        const options = { connection: limit, refusals: 1_000, messages: { ping: much } };
        const rates = new Rates(resolveRates(options, () => false));
        const connection = rates.of({ userId: null, address: "192.0.2.1" });
        const window = new SlidingWindow({ limit, window: 1_000 });
        let now = 0;
        for (const wait of waits) {
          now += wait;
          const refused = connection.take(ping, now)?.reason.retryAfter ?? 0;
          assertEquals(refused, Math.ceil(window.take(now)) / 1000);
        }
      },
    ));
  });
});

describe("ConnectionRates.idleAt", () => {
  it("is when they can be forgotten and nobody notices", () => {
    const wait = fc.oneof(fc.nat(2_000), fc.constantFrom(0, 0, 250, 300, 600, 999, 1_000));
    const messages = ["ping", "ack", "subscribe"].map((type) =>
      decodeText(`{"type":"${type}","channels":["a"],"ack_ids":["a"]}`, sizes)
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, Infinity),
        fc.array(fc.tuple(wait, fc.constantFrom(...messages)), { maxLength: 40 }),
        (connection, steps) => {
          const rule = { capacity: 1, perSecond: 4 };
          const given = {
            connection,
            refusals: 1,
            messages: { default: rule, ping: rule, ack: rule, subscribe: rule },
          };
          const rates = new Rates(resolveRates({ ...given, burst: 0 }, () => false));
          const who = { userId: null, address: "192.0.2.1" };
          const kept = rates.of(who);
          let forgotten = rates.of(who);
          let now = 0;
          for (const [wait, message] of steps) {
            now += wait;
            if (forgotten.idleAt <= now) forgotten = rates.of(who);
            const [a, b] = [kept, forgotten].map((one) => one.take(message, now));
            assertEquals(a, b);
            assertEquals([...kept.used(now)].sort(), [...forgotten.used(now)].sort());
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
