/**
 * A proxy between the kit and a server of Protocol 1 that alters what it is told to, and passes
 * everything else byte for byte: so that any server can be made to break one requirement.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { bytesOf, concat, decodeUtf8 } from "../../wire/bytes.ts";
import { close, decodeFrame, encodeFrame, type FrameSpec, OPCODE } from "../../wire/frame.ts";
import { decodeResponse } from "../../wire/handshake.ts";
import { readAnswer } from "../../wire/http.ts";
import { ByteQueue } from "../../wire/queue.ts";
import type { Alteration, Alterations, Answer, Change, Link, Message } from "./alteration.ts";

/** A proxy that listens. */
export interface Altered extends AsyncDisposable {
  /** The server's URL, by way of the proxy. */
  readonly url: string;
  /** How often anything was altered: what never acts proves nothing. */
  readonly acted: number;
  close(): Promise<void>;
}

/** Listens on a port of the loopback interface, by default a free one, for the server at `url`. */
export async function startAltered(
  url: string,
  alterations: Alterations,
  port = 0,
): Promise<Altered> {
  const upstream = new URL(url);
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("close", () => sockets.delete(socket));
  };
  let acted = 0;
  const reach = () =>
    keep(connect({
      host: upstream.hostname,
      port: Number(upstream.port),
      noDelay: true,
      allowHalfOpen: true,
    }));
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const alteration = typeof alterations === "function" ? alterations() : alterations;
    new Passage(keep(socket), reach, alteration, () => acted++);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const shown = new URL(url);
  shown.port = String((server.address() as AddressInfo).port);
  const end = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    url: shown.href,
    get acted() {
      return acted;
    },
    close: end,
    [Symbol.asyncDispose]: end,
  };
}

/** One connection of a client, and the one to the server that stands for it. */
class Passage implements Link {
  request = "";
  readonly #client: Socket;
  readonly #reach: () => Socket;
  readonly #rule: Alteration;
  readonly #acted: () => void;
  readonly #fromClient = new ByteQueue();
  #fromServer = new ByteQueue();
  #server: Socket | null = null;
  #phase: "request" | "answer" | "frames" | "bytes" = "request";
  #closed = false;

  constructor(client: Socket, reach: () => Socket, rule: Alteration, acted: () => void) {
    [this.#client, this.#reach, this.#rule, this.#acted] = [client, reach, rule, acted];
    client.on("data", (chunk: Uint8Array) => {
      this.#fromClient.push(chunk);
      this.#readClient();
    });
    client.on("end", () => setImmediate(() => this.#server?.end()));
    client.on("error", () => this.#cut());
    client.on("close", () => this.#server?.destroy());
  }

  toClient(message: unknown): void {
    this.#acted();
    this.#toClient(message);
  }

  toServer(message: unknown): void {
    this.#acted();
    this.#toServer(message);
  }

  closeClient(code: number): void {
    this.#acted();
    this.#writeClient(encode(close(code), false));
  }

  closeServer(code: number): void {
    this.#acted();
    this.#closed = true;
    this.#writeServer(encode(close(code), true));
  }

  #cut(): void {
    if (!this.#closed && this.#rule.onCut !== undefined && this.#phase === "frames") {
      this.#rule.onCut(this);
      this.#server?.end();
    } else cut(this.#server);
  }

  #readClient(): void {
    if (this.#phase === "request") {
      const bytes = this.#fromClient.peek();
      const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("\r\n\r\n");
      if (end < 0) return;
      this.request = Buffer.from(this.#fromClient.take(end + 4)).toString("latin1").slice(0, end);
      const changed = this.#rule.onRequest?.(this.request);
      if (changed !== undefined) this.#acted();
      this.#phase = "answer";
      this.#ask(changed ?? this.request);
    }
    if (this.#phase !== "frames") {
      const bytes = this.#fromClient.take(this.#fromClient.length);
      // A write to a server that has answered and closed fails, and what was not read by then is lost. So
      // all that has come is read first.
      return void setImmediate(() => this.#writeServer(bytes));
    }
    this.#frames(this.#fromClient, (frame) => {
      if (frame.opcode === OPCODE.close) this.#closed = true;
      const message = messageOf(frame);
      if (message !== null) {
        const change = this.#rule.onRequestMessage?.(message, this);
        if (change === undefined) return this.#writeServer(frame.raw);
        this.#acted();
        for (const one of listOf(change)) this.#toServer(one);
      } else {
        this.#pass(frame.raw, this.#rule.onClientFrame?.(frame, this), true);
      }
    });
  }

  /** Connects to the server and sends it a request. */
  #ask(head: string): void {
    const server = this.#server = this.#reach();
    this.#fromServer = new ByteQueue();
    const isThis = () => this.#server === server;
    server.on("data", (chunk: Uint8Array) => {
      if (!isThis()) return;
      this.#fromServer.push(chunk);
      this.#readServer(false);
    });
    server.on("end", () => {
      if (!isThis()) return;
      this.#readServer(true);
      if (isThis()) this.#endClient();
    });
    server.on("error", () => isThis() && cut(this.#client));
    server.on("close", () => isThis() && this.#endClient());
    server.on("drain", () => this.#client.resume());
    this.#client.on("drain", () => server.resume());
    this.#writeServer(Buffer.from(`${head}\r\n\r\n`, "latin1"));
  }

  #readServer(ended: boolean): void {
    if (this.#phase === "answer" && !this.#readAnswer(ended)) return;
    if (this.#phase === "bytes") {
      return this.#writeClient(this.#fromServer.take(this.#fromServer.length));
    }
    this.#frames(this.#fromServer, (frame) => {
      const message = messageOf(frame);
      if (message !== null) {
        const change = this.#rule.onMessage?.(message, this);
        if (change === undefined) return this.#writeClient(frame.raw);
        this.#acted();
        for (const one of listOf(change)) this.#toClient(one);
      } else this.#pass(frame.raw, this.#rule.onFrame?.(frame, this), false);
    });
  }

  /** Passes the answer on, altered or not; false while it is not all there, or asked for anew. */
  #readAnswer(ended: boolean): boolean {
    const bytes = this.#fromServer.peek();
    const decoded = decodeResponse(bytes);
    if (decoded === undefined) return false;
    const upgraded = decoded.response.status === 101;
    const { onAnswer } = this.#rule;
    if (onAnswer === undefined) {
      if (upgraded) this.#writeClient(this.#fromServer.take(decoded.length));
      this.#phase = upgraded ? "frames" : "bytes";
      return true;
    }
    const answer = readAnswer(bytes, ended);
    if (answer === undefined) return false;
    const change = onAnswer(answer, this.request);
    if (change !== undefined) this.#acted();
    if (typeof change === "string") {
      const before = this.#server;
      this.#ask(change);
      before?.destroy();
      return false;
    }
    const whole = this.#fromServer.take(upgraded ? decoded.length : bytes.length);
    this.#writeClient(change === undefined ? whole : encodeAnswer(change));
    this.#phase = upgraded ? "frames" : "bytes";
    return true;
  }

  #frames(queue: ByteQueue, take: (frame: NonNullable<ReturnType<typeof decodeFrame>>) => void) {
    for (;;) {
      const frame = decodeFrame(queue.peek());
      if (frame === undefined) return;
      queue.take(frame.raw.length);
      take(frame);
    }
  }

  #pass(raw: Uint8Array, change: readonly FrameSpec[] | undefined, masked: boolean): void {
    if (change !== undefined) this.#acted();
    const bytes = change === undefined ? raw : concat(change.map((one) => encode(one, masked)));
    if (masked) this.#writeServer(bytes);
    else this.#writeClient(bytes);
  }

  #toClient(message: unknown): void {
    this.#writeClient(encode(specOf(message), false));
  }

  #toServer(message: unknown): void {
    this.#writeServer(encode(specOf(message), true));
  }

