/**
 * Cases of PROTOCOL.md, "Sessions": what a resumed connection has, and what becomes of the tokens.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import {
  expectEvents,
  expectGap,
  expectNextIs,
  expectRejected,
  OTHER_EPOCH,
  positionOf,
  range,
} from "./places.ts";
import { fresh } from "./server.ts";
import { expectExpired, expectInTime, resumed, session } from "./session.ts";
import { isRecord } from "./shape.ts";

export const cases: readonly Case[] = [
  check(
    "HDL-RES-9",
    "all-of-it",
    "a resumed connection has the session's id and channels",
    async (server) => {
      const [a = "", b = ""] = server.channels(2);
      const publisher = await server.connect();
      const { former, token, again } = await session(server, { channels: [b, a], end: true });
      const { client, answer } = await resumed(server, token, again);
      expectSame([answer["client_id"], answer["channels"]], [former.id, [b, a]], "id and channels");
      expectSame((await client.ok({ type: "get_subscriptions" }))["channels"], [b, a], "channels");
      for (const name of [a, b]) await expectNextIs(client, publisher, name);
      positionOf(answer, `@client:${former.id}`);
    },
  ),
  check("HDL-RES-9", "own-channels", "it gets what is sent to the session's id", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const { client } = await resumed(server, token, again);
    const publisher = await server.connect();
    const data = fresh();
    await server.act(publisher, "kit.publish", {
      to: { client: former.id },
      event_type: "kit.own",
      data,
    });
    const event = await client.next((one) => one["data"] === data, "the event of its own channel");
    expectSame(event["channel"], `@client:${former.id}`, "channel");
  }),
  check("HDL-RES-9", "in-place", "in place of what it had before", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const { client } = await resumed(server, token, again);
    const publisher = await server.connect();
    const [gone, data] = [fresh(), fresh()];
    const to = (id: string, what: string) =>
      server.act(publisher, "kit.publish", { to: { client: id }, event_type: "kit", data: what });
    await to(client.id, gone);
    await to(former.id, data);
    await client.next((one) => one["data"] === data, "the event of the session's own channel");
    await client.nothing((one) => one["data"] === gone, "the id it had before is no more");
  }),
  check("HDL-RES-9", "metadata", "what it said of itself is still said", async (server) => {
    const { name } = server.channel({ presence: true });
    const metadata = { name: fresh() };
    const { token, again } = await session(server, { channels: [name], metadata, end: true });
    const { client } = await resumed(server, token, again);
    const { members } = await client.ok({ type: "presence", channel: name });
    const said = (Array.isArray(members) ? members : []).map((one) =>
      isRecord(one) ? one["metadata"] : null
    );
    expectSame(said, [metadata], "metadata");
  }),
  check("HDL-RES-10", "permissions", "the new role's permissions hold", async (server) => {
    const admin = server.offer.admin_role ?? "admin";
    const closed = server.channel({ role: admin, may: ["subscribe"], closedTo: server.role }).name;
    const open = server.channel().name;
    const { token, again } = await session(server, {
      channels: [closed, open],
      role: admin,
      end: true,
    });
    const { answer } = await resumed(server, token, { ...again, role: server.role });
    expectSame(answer["channels"], [open], "channels");
    expectRejected(answer, { [closed]: "forbidden" });
  }),
  check(
    "HDL-RES-11",
    "position",
    "a channel goes on after the position that is named",
    async (server) => {
      const { name } = server.channel();
      const publisher = await server.connect();
      const { former, token, again } = await session(server, { channels: [name] });
      const { epoch, offset } = await publisher.publishMany(name, 3);
      await expectEvents(former, name, range(offset - 2, offset));
      former.cut();
      await publisher.publishMany(name, 2);
      const positions = { [name]: { epoch, offset: offset - 2 } };
      const { client, answer } = await resumed(server, token, again, { positions });
      expectSame(positionOf(answer, name), positions[name], "position");
      await expectEvents(client, name, range(offset - 1, offset + 2));
    },
  ),
  check("HDL-RES-11", "written", "without one after what had been written", async (server) => {
    const { name } = server.channel();
    const publisher = await server.connect();
    const { former, token, again } = await session(server, { channels: [name] });
    const { offset } = await publisher.publishMany(name, 3);
    await expectEvents(former, name, range(offset - 2, offset));
    await former.close(1001);
    await server.notice();
    await publisher.publishMany(name, 2);
    const { client } = await resumed(server, token, again);
    await expectEvents(client, name, [offset + 1, offset + 2]);
  }),
  check("HDL-RES-12", "recovered", "recovered is true where nothing is missing", async (server) => {
    const [a = "", b = "", c = ""] = server.channels(3);
    const publisher = await server.connect();
    const { token, again } = await session(server, { channels: [a, b, c], end: true });
    await publisher.publish(a);
    const { epoch, offset } = await publisher.publish(c);
    const positions = {
      [b]: { epoch: OTHER_EPOCH, offset: 4 },
      [c]: { epoch, offset: offset + 1 },
    };
    const { client, answer } = await resumed(server, token, again, { positions });
    const { recovered } = answer;
    expect(isRecord(recovered), "recovered", answer);
    expectSame([recovered[a], recovered[b], recovered[c]], [true, false, false], "recovered");
    for (const name of [b, c]) await expectGap(client, name, null, null);
    await client.event(a);
  }),
  check(
    "HDL-RES-13",
    "others",
    "positions of channels it does not have are ignored",
    async (server) => {
      const [a = "", b = ""] = server.channels(2);
      const publisher = await server.connect();
      const { token, again } = await session(server, { channels: [a], end: true });
      const position = await publisher.publish(b);
      const positions = { [b]: { ...position, offset: 0 }, "@user:kit": { epoch: "e", offset: 1 } };
      const { client, answer } = await resumed(server, token, again, { positions });
      expectSame(answer["channels"], [a], "channels");
      expectRejected(answer, { "@user:kit": "forbidden" });
      await client.subscribe(b);
      await expectNextIs(client, publisher, b);
    },
  ),
  check(
    "HDL-RES-14",
    "own-once",
    "what came before resumed does not come again",
    async (server) => {
      const { former, token, again } = await session(server, { end: true });
      const client = await server.connect(again);
      const data = fresh();
      const to = { user: String(client.greeting["user_id"]) };
      const publisher = await server.connect();
      await server.act(publisher, "kit.publish", { to, event_type: "kit", data });
      await client.next((one) => one["data"] === data, "the event, before resumed");
      const answer = await client.ok({ type: "resume", reconnection_token: token });
      expectSame(answer["client_id"], former.id, "client_id");
      await client.nothing((one) => one["data"] === data, "it came already");
    },
  ),
  check(
    "HDL-RES-15",
    "query",
    "reconnection_token in the query resumes as well",
    async (server) => {
      const { name } = server.channel();
      const publisher = await server.connect();
      const { former, token, again } = await session(server, { channels: [name], end: true });
      const { offset } = await publisher.publish(name);
      const client = await server.connect({ ...again, query: { reconnection_token: token } });
      const { greeting } = client;
      if (greeting["reconnected"] !== true) expectInTime(server, token);
      expectSame(
        [greeting["reconnected"], greeting["client_id"], greeting["channels"]],
        [true, former.id, [name]],
        "reconnected, client_id and channels",
      );
      const { recovered } = greeting;
      expectSame(isRecord(recovered) ? recovered[name] : null, true, "recovered");
      await expectEvents(client, name, [offset]);
    },
  ),
  check(
    "HDL-RES-16",
    "bad-query",
    "where it cannot, connected comes and then the error",
    async (server) => {
      const client = await server.connect({ query: { reconnection_token: "kit" } });
      expectSame(client.greeting["reconnected"], false, "reconnected");
      const error = await client.message("error");
      expectSame(error["code"], "session_expired", "code");
      expect(!Object.hasOwn(error, "correlation_id"), "no correlation_id", error);
      await client.alive();
    },
  ),
  check("HDL-RES-17", "replaced", "the former connection is ended with 4409", async (server) => {
    const { former, token, again } = await session(server);
    await resumed(server, token, again);
    expectSame((await former.ended()).code, 4409, "code");
  }),
  check(
    "HDL-RES-18",
    "consumed",
    "the first message after it consumes the token",
    async (server) => {
      const { token, again } = await session(server, { end: true });
      const { client } = await resumed(server, token, again);
      await client.alive();
      await expectExpired(server, token, again);
      await client.alive();
    },
  ),
  check("HDL-RES-19", "lost-answer", "until then it resumes again", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const client = await server.connect(again);
    // A Pong would consume the token as a message does.
    client.connection.answersPings = false;
    await client.ok({ type: "resume", reconnection_token: token });
    client.cut();
    const { client: third, answer } = await resumed(server, token, again);
    expectSame(answer["client_id"], former.id, "client_id");
    await third.alive();
  }),
  check("HDL-RES-19", "new-one", "and so does the new one", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const { client, answer } = await resumed(server, token, again);
    client.cut();
    const next = String(answer["reconnection_token"]);
    expect(next !== token, "another token", "the same");
    expectSame((await resumed(server, next, again)).answer["client_id"], former.id, "client_id");
  }),
  check(
    "HDL-RES-20",
    "of-connected",
    "the token of connected is of no use after resumed",
    async (server) => {
      const { token, again } = await session(server, { end: true });
      const { client } = await resumed(server, token, again);
      await client.alive();
      client.cut();
      await expectExpired(server, client.token, again);
    },
  ),
  check("HDL-RES-22", "in-no-message", "no other connection is told the token", async (server) => {
    const user = server.user();
    const [client, other] = [await server.connect({ user }), await server.connect({ user })];
    const { name } = server.channel();
    for (const one of [client, other]) await one.subscribe(name);
    await client.publish(name);
    await other.event(name);
    await other.fence();
    const said = JSON.stringify(other.received);
    expect(!said.includes(client.token), "messages without the token", "another's token");
  }),
];
