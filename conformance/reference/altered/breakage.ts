/**
 * What a broken server of Protocol 1 is: a right one behind a proxy that breaks one requirement, as
 * data, and the words in which that is said.
 *
 * @module
 */
import { isRecord } from "../../channels/shape.ts";
import type { RequirementId } from "../../peer/watch.ts";
import type { Offer } from "../../target/offer.ts";
import { close, OPCODE } from "../../wire/frame.ts";
import type { Alteration, Alterations, Answer, Change, Link, Message } from "./alteration.ts";

/** A server that breaks one requirement of PROTOCOL.md. */
export interface Broken {
  /** Completes "a server that …". */
  readonly name: string;
  readonly breaks: RequirementId;
  /** The rest of the ids of cases of that requirement, each of which finds it: `14-subscribed`. */
  readonly foundBy: readonly string[];
  readonly how: Alterations;
  /** It is started by its own command, since a server that goes down is what breaks it. @default false */
  readonly goesDown?: boolean;
  /** What it offers beside what the profile says of the right one. @default nothing */
  readonly offer?: Offer;
}

/** A message of the server of this type, changed. */
export function says(
  type: string,
  change: (message: Message, link: Link) => Change,
): Alteration {
  return {
    onMessage: (message, link) => message["type"] === type ? change(message, link) : undefined,
  };
}

/** Whether it is an event of a channel that clients can name: others, such as `@all`, come at any time. */
export function isEvent(message: Message): boolean {
  return message["type"] === "event" && !String(message["channel"]).startsWith("@");
}

/** Events of such channels, changed. */
export function events(change: (event: Message, link: Link) => Change): Alteration {
  return {
    onMessage: (message, link) => isEvent(message) ? change(message, link) : undefined,
  };
}

/** A message of the client of this type, changed before the server gets it. */
export function hears(
  type: string,
  change: (message: Message, link: Link) => Change,
): Alteration {
  return {
    onRequestMessage: (message, link) =>
      message["type"] === type ? change(message, link) : undefined,
  };
}

/** Something more is sent to the server before a message of the client of this type. */
export function before(type: string, extra: (message: Message) => Message | undefined): Alteration {
  return {
    ...hears(type, (message) => {
      const more = extra(message);
      return more === undefined ? undefined : [{ ...more, correlation_id: OURS }, message];
    }),
    onMessage: (message) => message["correlation_id"] === OURS ? [] : undefined,
  };
}

/** On one connection: what fits is held until after the next that may overtake it. */
export function overtaken(
  fits: (message: Message) => boolean,
  by: (message: Message) => boolean,
): Alteration {
  let held: Message | null = null;
  return {
    onMessage(message) {
      if (fits(message)) {
        held = message;
        return [];
      }
      if (held === null || !by(message)) return undefined;
      const both = [message, held];
      held = null;
      return both;
    },
  };
}

/** Errors of one code, changed. */
export function errs(code: string, change: (error: Message, link: Link) => Change): Alteration {
  return says("error", (error, link) => error["code"] === code ? change(error, link) : undefined);
}

/**
 * Errors of one code, each with a Close frame right behind it: both in one step, so that no exchange
 * of the client's can come between.
 */
export function closesAfter(code: string, by: number): Alteration {
  return errs(code, (error) => [error, close(by)]);
}

/** What stands in `rejected` with one code, and gets another. */
export function rejects(type: string, code: string, other: string): Alteration {
  return says(type, (message) => {
    const { rejected } = message;
    return Array.isArray(rejected) && rejected.some((one) => Object(one).code === code)
      ? {
        ...message,
        rejected: rejected.map((one) => Object(one).code === code ? { ...one, code: other } : one),
      }
      : undefined;
  });
}

/** The message without some of its fields; undefined where it has none of them. */
export function without(message: Message, ...names: readonly string[]): Message | undefined {
  if (!names.some((name) => Object.hasOwn(message, name))) return undefined;
  return Object.fromEntries(Object.entries(message).filter(([name]) => !names.includes(name)));
}

