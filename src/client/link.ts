import { byteLength } from "../base/byte_length.ts";
import { HeddleError } from "../base/errors.ts";
import { Dictionary } from "../protocol/compression.ts";
import type { Features, ServerMessageOf } from "../protocol/messages.ts";
import { asError, ClosedError } from "./errors.ts";
import { readBatched, readFrame, type Received } from "./frames.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { ResolvedClientOptions } from "./options.ts";
import { type ClientSocket, defaultWebSocket } from "./socket.ts";
import { target } from "./url.ts";

/** How a link ended without being asked to. */
export interface LinkEnding {
  readonly error: HeddleError;
  /** The close code; 1006 where there was none. */
  readonly code: number;
  readonly reason: string;
  /** Seconds to stay away, as the server asked; 0 where it did not. */
  readonly retryAfter: number;
}

/** Whom a link tells. After {@linkcode Link.close} it tells nothing. */
export interface LinkOwner {
  /** The server greeted: the first of all calls. */
  connected(message: ServerMessageOf<"connected">): void;
  /** A message came, the greeting and what came before it excepted. */
  received(message: Received): void;
  /** A frame that is no message, or a failure of our own; the link lives. */
  failed(error: unknown): void;
  /** It is over: the last of all calls. */
  ended(ending: LinkEnding): void;
}

/** The dictionary that the server told last; kept from one connection to the next. */
export interface KnownDictionary {
  current: Dictionary | undefined;
}

/** What is sent, for the limit it comes under. */
export type FrameKind = "text" | "subscribe" | "binary";

/** States of a socket (WHATWG WebSockets section 3). */
const CONNECTING = 0;
const OPEN = 1;

/** How long the peer has to answer a close. */
const CLOSE_TIMEOUT = 5000;

/**
 * One way to the server, from the token to the end of the socket. It is used once: who comes back
 * makes another.
 */
export class Link {
  readonly #options: ResolvedClientOptions;
  readonly #owner: LinkOwner;
  readonly #dictionary: KnownDictionary;
  readonly #gone: Promise<void>;
  #isGone: () => void = () => {};
  #socket: ClientSocket | undefined;
  #state: "opening" | "open" | "over" = "opening";
  #stopTimer: () => void;
  #heartbeat: Heartbeat | undefined;
  #limits: Readonly<Record<string, number>> = {};
  #granted: Features = {};
  #retryAfter = 0;
  /** The server has said that it closes. */
  #isEnding = false;
  #detail = "";

