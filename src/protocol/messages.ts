/**
 * The messages of Protocol 1 as schemas: the one truth about their shapes. Types are inferred from
 * them; PROTOCOL.md says the same in words.
 *
 * @module
 */
import { z } from "zod";
import { isObject } from "../base/is_object.ts";

/** The subprotocol a client may offer; without it the same messages are spoken. */
export const SUBPROTOCOL = "heddle.v1";

/** The longest `correlation_id`, in characters. */
export const MAX_CORRELATION_ID = 128;

/** The most channels one `subscribe` or `unsubscribe` may name. */
export const MAX_CHANNELS_PER_REQUEST = 100;

/** The most events that one `history` may give, and `subscribe` with `last` recover. */
export const MAX_HISTORY_LIMIT = 1_000;

/** The longest metadata of a `subscribe`, in characters of JSON. */
export const MAX_MEMBER_METADATA = 1_024;

/** The longest reconnection token, in characters. */
export const MAX_RECONNECTION_TOKEN = 128;

/** The longest event type or message type, in characters. */
export const MAX_TYPE_NAME = 200;

/** A string of at most `max` UTF-16 code units, of which zod's own bound may count two as one. */
function text(max: number): z.ZodString {
  return z.string().max(max).refine((value) => value.length <= max, {
    error: `must have at most ${max} characters`,
  });
}

/** Any JSON object; unlike a record of zod it keeps what is called `__proto__`. */
const object = z.custom<Readonly<Record<string, unknown>>>(isObject, {
  error: "must be an object",
});

/** An object of such values by name, of which `__proto__` may be one. */
function byName<T>(schema: z.ZodType<T>): z.ZodType<Readonly<Record<string, T>>> {
  return object.transform((value, context) => {
    const entries: [string, T][] = [];
    for (const [name, one] of Object.entries(value)) {
      const { data, error } = schema.safeParse(one);
      for (const issue of error?.issues ?? []) {
        const placed = { ...issue, path: [name, ...issue.path], input: one };
        context.issues.push(placed as z.core.$ZodRawIssue);
      }
      if (error === undefined) entries.push([name, data]);
    }
    return Object.fromEntries(entries);
  });
}

const correlated = { correlation_id: text(MAX_CORRELATION_ID).optional() };
const channels = z.array(z.string()).min(1).max(MAX_CHANNELS_PER_REQUEST);
const eventType = text(MAX_TYPE_NAME).min(1);
/** Any JSON, but not nothing. */
const data = z.unknown().refine((value) => value !== undefined, { error: "is required" });

/** A place in a channel: `offset` 0 is before the first event of `epoch`. */
export const positionSchema = z.object({
  epoch: text(16).min(1),
  offset: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
});

/** An epoch and an offset. */
export type Position = z.infer<typeof positionSchema>;

/** Places by channel. */
export const positionsSchema = byName(positionSchema);

/** What a client may ask for with `hello`, and what `welcome` grants. */
export const featuresSchema = z.object({
  /** Media events come as binary envelopes instead of base64 inside JSON. */
  binary: z.object({}).optional(),
  /** Messages may come compressed, as `COMPRESSED_JSON` envelopes. */
  compression: z.object({
    algorithm: z.string(),
    /** Leaves the envelope's metadata empty, since the algorithm is as granted. */
    compact: z.boolean().optional(),
    /** Compresses by a dictionary: of that id, or whichever there is, whose bytes are then told in base64. */
    dictionary: z.object({
      id: text(64).min(1).optional(),
      content: text(65_536).optional(),
    }).optional(),
  }).optional(),
  /** Several messages may come in one frame, as `batch`. */
  batch: z.object({
    /** The longest a message waits for others, in milliseconds. */
    max_ms: z.int().min(0).max(1_000),
    /** The most bytes of messages in one batch. */
    max_bytes: z.int().min(1).max(1_048_576),
  }).optional(),
});

/** What was asked for, or granted. */
export type Features = z.infer<typeof featuresSchema>;

