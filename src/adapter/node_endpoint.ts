import type { IncomingMessage } from "node:http";
import * as ws from "ws";
import { guarded, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import { goingDown } from "../guard/refusal.ts";
import type { RequestHead } from "../guard/request_head.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub } from "../hub/hub.ts";
import { NodeFanout } from "./node_fanout.ts";
import { type Endpoint, respond, type Upgrade } from "./node_mounts.ts";
import { connectNode, NodeWebSocket } from "./node_socket.ts";
import { transportLimit } from "./server.ts";

/** How long `ws` waits for a peer to answer a Close frame, in milliseconds: as long as the hub does. */
const CLOSE_TIMEOUT = 5_000;

/** Where a hub takes connections on an HTTP server of Node's. */
export class HubEndpoint implements Endpoint {
  readonly #hub: AnyHub;
  readonly #upgrader: ws.WebSocketServer;
  /** Bun's own `ws`, which has no `Sender`, keeps its sockets to itself. */
  readonly #fanout = "Sender" in ws ? new NodeFanout() : undefined;
  #isClosed = false;

  constructor(hub: AnyHub) {
    this.#hub = hub;
    const options = {
      noServer: true,
      WebSocket: NodeWebSocket,
      clientTracking: true,
      perMessageDeflate: false,
      maxPayload: transportLimit(hub),
      autoPong: true,
      skipUTF8Validation: false,
      closeTimeout: CLOSE_TIMEOUT,
    } as const;
    this.#upgrader = new ws.WebSocketServer(options);
  }

  get hasRooms(): boolean {
    return this.#hub.hasRooms;
  }

  upgrade(request: RequestHead, upgrade: Upgrade): void {
    guarded(
      () => whenReady(this.#judge(request, upgrade), (found) => this.#answer(found, upgrade)),
      () => upgrade.socket.destroy(),
    );
  }

  #judge(request: RequestHead, { incoming, room }: Upgrade): MaybePromise<Admission | Response> {
    const address = incoming.socket.remoteAddress ?? "";
    return this.#hub.judge(request, room === undefined ? { address } : { address, room });
  }

  #answer(found: Admission | Response, upgrade: Upgrade): void | Promise<void> {
    if (found instanceof Response) return respond(upgrade, found);
    if (this.#isClosed) return respond(upgrade, goingDown().toResponse());
    this.#accept(found, upgrade);
  }

  #accept(admission: Admission, { incoming, socket, head }: Upgrade): void {
    tidy(incoming, admission);
    // So that the answer and the first message go out in one write.
    socket.cork();
    this.#upgrader.handleUpgrade(incoming, socket, head, (webSocket: ws.WebSocket) => {
      const fanout = this.#fanout;
      connectNode(this.#hub, webSocket, admission, fanout && { fanout, stream: socket });
    });
    socket.uncork();
  }

  close(): void {
    this.#isClosed = true;
    for (const webSocket of this.#upgrader.clients) webSocket.terminate();
    this.#upgrader.close();
  }
}

/**
 * `ws` reads the handshake once more, and is stricter: it knows no lists of upgrades and no blanks that
 * node:http leaves. What was judged already is put as it likes it, with the subprotocol to select alone.
 */
function tidy({ headers }: IncomingMessage, { subprotocol }: Admission): void {
  headers.upgrade = "websocket";
  headers["sec-websocket-version"] = "13";
  headers["sec-websocket-key"] = headers["sec-websocket-key"]?.trim();
  if (subprotocol === undefined) delete headers["sec-websocket-protocol"];
  else headers["sec-websocket-protocol"] = subprotocol;
}
