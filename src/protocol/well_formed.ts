import {
  type ApplicationMessage,
  MAX_CORRELATION_ID,
  MAX_TYPE_NAME,
  type Request,
} from "./messages.ts";

type Fields = Readonly<Record<string, unknown>>;
type RequestOf<T> = Extract<Request, { type: T }>;

/**
 * Reads a request of those that come most, where nothing is wrong with it. What it gives is what the schema
 * would give. Undefined for anything else: that is for the schema to read, or to say what is wrong.
 */
export function wellFormedRequest(type: string, fields: Fields): Request | undefined {
  switch (type) {
    case "ping":
      return correlated<RequestOf<"ping">>({ type }, fields);
    case "publish":
      return publishIn(fields);
    case "ack":
      return ackIn(fields);
    default:
      return undefined;
  }
}

/** The same for a message of the application, whose type is one that it could declare. */
export function wellFormedMessage(type: string, fields: Fields): ApplicationMessage | undefined {
  const { payload } = fields;
  const message: ApplicationMessage = payload === undefined ? { type } : { type, payload };
  return correlated(message, fields);
}

function publishIn(fields: Fields): Request | undefined {
  const { channel, event_type, data, id, echo } = fields;
  if (typeof channel !== "string" || !isText(event_type, MAX_TYPE_NAME) || data === undefined) {
    return undefined;
  }
  const request: RequestOf<"publish"> = { type: "publish", channel, event_type, data };
  if (id !== undefined) {
    if (!isText(id, MAX_CORRELATION_ID)) return undefined;
    request.id = id;
  }
  if (echo !== undefined) {
    if (typeof echo !== "boolean") return undefined;
    request.echo = echo;
  }
  return correlated(request, fields);
}

function ackIn(fields: Fields): Request | undefined {
  const { ack_ids } = fields;
  // A list that is long is read once in a while, and then by the schema.
  if (!Array.isArray(ack_ids) || ack_ids.length === 0 || ack_ids.length > 16) return undefined;
  for (const id of ack_ids) if (!isText(id, MAX_CORRELATION_ID)) return undefined;
  return correlated<RequestOf<"ack">>({ type: "ack", ack_ids }, fields);
}

/** Whether it is a text of 1 to `max` UTF-16 code units. */
function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= max;
}

function correlated<M extends { correlation_id?: string | undefined }>(
  message: M,
  { correlation_id }: Fields,
): M | undefined {
  if (correlation_id === undefined) return message;
  if (typeof correlation_id !== "string" || correlation_id.length > MAX_CORRELATION_ID) {
    return undefined;
  }
  message.correlation_id = correlation_id;
  return message;
}
