/**
 * What the contract suite must know of an adapter: how to start it, and what it declares.
 *
 * @module
 */
import type { SocketCapabilities } from "../../channel/socket.ts";
import type { AnyHub } from "../../hub/hub.ts";
import type { FanoutMode } from "../../hub/options.ts";
import type { ServeOptions, Server } from "../server.ts";

/** An adapter, on the runtime this process is. */
export interface Subject {
  readonly name: string;
  /** What its sockets declare, and the README says. */
  readonly capabilities: SocketCapabilities;
  /**
   * What becomes of a peer that breaks RFC 6455: it gets a Close frame that says so, and the hub hears
   * the code; or its connection is just cut, and the hub hears 1006.
   */
  readonly violations: "told" | "cut";
  /** Whether frames that are not masked are a violation (RFC 6455 section 5.1) or are let pass. */
  readonly unmasked: "violation" | "accepted";
  /** Who gives up a peer that does not answer pings: the hub, or the runtime by real time. */
  readonly liveness: "hub" | "runtime";
  /** How its hub hands events to sockets. @default the hub's own default */
  readonly fanout?: FanoutMode;
  serve(hub: AnyHub, options: ServeOptions): Promise<Server>;
  /** Serves an application with a page at `/` and middleware, and hubs mounted by prefix. */
  serveApp(hubs: Readonly<Record<string, AnyHub>>): Promise<Server>;
}
