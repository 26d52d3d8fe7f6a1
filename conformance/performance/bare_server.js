/**
 * The smallest that a server can do, beside which a target is measured: a thread of its own that
 * answers every request for a connection by the same 101 and then moves bytes, whatever they are.
 * JavaScript, since Node 20 starts no thread from TypeScript.
 *
 * | Path    | What comes is                  |
 * | ------- | ------------------------------ |
 * | `/echo` | written back                   |
 * | `/hear` | left                           |
 * | `/tell` | written to all who `/hear`     |
 * | `/keep` | kept, and written back         |
 * | `/past` | answered by all that was kept  |
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** Bytes that `/keep` holds at most. */
const MOST = 16 * 1024 * 1024;

/** @type {Set<import("node:net").Socket>} */
const hearers = new Set();
let past = Buffer.alloc(0);

/** @type {Readonly<Record<string, (socket: import("node:net").Socket, chunk: Buffer) => void>>} */
const manners = {
  "/echo": (socket, chunk) => socket.write(chunk),
  "/hear": () => {},
  "/tell": (_, chunk) => {
    for (const hearer of hearers) hearer.write(chunk);
  },
  "/keep": (socket, chunk) => {
    past = Buffer.concat([past, chunk]);
    if (past.length > MOST) socket.destroy();
    else socket.write(chunk);
  },
  "/past": (socket) => socket.write(past),
};

const server = createServer({ noDelay: true }, (socket) => {
  let head = "";
  /** @type {((socket: import("node:net").Socket, chunk: Buffer) => void) | null} */
  let manner = null;
  socket.on("error", () => socket.destroy());
  socket.on("close", () => hearers.delete(socket));
  socket.on("data", (chunk) => {
    if (manner !== null) return manner(socket, chunk);
    head += chunk.toString("latin1");
    if (!head.endsWith("\r\n\r\n")) return;
    const path = head.split(" ", 2)[1] ?? "";
    manner = manners[path] ?? manners["/hear"] ?? null;
    if (path === "/hear") hearers.add(socket);
    if (path === "/keep") past = Buffer.alloc(0);
    socket.write(workerData.answer);
  });
});
server.listen(0, "127.0.0.1", () => parentPort?.postMessage(server.address()));
