/**
 * Cases of PROTOCOL.md, "Sessions": what is kept, for whom, and for how long.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { CLOSE_CODES } from "./protocol.ts";
import { fresh, type Server } from "./server.ts";
import { expectExpired, resumed, session } from "./session.ts";
import { cases as resuming } from "./sessions_resuming.ts";

const endedBy = (
  number: 2 | 27,
  name: string,
  title: string,
  end: (client: Client, server: Server) => Promise<void>,
): Case =>
  check(`HDL-RES-${number}`, name, title, async (server) => {
    const { former, token, again } = await session(server);
    await end(former, server);
    await server.notice();
    if (number === 27) return void await expectExpired(server, token, again);
    const { answer } = await resumed(server, token, again);
    expectSame(answer["client_id"], former.id, "client_id");
  });

const closes = async (client: Client, server: Server, code: number) => {
  const other = await server.connect();
  await server.act(other, "kit.close", { client: client.id, code, reason: "kit" });
  await client.ended();
};

/** Asks for the session's token. @throws Skipped where the server knows no such request */
const askForToken = async (client: Client): Promise<string> => {
  const told = await client.ask({ type: "get_reconnection_token" });
  if (told["code"] === "unknown_type") throw new Skipped("the server knows no such request");
  expectSame(told.type, "reconnection_token", "the type of the answer");
  return String(told["token"]);
};

