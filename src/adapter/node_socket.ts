import { Buffer } from "node:buffer";
import { nextTick } from "node:process";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket } from "ws";
import type { Member } from "../channel/fanout.ts";
import type { Socket, SocketCapabilities } from "../channel/socket.ts";
import type { Admission } from "../hub/admission.ts";
import type { AnyHub, Peer } from "../hub/hub.ts";
import type { Frame } from "../protocol/encode.ts";
import { type DirectSocket, encodeFrame, type NodeFanout } from "./node_fanout.ts";

/** How many bytes are kept for one write at most: what the kernel would take must not fill the outbox. */
const MOST_HELD = 65_536;

/**
 * What a frame that waits in a stream of Node's takes beside its own bytes: what 100,000 to 400,000 of 60 to
 * 1,000 bytes made of a process (376 to 591, mostly about 512), of which 243 are in V8's heap.
 */
const FRAME_COST = 512;

const capabilities: SocketCapabilities = {
  terminate: true,
  pings: true,
  closeCodes: true,
};

/** How frames can be written past `ws`: by what, and to what. */
export interface DirectWay {
  readonly fanout: NodeFanout;
  readonly stream: Duplex;
}

/** A socket of the npm package `ws`. */
class NodeSocket implements Socket, DirectSocket {
  // These first: of each socket that a frame is for, what is read has to be fetched into the caches.
  readonly #stream: Duplex | undefined;
  /** Whether its Close frame is on its way, after which nothing may be written. */
  #isShut = false;
  member: Member | undefined;
  turn = 0;
  from = 0;
  groups = 0;
  readonly #webSocket: WebSocket;
  readonly fanout: NodeFanout | undefined;
  /** What was written frame by frame since nothing waited. */
  #frames = 0;
  #bytes = 0;
  /** Whether something waited when this tick's first frame came. */
  #isBehind = false;
  /** Whether the stream keeps what is written until the tick is over. */
  #isHeld = false;

  constructor(webSocket: WebSocket, way: DirectWay | undefined) {
    this.#webSocket = webSocket;
    this.#stream = way?.stream;
    this.fanout = way?.fanout;
  }

  get capabilities(): SocketCapabilities {
    return capabilities;
  }

  get stream(): Duplex | undefined {
    const stream = this.#stream;
    return this.#isShut || stream === undefined || !stream.writable ? undefined : stream;
  }

