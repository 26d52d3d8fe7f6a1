import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { Refusal } from "../guard/refusal.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub } from "../hub/hub.ts";
import { type Endpoint, respond } from "./node_mounts.ts";
import { connectNode } from "./node_socket.ts";
import { transportLimit } from "./server.ts";

/** How long `ws` waits for a peer to answer a Close frame, in milliseconds: as long as the hub does. */
const CLOSE_TIMEOUT = 5_000;

/** Where a hub takes connections on an HTTP server of Node's. */
export class HubEndpoint implements Endpoint {
  readonly #hub: AnyHub;
  readonly #upgrader: WebSocketServer;
  readonly #subprotocols = new WeakMap<IncomingMessage, string>();
  #isClosed = false;

  constructor(hub: AnyHub) {
    this.#hub = hub;
    const options = {
      noServer: true,
      clientTracking: true,
      perMessageDeflate: false,
      maxPayload: transportLimit(hub),
      autoPong: true,
      skipUTF8Validation: false,
      closeTimeout: CLOSE_TIMEOUT,
      handleProtocols: (_offered: Set<string>, incoming: IncomingMessage) =>
        this.#subprotocols.get(incoming) ?? false,
    } as const;
    this.#upgrader = new WebSocketServer(options);
  }

  upgrade(request: Request, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#admit(request, incoming, socket, head).catch(() => socket.destroy());
  }

  async #admit(
    request: Request,
    incoming: IncomingMessage,
    socket: Duplex,
    head: Buffer,
  ): Promise<void> {
    const address = incoming.socket.remoteAddress ?? "";
    const admission = await this.#hub.admit(request, { address });
    if (admission instanceof Response) return await respond(socket, admission);
    if (this.#isClosed) {
      const refusal = new Refusal(503, "closed", "the server is going down", {
        "Retry-After": "1",
      });
      return await respond(socket, refusal.toResponse());
    }
    this.#accept(admission, incoming, socket, head);
  }

  #accept(admission: Admission, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { subprotocol } = admission;
    if (subprotocol !== undefined) this.#subprotocols.set(incoming, subprotocol);
    this.#upgrader.handleUpgrade(incoming, socket, head, (webSocket: WebSocket) => {
      connectNode(this.#hub, webSocket, admission);
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const webSocket of this.#upgrader.clients) webSocket.terminate();
    this.#upgrader.close();
  }
}
