/**
 * Sessions in every state, and what is said to them.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Inbound } from "../protocol/decode.ts";
import {
  type ApplicationMessage,
  type Request,
  type ServerMessageOf,
  SUBPROTOCOL,
} from "../protocol/messages.ts";
import type { Effect, Join, Joined } from "./effect.ts";
import { Session, type SessionOptions } from "./session.ts";

export const timestamp = "2024-12-29T12:00:00.000Z";
export const zero = { epoch: "e", offset: 0 };

export const connected: ServerMessageOf<"connected"> = {
  type: "connected",
  client_id: "00000000-0000-4000-8000-000000000000",
  user_id: null,
  role: "viewer",
  reconnected: false,
  reconnection_token: "token",
  expires_in: 300,
  heartbeat_interval: 30,
  protocol: SUBPROTOCOL,
  features: {},
  limits: {},
  positions: {},
  timestamp,
};

/** A session whose messages have a hundred bytes. */
export class Hundred extends Session {
  override receive(inbound: Inbound, bytes = 100): readonly Effect[] {
    return super.receive(inbound, bytes);
  }
}

export function newSession(options: Partial<SessionOptions> = {}): Hundred {
  return new Hundred({
    subscriptions: 3,
    inFlight: 4,
    inFlightBytes: 1_000,
    liveness: { interval: 30_000, timeout: 90_000 },
    declares: (type) => type === "chat",
    timestamp: () => timestamp,
    ...options,
  }, 0);
}

export function openSession(options: Partial<SessionOptions> = {}): Hundred {
  const session = newSession(options);
  session.open(connected);
  return session;
}

export function request(request: Request): Inbound {
  return { kind: "request", request };
}

export function chat(correlationId?: string): Inbound {
  const message: ApplicationMessage = {
    type: "chat",
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
  };
  return { kind: "application", message };
}

export function ping(correlationId: string): Inbound {
  return request({ type: "ping", correlation_id: correlationId });
}

/** The messages among effects, and the names of the other effects. */
export function said(effects: readonly Effect[]): readonly unknown[] {
  return effects.map((effect) => effect.kind === "send" ? effect.message : effect.kind);
}

export function idOf(effects: readonly Effect[], kind: Effect["kind"]): number {
  const effect = effects.find((effect) => effect.kind === kind);
  assert(effect !== undefined && "id" in effect, `no ${kind} among ${said(effects)}`);
  return effect.id;
}

export function granted(
  ...channels: readonly string[]
): { kind: "joined"; results: readonly Joined[] } {
  return { kind: "joined", results: channels.map((channel) => ({ channel, position: zero })) };
}

export function joins(...channels: readonly string[]): readonly Join[] {
  return channels.map((channel) => ({ channel }));
}

/** A session that is subscribed to channels. */
export function subscribedSession(...channels: string[]): Hundred {
  const session = openSession();
  const effects = session.receive(request({ type: "subscribe", channels }));
  session.settle(idOf(effects, "join"), granted(...channels));
  return session;
}
