/**
 * A TCP or TLS connection below WebSocket: bytes out as the case wants them, bytes in as they come,
 * and waiting that says what was awaited.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { concat } from "./bytes.ts";
import { setAlarm } from "./clock.ts";
import { ByteQueue } from "./queue.ts";
import { Transcript } from "./transcript.ts";

/** Where to connect, from a `ws:` or `wss:` URL. */
export interface Target {
  readonly url: string;
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Path and query, as the request line has it. */
  readonly path: string;
  /** The value of the Host header: the port only where it is not the scheme's own. */
  readonly authority: string;
  /** Accept any certificate. */
  readonly insecure: boolean;
  /** PEM of the certificates to trust, in place of the well-known ones. */
  readonly ca: string | null;
}

/** How a wire is opened. */
export interface WireOptions {
  /** Milliseconds until a wait fails, in which the process was awake. */
  readonly timeout: number;
  /** Name in the transcript: `#1`, `#2` … in one case. */
  readonly name?: string;
  /** Strings that the transcript must not show. */
  readonly secrets?: readonly string[];
}

/** How the server ended the TCP connection. */
export type Ending = "fin" | "reset";

/** A wait that ended without what it waited for. */
export class TimeOut extends Error {
  override readonly name = "TimeOut";
  readonly awaited: string;
  readonly milliseconds: number;
  constructor(awaited: string, milliseconds: number) {
    super(`waited ${milliseconds} ms for ${awaited}`);
    this.awaited = awaited;
    this.milliseconds = milliseconds;
  }
}

/** What the runtimes' libraries say of a server that does not speak TLS. */
const NO_TLS = /wrong.version.number|InvalidContentType/i;

/** The TCP (or TLS) connection could not be made. */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
}

/** The case ended while it still waited: its wires were taken from it. */
export class Abandoned extends Error {
  override readonly name = "Abandoned";
}

/** Received bytes above which the kit stops reading until the case takes some. */
const HIGH_WATER = 64 * 1024 * 1024;

/** One open connection. Made by {@link Wire.connect}. */
export class Wire {
  readonly transcript: Transcript;
  readonly timeout: number;
  readonly #socket: Socket;
  /** TCP below TLS, or the same as `#socket`. */
  readonly #tcp: Socket;
  readonly #received = new ByteQueue();
  readonly #waiters: (() => void)[] = [];
  #ending: Ending | null = null;
  #written = 0;
  #abandoned = false;
  #paused = false;
  #halfClosed = false;

  private constructor(tcp: Socket, socket: Socket, transcript: Transcript, timeout: number) {
    this.#tcp = tcp;
    this.#socket = socket;
    this.transcript = transcript;
    this.timeout = timeout;
    // Every write that is under way listens for the end.
    socket.setMaxListeners(0);
    socket.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    socket.on("end", () => this.#end("fin"));
    socket.on("error", () => this.#end("reset"));
    socket.on("close", () => this.#end("fin"));
  }

  /** Opens a connection; {@link Unreachable} where there is none to be had. */
  static async connect(target: Target, options: WireOptions): Promise<Wire> {
    const { host, port } = target;
    const transcript = new Transcript(options.name ?? "#1", options.secrets);
    const tcp = connectTcp({ host, port, allowHalfOpen: true });
    tcp.setNoDelay(true);
    const socket = target.secure ? connectTls({ ...tlsOptions(target), socket: tcp }) : tcp;
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string) => {
        callOff();
        socket.destroy();
        reject(new Unreachable(`${host}:${port}: ${reason}`));
      };
      const callOff = setAlarm(options.timeout, () => fail("no answer to the connection"));
      const onError = ({ message, name }: Error) =>
        fail(NO_TLS.test(message) ? "what it answers is no TLS" : message || name);
      socket.once("error", onError);
      socket.once(target.secure ? "secureConnect" : "connect", () => {
        callOff();
        socket.off("error", onError);
        resolve();
      });
    });
    return new Wire(tcp, socket, transcript, options.timeout);
  }

  /** How the server ended the connection, once it has. */
  get ending(): Ending | null {
    return this.#ending;
  }

  /** How many bytes were written to it, be they sent yet or not. */
  get written(): number {
    return this.#written;
  }

  /** The bytes received and not taken; valid until more come. */
  peek(): Uint8Array {
    return this.#received.peek();
  }

