/**
 * How the client of the benchmark talks to each kind of server.
 *
 * @module
 */

/** The kinds of servers. */
export type DialectName = "hub" | "plain" | "socket.io";

/** What differs between them. */
export interface Dialect {
  readonly path: string;
  /** Whether this message is the last before the connection is ready; without it, the handshake is. */
  greeting?(text: string, sent: number): boolean;
  /** What a message of the transport is answered with. */
  answer?(text: string): string | undefined;
  /** A request as it is sent, with a number to tell it by. */
  request(type: "ping" | "add", id: number): string;
  /** Publishes an event that holds when it was sent. */
  publish(at: number): string;
}

const request = (type: "ping" | "add", id: number) =>
  JSON.stringify({
    type,
    ...(type === "add" ? { payload: { a: id, b: 1 } } : {}),
    correlation_id: String(id),
  });

const publish = (at: number) =>
  JSON.stringify({
    type: "publish",
    channel: "b",
    event_type: "t",
    data: { at },
  });

/** By name. */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  hub: {
    path: "/ws",
    // With a dictionary the answer comes as an envelope, which starts with its version, 1.
    greeting: (text, sent) =>
      text.startsWith(sent === 0 ? '{"type":"connected"' : '{"type":"subscribed"') ||
      text.charCodeAt(0) === 1,
    request,
    publish,
  },
  plain: { path: "/ws", request, publish },
  "socket.io": {
    path: "/socket.io/?EIO=4&transport=websocket",
    greeting: (text) => text.startsWith("40"),
    // Engine.IO's opening is answered by entering the namespace, its ping by a pong.
    answer: (text) => text.startsWith("0{") ? "40" : text === "2" ? "3" : undefined,
    request: (type, id) => `42${id}["m",${JSON.stringify(request(type, id))}]`,
    publish: (at) => `42["m",${JSON.stringify(publish(at))}]`,
  },
};
