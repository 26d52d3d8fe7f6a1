import { HeddleError } from "../base/errors.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { Media } from "../protocol/event.ts";
import {
  isReservedType,
  type RequestType,
  type ServerMessage,
  type ServerMessageOf,
  type ServerType,
} from "../protocol/messages.ts";
import { type Link, notConnected } from "./link.ts";
import type { RequestOptions, Requests } from "./requests.ts";

/** How an event is published. */
export interface ClientPublishOptions extends RequestOptions {
  /** Whether this connection gets the event too, where it is subscribed. @default the channel's own */
  readonly echo?: boolean;
  /** A name for the publication, 1 to 128 characters, which the answer repeats. */
  readonly id?: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** Writes messages, and waits for their answers. */
export class Sender {
  readonly #requests: Requests;
  readonly #link: () => Link | undefined;

  /** @param link The connection at the moment, undefined where there is none. */
  constructor(requests: Requests, link: () => Link | undefined) {
    this.#requests = requests;
    this.#link = link;
  }

  /** Sends a request of the protocol; rejects where another answer than the expected comes. */
  ask<T extends ServerType>(
    expected: T,
    question: Fields & { readonly type: RequestType },
    options?: RequestOptions,
  ): Promise<ServerMessageOf<T>> {
    const send = (correlation_id: string) => this.#json({ ...question, correlation_id });
    return this.#answer(expected, send, options);
  }

  /** Publishes: media as an envelope, anything else as JSON. */
  publish(
    channel: string,
    event_type: string,
    data: unknown,
    options: ClientPublishOptions,
  ): Promise<ServerMessageOf<"published">> {
    const { echo, id } = options;
    return this.#answer("published", (correlation_id) => {
      const fields = { channel, event_type, echo, id, correlation_id };
      if (data instanceof Media) this.#media(data, fields);
      else this.#json({ type: "publish", ...fields, data: required(data) });
    }, options);
  }

  /** Sends a message to the application. */
  message(type: string, payload: unknown, correlation_id?: string): void {
    if (isReservedType(type)) {
      throw new HeddleError("option_invalid", `"${type}" is a message of the protocol's own`);
    }
    this.#json({ type, payload, correlation_id });
  }

  async #answer<T extends ServerType>(
    expected: T,
    send: (correlationId: string) => void,
    options?: RequestOptions,
  ): Promise<ServerMessageOf<T>> {
    const { known, raw } = await this.#requests.ask(send, options);
    if (known !== undefined && isType(known, expected)) return known;
    throw new HeddleError("invalid_frame", `the server answered "${raw.type}", not "${expected}"`);
  }

  #json(message: Fields & { readonly type: string }): void {
    const kind = message.type === "subscribe" ? "subscribe" : "text";
    this.#open().send(toJson(message), kind);
  }

  #media({ kind, content, metadata }: Media, fields: Fields): void {
    const frame = encodeEnvelope({ kind, metadata: { ...fields, metadata }, payload: content });
    this.#open().send(frame, "binary");
  }

  #open(): Link {
    const link = this.#link();
    if (link === undefined) throw notConnected();
    return link;
  }
}

function isType<T extends ServerType>(
  message: ServerMessage,
  type: T,
): message is ServerMessageOf<T> & ServerMessage {
  return message.type === type;
}

/** JSON would leave the field out, and the server would say that it is missing. */
function required(data: unknown): unknown {
  if (data === undefined) throw new HeddleError("payload_invalid", "data must not be undefined");
  return data;
}

function toJson(message: Fields): string {
  try {
    return JSON.stringify(message);
  } catch (cause) {
    throw new HeddleError("payload_invalid", "JSON cannot hold the data", { cause });
  }
}
