/**
 * The adapter for anything with the standard `WebSocket` interface (WHATWG WebSockets section 3.1).
 *
 * @module
 */
import { exceeds } from "../base/byte_length.ts";
import { HeddleError } from "../base/errors.ts";
import { checkMethods, checkObject } from "../base/option_checks.ts";
import type { Fanout } from "../channel/fanout.ts";
import type { Socket, SocketCapabilities } from "../channel/socket.ts";
import { checkIdentity } from "../guard/identity.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub, Peer } from "../hub/hub.ts";
import type { Ending } from "../hub/options.ts";
import { closeTable } from "../protocol/close.ts";
import type { Frame } from "../protocol/encode.ts";
import { Lull } from "./lull.ts";
import { transportLimit } from "./server.ts";

/** What a standard `WebSocket` can do: none of what goes beyond messages and a plain close. */
const plainCapabilities: SocketCapabilities = {
  terminate: false,
  pings: false,
  closeCodes: false,
};

/** What a `close` event tells (WHATWG WebSockets section 6). */
export interface Closing {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** How a runtime's own `WebSocket` differs from the standard one. */
export interface StandardDifferences {
  readonly capabilities: SocketCapabilities;
  /** How the connection ended, from its `close` event and the message of the `error` before it. */
  readonly ending: (event: Closing, error: string) => Ending;
  /**
   * Whether a message that comes after `close` ends the connection before its Close frame has gone out, so
   * that it is closed when none comes. @default false
   */
  readonly closesInLull?: boolean;
  /** Hands a frame to many of its sockets. */
  readonly fanout?: Fanout;
  /** Called when a socket has opened, */
  readonly opened?: () => void;
  /** and when one that had has closed. */
  readonly closed?: () => void;
}

const none: StandardDifferences = {
  capabilities: plainCapabilities,
  ending: ({ code, reason }) => ({ code, reason }),
};

/** What is the same for all sockets that a hub has of one runtime. */
export interface StandardEndpoint extends StandardDifferences {
  readonly hub: AnyHub;
  /** The bytes of the largest message. */
  readonly limit: number;
}

/** Makes it once, for the sockets to share. */
export function standardEndpoint(
  hub: AnyHub,
  differences: StandardDifferences = none,
): StandardEndpoint {
  return { ...differences, hub, limit: transportLimit(hub) };
}

/** `WebSocket.readyState` (WHATWG WebSockets section 3.1). */
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
): StandardSocket {
  return new StandardSocket(webSocket, { capabilities });
}

/** What the hub's port of a standard `WebSocket` must know of its kind. */
type Kind = Pick<StandardDifferences, "capabilities" | "fanout">;

/** The hub's port of a standard `WebSocket`. */
export class StandardSocket<K extends Kind = Kind> implements Socket {
  /** What it is the port of. */
  readonly webSocket: WebSocket;
  protected readonly kind: K;

  constructor(webSocket: WebSocket, kind: K) {
    this.webSocket = webSocket;
    this.kind = kind;
  }

  get capabilities(): SocketCapabilities {
    return this.kind.capabilities;
  }

  get fanout(): Fanout | undefined {
    return this.kind.fanout;
  }

  get bufferedAmount(): number {
    return this.webSocket.bufferedAmount;
  }

  send(frame: Frame): void {
    if (this.webSocket.readyState === OPEN) this.webSocket.send(frame);
  }

  ping(): void {}

  close(code: number, reason: string): void {
    this.webSocket.close(code, reason);
  }

  terminate(): void {
    this.webSocket.close();
  }
}

