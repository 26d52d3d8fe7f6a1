/**
 * Attacks by asking for a connection, or by not asking to the end.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { frame, goodHandshake, opcodes, type TcpClient } from "../../adapter/testing/tcp.ts";
import { hostileOrigins } from "../../guard/testing/hostile_origins.ts";
import { runtime } from "../../testing/serve.ts";
import type { Attack, Field } from "./field.ts";

const HALF_A_HEAD = Buffer.from(
  "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nX-Slow: ",
);

/** Whether the server ends a connection by itself, within a time. */
function endsWithin(client: TcpClient, milliseconds: number): Promise<boolean> {
  return Promise.race([
    client.ended.then(() => true),
    sleep(milliseconds, false, { ref: false }),
  ]);
}

/** Sends bytes, then nothing more, and gives all that is answered until the server ends the connection. */
async function answered(field: Field, bytes: string): Promise<string> {
  const client = field.bare();
  let received = "";
  client.socket.on("data", (chunk: Buffer) => received += chunk.toString("latin1"));
  client.send(Buffer.from(bytes, "latin1"));
  client.socket.end();
  await client.ended;
  return received;
}

/** Answers Pings, so that it is there however long the others take to come. */
async function stay(client: TcpClient): Promise<void> {
  for (;;) {
    const next = await client.frame();
    if (next === undefined) return;
    if (next.opcode === opcodes.ping) client.send(frame(opcodes.pong, next.payload));
  }
}

const statuses = (text: string) =>
  Array.from(text.matchAll(/^HTTP\/1\.1 (\d{3})/gm), ([, status]) => Number(status));

