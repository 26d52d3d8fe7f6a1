/**
 * Holds the codecs against the golden vectors, which were made without them.
 */
import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { canonical, type Outcome, readVectors, type Vector } from "../testing/vectors.ts";
import { closeAction, closeTable, plainCloseCode } from "./close.ts";
import { isAlgorithm } from "./compressor.ts";
import { correlationIdIn, decodeBinary, decodeText, type Inbound } from "./decode.ts";
import { decodeEnvelope, encodeEnvelope } from "./envelope.ts";
import { errorTable, isFailure } from "./errors.ts";
import { Media } from "./event.ts";
import { positionSchema } from "./messages.ts";
import { isChannelName, isOwnChannelName, PatternTable } from "./names.ts";
import { parseJson } from "./json.ts";

const latin1 = new TextDecoder("latin1");
const limits = { text: 10_240, subscribe: 65_536, binary: 1_048_576 };

/** Asserts that `found` is one of the outcomes that the vector permits. */
function assertPermitted({ id, expect }: Vector, found: Outcome): void {
  const permitted = expect.map(comparable);
  const shown = comparable(found);
  if (!permitted.includes(shown)) assertEquals(shown, permitted.join("\nor "), id);
}

function comparable({ media, ...outcome }: Outcome): string {
  return canonical(media === undefined ? outcome : { ...outcome, media: plain(media) });
}

function plain(media: NonNullable<Outcome["media"]>): unknown {
  const { kind, metadata, bytes } = media;
  return { kind, metadata, bytes: latin1.decode(bytes) };
}

function outcomeOf(inbound: Inbound): Outcome {
  switch (inbound.kind) {
    case "application":
      return { kind: "application", message: { ...inbound.message } };
    case "failure": {
      const correlationId = correlationIdIn(inbound);
      return {
        kind: "error",
        code: inbound.failure.code,
        ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
      };
    }
    case "request": {
      const { request } = inbound;
      if (request.type !== "publish" || !(request.data instanceof Media)) {
        return { kind: "request", message: request };
      }
      const { data: { kind, content, metadata }, ...message } = request;
      return { kind: "request", message, media: { kind, bytes: content, metadata } };
    }
  }
}

function decode({ input, granted }: Vector): Inbound {
  if (typeof input === "string") return decodeText(input, limits);
  return decodeBinary(input!, limits, isAlgorithm(granted) ? granted : undefined);
}

const ofClients = (vector: Vector) => vector.from !== "server";

describe("The codecs of the protocol and the golden vectors", () => {
  for (const file of ["client_messages", "envelopes", "compressed"]) {
    it(`agree on ${file}`, () => {
      const vectors = readVectors(file).filter(ofClients);
      assert(vectors.length > 50, `${vectors.length} vectors`);
      for (const vector of vectors) assertPermitted(vector, outcomeOf(decode(vector)));
    });
  }

  it("agree on every envelope after it was written again", () => {
    const vectors = [...readVectors("envelopes"), ...readVectors("compressed")];
    for (const { id, input } of vectors) {
      const envelope = decodeEnvelope(input as Uint8Array);
      if (isFailure(envelope)) continue;
      const again = decodeEnvelope(encodeEnvelope(envelope));
      assert(!isFailure(again), id);
      assertEquals(canonical(again.metadata), canonical(envelope.metadata), id);
      assertEquals(again.kind, envelope.kind, id);
      assertEquals(again.payload, envelope.payload, id);
    }
  });

  it("agree on which errors are recoverable, and on the codes that there are", () => {
    const vectors = readVectors("errors").filter(({ code }) => Object.hasOwn(errorTable, code!));
    assertEquals(vectors.map(({ code }) => code).sort(), Object.keys(errorTable).sort());
    for (const vector of vectors) {
      const { recoverable } = errorTable[vector.code as keyof typeof errorTable];
      assertPermitted(vector, { kind: "error_code", recoverable });
    }
  });

  it("agree on what a close code means, and on the codes that there are", () => {
    const rules = new Map<number, { readonly reason: string }>(
      Object.values(closeTable).map((rule) => [rule.code, rule]),
    );
    const vectors = readVectors("close_codes");
    for (const vector of vectors) {
      const code = vector.code as number;
      const reason = rules.get(code)?.reason;
      assertPermitted(vector, {
        kind: "close",
        action: closeAction(code),
        ...(reason === undefined ? {} : { reason, plain: plainCloseCode(code) }),
      });
    }
    const told = vectors.filter(({ expect }) => expect[0]!["reason"] !== undefined);
    assertEquals(told.map(({ code }) => code), [...rules.keys()]);
  });

  it("agree on the names of channels", () => {
    for (const vector of readVectors("channel_names")) {
      assertPermitted(vector, nameOutcome(vector.name!, vector.declarations));
    }
  });

  it("agree on positions", () => {
    for (const vector of readVectors("positions")) {
      const parsed = parseJson(vector.input as string);
      assert(!isFailure(parsed), vector.id);
      const { data: position } = positionSchema.safeParse(parsed.value);
      assertPermitted(
        vector,
        position === undefined
          ? { kind: "error", code: "invalid_message" }
          : { kind: "position", position },
      );
    }
  });
});

function nameOutcome(name: string, declarations: readonly string[] | undefined): Outcome {
  if (isOwnChannelName(name)) return { kind: "error", code: "forbidden" };
  if (!isChannelName(name)) return { kind: "error", code: "invalid_channel" };
  if (declarations === undefined) return { kind: "name" };
  const declaration = new PatternTable(declarations.map((one) => [one, one] as const)).get(name);
  return declaration === undefined
    ? { kind: "error", code: "unknown_channel" }
    : { kind: "declared", declaration };
}
