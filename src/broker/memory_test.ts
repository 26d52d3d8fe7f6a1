import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { seededRandom } from "../base/random.ts";
import { newEvent, testBroker } from "./contract.ts";
import { memoryBroker } from "./memory.ts";

testBroker("memoryBroker()", { create: () => memoryBroker() });

describe("memoryBroker()", () => {
  it("answers at once and calls listeners within publish", () => {
    const broker = memoryBroker();
    const offsets: number[] = [];
    const subscription = broker.subscribe("a", ({ offset }) => offsets.push(offset));
    assert(!(subscription instanceof Promise));
    const position = broker.publish("a", newEvent());
    assert(!(position instanceof Promise));
    assertEquals(offsets, [1]);
  });

  it("starts a new epoch where nobody listened in between", () => {
    const broker = memoryBroker({ random: seededRandom(1) });
    const epochs = Array.from({ length: 3 }, () => {
      const subscription = broker.subscribe("a", () => {});
      assert(!(subscription instanceof Promise));
      subscription.close();
      return subscription.position.epoch;
    });
    assertEquals(new Set(epochs).size, 3);
  });

  it("goes on with the next event after a listener that threw against its contract", () => {
    const broker = memoryBroker();
    const offsets: number[] = [];
    let isBroken = true;
    void broker.subscribe("a", () => {
      if (isBroken) throw new Error("against the contract");
    });
    void broker.subscribe("a", ({ offset }) => offsets.push(offset));
    try {
      void broker.publish("a", newEvent());
    } catch {
      isBroken = false;
    }
    void broker.publish("a", newEvent());
    assertEquals([isBroken, offsets], [false, [2]]);
  });
});