  /** Starts at once. */
  constructor(options: ResolvedClientOptions, owner: LinkOwner, dictionary: KnownDictionary) {
    const { clock, connectTimeout } = options;
    this.#options = options;
    this.#owner = owner;
    this.#dictionary = dictionary;
    this.#gone = new Promise((resolve) => this.#isGone = resolve);
    this.#stopTimer = connectTimeout === Infinity ? () => {} : clock.after(connectTimeout, () => {
      this.#end(new HeddleError("timeout", `no "connected" within ${connectTimeout} ms`));
    });
    this.#open().catch((error: unknown) => {
      this.#isGone();
      this.#end(asHeddleError("the connection could not be opened", error));
    });
  }

  /** What the server granted of the features asked for. */
  get granted(): Features {
    return this.#granted;
  }

  /** Whether what is sent now may arrive: neither side has begun to close. */
  get isWritable(): boolean {
    const { readyState = OPEN } = this.#socket ?? { readyState: CONNECTING };
    return this.#state === "open" && !this.#isEnding && readyState === OPEN;
  }

  /**
   * Sends one message.
   *
   * @throws {HeddleError} `too_large` where it is over the limit that the server told, `closed`.
   */
  send(frame: string | Uint8Array<ArrayBuffer>, kind: FrameKind): void {
    if (this.#socket === undefined || this.#state !== "open") throw notConnected();
    this.check(frame, kind);
    this.#socket.send(frame);
  }

  /** @throws {HeddleError} `too_large` where it is over the limit that the server told. */
  check(frame: string | Uint8Array<ArrayBuffer>, kind: FrameKind): void {
    const limit = this.#limits[`${kind}_bytes`] ?? Infinity;
    const size = typeof frame === "string" ? byteLength(frame) : frame.byteLength;
    if (size > limit) {
      throw new HeddleError(
        "too_large",
        `the message has ${size} bytes; the server takes at most ${limit}`,
      );
    }
  }

  /** Gives it up, since the server does what it should not. */
  fail(error: HeddleError): void {
    this.#end(error);
  }

  /** Ends it from this side. The promise waits for the peer's answer, though not for long. */
  close(): Promise<void> {
    if (this.#state !== "over") {
      this.#finish();
      if (this.#socket === undefined) {
        this.#isGone();
      } else {
        const stopTimer = this.#options.clock.after(CLOSE_TIMEOUT, this.#isGone);
        this.#gone.then(stopTimer);
        this.#socket.close(1000);
      }
    }
    return this.#gone;
  }

  async #open(): Promise<void> {
    const { address, credentials, tokenPlace } = this.#options;
    const token = await credentials.find();
    const WebSocket = this.#options.WebSocket ?? await defaultWebSocket();
    if (this.#state === "over") return;
    const { url, protocols } = target(address, token, tokenPlace);
    const socket = new WebSocket(url, protocols);
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#take(data);
    socket.onerror = ({ message }: { readonly message?: unknown }) => {
      if (typeof message === "string") this.#detail = withoutSecret(message, token);
    };
    socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => {
      this.#isGone();
      // Deno tells of an abnormal end by 0.
      this.#closed(code === 0 ? 1006 : code, reason);
    };
    this.#socket = socket;
  }

  #take(data: unknown): void {
    if (this.#state === "over") return;
    this.#heartbeat?.heard();
    this.#attempt(() => {
      this.#receive(readFrame(data, {
        limit: this.#options.maxInflated,
        granted: this.#granted.compression?.algorithm,
        dictionary: this.#grantedDictionary,
      }));
    });
  }

  /** Nothing may be thrown out of a socket's callback: that would end the process. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  #receive(message: Received): void {
    if (this.#state === "over") return;
    const { known } = message;
    if (known?.type === "batch") {
      for (const part of known.messages) this.#attempt(() => this.#receive(readBatched(part)));
      return;
    }
    if (known?.type === "disconnected") {
      this.#retryAfter = known.retry_after ?? 0;
      this.#isEnding = true;
    }
    if (known?.type === "welcome") this.#grant(known.features);
    if (this.#state === "open") this.#owner.received(message);
    else if (known?.type === "connected") this.#greeted(known);
  }

  #grant(features: Features): void {
    this.#granted = features;
    const content = features.compression?.dictionary?.content;
    if (content === undefined) return;
    const bytes = Uint8Array.from(atob(content), (char) => char.charCodeAt(0));
    this.#dictionary.current = new Dictionary(bytes);
  }

  get #grantedDictionary(): Dictionary | undefined {
    const id = this.#granted.compression?.dictionary?.id;
    const { current } = this.#dictionary;
    return id !== undefined && current?.id === id ? current : undefined;
  }

  #greeted(message: ServerMessageOf<"connected">): void {
    const { clock } = this.#options;
    this.#state = "open";
    this.#stopTimer();
    this.#limits = message.limits;
    this.#heartbeat = new Heartbeat(
      clock,
      message.heartbeat_interval,
      () => this.#socket?.send('{"type":"ping"}'),
      () => this.#end(new ClosedError("the connection was lost: nothing came for long", 1006, "")),
    );
    this.#owner.connected(message);
  }

  #closed(code: number, reason: string): void {
    const what = this.#state === "open"
      ? "the connection was closed"
      : "the connection was refused, or lost before the server greeted";
    const told = [`code ${code}`, reason, this.#detail].filter((part) => part !== "").join(", ");
    this.#end(new ClosedError(`${what} (${told})`, code, reason));
  }

  /** Ends it where nobody asked: tells the owner, once. */
  #end(error: HeddleError): void {
    if (this.#state === "over") return;
    this.#finish();
    this.#socket?.close();
    const { closeCode: code, closeReason: reason } = error instanceof ClosedError
      ? error
      : { closeCode: 1006, closeReason: "" };
    this.#owner.ended({ error, code, reason, retryAfter: this.#retryAfter });
  }

  #finish(): void {
    this.#state = "over";
    this.#stopTimer();
    this.#heartbeat?.stop();
  }
}

/** What is thrown where a connection is needed and there is none. */
export function notConnected(): HeddleError {
  return new HeddleError("closed", "the client is not connected");
}

/** Some runtimes repeat the address in their errors, and the token with it. */
function withoutSecret(text: string, secret = ""): string {
  if (secret === "") return text;
  return text.replaceAll(secret, "…").replaceAll(encodeURIComponent(secret), "…");
}

function asHeddleError(what: string, error: unknown): HeddleError {
  if (error instanceof HeddleError) return error;
  return new HeddleError("closed", `${what}: ${asError(error).message}`, { cause: error });
}
