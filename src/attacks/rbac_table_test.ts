/**
 * Who may do what on the stock channels, cell by cell, over the wire.
 */
import { assertEquals } from "@std/assert";
import { after, before, describe, it } from "node:test";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import { stockChannels } from "../hub/stock.ts";
import { connectRaw, type RawClient } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import type { Server } from "../adapter/server.ts";

const ROLES = ["admin", "developer", "viewer", "bot", "anonymous"] as const;

/** S for subscribe, B for broadcast; the columns are the roles. */
const TABLE = {
  metrics: ["S+B", "S", "S", "S", "S"],
  signals: ["S+B", "S", "–", "S", "–"],
  actions: ["S+B", "S", "–", "–", "–"],
  logs: ["S+B", "S", "–", "–", "–"],
  status: ["S+B", "S", "S", "S", "S"],
  connections: ["S+B", "–", "–", "–", "–"],
} as const;

const EVENTS = {
  metrics: ["system_metrics", { cpu_percent: 1, memory_mb: 1, events_per_sec: 1 }],
  signals: ["signal.test", {}],
  actions: ["action.executed", { action: "test", status: "done" }],
  logs: ["log.info", { level: "info", message: "test" }],
  status: ["status.tested", { status: "tested", uptime_seconds: 1, version: "1" }],
  connections: ["client.connected", { client_id: "c", user_id: null, role: "r", connections: 1 }],
} as const;

const secret = "a secret of at least thirty-two bytes";
const REST = "/api/v1/websocket";

describe("The table of roles and stock channels", () => {
  const hub = createHub({
    auth: jwtAuth({ secret, anonymous: true }),
    channels: stockChannels(),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  let server: Server;
  before(async () => {
    server = await serveHere(hub);
  });
  after(async () => {
    await hub.drain({ spread: 0 });
    await server.close();
  });

  ROLES.forEach((role, column) => {
    describe(`for the role ${role}`, () => {
      let headers: Record<string, string>;
      let client: RawClient;
      before(async () => {
        headers = role === "anonymous" ? {} : {
          Authorization: `Bearer ${await tokenIssuer({ secret }).issue({ userId: role, role })}`,
        };
        client = await connectRaw(`${server.url.replace(/^http/, "ws")}/ws`, { headers });
        assertEquals((await client.json())["role"], role);
      });
      after(() => client.close());

      for (const [channel, cells] of Object.entries(TABLE)) {
        const cell = cells[column]!;
        const [maySubscribe, mayPublish] = [cell.includes("S"), cell.includes("B")];
        const [event_type, data] = EVENTS[channel as keyof typeof EVENTS];
        const answered = async (message: Readonly<Record<string, unknown>>) => {
          const { type, code } = await client.ask(message);
          return code ?? type;
        };

        it(`has ${cell} on ${channel}: subscribe`, async () => {
          const answer = await client.ask({ type: "subscribe", channels: [channel] });
          assertEquals(answer["channels"], maySubscribe ? [channel] : []);
          const rejected = (answer["rejected"] ?? []) as { code: string }[];
          assertEquals(rejected.map(({ code }) => code), maySubscribe ? [] : ["forbidden"]);
          assertEquals(hub.canSubscribe(channel, role), maySubscribe);
          assertEquals(hub.accessibleChannels(role).includes(channel), maySubscribe);
        });

        it(`has ${cell} on ${channel}: publish`, async () => {
          const expected = mayPublish ? "published" : "forbidden";
          assertEquals(await answered({ type: "publish", channel, event_type, data }), expected);
          assertEquals(hub.canBroadcast(channel, role), mayPublish);
        });

        it(`has ${cell} on ${channel}: history`, async () => {
          const expected = maySubscribe ? "history" : "forbidden";
          assertEquals(await answered({ type: "history", channel }), expected);
        });

        it(`has ${cell} on ${channel}: presence, which these channels do not offer`, async () => {
          const expected = maySubscribe ? "unsupported" : "forbidden";
          assertEquals(await answered({ type: "presence", channel }), expected);
        });

        it(`has ${cell} on ${channel}: REST`, async () => {
          const shown = await fetch(`${server.url}${REST}/channels/${channel}`, { headers });
          assertEquals(shown.status, 200);
          const fields = Object.keys(await shown.json());
          assertEquals(fields.includes("subscriber_ids"), role === "admin");
          const sent = await fetch(`${server.url}${REST}/broadcast?channel=${channel}`, {
            method: "POST",
            headers,
            body: JSON.stringify({ event_type, data }),
          });
          assertEquals(sent.status, mayPublish ? 200 : role === "anonymous" ? 401 : 403);
          await sent.body?.cancel();
        });
      }
    });
  });
});
