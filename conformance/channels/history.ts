/**
 * Cases of PROTOCOL.md, "History".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { encodeEnvelope, ENVELOPE } from "./envelope.ts";
import { BAD_NAMES, expectNextIs, offsets, OTHER_EPOCH, pair, range } from "./places.ts";
import type { Server } from "./server.ts";
import { isRecord, type ServerMessage } from "./shape.ts";

/** The events of an answer. */
function eventsOf({ events }: ServerMessage): readonly unknown[] {
  return Array.isArray(events) ? events : [];
}

async function history(
  client: Client,
  channel: string,
  fields: Readonly<Record<string, unknown>> = {},
) {
  return await client.ok({ type: "history", channel, ...fields });
}

const refused = (
  name: string,
  what: string,
  code: string,
  namesOf: (server: Server) => readonly string[],
): Case =>
  check("HDL-HIS-2", name, `${what} gets ${code}`, async (server) => {
    const client = await server.connect();
    for (const channel of namesOf(server)) {
      await client.refused({ type: "history", channel }, code);
    }
  });

export const cases: readonly Case[] = [
  check("HDL-HIS-1", "all", "without since it begins with the oldest", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { epoch } = await publisher.publishMany(channel, 4, (i) => ({ i }));
    const answer = await history(client, channel);
    expectSame(offsets(eventsOf(answer)), [1, 2, 3, 4], "offsets");
    const data = eventsOf(answer).map((event) => isRecord(event) ? event["data"] : null);
    expectSame(data, [{ i: 0 }, { i: 1 }, { i: 2 }, { i: 3 }], "data");
    expectSame([answer["channel"], answer["epoch"]], [channel, epoch], "channel and epoch");
  }),
  check("HDL-HIS-1", "since", "with it, with the event after it", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { epoch, offset } = await publisher.publishMany(channel, 5);
    const answer = await history(client, channel, { since: { epoch, offset: 3 } });
    expectSame(offsets(eventsOf(answer)), [4, 5], "offsets");
    const none = await history(client, channel, { since: { epoch, offset } });
    expectSame([eventsOf(none), none["more"]], [[], false], "nothing after the newest");
  }),
  refused("invalid", "a name outside the alphabet", "invalid_channel", () => BAD_NAMES),
  refused("own", "a name that starts with @", "forbidden", () => ["@all", "@user:kit"]),
  refused("unknown", "a name of no channel", "unknown_channel", (server) => [
    server.unknownChannel(),
  ]),
  refused("forbidden", "a channel that the role may not subscribe to", "forbidden", (server) => [
    server.channel({ mayNot: ["subscribe"], may: [] }).name,
  ]),
  check("HDL-HIS-3", "unsubscribed", "it needs no subscription, and makes none", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publish(channel);
    await history(client, channel);
    expectSame((await client.ok({ type: "get_subscriptions" }))["channels"], [], "subscriptions");
    await publisher.publish(channel);
    await client.subscribe(channel);
    await expectNextIs(client, publisher, channel);
  }),
  check("HDL-HIS-3", "subscribed", "nor does it change one", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 3);
    await client.subscribe(channel);
    await history(client, channel, { limit: 1 });
    await expectNextIs(client, publisher, channel);
  }),
  check("HDL-HIS-4", "limit", "at most limit events come", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 6);
    for (const limit of [1, 2, 5]) {
      const answer = await history(client, channel, { limit });
      expectSame(offsets(eventsOf(answer)), range(1, limit), `with the limit ${limit}`);
      expectSame(answer["more"], true, "more");
    }
  }),
  check("HDL-HIS-4", "hundred", "100 where the request does not say", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 103);
    expectSame(eventsOf(await history(client, channel)).length, 100, "events");
    expectSame(eventsOf(await history(client, channel, { limit: 1000 })).length, 103, "events");
  }),
  check("HDL-HIS-4", "bytes", "events of at most 262,144 bytes come", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 40, () => "x".repeat(9000));
    const answer = await history(client, channel, { limit: 1000 });
    const size = JSON.stringify(answer["events"]).length;
    const count = eventsOf(answer).length;
    expect(size <= 262_144 + 2 + count, "at most 262,144 bytes of events", `${size} bytes`);
    expect(count > 20, "more than 20 events of 9,000 bytes", `${count} events`);
    expectSame(answer["more"], true, "more");
  }),
  check("HDL-HIS-4", "one-large", "a larger event comes alone", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publish(channel);
    const image = encodeEnvelope(ENVELOPE.image, { channel }, new Uint8Array(300_000));
    publisher.sendBytes(image);
    await publisher.message("published");
    await publisher.publish(channel);
    const counts = [];
    let since: unknown;
    for (let more = true; more;) {
      const answer = await history(client, channel, since === undefined ? {} : { since });
      counts.push(...offsets(eventsOf(answer)));
      if (offsets(eventsOf(answer)).includes(2)) {
        expectSame(eventsOf(answer).length, 1, "events beside a large one, itself counted");
      }
      more = answer["more"] === true;
      since = answer["next"];
    }
    expectSame(counts, [1, 2, 3], "offsets");
  }),
  check("HDL-HIS-5", "as-events", "each is as it came when it was sent", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    await publisher.publish(channel, { a: [1, null, "ü"] });
    const live = await client.event(channel);
    expectSame(eventsOf(await history(client, channel))[0], live, "the event");
  }),
  check("HDL-HIS-5", "media", "media are in the form that text has", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const metadata = { channel, metadata: { width: 3 } };
    publisher.sendBytes(encodeEnvelope(ENVELOPE.image, metadata, Uint8Array.of(0xff, 0xd8, 0xff)));
    await publisher.message("published");
    const [event] = eventsOf(await history(client, channel));
    const data = isRecord(event) ? event["data"] : null;
    const form = { encoding: "base64", kind: "image", content: "/9j/", metadata: { width: 3 } };
    expectSame(data, form, "data");
  }),
  check(
    "HDL-HIS-6",
    "not-for-it",
    "those that are not for the connection are left out",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await publisher.publish(channel);
      await client.publish(channel, "own", { echo: false });
      await publisher.publish(channel);
      expectSame(offsets(eventsOf(await history(client, channel))), [1, 3], "offsets");
      expectSame(offsets(eventsOf(await history(publisher, channel))), [1, 2, 3], "of the other");
    },
  ),
  check(
    "HDL-HIS-7",
    "pages",
    "next goes on without a hole, and more tells the end",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await publisher.publishMany(channel, 7);
      // More than a page has room for: with nothing to give, it must go on all the same.
      for (const own of [1, 2, 3]) await client.publish(channel, own, { echo: false });
      const { offset } = await publisher.publish(channel);
      const all: unknown[] = [];
      let since: unknown;
      for (let more = true, pages = 0; more; pages++) {
        expect(pages < 20, "an end", `${pages} pages`);
        const fields = since === undefined ? {} : { since };
        const answer = await history(client, channel, { limit: 2, ...fields });
        all.push(...offsets(eventsOf(answer)));
        since = answer["next"];
        more = answer["more"] === true;
      }
      expectSame(all, [...range(1, 7), offset], "all that is for it");
      expectSame(isRecord(since) ? since["offset"] : null, offset, "the last next");
    },
  ),
  check("HDL-HIS-9", "gone", "what is gone is told by gap", async (server) => {
    const few = server.channel({ history: "few" });
    const { client, publisher, channel } = await pair(server, few.name);
    const count = (few.offer.history?.size ?? 1000) + 3;
    const { epoch } = await publisher.publishMany(channel, count);
    const answer = await history(client, channel, { since: { epoch, offset: 1 }, limit: 1000 });
    const came = offsets(eventsOf(answer)).map(Number);
    const [first = 0] = came;
    expect(first > 2, "an event after the second", String(first));
    expectSame(answer["gap"], { from: 2, to: first - 1 }, "gap");
    expectSame(came, range(first, count), "offsets");
  }),
  check("HDL-HIS-9", "other-epoch", "of another epoch by nulls", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 2);
    const answer = await history(client, channel, { since: { epoch: OTHER_EPOCH, offset: 1 } });
    expectSame(answer["gap"], { from: null, to: null }, "gap");
    expectSame(offsets(eventsOf(answer)), [1, 2], "offsets");
  }),
  check("HDL-HIS-9", "future", "and so of one beyond the newest event", async (server) => {
    const { client, publisher, channel } = await pair(server);
    const { epoch, offset } = await publisher.publishMany(channel, 2);
    const answer = await history(client, channel, { since: { epoch, offset: offset + 1 } });
    expectSame(answer["gap"], { from: null, to: null }, "gap");
    expectSame(offsets(eventsOf(answer)), [1, 2], "offsets");
  }),
  check(
    "HDL-HIS-9",
    "nothing-gone",
    "and where nothing is gone there is no gap",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      const { epoch } = await publisher.publishMany(channel, 3);
      const answer = await history(client, channel, { since: { epoch, offset: 0 } });
      expect(!Object.hasOwn(answer, "gap"), "no gap", answer);
    },
  ),
  check("HDL-HIS-10", "thousand", "the newest 1,000 events are kept", async (server) => {
    const { name: channel } = server.channel();
    const { offset } = await (await server.connect()).publishMany(channel, 1005);
    const client = await server.connect();
    const answer = await history(client, channel, { limit: 1000 });
    const came = offsets(eventsOf(answer)).map(Number);
    const [first = 0] = came;
    expect(first <= offset - 999, `the event ${offset - 999}`, `none before ${first}`);
    expectSame(came, range(first, first + came.length - 1), "offsets");
  }),
  check(
    "HDL-HIS-11",
    "nobody-there",
    "the past is kept while nobody is subscribed",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      await publisher.publishMany(channel, 3);
      await client.subscribe(channel);
      await client.ok({ type: "unsubscribe", channels: [channel] });
      await publisher.publish(channel);
      await publisher.close();
      expectSame(offsets(eventsOf(await history(client, channel))), [1, 2, 3, 4], "offsets");
    },
  ),
  check("HDL-HIS-13", "epochs", "each channel has an epoch of its own", async (server) => {
    const client = await server.connect();
    const names = server.channels(8);
    const epochs = [];
    for (const name of names) epochs.push((await client.publish(name)).epoch);
    expect(new Set(epochs).size === names.length, "different epochs", epochs);
  }),
];
