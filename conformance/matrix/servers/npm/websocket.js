import { createServer } from "node:http";
import websocket from "websocket";

const max = Number(process.env.MAX_MESSAGE);
const httpServer = createServer((_, response) => response.writeHead(404).end());
httpServer.listen(Number(process.env.PORT), "127.0.0.1");
const server = new websocket.server({
  httpServer,
  autoAcceptConnections: false,
  maxReceivedFrameSize: max,
  maxReceivedMessageSize: max,
});
server.on("request", (request) => {
  const connection = request.accept(null, request.origin);
  connection.on("error", () => {});
  connection.on("message", (message) => {
    if (message.type === "utf8") connection.sendUTF(message.utf8Data);
    else connection.sendBytes(message.binaryData);
  });
});
console.log(`websocket ${websocket.version} | Node ${process.versions.node}`);
