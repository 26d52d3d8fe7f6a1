/**
 * What cases do with sessions: begin one, end its connection, resume it.
 *
 * @module
 */
import { Skipped } from "../peer/finding.ts";
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
  try {
    const answer = await client.ok({ type: "resume", reconnection_token: token, ...fields });
    return { client, answer };
  } catch (error) {
    expectInTime(server, token);
    throw error;
  }
}

/**
 * The session of this token cannot be over yet.
 *
 * @throws Skipped where it may be, as so much time has passed since its connection was last heard of
 */
export function expectInTime({ clients }: Server, token: string): void {
  const former = clients.find(({ received }) =>
    received.some(({ message }) => message["reconnection_token"] === token)
  );
  const life = Number(former?.received[0]?.message["expires_in"]);
  if (former === undefined || !(performance.now() - former.heard > life * 1000)) return;
  throw new Skipped("the session was asked for when its time may have been over", "resumed");
}

/** A token does not resume, in a time in which it would. @throws Skipped where that is over */
export async function expectExpired(
  server: Server,
  token: string,
  again: ConnectSpec,
): Promise<ServerMessage> {
  const client = await server.connect(again);
  const resume = { type: "resume", reconnection_token: token };
  const answer = await client.refused(resume, "session_expired");
  expectInTime(server, token);
  return answer;
}