  /** Takes the first `count` of the bytes received. */
  take(count: number): Uint8Array {
    const taken = this.#received.take(count);
    if (this.#paused && this.#received.length < HIGH_WATER) this.resume();
    return taken;
  }

  /** Sends all the parts as one write. Nothing happens where the connection has ended. */
  write(...parts: readonly Uint8Array[]): void {
    void this.#write(concat(parts));
  }

  /** Sends `bytes` in pieces of `size` bytes, each handed to the network before the next. */
  async writePieces(bytes: Uint8Array, size: number): Promise<void> {
    for (let at = 0; at < bytes.length && this.#ending === null; at += size) {
      await this.#write(bytes.subarray(at, at + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Resolves when all that was written is in the hands of the network. */
  async flush(): Promise<void> {
    if (this.#socket.writableLength === 0) return;
    await this.waitFor("the server to read what was sent", () => this.#drained());
  }

  /** Sends FIN: no more bytes from here, while those of the server are still read. */
  halfClose(): void {
    if (this.#halfClosed || this.#socket.destroyed) return;
    this.#halfClosed = true;
    this.transcript.note(">", "FIN");
    this.#socket.end();
  }

  /** Sends RST. */
  reset(): void {
    this.transcript.note(">", "RST");
    this.#tcp.resetAndDestroy();
  }

  /** Stops reading, so that the server's writes fill the network's buffers. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }

  /** Gives the connection up; a wait still under way fails with {@link Abandoned}. */
  abandon(): void {
    this.#abandoned = true;
    this.#socket.destroy();
    this.#wake();
  }

  /**
   * Asks `look` now and after every change until it answers something else than undefined.
   *
   * @param awaited what is waited for, to follow "waited 2000 ms for …"
   */
  async waitFor<T>(awaited: string, look: () => T | undefined, timeout?: number): Promise<T> {
    const milliseconds = timeout ?? this.timeout;
    let isLate = false;
    let callOff: (() => void) | null = null;
    try {
      for (;;) {
        if (this.#abandoned) throw new Abandoned(awaited);
        const found = look();
        if (found !== undefined) return found;
        if (isLate) throw new TimeOut(awaited, milliseconds);
        callOff ??= setAlarm(milliseconds, () => {
          isLate = true;
          this.#wake();
        });
        await new Promise<void>((resolve) => this.#waiters.push(resolve));
      }
    } finally {
      callOff?.();
    }
  }

  #write(bytes: Uint8Array): Promise<void> {
    if (this.#socket.destroyed || this.#halfClosed) return Promise.resolve();
    this.transcript.bytes(">", bytes);
    this.#written += bytes.length;
    return new Promise((resolve) => {
      this.#socket.once("close", resolve);
      this.#socket.write(Buffer.from(bytes), () => {
        this.#socket.off("close", resolve);
        this.#wake();
        resolve();
      });
    });
  }

  #drained(): true | undefined {
    return this.#socket.writableLength === 0 || this.#ending !== null ? true : undefined;
  }

  #onData(chunk: Uint8Array): void {
    this.transcript.bytes("<", chunk);
    this.#received.push(chunk);
    if (this.#received.length > HIGH_WATER) this.pause();
    this.#wake();
  }

  #end(how: Ending): void {
    if (this.#ending !== null || this.#abandoned) return;
    this.#ending = how;
    this.transcript.note("<", how === "fin" ? "FIN" : "RST");
    this.#wake();
  }

  #wake(): void {
    for (const waiter of this.#waiters.splice(0)) waiter();
  }
}

function tlsOptions({ host, port, insecure, ca }: Target) {
  return {
    host,
    port,
    allowHalfOpen: true,
    rejectUnauthorized: !insecure,
    ALPNProtocols: ["http/1.1"],
    // An address is no server name (RFC 6066 section 3).
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ...(ca === null ? {} : { ca }),
  };
}

/**
 * Reads a `ws:` or `wss:` URL.
 *
 * @throws TypeError that says what is wrong with it
 */
export function targetOf(
  url: string,
  tls: { readonly insecure?: boolean; readonly ca?: string | null } = {},
): Target {
  if (!URL.canParse(url)) throw new TypeError(`not a URL: ${url}`);
  const { protocol, hostname, port, pathname, search, host, hash } = new URL(url);
  if (protocol !== "ws:" && protocol !== "wss:") {
    throw new TypeError(`the URL must start with ws:// or wss://: ${url}`);
  }
  if (hash !== "") throw new TypeError(`a ws URL has no fragment (RFC 6455 section 3): ${url}`);
  const secure = protocol === "wss:";
  return {
    url,
    secure,
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (secure ? 443 : 80) : Number(port),
    path: pathname + search,
    authority: host,
    insecure: tls.insecure ?? false,
    ca: tls.ca ?? null,
  };
}
