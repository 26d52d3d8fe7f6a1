/**
 * Cases of PROTOCOL.md, "Names".
 *
 * @module
 */
import type { Case } from "../case.ts";
import { Skipped } from "../peer/finding.ts";
import { check, expect, expectSame } from "./check.ts";
import { BAD_NAMES, expectNextIs, expectRejected } from "./places.ts";
import { fresh, type Server } from "./server.ts";

/** What stands before a name of an open pattern, and the rest is ours. */
function prefix(server: Server): string {
  const { name } = server.channel();
  const found = Object.keys(server.offer.channels ?? {})
    .find((declared) => declared.endsWith("*") && name.startsWith(declared.slice(0, -1)));
  if (found === undefined) throw new Skipped("the target offers no pattern of channels");
  return found.slice(0, -1);
}

/** A declaration that covers another, and a name that both cover, where the two permit different things. */
interface Overlap {
  readonly wide: string;
  readonly close: string;
  readonly name: string;
  readonly may: boolean;
}

function overlaps(server: Server): Overlap[] {
  const all = Object.entries(server.offer.channels ?? {});
  const may = (permissions: Readonly<Record<string, readonly string[]>>) =>
    (permissions[server.role] ?? permissions["*"] ?? []).includes("subscribe");
  return all.flatMap(([close, { permissions }]) =>
    all.flatMap(([wide, other]) => {
      const covers = wide.endsWith("*") && wide !== close &&
        close.replace(/\*$/, "").startsWith(wide.slice(0, -1));
      if (!covers || may(permissions) === may(other.permissions)) return [];
      const name = close.endsWith("*") ? `${close.slice(0, -1)}${fresh()}` : close;
      return [{ wide, close, name, may: may(permissions) }];
    })
  );
}

export const cases: readonly Case[] = [
  check(
    "HDL-NAM-1",
    "alphabet",
    "every character of the alphabet may stand in a name",
    async (server) => {
      const start = prefix(server);
      const [client, publisher] = [await server.connect(), await server.connect()];
      for (const rest of ["AZaz09_.:~=+/|-", "-", "x".repeat(200 - start.length)]) {
        await client.subscribe(start + rest);
        await expectNextIs(client, publisher, start + rest);
      }
    },
  ),
  check("HDL-NAM-1", "others", "no other may, nor more than 200", async (server) => {
    const start = prefix(server);
    const client = await server.connect();
    const others = [..." !\"#$%&'()*,;<>?@[\\]^`{}\u0000\u007fäö€", "😀"].map((one) =>
      `${start}${one}`
    );
    const names = [...others, ...BAD_NAMES, start + "x".repeat(201 - start.length)];
    const answer = await client.ok({ type: "subscribe", channels: names });
    expectSame(answer["channels"], [], "channels");
    expectRejected(answer, Object.fromEntries(names.map((name) => [name, "invalid_channel"])));
  }),
  check(
    "HDL-NAM-3",
    "closest",
    "the exact declaration holds, else the longest prefix",
    async (server) => {
      const all = overlaps(server);
      if (all.length === 0) throw new Skipped("the target declares no name twice");
      const client = await server.connect();
      for (const { wide, close, name, may } of all) {
        // Of several that cover a name only the closest counts.
        if (all.some((one) => one.wide === close && one.name === name)) continue;
        const { channels } = await client.ok({ type: "subscribe", channels: [name] });
        const had = Array.isArray(channels) && channels.includes(name);
        expect(had === may, `${name} to be as ${close} has it, not as ${wide}`, channels);
      }
    },
  ),
  check("HDL-NAM-4", "case", "names that differ in case are two channels", async (server) => {
    const start = prefix(server);
    const id = fresh();
    const [lower, upper] = [`${start}${id}abc`, `${start}${id}ABC`];
    const [client, publisher] = [await server.connect(), await server.connect()];
    await client.subscribe(lower);
    await publisher.publishMany(upper, 2);
    await expectNextIs(client, publisher, lower);
    await client.nothing((one) => one["channel"] === upper, "it is another channel");
  }),
  check(
    "HDL-NAM-4",
    "prefix",
    "so are a pattern and one that differs from it in case",
    async (server) => {
      const start = prefix(server);
      const other = start.toUpperCase() === start ? start.toLowerCase() : start.toUpperCase();
      if (other === start) throw new Skipped("the target's patterns have no letters");
      const client = await server.connect();
      const { channels } = await client.ok({ type: "subscribe", channels: [`${other}${fresh()}`] });
      expectSame(channels, [], "channels");
    },
  ),
];
