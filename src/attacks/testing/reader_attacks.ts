/**
 * Attacks by not reading, and by what is left behind.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { frame, opcodes, type TcpClient } from "../../adapter/testing/tcp.ts";
import type { Attack, Field } from "./field.ts";

const text = (message: unknown) => frame(opcodes.text, JSON.stringify(message));

/** Connections that subscribe and read no more. */
async function stillReaders(field: Field, count: number): Promise<readonly TcpClient[]> {
  const clients: TcpClient[] = [];
  while (clients.length < count) {
    const client = await field.tcp("/ws");
    client.send(text({ type: "subscribe", channels: ["open"] }));
    assertEquals((await client.json())["type"], "subscribed");
    client.socket.pause();
    clients.push(client);
  }
  return clients;
}

/** More than a connection may take: a multiple of its outbox and of what a process takes at once. */
const MUCH = 64_000_000;

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => resolve = settle);
  return { promise, resolve };
}

const gone = (field: Field) => field.until(({ connections }) => connections === 1);

export const readerAttacks: readonly Attack[] = [
  {
    name: "readers that stand still",
    async run(field) {
      const clients = await stillReaders(field, field.count(20, 2));
      // Until more waits than the system and the hub hold for a reader.
      for (;;) {
        await field.publish(50, 100_000);
        if ((await field.stats()).connections === 1) break;
      }
      await gone(field);
      for (const client of clients) client.reset();
      return "4503";
    },
  },
  {
    name: "asking for the past without reading it",
    async run(field) {
      const client = await field.tcp("/ws?user=historian");
      client.socket.pause();
      const ask = text({ type: "history", channel: "past" });
      client.send(Buffer.concat(Array<Buffer>(80).fill(ask)));
      await gone(field);
      client.reset();
      return "cut";
    },
  },
  {
    name: "Pings of 125 bytes whose Pongs nobody reads",
    async run(field) {
      const { rss: before } = await field.memory();
      const client = await field.tcp();
      client.socket.pause();
      const count = field.count(400, 40);
      const pings = Buffer.concat(Array<Buffer>(8_000).fill(frame(opcodes.ping, "x".repeat(125))));
      let sent = 0;
      for (; sent < count && !client.socket.destroyed; sent++) {
        if (client.socket.write(pings)) continue;
        const { promise: goesOn, resolve } = deferred();
        client.socket.once("drain", resolve);
        void client.ended.then(resolve);
        // What is not taken from it need not be held.
        const timer = setTimeout(resolve, 2_000);
        await goesOn;
        clearTimeout(timer);
        if (client.socket.writableNeedDrain) break;
      }
      const { rss } = await field.memory();
      assert(rss < before + MUCH, `${rss - before} bytes are held for one that does not read`);
      const isThere = (await field.stats()).connections > 1;
      client.reset();
      return isThere ? "no more is taken from it" : "cut";
    },
  },
  {
    name: "very many sessions left behind",
    async run(field) {
      for (let i = 0; i < field.count(2_000, 200); i++) {
        const client = await field.tcp("/ws?user=leaver");
        client.send(text({ type: "subscribe", channels: ["open", "room:a", "room:b"] }));
        await client.json();
        client.socket.destroy();
        const { sessionsKept } = i % 50 === 0 ? await field.stats() : { sessionsKept: 0 };
        assert(sessionsKept <= 32, `${sessionsKept} sessions of one user`);
      }
      return "the oldest go";
    },
  },
];
