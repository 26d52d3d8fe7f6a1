import type { Gap, UnacknowledgedEvent } from "../broker/broker.ts";
import type { Channel } from "../channel/channel.ts";
import type { Run } from "../channel/stretch.ts";
import type { Subscriber } from "../channel/subscriber.ts";
import { EncodedEvent, encodeMessage, type Frame, type Written } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { ApplicationReply, ServerMessage } from "../protocol/messages.ts";
import { Acknowledgements, type DeliveryOutcome } from "./acknowledgements.ts";
import { Outbox } from "./outbox.ts";
import type { Pumped } from "./pump.ts";

/**
 * The half of a connection that what goes out passes through: events and answers, in their order, as fast
 * as the socket takes them. What it is not given in time, and which acknowledgements it owes, is known here.
 */
export abstract class Recipient extends Outbox implements Subscriber, Pumped {
  #acknowledgements: Acknowledgements | undefined;
  /** The channels in which it is not up to date. */
  #behind: Set<Channel> | undefined;

  abstract get clientId(): string;
  abstract get userId(): string | null;
  /** The names of the channels that it is on, in its own right or because it asked. */
  abstract channelNames(): readonly string[];
  /** It reads too slowly: its connection is to go. */
  protected abstract cut(): void;
  /** Something falls due at another time than before. */
  protected abstract schedule(): void;
  /** What became of an event that was to be acknowledged. */
  protected abstract settled(
    event: ChannelEvent,
    outcome: DeliveryOutcome,
    attempts: number,
  ): void;

  /** What waits for its acknowledgement. */
  get unacknowledged(): readonly UnacknowledgedEvent[] {
    return this.#acknowledgements?.pending ?? [];
  }

  deliver(frame: Frame, event: ChannelEvent): void {
    this.workings.stats.eventsDelivered++;
    this.write(frame);
    if (event.ack) {
      this.#acks().sent(event, this.workings.options.clock.now());
      this.schedule();
    }
    this.#cutIfOverfull();
  }

  deliverAll(run: Run): void {
    this.workings.stats.eventsDelivered += run.frames.length;
    this.writeAll(run);
    this.#cutIfOverfull();
  }

  strained(): void {
    for (const channel of this.channels()) channel.separate(this);
    this.#cutIfOverfull();
  }

  miss(channel: string, epoch: string, { from, to }: Gap): void {
    const { timestamp } = this.workings;
    this.tell({ type: "gap", channel, epoch, from, to, timestamp: timestamp() });
  }

  fellBehind(channel: Channel): void {
    this.#behind ??= new Set();
    this.#behind.add(channel);
    this.workings.pump.add(this);
  }

  overflowed(channel: Channel): void {
    const { logger } = this.workings.options;
    logger.warn("a slow connection was cut off", {
      clientId: this.clientId,
      channel: channel.name,
    });
    this.cut();
  }

  pump(): boolean {
    const behind = this.#behind;
    if (behind === undefined || !this.isOpen) return false;
    for (const channel of inOrder(behind)) {
      if (channel.catchUp(this) === true) behind.delete(channel);
    }
    if (behind.size === 0) this.#behind = undefined;
    return behind.size > 0;
  }

  /** Sends a message of the application; false where it is too late. */
  send(message: ApplicationReply): boolean {
    if (!this.isOpen) return false;
    this.tell(message);
    return true;
  }

  /** Awaits the acknowledgements that the session's former connection waited for. */
  goOn(unacknowledged: readonly UnacknowledgedEvent[]): void {
    if (unacknowledged.length === 0) return;
    this.#acks().restore(unacknowledged, this.workings.options.clock.now());
    this.schedule();
  }

  /** What it waits for acknowledgements of; undefined where nothing ever was to be acknowledged. */
  protected get acknowledgements(): Acknowledgements | undefined {
    return this.#acknowledgements;
  }

  /** Sends a message. @throws {TypeError} where JSON cannot hold it. */
  protected tell(message: ServerMessage | ApplicationReply | Written): void {
    this.write(encodeMessage(message, this.variant, this.workings.compressor));
    this.#cutIfOverfull();
  }

  /** The channels that it is on, or those of these names. */
  protected channels(names: readonly string[] = this.channelNames()): readonly Channel[] {
    const { channels } = this.workings;
    return names.map((name) => channels.get(name)).filter((channel) => channel !== undefined);
  }

  #acks(): Acknowledgements {
    const { options } = this.workings;
    const isReady = () => this.isReady;
    return this.#acknowledgements ??= new Acknowledgements(options.acknowledgement, {
      get isReady() {
        return isReady();
      },
      repeat: (event, attempt) => {
        const encoded = new EncodedEvent(event, this.workings.compressor, attempt);
        const frame = encoded.frame(this.variant);
        if (!this.takes(frame)) return false;
        this.write(frame);
        this.#cutIfOverfull();
        return true;
      },
      settled: (event, outcome, attempts) => this.settled(event, outcome, attempts),
    });
  }

  /** A frame left out would be a hole that nobody is told of, so the whole connection goes. */
  #cutIfOverfull(): void {
    if (!this.isOpen || !this.isOverfull) return;
    this.workings.options.logger.warn("a slow connection was cut off", {
      clientId: this.clientId,
    });
    this.cut();
  }
}

const RANK = { critical: 0, normal: 1, bulk: 2 } as const;

/** What is critical goes first; among equals, who fell behind first. */
function inOrder(channels: ReadonlySet<Channel>): Channel[] {
  const rank = ({ definition }: Channel) => RANK[definition?.priority ?? "normal"];
  return [...channels].sort((a, b) => rank(a) - rank(b));
}
