import { HeddleError } from "../base/errors.ts";
import { attempt, type MaybePromise, whenReady } from "../base/maybe_promise.ts";
import type { Broker, BrokerSubscription } from "../broker/broker.ts";
import type { Compressor } from "../protocol/compression.ts";
import type { ChannelEvent } from "../protocol/event.ts";
import type { FanoutCounters } from "./audience.ts";
import { isOwnChannelName } from "../protocol/names.ts";
import { Channel } from "./channel.ts";
import type { ChannelRegistry } from "./definition.ts";

/** A channel, who holds it, and its line to the broker. */
interface Entry {
  holds: number;
  channel: Channel | undefined;
  subscription: BrokerSubscription | undefined;
  opening: Promise<Channel> | undefined;
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

  /** Those that are open. */
  *[Symbol.iterator](): IterableIterator<Channel> {
    for (const { channel } of this.#entries.values()) if (channel !== undefined) yield channel;
  }

  /** Whether somebody holds it, or is about to. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The channel of that name, where somebody is on it. */
  get(name: string): Channel | undefined {
    return this.#entries.get(name)?.channel;
  }

  /**
   * Takes a hold on a channel, so that it exists until {@linkcode release} is called as often.
   *
   * @throws {HeddleError} `broker_unavailable` where the broker did not let it in; then there is no hold.
   */
  hold(name: string): MaybePromise<Channel> {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      entry = {
        holds: 0,
        channel: undefined,
        subscription: undefined,
        opening: undefined,
        early: undefined,
      };
      this.#entries.set(name, entry);
      if (this.isPatterned(name)) this.#patterned++;
    }
    entry.holds++;
    return entry.channel ?? entry.opening ?? this.#open(name, entry);
  }

  /** Gives a hold back; with the last one the channel ends. */
  release(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || --entry.holds > 0) return;
    entry.subscription?.close();
    this.#delete(name);
  }

  #delete(name: string): void {
    this.#entries.delete(name);
    if (this.isPatterned(name)) this.#patterned--;
  }

  #open(name: string, entry: Entry): MaybePromise<Channel> {
    const { broker, registry } = this.#workings;
    const opened = whenReady(
      attempt(() => broker.subscribe(name, registry.retention(name), listenerOf(entry))),
      (subscription) => {
        entry.opening = undefined;
        if (entry.holds === 0) subscription.close();
        entry.subscription = subscription;
        entry.channel = new Channel(name, subscription.position, {
          ...this.#workings,
          definition: registry.find(name),
        });
        for (const event of entry.early ?? []) entry.channel.deliver(event);
        entry.early = undefined;
        return entry.channel;
      },
      (reason) => {
        // Nobody got in: every hold falls with the entry.
        if (this.#entries.get(name) === entry) this.#delete(name);
        throw new HeddleError("broker_unavailable", `channel "${name}" cannot be opened`, {
          cause: reason,
        });
      },
    );
    if (opened instanceof Promise) entry.opening = opened;
    return opened;
  }
}

/** It lives as long as the channel, so it holds the entry and nothing else. */
function listenerOf(entry: Entry): (event: ChannelEvent) => void {
  return (event) => {
    if (entry.channel !== undefined) entry.channel.deliver(event);
    else (entry.early ??= []).push(event);
  };
}
