import { type ChannelEvent, type NewEvent, placed } from "../protocol/event.ts";
import type { Position } from "../protocol/messages.ts";
import type { Gap, HistoryPage, HistoryQuery, Retention } from "./broker.ts";

/** One event that is kept. */
interface Kept {
  readonly event: ChannelEvent;
  readonly bytes: number;
  readonly at: number;
}

/** The numbering of a channel, and as much of its past as its retention allows. */
export class Stream {
  readonly epoch: string;
  /** The newest offset; 0 before the first. */
  head = 0;
  /** Bytes of the events kept. */
  bytes = 0;
  readonly #channel: string;
  #kept: Kept[] = [];
  /** How many at the front of the array are gone: they are cut off now and then, not one by one. */
  #gone = 0;

  constructor(channel: string, epoch: string) {
    this.#channel = channel;
    this.epoch = epoch;
  }

  /** How many events are kept. */
  get size(): number {
    return this.#kept.length - this.#gone;
  }

  /** When the oldest event that is kept was taken; undefined where none is. */
  get oldest(): number | undefined {
    return this.#kept[this.#gone]?.at;
  }

  /** Gives an event the next place and keeps it. */
  append(event: NewEvent, retention: Retention, now: number): ChannelEvent {
    const kept = placed(event, this.#channel, { epoch: this.epoch, offset: ++this.head });
    const bytes = sizeOf(event);
    this.#kept.push({ event: kept, bytes, at: now });
    this.bytes += bytes;
    this.trim(retention, now);
    return kept;
  }

  /** Drops what the retention no longer covers. */
  trim({ size, bytes, ttl }: Retention, now: number): void {
    while (this.size > 0) {
      const oldest = this.#kept[this.#gone]!;
      if (this.size <= size && this.bytes <= bytes && oldest.at + ttl > now) break;
      this.dropOldest();
    }
  }

  /** Drops the oldest event. */
  dropOldest(): void {
    const oldest = this.#kept[this.#gone];
    if (oldest === undefined) return;
    this.bytes -= oldest.bytes;
    this.#gone++;
    if (this.#gone >= 64 && this.#gone * 2 >= this.#kept.length) {
      this.#kept = this.#kept.slice(this.#gone);
      this.#gone = 0;
    }
  }

  /** Reads a part of the past. */
  read({ since, last, limit, bytes }: HistoryQuery): HistoryPage {
    const { epoch, head } = this;
    const oldest = head - this.size + 1;
    const from = last === undefined ? since : { epoch, offset: Math.max(oldest - 1, head - last) };
    const gap = from === undefined ? undefined : this.#gapAfter(from, oldest);
    const start = from === undefined || gap !== undefined ? oldest : from.offset + 1;
    const events: ChannelEvent[] = [];
    let room = bytes;
    for (let offset = start; offset <= head && events.length < limit; offset++) {
      const kept = this.#kept[this.#gone + offset - oldest]!;
      room -= kept.bytes;
      if (room < 0 && events.length > 0) break;
      events.push(kept.event);
    }
    const end = start + events.length - 1;
    return { epoch, head, events, more: end < head, ...(gap === undefined ? {} : { gap }) };
  }

  #gapAfter({ epoch, offset }: Position, oldest: number): Gap | undefined {
    if (epoch !== this.epoch || offset > this.head) return { from: null, to: null };
    return offset + 1 < oldest ? { from: offset + 1, to: oldest - 1 } : undefined;
  }
}

function sizeOf({ data, eventType }: NewEvent): number {
  return eventType.length + (typeof data === "string" ? data.length : data.content.byteLength);
}
