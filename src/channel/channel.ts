import { EncodedEvent, type Frame, type Variant } from "../protocol/encode.ts";
import type { Compressor } from "../protocol/compression.ts";
import type { ChannelEvent, Exclusion } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";

/** A connection, as the fan-out sees it. */
export interface Subscriber {
  readonly clientId: string;
  readonly userId: string | null;
  /** How its frames are written. When it changes, {@linkcode Channel.regroup} must be told. */
  readonly variant: Variant;
  /** Hands one frame of an event to its socket. Never throws. */
  deliver(frame: Frame): void;
}

/**
 * A channel that somebody is subscribed to: its subscribers by variant, and the fan-out to them.
 *
 * An event is written once for each variant and passes through no session.
 */
export class Channel {
  /** Its name. */
  readonly name: string;
  /** The place before the next event. */
  position: Position;
  readonly #groups = new Map<Variant, Set<Subscriber>>();
  readonly #compressor: Compressor;

  constructor(name: string, position: Position, compressor: Compressor) {
    this.name = name;
    this.position = position;
    this.#compressor = compressor;
  }

  /** How many are subscribed. */
  get size(): number {
    let size = 0;
    for (const group of this.#groups.values()) size += group.size;
    return size;
  }

  /** Who is subscribed. */
  *subscribers(): IterableIterator<Subscriber> {
    for (const group of this.#groups.values()) yield* group;
  }

  /** Lets a subscriber have every event from now on. */
  add(subscriber: Subscriber): void {
    const group = this.#groups.get(subscriber.variant);
    if (group === undefined) this.#groups.set(subscriber.variant, new Set([subscriber]));
    else group.add(subscriber);
  }

  /** Lets it have no more. False where it had none. */
  delete(subscriber: Subscriber, variant: Variant = subscriber.variant): boolean {
    const group = this.#groups.get(variant);
    if (group === undefined || !group.delete(subscriber)) return false;
    if (group.size === 0) this.#groups.delete(variant);
    return true;
  }

  /** Whether it is subscribed. */
  has(subscriber: Subscriber): boolean {
    return this.#groups.get(subscriber.variant)?.has(subscriber) ?? false;
  }

  /** Moves a subscriber whose variant was `former` to where it now belongs. */
  regroup(subscriber: Subscriber, former: Variant): void {
    if (this.delete(subscriber, former)) this.add(subscriber);
  }

  /** Writes an event and hands it to everybody it is for. */
  deliver(event: ChannelEvent): void {
    this.position = { epoch: event.epoch, offset: event.offset };
    const encoded = new EncodedEvent(event, this.#compressor);
    const isExcluded = event.exclude === undefined ? undefined : excluded(event.exclude);
    for (const [variant, group] of this.#groups) {
      const frame = encoded.frame(variant);
      for (const subscriber of group) {
        if (isExcluded?.(subscriber)) continue;
        subscriber.deliver(frame);
      }
    }
  }
}

function excluded({ clients = [], users = [] }: Exclusion): (subscriber: Subscriber) => boolean {
  const clientIds = new Set(clients);
  const userIds = new Set(users);
  return ({ clientId, userId }) =>
    clientIds.has(clientId) || (userId !== null && userIds.has(userId));
}
