import type { HistoryPage } from "../broker/broker.ts";
import type { EncodedEvent, Frame, Variant } from "../protocol/encode.ts";
import type { ChannelEvent } from "../protocol/event.ts";

/** How many events a stretch ends at a multiple of, so that all who catch up come to the same ones. */
export const STRETCH = 128;

/** How many stretches are kept: as many as the history that a channel has by default. */
const MOST = 8;

/** Frames that go out one after the other: one object for all who are given the same. */
export interface Run {
  readonly frames: readonly Frame[];
  /** Their bytes; a text counts its UTF-16 units. */
  readonly size: number;
}

/** Events that follow each other in a channel's past, written once for each variant. */
export class Stretch {
  /** Whether everybody may have all of them, and none has to be noted for each. */
  readonly isForAll: boolean;
  readonly #events: readonly ChannelEvent[];
  readonly #encode: (event: ChannelEvent) => EncodedEvent;
  readonly #runs = new Map<Variant, Run>();

  constructor(events: readonly ChannelEvent[], encode: (event: ChannelEvent) => EncodedEvent) {
    this.isForAll = events.every(({ exclude, ack }) => exclude === undefined && ack !== true);
    this.#events = events;
    this.#encode = encode;
  }

  /** The frames for subscribers of `variant`. */
  run(variant: Variant): Run {
    let run = this.#runs.get(variant);
    if (run === undefined) {
      const frames = this.#events.map((event) => this.#encode(event).frame(variant));
      run = { frames, size: frames.reduce((size, { length }) => size + length, 0) };
      this.#runs.set(variant, run);
    }
    return run;
  }
}

/** The stretches of a channel's past that were given last: many who come back at once want the same. */
export class Stretches {
  readonly #encode: (event: ChannelEvent) => EncodedEvent;
  readonly #kept = new Map<string, Stretch>();

  constructor(encode: (event: ChannelEvent) => EncodedEvent) {
    this.#encode = encode;
  }

  /** The stretch that a page of history is; it must have an event. */
  of({ epoch, events }: HistoryPage): Stretch {
    const key = `${epoch} ${events[0]!.offset} ${events.at(-1)!.offset} ${events.length}`;
    let stretch = this.#kept.get(key);
    if (stretch === undefined) {
      stretch = new Stretch(events, this.#encode);
      for (const oldest of this.#kept.keys()) {
        if (this.#kept.size < MOST) break;
        this.#kept.delete(oldest);
      }
      this.#kept.set(key, stretch);
    }
    return stretch;
  }
}
