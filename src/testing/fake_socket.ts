import type { Socket } from "../channel/socket.ts";
import type { Frame } from "../protocol/encode.ts";

/** A socket that takes as many frames as a test lets it, and keeps them for its peer to read. */
export class FakeSocket implements Socket {
  readonly capabilities = { terminate: true, pings: true, closeCodes: true, drain: true };
  /** How many frames it takes before it is full. */
  room = Infinity;
  /** What was written and not read yet. */
  readonly frames: Frame[] = [];
  /** How the hub ended it: a close code, or 0 where it was cut off. */
  ended: number | undefined;

  get bufferedAmount(): number {
    return this.room > 0 ? 0 : 3_145_728;
  }

  send(frame: Frame): void {
    if (this.ended !== undefined) return;
    this.room = Math.max(0, this.room - 1);
    this.frames.push(frame);
  }

  ping(): void {}

  close(code: number): void {
    this.ended ??= code;
  }

  terminate(): void {
    this.ended ??= 0;
  }
}
