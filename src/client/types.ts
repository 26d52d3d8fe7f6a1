/**
 * What a client knows of a hub, from the hub's type alone. It is derived by shape, since the client
 * imports nothing of the hub.
 *
 * @module
 */
import type { Input, Output, Schema } from "../base/schema.ts";
import type { MaybePromise } from "../base/maybe_promise.ts";
import type { Media } from "../protocol/event.ts";

/** A channel, as far as its type says what passes through it. */
export interface ChannelShape {
  readonly events: Readonly<Record<string, Schema>> | undefined;
}

/** A message of the application, as far as its type says what it carries. */
export interface MessageShape {
  readonly schema: Schema;
}

/** What `createClient<typeof hub>()` takes: anything with the types of a hub. */
export interface HubShape {
  readonly types: {
    readonly channels: Readonly<Record<string, ChannelShape>>;
    readonly messages: Readonly<Record<string, MessageShape>>;
  };
}

type Channels<H extends HubShape> = H["types"]["channels"];
type Messages<H extends HubShape> = H["types"]["messages"];

/** A name as declared, or every string that a declared pattern covers. */
type Covered<P> = P extends `${infer Prefix}*` ? `${Prefix}${string}` : P;

/** The channel names of a hub. */
export type ChannelOf<H extends HubShape> = Covered<keyof Channels<H> & string>;

/** The definition of a channel: the exact one, else a pattern's. */
type Definition<C, N extends string> = N extends keyof C ? C[N]
  : { [P in keyof C]: N extends Covered<P> ? C[P] : never }[keyof C];

type Schemas<H extends HubShape, N extends string> = NonNullable<
  Definition<Channels<H>, N> extends infer D extends ChannelShape ? D["events"] : never
>;

/** The event types of a channel, with what each carries: as it is published, or as it arrives. */
type Events<S, As extends "input" | "output"> = string extends keyof S ? Record<string, unknown> : {
  [T in keyof S as Covered<T>]: S[T] extends Schema
    ? As extends "input" ? Input<S[T]> : Wire<Output<S[T]>>
    : never;
};

/** The event types of a channel. */
export type EventTypeOf<H extends HubShape, N extends string> =
  & keyof Events<Schemas<H, N>, "input">
  & string;

/** What is published under an event type. */
export type DataOf<H extends HubShape, N extends string, T extends string> = T extends
  keyof Events<Schemas<H, N>, "input"> ? Events<Schemas<H, N>, "input">[T] : never;

/** An event as it arrives; `event_type` tells what `data` is. */
export type EventOf<H extends HubShape, N extends string> = EventsIn<
  N,
  Events<Schemas<H, N>, "output">
>;

type EventsIn<N, E> = {
  [T in keyof E & string]: ClientEvent<N, T, E[T]>;
}[keyof E & string];

/** The types of the messages that a hub's application declares. */
export type MessageTypeOf<H extends HubShape> = keyof Messages<H> & string;

/** The payload of a message. */
export type PayloadOf<H extends HubShape, T extends MessageTypeOf<H>> = Input<
  Messages<H>[T]["schema"]
>;

/** The arguments after a message's type: the payload may be left out where `{}` fits. */
export type PayloadArguments<P, O> = Record<never, never> extends P ? [payload?: P, options?: O]
  : [payload: P, options?: O];

/** Media as JSON carries it, to a connection that was not granted `binary`. */
export interface EncodedMedia {
  readonly encoding: "base64";
  readonly kind: Media["kind"];
  /** The bytes in base64 (RFC 4648 section 4). */
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** What is left of a value when it has been JSON: a `Date`, say, is a string then. */
export type Wire<T> = T extends Media ? Media | EncodedMedia
  : T extends { toJSON(): infer J } ? J
  : T extends object ? { [K in keyof T]: Wire<T[K]> }
  : T;

/** One publication in a channel, with the field names of the wire. */
export interface ClientEvent<N = string, T = string, D = unknown> {
  readonly channel: N;
  readonly event_type: T;
  /** {@linkcode Media} where it came as an envelope, else what was JSON. */
  readonly data: D;
  /** When it was published: RFC 3339, UTC. */
  readonly timestamp: string;
  /** Its place in the channel: 1, 2, 3 …; 0 where it has none, as who came and went. */
  readonly offset: number;
}

/** An answer of the application to a message. */
export interface Reply {
  readonly type: string;
  readonly payload: unknown;
  readonly timestamp: string;
  readonly correlation_id: string;
}

/** Takes the events of a channel. What it throws, or rejects with, goes to the `error` listeners. */
export type EventHandler<E> = (event: E) => MaybePromise<void>;
