import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import fc from "fast-check";
import { manualClock } from "../base/clock.ts";
import type { ChannelEvent, NewEvent } from "../protocol/event.ts";
import type { HistoryQuery } from "./broker.ts";
import { memoryBroker } from "./memory.ts";
import { MemoryPresence } from "./memory_presence.ts";
import type { PresenceTerms } from "./presence.ts";

const terms: PresenceTerms = { grace: 10_000, maxMembers: 10, coalesce: 100 };
const retention = { size: 10, bytes: 10_000, ttl: 60_000 };

/** What an event of presence says, read as a client does. */
function read({ eventType, data, exclude }: NewEvent) {
  const value = JSON.parse(String(data));
  return { type: eventType.slice("presence.".length), ...value, exclude: exclude?.clients };
}

function newPresence(lingering = 1_000) {
  const clock = manualClock();
  const told: ReturnType<typeof read>[] = [];
  const presence = new MemoryPresence({
    clock,
    lingering,
    announce: (_channel, event) => told.push(read(event)),
  });
  return { clock, presence, told, take: () => told.splice(0) };
}

const ann = { clientId: "a1", userId: "ann" };
const annToo = { clientId: "a2", userId: "ann" };
const bob = { clientId: "b1", userId: "bob" };
const nobody = { clientId: "n1", userId: null };

