import { createServer } from "node:http";
import { createRequire } from "node:module";
import WebSocket from "faye-websocket";
import deflate from "permessage-deflate";

const { version } = createRequire(import.meta.url)("faye-websocket/package.json");
const maxLength = Number(process.env.MAX_MESSAGE);
const server = createServer((_, response) => response.writeHead(404).end());
server.on("upgrade", (request, socket, body) => {
  if (!WebSocket.isWebSocket(request)) return socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  const options = { maxLength, extensions: [deflate] };
  const connection = new WebSocket(request, socket, body, [], options);
  connection.on("message", ({ data }) => connection.send(data));
});
server.listen(Number(process.env.PORT), "127.0.0.1");
console.log(`faye-websocket ${version} | Node ${process.versions.node}`);