/** A field as an object, be it what it may. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

/** A field as a list, be it what it may. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Each value of an object, changed. */
export function each(
  value: unknown,
  change: (value: unknown, name: string) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(record(value)).map(([name, one]) => [name, change(one, name)]),
  );
}

/** Positions by name, moved by so many offsets. */
export function moved(positions: unknown, by: number): Readonly<Record<string, unknown>> {
  return each(positions, (one) => ({ ...record(one), offset: Number(record(one)["offset"]) + by }));
}

/** Requests of this type in which the place after a channel's newest event is taken for that event's. */
export function takesNextForNewest(type: string): Alteration {
  const newest = new Map<unknown, unknown>();
  const isNext = (position: unknown, channel: unknown) =>
    record(position)["offset"] === Number(newest.get(channel)) + 1;
  const placed = (position: unknown, channel: unknown) =>
    isNext(position, channel) ? { ...record(position), offset: newest.get(channel) } : position;
  return {
    onMessage({ type, channel, offset }) {
      if (type === "published") newest.set(channel, offset);
      return undefined;
    },
    ...hears(type, (message) => {
      const { channel, since, positions } = message;
      if (isNext(since, channel)) return { ...message, since: placed(since, channel) };
      return Object.entries(record(positions)).some(([name, one]) => isNext(one, name))
        ? { ...message, positions: each(positions, placed) }
        : undefined;
    }),
  };
}

/** HTTP answers of this status, changed. */
export function answers(
  status: number,
  change: (answer: Answer, head: string) => Answer | string | undefined,
): Alteration {
  return {
    onAnswer: (answer, head) => answer.status === status ? change(answer, head) : undefined,
  };
}

/** HTTP answers to requests whose first line fits, changed. */
export function routes(
  fits: RegExp,
  change: (answer: Answer, head: string) => Answer | undefined,
): Alteration {
  return { onAnswer: (answer, head) => fits.test(head) ? change(answer, head) : undefined };
}

/** The answer without a header field, or with another value of it. */
export function withField(answer: Answer, name: string, value: string | null): Answer {
  const others = answer.headers.filter(([one]) => one.toLowerCase() !== name.toLowerCase());
  return { ...answer, headers: value === null ? others : [...others, [name, value]] };
}

/** The head of a request without the lines, or what else, that fits; undefined where nothing does. */
export function cutOut(head: string, what: RegExp): string | undefined {
  const rest = head.replace(what, "");
  return rest === head ? undefined : rest;
}

/** Close frames of the server with one code, given another. */
export function closes(code: number, other: number): Alteration {
  return {
    onFrame: ({ opcode, payload }) =>
      opcode === OPCODE.close && codeOf(payload) === code
        ? [close(other, payload.subarray(2))]
        : undefined,
  };
}

/** Close frames of the client with one code, taken for another. */
export function takesClose(code: number, other: number): Alteration {
  return {
    onClientFrame: ({ opcode, payload }) =>
      opcode === OPCODE.close && codeOf(payload) === code ? [close(other)] : undefined,
  };
}

/** The code of a Close frame. */
export function codeOf(body: Uint8Array): number {
  return (body[0] ?? 0) * 256 + (body[1] ?? 0);
}

/** A message with the fields that every message of a server has, as an answer to another. */
export function answerTo(request: Message, message: Message): Message {
  const { correlation_id } = request;
  return {
    ...message,
    timestamp: new Date().toISOString(),
    ...(correlation_id === undefined ? {} : { correlation_id }),
  };
}

/** An error as an answer. */
export function errorTo(request: Message, code: string, recoverable = true): Message {
  return answerTo(request, {
    type: "error",
    code,
    message: "no",
    recoverable,
    help: "do otherwise",
  });
}

/** Marks what is sent to the server in a client's name; its answer is for nobody. */
export const OURS = "the proxy's own";

/** Whatever token `resume` names, the session is resumed, or so it says. */
export const resumesAnything: Alterations = errs("session_expired", (error) =>
  answerTo(error, {
    type: "resumed",
    client_id: crypto.randomUUID(),
    channels: [],
    positions: {},
    recovered: {},
    reconnection_token: "A".repeat(43),
    expires_in: 3,
  }));
