import { assert } from "@std/assert";
import type { Broker, Gap } from "../broker/broker.ts";
import { newEvent } from "../broker/contract.ts";
import { memoryBroker } from "../broker/memory.ts";
import { Compressor } from "../protocol/compression.ts";
import { type Frame, plainText, type Variant } from "../protocol/encode.ts";
import type { ChannelEvent, Exclusion } from "../protocol/event.ts";
import { FakeSocket } from "../testing/fake_socket.ts";
import { Channel } from "./channel.ts";
import { channel as define, type ChannelOptions, type EventSchemas } from "./definition.ts";
import type { Fanout } from "./fanout.ts";
import type { Run } from "./stretch.ts";
import type { Subscriber } from "./subscriber.ts";

/** A subscriber that keeps what it gets, and is ready while a test lets it be. */
export class Peer implements Subscriber {
  readonly socket = new FakeSocket();
  readonly fanout: Fanout | undefined = undefined;
  readonly clientId: string;
  readonly userId: string | null;
  variant: Variant;
  isReady = true;
  /** How many bytes it has room for while it is ready. */
  room = Infinity;
  readonly frames: Frame[] = [];
  /** What of them it was handed together. */
  readonly runs: Run[] = [];
  readonly gaps: Gap[] = [];
  /** How often it was told that it fell behind, and by too much. */
  fallen = 0;
  overflows = 0;
  onFrame: () => void = () => {};

  constructor(clientId: string, userId: string | null = null, variant: Variant = plainText) {
    this.clientId = clientId;
    this.userId = userId;
    this.variant = variant;
  }

  takes(): boolean {
    return this.isReady;
  }

  deliver(frame: Frame): void {
    this.frames.push(frame);
    this.onFrame();
  }

  deliverAll(run: Run): void {
    this.runs.push(run);
    for (const frame of run.frames) this.deliver(frame);
  }

  hand(frame: Frame): void {
    this.deliver(frame);
  }

  count(): void {}

  strained(): void {}

  miss(_channel: string, _epoch: string, gap: Gap): void {
    this.gaps.push(gap);
  }

  fellBehind(): void {
    this.fallen++;
  }

  overflowed(): void {
    this.overflows++;
  }

  /** The offsets of what it got, each taken once. */
  take(): number[] {
    return this.frames.splice(0).map((frame) => JSON.parse(String(frame)).offset);
  }
}

/** An event of the channel "a" in the epoch "e". */
export function eventOf(offset: number, exclude?: Exclusion, data = "1"): ChannelEvent {
  return {
    channel: "a",
    epoch: "e",
    offset,
    eventType: "tick",
    timestamp: "2024-12-29T12:00:00.000Z",
    data,
    ...(exclude === undefined ? {} : { exclude }),
  };
}

/** The channel "a", before its first event in the epoch "e". */
export function newChannel(compressor = new Compressor()): Channel {
  const workings = { definition: undefined, broker: memoryBroker(), compressor, lag: 1_000 };
  return new Channel("a", { epoch: "e", offset: 0 }, workings);
}

/** A channel over a broker in memory, and how to publish to it. */
export function listening(
  options: ChannelOptions<EventSchemas> = {},
  change: (broker: Broker) => Broker = (broker) => broker,
): { channel: Channel; publish: (data?: unknown, exclude?: Exclusion) => void } {
  const memory = memoryBroker();
  const definition = define(options);
  const { retention } = definition;
  const made: Channel[] = [];
  const subscription = memory.subscribe("a", retention, (event) => made[0]?.deliver(event));
  assert(!(subscription instanceof Promise));
  const channel = new Channel("a", subscription.position, {
    definition,
    broker: change(memory),
    compressor: new Compressor(),
    lag: 3,
  });
  made.push(channel);
  const publish = (data: unknown = 1, exclude?: Exclusion) => {
    const event = { ...newEvent(JSON.stringify(data)), ...(exclude && { exclude }) };
    void memory.publish("a", event, { retention });
  };
  return { channel, publish };
}
