import { createRequire } from "node:module";
import { WebSocketServer } from "ws";

const { version } = createRequire(import.meta.url)("ws/package.json");
const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.env.PORT),
  maxPayload: Number(process.env.MAX_MESSAGE),
  perMessageDeflate: true,
});
server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
console.log(`ws ${version} | Node ${process.versions.node}`);
