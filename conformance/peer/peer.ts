/**
 * The server, as a case sees it.
 *
 * @module
 */
import type { Random } from "../random.ts";
import type { Offer } from "../target/offer.ts";
import type { Agreement } from "../wire/deflate.ts";
import { acceptOf, encodeRequest, keyOf, type RequestSpec } from "../wire/handshake.ts";
import { type Target, Unreachable, Wire } from "../wire/socket.ts";
import { Connection, type Patience } from "./connection.ts";
import { Broken, type CloseFinding, Refused, Skipped } from "./finding.ts";
import { Handshake, readAnswer } from "./handshake.ts";
import type { Violation } from "./watch.ts";

/** What was found out about the server before the first case. */
export interface Facts {
  /** It sends every message back. */
  readonly echoes: boolean;
  /** How many messages it sends by itself when a connection opens. */
  readonly greetings: number;
  /** It agrees to permessage-deflate. */
  readonly deflate: boolean;
  /** What it offers of Protocol 1; null where no case of it was asked for. */
  readonly offer: Offer | null;
}

/** How the run was asked for, as far as a case may want to know. */
export interface PeerOptions {
  readonly target: Target;
  readonly facts: Facts;
  readonly patience: Patience;
  /** Other cases have connections open. */
  readonly crowded: boolean;
  /** 429 and 503 are taken for the answer to what was asked, and not for lack of room. */
  readonly insists: boolean;
  readonly random: Random;
  /** Seed of this case's property. */
  readonly seed: number;
  /** Runs of a property. */
  readonly runs: number;
  /** The server's largest message in bytes; null where not known. */
  readonly maxMessage: number | null;
  readonly profile: "fast" | "full";
  /** Header fields that the endpoint needs. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly subprotocols: readonly string[];
}

/** How a handshake is sent. */
export interface HandshakeOptions {
  /** TCP segments of that many bytes. @default one write */
  readonly pieces?: number;
  /** Another way to the server: a proxy. @default the target's own */
  readonly target?: Target;
}

/** How to connect. */
export interface ConnectOptions {
  /** Offer permessage-deflate: true, or the whole offer with its parameters. @default false */
  readonly deflate?: boolean | string;
}

/** The offer of {@link ConnectOptions.deflate} where it is just true. */
export const PLAIN_OFFER = "permessage-deflate; client_max_window_bits";

/** How many messages a transcript keeps. */
const NOTES = 100;

/** One case's hold on the server. */
export class Peer {
  readonly facts: Facts;
  readonly random: Random;
  readonly seed: number;
  readonly runs: number;
  readonly maxMessage: number | null;
  readonly profile: "fast" | "full";
  readonly target: Target;
  /** How long it waits; a property that is being shrunk waits less. */
  patience: Patience;
  /** Other cases have connections open; what does not pass is repeated alone. */
  readonly crowded: boolean;
  /** What the server's frames broke, whatever the case asked. */
  readonly violations: Violation[] = [];
  /** How many inputs its properties tried, of how many. */
  readonly tried = { made: 0, asked: 0 };
  /** How the server closed, connection by connection. */
  readonly closings: CloseFinding[] = [];
  readonly #options: PeerOptions;
  readonly #wires: Wire[] = [];
  readonly #notes: string[] = [];
  readonly #started = performance.now();

  constructor(options: PeerOptions) {
    this.#options = options;
    this.facts = options.facts;
    this.random = options.random;
    this.seed = options.seed;
    this.runs = options.runs;
    this.maxMessage = options.maxMessage;
    this.profile = options.profile;
    this.target = options.target;
    this.patience = options.patience;
    this.crowded = options.crowded;
  }

