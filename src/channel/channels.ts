import { HeddleError } from "../base/errors.ts";
import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { Broker, BrokerSubscription } from "../broker/broker.ts";
import type { Compressor } from "../protocol/compression.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { FanoutCounters } from "./audience.ts";
import { isOwnChannelName } from "../protocol/names.ts";
import { Channel } from "./channel.ts";
import type { ChannelRegistry } from "./registry.ts";
import type { Subscriber } from "./subscriber.ts";

/** A name that is held, its line to the broker, and the channel, as soon as there is more to it than that. */
class Entry {
  holds = 0;
  subscription: BrokerSubscription | undefined;
  /** The channel; before there is any need of it, whoever is alone on it. */
  content: Channel | Subscriber | undefined;
  opening: Promise<Entry> | undefined;
  /** Events that came before the broker said where the channel stands. */
  early: ChannelEvent[] | undefined;
}

/** What channels are made with. */
export interface ChannelWorkings {
  readonly broker: Broker;
  readonly compressor: Compressor;
  readonly registry: ChannelRegistry;
  /** How many events a subscriber may be behind before its channel's policy decides. */
  readonly lag: number;
  /** What the fan-out counts in. */
  readonly counters?: FanoutCounters;
}

/**
 * The channels that exist now. One exists while somebody holds it, and listens to the broker once, for
 * all its subscribers.
 *
 * On a channel of its own a connection is alone as a rule, and most of these are silent for as long as they
 * live. So one that a subscriber was {@linkcode put} on is a name, and a place in the broker, until somebody
 * speaks in it or another comes.
 */
export class Channels {
  readonly #entries = new Map<string, Entry>();
  #patterned = 0;
  readonly #workings: ChannelWorkings;

  constructor(workings: ChannelWorkings) {
    this.#workings = workings;
  }

  /** How many of them are there by a pattern: clients choose their names. */
  get patterned(): number {
    return this.#patterned;
  }

  /** Whether a channel of this name is neither the hub's own nor declared by its name. */
  isPatterned(name: string): boolean {
    return !isOwnChannelName(name) && !this.#workings.registry.definitions.has(name);
  }

  /** How many exist. */
  get size(): number {
    return this.#entries.size;
  }

  /** Those that there is more to than a name. */
  *[Symbol.iterator](): IterableIterator<Channel> {
    for (const { content } of this.#entries.values()) if (content instanceof Channel) yield content;
  }

  /** Whether somebody holds it, or is about to. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The channel of that name, where there is more to it than the name. */
  get(name: string): Channel | undefined {
    const content = this.#entries.get(name)?.content;
    return content instanceof Channel ? content : undefined;
  }

  /**
   * Takes a hold on a channel, so that it exists until {@linkcode release} is called as often.
   *
   * @throws {HeddleError} `broker_unavailable` where the broker did not let it in; then there is no hold.
   */
  hold(name: string): MaybePromise<Channel> {
    return whenReady(this.#hold(name), (entry) => this.#contentOf(name, entry));
  }

  /**
   * The same, for one who is to be {@linkcode put} on it.
   *
   * @throws {HeddleError} `broker_unavailable`.
   */
  reserve(name: string): MaybePromise<void> {
    return whenReady(this.#hold(name), () => {});
  }

  /** Puts a subscriber on a channel that is held for it. Gives the place before the next event. */
  put(name: string, subscriber: Subscriber): Position {
    const entry = this.#entries.get(name)!;
    if (entry.content === undefined) {
      entry.content = subscriber;
      return entry.subscription!.position;
    }
    const channel = this.#contentOf(name, entry);
    channel.add(subscriber);
    return channel.position;
  }

  /** Takes a subscriber off a channel; the hold stays. False where it was not on it. */
  remove(name: string, subscriber: Subscriber): boolean {
    const entry = this.#entries.get(name);
    if (entry?.content instanceof Channel) return entry.content.delete(subscriber);
    if (entry === undefined || entry.content !== subscriber) return false;
    entry.content = undefined;
    return true;
  }

  /** Where a subscriber of a channel stands: before the next event it gets. */
  positionOf(name: string, subscriber: Subscriber): Position | undefined {
    const entry = this.#entries.get(name);
    return entry?.content instanceof Channel
      ? entry.content.positionOf(subscriber)
      : entry?.subscription?.position;
  }

  /** Gives a hold back; with the last one the channel ends. */
  release(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.holds === 0 || --entry.holds > 0) return;
    // One that is not open yet is closed when it is, unless somebody comes until then.
    if (entry.subscription !== undefined) this.#close(name, entry.subscription);
  }

  #hold(name: string): MaybePromise<Entry> {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = new Entry();
      this.#entries.set(name, entry);
      if (this.isPatterned(name)) this.#patterned++;
    }
    entry.holds++;
    if (entry.subscription !== undefined) return entry;
    return entry.opening ?? this.#open(name, entry);
  }

  #open(name: string, entry: Entry): MaybePromise<Entry> {
    const { broker, registry } = this.#workings;
    const opened = whenReady(
      attempt(() => broker.subscribe(name, registry.retention(name), this.#receive)),
      (subscription) => {
        const { early = [] } = entry;
        entry.opening = entry.early = undefined;
        entry.subscription = subscription;
        for (const event of early) this.#receive(event);
        if (entry.holds === 0) this.#close(name, subscription);
        return entry;
      },
      (reason) => {
        // Nobody got in: every hold falls with the entry.
        this.#delete(name);
        throw new HeddleError("broker_unavailable", `channel "${name}" cannot be opened`, {
          cause: reason,
        });
      },
    );
    if (opened instanceof Promise) entry.opening = opened;
    return opened;
  }

  #close(name: string, subscription: BrokerSubscription): void {
    subscription.close();
    this.#delete(name);
  }

  #delete(name: string): void {
    this.#entries.delete(name);
    if (this.isPatterned(name)) this.#patterned--;
  }

  /** Takes what the broker has for any of them: one function, where each would else have its own. */
  readonly #receive = (event: ChannelEvent): void => {
    const entry = this.#entries.get(event.channel);
    if (entry === undefined) return;
    if (entry.subscription === undefined) (entry.early ??= []).push(event);
    else this.#contentOf(event.channel, entry).deliver(event);
  };

  /** The channel, made now at the latest. */
  #contentOf(name: string, entry: Entry): Channel {
    const { content } = entry;
    if (content instanceof Channel) return content;
    // No event has come since, or it would be there.
    const channel = new Channel(name, entry.subscription!.position, {
      ...this.#workings,
      definition: this.#workings.registry.find(name),
    });
    if (content !== undefined) channel.add(content);
    return entry.content = channel;
  }
}
