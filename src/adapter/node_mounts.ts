import { type IncomingMessage, ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { Refusal } from "../guard/refusal.ts";

/** A hub's place on an HTTP server. */
export interface Attachment {
  /** Takes the hub off the server and cuts its connections. Does not drain the hub. */
  close(): void;
}

/** What is found at a path. */
export interface Endpoint {
  /** Takes over an upgrade request and its socket. Never throws, and never rejects. */
  upgrade(request: Request, incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Takes no more, and cuts what is open. */
  close(): void;
}

/** As much of an HTTP server as is needed. */
interface UpgradeServer {
  on(event: "upgrade", listener: UpgradeListener): unknown;
  off(event: "upgrade", listener: UpgradeListener): unknown;
  listenerCount(event: "upgrade"): number;
  emit(event: "request", request: IncomingMessage, response: ServerResponse): boolean;
}

type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

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

  /** @throws {TypeError} where the path is taken or is none. */
  add(path: string, endpoint: Endpoint): Attachment {
    if (!path.startsWith("/")) throw new TypeError(`the path "${path}" must start with "/"`);
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
    const request = toRequest(incoming);
    const endpoint = request && this.#endpoints.get(new URL(request.url).pathname);
    if (request !== undefined && endpoint !== undefined) {
      ignoreErrors(socket);
      endpoint.upgrade(request, incoming, socket, head);
    } else if (this.#server.listenerCount("upgrade") === 1) {
      ignoreErrors(socket);
      this.#leave(request, incoming, socket);
    }
  };

  /** Answers what nobody else would. */
  #leave(request: Request | undefined, incoming: IncomingMessage, socket: Duplex): void {
    if (request === undefined) {
      respond(socket, new Refusal(400, "bad_request", "the request cannot be read").toResponse());
    } else if (incoming.headers.upgrade?.toLowerCase().includes("websocket")) {
      respond(socket, new Refusal(404, "not_found", "there is no WebSocket here").toResponse());
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

/** Without a listener an `error` would end the process. */
function ignoreErrors(socket: Duplex): void {
  socket.on("error", () => socket.destroy());
}

function toRequest(incoming: IncomingMessage): Request | undefined {
  const { url = "", method = "GET", rawHeaders } = incoming;
  const host = incoming.headers.host ?? "localhost";
  if (/[/?#@\\\s]/.test(host)) return undefined;
  try {
    const headers = new Headers();
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
    }
    const target = url.startsWith("/") ? `http://${host}${url}` : url;
    return new Request(target, { method, headers });
  } catch {
    return undefined;
  }
}

/** Writes a whole HTTP response to a socket that the HTTP server has let go of, and ends it. */
export async function respond(socket: Duplex, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  if (!socket.writable) return void socket.destroy();
  const { status } = response;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...[...response.headers].map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.byteLength}`,
    "connection: close",
  ];
  socket.once("finish", () => socket.destroy());
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), body]));
}