export const cases: readonly Case[] = [
  check("HDL-RES-1", "form", "the token is 32 bytes in base64url, each another", async (server) => {
    const tokens = [];
    for (let i = 0; i < 3; i++) tokens.push((await server.connect()).token);
    for (const token of tokens) {
      expect(/^[A-Za-z0-9_-]{43}$/.test(token), "43 characters of base64url", token);
    }
    expect(new Set(tokens).size === 3, "three different tokens", "the same twice");
  }),
  endedBy(
    2,
    "cut",
    "a session is kept where the connection was cut",
    (client) => Promise.resolve(client.cut()),
  ),
  endedBy(2, "client-1001", "where the client closed it with 1001", (client) => client.close(1001)),
  endedBy(
    2,
    "no-code",
    "where the client closed it without a code",
    (client) => client.close(null),
  ),
  endedBy(
    2,
    "server-1013",
    "where the server closed it with 1013",
    (client, server) => closes(client, server, 1013),
  ),
  endedBy(
    2,
    "application",
    "where it closed it with a code of the application's",
    (client, server) => closes(client, server, 4000),
  ),
  check("HDL-RES-2", "as-long", "it is kept as long as expires_in says", async (server) => {
    const { former, token, again } = await session(server);
    former.cut();
    const seconds = Number(former.greeting["expires_in"]);
    await server.pause(Math.min(seconds, 10) * 600);
    await resumed(server, token, again);
  }),
  ...[1000, 1003, 1008].map((code) =>
    endedBy(
      27,
      `client-${code}`,
      `a session ends where the client closes with ${code}`,
      (client) => client.close(code),
    )
  ),
  endedBy(
    27,
    "server-4403",
    "and where the server closes with 4403",
    (client, server) => closes(client, server, 4403),
  ),
  check(
    "HDL-RES-27",
    "asked",
    "it is kept where the client had asked for its token",
    async (server) => {
      const { former, again } = await session(server);
      const token = await askForToken(former);
      await former.close(1000);
      await server.notice();
      const { answer } = await resumed(server, token, again);
      expectSame(answer["client_id"], former.id, "client_id");
    },
  ),
  check("HDL-RES-27", "replaced", "it goes on where 4409 ended the connection", async (server) => {
    const { former, token, again } = await session(server);
    const { client } = await resumed(server, token, again);
    expectSame((await former.ended()).code, 4409, "the code");
    await client.alive();
    expect(CLOSE_CODES.get(4409)?.action === "terminal", "4409 to be terminal", "it is not");
  }),
  check(
    "HDL-RES-28",
    "asked",
    "who asks for the token is told one that resumes the session",
    async (server) => {
      const { former, again } = await session(server);
      const { answer } = await resumed(server, await askForToken(former), again);
      expectSame(answer["client_id"], former.id, "client_id");
    },
  ),
  check("HDL-RES-28", "resumed", "and so it is after resumed", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const { client } = await resumed(server, token, again);
    const { answer } = await resumed(server, await askForToken(client), again);
    expectSame(answer["client_id"], former.id, "client_id");
  }),
  check("HDL-RES-5", "another-user", "another user cannot resume it", async (server) => {
    const { former, token } = await session(server);
    former.cut();
    await expectExpired(server, token, { user: server.user() });
  }),
  check("HDL-RES-5", "nobody", "nor can nobody resume a user's", async (server) => {
    const { former, token, again } = await session(server);
    former.cut();
    await expectExpired(server, token, { user: null });
    await resumed(server, token, again);
  }),
  check("HDL-RES-5", "anonymous", "nor a user nobody's, but nobody can", async (server) => {
    const client = await server.connect({ user: null });
    client.cut();
    await expectExpired(server, client.token, { user: server.user() });
    await resumed(server, client.token, { user: null });
  }),
  check(
    "HDL-RES-6",
    "same-words",
    "every token that is of no use gets the same words",
    async (server) => {
      const { former, token, again } = await session(server);
      await former.close(1000);
      await server.notice();
      const other = await session(server);
      const own = await server.connect();
      const answers = [
        await expectExpired(server, token, again),
        await expectExpired(server, other.token, again),
        await expectExpired(server, "A".repeat(43), again),
        await expectExpired(server, "kit", again),
        await own.refused({ type: "resume", reconnection_token: own.token }, "session_expired"),
      ];
      const words = answers.map(({ message, help, recoverable }) => [message, help, recoverable]);
      for (const one of words) expectSame(one, words[0], "the same words");
    },
  ),
  check(
    "HDL-RES-7",
    "goes-on",
    "whose resume is refused goes on with its own session",
    async (server) => {
      const { former, token, again } = await session(server);
      await former.refused({ type: "resume", reconnection_token: "kit" }, "session_expired");
      const { name } = server.channel();
      await former.subscribe(name);
      await former.publish(name);
      await former.event(name);
      former.cut();
      const { answer } = await resumed(server, token, again);
      expectSame([answer["client_id"], answer["channels"]], [former.id, [name]], "its session");
    },
  ),
  check(
    "HDL-RES-8",
    "after-subscribed",
    "resume after a subscribed gets invalid_message",
    async (server) => {
      const { former, token, again } = await session(server);
      former.cut();
      const client = await server.connect(again);
      await client.subscribe(server.channel({ may: ["subscribe"] }).name);
      await client.refused({ type: "resume", reconnection_token: token }, "invalid_message");
      await resumed(server, token, again);
    },
  ),
  check("HDL-RES-8", "after-resumed", "so it does after a resumed", async (server) => {
    const { former, token, again } = await session(server);
    const { client, answer } = await resumed(server, token, again);
    await former.ended();
    const next = String(answer["reconnection_token"]);
    await client.refused({ type: "resume", reconnection_token: next }, "invalid_message");
  }),
  check("HDL-RES-8", "after-expired", "after session_expired", async (server) => {
    const { former, token, again } = await session(server);
    former.cut();
    const client = await server.connect(again);
    await client.refused({ type: "resume", reconnection_token: "kit" }, "session_expired");
    await client.refused({ type: "resume", reconnection_token: token }, "invalid_message");
  }),
  check("HDL-RES-8", "after-the-query", "and where the request resumed already", async (server) => {
    const { former, token, again } = await session(server);
    former.cut();
    const client = await server.connect({ ...again, query: { reconnection_token: token } });
    await client.refused({ type: "resume", reconnection_token: "kit" }, "invalid_message");
  }),
  check("HDL-RES-8", "in-a-room", "or joined a room", async (server) => {
    server.rooms;
    const { former, token, again } = await session(server);
    former.cut();
    const client = await server.connect({ ...again, room: `kit-${fresh()}` });
    await client.refused({ type: "resume", reconnection_token: token }, "invalid_message");
  }),
  check("HDL-RES-25", "after-others", "after any other message it resumes", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const { name } = server.channel();
    const client = await server.connect(again);
    await client.ok({ type: "hello", features: {} });
    await client.ok({ type: "get_subscriptions" });
    await client.ok({ type: "unsubscribe", channels: [name] });
    await client.publish(name);
    await client.refused({ type: `kit.${fresh()}` }, "unknown_type");
    const answer = await client.ok({ type: "resume", reconnection_token: token });
    expectSame(answer["client_id"], former.id, "client_id");
  }),
  check("HDL-RES-25", "after-the-query", "and where the request could not", async (server) => {
    const { former, token, again } = await session(server, { end: true });
    const client = await server.connect({ ...again, query: { reconnection_token: "kit" } });
    await client.message("error");
    const answer = await client.ok({ type: "resume", reconnection_token: token });
    expectSame(answer["client_id"], former.id, "client_id");
  }),
  ...resuming,
];
