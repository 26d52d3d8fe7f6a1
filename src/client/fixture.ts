/**
 * Servers and waiting, for the tests of the client.
 *
 * @module
 */
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { AnyHub } from "../hub/hub.ts";
import { serveHere } from "../testing/serve.ts";
import type { Client, ClientEvents, HubShape } from "./mod.ts";

/** A hub behind a server, which both end when the test does. */
export interface Served extends AsyncDisposable {
  /** The address of its WebSocket endpoint. */
  readonly url: string;
  readonly port: number;
}

const served = new Set<Served>();

/** Ends what a test has left open; for `afterEach`, so that one that fails ends as well. */
export async function endAll(): Promise<void> {
  await Promise.all(Array.from(served, (open) => open[Symbol.asyncDispose]()));
}

function disposable(url: string, port: number, end: () => Promise<void>): Served {
  const open: Served = {
    url,
    port,
    async [Symbol.asyncDispose]() {
      if (served.delete(open)) await end();
    },
  };
  served.add(open);
  return open;
}

/** Serves a hub with the adapter of this runtime. */
export async function serveHub(hub: AnyHub, port = 0): Promise<Served> {
  const server = await serveHere(hub, port);
  return disposable(`${server.url}/ws`, server.port, async () => {
    await hub.drain({ spread: 0 });
    await server.close();
  });
}

/** A message of a client, parsed. */
export type Sent = Readonly<Record<string, unknown>>;

/** The other end of a client, which does as the test says. */
export interface ScriptedPeer {
  /** What the client asked with. */
  readonly request: IncomingMessage;
  /** Sends a message: a string or bytes as they are, anything else as JSON. */
  send(message: unknown): void;
  /** Calls back for every message of the client but `resume`, for which there is no session. */
  onMessage(fn: (message: Sent) => void): void;
  /** Calls back for every message of the client. */
  onAnyMessage(fn: (message: Sent) => void): void;
  close(code: number, reason?: string): void;
  /** Cuts the connection without a closing handshake. */
  terminate(): void;
}

/** A server that follows a script instead of the protocol: what a hub would never send, it can. */
export async function serveScript(script: (peer: ScriptedPeer) => void): Promise<Served> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket, request) => script(peerOf(socket, request)));
  await new Promise<void>((resolve) => server.on("listening", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return disposable(`ws://127.0.0.1:${port}/ws`, port, async () => {
    for (const socket of server.clients) socket.terminate();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
}

function peerOf(socket: WebSocket, request: IncomingMessage): ScriptedPeer {
  const peer: ScriptedPeer = {
    request,
    send(message) {
      const isFrame = typeof message === "string" || message instanceof Uint8Array;
      socket.send(isFrame ? message : JSON.stringify(message));
    },
    onMessage(fn) {
      peer.onAnyMessage((message) => {
        if (message["type"] === "resume") peer.send(answerTo(message, sessionExpired));
        else fn(message);
      });
    },
    onAnyMessage: (fn) => void socket.on("message", (data) => fn(JSON.parse(String(data)))),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
  return peer;
}

const timestamp = "2024-12-29T12:00:00Z";

/** What a server answers to `resume` that does not know the session. */
export const sessionExpired: Sent = {
  type: "error",
  code: "session_expired",
  message: "no such session",
  recoverable: true,
  help: "",
};

/** A greeting as a hub sends it. */
export function greeting(fields: Sent = {}): Sent {
  return {
    type: "connected",
    client_id: "6f9619ff-8b86-4011-b42d-00c04fc964ff",
    user_id: null,
    role: "anonymous",
    reconnected: false,
    reconnection_token: "token",
    expires_in: 300,
    heartbeat_interval: 30,
    protocol: "heddle.v1",
    features: {},
    limits: { text_bytes: 10_240, subscribe_bytes: 65_536, binary_bytes: 1_048_576 },
    positions: {},
    timestamp,
    ...fields,
  };
}

/** The answer to a message of the client. */
export function answerTo({ correlation_id }: Sent, fields: Sent): Sent {
  return { ...fields, correlation_id, timestamp };
}

/** The next thing a client tells under a name. */
export function next<N extends keyof ClientEvents, H extends HubShape>(
  client: Client<H>,
  name: N,
): Promise<ClientEvents[N]> {
  return new Promise((resolve) => {
    const stop = client.on(name, (value) => {
      stop();
      resolve(value);
    });
  });
}

/** A promise, and the function that keeps it. */
export function promised<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((keep) => resolve = keep);
  return { promise, resolve: (value) => resolve(value) };
}
