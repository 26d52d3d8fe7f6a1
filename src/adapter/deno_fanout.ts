import type { Fanout, Group, Member } from "../channel/fanout.ts";
import type { Socket } from "../channel/socket.ts";
import type { Frame } from "../protocol/encode.ts";
import type { StandardSocket } from "./standard.ts";
import { Watch, WatchedGroup } from "./watched_group.ts";

/** Deno has nothing better than a loop over `send`; what it saves is to ask each socket each time. */
export class DenoFanout implements Fanout {
  readonly #watch = new Watch((look) => setTimeout(look, 0));

  group<M extends Member>(): Group<M> {
    return new DenoGroup<M>(this.#watch);
  }
}

class DenoGroup<M extends Member> extends WatchedGroup<M, WebSocket> {
  protected override sendAll(frame: Frame, leftOut: readonly M[]): boolean {
    // One that is not open any more leaves it out (WHATWG WebSockets section 3.1, `send`).
    for (const webSocket of this.webSockets(leftOut)) webSocket.send(frame);
    return true;
  }

  protected override webSocketOf(socket: Socket): WebSocket {
    return (socket as StandardSocket).webSocket;
  }
}
