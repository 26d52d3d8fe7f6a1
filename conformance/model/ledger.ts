/**
 * What is known of one channel: what was published there, and which place each event has.
 *
 * @module
 */
import type { Position } from "../channels/client.ts";
import type { ChannelOffer } from "../target/offer.ts";
import { law } from "./law.ts";

/** An event that somebody asked to be published. */
export interface Publication {
  /** Its data, which no other has: `a`, `b` … */
  readonly label: string;
  /** The client id that it is not for; null where it is for all. */
  readonly excludes: string | null;
  /** Whose id it was given, and which; null without. */
  readonly key: string | null;
  /** What is known of it; `perhaps`: no answer came, so either may be. */
  fate: "asked" | "taken" | "none" | "perhaps";
  place: Position | null;
  /** The time that the server gave it, as the first told it. */
  timestamp: string | null;
}

/** Where a channel stood at some moment, as far as it was known. */
export interface Mark {
  readonly epoch: string | null;
  readonly head: number;
}

/** A part of the time that a channel's events are kept by which a run is to be over. */
const OVER = 0.5;

/** One channel. */
export class Ledger {
  readonly name: string;
  /** Its name in a report: that of its declaration. */
  readonly shown: string;
  readonly offer: ChannelOffer;
  readonly #publications = new Map<string, Publication>();
  readonly #places = new Map<string, Publication>();
  readonly #made = performance.now();
  #epoch: string | null = null;
  #head = 0;

  constructor(name: string, shown: string, offer: ChannelOffer) {
    this.name = name;
    this.shown = shown;
    this.offer = offer;
  }

  /** The newest place that is known. */
  mark(): Mark {
    return { epoch: this.#epoch, head: this.#head };
  }

  /** The newest place that there can be: whatever has none yet may have one. */
  get most(): number {
    const open = ({ fate, place }: Publication) =>
      place === null && (fate === "asked" || fate === "perhaps");
    return this.#head + [...this.#publications.values()].filter(open).length;
  }

  /** How many of the newest events are kept in any case. */
  get size(): number {
    return this.offer.history?.size ?? 1000;
  }

  /** Whether the event at a place is kept in any case, or one that comes there will be. */
  keeps(offset: number): boolean {
    const seconds = this.offer.history?.seconds ?? 300;
    const young = performance.now() - this.#made < seconds * 1000 * OVER;
    return young && this.most - offset < this.size;
  }

  /** Something is sent to be published. */
  ask(label: string, excludes: string | null, key: string | null): Publication {
    const publication: Publication = {
      label,
      excludes,
      key,
      fate: "asked",
      place: null,
      timestamp: null,
    };
    this.#publications.set(label, publication);
    return publication;
  }

  find(label: string): Publication | undefined {
    return this.#publications.get(label);
  }

  at(epoch: string, offset: number): Publication | undefined {
    return this.#places.get(placeKey({ epoch, offset }));
  }

  /** All that were given this id. */
  ofKey(key: string): Publication[] {
    return [...this.#publications.values()].filter((one) => one.key === key);
  }

  /** A numbering was told of. */
  learnEpoch(epoch: string): void {
    if (this.#epoch === epoch) return;
    this.#epoch = epoch;
    this.#head = 0;
  }

  /** An event was seen, or told, to have a place. */
  learn(publication: Publication, place: Position): void {
    const { label } = publication;
    law(
      publication.fate !== "none",
      "HDL-PUB-1",
      `no event ${quoted(label)}, which was answered otherwise`,
      showPlace(place),
    );
    const holder = this.at(place.epoch, place.offset);
    law(
      holder === undefined || holder === publication,
      "HDL-PUB-1",
      `a place of its own for the event ${quoted(label)}`,
      `${showPlace(place)}, which ${quoted(holder?.label ?? "")} has`,
    );
    const before = publication.place;
    law(
      before === null || before.epoch === place.epoch && before.offset === place.offset,
      "HDL-EVT-2",
      `the event ${quoted(label)} at ${before === null ? "" : showPlace(before)} for everybody`,
      showPlace(place),
    );
    publication.fate = "taken";
    publication.place = place;
    this.#places.set(placeKey(place), publication);
    this.learnEpoch(place.epoch);
    this.#head = Math.max(this.#head, place.offset);
  }
}

/** A label as a report has it. */
export function quoted(label: string): string {
  return JSON.stringify(label);
}

/** A place as a report has it; epochs are of no use to a reader. */
export function showPlace({ offset }: Position): string {
  return `offset ${offset}`;
}

function placeKey({ epoch, offset }: Position): string {
  return `${epoch} ${offset}`;
}
