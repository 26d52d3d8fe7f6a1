import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { seededRandom } from "../base/random.ts";
import { newEvent, retention, testBroker } from "./contract.ts";
import { LateBroker } from "../testing/late_broker.ts";
import { testHistory } from "./history_contract.ts";
import { memoryBroker } from "./memory.ts";
import type { MemoryBrokerOptions } from "./memory_options.ts";
import { testSessions } from "./sessions_contract.ts";

const memory = { create: memoryBroker };
testBroker("memoryBroker()", memory);
testHistory("memoryBroker()", memory);
testSessions("memoryBroker()", memory);

const late = {
  create: (options?: MemoryBrokerOptions) =>
    new LateBroker(memoryBroker(options), { isPrompt: true }),
};
testBroker("The late broker of the tests", late);
testSessions("The late broker of the tests", late);

describe("memoryBroker()", () => {
  it("answers at once and calls listeners within publish", () => {
    const broker = memoryBroker();
    const offsets: number[] = [];
    const subscription = broker.subscribe("a", retention, ({ offset }) => offsets.push(offset));
    assert(!(subscription instanceof Promise));
    const position = broker.publish("a", newEvent(), { retention });
    assert(!(position instanceof Promise));
    assertEquals(offsets, [1]);
  });

  it("starts a new epoch where nobody listened for the time to live", () => {
    const clock = manualClock();
    const broker = memoryBroker({ random: seededRandom(1), clock });
    const epochs = [0, 299_000, 310_000].map((wait) => {
      clock.advance(wait);
      const subscription = broker.subscribe("a", retention, () => {});
      assert(!(subscription instanceof Promise));
      subscription.close();
      return subscription.position.epoch;
    });
    assertEquals([epochs[0] === epochs[1], epochs[1] === epochs[2]], [true, false]);
  });

  it("drops what has run out within a second, also where it is to be kept for shorter than before", () => {
    const clock = manualClock();
    const broker = memoryBroker({ clock });
    const kept = (wait: number) => {
      clock.advance(wait);
      return broker.kept;
    };
    void broker.subscribe("listened", retention, () => {});
    void broker.publish("listened", newEvent(), { retention });
    void broker.publish("idle", newEvent(), { retention });
    assertEquals([kept(299_000), kept(2_000)], [2, 0]);
    void broker.publish("listened", newEvent(), { retention });
    void broker.publish("listened", newEvent(), { retention: { ...retention, ttl: 5_000 } });
    assertEquals([kept(4_000), kept(2_000)], [2, 0]);
  });

  it("goes on with the next event after a listener that threw against its contract", () => {
    const broker = memoryBroker();
    const offsets: number[] = [];
    let isBroken = true;
    void broker.subscribe("a", retention, () => {
      if (isBroken) throw new Error("against the contract");
    });
    void broker.subscribe("a", retention, ({ offset }) => offsets.push(offset));
    try {
      void broker.publish("a", newEvent(), { retention });
    } catch {
      isBroken = false;
    }
    void broker.publish("a", newEvent(), { retention });
    assertEquals([isBroken, offsets], [false, [2]]);
  });
});
