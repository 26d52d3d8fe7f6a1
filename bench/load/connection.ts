import { connect, type Socket } from "node:net";
import type { Dialect } from "./dialects.ts";

/** What the connections of a load client have in common. */
export interface Load {
  readonly port: number;
  /** Where the next connection goes. */
  path(): string;
  readonly headers: string;
  readonly dialect: Dialect;
  /** What each connection sends when it is open, before it is ready. */
  readonly first: readonly string[];
  /** Whether data frames are only counted, unread. */
  isCounting: boolean;
  /** Called for each data frame while frames are counted; how many there were in one chunk. */
  counted(frames: number): void;
  /** Called for each chunk, with its bytes on the wire. */
  received(bytes: number): void;
  /** Called for each text or binary message while frames are read; text in latin1. */
  message(connection: Connection, text: string): void;
  ready(connection: Connection, text: string): void;
  ended(connection: Connection, why: string): void;
}

// All connections read into the same memory, since what is read is looked at at once.
const shared = Buffer.allocUnsafe(256 * 1024);
const nothing = Buffer.alloc(0);
const HEAD_END = "\r\n\r\n";

/** A client's connection over a bare socket that reads no more of a frame than is asked for. */
export class Connection {
  readonly socket: Socket;
  readonly #load: Load;
  #rest: Buffer = nothing;
  /** Bytes that still belong to a frame that was counted already. */
  #skip = 0;
  #state: "head" | "greeting" | "ready" = "head";

  constructor(load: Load) {
    this.#load = load;
    this.socket = connect({
      port: load.port,
      host: "127.0.0.1",
      noDelay: true,
      onread: {
        buffer: shared,
        callback: (length, buffer) => {
          this.#take(buffer as Buffer, length);
          return true;
        },
      },
    });
    this.socket.on("connect", () => {
      this.socket.write(
        `GET ${load.path()} HTTP/1.1\r\nHost: 127.0.0.1:${load.port}\r\nUpgrade: websocket\r\n` +
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
          `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${load.headers}\r\n`,
      );
    });
    this.socket.on("error", (error) => load.ended(this, error.message));
    this.socket.on(
      "end",
      () => load.ended(this, "the server ended the connection"),
    );
  }

  /** Sends text messages in one write, masked with zeros. */
  send(...texts: readonly string[]): void {
    this.socket.write(
      Buffer.concat(texts.map((text) => frame(0x1, Buffer.from(text)))),
    );
  }

  /** Cuts it off, so that no port stays taken. */
  cut(): void {
    this.socket.removeAllListeners("end");
    this.socket.resetAndDestroy();
  }

  #take(buffer: Buffer, length: number): void {
    const load = this.#load;
    load.received(length);
    let bytes = buffer;
    let at = 0;
    if (this.#skip > 0) {
      at = Math.min(this.#skip, length);
      this.#skip -= at;
    } else if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, buffer.subarray(0, length)]);
      length = bytes.length;
      this.#rest = nothing;
    }
    if (this.#state === "head") {
      at = this.#head(bytes.subarray(0, length));
      if (at === 0) {
        this.#rest = Buffer.from(bytes.subarray(0, length));
        return;
      }
    }
    let frames = 0;
    while (length - at >= 2) {
      const short = bytes[at + 1]! & 127;
      const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (start > length) break;
      const size = short < 126
        ? short
        : short === 126
        ? bytes[at + 2]! << 8 | bytes[at + 3]!
        : Number(bytes.readBigUInt64BE(at + 2));
      const end = start + size;
      const opcode = bytes[at]! & 15;
      if (load.isCounting && opcode < 8 && size > 1) {
        frames++;
        if (end > length) {
          this.#skip = end - length;
          at = length;
          break;
        }
      } else {
        if (end > length) break;
        this.#whole(opcode, bytes.subarray(start, end));
      }
      at = end;
    }
    if (at < length) this.#rest = Buffer.from(bytes.subarray(at, length));
    if (frames > 0) load.counted(frames);
  }

  /** Gives where the frames start, or 0 where the head is not whole yet. */
  #head(bytes: Buffer): number {
    const end = bytes.indexOf(HEAD_END);
    if (end === -1) return 0;
    const line = bytes.toString("latin1", 0, bytes.indexOf("\r\n"));
    if (!line.includes(" 101")) this.#load.ended(this, line);
    this.#state = "greeting";
    if (this.#load.first.length > 0) this.send(...this.#load.first);
    if (this.#load.dialect.greeting === undefined) this.#becomeReady(line);
    return end + HEAD_END.length;
  }

  #whole(opcode: number, payload: Buffer): void {
    const { dialect } = this.#load;
    if (opcode === 9) {
      this.socket.write(frame(0xa, payload));
    } else if (opcode === 8) {
      this.#load.ended(
        this,
        `closed with ${payload.length < 2 ? 1005 : payload.readUInt16BE()}`,
      );
    } else if (opcode < 3) {
      const text = payload.toString("latin1");
      const answer = dialect.answer?.(text);
      if (answer !== undefined) this.send(answer);
      else if (this.#state === "ready") this.#load.message(this, text);
      else if (dialect.greeting?.(text, this.#load.first.length)) {
        this.#becomeReady(text);
      }
    }
  }

  #becomeReady(text: string): void {
    this.#state = "ready";
    this.#load.ready(this, text);
  }
}

function frame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126
    ? [0x80 | opcode, 0x80 | length, 0, 0, 0, 0]
    : [0x80 | opcode, 0xfe, length >> 8, length & 255, 0, 0, 0, 0];
  return Buffer.concat([Buffer.from(head), payload]);
}
