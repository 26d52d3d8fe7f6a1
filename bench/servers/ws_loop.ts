/**
 * A loop of `send` over the npm package ws on Node; with the argument `deflate`, permessage-deflate, and
 * with `token`, only those with a good one.
 */
import process from "node:process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { answer } from "./answer.ts";
import { eventText, eventTexts } from "./event.ts";
import { outcomeOf } from "./request.ts";
import { checksTokens, isGood } from "./token.ts";

const sockets = new Set<WebSocket>();
const broadcast = (text: string) => {
  for (const socket of sockets) socket.send(text);
};

const server = createServer();
const deflate = process.argv.includes("deflate");
const webSockets = new WebSocketServer({
  noServer: true,
  perMessageDeflate: deflate ? { threshold: 0 } : false,
});
webSockets.on("connection", (socket) => {
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  socket.on("error", () => {});
  socket.on("message", (message) => {
    const outcome = outcomeOf(String(message));
    if ("event" in outcome) broadcast(eventText(outcome.event));
    else socket.send(outcome.reply);
  });
});
server.on("upgrade", async (request, socket, head) => {
  if (checksTokens && !await isGood(request.url ?? "")) {
    socket.destroy();
    return;
  }
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSockets.emit("connection", webSocket);
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

await answer((server.address() as AddressInfo).port, {
  publish: (events, size, kind) => eventTexts(events, size, kind).forEach(broadcast),
});
