/**
 * Cases of PROTOCOL.md, "Rooms".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import { expectNextIs } from "./places.ts";
import { members } from "./present.ts";
import { expectRefusal } from "./refusing.ts";
import { fresh } from "./server.ts";
import { expectInTime, session } from "./session.ts";

export const cases: readonly Case[] = [
  check("HDL-ROM-1", "joined", "who connects to a room is on its channel", async (server) => {
    const room = `kit-${fresh()}`;
    const channel = `${server.rooms}${room}`;
    const [client, other] = [await server.connect({ room }), await server.connect({ room })];
    expectSame((await client.ok({ type: "get_subscriptions" }))["channels"], [channel], "channels");
    await expectNextIs(client, other, channel);
  }),
  check("HDL-ROM-1", "decoded", "its name is percent-decoded", async (server) => {
    const id = fresh();
    const channel = `${server.rooms}kit-${id}~a+b`;
    const client = await server.connect({ room: `kit%2D${id}%7Ea%2Bb` });
    expectSame(client.greeting["channels"], [channel], "channels");
  }),
  check("HDL-ROM-2", "named", "connected names it, with its position", async (server) => {
    const room = `kit-${fresh()}`;
    const channel = `${server.rooms}${room}`;
    const { greeting } = await server.connect({ room });
    expectSame(greeting["channels"], [channel], "channels");
    expect(Object.hasOwn(Object(greeting["positions"]), channel), "its position", greeting);
  }),
  ...["config", "stats"].map((room) =>
    check("HDL-ROM-3", room, `the room ${room} is refused with invalid_room`, async (server) => {
      server.rooms;
      expectRefusal(await server.request({ room }), 400, "invalid_room");
    })
  ),
  check("HDL-ROM-3", "no-name", "so is an id that makes no channel name", async (server) => {
    server.rooms;
    for (const room of ["a%20b", "%C3%BC", "a*", "x".repeat(300), "%00"]) {
      expectRefusal(await server.request({ room }), 400, "invalid_room");
    }
  }),
  check("HDL-ROM-4", "display-name", "display_name is what one says of oneself", async (server) => {
    const room = `kit-${fresh()}`;
    const channel = `${server.rooms}${room}`;
    const name = "Änne & Bob";
    const client = await server.connect({ room, query: { display_name: name } });
    const { list } = await members(client, channel);
    expectSame(list.map((one) => one["metadata"]), [{ display_name: name }], "metadata");
  }),
  check(
    "HDL-ROM-4",
    "length",
    "one of 129 characters is refused, one of 128 is not",
    async (server) => {
      const room = `kit-${fresh()}`;
      server.rooms;
      await server.connect({ room, query: { display_name: "x".repeat(128) } });
      const answer = await server.request({ room, query: { display_name: "x".repeat(129) } });
      expectRefusal(answer, 400, "invalid_display_name");
    },
  ),
  check(
    "HDL-ROM-5",
    "resumed",
    "who resumes in a room has the session and the room",
    async (server) => {
      const room = `kit-${fresh()}`;
      const channel = `${server.rooms}${room}`;
      const { name } = server.channel();
      const { former, token, again } = await session(server, { channels: [name], end: true });
      const client = await server.connect({ ...again, room, query: { reconnection_token: token } });
      const { greeting } = client;
      if (greeting["reconnected"] !== true) expectInTime(server, token);
      expectSame(
        [greeting["reconnected"], greeting["client_id"]],
        [true, former.id],
        "the session",
      );
      const { channels } = await client.ok({ type: "get_subscriptions" });
      expectSame(
        Array.isArray(channels) ? channels.sort() : channels,
        [name, channel].sort(),
        "channels",
      );
      const told = greeting["channels"];
      expectSame(Array.isArray(told) ? told.sort() : told, [name, channel].sort(), "channels told");
    },
  ),
];
