/**
 * A hub that is served over real sockets, and everything a test wants to know of it.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import { allowAnonymous } from "../../guard/identity.ts";
import type { Socket } from "../../channel/socket.ts";
import type { ManualClock } from "../../base/clock.ts";
import { channel } from "../../channel/definition.ts";
import { createHub, type Hub } from "../../hub/hub.ts";
import type { Logger } from "../../hub/logger.ts";
import type { Ending, HubOptions } from "../../hub/options.ts";
import type { MessageDefinitions } from "../../hub/message.ts";
import { connectRaw, type RawClient } from "../../testing/raw_client.ts";
import { raisedRates } from "../../testing/raised_rates.ts";
import type { Server } from "../server.ts";
import type { Subject } from "../contract/subject.ts";
import { openTcp, type TcpClient } from "./tcp.ts";

/** How long the hub waits for a peer to answer its Close frame, and a tick of its wheel; milliseconds. */
export const CLOSE_TIMEOUT = 5_100;

/** Things that come one after the other, and whoever waits for them. */
export class Inbox<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  next(): Promise<T> {
    const item = this.#items.shift();
    return item === undefined
      ? new Promise((resolve) => this.#waiting.push(resolve))
      : Promise.resolve(item);
  }
}

const definitions = {
  news: channel({ permissions: { "*": ["subscribe", "broadcast"] } }),
  "room:*": channel(),
};

/** The options of a hub that a test may set. */
export type StageOptions =
  & Omit<
    Partial<HubOptions<typeof definitions, MessageDefinitions>>,
    "channels" | "clock"
  >
  & {
    readonly clock?: ManualClock;
  };

/** A hub, its server, and what it was told. */
export interface Stage {
  readonly hub: Hub<typeof definitions, MessageDefinitions>;
  readonly server: Server;
  /** `ws://HOST:PORT` */
  readonly url: string;
  /** The sockets that the adapter handed over. */
  readonly sockets: Inbox<Socket>;
  /** How connections ended, as the hub heard it. */
  readonly endings: Inbox<Ending>;
  /** Each time the adapter told of a Pong. */
  readonly pongs: Inbox<void>;
  /** Opens a connection of a client that behaves. */
  client(target?: string): Promise<RawClient>;
  /** Opens one at the level of bytes, and takes the greeting. */
  tcp(target?: string, headers?: Readonly<Record<string, string>>): Promise<TcpClient>;
  /** Fails unless another client is taken and answered. */
  alive(target?: string): Promise<void>;
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Serves a hub for as long as `play` takes. */
export async function stage(
  subject: Subject,
  options: StageOptions,
  play: (stage: Stage) => Promise<void>,
): Promise<void> {
  const endings = new Inbox<Ending>();
  const hub = createHub({
    auth: allowAnonymous(),
    logger: silent,
    ...(subject.fanout === undefined ? {} : { fanout: subject.fanout }),
    // A stage sees what sockets do, not how often.
    rates: raisedRates,
    ...options,
    channels: definitions,
    onDisconnect(connection, ending) {
      endings.put(ending);
      options.onDisconnect?.(connection, ending);
    },
  });
  const { sockets, pongs } = watch(hub);
  const server = await subject.serve(hub, { port: 0 });
  const url = server.url.replace(/^http/, "ws");
  const clients: RawClient[] = [];
  const tcpClients: TcpClient[] = [];
  const it: Stage = {
    hub,
    server,
    url,
    sockets,
    endings,
    pongs,
    async client(target = "/ws") {
      const client = await connectRaw(url + target);
      clients.push(client);
      return client;
    },
    async tcp(target = "/ws", headers = {}) {
      const client = await openTcp(server.port, target, headers);
      tcpClients.push(client);
      const { type } = await client.json();
      if (type !== "connected") throw new Error(`greeted with ${type}`);
      return client;
    },
    async alive(target = "/ws") {
      const client = await connectRaw(url + target);
      const { type } = await client.ask({ type: "ping" });
      if (type !== "pong") throw new Error(`a ping was answered with ${type}`);
      client.terminate();
      await client.closed;
    },
  };
  try {
    await play(it);
  } finally {
    for (const client of clients) client.terminate();
    for (const client of tcpClients) client.socket.destroy();
    const drained = hub.drain({ within: 1 });
    options.clock?.advance(1);
    await drained;
    await server.close();
  }
}

/** Looks on at what an adapter and a hub say to each other. */
function watch(hub: Pick<Hub, "accept">): Pick<Stage, "sockets" | "pongs"> {
  const sockets = new Inbox<Socket>();
  const pongs = new Inbox<void>();
  const accept = hub.accept.bind(hub);
  hub.accept = (socket, admission) => {
    sockets.put(socket);
    const peer = accept(socket, admission);
    const pong = peer.pong.bind(peer);
    peer.pong = () => {
      pong();
      pongs.put();
    };
    return peer;
  };
  return { sockets, pongs };
}

/** Tries until it holds: for what another process, or the kernel, does in its own time. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await sleep(5);
  }
}
