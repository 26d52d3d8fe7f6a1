import { describe, it } from "node:test";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import fc from "fast-check";
import { createRandom } from "../random.ts";
import { targetOf } from "../wire/socket.ts";
import { Broken } from "./finding.ts";
import { Peer } from "./peer.ts";
import { forAll } from "./property.ts";
import { Search } from "./search.ts";

type List = readonly number[];

/** Nothing here connects: what is searched is what {@link Breaks} says. */
function peer(crowded = false): Peer {
  return new Peer({
    target: targetOf("ws://127.0.0.1:9/"),
    facts: { echoes: false, greetings: 0, deflate: false, offer: null },
    patience: { timeout: 1000, linger: 0 },
    crowded,
    insists: false,
    random: createRandom(1),
    seed: 1,
    runs: 30,
    maxMessage: null,
    profile: "fast",
    headers: [],
    subprotocols: [],
  });
}

/** Whether a list breaks the property, the so manieth time that it is tried, with so long a wait. */
type Breaks = (list: List, attempt: number, timeout: number) => boolean;

/** Leaves out one at a time. */
async function reduce(list: List, breaks: (list: List) => Promise<boolean>): Promise<List> {
  let smallest = list;
  for (let i = list.length - 1; i >= 0; i--) {
    const candidate = smallest.toSpliced(i, 1);
    if (await breaks(candidate)) smallest = candidate;
  }
  return smallest;
}

async function found(breaks: Breaks, { crowded = false, reduces = true } = {}): Promise<string> {
  const one = peer(crowded);
  const attempts = new Map<string, number>();
  const error = await assertRejects(() =>
    forAll<List>(one, {
      inputs: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 6, maxLength: 6 }),
      show: (list) => list.join(" "),
      ...(reduces ? { reduce } : {}),
      holds: (list) => {
        const attempt = (attempts.get(String(list)) ?? 0) + 1;
        attempts.set(String(list), attempt);
        if (!breaks(list, attempt, one.patience.timeout)) return Promise.resolve();
        return Promise.reject(new Broken({ expected: "no", observed: "yes" }));
      },
    }), Broken);
  assertEquals(one.patience.timeout, 1000);
  return error.finding.counterexample ?? "";
}

describe("forAll()", () => {
  it("makes what breaks as small as it gets", async () => {
    const counterexample = await found((list) => list.includes(7));
    assertMatch(counterexample, /^7\n\(run \d+ of seed 1, shrunk 5 times\)$/);
  });

  it("takes what breaks each time before what broke once", async () => {
    const counterexample = await found((list, attempt) => list.includes(7) || attempt === 1);
    assertMatch(counterexample, /^7\n\(run \d+ of seed 1, shrunk 5 times\)$/);
  });

  it("makes also smaller what breaks by chance, and says so", async () => {
    const counterexample = await found((list, attempt) => list.length >= 2 && attempt % 3 === 1);
    assertMatch(counterexample, /^\d \d\n\(run 1 of seed 1, shrunk 4 times; .*not break every/);
  });

  it("does not take for smaller what breaks in a hurry alone", async () => {
    const large = (list: List) => list.some((one) => one > 6);
    for (const reduces of [true, false]) {
      const counterexample = await found((list, _, ms) => large(list) || ms < 1000, { reduces });
      assertMatch(counterexample, /^[^\n]*[7-9]/);
    }
    const whole = await found((list, _, ms) => list.length === 6 || ms < 1000);
    assertMatch(whole, /^(\d ?){6}\n/);
  });

  it("tries no more where the time is over, and knows how often it tried", async () => {
    let now = 0;
    const slow = { show: String, holds: () => Promise.resolve(void (now += 7_000)) };
    const search = new Search(peer(), { ...slow, inputs: fc.nat() }, () => now);
    assertEquals([await search.find(30, 1), search.runs], [null, 5]);
  });

  it("makes nothing smaller amid a crowd", async () => {
    for (const reduces of [true, false]) {
      const counterexample = await found(() => true, { crowded: true, reduces });
      assertMatch(counterexample, /^(\d ?){6}\n\(run 1 of seed 1, shrunk 0 times\)$/);
    }
  });
});
