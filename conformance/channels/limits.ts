/**
 * Cases of PROTOCOL.md, "Limits".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { compressedJson, encodeEnvelope, ENVELOPE } from "./envelope.ts";
import { pair } from "./places.ts";
import { rows } from "./protocol.ts";
import type { Server } from "./server.ts";
import { isRecord } from "./shape.ts";

/** The limits that stand in every `connected`. */
const NAMES = rows("Name", "Unit", "Default")
  .filter(([, , value]) => /\d/.test(value ?? ""))
  .map(([name = ""]) => name.replaceAll("`", ""))
  .filter((name) =>
    !["connections_per_user", "messages_per_second", "refusals_per_second"].includes(name)
  );

/** A `ping` of so many bytes. */
function pingOf(bytes: number, filler = "x"): string {
  const frame = '{"type":"ping","x":""}';
  const each = new TextEncoder().encode(filler).length;
  const count = Math.floor((bytes - frame.length) / each);
  const rest = bytes - frame.length - count * each;
  return `{"type":"ping","x":"${filler.repeat(count)}${"x".repeat(rest)}"}`;
}

/** Closes a user's connections one over the limit, and returns them all. */
async function crowd(
  server: Server,
): Promise<{ readonly all: Client[]; readonly most: number; readonly user: string }> {
  const user = server.user();
  const first = await server.connect({ user });
  const most = first.limit("connections_per_user", 0);
  if (most === 0) throw new Skipped("the target limits no user's connections");
  if (most > 50) throw new Skipped(`the target lets a user have ${most} connections`);
  const all = [first];
  while (all.length < most) all.push(await server.connect({ user }));
  return { all, most, user };
}

/** Asks for megabytes, reads none of them for a while, and then what there is. */
async function answersUnread(server: Server, channel: string, time: number) {
  const client = await server.connect();
  const count = Math.min(63, client.limit("in_flight", 64) - 1);
  client.connection.wire.pause();
  for (let i = 0; i < count; i++) {
    client.send({ type: "history", channel, correlation_id: String(i) });
  }
  await server.pause(time);
  // A server that is busy is to have had its time too.
  await server.notice();
  client.connection.wire.resume();
  const ids: unknown[] = [];
  while (ids.length < count) {
    const next = await client.nextOrEnd(({ type }) => type === "history", "the end");
    if (next === null) return { ids, ended: true };
    ids.push(next["correlation_id"]);
  }
  return { ids, ended: false };
}

