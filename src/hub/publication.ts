/**
 * Publishing, with types that flow from the schemas.
 *
 * @module
 */
import type { Input } from "../base/schema.ts";
import type { ChannelDefinition, ChannelDefinitions } from "../channel/definition.ts";
import type { Exclusion } from "../protocol/event.ts";

/** Options of a publication. */
export interface PublishOptions {
  /** Connections and users that do not get the event. */
  readonly exclude?: Exclusion;
  /** Whether each subscriber must acknowledge it. @default the channel's `ack` */
  readonly ack?: boolean;
}

/** Where a publication ended up. */
export interface Published {
  readonly channel: string;
  readonly epoch: string;
  readonly offset: number;
}

/** The event types of a channel and the data each takes. */
export type EventsOf<D> = D extends ChannelDefinition<infer E>
  ? string extends keyof E ? Record<string, unknown>
  : EventData<E>
  : never;

type EventData<E> = {
  [T in keyof E as T extends `${infer Prefix}*` ? `${Prefix}${string}` : T]: Input<E[T]>;
};

/** The definition that holds for a channel name: the exact one, else a pattern's. */
export type DefinitionOf<C extends ChannelDefinitions, N extends string> = N extends keyof C ? C[N]
  : {
    [P in keyof C]: P extends `${infer Prefix}*` ? N extends `${Prefix}${string}` ? C[P] : never
      : never;
  }[
    keyof C
  ];

/** The channel names a hub takes: those declared, and all that fit a declared pattern. */
export type ChannelNames<C extends ChannelDefinitions> = {
  [P in keyof C & string]: P extends `${infer Prefix}*` ? `${Prefix}${string}` : P;
}[keyof C & string];

/** Somewhere to publish to. */
export interface Publisher<E> {
  /**
   * Publishes an event. It is held against the channel's schema, and what the schema makes of it is sent.
   *
   * @param eventType A type the channel declares; up to 200 characters where it declares none.
   * @param data What the type's schema takes: anything JSON can hold, or `Media`.
   * @returns Its place in the channel.
   * @throws {HeddleError} `payload_invalid` where it does not fit, `unknown_channel`, `option_invalid` for
   * an option there is not or what can be no user's or client's id, `broker_unavailable`, or `closed` after
   * the hub was drained.
   */
  publish<T extends keyof E & string>(
    eventType: T,
    data: E[T],
    options?: PublishOptions,
  ): Promise<Published>;
}
