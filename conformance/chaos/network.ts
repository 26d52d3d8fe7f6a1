/**
 * A network that misbehaves on demand: a TCP proxy for each client, which cuts, delays, stalls, takes
 * apart what passes, and leaves connections half open.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Network } from "../model/world.ts";
import type { Trouble } from "../model/step.ts";
import type { Target } from "../wire/socket.ts";

/** Which way bytes go: `up` to the server, `down` to the client. */
type Way = "up" | "down";

/** How a connection breaks: by RST or by FIN. */
type Break = "reset" | "end";

/** Bytes waiting beyond which the sender is held up. */
const HIGH_WATER = 1_048_576;

/** What befalls everything that passes one proxy. */
interface Weather {
  segments: boolean;
  delay: number;
  readonly stalled: Set<Way>;
}

/** One connection: two sockets, and what waits between them. */
class Pair {
  readonly #weather: Weather;
  readonly #to: Readonly<Record<Way, Socket>>;
  readonly #waiting: Record<Way, Uint8Array[]> = { up: [], down: [] };
  readonly #bytes: Record<Way, number> = { up: 0, down: 0 };
  readonly #ended: Record<Way, boolean> = { up: false, down: false };
  readonly #moving: Record<Way, boolean> = { up: false, down: false };
  /** So many bytes pass until it breaks. */
  readonly #left: Record<Way, number> = { up: Infinity, down: Infinity };
  /** The client's side is cut off from the server's, and neither is told. */
  isHalfOpen = false;
  /** The client is cut off, and knows it. */
  isOver = false;
  /** What the server is yet to be told of that. */
  #untold: Break | null = null;

  constructor(weather: Weather, client: Socket, server: Socket) {
    this.#weather = weather;
    this.#to = { up: server, down: client };
    this.#carry("up", client);
    this.#carry("down", server);
  }

  breakAfter(bytes: number, way: Way): void {
    this.#left[way] = bytes;
  }

  /** Takes a break that has not come back. */
  endure(): void {
    this.#left.up = this.#left.down = Infinity;
  }

  /**
   * Breaks: the client is told at once, and the server by {@link tell}. What it writes until then is
   * lost; were it told at once too, how much that is would be a race.
   */
  break(how: Break): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#untold = how;
    finish(this.#to.down, how);
  }

  /** Tells the server of a break. */
  tell(): void {
    if (this.#untold !== null) finish(this.#to.up, this.#untold);
    this.#untold = null;
  }

  /** Ends both sides at once. */
  end(): void {
    this.break("reset");
    this.tell();
  }

  pump(): void {
    void this.#move("up");
    void this.#move("down");
  }

  #carry(way: Way, from: Socket): void {
    from.setNoDelay(true);
    from.on("data", (chunk: Uint8Array) => {
      if (this.isOver) return;
      this.#waiting[way].push(chunk);
      this.#bytes[way] += chunk.length;
      if (this.#bytes[way] > HIGH_WATER) from.pause();
      void this.#move(way);
    });
    from.on("end", () => {
      this.#ended[way] = true;
      void this.#move(way);
    });
    from.on("error", () => {});
    from.on("close", () => {
      if (this.#ended[way] || this.isHalfOpen || this.isOver && way === "up") return;
      this.end();
    });
  }

  /** Hands on what waits one way. */
  async #move(way: Way): Promise<void> {
    if (this.#moving[way]) return;
    this.#moving[way] = true;
    const { stalled } = this.#weather;
    while (!this.isOver && !this.isHalfOpen && !stalled.has(way)) {
      const chunk = this.#waiting[way].shift();
      if (chunk === undefined) {
        if (this.#ended[way]) this.#to[way].end();
        break;
      }
      this.#bytes[way] -= chunk.length;
      const { delay } = this.#weather;
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      await this.#hand(way, chunk);
      this.#to[way === "up" ? "down" : "up"].resume();
    }
    this.#moving[way] = false;
  }

  async #hand(way: Way, chunk: Uint8Array): Promise<void> {
    const whole = chunk.subarray(0, this.#left[way]);
    this.#left[way] -= whole.length;
    const size = this.#weather.segments ? 1 : Math.max(1, whole.length);
    for (let at = 0; at < whole.length; at += size) {
      await this.#write(this.#to[way], whole.subarray(at, at + size));
    }
    if (this.#left[way] <= 0) this.break("reset");
  }

  #write(to: Socket, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (to.destroyed) return resolve();
      to.once("close", resolve);
      to.write(Buffer.from(bytes), () => {
        to.off("close", resolve);
        resolve();
      });
    });
  }
}

/** By RST, or by FIN without the rest of what waits. */
function finish(socket: Socket, how: Break): void {
  if (how === "reset") socket.resetAndDestroy();
  else socket.end(() => socket.destroy());
}

/** One client's way to the server. */
class Proxy {
  readonly #server: Server;
  readonly #weather: Weather = { segments: false, delay: 0, stalled: new Set() };
  readonly #pairs = new Set<Pair>();
  /** The newest connection. */
  #last: Pair | null = null;
  /** What the next connection breaks after. */
  #next: { readonly after: number; readonly way: Way } | null = null;

