/** Socket.IO on Node, by WebSocket alone. */
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { peer } from "../peers/peer.ts";
import { answer } from "./answer.ts";
import { eventText, eventTexts } from "./event.ts";
import { outcomeOf } from "./request.ts";

interface Socket {
  on(
    event: string,
    listener: (text: string, reply: (text: string) => void) => void,
  ): void;
}
interface SocketIo {
  readonly Server: new (server: HttpServer, options: unknown) => {
    on(event: "connection", listener: (socket: Socket) => void): void;
    emit(event: string, text: string): void;
  };
}

const { Server } = await peer<SocketIo>("socket.io");
const server = createServer();
const io = new Server(server, {
  transports: ["websocket"],
  pingInterval: 3_600_000,
  perMessageDeflate: false,
  serveClient: false,
});
/** Its own frame takes some bytes; the event's are those of the others. */
const broadcast = (text: string) => io.emit("e", text);
io.on("connection", (socket) => {
  socket.on("m", (text, reply) => {
    const outcome = outcomeOf(text);
    if ("event" in outcome) broadcast(eventText(outcome.event));
    else reply(outcome.reply);
  });
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

await answer((server.address() as AddressInfo).port, {
  publish: (events, size, kind) => eventTexts(events, size, kind).forEach(broadcast),
});
