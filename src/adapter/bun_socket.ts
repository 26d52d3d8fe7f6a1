import { exceeds } from "../base/byte_length.ts";
import type { Socket, SocketCapabilities } from "../channel/socket.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub, Peer } from "../hub/hub.ts";
import type { Ending } from "../hub/options.ts";
import { closeTable } from "../protocol/close.ts";
import type { Frame } from "../protocol/encode.ts";
import { type BunFanout, send, type TopicSocket } from "./bun_fanout.ts";

/** As much of Bun's `ServerWebSocket` as is needed. */
export interface BunWebSocket extends TopicSocket {
  readonly data: unknown;
  getBufferedAmount(): number;
  ping(): number;
  close(code: number, reason: string): void;
}

const capabilities: SocketCapabilities = {
  terminate: true,
  pings: true,
  closeCodes: true,
};

/** A hub on a server, and what is the same for all its connections there. */
export interface BunEndpoint {
  readonly hub: AnyHub;
  readonly fanout: BunFanout;
  /** The bytes of the largest message. */
  readonly limit: number;
}

/** One connection from its upgrade on: what `ws.data` holds, and what its hub has for a socket. */
export class BunConnection implements Socket {
  readonly #endpoint: BunEndpoint;
  /** Who it is; given on when it opens. */
  #admission: Admission | undefined;
  #webSocket: BunWebSocket | undefined;
  #peer: Peer | undefined;
  #closing: Ending | undefined;
  /** How it ended, where that was before the hub had taken it over. */
  #ended: Ending | undefined;

  constructor(endpoint: BunEndpoint, admission: Admission) {
    this.#endpoint = endpoint;
    this.#admission = admission;
  }

  get capabilities(): SocketCapabilities {
    return capabilities;
  }

  get fanout(): BunFanout {
    return this.#endpoint.fanout;
  }

  /** Bun's own socket. No hub knows the connection before there is one. */
  get webSocket(): BunWebSocket {
    return this.#webSocket!;
  }

  get bufferedAmount(): number {
    return this.webSocket.getBufferedAmount();
  }

  send(frame: Frame): void {
    send(this.webSocket, frame);
  }

  ping(): void {
    this.webSocket.ping();
  }

  close(code: number, reason: string): void {
    this.#closing ??= { code, reason };
    this.drained();
  }

  terminate(): void {
    this.webSocket.terminate();
  }

  opened(webSocket: BunWebSocket): void {
    if (this.#admission === undefined) return;
    const admission = this.#admission;
    this.#admission = undefined;
    this.#webSocket = webSocket;
    this.#peer = this.#endpoint.hub.accept(this, admission);
    // Bun tells of an end before the call returns that brings it about.
    if (this.#ended !== undefined) this.#peer.closed(this.#ended.code, this.#ended.reason);
  }

  received(message: string | Uint8Array): void {
    if (this.#peer === undefined) return;
    // Bun's own limit is that of all hubs of the server, so it may be higher.
    const { hub, limit } = this.#endpoint;
    if (!exceeds(message, limit)) this.#peer.receive(message);
    else hub.disconnect(this.#peer.clientId, closeTable.too_big);
  }

  heard(): void {
    this.#peer?.pong();
  }

  /** Does a close that waits: Bun cannot terminate a socket it closes while a peer does not read. */
  drained(): void {
    if (this.#closing === undefined || this.webSocket.getBufferedAmount() > 0) return;
    this.webSocket.close(this.#closing.code, this.#closing.reason);
  }

  closed(told: number, reason: string): void {
    const code = told === 1006 ? violationCode(reason) : told;
    if (this.#peer === undefined) this.#ended = { code, reason };
    else this.#peer.closed(code, reason);
  }
}

/** Bun tells the application 1006 where it closed for what a peer did; the reason it gave tells which. */
function violationCode(reason: string): number {
  switch (reason) {
    case "Received too big message":
      return 1009;
    case "Received invalid UTF-8":
      return 1007;
    default:
      return reason.startsWith("Received ") ? 1002 : 1006;
  }
}
