/**
 * Peers that mean harm, against a server in a process of its own: nothing they send may end it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { Child } from "../../testing/child.ts";
import { connectRaw, type RawClient } from "../../testing/raw_client.ts";
import { closeFrame, frame, goodHandshake, opcodes, openTcp, TcpClient } from "../testing/tcp.ts";
import type { Subject } from "./subject.ts";

const RUNS = 100;

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));

/** A frame in which anything may be wrong: bits, opcode, mask, and the length it says it has. */
const oddFrame = fc.record({
  first: fc.nat(255),
  isMasked: fc.boolean(),
  length: fc.oneof(fc.nat(125), fc.constantFrom(126, 127)),
  rest: bytes,
}).map(({ first, isMasked, length, rest }) =>
  Buffer.concat([Buffer.from([first, (isMasked ? 0x80 : 0) | length]), rest])
);

const goodFrame = fc.record({
  opcode: fc.constantFrom(0, ...Object.values(opcodes)),
  isFinal: fc.boolean(),
  payload: fc.oneof(bytes, fc.json().map((text) => Buffer.from(text))),
}).map(({ opcode, isFinal, payload }) => frame(opcode, payload, { isFinal }));

const oddMessage = fc.record({
  type: fc.constantFrom("ping", "subscribe", "publish", "hello", "boom", "later", "__proto__"),
  channels: fc.oneof(fc.constant(["news"]), fc.jsonValue()),
  channel: fc.oneof(fc.constant("news"), fc.jsonValue()),
  event_type: fc.oneof(fc.constant("n"), fc.jsonValue()),
  features: fc.oneof(
    fc.constant({ binary: {}, compression: { algorithm: "gzip" } }),
    fc.jsonValue(),
  ),
  data: fc.jsonValue(),
}).map((message) => frame(opcodes.text, JSON.stringify(message)));

const envelope = fc.tuple(fc.nat(6), fc.nat(40), bytes).map(([kind, metadata, rest]) => {
  const head = Buffer.from([1, kind, 0, metadata, 0, 0, 0, Math.max(0, rest.length - metadata)]);
  return frame(opcodes.binary, Buffer.concat([head, rest]));
});

const attack = fc.array(fc.oneof(bytes, oddFrame, goodFrame, oddMessage, envelope), {
  maxLength: 12,
});
const farewell = fc.constantFrom("reset", "end", "close");

/** A handshake in which lines are missing, doubled or odd. */
const oddRequest = fc.tuple(
  fc.constantFrom("GET", "POST", "OPTIONS", "\u0000", "CONNECT"),
  fc.oneof(fc.constantFrom("/ws", "*", "//ws", "http://x/ws", "/ws?token=%", "/%"), fc.webUrl()),
  fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "XYZ"),
  fc.subarray([
    ...Object.entries(goodHandshake).map(([name, value]) => `${name}: ${value}`),
    "Host: 127.0.0.1",
    "Host: [",
    "Sec-WebSocket-Protocol: \u00ff, ,,",
    "Sec-WebSocket-Extensions: x; y=\u0001",
    "Content-Length: 5",
    "Content-Length: -1",
    "Transfer-Encoding: chunked",
    "Authorization: Bearer \u00e9",
    "Origin: null",
    ": nameless",
    "Upgrade: h2c",
  ]),
  bytes,
).map(([method, target, version, lines, rest]) =>
  Buffer.concat([
    Buffer.from(`${method} ${target} ${version}\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1"),
    rest,
  ])
);

function leave(client: TcpClient, how: "reset" | "end" | "close"): void {
  if (how === "reset") client.reset();
  else if (how === "end") client.socket.end();
  else client.socket.end(closeFrame(1000));
}

/** Declares the tests that attack a server. */
export function hostileContract(subject: Subject): void {
  describe(`${subject.name}: hostile peers`, () => {
    let child: Child;
    let port: number;
    let bystander: RawClient;

    before(async () => {
      child = new Child(new URL("../testing/hostile_server.ts", import.meta.url), [subject.name]);
      port = Number(await child.line());
      bystander = await connectRaw(`ws://127.0.0.1:${port}/ws`);
      await bystander.nextOf("connected");
    });

    after(() => {
      bystander.terminate();
      child.kill();
    });

    async function assertUnharmed(): Promise<void> {
      assertEquals((await bystander.ask({ type: "ping" }))["type"], "pong");
    }

    it("may send any bytes after the handshake: all others are served as before", async () => {
      await fc.assert(
        fc.asyncProperty(attack, farewell, async (chunks, how) => {
          const client = await openTcp(port);
          for (const chunk of chunks) client.send(chunk);
          leave(client, how);
          await client.ended;
          client.socket.destroy();
          await assertUnharmed();
        }),
        { numRuns: RUNS },
      );
      const last = await connectRaw(`ws://127.0.0.1:${port}/ws`);
      assertEquals((await last.ask({ type: "ping" }))["type"], "pong");
      last.terminate();
      while (await child.ask("count") !== "1");
      assertEquals(child.process.exitCode, null);
    });

    it("may send any request: all others are served as before", async () => {
      await fc.assert(
        fc.asyncProperty(oddRequest, farewell, async (request, how) => {
          const client = new TcpClient(port);
          client.send(request);
          await assertUnharmed();
          leave(client, how);
          client.socket.destroy();
        }),
        { numRuns: RUNS },
      );
      const last = await connectRaw(`ws://127.0.0.1:${port}/ws`);
      assertEquals((await last.ask({ type: "ping" }))["type"], "pong");
      last.terminate();
      while (await child.ask("count") !== "1");
      assertEquals(child.process.exitCode, null);
    });
  });
}
