/** `Bun.serve` without a hub: its native `publish`, or with the argument `loop` a loop of `send`; with `token`, only those with a good one. */
import process from "node:process";
import { answer } from "./answer.ts";
import { eventText, eventTexts } from "./event.ts";
import { outcomeOf } from "./request.ts";
import { checksTokens, isGood } from "./token.ts";

interface BunSocket {
  subscribe(topic: string): void;
  send(text: string, compress: boolean): void;
}
interface BunServer {
  readonly port: number;
  publish(topic: string, text: string, compress: boolean): void;
  upgrade(request: Request): boolean;
}
interface Runtime {
  serve(options: {
    readonly port: number;
    readonly hostname: string;
    fetch(
      request: Request,
      server: BunServer,
    ): Response | undefined | Promise<Response | undefined>;
    readonly websocket: {
      readonly backpressureLimit: number;
      readonly sendPings: boolean;
      open(socket: BunSocket): void;
      message(socket: BunSocket, text: string | Uint8Array): void;
      close(socket: BunSocket): void;
    };
  }): BunServer;
}

const { Bun } = globalThis as unknown as { readonly Bun: Runtime };
const isLoop = process.argv.includes("loop");
const sockets = new Set<BunSocket>();
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: checksTokens
    ? async (request, server) => await isGood(request.url) ? upgrade(request, server) : refused()
    : upgrade,
  websocket: {
    backpressureLimit: 0,
    sendPings: false,
    open(socket) {
      if (isLoop) sockets.add(socket);
      else socket.subscribe("b");
    },
    message(socket, text) {
      const outcome = outcomeOf(String(text));
      if ("event" in outcome) broadcast(eventText(outcome.event));
      else socket.send(outcome.reply, false);
    },
    close: (socket) => void sockets.delete(socket),
  },
});

function upgrade(request: Request, server: BunServer): Response | undefined {
  return server.upgrade(request) ? undefined : refused();
}

function refused(): Response {
  return new Response(null, { status: 401 });
}

function broadcast(text: string): void {
  if (!isLoop) server.publish("b", text, false);
  else for (const socket of sockets) socket.send(text, false);
}

await answer(server.port, {
  publish: (events, size, kind) => eventTexts(events, size, kind).forEach(broadcast),
});