  /** With what the frames cost: of short ones that is more than their bytes. */
  get bufferedAmount(): number {
    const waiting = this.#webSocket.bufferedAmount;
    if (waiting === 0 || this.#frames === 0) return waiting;
    return waiting + Math.min(this.#frames, waiting * this.#frames / this.#bytes) * FRAME_COST;
  }

  send(frame: Frame): void {
    this.#settle();
    if (this.#stream === undefined) {
      this.#start();
      this.count(frame.length);
      this.#webSocket.send(frame, { binary: typeof frame !== "string", compress: false });
      return;
    }
    const { stream } = this;
    if (stream === undefined) return;
    this.#start();
    const waits = this.#isBehind || stream.writableNeedDrain;
    const allocate = waits ? Buffer.allocUnsafeSlow : Buffer.allocUnsafe;
    this.#write(stream, encodeFrame(frame, allocate));
  }

  sendAll(frames: readonly Frame[]): void {
    const { stream, fanout } = this;
    if (stream === undefined || fanout === undefined) {
      for (const frame of frames) this.send(frame);
      return;
    }
    this.#settle();
    this.#start();
    this.#write(stream, fanout.joined(frames));
  }

  ping(): void {
    this.#webSocket.ping();
  }

  close(code: number, reason: string): void {
    this.#settle();
    this.#webSocket.close(code, reason);
    this.shut(); // here too, since the hub may close it before its WebSocket knows of it
  }

  /** Has nothing more written. */
  shut(): void {
    this.#isShut = true;
  }

  terminate(): void {
    if (this.#isHeld) this.#stream?.uncork();
    this.#webSocket.terminate();
  }

  /** Lets the stream keep what it gets until the tick is over: the answers to one read go in one write. */
  #write(stream: Duplex, bytes: Buffer): void {
    this.count(bytes.byteLength);
    if (!this.#isHeld) {
      this.#isHeld = true;
      stream.cork();
      nextTick(release, this, stream);
    }
    stream.write(bytes);
    if (stream.writableLength < MOST_HELD) return;
    stream.uncork();
    stream.cork();
  }

  count(bytes: number): void {
    this.#frames++;
    this.#bytes += bytes;
  }

  /** Something is about to be written. */
  #start(): void {
    if (this.#isHeld) return;
    this.#isBehind = this.#webSocket.bufferedAmount > 0;
    if (!this.#isBehind) this.#frames = this.#bytes = 0;
  }

  static release(socket: NodeSocket, stream: Duplex): void {
    socket.#isHeld = false;
    stream.uncork();
  }

  /** What it was sent together with others goes first. */
  #settle(): void {
    if (this.member !== undefined) this.fanout?.settle(this.member);
  }
}

const { release } = NodeSocket;

/** Where a WebSocket has its connection: listeners are the same functions for all of them. */
const CONNECTION = Symbol("connection");

/** What a hub is told of a WebSocket. */
interface NodeConnection {
  readonly socket: NodeSocket;
  readonly peer: Peer;
  /** The code for what the peer did, where it did something. */
  violation: number | undefined;
}

type Connected = WebSocket & { [CONNECTION]?: NodeConnection };
type Stream = Duplex & { [CONNECTION]?: NodeConnection };

/** A WebSocket of `ws` that tells when its peer closes. */
export class NodeWebSocket extends WebSocket {
  [CONNECTION]?: NodeConnection;

  /** Also what `ws` does when the peer's Close frame has come; of the end it may tell seconds later. */
  override close(code?: number, reason?: string | Buffer): void {
    const connection = this[CONNECTION];
    connection?.peer.closing(code ?? 1005, reason?.toString() ?? "");
    super.close(code, reason);
    connection?.socket.shut();
  }
}

/** Hands a socket of `ws` that has just opened to a hub, and tells the hub what it does. */
export function connectNode(
  hub: AnyHub,
  webSocket: Connected,
  admission: Admission,
  way: DirectWay | undefined,
): void {
  // Without a listener an `error` would end the process; `close` follows it.
  webSocket.on("error", onError);
  const socket = new NodeSocket(webSocket, way);
  const peer = hub.accept(socket, admission);
  const connection: NodeConnection = { socket, peer, violation: undefined };
  webSocket[CONNECTION] = connection;
  webSocket.on("message", onMessage);
  webSocket.on("ping", onHeard);
  webSocket.on("pong", onHeard);
  webSocket.on("close", onClose);
  if (way === undefined) return;
  (way.stream as Stream)[CONNECTION] = connection;
  way.stream.on("end", onEnd);
}

function onError(this: Connected, error: Error): void {
  const connection = this[CONNECTION];
  if (connection !== undefined) connection.violation ??= violationCode(error);
}

function onMessage(this: Connected, data: RawData, isBinary: boolean): void {
  const bytes = data as Buffer; // the binary type is "nodebuffer", where fragments come joined
  this[CONNECTION]?.peer.receive(isBinary ? bytes : bytes.toString("utf8"));
}

function onHeard(this: Connected): void {
  this[CONNECTION]?.peer.pong();
}

/** The peer sends no more, and `ws` takes nothing for it from now on; of the end it tells when all is read. */
function onEnd(this: Stream): void {
  this[CONNECTION]!.peer.closing(1006, "");
}

function onClose(this: Connected, code: number, reason: Buffer): void {
  const { peer, violation } = this[CONNECTION]!;
  peer.closed(violation ?? code, reason.toString("utf8"));
}

/** The code that `ws` closes with for what a peer did; it tells the application 1006 whatever it was. */
function violationCode(error: Error): number | undefined {
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== "string" || !code.startsWith("WS_ERR_")) return undefined;
  switch (code) {
    case "WS_ERR_INVALID_UTF8":
      return 1007;
    case "WS_ERR_TOO_MANY_BUFFERED_PARTS":
      return 1008;
    case "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH":
    case "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH":
      return 1009;
    default:
      return 1002;
  }
}
