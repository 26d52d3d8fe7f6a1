/**
 * Cases of PROTOCOL.md, "Acknowledged delivery".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import type { Server } from "./server.ts";
import { resumed } from "./session.ts";
import type { ServerMessage } from "./shape.ts";

/** Seconds between repeats, and how many there are. */
function terms({ offer }: Server): { readonly interval: number; readonly repeats: number } {
  const { interval_seconds = 5, repeats = 3 } = offer.acknowledgement ?? {};
  return { interval: interval_seconds * 1000, repeats };
}

/** The next repeat of an event, waited for as long as it takes. */
async function repeat(server: Server, client: Client, event: ServerMessage, timeout?: number) {
  const { interval } = terms(server);
  return await client.next(
    (one) => one.type === "event" && one["ack_id"] === event["ack_id"],
    `a repeat of the event ${event["offset"]}`,
    timeout ?? interval + server.timeout,
  );
}

/** A subscriber that got an event, and another client. */
async function delivered(server: Server) {
  const { name } = server.channel({ ack: true });
  const [client, publisher] = [await server.connect(), await server.connect()];
  await client.subscribe(name);
  await publisher.publish(name, { kit: true });
  const event = await client.event(name);
  return { name, client, publisher, event };
}

/** So long that every repeat there is would have come. */
async function repeatsOver(server: Server): Promise<void> {
  const { interval, repeats } = terms(server);
  await server.pause(interval * (repeats + 1.5));
}

/** Acknowledges an event; how many repeats of it came before the server had read that. */
async function acknowledge(client: Client, event: ServerMessage): Promise<number> {
  client.send({ type: "ack", ack_ids: [event["ack_id"]] });
  return (await client.fence()).filter(isRepeatOf(event)).length;
}

/** How often a case tries to be faster than the repeats. */
const TRIES = 4;

/** Tries until a repeat was still to come when there was to be none: else its absence proves nothing. */
async function tellingly(server: Server, attempt: () => Promise<number>): Promise<void> {
  for (let i = 0; i < TRIES; i++) if (await attempt() < terms(server).repeats) return;
  throw new Skipped("no repeat was still to come when there was to be none");
}

const isRepeatOf = ({ ack_id }: ServerMessage) => (one: ServerMessage) =>
  one.type === "event" && one["ack_id"] === ack_id;