describe("MemoryPresence", () => {
  it("tells who came, with what they say of themselves, after the window and not to themselves", () => {
    const { clock, presence, take } = newPresence();
    presence.enter("a", { ...ann, metadata: '{"name":"Ann"}' }, terms);
    clock.advance(80);
    assertEquals(take(), []);
    clock.advance(20);
    assertEquals(take(), [{
      type: "join",
      user_id: "ann",
      client_id: "a1",
      metadata: { name: "Ann" },
      connections: 1,
      count: 1,
      exclude: ["a1"],
    }]);
    presence.enter("a", nobody, terms);
    clock.advance(100);
    assertEquals(take(), [{
      type: "join",
      user_id: null,
      client_id: "n1",
      metadata: null,
      connections: 1,
      count: 2,
      exclude: ["n1"],
    }]);
  });

  it("takes one user on several connections for one member", () => {
    const { clock, presence, take } = newPresence();
    presence.enter("a", { ...ann, metadata: '{"name":"Ann"}' }, terms);
    clock.advance(100);
    take();
    presence.enter("a", { ...annToo, metadata: null }, terms);
    clock.advance(100);
    presence.leave("a", ann, 0);
    clock.advance(100);
    presence.leave("a", annToo, 0);
    clock.advance(100);
    const steps = take();
    assertEquals(
      steps.map(({ type, client_id, connections, count }) => [type, client_id, connections, count]),
      [["update", "a2", 2, 1], ["update", "a1", 1, 1], ["leave", "a2", 0, 0]],
    );
    // What the only connection that said something said goes with it.
    assertEquals(steps.map(({ metadata }) => metadata), [{ name: "Ann" }, null, null]);
    assertEquals([presence.size, presence.list("a", 10)], [0, { count: 0, members: [] }]);
  });

  it("tells who left what was last told of them", () => {
    const { clock, presence, take } = newPresence();
    presence.enter("a", { ...ann, metadata: '{"name":"Ann"}' }, terms);
    clock.advance(100);
    presence.leave("a", ann, 0);
    clock.advance(100);
    assertEquals(take().map(({ type, metadata }) => [type, metadata]), [
      ["join", { name: "Ann" }],
      ["leave", { name: "Ann" }],
    ]);
  });

  it("tells all connections of a user of what several of them did at once", () => {
    const { clock, presence, take } = newPresence();
    presence.enter("a", ann, terms);
    presence.enter("a", annToo, terms);
    clock.advance(100);
    assertEquals(take().map(({ type, connections, exclude }) => [type, connections, exclude]), [
      ["join", 2, undefined],
    ]);
  });

  it("counts one that went in for its grace, and says nothing where it comes back", () => {
    const { clock, presence, take } = newPresence();
    presence.enter("a", { ...ann, metadata: '{"name":"Ann"}' }, terms);
    clock.advance(100);
    take();
    presence.leave("a", ann, 10_000);
    clock.advance(9_980);
    assertEquals(presence.list("a", 10).count, 1);
    presence.enter("a", ann, terms);
    clock.advance(30_000);
    assertEquals(take(), []);
    presence.leave("a", ann, 10_000);
    clock.advance(10_000);
    assertEquals(presence.list("a", 10).count, 0);
    clock.advance(100);
    assertEquals(take().map(({ type }) => type), ["leave"]);
  });

  it("says nothing of one that comes and goes within the window, however often", () => {
    const { clock, presence, take } = newPresence();
    for (let i = 0; i < 1_000; i++) {
      presence.enter("a", ann, terms);
      presence.leave("a", ann, 0);
    }
    clock.advance(1_000);
    assertEquals([take(), presence.size], [[], 0]);
    presence.enter("a", ann, terms);
    clock.advance(100);
    for (let i = 0; i < 1_000; i++) {
      presence.leave("a", ann, 0);
      presence.enter("a", ann, terms);
    }
    clock.advance(1_000);
    assertEquals(take().map(({ type }) => type), ["join"]);
  });

  it("tells whoever asks meanwhile of one that was there and then goes", () => {
    const { clock, presence, take } = newPresence();
    presence.enter("a", ann, terms);
    assertEquals(presence.list("a", 10).members?.map(({ userId }) => userId), ["ann"]);
    presence.leave("a", ann, 0);
    clock.advance(100);
    assertEquals(take().map(({ type }) => type), ["join", "leave"]);
    assertEquals(presence.size, 0);
  });

  it("gathers on where an answer is a number alone", () => {
    const { clock, presence, take } = newPresence();
    const few = { ...terms, maxMembers: 1 };
    for (const clientId of ["1", "2", "3"]) {
      presence.enter("a", { clientId, userId: null }, few);
      presence.list("a", 1);
    }
    clock.advance(100);
    assertEquals(take().map(({ type, count }) => [type, count]), [["join", 1], ["count", 3]]);
  });

  it("tells at once where nothing is to be gathered", () => {
    const { presence, take } = newPresence();
    presence.enter("a", ann, { ...terms, coalesce: 0 });
    assertEquals(take().map(({ type }) => type), ["join"]);
  });

  it("tells the number alone where there are too many, once a window, and until there are fewer", () => {
    const { clock, presence, take } = newPresence();
    const few = { ...terms, maxMembers: 2 };
    const join = (name: string) => presence.enter("a", { clientId: name, userId: null }, few);
    const part = (name: string) => presence.leave("a", { clientId: name, userId: null }, 0);
    for (const name of ["1", "2"]) join(name);
    clock.advance(100);
    assertEquals(take().map(({ type, count }) => [type, count]), [["join", 1], ["join", 2]]);
    for (const name of ["3", "4", "5"]) join(name);
    clock.advance(100);
    assertEquals(take(), [{ type: "count", count: 5, exclude: undefined }]);
    assertEquals(presence.list("a", 2), { count: 5 });
    for (const name of ["1", "2"]) part(name);
    clock.advance(100);
    assertEquals(take().map(({ type, count }) => [type, count]), [["count", 3]]);
    part("3");
    clock.advance(100);
    assertEquals(take().map(({ type, count }) => [type, count]), [["count", 2]]);
    part("4");
    clock.advance(100);
    assertEquals(take().map(({ type, client_id, count }) => [type, client_id, count]), [
      ["leave", "4", 1],
    ]);
  });

  it("lets the longest gone go where too many are counted in for their grace", () => {
    const { clock, presence, take } = newPresence(2);
    for (const clientId of ["1", "2", "3"]) {
      presence.enter("a", { clientId, userId: null }, terms);
    }
    clock.advance(100);
    take();
    for (const clientId of ["1", "2", "3"]) {
      presence.leave("a", { clientId, userId: null }, 10_000);
    }
    clock.advance(100);
    assertEquals(take().map(({ type, client_id }) => [type, client_id]), [["leave", "1"]]);
  });

  it("keeps nothing of channels that nobody is on", () => {
    const { clock, presence } = newPresence();
    for (let i = 0; i < 10_000; i++) {
      presence.enter(`room:${i}`, ann, terms);
      presence.leave(`room:${i}`, ann, i % 2 === 0 ? 0 : 1_000);
    }
    clock.advance(2_000);
    assertEquals(presence.size, 0);
  });
});