/** Client to server, by type. Fields that are not named here are ignored. */
export const clientSchemas = {
  hello: z.object({ type: z.literal("hello"), features: featuresSchema, ...correlated }),
  subscribe: z.object({
    type: z.literal("subscribe"),
    channels,
    positions: positionsSchema.optional(),
    last: z.int().min(0).max(MAX_HISTORY_LIMIT).optional(),
    /** What the others on channels with presence are told of this connection. */
    metadata: object.refine(
      (value) => JSON.stringify(value).length <= MAX_MEMBER_METADATA,
      { error: `must have at most ${MAX_MEMBER_METADATA} characters as JSON` },
    ).optional(),
    ...correlated,
  }),
  unsubscribe: z.object({ type: z.literal("unsubscribe"), channels, ...correlated }),
  get_subscriptions: z.object({ type: z.literal("get_subscriptions"), ...correlated }),
  get_reconnection_token: z.object({ type: z.literal("get_reconnection_token"), ...correlated }),
  ping: z.object({ type: z.literal("ping"), ...correlated }),
  publish: z.object({
    type: z.literal("publish"),
    channel: z.string(),
    event_type: eventType,
    data,
    id: text(MAX_CORRELATION_ID).min(1).optional(),
    echo: z.boolean().optional(),
    ...correlated,
  }),
  history: z.object({
    type: z.literal("history"),
    channel: z.string(),
    since: positionSchema.optional(),
    limit: z.int().min(1).max(MAX_HISTORY_LIMIT).optional(),
    ...correlated,
  }),
  presence: z.object({ type: z.literal("presence"), channel: z.string(), ...correlated }),
  ack: z.object({
    type: z.literal("ack"),
    ack_ids: z.array(text(MAX_CORRELATION_ID)).min(1).max(1_000),
    ...correlated,
  }),
  resume: z.object({
    type: z.literal("resume"),
    reconnection_token: text(MAX_RECONNECTION_TOKEN),
    positions: positionsSchema.optional(),
    ...correlated,
  }),
  authenticate: z.object({
    type: z.literal("authenticate"),
    token: z.string().min(1),
    ...correlated,
  }),
} as const;

/** A message that the application declares: any type that is not the protocol's own. */
export const applicationSchema = z.object({
  type: text(MAX_TYPE_NAME).min(1),
  payload: z.unknown().optional(),
  ...correlated,
});

/** A type of request that the protocol defines. */
export type RequestType = keyof typeof clientSchemas;

/** A request that the protocol defines. */
export type Request = { [T in RequestType]: z.infer<(typeof clientSchemas)[T]> }[RequestType];

/** A message of the application's own. */
export type ApplicationMessage = z.infer<typeof applicationSchema>;

const timestamp = z.iso.datetime();
const recovered = byName(z.boolean());
const rejected = z.array(
  z.object({ channel: z.string(), code: z.string(), message: z.string() }),
);

