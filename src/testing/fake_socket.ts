import type { Member } from "../channel/fanout.ts";
import type { Socket } from "../channel/socket.ts";
import type { Frame } from "../protocol/encode.ts";
import type { FakeFanout } from "./fake_fanout.ts";

/** A socket that takes as many frames as a test lets it, and keeps them for its peer to read. */
export class FakeSocket implements Socket {
  readonly capabilities = { terminate: true, pings: true, closeCodes: true };
  /** How many frames it takes before it is full. */
  room = Infinity;
  /** What was written and not read yet. */
  readonly frames: Frame[] = [];
  turn = 0;
  from = 0;
  groups = 0;
  /** How the hub ended it: a close code, or 0 where it was cut off. */
  ended: number | undefined;
  /** What it may be written to by together with others. */
  readonly fanout: FakeFanout | undefined;
  member: Member | undefined;

  constructor(fanout?: FakeFanout) {
    this.fanout = fanout;
  }

  get bufferedAmount(): number {
    return this.room > 0 ? 0 : 3_145_728;
  }

  send(frame: Frame): void {
    this.#settle();
    this.take(frame);
  }

  /** Takes a frame that came together with others. */
  take(frame: Frame): void {
    if (this.ended !== undefined) return;
    this.room = Math.max(0, this.room - 1);
    this.frames.push(frame);
  }

  ping(): void {}

  close(code: number): void {
    this.#settle();
    this.ended ??= code;
  }

  terminate(): void {
    this.ended ??= 0;
  }

  #settle(): void {
    if (this.member !== undefined) this.fanout?.settle(this.member);
  }
}
