/**
 * Clients that come, follow channels, stall, read, break off and come back in any order and at any time,
 * over a broker that answers at once and over one that takes its time: what each is told is judged at
 * every step by what was published, and in the end nothing is missing that it was not told of.
 */
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Asked } from "../testing/flow_client.ts";
import { channelNames, World } from "../testing/flow_world.ts";

/** Something that is done to one client, where its state allows it. */
interface Deed {
  readonly name: string;
  may(world: Readonly<World>): boolean;
  does(world: World): void;
}

class Command implements fc.AsyncCommand<World, World> {
  readonly #deed: Deed;

  constructor(deed: Deed) {
    this.#deed = deed;
  }

  check(world: Readonly<World>): boolean {
    return this.#deed.may(world);
  }

  async run(world: World): Promise<void> {
    this.#deed.does(world);
    await world.tick();
  }

  toString(): string {
    return this.#deed.name;
  }
}

const who = fc.nat(2);
const where = fc.constantFrom(...channelNames);
const key = fc.nat(2);

function deeds<T extends unknown[]>(
  arbitraries: { [K in keyof T]: fc.Arbitrary<T[K]> },
  make: (...terms: T) => Deed,
): fc.Arbitrary<Command> {
  return fc.tuple<T>(...arbitraries).map((terms) => new Command(make(...terms)));
}

const asked = fc.constantFrom<Asked>(
  "head",
  "own position",
  "own position",
  "last",
  "future",
  "foreign",
);

const connect = deeds<[number]>([who], (i) => ({
  name: `${i} connects`,
  may: ({ clients }) => !clients[i]!.isConnected,
  does: ({ clients }) => clients[i]!.connect(),
}));

const resume = deeds<[number, "message" | "query"]>(
  [who, fc.constantFrom("message", "message", "query")],
  (i, by) => ({
    name: `${i} resumes by ${by}`,
    may: ({ clients }) => clients[i]!.canResume,
    does: ({ clients }) => clients[i]!.resume(by),
  }),
);

const subscribe = deeds<[number, string, Asked]>([who, where, asked], (i, channel, asked) => ({
  name: `${i} subscribes to ${channel} from ${asked}`,
  may: ({ clients }) => clients[i]!.isReady,
  does: ({ clients }) => clients[i]!.subscribe(channel, asked),
}));

const unsubscribe = deeds<[number, string]>([who, where], (i, channel) => ({
  name: `${i} unsubscribes from ${channel}`,
  may: ({ clients }) => clients[i]!.isReady,
  does: ({ clients }) => clients[i]!.unsubscribe(channel),
}));

const revoke = deeds<[number, string]>([who, where], (i, channel) => ({
  name: `${i} is taken off ${channel}`,
  may: ({ clients }) => clients[i]!.isReady,
  does: ({ clients, hub }) => void hub.unsubscribe(clients[i]!.clientId, [channel], "enough"),
}));

const clientPublish = deeds<[number, string, number, boolean]>(
  [who, where, key, fc.boolean()],
  (i, channel, key, echo) => ({
    name: `${i} publishes ${key} to ${channel}${echo ? "" : " without echo"}`,
    may: ({ clients }) => clients[i]!.isReady,
    does: ({ clients }) => clients[i]!.publish(channel, key, echo),
  }),
);

const hello = deeds<[number, unknown]>([
  who,
  fc.constantFrom(
    {},
    { batch: { max_ms: 20, max_bytes: 1_000 } },
    { batch: { max_ms: 20, max_bytes: 5_000 } },
    { binary: {} },
  ),
], (i, features) => ({
  name: `${i} says hello for ${JSON.stringify(features)}`,
  may: ({ clients }) => clients[i]!.isReady,
  does: ({ clients }) => clients[i]!.hello(features),
}));

