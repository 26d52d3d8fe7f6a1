/**
 * What every broker must do about sessions.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type ManualClock, manualClock } from "../base/clock.ts";
import type { SessionRecord, SessionStore } from "./broker.ts";
import type { BrokerUnderTest } from "./contract.ts";
import type { MemoryBrokerOptions } from "./memory_options.ts";

const TTL = 300_000;

/** Registers the tests. */
export function testSessions(name: string, { create }: BrokerUnderTest): void {
  async function withSessions(
    test: (sessions: SessionStore, clock: ManualClock) => Promise<void>,
    options: MemoryBrokerOptions = {},
  ): Promise<void> {
    const clock = manualClock();
    const broker = await create({ clock, ...options });
    try {
      await test(broker.sessions, clock);
    } finally {
      await broker.close();
    }
  }

  describe(`${name}, as what keeps sessions,`, () => {
    it("gives a session once and as it was, and then knows none of its tokens", () =>
      withSessions(async (sessions) => {
        const record: SessionRecord = {
          clientId: "c",
          userId: "ann",
          positions: new Map([["__proto__", { epoch: "e", offset: 3 }]]),
          metadata: new Map([["__proto__", "{}"]]),
          rates: new Map([["ping", 1_735_473_600_000.5]]),
          unacknowledged: [{
            event: {
              channel: "a",
              epoch: "e",
              offset: 3,
              eventType: "t",
              data: "1",
              timestamp: "2024-12-29T12:00:00.000Z",
              ack: true,
            },
            attempts: 2,
          }],
        };
        for (const used of ["new", "old"]) {
          await sessions.put(["new", "old"], record, TTL);
          assertEquals(sessions.size, 1);
          assertEquals(await sessions.take(used, "ann"), record);
          assertEquals(sessions.size, 0);
          for (const token of ["new", "old"]) {
            assertEquals(await sessions.take(token, "ann"), undefined);
          }
        }
      }));

    it("keeps so many of one user, and of nobody at one network, and the newest of them", () =>
      withSessions(async (sessions) => {
        const nobody = (i: number, network: string) => ({ ...recordOf(`n${i}`), network });
        for (let i = 0; i < 4; i++) {
          await sessions.put([`ann${i}`], recordOf(`c${i}`, "ann"), TTL);
          await sessions.put([`here${i}`], nobody(i, "192.0.2.1"), TTL);
          await sessions.put([`unknown${i}`], recordOf(`u${i}`), TTL);
        }
        await sessions.put(["bob"], recordOf("b", "bob"), TTL);
        await sessions.put(["there"], nobody(9, "192.0.2.2"), TTL);
        const kept: string[] = [];
        for (const whose of ["ann", "here", "unknown"]) {
          for (let i = 0; i < 4; i++) {
            const token = `${whose}${i}`;
            if (await sessions.take(token, whose === "ann" ? "ann" : null)) kept.push(token);
          }
        }
        assertEquals(kept, [
          ...["ann2", "ann3", "here1", "here2", "here3"],
          ...["unknown0", "unknown1", "unknown2", "unknown3"],
        ]);
        assertEquals([sessions.size, sessions.evicted], [2, 3]);
        // What was taken or has run out counts no more.
        await sessions.put(["ann4"], recordOf("c4", "ann"), TTL);
        await sessions.put(["ann5"], recordOf("c5", "ann"), TTL);
        assertEquals((await sessions.take("ann4", "ann"))?.clientId, "c4");
      }, { sessionsPerUser: 2, sessionsPerAddress: 3 }));

    it("gives it to nobody else, and keeps it for whose it is", () =>
      withSessions(async (sessions) => {
        await sessions.put(["named"], recordOf("c1", "ann"), TTL);
        await sessions.put(["nobody's"], recordOf("c2", null), TTL);
        for (const [token, userId] of [["named", null], ["named", "bob"], ["nobody's", "ann"]]) {
          assertEquals(await sessions.take(token!, userId ?? null), undefined);
        }
        assertEquals((await sessions.take("named", "ann"))?.clientId, "c1");
        assertEquals((await sessions.take("nobody's", null))?.clientId, "c2");
        assertEquals(await sessions.take("__proto__", null), undefined);
      }));

    it("forgets all sessions of a user, and those alone, when they are to end", () =>
      withSessions(async (sessions) => {
        await sessions.put(["a", "b"], recordOf("c1", "ann"), TTL);
        await sessions.put(["c"], recordOf("c2", "ann"), TTL);
        await sessions.put(["d"], recordOf("c3", "bob"), TTL);
        await sessions.put(["e"], recordOf("c4", null), TTL);
        await sessions.end("ann");
        await sessions.end("nobody");
        for (const token of ["a", "b", "c"]) {
          assertEquals(await sessions.take(token, "ann"), undefined);
        }
        assertEquals((await sessions.take("d", "bob"))?.clientId, "c3");
        assertEquals((await sessions.take("e", null))?.clientId, "c4");
      }));

    it("keeps it for its time, to the millisecond, and no trace of it after that", () =>
      withSessions(async (sessions, clock) => {
        await sessions.put(["a"], recordOf("a"), 1_000);
        await sessions.put(["b"], recordOf("b"), 1_001);
        clock.advance(1_000);
        assertEquals(await sessions.take("a", null), undefined);
        assertEquals((await sessions.take("b", null))?.clientId, "b");
        await sessions.put(["c"], recordOf("c"), 1_000);
        await sessions.put(["d", "e"], recordOf("d", "ann"), 1_000);
        clock.advance(60_000);
        assertEquals(sessions.size, 0);
      }));

    it("lets a session take the place of another under the same token, and loses none of its room", () =>
      withSessions(async (sessions, clock) => {
        await sessions.put(["a", "b"], recordOf("first"), TTL);
        await sessions.put(["b"], recordOf("second"), TTL);
        assertEquals((await sessions.take("b", null))?.clientId, "second");
        clock.advance(TTL + 60_000);
        assertEquals(sessions.size, 0);
      }));

    it("lets those of nobody go first where it is full, then the oldest", () =>
      withSessions(async (sessions) => {
        await sessions.put(["u1"], recordOf("u1", "ann"), TTL);
        await sessions.put(["n1"], recordOf("n1"), TTL);
        await sessions.put(["n2"], recordOf("n2"), TTL);
        await sessions.put(["u2"], recordOf("u2", "bob"), TTL); // n1 goes
        await sessions.put(["u3"], recordOf("u3", "cid"), TTL); // n2 goes
        await sessions.put(["n3"], recordOf("n3"), TTL); // goes itself
        await sessions.put(["u4"], recordOf("u4", "dan"), TTL); // u1 goes
        assertEquals(sessions.size, 3);
        const users = { u1: "ann", u2: "bob", u3: "cid", u4: "dan" };
        const left: string[] = [];
        for (const token of ["n1", "n2", "n3"]) {
          if (await sessions.take(token, null) !== undefined) left.push(token);
        }
        for (const [token, userId] of Object.entries(users)) {
          if (await sessions.take(token, userId) !== undefined) left.push(token);
        }
        assertEquals(left, ["u2", "u3", "u4"]);
      }, { sessions: 3 }));

    it("gives each session at most once, to its user and in its time, whatever is put and taken", () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 60 }),
          (steps) =>
            withSessions(async (sessions, clock) => {
              const due = new Map<
                string,
                { clientId: string; userId: string | null; until: number }
              >();
              let count = 0;
              for (const step of steps) {
                if (step.do === "wait") {
                  clock.advance(step.ms);
                } else if (step.do === "put") {
                  const [clientId, tokens] = [`c${count++}`, [...new Set(step.tokens)]];
                  await sessions.put(tokens, recordOf(clientId, step.userId), step.ttl);
                  // What shared a token with it is replaced wholly.
                  const replaced = new Set(tokens.map((token) => due.get(token)?.clientId));
                  for (const [token, { clientId }] of due) {
                    if (replaced.has(clientId)) due.delete(token);
                  }
                  const until = clock.now() + step.ttl;
                  for (const token of tokens) {
                    due.set(token, { clientId, userId: step.userId, until });
                  }
                } else {
                  const record = await sessions.take(step.token, step.userId);
                  const expected = due.get(step.token);
                  const isDue = expected !== undefined && expected.userId === step.userId &&
                    expected.until > clock.now();
                  assertEquals(record?.clientId, isDue ? expected.clientId : undefined);
                  if (record === undefined) {
                    continue;
                  }
                  for (const [token, { clientId }] of due) {
                    if (clientId === record.clientId) due.delete(token);
                  }
                }
                assert(sessions.size <= count);
              }
              clock.advance(TTL + 60_000);
              assertEquals(sessions.size, 0);
            }),
        ),
      ));
  });
}

const userId = fc.constantFrom(null, "ann", "bob");
const token = fc.constantFrom("1", "2", "3", "4");
const step = fc.oneof(
  fc.record({
    do: fc.constant("put" as const),
    tokens: fc.array(token, { minLength: 1, maxLength: 2 }),
    userId,
    ttl: fc.constantFrom(1, 1_000, TTL),
  }),
  fc.record({ do: fc.constant("take" as const), token, userId }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(1, 999, 30_000) }),
);

function recordOf(clientId: string, userId: string | null = null): SessionRecord {
  return { clientId, userId, positions: new Map(), unacknowledged: [] };
}