/** Server to client, by type. */
export const serverSchemas = {
  connected: z.object({
    type: z.literal("connected"),
    client_id: z.uuid(),
    user_id: z.string().nullable(),
    role: z.string(),
    reconnected: z.boolean(),
    reconnection_token: z.string(),
    /** How long the session lives after a disconnect, in seconds. */
    expires_in: z.number(),
    token_expires_in: z.number().optional(),
    heartbeat_interval: z.number(),
    protocol: z.literal(SUBPROTOCOL),
    features: z.record(z.string(), z.unknown()),
    limits: z.record(z.string(), z.number()),
    /** The token buckets of the session, by message type. */
    rates: z.record(z.string(), z.object({ capacity: z.number(), per_second: z.number() }))
      .optional(),
    positions: positionsSchema,
    channels: z.array(z.string()).optional(),
    recovered: recovered.optional(),
    rejected: rejected.optional(),
    timestamp,
  }),
  welcome: z.object({
    type: z.literal("welcome"),
    features: featuresSchema,
    timestamp,
    ...correlated,
  }),
  subscribed: z.object({
    type: z.literal("subscribed"),
    channels: z.array(z.string()),
    positions: positionsSchema,
    recovered: recovered.optional(),
    rejected: rejected.optional(),
    /** For clients that know no `rejected`: those of its names that they may not have. */
    denied: z.array(z.string()).optional(),
    message: z.string().optional(),
    timestamp,
    ...correlated,
  }),
  unsubscribed: z.object({
    type: z.literal("unsubscribed"),
    channels: z.array(z.string()),
    rejected: rejected.optional(),
    code: z.string().optional(),
    message: z.string().optional(),
    timestamp,
    ...correlated,
  }),
  subscriptions: z.object({
    type: z.literal("subscriptions"),
    channels: z.array(z.string()),
    positions: positionsSchema,
    timestamp,
    ...correlated,
  }),
  reconnection_token: z.object({
    type: z.literal("reconnection_token"),
    token: z.string(),
    expires_in: z.number(),
    timestamp,
    ...correlated,
  }),
  pong: z.object({ type: z.literal("pong"), timestamp, ...correlated }),
  published: z.object({
    type: z.literal("published"),
    channel: z.string(),
    epoch: z.string(),
    offset: z.number(),
    id: z.string().optional(),
    duplicate: z.literal(true).optional(),
    timestamp,
    ...correlated,
  }),
  event: z.object({
    type: z.literal("event"),
    channel: z.string(),
    timestamp,
    event_type: z.string(),
    data,
    /** Absent where it has none, and is not in the history: who came and went. */
    offset: z.number().optional(),
    /** Names the event in an `ack`, where one is due. */
    ack_id: z.string().optional(),
    /** 2 and more for a repeat, which stands outside the order. */
    attempt: z.number().optional(),
  }),
  gap: z.object({
    type: z.literal("gap"),
    channel: z.string(),
    epoch: z.string(),
    /** The first offset that will not come, or null where the epoch changed. */
    from: z.number().nullable(),
    /** The last one. */
    to: z.number().nullable(),
    timestamp,
  }),
  history: z.object({
    type: z.literal("history"),
    channel: z.string(),
    epoch: z.string(),
    events: z.array(z.unknown()),
    more: z.boolean(),
    next: positionSchema,
    /** What was asked for and is gone. */
    gap: z.object({ from: z.number().nullable(), to: z.number().nullable() }).optional(),
    timestamp,
    ...correlated,
  }),
  presence: z.object({
    type: z.literal("presence"),
    channel: z.string(),
    /** Absent where there are too many to list. */
    members: z.array(z.object({
      user_id: z.string().nullable(),
      /** The member's connection that came, changed or went last. */
      client_id: z.string(),
      metadata: object.nullable(),
      connections: z.number(),
    })).optional(),
    count: z.number(),
    timestamp,
    ...correlated,
  }),
  resumed: z.object({
    type: z.literal("resumed"),
    client_id: z.uuid(),
    channels: z.array(z.string()),
    positions: positionsSchema,
    recovered,
    rejected: rejected.optional(),
    reconnection_token: z.string(),
    expires_in: z.number(),
    timestamp,
    ...correlated,
  }),
  authenticated: z.object({
    type: z.literal("authenticated"),
    user_id: z.string().nullable(),
    role: z.string(),
    /** How long the new credential holds, in seconds; absent where it does not run out. */
    token_expires_in: z.number().optional(),
    timestamp,
    ...correlated,
  }),
  token_expiring: z.object({
    type: z.literal("token_expiring"),
    /** How long the credential still holds, in seconds. */
    token_expires_in: z.number(),
    timestamp,
  }),
  batch: z.object({ type: z.literal("batch"), messages: z.array(z.unknown()) }),
  disconnected: z.object({
    type: z.literal("disconnected"),
    reason: z.string(),
    reconnection_token: z.string().optional(),
    expires_in: z.number().optional(),
    retry_after: z.number().optional(),
    timestamp,
  }),
  error: z.object({
    type: z.literal("error"),
    code: z.string(),
    message: z.string(),
    recoverable: z.boolean(),
    help: z.string(),
    retry_after: z.number().optional(),
    timestamp,
    ...correlated,
  }),
} as const;

/** A type of message that the server sends. */
export type ServerType = keyof typeof serverSchemas;

/** A message of the server, `error` among them. */
export type ServerMessage = { [T in ServerType]: z.infer<(typeof serverSchemas)[T]> }[ServerType];

/** One message of the server, by type. */
export type ServerMessageOf<T extends ServerType> = z.infer<(typeof serverSchemas)[T]>;

/** What a handler of the application sends: the same envelope that its messages came in. */
export interface ApplicationReply {
  readonly type: string;
  readonly payload: unknown;
  readonly timestamp: string;
  readonly correlation_id?: string;
}

const reserved: ReadonlySet<string> = new Set([
  ...Object.keys(clientSchemas),
  ...Object.keys(serverSchemas),
]);

/** Whether `type` is the name of a protocol message, either way: no application message may have it. */
export function isReservedType(type: string): boolean {
  return reserved.has(type);
}

const requestTypes: ReadonlySet<string> = new Set(Object.keys(clientSchemas));

/** Whether `type` is a request of the protocol. */
export function isRequestType(type: string): type is RequestType {
  return requestTypes.has(type);
}
