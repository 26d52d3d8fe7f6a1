/**
 * A client at the level of bytes, for what no WebSocket client would send or show.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

/** An HTTP answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A frame of the server (RFC 6455 section 5.2). */
export interface TcpFrame {
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The head of a handshake that nothing is wrong with. */
export const goodHandshake: Readonly<Record<string, string>> = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** Builds a frame, masked with zeros unless told otherwise. */
export function frame(
  opcode: number,
  payload: Uint8Array | string = "",
  { isMasked = true, isFinal = true } = {},
): Buffer {
  const body = Buffer.from(payload as string);
  const mask = isMasked ? 0x80 : 0;
  const first = (isFinal ? 0x80 : 0) | opcode;
  let head = Buffer.from([first, mask | body.length]);
  if (body.length > 65_535) {
    head = Buffer.alloc(10);
    head.set([first, mask | 127]);
    head.writeBigUInt64BE(BigInt(body.length), 2);
  } else if (body.length > 125) {
    head = Buffer.alloc(4);
    head.set([first, mask | 126]);
    head.writeUInt16BE(body.length, 2);
  }
  return Buffer.concat([head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

/** A Close frame. */
export function closeFrame(code: number, reason = ""): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(opcodes.close, Buffer.concat([payload, Buffer.from(reason)]));
}

/** The code in a Close frame; 1005 where it has none. */
export function closeCode({ payload }: TcpFrame): number {
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
}

/** A TCP connection to a server. */
export class TcpClient {
  /** The socket itself. */
  readonly socket: Socket;
  /** Resolves when the server has ended the connection, or it is cut. */
  readonly ended: Promise<void>;
  #received: Buffer = Buffer.alloc(0);
  #hasEnded = false;
  #wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    this.socket.on("error", () => {});
    this.socket.on("data", (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      const end = () => {
        this.#hasEnded = true;
        this.#wake();
        resolve();
      };
      this.socket.on("end", end);
      this.socket.on("close", end);
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Sends a request with this head, then `after` in the same write, and takes the answer. */
  async request(
    target: string,
    headers: Readonly<Record<string, string>> = goodHandshake,
    { method = "GET", after = Buffer.alloc(0) as Uint8Array } = {},
  ): Promise<HttpAnswer> {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const head = `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join("")}\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(head, "latin1"), after]));
    return await this.answer();
  }

  /** Takes an HTTP answer. */
  async answer(): Promise<HttpAnswer> {
    const head = await this.#take(() => {
      const end = this.#received.indexOf("\r\n\r\n");
      return end < 0 ? undefined : end + 4;
    });
    if (head === undefined) throw new Error("the connection ended before an answer");
    const [statusLine = "", ...lines] = head.toString("latin1").trimEnd().split("\r\n");
    const headers = new Headers();
    for (const line of lines) {
      const colon = line.indexOf(":");
      headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    const length = Number(headers.get("content-length") ?? 0);
    const body = await this.#take(() => this.#received.length < length ? undefined : length);
    if (body === undefined) throw new Error(`the body is shorter than ${length} bytes`);
    return { status: Number(statusLine.split(" ")[1]), headers, body: body.toString("utf8") };
  }

  /** Takes the next frame; undefined where the connection ends first. */
  async frame(): Promise<TcpFrame | undefined> {
    const whole = await this.#take(() => frameLength(this.#received));
    if (whole === undefined) return undefined;
    const short = whole[1]! & 0x7f;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    const first = whole[0]!;
    return { opcode: first & 0x0f, fin: (first & 0x80) !== 0, payload: whole.subarray(head) };
  }

  /** Takes frames until one of this kind, which it gives. */
  async nextOf(opcode: number): Promise<TcpFrame> {
    for (;;) {
      const next = await this.frame();
      if (next === undefined) throw new Error(`the connection ended before a frame ${opcode}`);
      if (next.opcode === opcode) return next;
    }
  }

  /** Takes the next text message, which must be JSON. */
  async json(): Promise<Readonly<Record<string, unknown>>> {
    const next = await this.frame();
    if (next?.opcode !== opcodes.text) throw new Error(`no text but ${next?.opcode ?? "the end"}`);
    return JSON.parse(next.payload.toString("utf8"));
  }

  /** Takes frames until a Close frame or the end, and gives the Close frame's code. */
  async closeCode(): Promise<number | undefined> {
    for (;;) {
      const next = await this.frame();
      if (next === undefined) return undefined;
      if (next.opcode === opcodes.close) return closeCode(next);
    }
  }

  send(...bytes: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  /** Cuts the connection without a word. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  async #take(length: () => number | undefined): Promise<Buffer | undefined> {
    for (;;) {
      const found = length();
      if (found !== undefined) {
        const taken = this.#received.subarray(0, found);
        this.#received = this.#received.subarray(found);
        return taken;
      }
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  const head = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < head) return undefined;
  const length = short === 127
    ? Number(bytes.readBigUInt64BE(2))
    : short === 126
    ? bytes.readUInt16BE(2)
    : short;
  return bytes.length < head + length ? undefined : head + length;
}

/** Opens a WebSocket connection and takes nothing of what comes. */
export async function openTcp(
  port: number,
  target = "/ws",
  headers: Readonly<Record<string, string>> = {},
  after: Uint8Array = Buffer.alloc(0),
): Promise<TcpClient> {
  const client = new TcpClient(port);
  const { status, body } = await client.request(target, { ...goodHandshake, ...headers }, {
    after,
  });
  if (status !== 101) throw new Error(`the handshake was answered ${status} ${body}`);
  return client;
}
