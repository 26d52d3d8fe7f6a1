/**
 * Servers that are none: what anything may answer that listens on a port.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { acceptOf } from "../wire/handshake.ts";
import { encodeOut } from "./rules.ts";
import type { Reference } from "./server.ts";

/** A server that does one thing, whatever it is asked. */
export interface Hostile {
  /** Completes "a server that …". */
  readonly name: string;
  /** What comes of it: a case fails, or nothing can be judged. */
  readonly comesTo: "failure" | "nothing";
  readonly onConnection: (socket: Socket) => void;
}

/** Does something once a request is there, with the head of a right answer to it. */
function onRequest(act: (socket: Socket, head: string) => void): Hostile["onConnection"] {
  return (socket) => {
    let request = "";
    const listen = (chunk: Uint8Array) => {
      request += Buffer.from(chunk).toString("latin1");
      if (!request.includes("\r\n\r\n")) return;
      socket.off("data", listen);
      socket.resume();
      const key = /^sec-websocket-key:[ \t]*(\S*)/im.exec(request)?.[1] ?? "";
      act(
        socket,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      );
    };
    socket.on("data", listen);
  };
}

/** A Close frame's, Ping's or text's bytes as a server sends them, many times. */
const many = (opcode: number, payload: string): Uint8Array => {
  const frame = encodeOut({
    fin: true,
    rsv: 0,
    opcode,
    payload: new TextEncoder().encode(payload),
  });
  return Buffer.concat(Array.from({ length: 50 }, () => frame));
};

/** Sends the same again and again, as fast as it is taken. */
function flood(socket: Socket, bytes: string | Uint8Array): void {
  const more = () => {
    if (!socket.writable) return;
    if (socket.write(bytes)) setImmediate(more);
    else socket.once("drain", more);
  };
  more();
}

/** Every such server. */
export const hostile: readonly Hostile[] = [
  { name: "says nothing", comesTo: "nothing", onConnection: () => {} },
  { name: "closes at once", comesTo: "nothing", onConnection: (socket) => void socket.end() },
  {
    name: "resets at once",
    comesTo: "nothing",
    onConnection: (socket) => void socket.resetAndDestroy(),
  },
  {
    name: "resets when it is asked",
    comesTo: "nothing",
    onConnection: onRequest((socket) => void socket.resetAndDestroy()),
  },
  {
    name: "answers a page",
    comesTo: "failure",
    onConnection: onRequest((socket) =>
      void socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>Hello</h1>")
    ),
  },
  {
    name: "answers a page without end",
    comesTo: "failure",
    onConnection: onRequest((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n");
      flood(socket, "<p>Hello".repeat(100));
    }),
  },
  {
    name: "speaks another protocol",
    comesTo: "nothing",
    onConnection: (socket) => void socket.write("220 mail.example ESMTP\r\n"),
  },
  {
    name: "answers garbage without end",
    comesTo: "nothing",
    onConnection: (socket) => flood(socket, "\xff\x00garbage".repeat(100)),
  },
  {
    name: "answers half a 101 and no more",
    comesTo: "nothing",
    onConnection: onRequest((socket, head) => void socket.write(head.slice(0, 60))),
  },
  {
    name: "answers half a 101 and closes",
    comesTo: "nothing",
    onConnection: onRequest((socket, head) => void socket.end(head.slice(0, 60))),
  },
  {
    name: "answers header fields without end",
    comesTo: "nothing",
    onConnection: onRequest((socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n");
      flood(socket, "X-More: and more\r\n".repeat(20));
    }),
  },
  {
    name: "answers 101 without the hash",
    comesTo: "failure",
    onConnection: onRequest((socket) =>
      void socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      )
    ),
  },
  {
    name: "is silent after its 101",
    comesTo: "failure",
    onConnection: onRequest((socket, head) => void socket.write(head)),
  },
  {
    name: "closes after its 101",
    comesTo: "failure",
    onConnection: onRequest((socket, head) => void socket.end(head)),
  },
  {
    name: "resets after its 101",
    comesTo: "failure",
    onConnection: onRequest((socket, head) =>
      void socket.write(head, () => void socket.resetAndDestroy())
    ),
  },
  {
    name: "sends garbage after its 101",
    comesTo: "failure",
    onConnection: onRequest((socket, head) => void socket.write(head + "\xff\xff garbage")),
  },
  {
    name: "sends half a frame after its 101",
    comesTo: "failure",
    onConnection: onRequest((socket, head) => void socket.write(`${head}\x81\x7e\x10`)),
  },
  {
    name: "declares a frame of 2^62 bytes after its 101",
    comesTo: "failure",
    onConnection: onRequest((socket, head) =>
      void socket.write(Buffer.from(`${head}\x82\x7f\x40\0\0\0\0\0\0\0 and so on`, "latin1"))
    ),
  },
  {
    name: "sends Pings without end",
    comesTo: "nothing",
    onConnection: onRequest((socket, head) => {
      socket.write(head);
      flood(socket, many(9, "flood"));
    }),
  },
  {
    name: "sends texts without end",
    comesTo: "nothing",
    onConnection: onRequest((socket, head) => {
      socket.write(head);
      flood(socket, many(1, "flood"));
    }),
  },
  {
    name: "sends Close frames without end",
    comesTo: "nothing",
    onConnection: onRequest((socket, head) => {
      socket.write(head);
      flood(socket, many(8, ""));
    }),
  },
];

/** Starts one on a free port of the loopback interface. */
export async function startHostile({ onConnection }: Hostile): Promise<Reference> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url: `ws://127.0.0.1:${port}/`, close, [Symbol.asyncDispose]: close };
}
