/**
 * Cases of PROTOCOL.md, "Publishing".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import { BAD_NAMES, expectNextIs, offsets, pair } from "./places.ts";
import { fresh, type Server } from "./server.ts";

const event = (channel: string, data: unknown = 1) => ({
  type: "publish",
  channel,
  event_type: "kit",
  data,
});

const refused = (
  name: string,
  what: string,
  code: string,
  namesOf: (server: Server) => readonly string[],
): Case =>
  check("HDL-PUB-2", name, `a publication to ${what} gets ${code}`, async (server) => {
    const client = await server.connect();
    for (const channel of namesOf(server)) await client.refused(event(channel), code);
  });

export const cases: readonly Case[] = [
  check("HDL-PUB-1", "position", "published tells the event's position", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    for (const expected of [1, 2, 3]) {
      const answer = await publisher.ok(event(channel));
      expectSame([answer["channel"], answer["offset"]], [channel, expected], "channel and offset");
      expectSame((await client.event(channel))["offset"], expected, "the event's offset");
    }
  }),
  check("HDL-PUB-1", "id", "it repeats the id", async (server) => {
    const { client, channel } = await pair(server);
    const answer = await client.ok({ ...event(channel), id: "kit-1" });
    expectSame(answer["id"], "kit-1", "id");
    expect(answer["duplicate"] !== true, "no duplicate", answer);
  }),
  check("HDL-PUB-1", "refused-is-nowhere", "what got an error is in no channel", async (server) => {
    const channel = server.channel({ events: true });
    const [[type, examples] = ["", { valid: [], invalid: [] }]] = Object.entries(
      channel.offer.events ?? {},
    );
    const { client, publisher } = await pair(server, channel.name);
    await client.subscribe(channel.name);
    for (const data of examples.invalid) {
      await publisher.refused(
        { type: "publish", channel: channel.name, event_type: type, data },
        "payload_invalid",
      );
    }
    const [data] = examples.valid;
    await publisher.ok({ type: "publish", channel: channel.name, event_type: type, data });
    expectSame((await client.event(channel.name))["offset"], 1, "the first event's offset");
    const { events } = await client.ok({ type: "history", channel: channel.name });
    expectSame(offsets(Array.isArray(events) ? events : []), [1], "offsets in the history");
  }),
  refused("invalid", "a name outside the alphabet", "invalid_channel", () => BAD_NAMES),
  refused("own", "a name that starts with @", "forbidden", () => ["@all", "@user:kit"]),
  refused("unknown", "no channel", "unknown_channel", (server) => [server.unknownChannel()]),
  refused("forbidden", "a channel where the role may not broadcast", "forbidden", (server) => [
    server.channel({ may: ["subscribe"], mayNot: ["broadcast"] }).name,
  ]),
  check(
    "HDL-PUB-2",
    "schema",
    "data that do not fit the schema get payload_invalid",
    async (server) => {
      const { name, offer } = server.channel({ events: true });
      const client = await server.connect();
      for (const [event_type, { valid, invalid }] of Object.entries(offer.events ?? {})) {
        for (const data of invalid) {
          await client.refused(
            { type: "publish", channel: name, event_type, data },
            "payload_invalid",
          );
        }
        for (const data of valid) {
          await client.ok({ type: "publish", channel: name, event_type, data });
        }
      }
    },
  ),
  check(
    "HDL-PUB-2",
    "event-type",
    "so does an event type that the channel does not have",
    async (server) => {
      const { name, offer } = server.channel({ events: true });
      const data = Object.values(offer.events ?? {})[0]?.valid[0];
      const client = await server.connect();
      const event_type = `kit.${fresh()}`;
      await client.refused({ type: "publish", channel: name, event_type, data }, "payload_invalid");
    },
  ),
  check(
    "HDL-PUB-3",
    "without",
    "with echo false the sender does not get it, others do",
    async (server) => {
      const { client, publisher, channel } = await pair(server);
      for (const one of [client, publisher]) await one.subscribe(channel);
      await publisher.publish(channel, 1, { echo: false });
      expectSame((await client.event(channel))["offset"], 1, "the other's event");
      await expectNextIs(publisher, client, channel);
    },
  ),
  check("HDL-PUB-3", "with", "with echo true it does", async (server) => {
    const { name } = server.channel();
    const client = await server.connect();
    await client.subscribe(name);
    const { offset } = await client.publish(name, 1, { echo: true });
    expectSame((await client.event(name))["offset"], offset, "the event's offset");
  }),
  check(
    "HDL-PUB-3",
    "with-against-the-channel",
    "also in a channel that has none",
    async (server) => {
      const { name } = server.channel({ echo: false });
      const client = await server.connect();
      await client.subscribe(name);
      const { offset } = await client.publish(name, 1, { echo: true });
      expectSame((await client.event(name))["offset"], offset, "the event's offset");
    },
  ),
  check("HDL-PUB-4", "default", "where it does not say, the sender gets it", async (server) => {
    const { name } = server.channel({ echo: true });
    const client = await server.connect();
    await client.subscribe(name);
    const { offset } = await client.ok(event(name));
    expectSame((await client.event(name))["offset"], offset, "the event's offset");
  }),
  check("HDL-PUB-4", "configured", "unless the channel is configured otherwise", async (server) => {
    const { name } = server.channel({ echo: false });
    const [client, other] = [await server.connect(), await server.connect()];
    await client.subscribe(name);
    await client.ok(event(name));
    await expectNextIs(client, other, name);
  }),
  check(
    "HDL-PUB-5",
    "excluded",
    "who is excluded does not get it, nor in the history",
    async (server) => {
      const { name } = server.channel();
      const users = [server.user(), server.user(), server.user()] as const;
      const all = [];
      for (const user of users) all.push(await server.connect({ user }));
      const [client, byId, byUser] = all;
      if (client === undefined || byId === undefined || byUser === undefined) return;
      for (const one of all) await one.subscribe(name);
      const exclude = { clients: [byId.id], users: [users[2]] };
      await server.act(client, "kit.publish", {
        to: { channel: name },
        event_type: "kit",
        data: 1,
        exclude,
      });
      await client.event(name);
      const { offset } = await client.publish(name, 2);
      for (const one of [byId, byUser]) {
        expectSame((await one.event(name))["offset"], offset, "the offset of its first event");
        const { events } = await one.ok({ type: "history", channel: name });
        expectSame(offsets(Array.isArray(events) ? events : []), [offset], "its history");
      }
    },
  ),
  check("HDL-PUB-7", "duplicate", "the same id again publishes nothing", async (server) => {
    const { client, publisher, channel } = await pair(server);
    await client.subscribe(channel);
    const id = fresh();
    const first = await publisher.ok({ ...event(channel), id });
    const again = await publisher.ok({ ...event(channel, "another"), id });
    const place = ({ epoch, offset }: Readonly<Record<string, unknown>>) => ({ epoch, offset });
    expectSame(place(again), place(first), "the position");
    expectSame(again["duplicate"], true, "duplicate");
    await client.event(channel);
    await expectNextIs(client, publisher, channel);
  }),
  check("HDL-PUB-7", "same-user", "also on another connection of the user", async (server) => {
    const { name } = server.channel();
    const user = server.user();
    const id = fresh();
    const [one, other] = [await server.connect({ user }), await server.connect({ user })];
    await one.ok({ ...event(name), id });
    expectSame((await other.ok({ ...event(name), id }))["duplicate"], true, "duplicate");
  }),
  check(
    "HDL-PUB-7",
    "another-user",
    "of another user, or in another channel, it is new",
    async (server) => {
      const [a = "", b = ""] = server.channels(2);
      const id = fresh();
      const [one, other] = [await server.connect(), await server.connect()];
      await one.ok({ ...event(a), id });
      for (
        const answer of [await other.ok({ ...event(a), id }), await one.ok({ ...event(b), id })]
      ) {
        expect(answer["duplicate"] !== true, "a new event", answer);
      }
    },
  ),
  check("HDL-PUB-7", "nobody", "of nobody, it goes by the client id", async (server) => {
    const role = "anonymous";
    const { name } = server.channel({ role });
    const id = fresh();
    const [one, other] = [
      await server.connect({ user: null }),
      await server.connect({ user: null }),
    ];
    await one.ok({ ...event(name), id });
    expectSame((await one.ok({ ...event(name), id }))["duplicate"], true, "duplicate");
    expect(
      (await other.ok({ ...event(name), id }))["duplicate"] !== true,
      "a new event",
      "a duplicate",
    );
  }),
  check(
    "HDL-PUB-7",
    "refused-first",
    "an id whose event was refused is still free",
    async (server) => {
      const { name, offer } = server.channel({ events: true });
      const [event_type = "", examples] = Object.entries(offer.events ?? {})[0] ?? [];
      const client = await server.connect();
      const publish = { type: "publish", channel: name, event_type, id: fresh() };
      await client.refused({ ...publish, data: examples?.invalid[0] }, "payload_invalid");
      const answer = await client.ok({ ...publish, data: examples?.valid[0] });
      expect(answer["duplicate"] !== true, "a new event", answer);
    },
  ),
  check(
    "HDL-PUB-9",
    "presence",
    "presence.x gets payload_invalid in a channel with presence",
    async (server) => {
      const { name } = server.channel({ presence: true });
      const client = await server.connect();
      for (const event_type of ["presence.join", "presence.kit", "presence."]) {
        await client.refused(
          { type: "publish", channel: name, event_type, data: {} },
          "payload_invalid",
        );
      }
    },
  ),
];
