import { type Clock, systemClock } from "../base/clock.ts";
import { HeddleError } from "../base/errors.ts";
import { checkNames, checkType } from "../base/option_checks.ts";
import type { AnyHub } from "./hub.ts";
import type { ConnectionInfo } from "./info.ts";
import { logLine } from "./log_line.ts";
import { type Logger, quietLogger, redactingLogger } from "./logger.ts";
import type { Ending } from "./options.ts";
import type { Published } from "./publication.ts";
import type {
  ActionExecuted,
  ClientConnected,
  LogLevel,
  ServerStatus,
  Signal,
  StockChannels,
  SystemMetrics,
} from "./stock.ts";

/** What a look at the machine gives: `system_metrics` without what the hub itself counts. */
export type SystemSample = Omit<SystemMetrics, "events_per_sec">;

/** Options of {@linkcode stockFeeds}. */
export interface FeedOptions {
  /** The application's version, for `status` events. */
  readonly version: string;
  /** Looks at the machine; the adapters have `machineSampler()`. @default no `metrics` events */
  readonly sample?: () => SystemSample;
  /** Milliseconds between `metrics` events, a positive integer. @default 5000 */
  readonly interval?: number;
  /** Where log lines go beside the `logs` channel. @default warnings and errors to the console */
  readonly logger?: Logger;
  /** @default systemClock */
  readonly clock?: Clock;
}

/** Options of a hub by which {@linkcode Feeds} hears of connections and log lines. */
export interface FeedHooks {
  readonly onConnect: (connection: ConnectionInfo) => void;
  readonly onDisconnect: (connection: ConnectionInfo, ending: Ending) => void;
  readonly logger: Logger;
}

type StockName = keyof StockChannels & string;

/** How many events of the feeds may wait for the broker; over it they are left out, and counted. */
const MAX_WAITING = 10_000;

/**
 * Feeds the stock channels while it runs: `metrics` at an interval, `connections` with every join and
 * leave, `logs` with the hub's own log, `status` with its start and end. The application publishes what
 * only it knows: signals, actions, metrics, log lines, other statuses.
 *
 * A stock channel that the hub does not declare gets nothing. What cannot be published goes to
 * the logger, never back into `logs`. The `publish…` methods reject with a {@linkcode HeddleError}:
 * `closed` while the feeds do not run, and as {@linkcode Publisher.publish} does.
 */
export class Feeds implements AsyncDisposable {
  /** To be spread into the hub's options. */
  readonly hooks: FeedHooks;
  readonly #options: FeedOptions;
  readonly #interval: number;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #declared = new Set<StockName>();
  #hub: AnyHub | undefined;
  #stopping: Promise<void> | undefined;
  #cancel: () => void = () => {};
  #connections = 0;
  #waiting = 0;
  #leftOut = 0;
  #logsHeldUntil = -Infinity;
  #measured = { at: 0, events: 0 };

  /** Use {@linkcode stockFeeds}. */
  constructor(options: FeedOptions) {
    checkNames("stockFeeds", options, ["version", "sample", "interval", "logger", "clock"]);
    const { interval = 5000, logger = quietLogger, clock = systemClock } = options;
    if (typeof options.version !== "string") {
      throw new HeddleError("option_invalid", "stockFeeds.version must be a string");
    }
    checkType("stockFeeds.sample", options.sample, "function");
    if (!Number.isSafeInteger(interval) || interval <= 0) {
      throw new HeddleError(
        "option_invalid",
        `stockFeeds.interval is ${interval}; it must be a positive integer of milliseconds`,
      );
    }
    this.#options = options;
    this.#interval = interval;
    this.#logger = redactingLogger(logger);
    this.#clock = clock;
    this.hooks = {
      onConnect: (connection) => this.#joined(connection),
      onDisconnect: (connection, ending) => this.#left(connection, ending),
      logger: {
        debug: (message, fields) => this.#logged("debug", message, fields),
        info: (message, fields) => this.#logged("info", message, fields),
        warn: (message, fields) => this.#logged("warn", message, fields),
        error: (message, fields) => this.#logged("error", message, fields),
      },
    };
  }

