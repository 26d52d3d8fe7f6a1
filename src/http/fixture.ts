/**
 * A hub with its routes, for the tests of what they answer.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { z } from "zod";
import { channel } from "../channel/definition.ts";
import { tokenIssuer } from "../guard/issuer.ts";
import { jwtAuth } from "../guard/jwt.ts";
import { createHub } from "../hub/hub.ts";
import type { HubOptions } from "../hub/options.ts";
import type { Logger } from "../hub/logger.ts";
import { stockChannels } from "../hub/stock.ts";

export const REST = "/api/v1/websocket";
export const ROLES = ["admin", "developer", "viewer", "bot", "anonymous"] as const;
export const secret = "a secret of at least thirty-two bytes";
const issuer = tokenIssuer({ secret });
export const metrics = {
  event_type: "system_metrics",
  data: { cpu_percent: 45.2, memory_mb: 1024, events_per_sec: 5000 },
};

type Channels = ReturnType<typeof testChannels>;

export function testChannels() {
  return {
    ...stockChannels(),
    "room/*": channel({ description: "rooms", permissions: { "*": ["subscribe", "broadcast"] } }),
    throwing: channel({
      permissions: { admin: ["broadcast"] },
      events: {
        any: z.unknown().refine(() => {
          throw new Error("secret detail");
        }),
      },
    }),
  };
}

export function testHub(options: Partial<HubOptions<Channels, Record<never, never>>> = {}) {
  return createHub({
    auth: jwtAuth({ secret, anonymous: true }),
    channels: testChannels(),
    logger: quiet,
    ...options,
  });
}

export const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export function tokenFor(role: string): Promise<string> {
  return issuer.issue({ userId: `the ${role}`, role });
}

export async function bearer(role: string): Promise<Record<string, string>> {
  // Anonymous is who has no token.
  if (role === "anonymous") return {};
  return { Authorization: `Bearer ${await tokenFor(role)}` };
}

/** A POST to the broadcast route by a role; a body that is no string is sent as JSON. */
export async function post(
  query: string,
  body: unknown,
  role = "admin",
): Promise<[string, RequestInit]> {
  return [`${REST}/broadcast${query}`, {
    method: "POST",
    headers: await bearer(role),
    body: typeof body === "string" ? body : JSON.stringify(body),
  }];
}

export async function assertError(
  response: Response | Promise<Response>,
  status: number,
  error: string,
  includes = "",
): Promise<Response> {
  const answered = await response;
  const body = await answered.json();
  assertEquals([answered.status, body.error], [status, error], JSON.stringify(body));
  assertEquals(Object.keys(body).sort(), ["error", "message"]);
  assert(typeof body.message === "string" && body.message.length > 0);
  assertStringIncludes(body.message, includes);
  assertStringIncludes(answered.headers.get("content-type") ?? "", "application/json");
  return answered;
}
