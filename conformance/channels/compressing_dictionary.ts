/**
 * Cases of PROTOCOL.md, "Compressed messages": by a dictionary.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { type Algorithm } from "./envelope.ts";
import { granted, hello, offered } from "./features.ts";
import type { Server } from "./server.ts";
import { isRecord } from "./shape.ts";

/** A dictionary, as a `welcome` has it. */
interface Dictionary {
  readonly id: unknown;
  readonly content: unknown;
}

/** Asks for the dictionary. @throws Skipped where the server has none */
async function ask(client: Client, algorithm: Algorithm, wanted: object = {}): Promise<Dictionary> {
  const { dictionary, algorithms } = offered(client, "compression");
  if (dictionary === undefined) throw new Skipped("the target has no dictionary");
  if (!Array.isArray(algorithms) || !algorithms.includes(algorithm)) {
    throw new Skipped(`the target does not offer ${algorithm}`);
  }
  const got = await granted(client, "compression", { algorithm, dictionary: wanted });
  const found = got["dictionary"];
  expect(isRecord(found), "a dictionary granted", got);
  return { id: found["id"], content: found["content"] };
}

/** Whether a dictionary is granted with this algorithm and wish. */
async function isGranted(client: Client, algorithm: Algorithm, dictionary: object) {
  const all = await hello(client, { compression: { algorithm, dictionary } });
  const { compression } = all;
  return isRecord(compression) && Object.hasOwn(compression, "dictionary");
}

/** A subscriber with the dictionary gets what was published, and some of it compressed by that. */
async function gets(server: Server, client: Client, id: unknown): Promise<void> {
  const { name } = server.channel();
  const publisher = await server.connect();
  await client.subscribe(name);
  const data = "hello ".repeat(500);
  await publisher.publish(name, data);
  expectSame((await client.event(name))["data"], data, "data");
  const compressed = client.received.filter(({ how }) => how === "compressed");
  expect(compressed.length > 0, "a compressed message", client.received.length.toString());
  for (const { metadata } of compressed) expectSame(metadata?.["dictionary"], id, "dictionary");
}

export const cases: readonly Case[] = [
  check("HDL-CMP-10", "not-with-gzip", "gzip has no dictionary", async (server) => {
    const client = await server.connect();
    await ask(client, "deflate");
    expect(!await isGranted(client, "gzip", {}), "no dictionary with gzip", "one");
  }),
  check("HDL-CMP-10", "another", "nor is another granted than the server has", async (server) => {
    const client = await server.connect();
    await ask(client, "deflate");
    const other = { id: "kit-no-such-id" };
    expect(!await isGranted(client, "deflate", other), "no dictionary of another id", "one");
  }),
  check("HDL-CMP-10", "not-asked", "nor one that was not asked for", async (server) => {
    const client = await server.connect();
    await ask(client, "deflate");
    const all = await hello(client, { compression: { algorithm: "deflate" } });
    const { compression } = all;
    expect(isRecord(compression) && !Object.hasOwn(compression, "dictionary"), "none", all);
  }),
  check(
    "HDL-CMP-11",
    "content",
    "it has its id, and its content where none was named",
    async (server) => {
      const client = await server.connect();
      const { id, content } = await ask(client, "deflate");
      expect(typeof id === "string" && typeof content === "string", "id and content", String(id));
      expectSame(
        id,
        Object(offered(client, "compression")["dictionary"]).id,
        "the id of connected",
      );
      const length = atob(String(content)).length;
      expect(length > 0 && length <= 32_768, "1 to 32,768 bytes", String(length));
      const again = await ask(client, "deflate", { id });
      expectSame([again.id, again.content], [id, undefined], "id and content, where it was named");
    },
  ),
  check("HDL-CMP-12", "the-same", "its id stands for the same bytes everywhere", async (server) => {
    const [one, other] = [await server.connect(), await server.connect()];
    const [first, second] = [await ask(one, "deflate"), await ask(other, "zlib")];
    if (first.id !== second.id) {
      throw new Skipped("the two connections have different dictionaries");
    }
    expect(first.content === second.content, "the same content", "another");
  }),
  ...(["deflate", "zlib"] as const).map((algorithm) =>
    check(
      "HDL-CMP-13",
      algorithm,
      `${algorithm} is by the dictionary, and names it`,
      async (server) => {
        const client = await server.connect();
        const { id } = await ask(client, algorithm);
        await gets(server, client, id);
      },
    )
  ),
];
