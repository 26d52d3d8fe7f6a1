/**
 * The adapter for anything with the standard `WebSocket` interface (WHATWG WebSockets section 3.1).
 *
 * @module
 */
import type { Fanout } from "../channel/fanout.ts";
import type { Socket, SocketCapabilities } from "../channel/socket.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub } from "../hub/hub.ts";
import type { Ending } from "../hub/options.ts";
import { closeTable } from "../protocol/close.ts";
import type { Frame } from "../protocol/encode.ts";
import { exceeds, transportLimit } from "./server.ts";

/** What a standard `WebSocket` can do: none of what goes beyond messages and a plain close. */
const plainCapabilities: SocketCapabilities = {
  terminate: false,
  pings: false,
  closeCodes: false,
  drain: false,
};

/** How a runtime's own `WebSocket` differs from the standard one. */
export interface StandardDifferences {
  readonly capabilities: SocketCapabilities;
  /** How the connection ended, from its `close` event and the message of the `error` before it. */
  readonly ending: (event: CloseEvent, error: string) => Ending;
  /** Hands a frame to many of its sockets. */
  readonly fanout?: Fanout;
}

const none: StandardDifferences = {
  capabilities: plainCapabilities,
  ending: ({ code, reason }) => ({ code, reason }),
};

/** `WebSocket.readyState` (WHATWG WebSockets section 3.1). */
const CONNECTING = 0;
const OPEN = 1;

/**
 * Makes the hub's port of a standard `WebSocket`. It has no `terminate` and no pings, and of the close
 * codes it can send only 1000 and 3000 to 4999.
 *
 * @param capabilities What a runtime's own `WebSocket` can do beyond the standard.
 */
export function standardSocket(
  webSocket: WebSocket,
  capabilities: SocketCapabilities = plainCapabilities,
  fanout?: Fanout,
): StandardSocket {
  return new StandardSocket(webSocket, capabilities, fanout);
}

/** The hub's port of a standard `WebSocket`. */
export class StandardSocket implements Socket {
  readonly capabilities: SocketCapabilities;
  readonly fanout: Fanout | undefined;
  readonly #webSocket: WebSocket;

  constructor(
    webSocket: WebSocket,
    capabilities: SocketCapabilities,
    fanout: Fanout | undefined,
  ) {
    this.#webSocket = webSocket;
    this.capabilities = capabilities;
    this.fanout = fanout;
  }

  get bufferedAmount(): number {
    return this.#webSocket.bufferedAmount;
  }

  send(frame: Frame): void {
    if (this.#webSocket.readyState === OPEN) this.#webSocket.send(frame);
  }

  ping(): void {}

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  terminate(): void {
    this.#webSocket.close();
  }
}

/**
 * Hands a standard `WebSocket` to a hub: one that is open, or as soon as it is. Where a hub must be
 * served by something that has no adapter, this is all there is to do.
 *
 * @param admission What `hub.admit` gave, or who it is by other means.
 * @throws {TypeError} where it is closing or closed.
 *
 * @example
 * ```ts
 * import { acceptWebSocket, allowAnonymous, anonymousIdentity, createHub } from "heddle";
 *
 * const hub = createHub({ auth: allowAnonymous() });
 * const webSocket = new WebSocket("ws://127.0.0.1:9"); // from wherever it comes
 * acceptWebSocket(hub, webSocket, { identity: anonymousIdentity(), address: "192.0.2.1" });
 * webSocket.close();
 * ```
 */
export function acceptWebSocket(hub: AnyHub, webSocket: WebSocket, admission: Admission): void {
  webSocket.binaryType = "arraybuffer";
  const accept = () => connectStandard(hub, webSocket, admission);
  if (webSocket.readyState === OPEN) accept();
  else if (webSocket.readyState === CONNECTING) {
    // An `error` without a listener ends the process where the object is an event emitter of Node's.
    webSocket.addEventListener("error", () => {});
    webSocket.addEventListener("open", accept, { once: true });
  } else throw new TypeError("the WebSocket is closing or closed, so no hub can take it");
}

/** Hands a standard `WebSocket` that is open to a hub, and tells the hub what it does. */
export function connectStandard(
  hub: AnyHub,
  webSocket: WebSocket,
  admission: Admission,
  differences: StandardDifferences = none,
): void {
  const limit = transportLimit(hub);
  let error = "";
  const peer = hub.accept(
    standardSocket(webSocket, differences.capabilities, differences.fanout),
    admission,
  );
  webSocket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    const message = toMessage(data);
    if (message === undefined) hub.disconnect(peer.clientId, closeTable.unsupported_data);
    else if (exceeds(message, limit)) hub.disconnect(peer.clientId, closeTable.too_big);
    else peer.receive(message);
  });
  // Also because one without a listener ends the process where the object is of Node's package ws.
  webSocket.addEventListener("error", (event) => {
    const { message } = event as Partial<ErrorEvent>;
    if (typeof message === "string") error = message;
  });
  webSocket.addEventListener("close", (event) => {
    const { code, reason } = differences.ending(event, error);
    peer.closed(code, reason);
  });
}

/** A Blob can only be read later, and so out of order: there the binary type was changed. */
function toMessage(data: unknown): string | Uint8Array | undefined {
  if (typeof data === "string") return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  return undefined;
}