const publish = deeds<[string, number, number, "nobody" | "client" | "ann", number]>(
  [
    fc.constantFrom(...channelNames, "@all"),
    fc.constantFrom(1, 1, 2, 12),
    key,
    fc.constantFrom("nobody", "nobody", "client", "ann"),
    who,
  ],
  (channel, count, key, excluded, i) => ({
    name: `${count} of ${key} are published to ${channel}, for all but ${excluded} ${i}`,
    may: () => true,
    does: (world) => {
      const publisher = channel === "@all" ? world.hub.everyone() : world.hub.channel(channel);
      // Who it is changes when it resumes, and it is on @all before that.
      const exclude = excluded === "ann"
        ? { users: ["ann"] }
        : excluded === "client" && channel !== "@all"
        ? { clients: [world.clients[i]!.clientId] }
        : {};
      for (let n = 0; n < count; n++) {
        void publisher.publish("said", world.say((key + n) % 3), { exclude });
      }
    },
  }),
);

/** Much in one go, to sockets that take it: what is handed over together meets what is not. */
const flurry = deeds<[number, string, string, number, boolean]>(
  [who, where, where, fc.nat(3), fc.boolean()],
  (i, one, other, count, echo) => ({
    name: `${i} publishes to ${one} while ${count} events come there and to ${other}`,
    may: ({ clients }) => clients[i]!.isReady,
    does: ({ clients, hub, say }) => {
      for (const client of clients) client.take(Infinity);
      for (let n = 0; n < count; n++) void hub.channel(one).publish("said", say(n));
      clients[i]!.publish(one, count, echo);
      void hub.channel(other).publish("said", say(0));
      if (echo) clients[i]!.subscribe(other, "own position");
      void hub.channel(one).publish("said", say(1));
      void hub.everyone().publish("said", say(2));
    },
  }),
);

const take = deeds<[number, number]>(
  [who, fc.constantFrom(0, 0, 1, 3, 10, Infinity)],
  (i, frames) => ({
    name: `${i} takes ${frames}`,
    may: ({ clients }) => clients[i]!.isConnected,
    does: ({ clients }) => clients[i]!.take(frames),
  }),
);

const read = deeds<[number, number]>(
  [who, fc.constantFrom(1, 3, Infinity, Infinity)],
  (i, most) => ({
    name: `${i} reads ${most}`,
    may: ({ clients }) => clients[i]!.isConnected,
    does: ({ clients }) => void clients[i]!.read(most),
  }),
);

const cut = deeds<[number, number]>([who, fc.constantFrom(0, 1, 3, 100)], (i, lost) => ({
  name: `${i} is cut off, ${lost} lost`,
  may: ({ clients }) => clients[i]!.isConnected,
  does: ({ clients }) => clients[i]!.cut(lost),
}));

const dismiss = deeds<[number, number]>([who, fc.constantFrom(1012, 4000)], (i, code) => ({
  name: `${i} is dismissed with ${code}`,
  may: ({ clients }) => clients[i]!.isReady,
  does: ({ clients, hub }) => void hub.disconnect(clients[i]!.clientId, { code, reason: "" }),
}));

const wait = deeds<[number, boolean]>(
  [fc.constantFrom(10, 10, 10, 100, 5_000, 21_000, 31_000, 301_000), fc.boolean()],
  (ms, isAlive) => ({
    name: `${ms} ms pass, ${isAlive ? "with" : "without"} life`,
    may: () => true,
    does: ({ clients, clock }) => {
      if (isAlive) { for (const client of clients) client.live(); }
      clock.advance(ms);
    },
  }),
);

const late = deeds<["answer" | "answer all" | "deliver" | "look", number]>(
  [fc.constantFrom("answer", "answer all", "answer all", "deliver", "look"), fc.nat(20)],
  (what, which) => ({
    name: `the broker does ${what} ${which}`,
    may: ({ late }) => late !== undefined,
    does: ({ late }) => {
      if (what === "answer") late!.answer(which);
      else if (what === "answer all") late!.answerAll();
      else if (what === "deliver") late!.deliver(which);
      else late!.looksLate = !late!.looksLate;
    },
  }),
);

/** Each as often as it stands here. */
const common = [
  connect,
  connect,
  resume,
  resume,
  subscribe,
  subscribe,
  unsubscribe,
  revoke,
  clientPublish,
  flurry,
  flurry,
  flurry,
  hello,
  publish,
  publish,
  publish,
  publish,
  take,
  take,
  read,
  read,
  read,
  cut,
  dismiss,
  wait,
  wait,
];

interface Kind {
  readonly isLate: boolean;
  readonly isTogether: boolean;
}

