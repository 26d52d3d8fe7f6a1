/**
 * A TCP proxy between a client and a server, which fails as networks do: it cuts, resets, stalls and
 * splits, when it is told to or by chance from a seed.
 *
 * ```text
 * const proxy = await CuttingProxy.open(server.port, { seed: 7 });
 * createClient({ url: `${proxy.url}/ws` });
 * proxy.stall("down");        // the server's answers no longer arrive
 * proxy.cut("reset");         // and now the connections are gone
 * proxy.flow();               // new ones are let through again
 * proxy.trouble({ bytes: 20_000 });   // from now on each connection fails by itself
 * ```
 *
 * @module
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type Random, seededRandom } from "../base/random.ts";

/** Which way bytes go: `up` to the server, `down` to the client. */
export type Way = "up" | "down";

/** How a connection ends: with a FIN each way, or with an RST. What was under way is lost. */
export type Cut = "end" | "reset";

/** What befalls each connection by itself. */
export interface Trouble {
  /** It is cut after so many bytes at most, both ways together; how many is chance. */
  readonly bytes: number;
  /** How long it stalls at most before it is cut, which one in three does, in milliseconds. @default 20 */
  readonly stall?: number;
}

/** What a proxy is opened with. */
export interface ProxyOptions {
  /** Where its chances come from. @default 1 */
  readonly seed?: number;
}

/** What a proxy has done. */
export interface ProxyCounts {
  accepted: number;
  /** Connections that it ended, by how. */
  ended: number;
  reset: number;
  /** Times that a connection stalled by itself. */
  stalled: number;
  /** Chunks that were handed on in parts. */
  split: number;
}

/** Segments waiting beyond which the sender is held up, in bytes. */
const HIGH_WATER = 65_536;