  #writeClient(bytes: Uint8Array): void {
    const write = (part: Uint8Array) => {
      if (this.#client.writable && !this.#client.write(part)) this.#server?.pause();
    };
    if (this.#rule.write === undefined) write(bytes);
    else this.#rule.write(bytes, write);
  }

  #endClient(): void {
    if (this.#rule.end === undefined) this.#client.end();
    else this.#rule.end(() => this.#client.end());
  }

  #writeServer(bytes: Uint8Array): void {
    const server = this.#server;
    if (bytes.length > 0 && server?.writable && !server.write(bytes)) this.#client.pause();
  }
}

/** Resets a connection. One that is not made, or is ended already, cannot be reset, and would leak. */
function cut(socket: Socket | null): void {
  if (socket === null || socket.destroyed) return;
  if (socket.connecting || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** The message that a frame is, or null where it is something else. */
function messageOf(frame: {
  readonly opcode: number;
  readonly fin: boolean;
  readonly rsv1: boolean;
  readonly payload: Uint8Array;
}): Message | null {
  if (frame.opcode !== OPCODE.text || !frame.fin || frame.rsv1) return null;
  try {
    const value: unknown = JSON.parse(decodeUtf8(frame.payload) ?? "");
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Message
      : null;
  } catch {
    return null;
  }
}

function listOf(change: NonNullable<Change>): readonly unknown[] {
  return Array.isArray(change) ? change : [change];
}

function specOf(message: unknown): FrameSpec {
  if (message instanceof Uint8Array) return { opcode: OPCODE.binary, payload: message };
  return isFrame(message)
    ? message
    : { opcode: OPCODE.text, payload: bytesOf(JSON.stringify(message)) };
}

function isFrame(value: unknown): value is FrameSpec {
  return typeof value === "object" && value !== null && "opcode" in value && "payload" in value;
}

function encode(spec: FrameSpec, masked: boolean): Uint8Array {
  return masked
    ? encodeFrame(spec, randomBytes(4))
    : encodeFrame({ ...spec, mask: false }, new Uint8Array(4));
}

function encodeAnswer({ status, headers, body, json }: Answer): Uint8Array {
  const content = bytesOf(json === undefined ? body : JSON.stringify(json));
  const lines = headers.filter(([name]) => !/^(content-length|transfer-encoding)$/i.test(name))
    .map(([name, value]) => `${name}: ${value}`);
  if (status !== 101) lines.push(`Content-Length: ${content.length}`);
  return concat([
    bytesOf(`HTTP/1.1 ${status} Altered\r\n${lines.join("\r\n")}\r\n\r\n`),
    content,
  ]);
}