  /** The same case's hold on another server. */
  at(target: Target): Peer {
    return new Peer({ ...this.#options, target, insists: true });
  }

  /** A TCP (or TLS) connection, nothing sent. @throws Refused */
  async open(target = this.target): Promise<Wire> {
    try {
      const wire = await Wire.connect(target, {
        timeout: this.patience.timeout,
        name: `#${this.#wires.length + 1}`,
        secrets: this.#options.headers.map(([, value]) => value),
      });
      this.#wires.push(wire);
      return wire;
    } catch (error) {
      throw error instanceof Unreachable ? new Refused(error.message) : error;
    }
  }

  /** Sends a request, honest but for what `spec` sets otherwise, and reads the answer. */
  async handshake(spec: RequestSpec = {}, options: HandshakeOptions = {}): Promise<Handshake> {
    const wire = await this.open(options.target);
    const key = this.key();
    const bytes = this.request(key, spec);
    if (options.pieces === undefined) wire.write(bytes);
    else await wire.writePieces(bytes, options.pieces);
    return await this.answer(wire, key);
  }

  /**
   * A Sec-WebSocket-Key that follows from the seed. Neither it nor its hash has a + or a /: a server
   * that gets those wrong is for the cases about the key alone.
   */
  key(): string {
    for (;;) {
      const key = keyOf(this.random.bytes(16));
      if (!/[+/]/.test(key + acceptOf(key))) return key;
    }
  }

  /** The bytes of a request, for a case that sends them in its own way; then {@link answer}. */
  request(key: string, spec: RequestSpec = {}): Uint8Array {
    const { headers, subprotocols } = this.#options;
    const own = Object.fromEntries(headers);
    const offered = subprotocols.length === 0
      ? {}
      : { "Sec-WebSocket-Protocol": subprotocols.join(", ") };
    const all = { ...own, ...offered, ...spec.headers };
    return encodeRequest(this.target, key, { ...spec, headers: all });
  }

  /** Reads the answer to a request that was sent on `wire` with `key`. @throws Refused */
  async answer(wire: Wire, key: string): Promise<Handshake> {
    const answer = await readAnswer(wire);
    const status = answer.response?.status;
    if (status === 429 || status === 503) {
      if (!this.#options.insists) throw new Refused(`${status}, maybe for lack of room`);
      const before = this.#wires.length - 1;
      if (before > 0) throw new Skipped(`the server answers ${status} after ${before} connections`);
    }
    return new Handshake(wire, key, answer, (agreement) => this.#connection(wire, agreement));
  }

  /**
   * A connection by an honest handshake.
   *
   * @throws Refused where the server, which accepted one before, does not accept this
   * @throws Skipped where it admits no more than the case has opened before; where the answer is no right
   * one, which is for the cases of the handshake to judge,
   * or deflate was offered and not agreed to
   */
  async connect(options: ConnectOptions = {}): Promise<Connection> {
    const offer = options.deflate === true ? PLAIN_OFFER : options.deflate;
    const headers = typeof offer === "string" ? { "Sec-WebSocket-Extensions": offer } : {};
    const handshake = await this.handshake({ headers });
    const status = handshake.response?.status;
    if (status === undefined || status === 429 || status === 503) {
      throw new Refused(`an honest handshake got: ${handshake.observed}`);
    }
    const wrong = handshake.whatIsWrong();
    if (wrong !== null) {
      const observed = `${wrong.observed} and not ${wrong.expected}`;
      this.violations.push({ rule: "handshake", observed });
      throw new Skipped(`an honest opening handshake got: ${observed}`);
    }
    const connection = acceptedWith(handshake);
    if (typeof offer === "string" && connection.agreement === null) {
      throw new Skipped(`the server does not agree to: ${offer}`);
    }
    for (let i = 0; i < this.facts.greetings; i++) await connection.nextMessage("its greeting");
    return connection;
  }

  /** A header field that the endpoint needs; null where it was not given. */
  header(name: string): string | null {
    const wanted = name.toLowerCase();
    return this.#options.headers.find(([key]) => key.toLowerCase() === wanted)?.[1] ?? null;
  }

  /** Takes a connection that the case opened by itself, to be given up with the others. */
  adopt(wire: Wire): void {
    this.#wires.push(wire);
  }

  /** Notes a message for the transcript: `#1 > {"type":"ping"}`. */
  note(line: string): void {
    const [, name = "", rest = ""] = /^(\S+) ([^]*)$/.exec(line) ?? [];
    const at = (performance.now() - this.#started).toFixed(1).padStart(8);
    this.#notes.push(`${name} ${at} ms ${rest}`);
  }

  /** The messages that the case noted, or else the bytes both ways on all its connections. */
  transcript(): string[] {
    const left = this.#notes.length - NOTES;
    if (left > 0) return [...this.#notes.slice(0, NOTES), `… ${left} messages more`];
    if (this.#notes.length > 0) return this.#notes;
    return this.#wires.flatMap((wire) => wire.transcript.lines());
  }

  /** Gives all connections up. Waits still under way fail. */
  abandon(): void {
    for (const wire of this.#wires) wire.abandon();
  }

  #connection(wire: Wire, agreement: Agreement | null): Connection {
    return new Connection(wire, {
      agreement,
      echoes: this.facts.echoes,
      random: this.random,
      patience: this.patience,
      maxMessage: this.maxMessage,
      onViolation: (violation) => this.violations.push(violation),
      onClosing: (closing) => this.closings.push(closing),
    });
  }
}

/** The connection, unless the answer to an offer of deflate is wrong, as the cases about it find. */
function acceptedWith(handshake: Handshake): Connection {
  try {
    return handshake.expectAccepted();
  } catch (error) {
    throw error instanceof Broken ? new Skipped(error.message) : error;
  }
}
