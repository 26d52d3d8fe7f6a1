/**
 * A client that sends what a test says, and keeps what comes, in order.
 *
 * @module
 */
import { type ClientOptions, type RawData, WebSocket } from "ws";

/** A text message of the server, parsed, or the bytes of a binary one. */
export type Received = Readonly<Record<string, unknown>> | Uint8Array<ArrayBuffer>;

/** How a connection ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** How a handshake was refused. */
export interface RefusedHandshake {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** An open connection of a test. */
export class RawClient {
  readonly #socket: WebSocket;
  readonly #received: Received[] = [];
  readonly #waiting: (() => void)[] = [];
  /** Resolves when the connection has ended. */
  readonly closed: Promise<Closed>;
  #hasClosed = false;

  /** @param socket Not open yet, so that nothing it receives is missed. */
  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data, isBinary) => {
      this.#received.push(isBinary ? bytesOf(data) : JSON.parse(String(data)));
      this.#wake();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#hasClosed = true;
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
  }

  /** What came and was not taken yet. */
  get pending(): readonly Received[] {
    return this.#received;
  }

  /** Sends a text message: a string as it is, anything else as JSON. */
  send(message: unknown): void {
    this.#socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Sends a binary message. */
  sendBytes(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: true });
  }

  /** Takes the next message. Rejects where the connection ends first. */
  async next(): Promise<Received> {
    for (;;) {
      const message = this.#received.shift();
      if (message !== undefined) return message;
      if (this.#hasClosed) throw new Error("the connection ended before the message came");
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Takes the next message, which must be JSON. */
  async json(): Promise<Readonly<Record<string, unknown>>> {
    const message = await this.next();
    if (message instanceof Uint8Array) throw new Error("a binary message came instead of text");
    return message;
  }

  /** Takes messages until one of this type, which it gives. */
  async nextOf(type: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const message = await this.next();
      if (!(message instanceof Uint8Array) && message["type"] === type) return message;
    }
  }

  /** Sends a message and takes the next one that repeats its correlation id. */
  async ask(
    message: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, unknown>>> {
    const correlation_id = `ask-${RawClient.#asked++}`;
    this.send({ ...message, correlation_id });
    for (;;) {
      const answer = await this.next();
      if (answer instanceof Uint8Array) continue;
      if (answer["correlation_id"] === correlation_id) return answer;
    }
  }
  static #asked = 0;

  /** Starts the closing handshake. */
  close(code = 1000): Promise<Closed> {
    this.#socket.close(code);
    return this.closed;
  }

  /** Cuts the connection off. */
  terminate(): void {
    this.#socket.terminate();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** Opens a connection; the first message is not taken. */
export function connectRaw(url: string, options: ClientOptions = {}): Promise<RawClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  const client = new RawClient(socket);
  return new Promise((resolve, reject) => {
    socket.on("open", () => resolve(client));
    socket.on("error", reject);
  });
}

/** Tries to open a connection that must be refused with an HTTP answer. */
export function connectRefused(
  url: string,
  options: ClientOptions = {},
): Promise<RefusedHandshake> {
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  return new Promise((resolve, reject) => {
    socket.on("open", () => reject(new Error("the handshake was not refused")));
    socket.on("error", reject);
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk: unknown) => body += String(chunk));
      response.on("end", () => {
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, body });
      });
    });
  });
}

function bytesOf(data: RawData): Uint8Array<ArrayBuffer> {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  const chunks = Array.isArray(data) ? data : [data];
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
