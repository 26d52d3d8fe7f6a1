/**
 * What a proxy between a client and a server may do to what they say, as data.
 *
 * @module
 */
import type { Frame, FrameSpec } from "../../wire/frame.ts";
import type { HttpAnswer } from "../../wire/http.ts";

/** A message as JSON. */
export type Message = Readonly<Record<string, unknown>>;

/**
 * What goes out in a message's place: JSON as text, bytes as binary, frames as they are; undefined for
 * the message itself.
 */
export type Change = Message | readonly unknown[] | undefined;

/** An HTTP answer; of its body, `json` is sent where it is not undefined. */
export type Answer = Pick<HttpAnswer, "status" | "headers" | "body" | "json">;

/** One connection through the proxy. */
export interface Link {
  /** The head of its request, as the client sent it. */
  readonly request: string;
  /** Sends the client a message of the proxy's own. */
  toClient(message: unknown): void;
  /** Sends the server one. */
  toServer(message: unknown): void;
  /** Sends the client a Close frame. */
  closeClient(code: number): void;
  /** Sends the server one. */
  closeServer(code: number): void;
}

/** What is done to the traffic of one connection. What is left out, or answers undefined, lets all pass. */
export interface Alteration {
  /** The head of a request, without the empty line at its end. */
  readonly onRequest?: (head: string) => string | undefined;
  /** An HTTP answer, a 101 included; a string is the head of a request that is made instead. */
  readonly onAnswer?: (answer: Answer, head: string) => Answer | string | undefined;
  /** A text message of the server. */
  readonly onMessage?: (message: Message, link: Link) => Change;
  /** A text message of the client. */
  readonly onRequestMessage?: (message: Message, link: Link) => Change;
  /** Any other frame of the server. */
  readonly onFrame?: (frame: Frame, link: Link) => readonly FrameSpec[] | undefined;
  /** Any other frame of the client. */
  readonly onClientFrame?: (frame: Frame, link: Link) => readonly FrameSpec[] | undefined;
  /** The client's TCP connection broke without a Close frame. */
  readonly onCut?: (link: Link) => void;
  /** How bytes are written to the client. */
  readonly write?: (bytes: Uint8Array, write: (bytes: Uint8Array) => void) => void;
  /** How the client's connection is ended, after what was written. */
  readonly end?: (end: () => void) => void;
}

/** An alteration of all connections, or of each anew. */
export type Alterations = Alteration | (() => Alteration);
