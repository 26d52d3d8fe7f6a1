/**
 * From a frame of the peer to a message the session understands.
 *
 * @module
 */
import type { z } from "zod";
import { byteLength } from "../base/byte_length.ts";
import { assertNever } from "../base/exhaustive.ts";
import { isObject } from "../base/is_object.ts";
import { type CompressionAlgorithm, decodeCompressedJson } from "./compression.ts";
import { decodeEnvelope, type Envelope, type MediaKind } from "./envelope.ts";
import { type Failure, failure, isFailure } from "./errors.ts";
import { Media } from "./event.ts";
import { articled, describeIssue } from "./issue.ts";
import { parseJson } from "./json.ts";
import {
  type ApplicationMessage,
  applicationSchema,
  clientSchemas,
  isRequestType,
  isReservedType,
  MAX_CORRELATION_ID,
  MAX_TYPE_NAME,
  type Request,
} from "./messages.ts";
import { wellFormedMessage, wellFormedRequest } from "./well_formed.ts";

/** What a frame said: a request of the protocol, a message of the application, or what is wrong with it. */
export type Inbound =
  | { readonly kind: "request"; readonly request: Request }
  | { readonly kind: "application"; readonly message: ApplicationMessage }
  | {
    readonly kind: "failure";
    readonly failure: Failure;
    /** The message's type, where it could be read. */
    readonly type?: string;
    readonly correlationId?: string;
  };

/** How large messages may be, in bytes, also after inflation. */
export interface SizeLimits {
  /** A text message. */
  readonly text: number;
  /** A `subscribe` or a `resume`, since they may name many channels. */
  readonly subscribe: number;
  /** A binary message, header included. */
  readonly binary: number;
}

/** Reads a text frame. Never throws. */
export function decodeText(text: string, limits: SizeLimits): Inbound {
  // UTF-8 takes one to three bytes a UTF-16 unit, so most texts need no counting.
  const most = Math.max(limits.text, limits.subscribe);
  if (text.length > most) return tooLarge(limits.text);
  const size = text.length * 3 <= limits.text ? text.length : byteLength(text);
  if (size > most) return tooLarge(limits.text);
  const inbound = readText(text);
  return size <= limits.text || namesMany(inbound)
    ? inbound
    : tooLarge(limits.text, correlationIdIn(inbound));
}

function readText(text: string): Inbound {
  const parsed = parseJson(text);
  if (isFailure(parsed)) {
    const { code, message, refused } = parsed;
    return { kind: "failure", failure: failure(code, message), ...headOf(refused) };
  }
  const { value } = parsed;
  if (!isObject(value)) {
    return {
      kind: "failure",
      failure: failure("invalid_message", `a message must be a JSON object, not ${nameOf(value)}`),
    };
  }
  return read(value);
}

/**
 * Reads a binary frame: an envelope of media, which publishes, or of compressed JSON. Never throws.
 *
 * @param granted The compression `hello` agreed on, for envelopes without metadata.
 */
export function decodeBinary(
  frame: Uint8Array,
  limits: SizeLimits,
  granted: CompressionAlgorithm | undefined,
): Inbound {
  if (frame.byteLength > limits.binary) return tooLarge(limits.binary);
  const envelope = decodeEnvelope(frame);
  if (isFailure(envelope)) return { kind: "failure", failure: envelope };
  if (envelope.kind === "compressed_json") {
    const text = decodeCompressedJson(envelope, {
      limit: Math.max(limits.text, limits.subscribe),
      ...(granted === undefined ? {} : { granted }),
    });
    return typeof text === "string" ? decodeText(text, limits) : { kind: "failure", failure: text };
  }
  return readMedia(envelope.kind, envelope);
}

/** Media is published: the envelope's metadata has the fields of a `publish` but its data. */
function readMedia(kind: MediaKind, envelope: Envelope): Inbound {
  const { metadata = {}, ...fields } = envelope.metadata;
  if (!isObject(metadata)) {
    return {
      kind: "failure",
      failure: failure("invalid_message", `metadata must be an object, not ${nameOf(metadata)}`),
      ...correlatedBy(fields),
    };
  }
  const data = new Media(kind, envelope.payload, metadata);
  return read({ event_type: kind, ...fields, type: "publish", data });
}

function read(value: Readonly<Record<string, unknown>>): Inbound {
  const type = Object.hasOwn(value, "type") ? value["type"] : undefined;
  if (typeof type !== "string") {
    const found = type === undefined ? "is missing" : `must be a string, not ${nameOf(type)}`;
    return {
      kind: "failure",
      failure: failure("invalid_message", `"type" ${found}`),
      ...correlatedBy(value),
    };
  }
  if (isRequestType(type)) {
    const request = wellFormedRequest(type, value);
    if (request !== undefined) return { kind: "request", request };
    const result = clientSchemas[type].safeParse(value);
    return result.success
      ? { kind: "request", request: result.data }
      : { kind: "failure", failure: misfit(result.error), type, ...correlatedBy(value) };
  }
  if (isReservedType(type) || !isApplicationType(type)) {
    const refused = failure(
      "unknown_type",
      `Unknown message type: ${type.slice(0, MAX_TYPE_NAME)}`,
    );
    return { kind: "failure", failure: refused, type, ...correlatedBy(value) };
  }
  const message = wellFormedMessage(type, value);
  if (message !== undefined) return { kind: "application", message };
  const result = applicationSchema.safeParse(value);
  return result.success
    ? { kind: "application", message: result.data }
    : { kind: "failure", failure: misfit(result.error), ...correlatedBy(value) };
}

/** Whether an application could declare it. */
function isApplicationType(type: string): boolean {
  return type.length >= 1 && type.length <= MAX_TYPE_NAME;
}

/** Says what the first thing is that does not fit. */
function misfit(error: z.ZodError): Failure {
  return failure("invalid_message", describeIssue(error));
}

/** What an answer to a message needs of it, where its value was refused as a whole. */
function headOf(value: unknown): { readonly type?: string; readonly correlationId?: string } {
  if (!isObject(value)) return {};
  const { type } = value;
  return {
    ...(typeof type === "string" && isRequestType(type) ? { type } : {}),
    ...correlatedBy(value),
  };
}

/** Whether it may name many channels and their positions, be it a good one or not. */
function namesMany(inbound: Inbound): boolean {
  const type = inbound.kind === "request"
    ? inbound.request.type
    : inbound.kind === "failure"
    ? inbound.type
    : undefined;
  return type === "subscribe" || type === "resume";
}

/** The correlation id of a message, where it has one that could be read. */
export function correlationIdIn(inbound: Inbound): string | undefined {
  switch (inbound.kind) {
    case "request":
      return inbound.request.correlation_id;
    case "application":
      return inbound.message.correlation_id;
    case "failure":
      return inbound.correlationId;
    default:
      return assertNever(inbound);
  }
}

/** What a failure tells of the message's correlation id. */
function correlatedBy(
  value: Readonly<Record<string, unknown>>,
): { readonly correlationId?: string } {
  const correlationId = correlationIdOf(value);
  return correlationId === undefined ? {} : { correlationId };
}

function correlationIdOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const id = value["correlation_id"];
  return typeof id === "string" && id.length <= MAX_CORRELATION_ID ? id : undefined;
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : articled(typeof value);
}

function tooLarge(limit: number, correlationId?: string): Inbound {
  const message = `the message has more than the ${limit} bytes allowed`;
  return {
    kind: "failure",
    failure: failure("message_too_large", message),
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}