export const cases: readonly Case[] = [
  check("HDL-LIM-1", "told", "connected tells the limits", async (server) => {
    const { limits } = (await server.connect()).greeting;
    for (const name of NAMES) {
      const value = isRecord(limits) ? limits[name] : undefined;
      expect(typeof value === "number" && value > 0, `limits.${name}, a number`, limits);
    }
  }),
  check("HDL-LIM-2", "text", "a text over it gets message_too_large", async (server) => {
    const client = await server.connect();
    const limit = client.limit("text_bytes", 10_240);
    await client.refusedText(pingOf(limit + 1), "message_too_large");
    await client.alive();
  }),
  check("HDL-LIM-2", "binary", "so does a binary message", async (server) => {
    const client = await server.connect();
    const limit = client.limit("binary_bytes", 1_048_576);
    const { name } = server.channel();
    const bytes = encodeEnvelope(ENVELOPE.binary, { channel: name }, new Uint8Array(limit));
    await client.refusedBytes(bytes, "message_too_large");
    await client.alive();
  }),
  check("HDL-LIM-2", "inflated", "and one that is only too large when inflated", async (server) => {
    const client = await server.connect();
    const limit = client.limit("text_bytes", 10_240);
    for (const algorithm of ["gzip", "zlib", "deflate"] as const) {
      const bytes = compressedJson(pingOf(limit + 1), algorithm);
      await client.refusedBytes(bytes, "message_too_large");
    }
    await client.alive();
  }),
  check("HDL-LIM-7", "exactly", "a message of exactly the limit is taken", async (server) => {
    const client = await server.connect();
    client.sendText(pingOf(client.limit("text_bytes", 10_240)));
    await client.message("pong");
  }),
  check(
    "HDL-LIM-7",
    "subscribe",
    "subscribe and resume may have limits.subscribe_bytes",
    async (server) => {
      const client = await server.connect();
      const limit = client.limit("subscribe_bytes", 65_536);
      const { name } = server.channel({ may: ["subscribe"] });
      const padded = (message: object, bytes: number) => {
        const text = JSON.stringify({ ...message, x: "" });
        return text.replace('"x":""', `"x":"${"x".repeat(bytes - text.length)}"`);
      };
      const subscribe = { type: "subscribe", channels: [name] };
      await client.refusedText(padded(subscribe, limit + 1), "message_too_large");
      const resume = { type: "resume", reconnection_token: "kit" };
      await client.refusedText(padded(resume, limit + 1), "message_too_large");
      await client.refusedText(padded(resume, limit), "session_expired");
      client.sendText(padded(subscribe, limit));
      expectSame((await client.message("subscribed"))["channels"], [name], "channels");
    },
  ),
  check("HDL-LIM-4", "utf8", "the size of a text is that of its UTF-8", async (server) => {
    const client = await server.connect();
    const limit = client.limit("text_bytes", 10_240);
    for (const filler of ["ü", "€", "😀"]) {
      await client.refusedText(pingOf(limit + 1, filler), "message_too_large");
      client.sendText(pingOf(limit, filler));
      await client.message("pong");
    }
  }),
  check(
    "HDL-LIM-4",
    "envelope",
    "that of a binary message of the whole envelope",
    async (server) => {
      const client = await server.connect();
      const limit = client.limit("binary_bytes", 1_048_576);
      const { name } = server.channel();
      const bytes = (size: number) => {
        const head = encodeEnvelope(ENVELOPE.binary, { channel: name }, new Uint8Array()).length;
        return encodeEnvelope(ENVELOPE.binary, { channel: name }, new Uint8Array(size - head));
      };
      await client.refusedBytes(bytes(limit + 1), "message_too_large");
      client.sendBytes(bytes(limit));
      await client.message("published");
    },
  ),
  check("HDL-LIM-6", "cut", "who does not read is cut off, with no hole before", async (server) => {
    const bound = server.offer.outbox_bytes;
    if (bound === undefined) throw new Skipped("the profile does not tell outbox_bytes");
    const { publisher, channel } = await pair(server);
    await publisher.publishMany(channel, 28, () => "x".repeat(9000));
    // How long it takes until more waits than may is the server's affair.
    for (const time of [100, 1000, 4000]) {
      const { ids, ended } = await answersUnread(server, channel, time);
      expectSame(ids, ids.map((_, i) => String(i)), "answers without a hole");
      if (ended) return;
    }
    expect(false, "the end of the connection", "all the answers");
  }),
  check(
    "HDL-LIM-11",
    "oldest",
    "a connection too many of a user ends the oldest",
    async (server) => {
      const { all, user } = await crowd(server);
      const refused = await server.request({ user });
      if (refused.status === 429 || refused.status === 503) {
        const name = isRecord(refused.json) ? refused.json["error"] : undefined;
        return expectSame(name, "too_many_of_user", "the refusal");
      }
      // With that of the request it is the second too many, so the second oldest may go as well.
      const next = await server.connect({ user });
      await next.ok({ type: "subscribe", channels: [server.channel().name] });
      const [oldest, , ...others] = all;
      const code = (await oldest?.ended(10_000 + server.timeout))?.code;
      expectSame(code, 4409, "the code of the oldest");
      for (const one of others) await one.alive();
    },
  ),
  check("HDL-LIM-12", "let-in", "one that resumes a session is let in", async (server) => {
    const { all, user } = await crowd(server);
    const [first] = all;
    if (first === undefined) return;
    for (const query of [{ resumes: first.id }, { reconnection_token: first.token }]) {
      expectSame((await server.request({ user, query })).status, 101, "the status");
    }
  }),
  check("HDL-LIM-13", "resumes", "no other ends for one that resumes", async (server) => {
    const { all, user } = await crowd(server);
    const last = all.at(-1);
    if (last === undefined) return;
    const next = await server.connect({ user, query: { resumes: last.id } });
    await next.ok({ type: "resume", reconnection_token: last.token });
    expectSame((await last.ended()).code, 4409, "the code of the former connection");
    await server.pause(2500);
    for (const one of [next, ...all.filter((one) => one !== last)]) await one.alive();
  }),
];
