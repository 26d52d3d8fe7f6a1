import type { ClientRequest, IncomingMessage } from "node:http";
import { type RawData, WebSocket } from "ws";
import type { ClientSocketConstructor } from "../client/socket.ts";

/** An HTTP answer in the place of an upgrade. */
export interface HttpRefusal {
  readonly status: number;
  /** What the server said of it: its message, else the name of the status. */
  readonly message: string;
}

/** Whom a watched socket tells what goes over it. */
export interface SocketWatcher {
  received(data: string | Uint8Array): void;
  sent(data: string | Uint8Array): void;
  refused(refusal: HttpRefusal): void;
}

/** How much of the body of a refusal is read, in bytes. */
const MAX_BODY = 16_384;

/**
 * Makes a constructor of WebSockets that can be watched. A standard `WebSocket` tells neither the frames
 * as they came nor why a server refused; that of `ws` does, on all three runtimes.
 */
export function watchedWebSocket(watcher: SocketWatcher): ClientSocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      this.on("message", (data: RawData, isBinary: boolean) => {
        const bytes = toBytes(data);
        watcher.received(isBinary ? bytes : new TextDecoder().decode(bytes));
      });
      this.on("unexpected-response", (_request: ClientRequest, response: IncomingMessage) => {
        readRefusal(response, (refusal) => {
          watcher.refused(refusal);
          this.terminate();
        });
      });
    }

    override send(data: string | Uint8Array<ArrayBuffer>): void {
      watcher.sent(data);
      super.send(data);
    }
  };
}

function toBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

function readRefusal(response: IncomingMessage, done: (refusal: HttpRefusal) => void): void {
  let body = "";
  let isRead = false;
  const finish = () => {
    if (isRead) return;
    isRead = true;
    const { statusCode: status = 0, statusMessage = "" } = response;
    done({ status, message: messageOf(body) ?? statusMessage });
  };
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    body += chunk;
    if (body.length > MAX_BODY) finish();
  });
  for (const event of ["end", "close", "error"]) response.on(event, finish);
}

/** The message in a JSON body, by Heddle's name for it or by others'. */
function messageOf(body: string): string | undefined {
  try {
    const { message, detail, error } = JSON.parse(body) as Record<string, unknown>;
    return [message, detail, error].find((text) => typeof text === "string");
  } catch {
    return undefined;
  }
}
