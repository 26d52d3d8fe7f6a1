/**
 * Cases of PROTOCOL.md, "Compressed messages".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { bytesOf, concat } from "../wire/bytes.ts";
import { check, expect, expectSame, watch } from "./check.ts";
import type { Client } from "./client.ts";
import { type Algorithm, compress, compressedJson, encodeEnvelope, ENVELOPE } from "./envelope.ts";
import { cases as dictionary } from "./compressing_dictionary.ts";
import { granted, hello, offered } from "./features.ts";
import type { Server } from "./server.ts";

const ALGORITHMS = ["gzip", "zlib", "deflate", "none"] as const;

/** A `ping` by an envelope whose metadata or payload are set otherwise. */
function pingBy(
  algorithm: Algorithm,
  change: { readonly metadata?: object; readonly payload?: (whole: Uint8Array) => Uint8Array } = {},
): Uint8Array {
  const text = bytesOf(`{"type":"ping","x":"${"kit".repeat(50)}"}`);
  const whole = compress(text, algorithm);
  const payload = change.payload?.(whole) ?? whole;
  const metadata = {
    compression: algorithm,
    original_size: text.length,
    compressed_size: payload.length,
    ...change.metadata,
  };
  return encodeEnvelope(ENVELOPE.json, metadata, payload);
}

const refused = (
  name: string,
  what: string,
  algorithms: readonly Algorithm[],
  change: Parameters<typeof pingBy>[1],
): Case =>
  check("HDL-CMP-5", name, `${what} gets invalid_message`, async (server) => {
    const client = await server.connect();
    for (const algorithm of algorithms) {
      await client.refusedBytes(
        pingBy(algorithm, change),
        "invalid_message",
        `${what}, ${algorithm}`,
      );
    }
    await client.alive();
  });

/** The algorithms that the server offers. */
function algorithmsOf(client: Client): Algorithm[] {
  const { algorithms } = offered(client, "compression");
  return ALGORITHMS.filter((one) => Array.isArray(algorithms) && algorithms.includes(one));
}

/** What a subscriber that was granted an algorithm gets of events that can be compressed well. */
async function compressed(server: Server, algorithm: Algorithm, compact: boolean) {
  const { name } = server.channel();
  const [client, publisher] = [await server.connect(), await server.connect()];
  if (!algorithmsOf(client).includes(algorithm)) {
    throw new Skipped(`the target does not offer ${algorithm}`);
  }
  await granted(client, "compression", { algorithm, compact });
  await client.subscribe(name);
  for (const size of [10, 1500, 5000]) await publisher.publish(name, "hello ".repeat(size / 6));
  const events = await client.events(name, 3);
  const sizes = events.map(({ data }) => String(data).length);
  expectSame(sizes, [6, 1500, 4998], "lengths of the data");
  return client.received.filter(({ how }) => how === "compressed");
}

