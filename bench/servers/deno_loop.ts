/** `Deno.serve` without a hub: a loop of `send`; with the argument `token`, only those with a good one. */
import { answer } from "./answer.ts";
import { eventText, eventTexts } from "./event.ts";
import { outcomeOf } from "./request.ts";
import { checksTokens, isGood } from "./token.ts";

interface Runtime {
  serve(
    options: {
      readonly port: number;
      readonly hostname: string;
      onListen(): void;
    },
    handler: (request: Request) => Response | Promise<Response>,
  ): { readonly addr: { readonly port: number } };
  upgradeWebSocket(
    request: Request,
    options: { readonly idleTimeout: number },
  ): { readonly socket: WebSocket; readonly response: Response };
}

const { Deno } = globalThis as unknown as { readonly Deno: Runtime };
const sockets = new Set<WebSocket>();
const broadcast = (text: string) => {
  for (const socket of sockets) socket.send(text);
};

const address = { port: 0, hostname: "127.0.0.1", onListen() {} };
const server = Deno.serve(
  address,
  checksTokens
    ? async (request) =>
      await isGood(request.url) ? upgrade(request) : new Response(null, { status: 401 })
    : upgrade,
);

function upgrade(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.onopen = () => sockets.add(socket);
  socket.onclose = () => sockets.delete(socket);
  socket.onerror = () => {};
  socket.onmessage = ({ data }) => {
    const outcome = outcomeOf(String(data));
    if ("event" in outcome) broadcast(eventText(outcome.event));
    else socket.send(outcome.reply);
  };
  return response;
}

await answer(server.addr.port, {
  publish: (events, size, kind) => eventTexts(events, size, kind).forEach(broadcast),
});
