/**
 * Cases of PROTOCOL.md, "Tokens on a living connection".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { expectNextIs } from "./places.ts";
import { expectExpired } from "./session.ts";
import { fresh, type Server } from "./server.ts";
import type { ServerMessage } from "./shape.ts";

const now = () => Math.floor(Date.now() / 1000);

/** A token of a user's. */
async function tokenOf(
  server: Server,
  user: string,
  claims: Readonly<Record<string, unknown>> = {},
) {
  return await server.token({ sub: user, role: server.role, ...claims });
}

/** A client of a user's, and a way to authenticate anew. */
async function someone(server: Server, claims: Readonly<Record<string, unknown>> = {}) {
  const user = server.user();
  const client = await server.connect({ user, claims });
  const ask = (token: string) => ({ type: "authenticate", token });
  return { user, client, ask };
}

/** Seconds between a token's expiry and the end of its connection, at most. */
const TOLERANCE = 5;

/** Nothing else is told of a credential than this. */
const isExpiring = ({ type }: ServerMessage) => type === "token_expiring";

async function endsBy(client: Client, code: number, timeout?: number): Promise<void> {
  expectSame((await client.ended(timeout)).code, code, "the code");
}

export const cases: readonly Case[] = [
  check("HDL-TOK-1", "same-user", "a newer token of the same user is taken", async (server) => {
    const { user, client, ask } = await someone(server);
    const answer = await client.ok(ask(await tokenOf(server, user, { exp: now() + 1800 })));
    expectSame([answer["user_id"], answer["role"]], [user, server.role], "user and role");
  }),
  check("HDL-TOK-1", "same-rules", "by the rules for connections", async (server) => {
    const { user, client, ask } = await someone(server);
    for (const claims of [{ token_type: "refresh" }, { nbf: now() + 300 }]) {
      await client.refused(ask(await tokenOf(server, user, claims)), "unauthorized");
    }
  }),
  check("HDL-TOK-2", "unauthorized", "one that does not hold gets unauthorized", async (server) => {
    const { client, ask } = await someone(server);
    for (const token of ["kit", "a.b.c", "x".repeat(8000)]) {
      await client.refused(ask(token), "unauthorized");
    }
  }),
  check("HDL-TOK-2", "expired", "one that has run out token_expired", async (server) => {
    const { user, client, ask } = await someone(server);
    const token = await tokenOf(server, user, { iat: now() - 600, exp: now() - 300 });
    await client.refused(ask(token), "token_expired");
  }),
  check("HDL-TOK-3", "another", "one of another user forbidden", async (server) => {
    const { client, ask } = await someone(server);
    await client.refused(ask(await tokenOf(server, server.user())), "forbidden");
  }),
  check("HDL-TOK-3", "nobody", "also where the connection has no user", async (server) => {
    const client = await server.connect({ user: null });
    const token = await tokenOf(server, server.user());
    await client.refused({ type: "authenticate", token }, "forbidden");
  }),
  check(
    "HDL-TOK-4",
    "goes-on",
    "after an error the connection goes on as it was",
    async (server) => {
      const { client, ask } = await someone(server);
      const { name } = server.channel();
      await client.subscribe(name);
      await client.refused(ask("kit"), "unauthorized");
      await client.refused(ask(await tokenOf(server, server.user(), { role: "kit" })), "forbidden");
      await expectNextIs(client, client, name);
    },
  ),
  check("HDL-TOK-5", "role", "the new role holds from then on", async (server) => {
    const { user, client, ask } = await someone(server);
    const role = server.offer.admin_role ?? "admin";
    const { name } = server.channel({ role, may: ["subscribe"], closedTo: server.role });
    const subscribe = { type: "subscribe", channels: [name] };
    expectSame((await client.ok(subscribe))["channels"], [], "channels before");
    const answer = await client.ok(ask(await tokenOf(server, user, { role })));
    expectSame(answer["role"], role, "role");
    expectSame((await client.ok(subscribe))["channels"], [name], "channels after");
  }),
  check("HDL-TOK-5", "expiry", "and so does the new expiry", async (server) => {
    const { user, client, ask } = await someone(server, { exp: now() + 1 });
    const answer = await client.ok(ask(await tokenOf(server, user, { exp: now() + 1000 })));
    const left = Number(answer["token_expires_in"]);
    expect(left > 900 && left <= 1000, "token_expires_in of about 1,000", answer);
    await client.idle((TOLERANCE + 2) * 1000);
    await client.alive();
  }),
  check("HDL-TOK-6", "taken-away", "what the new role may not is taken away", async (server) => {
    const role = server.offer.admin_role ?? "admin";
    const closed = server.channel({ role, may: ["subscribe"], closedTo: server.role }).name;
    const open = server.channel().name;
    const user = server.user();
    const client = await server.connect({ user, role });
    await client.subscribe([closed, open]);
    client.send({ type: "authenticate", token: await tokenOf(server, user) });
    const notice = await client.message("unsubscribed");
    expectSame([notice["channels"], notice["code"]], [[closed], "forbidden"], "channels and code");
    expectSame((await client.ok({ type: "get_subscriptions" }))["channels"], [open], "channels");
  }),
  check(
    "HDL-TOK-7",
    "at-once",
    "token_expiring comes at once where little is left",
    async (server) => {
      const { client } = await someone(server, { exp: now() + 40 });
      const told = await client.next(isExpiring, "token_expiring");
      const left = Number(told["token_expires_in"]);
      expect(left > 20 && left <= 60, "token_expires_in of 20 to 60", told);
      await client.nothing(isExpiring, "it is told once");
    },
  ),
  check("HDL-TOK-7", "not-early", "not where much is", async (server) => {
    const { client } = await someone(server, { exp: now() + 600 });
    await client.nothing(isExpiring, "there is time");
  }),
  check("HDL-TOK-7", "each", "and once for each credential", async (server) => {
    const { user, client, ask } = await someone(server, { exp: now() + 40 });
    await client.next(isExpiring, "token_expiring");
    await client.ok(ask(await tokenOf(server, user, { exp: now() + 50 })));
    await client.next(isExpiring, "token_expiring of the new one");
    await client.nothing(isExpiring, "it is told once");
  }),
  check("HDL-TOK-8", "closed", "who has run out is closed with 4401", async (server) => {
    const { client } = await someone(server, { exp: now() + 1 });
    await endsBy(client, 4401, (TOLERANCE + 2) * 1000 + server.timeout);
  }),
  check(
    "HDL-TOK-10",
    "banned",
    "a banned user is closed with 4403, on all connections",
    async (server) => {
      const { user, client } = await someone(server);
      const [second, kept] = [await server.connect({ user }), await server.connect({ user })];
      await kept.close(1001);
      const other = await server.connect();
      await server.act(other, "kit.revoke", { user });
      for (const one of [client, second]) await endsBy(one, 4403);
      for (const one of [client, kept]) await expectExpired(server, one.token, { user });
      await other.alive();
    },
  ),
  check("HDL-TOK-11", "revoked", "who has a revoked token is closed with 4401", async (server) => {
    const jti = fresh();
    const { user, client } = await someone(server, { jti });
    const same = await server.connect({ user, claims: { jti: fresh() } });
    const other = await server.connect();
    await server.act(other, "kit.revoke", { token: jti });
    await endsBy(client, 4401);
    await same.alive();
  }),
];