export const cases: readonly Case[] = [
  ...ALGORITHMS.map((algorithm) =>
    check("HDL-CMP-1", algorithm, `${algorithm} is taken, without any hello`, async (server) => {
      const { name } = server.channel();
      const client = await server.connect();
      const subscribe = { type: "subscribe", channels: [name], correlation_id: "kit" };
      client.sendBytes(compressedJson(subscribe, algorithm));
      expectSame((await client.answer("kit", "subscribe"))["channels"], [name], "channels");
    })
  ),
  watch(
    "HDL-CMP-2",
    "as-granted",
    "what is compressed is so by what was granted",
    async (server) => {
      for (const algorithm of ["gzip", "zlib", "deflate"] as const) {
        await compressed(server, algorithm, false).catch((error) => {
          if (!(error instanceof Skipped)) throw error;
        });
      }
    },
  ),
  check(
    "HDL-CMP-3",
    "granted",
    "empty metadata stand for the algorithm granted",
    async (server) => {
      const client = await server.connect();
      for (const algorithm of algorithmsOf(client)) {
        for (const compact of [true, false]) {
          await granted(client, "compression", { algorithm, compact });
          client.sendBytes(
            compressedJson({ type: "ping", correlation_id: "kit" }, algorithm, true),
          );
          expectSame(
            (await client.answer("kit", "ping")).type,
            "pong",
            `the answer by ${algorithm}`,
          );
        }
      }
    },
  ),
  check("HDL-CMP-3", "not-granted", "and get invalid_message where none was", async (server) => {
    const client = await server.connect();
    const bytes = compressedJson({ type: "ping" }, "deflate", true);
    await client.refusedBytes(bytes, "invalid_message", "empty metadata");
    await hello(client, {});
    await client.refusedBytes(bytes, "invalid_message", "empty metadata");
  }),
  check("HDL-CMP-4", "compact", "metadata are empty where compact was granted", async (server) => {
    for (const { metadata } of await compressed(server, "deflate", true)) {
      expectSame(metadata, null, "metadata");
    }
  }),
  check("HDL-CMP-4", "not-compact", "and nowhere else", async (server) => {
    for (const { metadata, size } of await compressed(server, "deflate", false)) {
      expect(metadata !== null && metadata !== undefined, "metadata", metadata);
      expectSame(metadata["compression"], "deflate", "compression");
      const own = JSON.stringify(metadata).length;
      expectSame(metadata["compressed_size"], size - 8 - own, "compressed_size");
    }
  }),
  refused("garbage", "what cannot be inflated", ["gzip", "zlib", "deflate"], {
    payload: () => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff),
  }),
  refused("ends-early", "what ends early", ["gzip", "zlib", "deflate"], {
    payload: (whole) => whole.subarray(0, whole.length - 2),
  }),
  refused("followed", "what is followed by anything", ["gzip", "zlib", "deflate"], {
    payload: (whole) => concat([whole, Uint8Array.of(0)]),
  }),
  refused("checksum", "what fails its checksum", ["gzip", "zlib"], {
    payload: (whole) =>
      whole.map((byte, i) => i === whole.length - (whole[0] === 0x1f ? 5 : 1) ? byte ^ 1 : byte),
  }),
  refused("original-size", "another size than was told", ALGORITHMS, {
    metadata: { original_size: 5 },
  }),
  refused("compressed-size", "another compressed size", ALGORITHMS, {
    metadata: { compressed_size: 5 },
  }),
  refused("unknown-algorithm", "an algorithm that nobody knows", ["deflate"], {
    metadata: { compression: "kit" },
  }),
  check("HDL-CMP-5", "empty", "so does no payload at all", async (server) => {
    const client = await server.connect();
    for (const algorithm of ["gzip", "zlib", "deflate"] as const) {
      const bytes = pingBy(algorithm, { payload: () => new Uint8Array() });
      await client.refusedBytes(bytes, "invalid_message");
    }
  }),
  check(
    "HDL-CMP-6",
    "bomb",
    "a message that inflates to 64 MiB is refused, and no more",
    async (server) => {
      const client = await server.connect();
      const whole = compress(new Uint8Array(64 * 1024 * 1024), "deflate");
      for (const original_size of [100, 64 * 1024 * 1024]) {
        const metadata = { compression: "deflate", original_size, compressed_size: whole.length };
        client.sendBytes(encodeEnvelope(ENVELOPE.json, metadata, whole));
        const { code } = await client.nextAnswer("an error");
        const right = code === "message_too_large" || code === "invalid_message";
        expect(right, "message_too_large or invalid_message", String(code));
      }
      await client.alive();
    },
  ),
  check(
    "HDL-CMP-9",
    "worth-it",
    "nothing small, and nothing that saves little, is compressed",
    async (server) => {
      for (const { metadata } of await compressed(server, "deflate", false)) {
        const original = Number(metadata?.["original_size"]);
        expect(original >= 1024, "at least 1,024 bytes", `${original} bytes compressed`);
        const saved = Number(metadata?.["compressed_size"]) <= original * 0.9;
        expect(saved, "a tenth saved", metadata);
      }
    },
  ),
  check("HDL-CMP-8", "none", "none is not offered, nor granted", async (server) => {
    const client = await server.connect();
    const { algorithms } = offered(client, "compression");
    expect(
      !JSON.stringify(algorithms).includes('"none"'),
      "no none among the algorithms",
      algorithms,
    );
    const all = await hello(client, { compression: { algorithm: "none" } });
    expectSame(all, {}, "features");
  }),
  ...dictionary,
];
