/** How a hub ends: whom it asks to come back when, where sockets do what the test says. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { describe, it } from "node:test";
import { manualClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { seededRandom } from "../base/random.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { handshakeRequest } from "../testing/handshake_request.ts";
import { returnTimes } from "./drain.ts";
import { createHub } from "./hub.ts";

/** The most of these times in any second, its end excluded. */
function busiestSecond(sorted: readonly number[]): number {
  let busiest = 0;
  for (let i = 0, j = 0; i < sorted.length; i++) {
    while (sorted[i]! - sorted[j]! >= 1000) j++;
    busiest = Math.max(busiest, i - j + 1);
  }
  return busiest;
}

/** A hub with so many connections whose peers close when they are closed, unless they are `deaf`. */
async function crowd(count: number, { deaf = false, seed = 1 } = {}) {
  const clock = manualClock();
  const hub = createHub({
    auth: allowAnonymous(),
    channels: {},
    clock,
    random: seededRandom(seed),
    rates: false,
  });
  const sockets: FakeSocket[] = [];
  for (let i = 0; i < count; i++) {
    const admission = await hub.admit(handshakeRequest(), { address: "192.0.2.1" });
    assert(!(admission instanceof Response));
    const socket = new FakeSocket();
    const peer = hub.accept(socket, admission);
    if (!deaf) {
      const { close } = socket;
      socket.close = (code) => {
        close.call(socket, code);
        peer.closed(code, "");
      };
    }
    sockets.push(socket);
  }
  return { hub, clock, sockets };
}

const farewellOf = (socket: FakeSocket) => JSON.parse(String(socket.frames.at(-1)));

describe("returnTimes()", () => {
  it("calls back no more in any second than planned, for any number and spread", () => {
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 3_000 }),
      fc.integer({ min: 0, max: 60_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (count, spread, chance) => {
        const random = { ...seededRandom(1), fraction: () => chance };
        const times = returnTimes(count, spread, random);
        assertEquals(times.length, count);
        assert(times.every((time, i) => Number.isInteger(time) && time >= (times[i - 1] ?? 0)));
        assert(times.at(-1)! <= Math.max(0, spread - 1), `the last comes at ${times.at(-1)}`);
        const planned = spread === 0 ? count : Math.ceil((count * 1000) / spread);
        assert(busiestSecond(times) <= planned, `${busiestSecond(times)} of ${planned}`);
      },
    ));
  });

  it("does not call those of several hubs back at the same moments", () => {
    const random = seededRandom(3);
    const first = Array.from({ length: 50 }, () => returnTimes(1, 5_000, random)[0]!);
    assert(new Set(first.map((time) => Math.floor(time / 1000))).size === 5, String(first));
  });
});

describe("Hub.drain()", () => {
  it("tells each client a time of its own to come back", async () => {
    const { hub, sockets } = await crowd(100);
    await hub.drain({ spread: 2_000 });
    const farewells = sockets.map(farewellOf);
    assertEquals(new Set(farewells.map(({ type }) => type)), new Set(["disconnected"]));
    const times = farewells.map(({ retry_after }) => retry_after * 1000);
    assertEquals(new Set(times).size, 100);
    assertEquals(busiestSecond(times), 50);
    assertEquals(new Set(sockets.map(({ ended }) => ended)), new Set([1012]));
  });

  it("sends back at once whoever was let in before it and opens after", async () => {
    const { hub } = await crowd(0);
    const admission = await hub.admit(handshakeRequest(), { address: "192.0.2.1" });
    assert(!(admission instanceof Response));
    const drained = hub.drain();
    const socket = new FakeSocket();
    hub.accept(socket, admission);
    assertEquals(socket.ended, 1012);
    await drained;
  });

  it("cuts off at its deadline whoever has not closed, and not before", async () => {
    const { hub, clock, sockets } = await crowd(2, { deaf: true });
    const drained = hub.drain({ within: 3_000 });
    assert(hub.isDraining);
    clock.advance(2_999);
    assertEquals(hub.stats().connections, 2);
    clock.advance(1);
    await drained;
    assertEquals(hub.stats().connections, 0);
    assertEquals(sockets.length, 2);
  });

  it("refuses options that are none, and goes on", async () => {
    const { hub } = await crowd(1);
    const misspelt = { spraed: 1 } as object;
    const values = [{ within: -1 }, { spread: 0.5 }, { spread: Infinity }, { within: NaN }];
    for (const options of [...values, misspelt]) {
      const [name] = Object.keys(options);
      const error = await assertRejects(() => hub.drain(options), HeddleError, name);
      assertEquals([error.code, hub.isDraining], ["option_invalid", false]);
    }
    const drained = hub.drain();
    assertEquals(hub.drain(), drained, "called again, it gives the same promise");
    await drained;
  });
});
