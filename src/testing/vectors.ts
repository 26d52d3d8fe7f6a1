/**
 * Reads the golden vectors of conformance/vectors, whose README says what they mean.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";

/** A text or hex, with what is repeated in it written once. */
type Parts = string | readonly (string | { readonly repeat: string; readonly times: number })[];

/** One of the outcomes that a vector permits. */
export interface Outcome {
  readonly kind: string;
  readonly code?: string;
  readonly correlation_id?: string;
  readonly message?: Readonly<Record<string, unknown>>;
  readonly media?: {
    readonly kind: string;
    readonly bytes: Uint8Array;
    readonly metadata: Readonly<Record<string, unknown>>;
  };
  readonly [field: string]: unknown;
}

/** A vector, its input in full. */
export interface Vector {
  readonly id: string;
  readonly from?: "client" | "server" | "either";
  readonly granted?: string;
  readonly code?: string | number;
  readonly name?: string;
  readonly declarations?: readonly string[];
  /** What comes: a text or bytes. */
  readonly input?: string | Uint8Array;
  readonly expect: readonly Outcome[];
}

/** The vectors of one file. */
export function readVectors(file: string): readonly Vector[] {
  const url = new URL(`../../conformance/vectors/${file}.json`, import.meta.url);
  const { vectors } = JSON.parse(readFileSync(url, "utf8"));
  return vectors.map((vector: Record<string, unknown>): Vector => {
    const { json, text, hex, expect, ...rest } = vector;
    const input = hex !== undefined
      ? bytes(hex as Parts)
      : text !== undefined
      ? joined(text as Parts)
      : "json" in vector
      ? JSON.stringify(json)
      : undefined;
    return {
      ...rest,
      ...(input === undefined ? {} : { input }),
      expect: (expect as Record<string, unknown>[]).map(outcome),
    } as unknown as Vector;
  });
}

function outcome({ media, ...rest }: Record<string, unknown>): Outcome {
  if (media === undefined) return rest as Outcome;
  const { hex, ...said } = media as { readonly hex: Parts };
  return { ...rest, media: { ...said, bytes: bytes(hex) } } as unknown as Outcome;
}

function joined(parts: Parts): string {
  if (typeof parts === "string") return parts;
  return parts.map((part) => typeof part === "string" ? part : part.repeat.repeat(part.times))
    .join("");
}

function bytes(parts: Parts): Uint8Array {
  return new Uint8Array(Buffer.from(joined(parts), "hex"));
}

/** The same JSON with the members of its objects in one order, so that it can be compared. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, child: unknown) => {
    if (typeof child !== "object" || child === null || Array.isArray(child)) return child;
    const entries = Object.entries(child).sort(([a], [b]) => a < b ? -1 : 1);
    // Not fromEntries into a plain object alone: a member may be called "__proto__".
    return Object.fromEntries(entries);
  });
}
