import { z } from "zod";
import type { ChannelDefinitions } from "./definition.ts";

/** How much of a sample is kept: what a dictionary costs grows with it at every compression. */
const MOST = 4_096;

/** As deep as values in a sample nest. */
const DEPTH = 4;

/** What the protocol itself says often. */
const ANSWERS = '"correlation_id":"","epoch":"","positions":{},"message":"","code":"",false,' +
  '{"type":"published","channel":"{"type":"subscribed","channels":["{"type":"error","code":"';

/**
 * Writes events as the channels' schemas let expect them: a dictionary to compress real ones with. The same
 * declarations give the same text.
 */
export function sampleOf(definitions: ChannelDefinitions): string {
  const samples: string[] = [ANSWERS];
  for (const [name, { events }] of Object.entries(definitions)) {
    const channel = name.endsWith("*") ? name.slice(0, -1) : name;
    for (const [type, schema] of Object.entries(events ?? { "": undefined })) {
      const data = schema === undefined ? "" : dataOf(schema);
      samples.push(eventOf(channel, type.endsWith("*") ? type.slice(0, -1) : type, data));
    }
  }
  samples.push(eventOf("", "", ""));
  return samples.join("\n").slice(-MOST);
}

function eventOf(channel: string, type: string, data: string): string {
  return `{"type":"event","channel":"${channel}","timestamp":"2026-01-01T00:00:00.000Z",` +
    `"event_type":"${type}","data":${data},"offset":1`;
}

function dataOf(schema: unknown): string {
  try {
    const shape = z.toJSONSchema(schema as z.ZodType, { unrepresentable: "any" });
    return valueOf(shape as Shape, DEPTH);
  } catch {
    return ""; // what cannot be said as a JSON Schema cannot be foreseen
  }
}

/** JSON Schema, as far as it lets foresee what will be written. */
interface Shape {
  readonly type?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape | readonly Shape[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
}

function valueOf(shape: Shape, depth: number): string {
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  if (shape.enum !== undefined) return shape.enum.map((value) => JSON.stringify(value)).join(",");
  const choices = shape.anyOf ?? shape.oneOf;
  if (choices !== undefined) return choices.map((choice) => valueOf(choice, depth)).join(",");
  switch (shape.type) {
    case "object":
      if (depth === 0) return "{}";
      return `{${
        Object.entries(shape.properties ?? {})
          .map(([key, value]) => `${JSON.stringify(key)}:${valueOf(value, depth - 1)}`).join(",")
      }}`;
    case "array": {
      const { items } = shape;
      if (depth === 0 || items === undefined || Array.isArray(items)) return "[]";
      return `[${valueOf(items as Shape, depth - 1)}]`;
    }
    case "string":
      return '""';
    case "boolean":
      return "true"; // one of the two, so that what follows goes on; the other is among the answers
    case "null":
      return "null";
    default:
      return "0.";
  }
}
