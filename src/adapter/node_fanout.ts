import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { type Collection, SmallSet } from "../base/small_set.ts";
import { Burst, type Place } from "../channel/burst.ts";
import type { Fanout, Group, Member, Taken } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";

/** As much of a socket of this adapter as the fan-out needs. */
export interface DirectSocket extends Place {
  /** The stream below the WebSocket; undefined once no frame may be written to it. */
  readonly stream: Duplex | undefined;
  /** Whom to settle with before the WebSocket itself writes. */
  member: Member | undefined;
  /** So many bytes more wait to be written past the WebSocket. */
  count(bytes: number): void;
}

/** FIN, and what is in the frame (RFC 6455 section 5.2). */
const TEXT = 0x81;
const BINARY = 0x82;

/**
 * Builds each frame once and writes what a tick brought to each socket in one go, past `ws`. That keeps
 * the order while nothing is compressed by `ws` itself: this adapter never lets it.
 */
export class NodeFanout extends Burst<Buffer, Buffer> implements Fanout {
  #strained: Member[] = [];
  /** Messages as bytes, while they are given to one after the other. */
  readonly #joined = new WeakMap<readonly Frame[], Buffer>();

  group<M extends Member>(): Group<M> {
    return new NodeGroup<M>(this);
  }

  /** Sends a frame to all members of a group but those left out, when the tick is over. */
  send(members: Collection<Member>, frame: Frame, leftOut: readonly Member[]): Taken {
    // Some have more than enough and are still among the others.
    if (this.#strained.length > 0) return "refused";
    // It may wait for the slowest of them.
    const bytes = encodeFrame(frame, Buffer.allocUnsafeSlow);
    if (bytes.byteLength > this.room) return "refused";
    this.push(members, bytes, bytes.byteLength, leftOut);
    return "handed";
  }

  /** Several messages as bytes: the same array is written once. */
  joined(frames: readonly Frame[]): Buffer {
    let bytes = this.#joined.get(frames);
    if (bytes === undefined) {
      bytes = concat(frames.map((frame) => encodeFrame(frame)));
      this.#joined.set(frames, bytes);
    }
    return bytes;
  }

  protected override place({ socket }: Member): Place {
    return socket as unknown as DirectSocket;
  }

  protected override join(frames: readonly Buffer[]): Buffer {
    return frames.length === 1 ? frames[0]! : concat(frames);
  }

  protected override hand(member: Member, bytes: Buffer): void {
    const socket = member.socket as unknown as DirectSocket;
    const { stream } = socket;
    if (stream === undefined || stream.write(bytes)) return;
    socket.count(bytes.byteLength);
    if (member.isReady) return;
    if (this.#strained.length === 0) queueMicrotask(() => this.#tell());
    this.#strained.push(member);
  }

  protected override schedule(): void {
    setImmediate(() => this.flush());
  }

  #tell(): void {
    const strained = this.#strained;
    this.#strained = [];
    for (const member of strained) member.strained();
  }
}

class NodeGroup<M extends Member> implements Group<M> {
  readonly members = new SmallSet<M>();
  readonly #fanout: NodeFanout;

  constructor(fanout: NodeFanout) {
    this.#fanout = fanout;
  }

  add(member: M): void {
    this.#fanout.settle(member);
    (member.socket as unknown as DirectSocket).member = member;
    this.members.add(member);
  }

  delete(member: M): boolean {
    if (!this.members.has(member)) return false;
    this.#fanout.settle(member);
    return this.members.delete(member);
  }

  send(frame: Frame, leftOut: readonly M[]): Taken {
    return this.#fanout.send(this.members, frame, leftOut);
  }
}

/** Several in one, out of Node's pool: what waits there for one reader keeps what others had beside it. */
function concat(all: readonly Buffer[]): Buffer {
  const joined = Buffer.allocUnsafeSlow(all.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const bytes of all) {
    joined.set(bytes, at);
    at += bytes.byteLength;
  }
  return joined;
}

/**
 * An unmasked frame that is a whole message (RFC 6455 section 5.2).
 *
 * @param allocate Makes its bytes: of Node's pool, unless they are to wait and would keep what lies beside.
 */
export function encodeFrame(message: Frame, allocate = Buffer.allocUnsafe): Buffer {
  const length = typeof message === "string" ? Buffer.byteLength(message) : message.byteLength;
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const bytes = allocate(head + length);
  bytes[0] = typeof message === "string" ? TEXT : BINARY;
  if (head === 2) bytes[1] = length;
  else if (head === 4) {
    bytes[1] = 126;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  if (typeof message === "string") bytes.write(message, head, "utf8");
  else bytes.set(message, head);
  return bytes;
}
