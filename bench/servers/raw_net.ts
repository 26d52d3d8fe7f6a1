/**
 * The limit on Node: `node:net` and one buffer for all, written to each socket as each message comes, or,
 * with the argument `together`, those of a turn of the loop at once. It takes short messages only.
 */
import process from "node:process";
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { answer } from "./answer.ts";
import { eventText, eventTexts } from "./event.ts";
import { outcomeOf } from "./request.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const sockets = new Set<Socket>();
const together = process.argv.includes("together");

function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const { length } = payload;
  const head = length < 126 ? [0x81, length] : [0x81, 126, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), payload]);
}

function write(frame: Buffer): void {
  for (const socket of sockets) socket.write(frame);
}

function upgrade(socket: Socket, head: Buffer): void {
  const key = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1"))?.[1] ??
    "";
  const accept = createHash("sha1").update(key + GUID).digest("base64");
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  sockets.add(socket);
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    rest = takeFrames(socket, rest);
  });
}

/** Carries out the whole frames there are, which must be shorter than 65,536 bytes, and gives the rest. */
function takeFrames(socket: Socket, bytes: Buffer): Buffer {
  let at = 0;
  while (bytes.length - at >= 6) {
    const short = bytes[at + 1]! & 127;
    const start = at + (short === 126 ? 8 : 6);
    const end = start + (short === 126 ? bytes.readUInt16BE(at + 2) : short);
    if (bytes.length < end) break;
    const payload = bytes.subarray(start, end);
    for (let i = 0; i < payload.length; i++) {
      payload[i]! ^= bytes[start - 4 + (i & 3)]!;
    }
    if ((bytes[at]! & 15) === 1) carryOut(socket, payload.toString());
    at = end;
  }
  return bytes.subarray(at);
}

function carryOut(socket: Socket, text: string): void {
  const outcome = outcomeOf(text);
  if ("event" in outcome) write(frameOf(eventText(outcome.event)));
  else socket.write(frameOf(outcome.reply));
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("close", () => sockets.delete(socket));
  socket.on("error", () => {});
  socket.once("data", (head: Buffer) => upgrade(socket, head));
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4096, resolve));

await answer((server.address() as AddressInfo).port, {
  publish(events, size, kind) {
    const frames = eventTexts(events, size, kind).map(frameOf);
    if (together) write(Buffer.concat(frames));
    else frames.forEach(write);
  },
});
