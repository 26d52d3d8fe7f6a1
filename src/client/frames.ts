/**
 * From a frame of the server to a message.
 *
 * @module
 */
import { HeddleError } from "../base/errors.ts";
import { isObject } from "../base/is_object.ts";
import { decodeCompressedJson, type Dictionary } from "../protocol/compression.ts";
import { isAlgorithm } from "../protocol/compressor.ts";
import { decodeEnvelope, type Envelope, type MediaKind } from "../protocol/envelope.ts";
import { isFailure } from "../protocol/errors.ts";
import { Media } from "../protocol/event.ts";
import { describeIssue } from "../protocol/issue.ts";
import { type ServerMessage, serverSchemas, type ServerType } from "../protocol/messages.ts";

/** A message as the server sent it, unknown fields included. */
export type RawMessage = Readonly<Record<string, unknown>> & { readonly type: string };

/** A message of the server. */
export interface Received {
  readonly raw: RawMessage;
  /** What the protocol makes of it; absent where its type is the application's, or of a later version. */
  readonly known?: ServerMessage;
  readonly correlationId?: string;
}

/** How a frame is read. */
export interface ReadOptions {
  /** The most bytes a compressed message may have, inflated. */
  readonly limit: number;
  /** The compression that the server granted. */
  readonly granted?: string | undefined;
  /** The dictionary that it granted. */
  readonly dictionary?: Dictionary | undefined;
}

/**
 * Reads the data of one WebSocket message.
 *
 * @throws {HeddleError} `invalid_frame` where it is no message of the protocol.
 */
export function readFrame(data: unknown, options: ReadOptions): Received {
  if (typeof data === "string") return readText(data);
  if (data instanceof ArrayBuffer) return readBinary(new Uint8Array(data), options);
  if (ArrayBuffer.isView(data)) {
    return readBinary(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), options);
  }
  throw invalid("the WebSocket gave neither a string nor an ArrayBuffer");
}

/**
 * Reads one message of a batch.
 *
 * @throws {HeddleError} `invalid_frame` where it is no message of the protocol, or a batch itself.
 */
export function readBatched(value: unknown): Received {
  const received = readObject(value);
  if (received.known?.type === "batch") throw invalid("a batch in a batch");
  return received;
}

function readBinary(frame: Uint8Array, { limit, granted, dictionary }: ReadOptions): Received {
  const envelope = decodeEnvelope(frame);
  if (isFailure(envelope)) throw invalid(envelope.message);
  if (envelope.kind !== "compressed_json") return readMedia(envelope.kind, envelope);
  const text = decodeCompressedJson(envelope, {
    limit,
    dictionary,
    ...(isAlgorithm(granted) ? { granted } : {}),
  });
  if (typeof text !== "string") throw invalid(text.message);
  return readText(text);
}

/** Media is an event: the envelope's metadata has its fields but the data. */
function readMedia(kind: MediaKind, envelope: Envelope): Received {
  const { metadata = {}, ...fields } = envelope.metadata;
  if (!isObject(metadata)) throw invalid("the metadata of media must be an object");
  const data = new Media(kind, envelope.payload, metadata);
  return readMessage({ event_type: kind, ...fields, type: "event", data });
}

function readText(text: string): Received {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid("a text frame is no JSON", cause);
  }
  return readObject(value);
}

function readObject(value: unknown): Received {
  if (!isObject(value)) throw invalid("a message must be a JSON object");
  const type = Object.hasOwn(value, "type") ? value["type"] : undefined;
  if (typeof type !== "string") throw invalid('a message must have a string "type"');
  return readMessage(value as RawMessage);
}

function readMessage(raw: RawMessage): Received {
  const id = raw["correlation_id"];
  const correlated = typeof id === "string" ? { correlationId: id } : {};
  if (!isServerType(raw.type)) return { raw, ...correlated };
  const { data, error } = serverSchemas[raw.type].safeParse(raw);
  if (error !== undefined) throw invalid(`"${raw.type}": ${describeIssue(error)}`);
  return { raw, known: data, ...correlated };
}

function isServerType(type: string): type is ServerType {
  return Object.hasOwn(serverSchemas, type);
}

function invalid(what: string, cause?: unknown): HeddleError {
  return new HeddleError("invalid_frame", `the server sent a malformed frame: ${what}`, { cause });
}
