import { Burst, type Place } from "../channel/burst.ts";
import type { Fanout, Group, Member, Taken } from "../channel/fanout.ts";
import type { Frame } from "../protocol/encode.ts";
import type { FakeSocket } from "./fake_socket.ts";

/** Hands frames to fake sockets together, when the present microtasks are over. */
export class FakeFanout extends Burst<Frame, readonly Frame[]> implements Fanout {
  #strained: Member[] = [];

  group<M extends Member>(): Group<M> {
    const members = new Set<M>();
    return {
      members,
      add: (member) => {
        this.settle(member);
        (member.socket as FakeSocket).member = member;
        members.add(member);
      },
      delete: (member) => {
        if (members.has(member)) this.settle(member);
        return members.delete(member);
      },
      send: (frame, leftOut): Taken => {
        if (this.#strained.length > 0) return "refused";
        this.push(members, frame, frame.length, leftOut);
        return "handed";
      },
    };
  }

  protected override place({ socket }: Member): Place {
    return socket as FakeSocket;
  }

  protected override join(frames: readonly Frame[]): readonly Frame[] {
    return frames;
  }

  protected override hand(member: Member, frames: readonly Frame[]): void {
    for (const frame of frames) (member.socket as FakeSocket).take(frame);
    if (member.isReady) return;
    if (this.#strained.length === 0) {
      queueMicrotask(() => {
        for (const member of this.#strained.splice(0)) member.strained();
      });
    }
    this.#strained.push(member);
  }

  protected override schedule(): void {
    queueMicrotask(() => this.flush());
  }
}
