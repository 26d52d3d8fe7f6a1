/**
 * What a server does when it goes down, seen once for all the cases that judge it: a further target is
 * started, asked to stop, and watched.
 *
 * @module
 */
import { Skipped } from "../peer/finding.ts";
import type { Offer } from "../target/offer.ts";
import { startTarget } from "../target/start.ts";
import type { HttpAnswer } from "../wire/http.ts";
import { exchange } from "../wire/http.ts";
import { type Target, targetOf, Wire } from "../wire/socket.ts";
import type { Client, Ended } from "./client.ts";
import { Server } from "./server.ts";

/** What was seen. */
export interface GoingDown {
  /** How each client's connection ended. */
  readonly ends: readonly Ended[];
  /** Answers to requests that came after it was asked to stop; null where none was had. */
  readonly upgrade: HttpAnswer | null;
  readonly health: HttpAnswer | null;
  readonly config: HttpAnswer | null;
}

/** So many clients are told to come back. */
const CLIENTS = 8;

const seen = new WeakMap<Offer, Promise<GoingDown>>();

/** Has a target go down. Among others' cases it does so once for all of them. */
export function goingDown(server: Server): Promise<GoingDown> {
  if (!server.peer.crowded) return watch(server);
  const known = seen.get(server.offer) ?? watch(server);
  seen.set(server.offer, known);
  return known;
}

async function watch(server: Server): Promise<GoingDown> {
  const { start, url } = server.offer;
  if (start === undefined || url === undefined || !url.includes("{port}")) {
    throw new Skipped("the profile has no command that starts a further target at a free {port}");
  }
  const started = await startTarget(start, url);
  const peer = server.peer.at(targetOf(started.url, server.peer.target));
  try {
    const own = new Server(peer, server.offer);
    const clients: Client[] = [];
    for (let i = 0; i < CLIENTS; i++) clients.push(await own.connect());
    // One that does not read does not close, and keeps the server waiting: so it can be asked more.
    const slow = await own.connect();
    slow.connection.wire.pause();
    started.askToStop();
    const ends = await Promise.all(clients.map((client) => client.ended()));
    const ask = (path: string, upgrade = false) =>
      attempt(peer.target, path, upgrade, server.timeout);
    const upgrade = await ask(own.path(), true);
    const health = await ask("/health");
    const config = await ask(`${new URL(started.url).pathname}/config`);
    return { ends, upgrade, health, config };
  } finally {
    peer.abandon();
    await started.end();
  }
}

/** The answer, or null from a server that takes no connection any more. */
async function attempt(target: Target, path: string, upgrade: boolean, timeout: number) {
  const fields = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Key": "aGVkZGxlIGhlZGRsZSBoZQ==",
    "Sec-WebSocket-Version": "13",
  };
  try {
    const wire = await Wire.connect(target, { timeout });
    try {
      return await exchange(wire, target.authority, { path, headers: upgrade ? fields : {} });
    } finally {
      wire.abandon();
    }
  } catch {
    return null;
  }
}
