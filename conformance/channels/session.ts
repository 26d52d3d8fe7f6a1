/**
 * What cases do with sessions: begin one, end its connection, resume it.
 *
 * @module
 */
import type { Client } from "./client.ts";
import type { ConnectSpec, Server } from "./server.ts";
import type { ServerMessage } from "./shape.ts";

/** How a session is begun. */
export interface SessionSpec extends ConnectSpec {
  /** Channels to subscribe to. @default none */
  readonly channels?: readonly string[];
  /** What to say of oneself there. @default nothing */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Ends the connection, so that the session may be resumed. @default it stays open */
  readonly end?: boolean;
}

/** A session of a user's: its connection, the token that resumes it, and how to connect as the same. */
export async function session(server: Server, spec: SessionSpec = {}) {
  const { channels = [], metadata, end = false, ...connect } = spec;
  const again: ConnectSpec = { user: server.user(), ...connect };
  const former = await server.connect(again);
  if (channels.length > 0) {
    await former.subscribe(channels, metadata === undefined ? {} : { metadata });
  }
  if (end) {
    await former.close(1001);
    await server.notice();
  }
  return { former, token: former.token, again };
}

/** Resumes a session on a connection of its own. */
export async function resumed(
  server: Server,
  token: string,
  again: ConnectSpec,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly client: Client; readonly answer: ServerMessage }> {
  const client = await server.connect(again);
  const answer = await client.ok({ type: "resume", reconnection_token: token, ...fields });
  return { client, answer };
}

/** A token does not resume. */
export async function expectExpired(
  server: Server,
  token: string,
  again: ConnectSpec,
): Promise<ServerMessage> {
  const client = await server.connect(again);
  return await client.refused({ type: "resume", reconnection_token: token }, "session_expired");
}