const head = (lines: readonly string[], target = "/ws", method = "GET") =>
  `${method} ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

const good = Object.entries(goodHandshake).map(([name, value]) => `${name}: ${value}`);

export const doorAttacks: readonly Attack[] = [
  {
    name: "40 hostile origins, with the cookie of a user (cross-site WebSocket hijacking)",
    async run(field) {
      for (const [attack, Origin] of hostileOrigins) {
        if (Origin === "") continue; // to some runtimes an empty field is none
        const headers = { ...field.nextAddress(), Origin, Cookie: "session=the-victim" };
        const { client, answer } = await field.request("/ws?user=victim", headers);
        assertEquals([answer.status, JSON.parse(answer.body).error], [
          403,
          "origin_not_allowed",
        ], attack);
        client.socket.destroy();
      }
      return "403 origin_not_allowed";
    },
  },
  {
    name: "a client that reconnects 150 times a second",
    async run(field) {
      const address = field.nextAddress();
      let refused = 0;
      for (let i = 0; i < field.count(3_000, 350); i++) {
        const { client, answer } = await field.request("/ws?user=restless", address);
        if (answer.status !== 101) {
          refused++;
          assertEquals([answer.status, answer.headers.has("retry-after")], [429, true]);
          assertEquals(JSON.parse(answer.body).error, "Rate limit exceeded");
        }
        client.socket.destroy();
      }
      assert(refused > 0, "all were let in");
      const { client, answer } = await field.request("/ws?user=patient");
      assertEquals(answer.status, 101);
      client.reset();
      return "429 with Retry-After, others are let in";
    },
  },
  {
    name: "1,000 handshakes that are never finished",
    async run(field) {
      const clients = Array.from({ length: field.count(1_000, 200) }, () => field.bare());
      for (const client of clients) client.send(HALF_A_HEAD);
      await field.until(() => true);
      const { client, answer } = await field.request();
      assertEquals(answer.status, 101);
      client.reset();
      for (const client of clients) client.socket.destroy();
      return "others are let in";
    },
  },
  {
    name: "heads that come a byte at a time (slowloris)",
    once: true,
    async run(field) {
      const clients = Array.from({ length: field.count(200, 5) }, () => field.bare());
      const drip = setInterval(() => {
        for (const client of clients) if (!client.hasEnded) client.send(Buffer.from("a"));
      }, 500);
      try {
        for (const client of clients) client.send(HALF_A_HEAD);
        const canCut = runtime !== "deno";
        const patience = canCut ? 120_000 : 13_000;
        const ended = await Promise.all(clients.map((client) => endsWithin(client, patience)));
        assertEquals(ended.filter(Boolean).length, canCut ? clients.length : 0);
        return canCut ? "cut" : "not cut, as is declared";
      } finally {
        clearInterval(drip);
      }
    },
  },
  {
    name: "more connections than an address may have",
    async run(field) {
      const address = field.nextAddress();
      let refused = 0;
      for (let i = 0; i < 150; i++) {
        const { client, answer } = await field.request("/ws", address);
        if (answer.status === 101) {
          void stay(client);
          continue;
        }
        refused++;
        assertEquals([answer.status, JSON.parse(answer.body).error], [429, "too_many_of_address"]);
      }
      assertEquals(refused, 50);
      return "429 too_many_of_address";
    },
  },
  {
    name: "header fields that come twice",
    async run(field) {
      const host = "Host: 127.0.0.1";
      const doubled: readonly (readonly string[])[] = [
        [host, ...good, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="],
        [host, ...good, "Sec-WebSocket-Version: 8"],
        [host, ...good, "Origin: https://app.example.com", "Origin: https://evil.com"],
      ];
      assertEquals(statuses(await answered(field, head([host, ...good])))[0], 101);
      for (const lines of doubled) {
        const [status = 0] = statuses(await answered(field, head(lines)));
        assert(status >= 400 && status < 500, `${lines.at(-1)} was answered ${status}`);
      }
      return "4xx";
    },
  },
  {
    name: "a query and a header that are far too long",
    async run(field) {
      for (
        const request of [
          head(["Host: 127.0.0.1", ...good], `/ws?token=${"x".repeat(200_000)}`),
          head(["Host: 127.0.0.1", ...good, `X-Long: ${"x".repeat(200_000)}`]),
          head(["Host: 127.0.0.1", ...good, ...Array<string>(20_000).fill("X-Many: x")]),
        ]
      ) {
        const [status] = statuses(await answered(field, request));
        assert(status === undefined || status >= 400, `answered ${status}`);
      }
      return "4xx, or cut";
    },
  },
  {
    name: "requests in requests (smuggling)",
    async run(field) {
      const inner = head(["Host: 127.0.0.1"], "/api/v1/websocket/channels");
      const host = "Host: 127.0.0.1";
      const broadcast = "/api/v1/websocket/broadcast?channel=open";
      assertMatch(await answered(field, inner), /"channels"/, "what it is to be known by");
      const attacks = [
        [host, `Content-Length: ${inner.length + 5}`, "Transfer-Encoding: chunked"],
        [host, "Content-Length: 0", `Content-Length: ${inner.length + 5}`],
        [host, "Transfer-Encoding: chunked, identity"],
        [host, "Transfer-Encoding: xchunked"],
        [host, "Transfer-Encoding : chunked"],
        [host, "Content-Length: +5"],
        [host, "X: 1\nContent-Length: 0"],
      ];
      for (const lines of attacks) {
        const text = await answered(field, `${head(lines, broadcast, "POST")}0\r\n\r\n${inner}`);
        assert(!/"channels"/.test(text), `${lines.slice(1)}: ${text}`);
      }
      return "400, and nothing of the inner one";
    },
  },
];

/** Uses up what handshakes there are for everybody. */
export const flood: Attack = {
  name: "10,000 addresses",
  async run(field) {
    const count = field.count(10_000, 500);
    let [admitted, refused] = [0, 0];
    for (let at = 0; at < count; at += 50) {
      await Promise.all(Array.from({ length: 50 }, async () => {
        const { client, answer } = await field.request();
        if (answer.status === 101) admitted++;
        else {
          refused++;
          assertEquals([answer.status, answer.headers.has("retry-after")], [503, true]);
        }
        client.socket.destroy();
      }));
    }
    assertEquals(admitted + refused, count);
    return `${refused === 0 ? "all let in" : "503 busy for some"}, none remembered too long`;
  },
};
