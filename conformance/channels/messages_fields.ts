/**
 * Cases of PROTOCOL.md, "Messages": every field of every request, missing and wrong.
 *
 * @module
 */
import type { Case } from "../case.ts";
import { check } from "./check.ts";
import type { ClientMessage } from "./client.ts";
import { CLIENT_MESSAGES, type Field } from "./protocol.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Requests as the table has them, of channels that need not be there. */
const RIGHT: Readonly<Record<string, Fields>> = {
  hello: { features: {} },
  subscribe: { channels: ["kit"] },
  unsubscribe: { channels: ["kit"] },
  get_subscriptions: {},
  get_reconnection_token: {},
  ping: {},
  publish: { channel: "kit", event_type: "kit", data: 1 },
  history: { channel: "kit" },
  presence: { channel: "kit" },
  ack: { ack_ids: ["kit"] },
  authenticate: { token: "kit" },
  resume: { reconnection_token: "kit" },
};

const position = (epoch: unknown, offset: unknown) => ({ kit: { epoch, offset } });

/** Values of the right JSON type that the table's last column forbids. */
const OUT_OF_RANGE: Readonly<Record<string, readonly Fields[]>> = {
  hello: [{ features: { batch: { max_ms: -1, max_bytes: 1 } } }, { features: { binary: 5 } }],
  subscribe: [
    { channels: [] },
    { channels: Array.from({ length: 101 }, (_, i) => `kit${i}`) },
    { channels: [5] },
    { channels: [null] },
    { last: -1 },
    { last: 1.5 },
    { last: 1001 },
    { metadata: { x: "x".repeat(1024) } },
    { positions: position("", 0) },
    { positions: position("x".repeat(17), 0) },
    { positions: position("e", -1) },
    { positions: position("e", 0.5) },
    { positions: position("e", 2 ** 53) },
    { positions: position(5, 0) },
    { positions: { kit: 5 } },
    { positions: { kit: {} } },
  ],
  unsubscribe: [
    { channels: [] },
    { channels: Array.from({ length: 101 }, (_, i) => `kit${i}`) },
    { channels: [{}] },
  ],
  publish: [
    { event_type: "" },
    { event_type: "x".repeat(201) },
    { id: "" },
    { id: "x".repeat(129) },
  ],
  history: [
    { limit: 0 },
    { limit: 1001 },
    { limit: 2.5 },
    { since: {} },
    { since: { epoch: "e", offset: -1 } },
    { since: { epoch: "x".repeat(17), offset: 0 } },
  ],
  ack: [
    { ack_ids: [] },
    { ack_ids: [5] },
    { ack_ids: ["x".repeat(129)] },
    { ack_ids: Array.from({ length: 1001 }, (_, i) => String(i)) },
  ],
  authenticate: [{ token: "" }],
  resume: [
    { reconnection_token: "x".repeat(129) },
    { positions: position("e", -1) },
    { positions: { kit: null } },
  ],
};

/** A value of another JSON type than the table's. */
function wrongValues({ type }: Field): readonly unknown[] {
  const values = { string: "kit", number: 5, boolean: true, array: [], object: {} };
  const others = Object.entries(values).filter(([name]) => name !== type).map(([, value]) => value);
  return type === "any" ? [] : [...others, null];
}

/** All that is wrong with a request in one way. */
function* wrongRequests(type: string, fields: readonly Field[]): Generator<ClientMessage> {
  const right = RIGHT[type] ?? {};
  for (const field of fields) {
    if (field.required) {
      const { [field.name]: _, ...others } = right;
      yield { type, ...others };
    }
    for (const value of wrongValues(field)) yield { type, ...right, [field.name]: value };
  }
  for (const wrong of OUT_OF_RANGE[type] ?? []) yield { type, ...right, ...wrong };
}

export const cases: readonly Case[] = [
  ...[...CLIENT_MESSAGES].filter(([, fields]) => fields.length > 0).map(([type, fields]) =>
    check(
      "HDL-MSG-4",
      `fields-of-${type.replaceAll("_", "-")}`,
      `${type} with a field that is missing, of another type or out of range gets invalid_message`,
      async (server) => {
        const client = await server.connect();
        for (const message of wrongRequests(type, fields)) {
          await client.refused(message, "invalid_message");
        }
        await client.alive();
      },
    )
  ),
  check(
    "HDL-MSG-4",
    "correlation",
    "a correlation_id that is no string of at most 128 characters gets invalid_message",
    async (server) => {
      const client = await server.connect();
      for (const id of [5, null, {}, "x".repeat(129)]) {
        const text = JSON.stringify({ type: "ping", correlation_id: id });
        await client.refusedText(text, "invalid_message");
      }
    },
  ),
];