  /** Starts to feed a hub, and publishes `status.started`. While the feeds run, it does nothing. */
  start(hub: AnyHub): void {
    if (this.#hub !== undefined) return;
    this.#hub = hub;
    this.#stopping = undefined;
    this.#declared.clear();
    for (const name of STOCK_NAMES) {
      if (hub.describe(name) !== undefined) this.#declared.add(name);
    }
    this.#measured = { at: this.#clock.now(), events: hub.stats().eventsPublished };
    this.#cancel = this.#clock.every(this.#interval, () => this.#measure());
    this.#feed("status", "status.started", this.#status("started"));
  }

  /** Publishes `status.draining` and stops; to be called before the hub is drained. Never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The same as {@linkcode Feeds.stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Publishes `signal.NAME`. */
  async publishSignal(name: string, data: Signal = {}): Promise<Published> {
    return await this.#publish("signals", `signal.${name}`, data);
  }

  /** Publishes `action.executed`. */
  async publishAction(data: ActionExecuted): Promise<Published> {
    return await this.#publish("actions", "action.executed", data);
  }

  /** Publishes `system_metrics` of the application's own making, beside those at the interval. */
  async publishMetrics(data: SystemMetrics): Promise<Published> {
    return await this.#publish("metrics", "system_metrics", data);
  }

  /** Publishes `log.LEVEL`; the line goes to the channel alone. */
  async publishLog(
    level: LogLevel,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Published> {
    return await this.#publish("logs", `log.${level}`, logLine(level, message, fields));
  }

  /** Publishes `status.NAME`, such as `status.degraded`. */
  async publishStatus(status: string): Promise<Published> {
    return await this.#publish("status", `status.${status}`, this.#status(status));
  }

  #publish(channel: StockName, eventType: string, data: unknown): Promise<Published> {
    if (this.#hub !== undefined) return this.#hub.channel(channel).publish(eventType, data);
    throw new HeddleError("closed", "the feeds do not run: call start(hub) first");
  }

  async #stop(): Promise<void> {
    if (this.#hub === undefined) return;
    this.#tellLeftOut();
    this.#cancel();
    const draining = this.#declared.has("status")
      ? this.publishStatus("draining").catch((error: unknown) => this.#failed("status", error))
      : undefined;
    this.#hub = undefined;
    await draining;
  }

  #status(status: string): ServerStatus {
    const uptime = this.#hub?.uptime ?? 0;
    return { status, uptime_seconds: Math.floor(uptime / 1000), version: this.#options.version };
  }

  #measure(): void {
    const { sample } = this.#options;
    this.#tellLeftOut();
    if (this.#hub === undefined || sample === undefined) return;
    const at = this.#clock.now();
    const events = this.#hub.stats().eventsPublished;
    const perSecond = (events - this.#measured.events) / ((at - this.#measured.at) / 1000);
    this.#measured = { at, events };
    try {
      const data = { ...sample(), events_per_sec: Math.round(perSecond * 100) / 100 };
      this.#feed("metrics", "system_metrics", data);
    } catch (error) {
      this.#logger.error("the machine could not be looked at", { error });
    }
  }

  #joined(connection: ConnectionInfo): void {
    this.#connections++;
    this.#feed("connections", "client.connected", this.#client(connection));
  }

  #left(connection: ConnectionInfo, { code, reason }: Ending): void {
    this.#connections--;
    const data = { ...this.#client(connection), code, reason };
    this.#feed("connections", "client.disconnected", data);
  }

  #client({ clientId, userId, role }: ConnectionInfo): ClientConnected {
    return { client_id: clientId, user_id: userId, role, connections: this.#connections };
  }

  #logged(level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#logger[level](message, fields);
    // A broker that cannot publish says so in the log: without a pause it would be told that too.
    if (this.#clock.now() < this.#logsHeldUntil) this.#leftOut++;
    else this.#feed("logs", `log.${level}`, logLine(level, message, fields));
  }

  /**
   * Publishes when the present tick is over: who logs or connects is not in the middle of it then, and
   * a broker that logs while it publishes is not called from within itself.
   */
  #feed(channel: StockName, eventType: string, data: unknown): void {
    const hub = this.#hub;
    if (hub === undefined || !this.#declared.has(channel)) return;
    if (this.#waiting >= MAX_WAITING) {
      this.#leftOut++;
      return;
    }
    this.#waiting++;
    queueMicrotask(() => {
      hub.channel(channel).publish(eventType, data)
        .catch((error: unknown) => this.#failed(channel, error))
        .finally(() => this.#waiting--);
    });
  }

  #failed(channel: StockName, error: unknown): void {
    if (error instanceof HeddleError && error.code === "closed") {
      this.#cancel();
      this.#hub = undefined;
      return;
    }
    if (channel === "logs") this.#logsHeldUntil = this.#clock.now() + this.#interval;
    this.#logger.warn("an event of a stock channel could not be published", { channel, error });
  }

  #tellLeftOut(): void {
    if (this.#leftOut === 0) return;
    this.#logger.warn("events of the stock channels were left out", { count: this.#leftOut });
    this.#leftOut = 0;
  }
}

const STOCK_NAMES: readonly StockName[] = [
  "metrics",
  "signals",
  "actions",
  "logs",
  "status",
  "connections",
];

/**
 * Makes the feeds of the stock channels. The hub tells them of connections and log lines through
 * `hooks`; `start` and `stop` go with the server.
 *
 * @example
 * ```ts
 * import { allowAnonymous, createHub, stockChannels, stockFeeds } from "heddle";
 *
 * const feeds = stockFeeds({
 *   version: "1.0.0",
 *   sample: () => ({ cpu_percent: 12.5, memory_mb: 64 }), // or machineSampler() of an adapter
 * });
 * const hub = createHub({ auth: allowAnonymous(), channels: stockChannels(), ...feeds.hooks });
 * feeds.start(hub);
 * await feeds.publishAction({ action: "retrain", status: "succeeded", duration_ms: 1200 });
 * await feeds.stop();
 * await hub.drain();
 * ```
 *
 * @throws {HeddleError} `option_invalid` for an `interval` that is none.
 */
export function stockFeeds(options: FeedOptions): Feeds {
  return new Feeds(options);
}