async function run(kind: Kind, commands: Iterable<fc.AsyncCommand<World, World>>) {
  const world = new World(kind);
  // They are there from the start, or most of what is done would find nobody.
  for (const client of world.clients) client.connect();
  await world.settle();
  await fc.asyncModelRun(() => ({ model: world, real: world }), commands);
  await world.settle();
  for (const client of world.clients) client.checkComplete();
}

describe("A hub", () => {
  for (const isLate of [false, true]) {
    for (const isTogether of [false, true]) {
      const broker = isLate ? "that takes its time" : "that answers at once";
      const fanout = isTogether ? "all together" : "each by itself";
      it(`loses nothing untold and gives nothing twice, over a broker ${broker}, ${fanout}`, () => {
        const all = isLate ? [...common, ...Array(8).fill(late)] : common;
        return fc.assert(
          fc.asyncProperty(
            fc.commands(all, { maxCommands: 120, size: "max" }),
            (commands) => run({ isLate, isTogether }, commands),
          ),
          { numRuns: 200, includeErrorInReport: true },
        );
      });
    }
  }
});

describe("A hub, of which this was once found otherwise,", () => {
  it("loses nothing to a client that wants batches no longer, while another does", async () => {
    const world = new World({ isLate: false, isTogether: false });
    const [slow, , fickle] = world.clients;
    for (const client of world.clients) client.connect();
    await world.settle();
    const batch = { max_ms: 20, max_bytes: 1_000 };
    for (
      const [client, features] of [[fickle, { batch }], [slow, { batch }], [fickle, {}]] as const
    ) {
      client!.hello(features);
      await world.tick();
    }
    slow!.take(0);
    for (let n = 0; n < 12; n++) void world.hub.everyone().publish("said", world.say(n));
    await world.settle();
    for (const client of world.clients) client.checkComplete();
  });

  it("gives nothing twice to a client that asks for other batches while some wait", async () => {
    const world = new World({ isLate: false, isTogether: false });
    const [fickle, steady] = world.clients;
    for (const client of world.clients) client.connect();
    await world.settle();
    const batch = (max_bytes: number) => ({ batch: { max_ms: 20, max_bytes } });
    fickle!.hello(batch(1_000));
    steady!.hello(batch(5_000));
    await world.settle();
    for (const client of [fickle, steady]) client!.subscribe("plain", "head");
    await world.settle();
    for (let n = 0; n < 2; n++) {
      void world.hub.everyone().publish("said", world.say(n));
      void world.hub.channel("plain").publish("said", world.say(n));
    }
    fickle!.hello(batch(5_000));
    await world.settle();
    for (const client of world.clients) client.checkComplete();
  });

  it("keeps an event from whom it is not for, who wants other batches and leaves before an answer", async () => {
    const world = new World({ isLate: true, isTogether: true });
    const [, client] = world.clients;
    for (const each of world.clients) each.connect();
    await world.settle();
    for (
      const step of [
        () => void world.hub.channel("plain").publish("said", world.say(0)),
        () => client!.subscribe("plain", "head"),
        () => client!.hello({ batch: { max_ms: 20, max_bytes: 5_000 } }),
        () => client!.publish("plain", 0, false),
        () => client!.hello({}),
        () => client!.unsubscribe("plain"),
      ]
    ) {
      step();
      await world.tick();
    }
    await world.settle();
    for (const each of world.clients) each.checkComplete();
  });

  it("may tell an earlier place to a client that left and came anew, unanswered", async () => {
    const world = new World({ isLate: false, isTogether: true });
    const client = world.clients[1];
    for (const each of world.clients) each.connect();
    await world.settle();
    for (
      const step of [
        () => void world.hub.channel("long").publish("said", world.say(0)),
        () => void world.hub.channel("long").publish("said", world.say(1)),
        () => client!.subscribe("long", "last"),
        () => client!.unsubscribe("long"),
        () => client!.take(0),
        () => client!.subscribe("long", "last"),
        () => client!.cut(3),
        () => client!.resume("query"),
      ]
    ) {
      step();
      await world.tick();
    }
    await world.settle();
    for (const each of world.clients) each.checkComplete();
  });
});
