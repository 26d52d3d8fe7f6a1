import { describe, it } from "node:test";
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { HeddleError } from "../base/errors.ts";
import { allowAnonymous } from "../guard/identity.ts";
import { connectRaw } from "../testing/raw_client.ts";
import { serveHere } from "../testing/serve.ts";
import { createHub, type Hub } from "./hub.ts";
import { type StockChannels, stockChannels } from "./stock.ts";

const roles = ["admin", "developer", "viewer", "bot", "anonymous"] as const;

/** S may subscribe, B may broadcast; the columns are the roles. */
const table = {
  metrics: ["SB", "S", "S", "S", "S"],
  signals: ["SB", "S", "", "S", ""],
  actions: ["SB", "S", "", "", ""],
  logs: ["SB", "S", "", "", ""],
  status: ["SB", "S", "S", "S", "S"],
  connections: ["SB", "", "", "", ""],
} as const;

function stockHub(): Hub<StockChannels, Record<never, never>> {
  return createHub({ auth: allowAnonymous(), channels: stockChannels() });
}

describe("The stock channels", () => {
  const hub = stockHub();

  it("are the six, each with a description", () => {
    assertEquals([...hub.definitions.keys()].sort(), Object.keys(table).sort());
    for (const [name, { description }] of hub.definitions) {
      assertEquals(description.length > 10, true, name);
    }
  });

  for (const [channel, cells] of Object.entries(table)) {
    cells.forEach((cell, column) => {
      const role = roles[column]!;
      it(`let ${role} do "${cell}" on ${channel}`, () => {
        assertEquals(hub.canSubscribe(channel, role), cell.includes("S"));
        assertEquals(hub.canBroadcast(channel, role), cell.includes("B"));
      });
    });
  }

  it("let each role have over a real socket what the table says, and no more", async () => {
    const hub = createHub({
      auth: (request) => ({
        userId: null,
        role: new URL(request.url).searchParams.get("role") ?? "",
        claims: {},
      }),
      channels: stockChannels(),
    });
    const server = await serveHere(hub);
    for (const [column, role] of roles.entries()) {
      const client = await connectRaw(`${server.url.replace(/^http/, "ws")}/ws?role=${role}`);
      const may = (letter: string) =>
        Object.entries(table).filter(([, cells]) => cells[column]!.includes(letter))
          .map(([name]) => name);
      const answer = await client.ask({ type: "subscribe", channels: Object.keys(table) });
      assertEquals(answer["channels"], may("S"), role);
      const published: string[] = [];
      for (const channel of Object.keys(table)) {
        // No channel has such an event, so nobody gets further than being allowed to.
        const { code } = await client.ask({ type: "publish", channel, event_type: "x", data: 1 });
        if (code === "payload_invalid") published.push(channel);
        else assertEquals(code, "forbidden");
      }
      assertEquals(published, may("B"), role);
      await client.close();
    }
    await hub.drain();
    await server.close();
  });

  for (const role of ["guest", "*", "", "__proto__", "constructor", "Admin"]) {
    it(`let the role "${role}", which they do not list, do nothing`, () => {
      for (const channel of Object.keys(table)) {
        assertEquals(hub.canSubscribe(channel, role), false, channel);
        assertEquals(hub.canBroadcast(channel, role), false, channel);
      }
      assertEquals(hub.accessibleChannels(role), []);
    });
  }

  it("tell each role what it may subscribe to", () => {
    roles.forEach((role, column) => {
      const expected = Object.entries(table)
        .filter(([, cells]) => cells[column]!.includes("S"))
        .map(([name]) => name);
      assertEquals(hub.accessibleChannels(role), expected, role);
    });
  });
});

describe("The events of the stock channels", () => {
  const client = { client_id: "c1", user_id: null, role: "bot", connections: 3 };
  const metrics = { cpu_percent: 45.2, memory_mb: 1024, events_per_sec: 5000 };
  const status = { status: "started", uptime_seconds: 0, version: "1.0.0" };

  it("are taken in the shapes that are documented", async () => {
    const hub = stockHub();
    await hub.channel("metrics").publish("system_metrics", metrics);
    await hub.channel("metrics").publish("system_metrics", { ...metrics, total_tokens: 50000 });
    await hub.channel("signals").publish("signal.buy", { symbol: "X", strength: 0.5 });
    await hub.channel("actions").publish("action.executed", {
      action: "retrain",
      status: "failed",
      duration_ms: 1.5,
      cause: "no data",
    });
    await hub.channel("logs").publish("log.warn", { level: "warn", message: "m", port: 80 });
    await hub.channel("status").publish("status.started", status);
    await hub.channel("connections").publish("client.connected", client);
    await hub.channel("connections").publish("client.disconnected", {
      ...client,
      code: 1006,
      reason: "",
    });
    assertEquals(hub.stats().eventsPublished, 8);
  });

  const misfits: readonly (readonly [keyof StockChannels, string, unknown, string])[] = [
    ["metrics", "system_metrics", { ...metrics, cpu_percent: "45" }, "cpu_percent"],
    ["metrics", "system_metrics", { ...metrics, cpu_percent: 100.5 }, "cpu_percent"],
    ["metrics", "system_metrics", { ...metrics, memory_mb: NaN }, "memory_mb"],
    ["metrics", "system_metrics", { cpu_percent: 1, memory_mb: 1 }, "events_per_sec"],
    ["metrics", "cpu", metrics, "system_metrics"],
    ["signals", "signal.", {}, "signal.*"],
    ["signals", "signal.buy", "now", "object"],
    ["signals", "buy", {}, "signal.*"],
    ["actions", "action.executed", { action: "a" }, "status"],
    ["actions", "action.executed", { action: "a", status: "b", duration_ms: -1 }, "duration_ms"],
    ["logs", "log.warn", { level: "info", message: "m" }, "level"],
    ["logs", "log.fatal", { level: "fatal", message: "m" }, "log.error"],
    ["status", "status.started", { ...status, uptime_seconds: -1 }, "uptime_seconds"],
    ["connections", "client.connected", { ...client, user_id: 7 }, "user_id"],
    ["connections", "client.connected", { ...client, connections: 0.5 }, "connections"],
    ["connections", "__proto__", client, "client.connected"],
  ];
  for (const [channel, eventType, data, named] of misfits) {
    it(`refuse ${JSON.stringify(data)} as ${eventType} on ${channel}, naming ${named}`, async () => {
      const publisher = stockHub().channel(channel as string as "metrics");
      const error = await assertRejects(
        () => publisher.publish(eventType as "system_metrics", data as typeof metrics),
        HeddleError,
      );
      assertEquals(error.code, "payload_invalid");
      assertStringIncludes(error.message, named);
    });
  }
});
