import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal } from "../guard/refusal.ts";
import type { RequestHead } from "../guard/request_head.ts";
import { discard, hasBody } from "./node_linger.ts";
import { headOf, pathOf } from "./node_request.ts";

/** A hub's place on an HTTP server. */
export interface Attachment {
  /** Takes the hub off the server and cuts its connections. Does not drain the hub. */
  close(): void;
}

/** What is found at a path. */
export interface Endpoint {
  /** Whether the segments under its path are rooms. */
  readonly hasRooms: boolean;
  /** Takes over an upgrade request and its socket. Never throws, and never rejects. */
  upgrade(request: RequestHead, upgrade: Upgrade): void;
  /** Takes no more, and cuts what is open. */
  close(): void;
}

/** What is handed over with an upgrade request. */
export interface Upgrade {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  /** The path's segment after the endpoint's, decoded, where there is one. */
  readonly room?: string;
}

/** As much of an HTTP server as is needed. */
interface UpgradeServer {
  on(event: "upgrade", listener: UpgradeListener): unknown;
  off(event: "upgrade", listener: UpgradeListener): unknown;
  listenerCount(event: "upgrade"): number;
  emit(event: "request", request: IncomingMessage, response: ServerResponse): boolean;
}

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

const unreadable = new Refusal(400, "bad_handshake", "the request cannot be read");

/** Kept with the server, since each `attach` must know of those before it. */
const mounts = new WeakMap<UpgradeServer, Mounts>();

/** The endpoints of a server. */
export function mountsOf(server: UpgradeServer): Mounts {
  const known = mounts.get(server);
  if (known !== undefined) return known;
  const made = new Mounts(server);
  mounts.set(server, made);
  return made;
}

/** The endpoints of one HTTP server, by path, behind a single listener for `upgrade`. */
export class Mounts {
  readonly #server: UpgradeServer;
  readonly #endpoints = new Map<string, Endpoint>();

  constructor(server: UpgradeServer) {
    this.#server = server;
  }

  /** @throws {TypeError} where the path is taken. */
  add(path: string, endpoint: Endpoint): Attachment {
    if (this.#endpoints.has(path)) {
      throw new TypeError(`there is a hub at "${path}" of this server already`);
    }
    if (this.#endpoints.size === 0) this.#server.on("upgrade", this.#onUpgrade);
    this.#endpoints.set(path, endpoint);
    return {
      close: () => {
        if (this.#endpoints.get(path) !== endpoint) return;
        this.#endpoints.delete(path);
        if (this.#endpoints.size === 0) this.#server.off("upgrade", this.#onUpgrade);
        endpoint.close();
      },
    };
  }

  readonly #onUpgrade: UpgradeListener = (incoming, socket, head) => {
    const path = pathOf(incoming);
    const found = path === undefined ? undefined : this.#find(path);
    if (found === undefined && this.#server.listenerCount("upgrade") > 1) return;
    // Without a listener an `error` would end the process.
    socket.on("error", destroy);
    const upgrade = { incoming, socket, head };
    if (path === undefined) return void respond(upgrade, unreadable.toResponse());
    if (found === undefined) return this.#leave(upgrade);
    const { endpoint, ...room } = found;
    let request: RequestHead;
    try {
      request = headOf(incoming);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : unreadable;
      return void respond(upgrade, refusal.toResponse());
    }
    endpoint.upgrade(request, { ...upgrade, ...room });
  };

  #find(path: string): { readonly endpoint: Endpoint; readonly room?: string } | undefined {
    const exact = this.#endpoints.get(path);
    if (exact !== undefined) return { endpoint: exact };
    const slash = path.lastIndexOf("/");
    const room = path.slice(slash + 1);
    const endpoint = this.#endpoints.get(path.slice(0, slash) || "/");
    return endpoint?.hasRooms && room !== "" ? { endpoint, room: decoded(room) } : undefined;
  }

  /** Answers what nobody else would. */
  #leave(upgrade: Upgrade): void {
    const { incoming, socket } = upgrade;
    if (incoming.headers.upgrade?.toLowerCase().includes("websocket")) {
      respond(upgrade, new Refusal(404, "not_found", "there is no WebSocket here").toResponse());
    } else {
      // "Upgrade: h2c" and the like is an offer, which a server may pass over (RFC 9110 section 7.8).
      const response = new ServerResponse(incoming);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Parameters<typeof response.assignSocket>[0]);
      response.on("finish", () => socket.end());
      this.#server.emit("request", incoming, response);
    }
  }
}

function destroy(this: Duplex): void {
  this.destroy();
}

/** As far as it can be decoded: what cannot holds a % still, which no room may have. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Writes a whole HTTP response to a socket that the HTTP server has let go of, and ends it. */
export async function respond({ incoming, socket }: Upgrade, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  if (!socket.writable) return void socket.destroy();
  const { status } = response;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...[...response.headers].map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.byteLength}`,
    "connection: close",
  ];
  const destroyed = () => void socket.destroy();
  socket.once("finish", () => hasBody(incoming) ? discard(socket, destroyed) : destroyed());
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), body]));
}
