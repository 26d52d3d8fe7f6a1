import type { Opening } from "./load/client.ts";
import { Program } from "./program.ts";
import type { Kind } from "./servers/answer.ts";
import { type Target, type TargetName, targets } from "./targets.ts";

/** What a burst of events has cost. */
export interface Burst {
  /** Seconds of the server's CPU for a million deliveries. */
  readonly cpu: number;
  /** Deliveries a second. */
  readonly rate: number;
  /** Bytes on the wire a delivery. */
  readonly bytes: number;
  /** Seconds of the client's CPU for a million deliveries. */
  readonly client: number;
}

/** How events are published. */
export interface BurstOptions {
  readonly subscribers: number;
  readonly size: number;
  /** Events in one turn of the server's loop. */
  readonly events: number;
  /** About how many deliveries. */
  readonly deliveries: number;
  readonly kind?: Kind;
}

/** The most that is on its way at once, in bytes: sockets take it, and nobody waits for it. */
const UNDER_WAY = 48 * 1024 * 1024;

/** A server and a client that are running, the one loading the other. */
export class Session {
  readonly name: TargetName;
  readonly server: Program;
  readonly client: Program;
  /** What the server says of itself. */
  readonly note: Readonly<Record<string, unknown>>;
  readonly #target: Target;
  readonly #port: number;
  #connections = 0;
  /** Channels that connections are subscribed to for nothing to happen in them. */
  #held = 0;

  private constructor(
    name: TargetName,
    server: Program,
    client: Program,
    { port, note }: {
      readonly port: number;
      readonly note: Readonly<Record<string, unknown>>;
    },
  ) {
    this.name = name;
    this.server = server;
    this.client = client;
    this.note = note;
    this.#target = targets[name];
    this.#port = port;
  }

  /** Starts both, hands them to `use` and ends them. */
  static async with<T>(
    name: TargetName,
    use: (session: Session) => Promise<T>,
  ): Promise<T> {
    const { runtime, file, args }: Target = targets[name];
    const server = new Program("server", runtime, `./servers/${file}`, args);
    const client = new Program("client", "node", "./load/client.ts");
    try {
      await client.line();
      return await use(new Session(name, server, client, await server.line()));
    } finally {
      await Promise.all([client.kill(), server.kill()]);
    }
  }

  /** Opens connections that are subscribed to the events; null for a channel or features is none. */
  async open(
    count: number,
    options: Partial<Opening> & {
      readonly channel?: string | null;
      readonly features?: object | null;
    } = {},
  ): Promise<{ readonly seconds: number; readonly greeting: string }> {
    const { dialect, isBatched = false }: Target = this.#target;
    const {
      channel = "b",
      features = this.#target.features ?? null,
      ...opening
    } = options;
    const first = dialect !== "hub" ? [] : [
      ...(features === null ? [] : [JSON.stringify({ type: "hello", features })]),
      ...(channel === null ? [] : [JSON.stringify({ type: "subscribe", channels: [channel] })]),
    ];
    const asked = {
      ask: "open",
      port: this.#port,
      dialect,
      count,
      first,
      isBatched,
      ...opening,
    };
    this.#connections = Math.max(this.#connections, count);
    return await this.client.ask(asked);
  }

  /** Has further connections, so many of them, subscribe to idle channels until there are `count`. */
  async hold(count: number, holders: number): Promise<void> {
    const before = (await this.#subscriptions()) - this.#held;
    const each = Math.ceil((count - this.#held) / holders);
    while (this.#held < count) {
      const until = Math.min(count, this.#held + each);
      const first: string[] = [];
      while (this.#held < until) {
        const size = Math.min(100, until - this.#held); // as many as a `subscribe` may name
        const channels = Array.from({ length: size }, () => `idle:${this.#held++}`);
        first.push(JSON.stringify({ type: "subscribe", channels }));
      }
      await this.open(this.#connections + 1, { channel: null, first });
    }
    while (await this.#subscriptions() < before + count) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Cuts all connections off. */
  async close(): Promise<void> {
    this.#connections = 0;
    await this.client.ask({ ask: "close" });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** The CPU that the server has used, in seconds. */
  async cpu(): Promise<number> {
    return (await this.server.ask<{ readonly value: number }>({ ask: "cpu" }))
      .value;
  }

  /** The bytes that the server holds. */
  async memory(): Promise<number> {
    return (await this.server.ask<{ readonly value: number }>({
      ask: "memory",
    })).value;
  }

  async #subscriptions(): Promise<number> {
    const asked = { ask: "subscriptions" };
    return (await this.server.ask<{ readonly value: number }>(asked)).value;
  }

  /** Publishes until there were about so many deliveries, never more at once than sockets take. */
  async burst(options: BurstOptions): Promise<Burst> {
    const { subscribers, size, events, deliveries, kind = "plain" } = options;
    const tick = subscribers * events;
    const ticks = Math.max(1, Math.ceil(deliveries / tick));
    // A reader must not fall behind what the hub's history holds.
    const most = Math.max(
      1,
      Math.min(Math.floor(UNDER_WAY / (tick * size)), Math.floor(800 / events)),
    );
    let seconds = 0;
    let bytes = 0;
    let clientCpu = 0;
    const before = await this.cpu();
    for (let done = 0; done < ticks;) {
      const round = Math.min(most, ticks - done);
      await this.client.ask({ ask: "count" });
      const first = await this.client.ask<Reached>({ ask: "reach", frames: 0 });
      const reached = this.client.ask<Reached>({
        ask: "reach",
        frames: round * tick,
      });
      await this.server.ask({ ask: "burst", ticks: round, events, size, kind });
      const last = await reached;
      seconds += last.seconds;
      bytes += last.bytes;
      clientCpu += last.cpu - first.cpu;
      done += round;
    }
    const sent = ticks * tick;
    const cpu = (await this.cpu() - before) / sent * 1e6;
    return {
      cpu,
      rate: sent / seconds,
      bytes: bytes / sent,
      client: clientCpu / sent * 1e6,
    };
  }
}

/** What the client tells when events have come. */
export interface Reached {
  readonly frames: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly cpu: number;
}
