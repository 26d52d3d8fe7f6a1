/**
 * Starts a server to try cases against, prints its URL, and serves until it is ended:
 * `node --import tsx conformance/reference/serve.ts [reference|ws]`.
 *
 * @module
 */
import process from "node:process";
import { WebSocketServer } from "ws";
import { startReference } from "./server.ts";

const kind = process.argv[2] ?? "reference";
if (kind === "reference") {
  console.log((await startReference()).url);
} else if (kind === "ws") {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true });
  server.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("message", (data, binary) => socket.send(data, { binary }));
  });
  server.on("listening", () => {
    const address = server.address();
    if (typeof address === "object") console.log(`ws://127.0.0.1:${address?.port}/`);
  });
} else {
  console.error(`no such server: ${kind}; there are reference and ws`);
  process.exitCode = 2;
}
