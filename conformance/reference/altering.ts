/**
 * A server of Protocol 1 with one thing wrong: a good one behind a proxy that alters its messages.
 *
 * @module
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocket, WebSocketServer } from "ws";

/** A message, as JSON has it. */
export type Json = Readonly<Record<string, unknown>>;

/** What is wrong on one connection: what is sent in place of each message. */
export interface Alteration {
  /** In place of a message of the client's. @default itself */
  readonly up?: (message: Json) => readonly Json[];
  /** In place of a message of the server's; what else is to be sent later may be. @default itself */
  readonly down?: Alter;
}

type Alter = (message: Json, later: (message: Json) => void) => readonly Json[];

/** A proxy that listens. */
export interface Altering {
  readonly url: string;
  close(): Promise<void>;
}

/** Puts a proxy in front of the server at `url`; each connection gets an alteration of its own. */
export async function startAltering(
  url: string,
  alterationOf: () => Alteration,
): Promise<Altering> {
  const http = createServer();
  const proxy = new WebSocketServer({ noServer: true });
  http.on("upgrade", (request, socket, head) => {
    const { authorization } = request.headers;
    const target = new URL(request.url ?? "/", url);
    const behind = new WebSocket(target, ["heddle.v1"], {
      headers: authorization === undefined ? {} : { authorization },
    });
    behind.on("error", () => socket.destroy());
    const early: string[] = [];
    const keep = (data: unknown) => void early.push(String(data));
    behind.on("message", keep);
    behind.once("open", () => {
      proxy.handleUpgrade(request, socket, head, (front) => {
        const { up = same, down = same } = alterationOf();
        front.on("error", () => {});
        pass(front, behind, up);
        behind.off("message", keep);
        for (const text of early) hand(front, text, down);
        pass(behind, front, down);
      });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${port}${new URL(url).pathname}`,
    close: () =>
      new Promise((resolve) => {
        for (const client of proxy.clients) client.terminate();
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
}

const same = (message: Json): readonly Json[] => [message];

function pass(from: WebSocket, to: WebSocket, alter: Alter): void {
  from.on("message", (data) => hand(to, String(data), alter));
  from.on("close", (code, reason) => {
    const canBeSent = code >= 1000 && code < 5000 && ![1004, 1005, 1006, 1015].includes(code);
    if (canBeSent) to.close(code, reason);
    else to.terminate();
  });
}

function hand(to: WebSocket, text: string, alter: Alter): void {
  const send = (message: Json) => {
    if (to.readyState === WebSocket.OPEN) to.send(JSON.stringify(message));
  };
  for (const message of alter(JSON.parse(text) as Json, send)) send(message);
}
