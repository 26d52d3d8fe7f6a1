import { guarded } from "../base/maybe_promise.ts";
import { TimerWheel } from "../base/wheel.ts";
import { sampleOf } from "../channel/sample.ts";
import { Channels } from "../channel/channels.ts";
import { ChannelRegistry } from "../channel/registry.ts";
import { Compressor, Dictionary } from "../protocol/compression.ts";
import type { SizeLimits } from "../protocol/decode.ts";
import type { SessionOptions } from "../session/session.ts";
import { BatchKinds } from "./batches.ts";
import type { HubStats } from "./info.ts";
import type { ResolvedOptions } from "./options.ts";
import { Pump } from "./pump.ts";
import { Rates } from "./rates.ts";

/** The counters, while they count. */
export type Counters = {
  -readonly [
    K in Exclude<
      keyof HubStats,
      | "refusals"
      | "connections"
      | "openConnections"
      | "users"
      | "channels"
      | "subscriptions"
      | "eventsKept"
      | "sessionsKept"
      | "sessionsEvicted"
      | "connecting"
      | "rateLimited"
      | "ratesKept"
      | "ratesEvicted"
      | "uptime"
    >
  ]: number;
};

/** What all connections of a hub share. */
export interface Workings {
  readonly options: ResolvedOptions;
  readonly registry: ChannelRegistry;
  readonly channels: Channels;
  readonly compressor: Compressor;
  /** What sessions go by, where the hub pings the peer and where the runtime does. */
  readonly sessions: { readonly pinged: SessionOptions; readonly unpinged: SessionOptions };
  /** What short messages are compressed with, for those who asked for it. */
  readonly dictionary: Dictionary | undefined;
  readonly batches: BatchKinds;
  readonly wheel: TimerWheel;
  /** Goes on with connections that are behind. */
  readonly pump: Pump;
  readonly stats: Counters;
  /** Requests that were refused, by the `error` of the answer: the names are few, and the hub's own. */
  readonly refusals: Map<string, number>;
  readonly sizes: SizeLimits;
  /** How often messages and connections may come; undefined where that is not limited. */
  readonly rates: Rates | undefined;
  /** Whether the application declares a message of this type. */
  readonly declares: (type: string) => boolean;
  /** The wall time now: RFC 3339, UTC. */
  readonly timestamp: () => string;
  /** A wall time, in milliseconds since 1970, as RFC 3339 in UTC. */
  readonly stamp: (wall: number) => string;
  /** Calls the application, whose mistakes must not become a connection's. */
  readonly tell: (call: () => unknown) => void;
}

/** Makes them from the hub's options. */
export function createWorkings(options: ResolvedOptions): Workings {
  const compressor = new Compressor(options.compression);
  const { text, subscribe, binary, lag } = options.limits;
  const registry = new ChannelRegistry(options.channels);
  const stats = countersAtZero();
  const dictionary = dictionaryOf(options);
  const stamp = stamper();
  const timestamp = () => stamp(options.clock.wall());
  const declares = (type: string) => Object.hasOwn(options.messages, type);
  const { subscriptions, inFlight, inFlightBytes } = options.limits;
  const unpinged = { subscriptions, inFlight, inFlightBytes, dictionary, declares, timestamp };
  return {
    options,
    registry,
    channels: new Channels({ broker: options.broker, compressor, registry, lag, counters: stats }),
    compressor,
    dictionary,
    sessions: { unpinged, pinged: { ...unpinged, liveness: options.heartbeat } },
    batches: new BatchKinds(options.clock),
    wheel: new TimerWheel(options.clock),
    pump: new Pump(options.clock),
    stats,
    refusals: new Map(),
    sizes: { text, subscribe, binary },
    rates: options.rates && new Rates(options.rates),
    declares,
    timestamp,
    stamp,
    tell(call) {
      guarded(call, (error) => {
        options.logger.error("a callback of the application failed", { error });
      });
    },
  };
}

function dictionaryOf({ compression, channels }: ResolvedOptions): Dictionary | undefined {
  const { dictionary = sampleOf(channels) } = compression;
  return dictionary === false ? undefined : new Dictionary(dictionary);
}

function countersAtZero(): Counters {
  return {
    peakConnections: 0,
    totalConnections: 0,
    totalDisconnections: 0,
    refused: 0,
    evicted: 0,
    channelsRefused: 0,
    messagesReceived: 0,
    messagesSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    eventsPublished: 0,
    eventsDelivered: 0,
    pings: 0,
    missedPongs: 0,
    notAlive: 0,
    errors: 0,
  };
}

/** Many messages share a second, and so most of their timestamp, which is dear to write. */
function stamper(): (wall: number) => string {
  let last = NaN;
  let start = "";
  return (wall) => {
    const second = Math.floor(wall / 1_000);
    const milliseconds = Math.floor(wall) - second * 1_000;
    if (second !== last) {
      last = second;
      start = new Date(second * 1_000).toISOString().slice(0, -"000Z".length);
    }
    return `${start}${String(milliseconds).padStart(3, "0")}Z`;
  };
}
