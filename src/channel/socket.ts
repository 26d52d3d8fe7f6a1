/**
 * The port between the hub and one open socket. It stands here, below the hub, because the fan-out is
 * written against it; each adapter implements it for its runtime.
 *
 * @module
 */
import type { Frame } from "../protocol/encode.ts";
import type { Fanout } from "./fanout.ts";

/** What a kind of socket can do. What it cannot is named in the README. */
export interface SocketCapabilities {
  /** `terminate` cuts the connection at once, without a closing handshake. */
  readonly terminate: boolean;
  /** `ping` sends a Ping frame and the hub hears of the Pong. */
  readonly pings: boolean;
  /** Any close code of RFC 6455 can be sent; otherwise only 1000 and 3000 to 4999. */
  readonly closeCodes: boolean;
}

/** One open socket. No method throws, whatever the state of the connection. */
export interface Socket {
  readonly capabilities: SocketCapabilities;
  /** Hands one frame to many sockets of this kind, where the runtime can do that better than a loop. */
  readonly fanout?: Fanout | undefined;
  /** Bytes that were handed over and have not gone to the kernel, as far as the runtime tells. */
  readonly bufferedAmount: number;
  /** Hands over one message. Frames go out whole and in the order of the calls. */
  send(frame: Frame): void;
  /**
   * Hands over several messages, where the runtime can do that better than one by one. Many sockets may be
   * given the same array, which is not changed.
   */
  sendAll?(frames: readonly Frame[]): void;
  /** Sends a Ping frame (RFC 6455 section 5.5.2), where the socket can. */
  ping(): void;
  /** Starts the closing handshake (RFC 6455 section 7.1.2). */
  close(code: number, reason: string): void;
  /** Cuts the connection, where the socket can; otherwise closes it. */
  terminate(): void;
}