describe("A memory broker", () => {
  it("tells those who listen, on whichever hub, without a place and without a past", () => {
    const clock = manualClock();
    const broker = memoryBroker({ clock });
    const heard: ChannelEvent[][] = [[], []];
    for (const events of heard) {
      void broker.subscribe("a", retention, (event) => events.push(event));
    }
    void broker.publish("a", { eventType: "tick", data: "1", timestamp: "" }, { retention });
    void broker.presence.enter("a", ann, terms);
    clock.advance(100);
    void broker.publish("a", { eventType: "tick", data: "2", timestamp: "" }, { retention });
    for (const events of heard) {
      assertEquals(
        events.map(({ eventType, offset, isAnnouncement }) => [eventType, offset, isAnnouncement]),
        [["tick", 1, undefined], ["presence.join", 1, true], ["tick", 2, undefined]],
      );
    }
    const query: HistoryQuery = { limit: 10, bytes: 10_000 };
    const page = broker.history("a", query);
    assert(page !== undefined && !(page instanceof Promise));
    assertEquals(page.events.map(({ offset }) => offset), [1, 2]);
    void broker.close();
  });

  it("starts no channel for an announcement that nobody hears", () => {
    const broker = memoryBroker();
    void broker.announce("a", { eventType: "tick", data: "1", timestamp: "" });
    assertEquals(broker.history("a", { limit: 10, bytes: 10_000 }), undefined);
    void broker.close();
  });

  it("says no more of presence when it is closed", () => {
    const clock = manualClock();
    const broker = memoryBroker({ clock });
    void broker.presence.enter("a", ann, terms);
    void broker.close();
    void broker.presence.enter("a", bob, terms);
    clock.advance(1_000);
  });
});

/** The connections of the property test, three of them one user's. */
const people = [ann, annToo, { clientId: "a3", userId: "ann" }, bob, nobody];

const enter = fc.record({
  do: fc.constant("enter" as const),
  who: fc.nat(people.length - 1),
  metadata: fc.constantFrom(undefined, null, '{"mood":1}', '{"mood":2}'),
});
const ask = fc.record({ do: fc.constant("ask" as const) });
const leave = fc.record({
  do: fc.constant("leave" as const),
  who: fc.nat(people.length - 1),
  grace: fc.constantFrom(0, 40, 300),
});
const advance = fc.record({
  do: fc.constant("advance" as const),
  ms: fc.constantFrom(20, 60, 100, 400),
});
const step = fc.oneof({ weight: 3, arbitrary: enter }, leave, advance, ask);

/** What is known of each member, by who asks. */
type Known = Map<string, { readonly connections: number; readonly metadata: unknown }>;

/** What presence must be, in the plainest words: connections in the order they came, and their ends. */
class Model {
  #here: {
    who: number;
    metadata: string | null;
    until: number;
  }[] = [];

  enter(who: number, metadata: string | null | undefined, now: number): void {
    this.expire(now);
    const before = this.#here.find((one) => one.who === who);
    this.#here = this.#here.filter((one) => one !== before);
    const said = metadata === undefined ? before?.metadata ?? null : metadata;
    this.#here.push({ who, metadata: said, until: Infinity });
  }

  leave(who: number, grace: number, now: number): void {
    this.expire(now);
    for (const one of this.#here) if (one.who === who) one.until = now + grace;
    this.expire(now);
  }

  expire(now: number): void {
    this.#here = this.#here.filter(({ until }) => until > now);
  }

  members(): Known {
    const known: Known = new Map();
    for (const { who, metadata } of this.#here) {
      const key = keyOf(people[who]!.userId, people[who]!.clientId);
      const before = known.get(key);
      known.set(key, {
        connections: (before?.connections ?? 0) + 1,
        metadata: metadata === null ? before?.metadata ?? null : JSON.parse(metadata),
      });
    }
    return known;
  }
}