/** One connection through the proxy: two sockets, and what waits between them. */
class Pair {
  readonly #proxy: CuttingProxy;
  readonly #sockets: Readonly<Record<Way, Socket>>;
  readonly #waiting: Record<Way, Uint8Array[]> = { up: [], down: [] };
  readonly #bytes: Record<Way, number> = { up: 0, down: 0 };
  readonly #isMoving: Record<Way, boolean> = { up: false, down: false };
  readonly #hasEnded: Record<Way, boolean> = { up: false, down: false };
  /** Bytes until it fails by itself. */
  #budget = Infinity;
  #isStalled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(proxy: CuttingProxy, client: Socket, server: Socket) {
    this.#proxy = proxy;
    this.#sockets = { up: server, down: client };
    this.#carry("up", client);
    this.#carry("down", server);
  }

  /** From now on it fails after some bytes; undefined takes that back. */
  endure(trouble: Trouble | undefined): void {
    this.#budget = trouble === undefined
      ? Infinity
      : 1 + Math.floor(this.#proxy.random.fraction() * trouble.bytes);
  }

  cut(how: Cut): void {
    if (this.#isOver) return;
    this.#proxy.counts[how === "end" ? "ended" : "reset"]++;
    this.#finish();
    for (const socket of Object.values(this.#sockets)) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.end(() => socket.destroy());
    }
  }

  /** Moves what waits. */
  pump(): void {
    void this.#move("up");
    void this.#move("down");
  }

  #carry(way: Way, from: Socket): void {
    from.setNoDelay(true);
    from.on("data", (chunk: Uint8Array) => {
      if (this.#isOver) return;
      this.#waiting[way].push(...this.#proxy.segments(chunk));
      this.#bytes[way] += chunk.byteLength;
      if (this.#bytes[way] > HIGH_WATER) from.pause();
      void this.#move(way);
    });
    from.on("end", () => {
      this.#hasEnded[way] = true;
      void this.#move(way);
    });
    from.on("error", () => {});
    from.on("close", () => {
      // A socket that failed takes the other with it; one that ended lets what waits arrive first.
      if (this.#hasEnded[way] || this.#isOver) return;
      this.#finish();
      for (const socket of Object.values(this.#sockets)) socket.destroy();
    });
  }

  /** Hands on what waits one way, a segment at a time. */
  async #move(way: Way): Promise<void> {
    if (this.#isMoving[way]) return;
    this.#isMoving[way] = true;
    const to = this.#sockets[way];
    const from = this.#sockets[way === "up" ? "down" : "up"];
    while (!this.#isOver && !this.#isStalled && !this.#proxy.isStalled(way)) {
      const segment = this.#waiting[way].shift();
      if (segment === undefined) {
        if (this.#hasEnded[way]) this.#handOnEnd(way, to);
        break;
      }
      const length = Math.min(segment.byteLength, this.#budget);
      this.#bytes[way] -= segment.byteLength;
      this.#budget -= length;
      await new Promise<void>((resolve) => {
        to.once("close", resolve);
        to.write(segment.subarray(0, length), () => {
          to.off("close", resolve);
          resolve();
        });
      });
      if (this.#budget <= 0) this.#fail();
      if (this.#bytes[way] <= HIGH_WATER) from.resume();
    }
    this.#isMoving[way] = false;
  }

  #handOnEnd(way: Way, to: Socket): void {
    to.end();
    if (!this.#hasEnded[way === "up" ? "down" : "up"]) return;
    this.#finish();
  }

  /** Its time has come: it is cut, or stalls first. */
  #fail(): void {
    if (this.#isOver || this.#isStalled) return;
    const { random, stallTime, counts } = this.#proxy;
    const how: Cut = random.fraction() < 0.5 ? "end" : "reset";
    if (random.fraction() >= 1 / 3) return this.cut(how);
    this.#isStalled = true;
    counts.stalled++;
    this.#timer = setTimeout(() => this.cut(how), random.fraction() * stallTime);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#waiting.up.length = 0;
    this.#waiting.down.length = 0;
    this.#proxy.ended(this);
  }
}

/** A proxy in front of one port of this machine. Without trouble it passes everything on as it is. */
export class CuttingProxy implements AsyncDisposable {
  readonly counts: ProxyCounts = { accepted: 0, ended: 0, reset: 0, stalled: 0, split: 0 };
  /** Where its chances come from. */
  readonly random: Random;
  /** The port behind it. */
  readonly target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #stalled = new Set<Way>();
  #segment = Infinity;
  #trouble: Trouble | undefined;
  #isRefusing = false;

  private constructor(server: Server, target: number, { seed = 1 }: ProxyOptions) {
    this.#server = server;
    this.target = target;
    this.random = seededRandom(seed);
    server.on("connection", (client) => this.#accept(client));
  }

  /** Opens a proxy on a free port, in front of `target`. */
  static async open(target: number, options: ProxyOptions = {}): Promise<CuttingProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new CuttingProxy(server, target, options);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** `ws://127.0.0.1:PORT`, without a path. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** Connections that are open. */
  get size(): number {
    return this.#pairs.size;
  }

  /** Milliseconds that a connection stalls at most before it is cut. */
  get stallTime(): number {
    return this.#trouble?.stall ?? 20;
  }

  /** Ends every connection, wherever in a frame it is. Gives how many those were. */
  cut(how: Cut = "end"): number {
    const pairs = [...this.#pairs];
    for (const pair of pairs) pair.cut(how);
    return pairs.length;
  }

  /** Holds up everything, or what goes one way, on connections old and new, until {@linkcode flow}. */
  stall(way?: Way): void {
    for (const one of way === undefined ? ["up", "down"] as const : [way]) this.#stalled.add(one);
  }

  /** Lets everything pass again: no stall, no refusal. */
  flow(): void {
    this.#isRefusing = false;
    this.#stalled.clear();
    for (const pair of this.#pairs) pair.pump();
  }

  /** Resets new connections at once, until {@linkcode flow}. */
  refuse(): void {
    this.#isRefusing = true;
  }

  /** Hands bytes on in segments of 1 to `most` bytes, each written alone; `Infinity` for as they come. */
  split(most: number): void {
    this.#segment = most;
  }

  /** From now on every connection fails by itself after a while; undefined ends that. */
  trouble(trouble: Trouble | undefined): void {
    this.#trouble = trouble;
    for (const pair of this.#pairs) pair.endure(trouble);
  }

  /** Ends every connection and takes no more. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.cut("reset");
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Whether nothing may pass. For the connections alone. */
  isStalled(way: Way): boolean {
    return this.#stalled.has(way);
  }

  /** Takes a chunk apart. For the connections alone. */
  segments(chunk: Uint8Array): Uint8Array[] {
    if (chunk.byteLength <= 1 || this.#segment === Infinity) return [chunk];
    const parts: Uint8Array[] = [];
    for (let at = 0; at < chunk.byteLength;) {
      const size = 1 + Math.floor(this.random.fraction() * this.#segment);
      parts.push(chunk.subarray(at, at += size));
    }
    if (parts.length > 1) this.counts.split++;
    return parts;
  }

  /** A connection is over. For the connections alone. */
  ended(pair: Pair): void {
    this.#pairs.delete(pair);
  }

  #accept(client: Socket): void {
    this.counts.accepted++;
    client.on("error", () => {});
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: "127.0.0.1", port: this.target, allowHalfOpen: true });
    const pair = new Pair(this, client, server);
    this.#pairs.add(pair);
    pair.endure(this.#trouble);
  }
}
