import { HeddleError } from "../base/errors.ts";
import { checkNames, checkType } from "../base/option_checks.ts";
import { encodeEnvelope } from "../protocol/envelope.ts";
import { Media } from "../protocol/event.ts";
import {
  isReservedType,
  type RequestType,
  type ServerMessage,
  type ServerMessageOf,
  type ServerType,
} from "../protocol/messages.ts";
import type { Received } from "./frames.ts";
import type { Fate, Outgoing, Queue } from "./queue.ts";
import type { RequestOptions, Requests, Waiting } from "./requests.ts";

/** How an event is published. */
export interface ClientPublishOptions extends RequestOptions {
  /** Whether this connection gets the event too, where it is subscribed. @default the channel's own */
  readonly echo?: boolean;
  /**
   * A name for the publication, 1 to 128 characters: the server takes it once, however often it comes
   * within five minutes. @default a UUID
   */
  readonly id?: string;
}

/** How a message is sent to the application. */
export interface ClientSendOptions {
  /**
   * Whether it is sent again where the connection is lost before the server is known to have it: then it
   * is handled once or more, else once or not at all. @default false
   */
  readonly resend?: boolean;
}

/** How a message is sent to the application, and how long its answer is waited for. */
export interface MessageOptions extends RequestOptions, ClientSendOptions {}

/** How a request of the protocol is sent. */
export interface AskOptions extends RequestOptions {
  readonly fate?: Fate;
  readonly isUrgent?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;
type Addressee = Pick<Outgoing, "id" | "fate" | "isUrgent"> & { readonly waiting?: Waiting };

/** Writes messages into the queue, and waits for their answers. */
export class Sender {
  readonly #requests: Requests;
  readonly #queue: Queue;

  constructor(requests: Requests, queue: Queue) {
    this.#requests = requests;
    this.#queue = queue;
  }

  /** Sends a request of the protocol; rejects where another answer than the expected comes. */
  async ask<T extends ServerType>(
    expected: T,
    question: Fields & { readonly type: RequestType },
    { fate = "connection", isUrgent = false, ...options }: AskOptions = {},
  ): Promise<ServerMessageOf<T>> {
    const answer = await this.#requests.ask((id, waiting) => {
      this.#json(question, { id, waiting, fate, isUrgent });
    }, options);
    return expect(expected, answer);
  }

  /** Publishes: media as an envelope, anything else as JSON. */
  async publish(
    channel: string,
    event_type: string,
    data: unknown,
    options: ClientPublishOptions,
  ): Promise<ServerMessageOf<"published">> {
    checkNames("publish", options, ["echo", "id", "timeout", "signal"]);
    checkType("publish.echo", options.echo, "boolean");
    const { echo, id = this.#requests.newId(), ...waiting } = options;
    const answer = await this.#requests.ask((correlation_id, waiting) => {
      const fields = { channel, event_type, echo, id };
      const addressee: Addressee = { id: correlation_id, waiting, fate: "session" };
      if (data instanceof Media) this.#media(data, fields, addressee);
      else this.#json({ type: "publish", ...fields, data: required(data) }, addressee);
    }, waiting);
    return expect("published", answer);
  }

  /** Sends a message to the application. */
  message(
    type: string,
    payload: unknown,
    { id = this.#requests.newId(), waiting, resend = false }: {
      readonly id?: string;
      readonly waiting?: Waiting;
      readonly resend?: boolean | undefined;
    },
  ): void {
    if (isReservedType(type)) {
      throw new HeddleError("option_invalid", `"${type}" is a message of the protocol's own`);
    }
    const fate = resend ? "always" : "once";
    this.#json({ type, payload }, { id, fate, ...(waiting === undefined ? {} : { waiting }) });
  }

  #json(message: Fields & { readonly type: string }, addressee: Addressee): void {
    const mayBeLong = message.type === "subscribe" || message.type === "resume";
    const frame = toJson({ ...message, correlation_id: addressee.id });
    const kind = mayBeLong ? "subscribe" : "text";
    this.#queue.post({ ...addressee, type: message.type, frame, kind });
  }

  #media({ kind, content, metadata }: Media, fields: Fields, addressee: Addressee): void {
    const frame = encodeEnvelope({
      kind,
      metadata: { ...fields, correlation_id: addressee.id, metadata },
      payload: content,
    });
    this.#queue.post({ ...addressee, type: "publish", frame, kind: "binary" });
  }
}

function expect<T extends ServerType>(type: T, { known, raw }: Received): ServerMessageOf<T> {
  if (known !== undefined && isType(known, type)) return known;
  throw new HeddleError("invalid_frame", `the server answered "${raw.type}", not "${type}"`);
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