function keyOf(userId: string | null, clientId: string): string {
  return userId ?? `client ${clientId}`;
}

const inOrder = (known: Known) => [...known].sort(([a], [b]) => a < b ? -1 : 1);

describe("Presence, through any comings, goings and times,", () => {
  it("lists who is there, and tells exactly what a listener must know for that, coalesced", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: "max" }),
        fc.nat(4),
        (steps, maxMembers) => {
          const clock = manualClock();
          const model = new Model();
          let known: Known | undefined = new Map();
          let count = 0;
          const lastTold = new Map<string, number>();
          const presence = new MemoryPresence({
            clock,
            lingering: 100,
            announce: (_channel, event) => hear(read(event)),
          });

          const ask = () => {
            lastTold.clear(); // what was gathered is told before the answer
            return presence.list("a", maxMembers);
          };
          const list = (): Known | undefined => {
            const { members } = ask();
            return members && new Map(members.map(({ userId, clientId, connections, metadata }) => [
              keyOf(userId, clientId),
              { connections, metadata: metadata === null ? null : JSON.parse(metadata) },
            ]));
          };

          /** A listener, who asks for the list where it is told of a number alone. */
          function hear({ type, user_id, client_id, connections, metadata, ...rest }: ReturnType<
            typeof read
          >): void {
            if (type === "count") {
              assert(rest.count !== count || known === undefined || rest.count > maxMembers);
              count = rest.count;
              known = list();
              return;
            }
            assert(known !== undefined, `${type} of a member that cannot be known`);
            const key = keyOf(user_id, client_id);
            const before = known.get(key);
            assertEquals(before === undefined, type === "join", `${type} of ${key}`);
            if (type === "leave") {
              known.delete(key);
              assertEquals([connections, metadata], [0, before!.metadata]);
            } else {
              const now = { connections, metadata };
              if (type === "update") assert(JSON.stringify(now) !== JSON.stringify(before));
              known.set(key, now);
            }
            count = rest.count;
            assertEquals(count, known.size);
            const since = clock.now() - (lastTold.get(key) ?? -Infinity);
            assert(since >= terms.coalesce, `told of ${key} again after ${since} ms`);
            lastTold.set(key, clock.now());
          }

          const settle = (ms: number) => {
            clock.advance(ms);
            model.expire(clock.now());
            const expected = model.members();
            const { count: listed } = ask();
            assertEquals(listed, expected.size);
            const members = list();
            if (expected.size > maxMembers) assertEquals(members, undefined);
            else assertEquals(inOrder(members!), inOrder(expected));
          };

          for (const one of steps) {
            if (one.do === "enter") {
              const { metadata } = one;
              const said = metadata === undefined ? {} : { metadata };
              presence.enter("a", { ...people[one.who]!, ...said }, { ...terms, maxMembers });
              model.enter(one.who, metadata, clock.now());
            } else if (one.do === "leave") {
              presence.leave("a", people[one.who]!, one.grace);
              model.leave(one.who, one.grace, clock.now());
            } else if (one.do === "ask") settle(0);
            else settle(one.ms);
          }
          // Everybody's grace ends, and everything is told.
          settle(1_000);
          settle(1_000);
          const expected = model.members();
          assertEquals(count, expected.size);
          if (expected.size <= maxMembers) assertEquals(inOrder(known!), inOrder(expected));
          for (let who = 0; who < people.length; who++) presence.leave("a", people[who]!, 0);
          clock.advance(1_000);
          assertEquals([presence.size, count], [0, 0]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
