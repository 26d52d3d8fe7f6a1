/**
 * How much of a load a server of Protocol 1 allows for, by what it tells in `connected`.
 *
 * @module
 */
import { isRecord, type ServerMessage } from "../channels/shape.ts";

/**
 * How many messages of a type a fresh connection may send without waiting: what the type's bucket
 * holds, or that for types that are not named, and what any second and any minute may bring.
 * Infinity where nothing limits them.
 */
export function allowanceOf(greeting: ServerMessage, type: string): number {
  const { rates } = greeting;
  const bucket = isRecord(rates) ? rates[type] ?? rates["default"] : undefined;
  return Math.min(
    countOf(isRecord(bucket) ? bucket["capacity"] : undefined),
    limitOf(greeting, "messages_per_second"),
    limitOf(greeting, "messages_per_minute"),
  );
}

/** How many a connection may send at once, too: all wait for their answers, or may be refused. */
export function burstOf(greeting: ServerMessage, type: string): number {
  return Math.min(
    allowanceOf(greeting, type),
    limitOf(greeting, "in_flight"),
    limitOf(greeting, "refusals_per_second"),
  );
}

/** A limit that the server tells; Infinity where it tells none. */
export function limitOf({ limits }: ServerMessage, name: string): number {
  return countOf(isRecord(limits) ? limits[name] : undefined);
}

function countOf(value: unknown): number {
  return typeof value === "number" && value >= 0 ? Math.floor(value) : Infinity;
}
