/**
 * The six channels most servers need: what goes through them, and who may.
 *
 * @module
 */
import { z } from "zod";
import { channel } from "../channel/definition.ts";
import type { Action, Permissions } from "../guard/permissions.ts";

const READ: readonly Action[] = ["subscribe"];
const WRITE: readonly Action[] = ["subscribe", "broadcast"];

/** What each role may do. A role that is not named, or not for a channel, may do nothing there. */
const permissions = {
  metrics: { admin: WRITE, developer: READ, viewer: READ, bot: READ, anonymous: READ },
  signals: { admin: WRITE, developer: READ, bot: READ },
  actions: { admin: WRITE, developer: READ },
  logs: { admin: WRITE, developer: READ },
  status: { admin: WRITE, developer: READ, viewer: READ, bot: READ, anonymous: READ },
  connections: { admin: WRITE },
} as const satisfies Record<string, Permissions>;

const amount = z.number().min(0);

const systemMetrics = z.object({
  /** 0 to 100. */
  cpu_percent: z.number().min(0).max(100),
  /** In units of 1,048,576 bytes. */
  memory_mb: amount,
  events_per_sec: amount,
  /** An application's own count. */
  total_tokens: amount.optional(),
});

const client = {
  client_id: z.string(),
  /** Null for an anonymous connection. */
  user_id: z.string().nullable(),
  role: z.string(),
  /** How many are open now. */
  connections: z.int().min(0),
};
const clientConnected = z.object(client);
const clientDisconnected = z.object({
  ...client,
  code: z.int().optional(),
  reason: z.string().optional(),
});

const serverStatus = z.object({
  status: z.string().min(1),
  uptime_seconds: amount,
  /** Of the application. */
  version: z.string(),
});

const logLine = <const L extends string>(level: L) =>
  z.looseObject({ level: z.literal(level), message: z.string() });

const actionExecuted = z.looseObject({
  action: z.string().min(1),
  status: z.string().min(1),
  duration_ms: amount.optional(),
});

const signal = z.looseObject({});

/** The data of `system_metrics`. */
export type SystemMetrics = z.infer<typeof systemMetrics>;

/** The data of `client.connected`. */
export type ClientConnected = z.infer<typeof clientConnected>;

/** The data of `client.disconnected`: the close code and reason too, where they are known. */
export type ClientDisconnected = z.infer<typeof clientDisconnected>;

/** The data of `status.started`, `status.draining` and other `status.…` events. */
export type ServerStatus = z.infer<typeof serverStatus>;

/** The levels of a log, the least grave first. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

/** How much a line of the log matters. */
export type LogLevel = (typeof logLevels)[number];

/** The data of `action.executed`; it may hold more. */
export type ActionExecuted = z.infer<typeof actionExecuted>;

/** The data of `signal.…` events: any object. */
export type Signal = z.infer<typeof signal>;

/**
 * The stock channels, for the `channels` of a hub; others can stand beside them. Their feeds are
 * `stockFeeds()`.
 *
 * | channel | events | subscribe | broadcast |
 * |---|---|---|---|
 * | `metrics` | `system_metrics` | all five roles | admin |
 * | `signals` | `signal.NAME` | admin, developer, bot | admin |
 * | `actions` | `action.executed` | admin, developer | admin |
 * | `logs` | `log.debug`, `log.info`, `log.warn`, `log.error` | admin, developer | admin |
 * | `status` | `status.started`, `status.draining`, `status.NAME` | all five roles | admin |
 * | `connections` | `client.connected`, `client.disconnected` | admin | admin |
 *
 * The five roles are admin, developer, viewer, bot and anonymous; any other role may do nothing.
 *
 * @example
 * ```ts
 * import { channel, createHub, jwtAuth, stockChannels } from "heddle";
 *
 * await using hub = createHub({
 *   auth: jwtAuth({ secret: "a secret of at least thirty-two bytes" }),
 *   channels: { ...stockChannels(), news: channel() },
 * });
 * if (!hub.canSubscribe("metrics", "viewer")) throw new Error("viewers see metrics");
 * if (hub.canSubscribe("logs", "viewer")) throw new Error("viewers see no logs");
 * ```
 */
export function stockChannels() {
  return {
    metrics: channel({
      description: "CPU, memory and events per second, at a fixed interval",
      events: { system_metrics: systemMetrics },
      permissions: permissions.metrics,
    }),
    signals: channel({
      description: "Signals that the application gives",
      events: { "signal.*": signal },
      permissions: permissions.signals,
    }),
    actions: channel({
      description: "Actions that were executed, and how they ended",
      events: { "action.executed": actionExecuted },
      permissions: permissions.actions,
    }),
    logs: channel({
      description: "Lines of the server's log, by level",
      events: {
        "log.debug": logLine("debug"),
        "log.info": logLine("info"),
        "log.warn": logLine("warn"),
        "log.error": logLine("error"),
      },
      permissions: permissions.logs,
    }),
    status: channel({
      description: "The server's start, its end, and other changes of its status",
      events: { "status.*": serverStatus },
      permissions: permissions.status,
    }),
    connections: channel({
      description: "Connections that open and end",
      events: { "client.connected": clientConnected, "client.disconnected": clientDisconnected },
      permissions: permissions.connections,
    }),
  };
}

/** The stock channels' type: it carries the shape of every event. */
export type StockChannels = ReturnType<typeof stockChannels>;
