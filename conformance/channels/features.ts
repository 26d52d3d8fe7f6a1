/**
 * Cases of PROTOCOL.md, "Features": what `hello` grants.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import type { Client } from "./client.ts";
import { encodeEnvelope, ENVELOPE } from "./envelope.ts";
import { rows } from "./protocol.ts";
import { isRecord } from "./shape.ts";

/** The features of the protocol, by name. */
const FEATURES = rows("Feature", "In `connected`").map(([name = ""]) => name.replaceAll("`", ""));

/** What is asked for of each feature. */
const ASKED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  binary: {},
  compression: { algorithm: "deflate" },
  batch: { max_ms: 20, max_bytes: 10_000 },
};

/** What the server says of a feature in `connected`. @throws Skipped where it does not offer it */
export function offered(client: Client, feature: string): Readonly<Record<string, unknown>> {
  const { features } = client.greeting;
  const found = isRecord(features) ? features[feature] : undefined;
  if (!isRecord(found)) throw new Skipped(`the target does not offer the feature ${feature}`);
  return found;
}

/** Asks for features, and returns those granted. */
export async function hello(
  client: Client,
  features: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  const welcome = await client.ok({ type: "hello", features });
  const granted = welcome["features"];
  return isRecord(granted) ? granted : {};
}

/** Asks for a feature that must be granted. @throws Skipped where the server does not offer it */
export async function granted(
  client: Client,
  feature: string,
  asked: Readonly<Record<string, unknown>> = ASKED[feature] ?? {},
): Promise<Readonly<Record<string, unknown>>> {
  offered(client, feature);
  const all = await hello(client, { [feature]: asked });
  const got = all[feature];
  expect(isRecord(got), `${feature} granted`, all);
  return got;
}

export const cases: readonly Case[] = [
  check("HDL-HEL-1", "nothing", "who asks for nothing is granted nothing", async (server) => {
    const client = await server.connect();
    expectSame(await hello(client, {}), {}, "features");
  }),
  ...FEATURES.map((feature) =>
    check("HDL-HEL-1", feature, `${feature} is granted with its values`, async (server) => {
      const client = await server.connect();
      const values = await granted(client, feature);
      for (const [name, value] of Object.entries(ASKED[feature] ?? {})) {
        expectSame(values[name], value, name);
      }
    })
  ),
  check("HDL-HEL-1", "only-asked", "nothing else is granted than was asked for", async (server) => {
    const client = await server.connect();
    for (const [feature, asked] of Object.entries(ASKED)) {
      const names = Object.keys(await hello(client, { [feature]: asked }));
      expect(names.every((name) => name === feature), `${feature} at most`, names);
    }
  }),
  check("HDL-HEL-2", "unknown-feature", "a feature nobody knows is left out", async (server) => {
    const client = await server.connect();
    expectSame(await hello(client, { telepathy: { range: 5 } }), {}, "features");
  }),
  check("HDL-HEL-2", "unknown-algorithm", "so is an algorithm nobody knows", async (server) => {
    const client = await server.connect();
    const all = await hello(client, { compression: { algorithm: "kit" } });
    expect(!Object.hasOwn(all, "compression"), "no compression granted", all);
  }),
  check(
    "HDL-HEL-3",
    "from-the-next",
    "a grant holds from the message after welcome",
    async (server) => {
      const { name } = server.channel({ echo: true });
      const client = await server.connect();
      await client.subscribe(name);
      await granted(client, "binary");
      const image = encodeEnvelope(ENVELOPE.image, { channel: name }, Uint8Array.of(1, 2, 3));
      client.sendBytes(image);
      await client.event(name);
      expectSame(
        client.received.find(({ message }) => message["channel"] === name)?.how,
        "media",
        "form",
      );
    },
  ),
  check(
    "HDL-HEL-3",
    "in-place",
    "a further hello takes back what it does not name",
    async (server) => {
      const { name } = server.channel({ echo: true });
      const client = await server.connect();
      await client.subscribe(name);
      await granted(client, "binary");
      expectSame(await hello(client, {}), {}, "features");
      client.sendBytes(encodeEnvelope(ENVELOPE.image, { channel: name }, Uint8Array.of(1, 2, 3)));
      await client.event(name);
      expectSame(
        client.received.find(({ message }) => message["channel"] === name)?.how,
        "text",
        "form",
      );
    },
  ),
  check("HDL-HEL-5", "named", "connected names what hello grants, and no less", async (server) => {
    const client = await server.connect();
    const { features } = client.greeting;
    for (const feature of Object.keys(await hello(client, ASKED))) {
      expect(
        isRecord(features) && isRecord(features[feature]),
        `${feature} in connected`,
        features,
      );
    }
  }),
];
