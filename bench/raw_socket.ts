/**
 * A client's connection over a bare socket, with as little work as can be: what is measured is the server.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

const HEAD_END = "\r\n\r\n";

/** What is told of what comes. */
export interface RawHandler {
  /** The answer to the opening handshake has come. */
  opened(status: number): void;
  /** A frame has come whole, of up to 64 KiB. */
  frame(opcode: number, payload: Buffer): void;
}

/** Asks for a connection and reads frames. */
export class RawSocket {
  readonly socket: Socket;
  readonly #handler: RawHandler;
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;

  constructor(url: string, handler: RawHandler) {
    this.#handler = handler;
    const { hostname, port, pathname } = new URL(url);
    this.socket = connect(Number(port), hostname, () => {
      this.socket.write(
        `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\n` +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==${HEAD_END}`,
      );
    });
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  /** Sends a message as JSON. */
  ask(message: unknown): void {
    this.send(0x1, Buffer.from(JSON.stringify(message)));
  }

  /** Sends a frame, masked with zeros. */
  send(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const head = length < 126
      ? [0x80 | opcode, 0x80 | length, 0, 0, 0, 0]
      : [0x80 | opcode, 0xfe, length >> 8, length & 0xff, 0, 0, 0, 0];
    this.socket.write(Buffer.concat([Buffer.from(head), payload]));
  }

  #take(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#isOpen) {
      const end = bytes.indexOf(HEAD_END);
      if (end === -1) {
        this.#rest = bytes;
        return;
      }
      this.#isOpen = true;
      this.#handler.opened(Number(bytes.toString("latin1", 9, 12)));
      bytes = bytes.subarray(end + HEAD_END.length);
    }
    while (bytes.length >= 2 && !this.socket.destroyed) {
      const short = bytes[1]!;
      const start = short === 126 ? 4 : 2;
      if (bytes.length < start) break;
      const end = start + (short === 126 ? bytes.readUInt16BE(2) : short);
      if (bytes.length < end) break;
      this.#handler.frame(bytes[0]! & 0xf, bytes.subarray(start, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = Buffer.from(bytes);
  }
}