  constructor(target: Target) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      const { host, port } = target;
      this.#last?.tell();
      const pair = new Pair(this.#weather, client, connect({ host, port, allowHalfOpen: true }));
      this.#pairs.add(pair);
      this.#last = pair;
      if (this.#next !== null) pair.breakAfter(this.#next.after, this.#next.way);
      this.#next = null;
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whether what the client sends now arrives nowhere. */
  get isDead(): boolean {
    return this.#last?.isHalfOpen === true;
  }

  /** Whether an answer may be long in coming. */
  get isStalled(): boolean {
    return this.#weather.stalled.size > 0;
  }

  /** Does it; gives what is done in words, to stand before the client's name. */
  befall(trouble: Trouble): string {
    switch (trouble.how) {
      case "segments":
        this.#weather.segments = true;
        return "takes apart into single bytes all of";
      case "delay":
        this.#weather.delay = trouble.milliseconds;
        return `delays by ${trouble.milliseconds} ms all of`;
      case "stall":
        this.#weather.stalled.add(trouble.way);
        return trouble.way === "up" ? "holds up what comes from" : "holds up what goes to";
      case "break":
        if (this.#last === null || this.#last.isOver) this.#next = trouble;
        else this.#last.breakAfter(trouble.after, trouble.way);
        return `will break, ${trouble.after} bytes ${
          trouble.way === "up" ? "up" : "down"
        } from now, the connection of`;
      case "half-open":
        if (this.#last !== null) this.#last.isHalfOpen = true;
        return "drops from now on, and tells nobody, all of";
      case "reset":
      case "end":
        this.#last?.break(trouble.how);
        return `ends by ${trouble.how === "reset" ? "RST" : "FIN"} the connection of`;
      case "flow":
        this.calm();
        return "lets pass all of";
    }
  }

  calm(): void {
    this.#weather.segments = false;
    this.#weather.delay = 0;
    this.#weather.stalled.clear();
    this.#next = null;
    for (const pair of this.#pairs) {
      pair.endure();
      pair.pump();
    }
  }

  close(): void {
    for (const pair of this.#pairs) pair.end();
    this.#server.close();
  }
}

/** A way to one server for each of some clients. */
export class BadNetwork implements Network {
  readonly #proxies: readonly Proxy[];
  readonly #targets: readonly Target[];

  private constructor(proxies: readonly Proxy[], targets: readonly Target[]) {
    this.#proxies = proxies;
    this.#targets = targets;
  }

  /** Listens at a port of its own for each client. */
  static async open(target: Target, clients: number): Promise<BadNetwork> {
    const proxies = Array.from({ length: clients }, () => new Proxy(target));
    const ports = await Promise.all(proxies.map((proxy) => proxy.open()));
    return new BadNetwork(
      proxies,
      ports.map((port) => ({ ...target, host: "127.0.0.1", port })),
    );
  }

  targetOf(client: number): Target {
    const target = this.#targets[client];
    if (target === undefined) throw new TypeError(`no way for client ${client}`);
    return target;
  }

  befall(client: number, trouble: Trouble): string {
    return this.#proxies[client]?.befall(trouble) ?? "";
  }

  isDead(client: number): boolean {
    return this.#proxies[client]?.isDead ?? false;
  }

  isStalled(client: number): boolean {
    return this.#proxies[client]?.isStalled ?? false;
  }

  calm(): void {
    for (const proxy of this.#proxies) proxy.calm();
  }

  /** Ends every connection, and takes no more. */
  close(): void {
    for (const proxy of this.#proxies) proxy.close();
  }
}