export const cases: readonly Case[] = [
  check(
    "HDL-ACK-1",
    "channel",
    "each event of such a channel has an ack_id of its own",
    async (server) => {
      const { name } = server.channel({ ack: true });
      const [client, publisher] = [await server.connect(), await server.connect()];
      await client.subscribe(name);
      await publisher.publishMany(name, 5);
      const ids = (await client.events(name, 5)).map(({ ack_id }) => ack_id);
      for (const id of ids) {
        const right = typeof id === "string" && id.length > 0 && id.length <= 128;
        expect(right, "an ack_id of at most 128 characters", id);
      }
      expect(new Set(ids).size === 5, "five different ack_ids", ids);
      client.send({ type: "ack", ack_ids: ids });
    },
  ),
  check(
    "HDL-ACK-1",
    "publication",
    "so has one that the application wants acknowledged",
    async (server) => {
      const { name } = server.channel();
      const client = await server.connect();
      await client.subscribe(name);
      const publish = { to: { channel: name }, event_type: "kit", data: 1 };
      await server.act(client, "kit.publish", { ...publish, ack: true });
      const event = await client.event(name);
      expect(typeof event["ack_id"] === "string", "an ack_id", event);
      client.send({ type: "ack", ack_ids: [event["ack_id"]] });
      await server.act(client, "kit.publish", publish);
      const plain = await client.event(name);
      expect(!Object.hasOwn(plain, "ack_id"), "no ack_id without", plain);
    },
  ),
  check(
    "HDL-ACK-2",
    "repeated",
    "what is not acknowledged is repeated, and then given up",
    async (server) => {
      const { client, event } = await delivered(server);
      const { repeats } = terms(server);
      for (let i = 0; i < repeats; i++) await repeat(server, client, event);
      await server.pause(terms(server).interval * 2);
      await client.nothing(isRepeatOf(event), `at most ${repeats} repeats`);
    },
  ),
  check("HDL-ACK-2", "missed", "so is what came as a missed event", async (server) => {
    const { name } = server.channel({ ack: true });
    const [client, publisher] = [await server.connect(), await server.connect()];
    const { epoch, offset } = await publisher.publish(name);
    await client.subscribe(name, { positions: { [name]: { epoch, offset: offset - 1 } } });
    const event = await client.event(name);
    await repeat(server, client, event);
    await acknowledge(client, event);
  }),
  check("HDL-ACK-2", "acknowledged", "what is acknowledged is not", async (server) => {
    await tellingly(server, async () => {
      const { client, event } = await delivered(server);
      const before = await acknowledge(client, event);
      await repeatsOver(server);
      await client.nothing(isRepeatOf(event), "it is acknowledged");
      return before;
    });
  }),
  check("HDL-ACK-2", "several", "nor are several that one ack names", async (server) => {
    await tellingly(server, async () => {
      const { name, client, publisher, event } = await delivered(server);
      await publisher.publish(name);
      const isAnother = (one: ServerMessage) => one.type === "event" && !isRepeatOf(event)(one);
      const events = [event, await client.next(isAnother, "the second event")];
      client.send({ type: "ack", ack_ids: events.map(({ ack_id }) => ack_id) });
      const isRepeat = (one: ServerMessage) => events.some((sent) => isRepeatOf(sent)(one));
      const before = (await client.fence()).filter(isRepeat).length;
      await repeatsOver(server);
      await client.nothing(isRepeat, "both are acknowledged");
      return before;
    });
  }),
  check("HDL-ACK-2", "after-a-repeat", "nor after its repeat was acknowledged", async (server) => {
    await tellingly(server, async () => {
      const { client, event } = await delivered(server);
      await repeat(server, client, event);
      const before = await acknowledge(client, event);
      await repeatsOver(server);
      await client.nothing(isRepeatOf(event), "its repeat is acknowledged");
      return before + 1;
    });
  }),
  check(
    "HDL-ACK-2",
    "each-connection",
    "whoever has acknowledged is left alone",
    async (server) => {
      await tellingly(server, async () => {
        const { name } = server.channel({ ack: true });
        const [one, other] = [await server.connect(), await server.connect()];
        for (const client of [one, other]) await client.subscribe(name);
        await one.publish(name);
        const [mine, others] = [await one.event(name), await other.event(name)];
        const before = await acknowledge(one, mine);
        // The next of one's own would have come by the last of the other's.
        for (let i = 0; i < terms(server).repeats; i++) await repeat(server, other, others);
        await one.nothing(isRepeatOf(mine), "it has acknowledged");
        return before;
      });
    },
  ),
  check(
    "HDL-ACK-4",
    "the-same",
    "a repeat is the same event with attempt 2, 3 …",
    async (server) => {
      const { client, event } = await delivered(server);
      expect(!Object.hasOwn(event, "attempt"), "no attempt at first", event);
      for (let attempt = 2; attempt <= terms(server).repeats + 1; attempt++) {
        const { attempt: found, ...rest } = await repeat(server, client, event);
        expectSame(found, attempt, "attempt");
        expectSame(rest, event, "the event");
      }
    },
  ),
  check("HDL-ACK-8", "unknown", "an ack_id that waits for nothing is ignored", async (server) => {
    const { client, event } = await delivered(server);
    const id = event["ack_id"];
    client.send({ type: "ack", ack_ids: ["kit", id, id, "__proto__"] });
    client.send({ type: "ack", ack_ids: [id] });
    await client.nothing(({ type }) => type === "error", "it is ignored");
    await client.alive();
  }),
  check("HDL-ACK-8", "anothers", "so is another connection's", async (server) => {
    const { client, publisher, event } = await delivered(server);
    await acknowledge(publisher, event);
    for (let i = 0; i < terms(server).repeats; i++) await repeat(server, client, event);
  }),
  check(
    "HDL-ACK-10",
    "unsubscribed",
    "after the subscription has ended nothing is repeated",
    async (server) => {
      await tellingly(server, async () => {
        const { name, client, event } = await delivered(server);
        await client.ok({ type: "unsubscribe", channels: [name] });
        const before = (await client.fence()).filter(isRepeatOf(event)).length;
        await repeatsOver(server);
        await client.nothing(isRepeatOf(event), "the subscription has ended");
        return before;
      });
    },
  ),
  check("HDL-ACK-11", "resumed", "a session that is resumed gets the repeats", async (server) => {
    const { name } = server.channel({ ack: true });
    const user = server.user();
    const [former, publisher] = [await server.connect({ user }), await server.connect()];
    await former.subscribe(name);
    const position = await publisher.publish(name);
    const event = await former.event(name);
    former.cut();
    const positions = { [name]: position };
    const { client } = await resumed(server, former.token, { user }, { positions });
    const again = await repeat(server, client, event);
    expectSame([again["offset"], again["data"]], [event["offset"], event["data"]], "the event");
    expect(Number(again["attempt"]) >= 2, "an attempt of 2 and more", again);
  }),
  check("HDL-ACK-11", "missed", "and what it missed again as missed events", async (server) => {
    const { name } = server.channel({ ack: true });
    const user = server.user();
    const [former, publisher] = [await server.connect({ user }), await server.connect()];
    await former.subscribe(name);
    const first = await publisher.publish(name);
    const event = await former.event(name);
    former.cut();
    const positions = { [name]: { ...first, offset: first.offset - 1 } };
    const { client } = await resumed(server, former.token, { user }, { positions });
    const missed = await client.event(name);
    expectSame(missed["offset"], event["offset"], "offset");
    expect(missed["attempt"] === undefined, "no attempt", missed);
  }),
];
