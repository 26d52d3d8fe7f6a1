/**
 * Cases of PROTOCOL.md, "Presence": where there are too many members to list.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check, expect, expectSame } from "./check.ts";
import { members, said, told } from "./present.ts";
import type { Server } from "./server.ts";

/** A channel with one member more than are listed; its first one, and the last. */
async function crowd(server: Server) {
  const { name, offer } = server.channel({ presence: true, crowded: true });
  const most = offer.presence?.max_members ?? 1000;
  const first = await server.connect();
  await first.subscribe(name);
  let last = first;
  for (let i = 0; i < most; i++) {
    last = await server.connect();
    await last.subscribe(name);
  }
  return { name, most, first, last };
}

export const cases: readonly Case[] = [
  check("HDL-PRE-5", "too-many", "too many members are counted, and not listed", async (server) => {
    const { name, most, first, last } = await crowd(server);
    const many = await members(first, name);
    expectSame([many.listed, many.count], [false, most + 1], "members and count");
    await last.ok({ type: "unsubscribe", channels: [name] });
    const few = await members(first, name);
    expectSame([few.listed, few.list.length, few.count], [true, most, most], "members and count");
  }),
  check(
    "HDL-PRE-7",
    "count",
    "of changes among too many presence.count tells alone",
    async (server) => {
      const { name, most, first } = await crowd(server);
      await first.next(
        (one) => one["event_type"] === "presence.count" && said(one)["count"] === most + 1,
        `presence.count of ${most + 1}`,
      );
      await first.fence();
      const another = await server.connect();
      await another.subscribe(name);
      const count = await told(first, name, "presence.count");
      expectSame(count["data"], { count: most + 2 }, "data");
      expect(!Object.hasOwn(count, "offset"), "no offset", count);
      await first.nothing(
        (one) => ["presence.join", "presence.update"].includes(String(one["event_type"])),
        "presence.count tells alone",
      );
    },
  ),
];