/**
 * Hands a standard `WebSocket` to a hub: one that is open, or as soon as it is. Where a hub must be
 * served by something that has no adapter, this is all there is to do.
 *
 * @param admission What `hub.admit` gave, or who it is by other means.
 * @throws {HeddleError} `option_invalid` for what is no hub, no standard `WebSocket` or no admission.
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
  checkMethods("hub", hub ?? null, ["accept", "disconnect"]);
  checkWebSocket(webSocket);
  checkAdmission(admission);
  if (webSocket.readyState > OPEN) {
    throw new TypeError("the WebSocket is closing or closed, so no hub can take it");
  }
  webSocket.binaryType = "arraybuffer";
  connectStandard(standardEndpoint(hub), webSocket, admission);
}

/** Others have some of this: a data channel of WebRTC all but the number, Bun's own all but the listeners. */
function checkWebSocket(webSocket: WebSocket): void {
  checkMethods("webSocket", webSocket ?? null, ["send", "close", "addEventListener"]);
  if (typeof webSocket.readyState === "number") return;
  throw new HeddleError(
    "option_invalid",
    "webSocket must be a standard WebSocket, whose readyState is a number from 0 to 3",
  );
}

function checkAdmission(admission: Admission): void {
  if (admission instanceof Response) {
    throw new HeddleError(
      "option_invalid",
      "admission is the answer that refuses the request; send it, and accept nothing",
    );
  }
  checkObject("admission", admission);
  checkObject("admission.identity", admission.identity);
  checkIdentity(admission.identity, "option_invalid");
  if (typeof admission.address === "string") return;
  throw new HeddleError(
    "option_invalid",
    'admission.address must be the IP address of the client, or "" where it is not known',
  );
}

/** Hands a standard `WebSocket` to a hub as soon as it is open, and tells the hub what it does. */
export function connectStandard(
  endpoint: StandardEndpoint,
  webSocket: WebSocket,
  admission: Admission,
): void {
  new StandardConnection(endpoint, webSocket, admission);
}

/** A standard `WebSocket` of a hub, and what listens to it: one object for all its events. */
class StandardConnection extends StandardSocket<StandardEndpoint> implements EventListenerObject {
  /** Who it is; given on when it opens. */
  #admission: Admission | undefined;
  #peer: Peer | undefined;
  /** Waited for by a connection that is to be closed. */
  #lull: Lull | undefined;
  #error = "";

  constructor(endpoint: StandardEndpoint, webSocket: WebSocket, admission: Admission) {
    super(webSocket, endpoint);
    this.#admission = admission;
    if (webSocket.readyState === OPEN) this.#open();
    else webSocket.addEventListener("open", this, { once: true });
    webSocket.addEventListener("message", this);
    // Also because one without a listener ends the process where the object is of Node's package ws.
    webSocket.addEventListener("error", this);
    webSocket.addEventListener("close", this);
  }

  override close(code: number, reason: string): void {
    if (this.kind.closesInLull === true) {
      this.#lull ??= new Lull(() => super.close(code, reason));
    } else super.close(code, reason);
  }

  override terminate(): void {
    this.#lull?.end();
    super.terminate();
  }

  handleEvent(event: Event): void {
    switch (event.type) {
      case "open":
        return this.#open();
      case "message":
        return this.#receive((event as MessageEvent<unknown>).data);
      case "error": {
        const { message } = event as Partial<ErrorEvent>;
        if (typeof message === "string") this.#error = message;
        return;
      }
      case "close":
        return this.#close(event as CloseEvent);
    }
  }

  #open(): void {
    if (this.#admission === undefined) return;
    const admission = this.#admission;
    this.#admission = undefined;
    this.#peer = this.kind.hub.accept(this, admission);
    this.kind.opened?.();
  }

  #receive(data: unknown): void {
    if (this.#lull !== undefined) return this.#lull.heard();
    if (this.#peer === undefined) return;
    const message = toMessage(data);
    const { hub, limit } = this.kind;
    const { clientId } = this.#peer;
    if (message === undefined) hub.disconnect(clientId, closeTable.unsupported_data);
    else if (exceeds(message, limit)) hub.disconnect(clientId, closeTable.too_big);
    else this.#peer.receive(message);
  }

  #close(event: CloseEvent): void {
    this.#admission = undefined;
    const peer = this.#peer;
    if (peer === undefined) return;
    this.#peer = undefined;
    this.kind.closed?.();
    const { code, reason } = this.kind.ending(event, this.#error);
    peer.closed(code, reason);
  }
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
